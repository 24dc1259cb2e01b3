//! The end of the driver in the simulator, and its restart (R16).

use super::held::Held;
use super::pacing::Waited;
use super::receivers::Receivers;
use super::run::Simulation;
use crate::command::Command;
use crate::driver::{Driver, DriverInput, Effects, Reply};
use crate::ids::Millis;
use crate::rdd::SparkContext;
use crate::runtime::cluster::Executors;
use crate::runtime::{ReceivedLogWriter, slots};
use crate::storage::DiskStore;
use crate::supervise::{AfterEnd, DriverEnd};
use crate::sync::channel::unbounded;
use std::sync::Arc;

impl Simulation<'_> {
    /// A context for a run of the program; ids of the one before it are not used again.
    pub(super) fn new_context(&self, former: Option<&SparkContext>) -> SparkContext {
        let sc = SparkContext::new(
            Arc::clone(&self.config),
            Arc::new(slots::SlotRunner),
            Arc::clone(&self.environment.files),
            Arc::clone(&self.environment.store),
            Arc::clone(&self.released),
        );
        if let Some(former) = former {
            sc.continue_numbers(former);
        }
        sc
    }

    /// The program begins when it is answered.
    pub(super) fn start_program(&mut self, sc: &SparkContext) {
        let (program, sc) = (Arc::clone(&self.program), sc.clone());
        self.spawn(Driver::MAIN, "main", move || program(&sc));
        self.to_resume.push_back((Driver::MAIN, Reply::Done(Ok(()))));
    }

    /// Slots that still wait hear that the driver is gone and unwind.
    pub(super) fn unwind(&mut self) {
        self.slots.clear();
        self.inbox = unbounded();
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }

    /// Waits as the supervisor does, or under a window for somebody who wants it, and starts a driver again;
    /// returns whether there is one.
    pub(super) fn restart(&mut self) -> bool {
        let lost = self.now;
        let ended = self.supervision.ended(lost, DriverEnd::Crashed);
        if ended == AfterEnd::Over && self.pacing.is_none() {
            return false;
        }
        self.renew();
        let mut fx = Effects::default();
        if let AfterEnd::Restart { at, .. } = ended {
            self.driver.schedule(self.now, at, &mut fx);
        }
        self.perform(fx);
        if !self.await_start() || self.broken_off {
            return false;
        }
        let mut fx = Effects::default();
        self.driver.restart(self.now, Millis(self.now.ns_since(lost) / 1_000_000), &mut fx);
        self.perform(fx);
        true
    }

    /// Returns whether the driver may start now.
    fn await_start(&mut self) -> bool {
        loop {
            let at = self.supervision.start_at();
            let Some(pacing) = &mut self.pacing else {
                self.now = at.map_or(self.now, |at| self.now.max(at));
                return at.is_some();
            };
            match pacing.wait(self.now, at) {
                Waited::Due => {
                    self.now = at.map_or(self.now, |at| self.now.max(at));
                    return true;
                }
                Waited::Quit => return false,
                Waited::Command(when, command) => {
                    self.now = self.now.max(when);
                    let start = command == Command::RestartDriver;
                    let mut fx = Effects::default();
                    self.driver.command_before_start(self.now, command, at, &mut fx);
                    self.perform(fx);
                    if start {
                        return true;
                    }
                }
            }
        }
    }

    /// Of the former driver's things nothing is left but the reliable store.
    fn renew(&mut self) {
        self.calendar.clear();
        self.running.clear();
        self.to_resume.clear();
        self.held = Held::default();
        self.receivers = Receivers::default();
        let store = Arc::clone(&self.environment.store);
        self.received_log = ReceivedLogWriter::new(store, self.config.receiver_log.metadata);
        self.production = Arc::default();
        self.released = Arc::default();
        self.executors = Executors::new(&self.config, || Ok(DiskStore::in_memory()));
        self.driver = Driver::after(&mut self.driver, Arc::clone(&self.released));
        self.driver_lost = false;
        self.standing = None;
    }

    /// Hands an input to the driver, as long as there is one.
    pub(super) fn input(&mut self, input: DriverInput) {
        if self.driver_lost {
            return;
        }
        if let Some(standing) = &mut self.standing {
            standing.inputs.push_back(input);
            return;
        }
        let mut fx = Effects::default();
        self.driver.handle(self.now, input, &mut fx);
        self.perform(fx);
    }
}
