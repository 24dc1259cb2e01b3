//! Threads of the machine.

pub use parking_lot::{Condvar, Mutex, MutexGuard, RwLock};
pub(crate) use stacker::maybe_grow as with_stack;
pub use std::sync::atomic;
pub(crate) use std::thread_local;

/// Threads.
pub mod thread {
    pub use std::thread::{Builder, JoinHandle, scope, sleep};
    use std::thread::{Scope, ScopedJoinHandle};

    /// A thread that ends before its scope, if the system grants one.
    ///
    /// # Errors
    /// When it does not.
    pub fn spawn_scoped<'scope, T: Send + 'scope>(
        scope: &'scope Scope<'scope, '_>,
        work: impl FnOnce() -> T + Send + 'scope,
    ) -> std::io::Result<ScopedJoinHandle<'scope, T>> {
        Builder::new().spawn_scoped(scope, work)
    }
}

/// Channels.
pub mod channel {
    pub use crossbeam_channel::{
        Receiver, RecvError, RecvTimeoutError, SendError, SendTimeoutError, Sender, TryRecvError, bounded, unbounded,
    };
    use crossbeam_channel::{after, never, select};
    use std::time::Duration;

    /// What came first.
    pub enum First<A, B> {
        /// Something on the one channel, or it is disconnected.
        One(Result<A, RecvError>),
        /// Something on the other channel, or it is disconnected.
        Other(Result<B, RecvError>),
        /// Nothing in time.
        Timeout,
    }

    /// Waits for one of two channels, of which the other need not be there, for a time or for ever.
    pub fn first<A, B>(one: &Receiver<A>, other: Option<&Receiver<B>>, patience: Option<Duration>) -> First<A, B> {
        let never_other = never();
        let timeout = patience.map_or_else(never, after);
        select! {
            recv(one) -> message => First::One(message),
            recv(other.unwrap_or(&never_other)) -> message => First::Other(message),
            recv(timeout) -> _ => First::Timeout,
        }
    }
}
