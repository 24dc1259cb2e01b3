//! Bugs of the past that tests switch on, to see that they would be found again.
//!
//! Without the feature `seeded-bugs`, which only tests enable, no switch exists and each of them is off.

/// A bug that lost data once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SeededBug {
    /// SPARK-23438: the replay of an allocation empties the queue.
    AllocationClearsQueue,
    /// SPARK-23991: blocks are dropped when their allocation cannot be logged.
    FailedAllocationDrops,
    /// SPARK-5233: blocks that no batch had are mixed into a later one.
    DanglingBlocks,
    /// SPARK-6222: metadata is cleaned by age, whatever became of its batch.
    CleaningByAge,
    /// D-04: a checkpoint whose writing failed once is never tried again.
    FailedCheckpointStays,
    /// D-09: a graph checkpoint counts as written when the store says so, whatever it holds then.
    UnverifiedCheckpoints,
    /// R5.4: a map output of an executor that was lost meanwhile counts.
    MissingEpochCheck,
    /// D-14: one block that cannot be stored ends the storing of blocks.
    PushingEndsSilently,
}

#[cfg(feature = "seeded-bugs")]
mod switch {
    use super::SeededBug;
    use std::cell::Cell;

    crate::sync::thread_local! {
        static ON: Cell<Option<SeededBug>> = const { Cell::new(None) };
    }

    /// Runs `body` with a bug, on this thread, that of the driver in a simulation, and on the threads of its program.
    pub fn with_seeded<R>(bug: SeededBug, body: impl FnOnce() -> R) -> R {
        struct Off;
        impl Drop for Off {
            fn drop(&mut self) {
                ON.set(None);
            }
        }
        let _off = Off;
        ON.set(Some(bug));
        body()
    }

    pub(crate) fn seeded(bug: SeededBug) -> bool {
        ON.get() == Some(bug)
    }

    /// A body for another thread, which has the bug of this one.
    pub(crate) fn handed_on<R>(body: impl FnOnce() -> R + Send) -> impl FnOnce() -> R + Send {
        let bug = ON.get();
        move || match bug {
            Some(bug) => with_seeded(bug, body),
            None => body(),
        }
    }
}

#[cfg(feature = "seeded-bugs")]
pub use switch::with_seeded;
#[cfg(feature = "seeded-bugs")]
pub(crate) use switch::{handed_on, seeded};

/// Whether a bug is switched on.
#[cfg(not(feature = "seeded-bugs"))]
pub(crate) const fn seeded(_: SeededBug) -> bool {
    false
}

/// A body for another thread, which has the bug of this one.
#[cfg(not(feature = "seeded-bugs"))]
pub(crate) const fn handed_on<F>(body: F) -> F {
    body
}
