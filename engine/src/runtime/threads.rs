//! Threads that run code of a program: the loop waits for them before it returns.

use crate::sync::channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, bounded};
use crate::sync::thread::{Builder, JoinHandle};
use std::time::Duration;
use std::{io, mem};

/// How long the end of a run waits for a thread whose code does not look whether it is still wanted; then it
/// and those behind it are left to themselves.
const END_WAIT: Duration = Duration::from_secs(2);

/// Threads that were started and perhaps run.
#[derive(Default)]
pub(super) struct Threads(Vec<Watched>);

struct Watched {
    /// Disconnected when the thread is about to end: joining it takes no time then.
    ended: Receiver<()>,
    thread: JoinHandle<()>,
}

/// A thread holds the first while it works; the second goes to [`Threads::watch`].
pub(super) fn sign_of_life() -> (Sender<()>, Receiver<()>) {
    bounded(1)
}

impl Threads {
    /// Starts a thread.
    pub fn start(&mut self, name: String, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let (alive, ended) = sign_of_life();
        let thread = Builder::new().name(name).spawn(move || {
            let _alive = alive;
            body();
        })?;
        self.watch(ended, thread);
        Ok(())
    }

    /// A thread that somebody else started.
    pub fn watch(&mut self, ended: Receiver<()>, thread: JoinHandle<()>) {
        self.0.retain(|watched| watched.ended.try_recv() == Err(TryRecvError::Empty));
        self.0.push(Watched { ended, thread });
    }

    /// Waits for all, within a limit. Whoever calls this has told them to end.
    pub fn join(&mut self) {
        for Watched { ended, thread } in mem::take(&mut self.0) {
            if ended.recv_timeout(END_WAIT) == Err(RecvTimeoutError::Timeout) {
                return;
            }
            // A thread that panicked has said so.
            drop(thread.join());
        }
    }
}
