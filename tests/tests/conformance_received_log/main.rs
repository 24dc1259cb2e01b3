//! The logs of what is received: Spark's suites of `ReceivedBlockTracker`, `ReceivedBlockHandler` and
//! `WriteAheadLogBackedBlockRDD`, and the bugs that once lost data there.
//!
//! With `--features seeded-bugs` those bugs are switched on, one at a time, and the cases must fail.

mod cleaning;
mod life;
mod metadata;
mod planned;
mod position;
mod records;
mod replaced;
mod retention;
#[cfg(feature = "seeded-bugs")]
mod seeded;
mod waits;
