//! The whole system in one deterministic run: driver, executors, receivers, reliable store, supervisor and clock,
//! under faults that a seed chooses, with what must hold held against what happened outside of the engine.
//!
//! A [`SystemPlan`] is everything that a seed decides. Faults strike in the first part of a run (safety); then
//! everything is healed, and the stream must come to its end in bounded time (liveness). The world around the
//! engine, which outlives its drivers, is in `world.rs`; what a plan must give is judged in `verdict.rs`.

mod evidence;
mod faults;
mod files;
mod input;
mod plan;
mod program;
mod run;
mod two_drivers;
mod verdict;
mod watch;
mod world;

pub use plan::{Crash, Ending, Input, Shape, SinkKind, SystemPlan};
pub use run::{Ran, run, run_with};
pub use two_drivers::{Rivals, two_drivers};
pub use world::DIR;
