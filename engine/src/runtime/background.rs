//! What takes long and holds up nobody: a thread that does one thing after another, and tells the driver.

use crate::driver::DriverInput;
use crate::sync::channel::{Sender, unbounded};
use crate::sync::thread::{Builder, JoinHandle};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Something to do, and what the driver hears of it.
type Job = Box<dyn FnOnce() -> Option<DriverInput> + Send>;

/// The thread, started with the first thing to do. Things are done in the order in which they were asked
/// for.
pub(super) struct Background {
    name: &'static str,
    inbox: Sender<DriverInput>,
    thread: Option<(Sender<Job>, JoinHandle<()>)>,
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
            Some((thread, _)) => thread.send(Box::new(job)).err().map(|unsent| unsent.0),
            None => Some(Box::new(job) as Job),
        };
        if let Some(job) = left {
            perform(&self.inbox, job);
        }
    }

    /// Waits until everything asked for is done.
    pub fn finish(&mut self) {
        if let Some((sender, thread)) = self.thread.take() {
            drop(sender);
            drop(thread.join());
        }
    }
}

fn start(name: &str, inbox: &Sender<DriverInput>) -> io::Result<(Sender<Job>, JoinHandle<()>)> {
    let (sender, jobs) = unbounded::<Job>();
    let inbox = inbox.clone();
    let thread = Builder::new().name(name.into()).spawn(move || jobs.iter().for_each(|job| perform(&inbox, job)))?;
    Ok((sender, thread))
}

fn perform(inbox: &Sender<DriverInput>, job: Job) {
    // Records may be encoded here, which is user code.
    if let Ok(Some(told)) = catch_unwind(AssertUnwindSafe(job)) {
        // The error only says that the driver is gone.
        drop(inbox.send(told));
    }
}
