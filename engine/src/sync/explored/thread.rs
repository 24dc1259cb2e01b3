//! Threads.

use super::clock::Deadline;
use std::time::Duration;

pub use shuttle::thread::{Builder, JoinHandle};

/// Returns when the time has passed.
pub fn sleep(time: Duration) {
    let deadline = Deadline::after(time);
    while !deadline.passes() {}
}
