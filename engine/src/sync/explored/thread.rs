//! Threads.

use super::clock::Deadline;
use std::time::Duration;

pub use shuttle::thread::{Builder, JoinHandle, scope};
use shuttle::thread::{Scope, ScopedJoinHandle};

/// A thread that ends before its scope.
///
/// # Errors
/// None here; where threads are real, the system may refuse one.
pub fn spawn_scoped<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> std::io::Result<ScopedJoinHandle<'scope, T>> {
    Ok(scope.spawn(work))
}

/// Returns when the time has passed.
pub fn sleep(time: Duration) {
    let deadline = Deadline::after(time);
    while !deadline.passes() {}
}
