//! Work off the window's thread: a named thread that leaves its result in a channel and wakes the
//! window.

use crossbeam_channel::{Receiver, TryRecvError, bounded};
use std::sync::Arc;

/// Asks the window for a frame; can be called from any thread.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// Something that a thread works on.
#[derive(Debug)]
pub struct Job<T>(Receiver<T>);

/// How far a job is.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress<T> {
    /// Not yet done.
    Running,
    /// Done.
    Done(T),
    /// Its thread ended without a result: it panicked, or could not be started.
    Broken,
}

impl<T: Send + 'static> Job<T> {
    /// Starts to work.
    pub fn start(name: &str, wake: Wake, work: impl FnOnce() -> T + Send + 'static) -> Self {
        let (result_in, result) = bounded(1);
        let started = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            // Wakes also when the work panics.
            let wake = WakeAtEnd(wake);
            // A window that is gone needs no result.
            drop(result_in.send(work()));
            drop(result_in);
            drop(wake);
        });
        // Without a thread the channel is closed, and the job is broken.
        drop(started);
        Self(result)
    }

    /// A job that is done already.
    pub fn done(result: T) -> Self {
        let (result_in, receiver) = bounded(1);
        drop(result_in.send(result));
        Self(receiver)
    }

    /// Waits for its end.
    pub fn wait(self) {
        // Without a result it has ended too.
        drop(self.0.recv());
    }

    /// How far it is; a result is given once.
    pub fn poll(&self) -> Progress<T> {
        match self.0.try_recv() {
            Ok(result) => Progress::Done(result),
            Err(TryRecvError::Empty) => Progress::Running,
            Err(TryRecvError::Disconnected) => Progress::Broken,
        }
    }
}

struct WakeAtEnd(Wake);

impl Drop for WakeAtEnd {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without this a result waits unseen until the user moves the pointer, or a panic is waited for
    /// for ever.
    #[test]
    fn the_window_is_woken_and_a_panic_is_seen() {
        let (woken_in, woken) = crossbeam_channel::unbounded();
        let wake: Wake = Arc::new(move || woken_in.send(()).unwrap_or_default());
        let job = Job::start("test", Arc::clone(&wake), || 7);
        woken.recv().unwrap();
        assert_eq!(job.poll(), Progress::Done(7));
        let job = Job::start("test", wake, || std::panic::resume_unwind(Box::new("expected")));
        woken.recv().unwrap();
        // The channel is closed when the thread has unwound, which may be just after the call.
        loop {
            match job.poll() {
                Progress::Running => std::thread::yield_now(),
                Progress::Done(()) => unreachable!("it panicked"),
                Progress::Broken => break,
            }
        }
    }
}
