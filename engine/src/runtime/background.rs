//! What takes long and holds up nobody: a thread that does one thing after another, and tells the driver.

use super::threads::sign_of_life;
use crate::driver::DriverInput;
use crate::sync::channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use crate::sync::thread::{Builder, JoinHandle};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// How long the end of a run waits for what the store still has to do: longer than any disk takes that answers.
const END_WAIT: Duration = Duration::from_secs(30);

/// Something to do, and what the driver hears of it.
type Job = Box<dyn FnOnce() -> Option<DriverInput> + Send>;

/// The thread, started with the first thing to do. Things are done in the order in which they were asked
/// for.
pub(super) struct Background {
    name: &'static str,
    inbox: Sender<DriverInput>,
    thread: Option<Working>,
}

/// A thread that works, and how it hears that nothing more comes.
struct Working {
    jobs: Sender<Job>,
    /// Disconnected when it is about to end.
    ended: Receiver<()>,
    thread: JoinHandle<()>,
}

impl Background {
    /// Not started yet.
    pub fn new(name: &'static str, inbox: Sender<DriverInput>) -> Self {
        Self { name, inbox, thread: None }
    }

    /// Hands something over; without a thread it is done here.
    pub fn send(&mut self, job: impl FnOnce() -> Option<DriverInput> + Send + 'static) {
        if self.thread.is_none() {
            self.thread = start(self.name, &self.inbox).ok();
        }
        let left = match &self.thread {
            Some(working) => working.jobs.send(Box::new(job)).err().map(|unsent| unsent.0),
            None => Some(Box::new(job) as Job),
        };
        if let Some(job) = left {
            perform(&self.inbox, job);
        }
    }

    /// Waits until everything asked for is done, unless the store does not answer: then it is left to itself.
    pub fn finish(&mut self) {
        if let Some(Working { jobs, ended, thread }) = self.thread.take() {
            drop(jobs);
            if ended.recv_timeout(END_WAIT) != Err(RecvTimeoutError::Timeout) {
                drop(thread.join());
            }
        }
    }
}

fn start(name: &str, inbox: &Sender<DriverInput>) -> io::Result<Working> {
    let (sender, jobs) = unbounded::<Job>();
    let (alive, ended) = sign_of_life();
    let inbox = inbox.clone();
    let thread = Builder::new().name(name.into()).spawn(move || {
        let _alive = alive;
        jobs.iter().for_each(|job| perform(&inbox, job));
    })?;
    Ok(Working { jobs: sender, ended, thread })
}

fn perform(inbox: &Sender<DriverInput>, job: Job) {
    // Records may be encoded here, which is user code.
    if let Ok(Some(told)) = catch_unwind(AssertUnwindSafe(job)) {
        // The error only says that the driver is gone.
        drop(inbox.send(told));
    }
}
