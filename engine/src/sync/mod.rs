//! What threads share, and where they wait for each other: locks, atomics, channels, threads, what is local to a
//! thread, and time.
//!
//! The engine takes all of these from here. They are parking_lot's, crossbeam's and the standard library's; with
//! the feature `shuttle` they are such that the crate `shuttle` decides at each of them which thread goes on, and
//! a test runs the engine itself under many schedules. An engine built so runs only inside of such a test.

#[cfg(feature = "shuttle")]
mod explored;
#[cfg(not(feature = "shuttle"))]
mod real;

#[cfg(feature = "shuttle")]
pub use explored::*;
#[cfg(not(feature = "shuttle"))]
pub use real::*;
