//! Threads that `shuttle` schedules: one runs at a time, and at each step of the parts below another may go on.

mod clock;
mod local;
mod locks;

pub mod channel;
pub mod thread;

pub use clock::now;
pub(crate) use local::{LocalKey, thread_local};
pub use locks::{Condvar, Mutex, MutexGuard, RwLock};
pub use shuttle::sync::atomic;

/// Calls `f`: the stacks of these threads have one size, which the test chooses.
pub(crate) fn with_stack<R>(_least: usize, _more: usize, f: impl FnOnce() -> R) -> R {
    f()
}
