//! The end of a driver, and the one that comes after it (R16).
//!
//! With a driver everything of its application is gone but the reliable store and what outlives processes: its
//! executors with their blocks and map outputs, and the threads of the program. The next driver goes on with the
//! same log, so that no id is used twice in it.

use super::Driver;
use super::effects::{Effect, Effects};
use crate::command::Command;
use crate::event::{Event, ScheduledRestart};
use crate::ids::*;
use crate::rdd::Released;
use crate::scheduler::Outbox;
use crate::sync::Mutex;
use std::sync::Arc;

/// Why executors are gone that went with their driver.
const WITH_THE_DRIVER: &str = "Driver lost: its executors ended with it";

impl Driver {
    /// The driver is gone: it decides nothing more, and the loop carries out nothing that comes after this.
    pub(super) fn lose(&mut self, now: Timestamp, reason: &str, fx: &mut Effects) {
        self.emit(now, fx, Event::DriverLost { attempt: self.attempt, reason: reason.to_owned() });
        self.report_lost_receivers(now, fx);
        for executor in self.scheduler.block_managers() {
            self.emit(now, fx, Event::BlockManagerRemoved { executor });
        }
        let executors: Vec<ExecutorId> = self.scheduler.executors().collect();
        for executor in executors {
            self.emit(now, fx, Event::ExecutorRemoved { executor, reason: WITH_THE_DRIVER.to_owned() });
        }
        self.lost = true;
        fx.push(Effect::DriverLost);
    }

    /// The driver that runs after `former`, which is lost: it knows nothing of it but which ids are taken and
    /// which faults are still to come.
    #[must_use]
    pub fn after(former: &mut Self, released: Arc<Mutex<Released>>) -> Self {
        let mut next = Self::new(Arc::clone(&former.config), released);
        next.scheduler.continue_numbers(&former.scheduler);
        next.attempt = former.attempt + 1;
        next.planned = std::mem::take(&mut former.planned);
        next.stops_when_started = former.stops_when_started;
        next.begun = former.begun;
        next.next_executor = former.next_executor;
        next.next_slot = former.next_slot;
        next.next_seq = former.next_seq;
        next.inputs = former.inputs;
        next
    }

    /// Announces that it runs, `delay` after the former one was lost, and asks for executors.
    pub fn restart(&mut self, now: Timestamp, delay: Millis, fx: &mut Effects) {
        self.emit(now, fx, Event::DriverStarted { attempt: self.attempt, delay });
        self.start_executors(now, fx);
    }

    /// Announces when its supervisor is going to start it.
    pub fn schedule(&mut self, now: Timestamp, at: Timestamp, fx: &mut Effects) {
        self.emit(now, fx, Event::DriverRestartScheduled(ScheduledRestart { attempt: self.attempt, at }));
    }

    /// Answers a command that comes while no driver runs, before this one is started: at `at`, or when somebody
    /// asks for it. Only what is about that start can be done now.
    pub fn command_before_start(&mut self, now: Timestamp, command: Command, at: Option<Timestamp>, fx: &mut Effects) {
        match command {
            Command::SuperviseDriver { mode } => fx.push(Effect::Supervise(mode)),
            // The loop starts it.
            Command::RestartDriver => {}
            _ => {
                let reason = match at {
                    Some(at) => {
                        let wait = at.ns_since(now).div_ceil(1_000_000);
                        format!("the driver is gone; it starts again in {wait} ms, try again then")
                    }
                    None => "the driver is gone, and nobody supervises it; restart it first".to_owned(),
                };
                self.emit(now, fx, Event::CommandRejected { command, reason });
                return;
            }
        }
        self.emit(now, fx, Event::CommandApplied { command, before_input: self.inputs });
    }

    pub(super) fn start_executors(&mut self, now: Timestamp, fx: &mut Effects) {
        for _ in 0..self.config.executors {
            let mut out = Outbox::default();
            self.start_executor(now, None, &mut out, fx);
            self.drain(now, &mut out, fx);
        }
    }
}
