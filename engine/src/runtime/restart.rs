//! The end of the driver on threads, and its restart (R16).

use super::background::Background;
use super::cluster::Executors;
use super::live::{Live, Next, Unsupervised};
use super::received_log::ReceivedLogWriter;
use super::receivers::Receivers;
use super::slots;
use crate::command::Command;
use crate::driver::{Driver, Effects};
use crate::ids::Millis;
use crate::rdd::SparkContext;
use crate::sim::Control;
use crate::storage::DiskStore;
use crate::supervise::{AfterEnd, DriverEnd};
use crate::sync::Mutex;
use crate::sync::channel::unbounded;
use std::sync::Arc;

impl Live<'_> {
    /// A context for a run of the program; ids of the one before it are not used again.
    pub(super) fn new_context(&self, former: Option<&SparkContext>) -> SparkContext {
        let sc = SparkContext::new(
            Arc::clone(&self.shared.config),
            Arc::new(slots::SlotRunner),
            Arc::clone(&self.files),
            Arc::clone(&self.shared.store),
            Arc::clone(&self.released),
        );
        if let Some(former) = former {
            sc.continue_numbers(former);
        }
        sc
    }

    pub(super) fn start_program(&mut self, sc: &SparkContext) {
        let (program, sc) = (Arc::clone(&self.program), sc.clone());
        self.spawn(Driver::MAIN, "main", move || program(&sc));
    }

    /// Waits as the supervisor does, or for somebody who wants it, and starts a driver again; returns whether there
    /// is one.
    pub(super) fn restart(&mut self) -> bool {
        let lost = self.shared.clock.now();
        let ended = self.supervision.ended(lost, DriverEnd::Crashed);
        if ended == AfterEnd::Over && self.unsupervised == Unsupervised::Ends {
            return false;
        }
        self.renew();
        if let AfterEnd::Restart { at, .. } = ended {
            let mut fx = Effects::default();
            self.driver.schedule(lost, at, &mut fx);
            self.perform(fx);
        }
        if !self.await_start() {
            return false;
        }
        let now = self.shared.clock.now();
        let mut fx = Effects::default();
        self.driver.restart(now, Millis(now.ns_since(lost) / 1_000_000), &mut fx);
        self.perform(fx);
        true
    }

    /// Returns whether the driver may start now.
    fn await_start(&mut self) -> bool {
        while self.outcome.is_none() {
            let at = self.supervision.start_at();
            if at.is_none() && self.unsupervised == Unsupervised::Ends {
                return false;
            }
            match self.next_until(at) {
                // Nothing sends any more: its time has come.
                Next::Input(_) if at.is_some_and(|at| self.shared.clock.now() >= at) => return true,
                Next::Input(_) => {}
                Next::Control(Control::Command(command)) => {
                    let start = command == Command::RestartDriver;
                    let mut fx = Effects::default();
                    self.driver.command_before_start(self.shared.clock.now(), command, at, &mut fx);
                    self.perform(fx);
                    if start {
                        return true;
                    }
                }
                Next::Control(control) => self.control(control),
            }
        }
        false
    }

    /// Of the former driver's things nothing is left but the reliable store.
    fn renew(&mut self) {
        let (sender, inbox) = unbounded();
        self.inbox = inbox;
        let logs = ReceivedLogWriter::new(Arc::clone(&self.shared.store), self.shared.config.receiver_log.metadata);
        self.received_log = Arc::new(Mutex::new(logs));
        self.log_worker = Background::new("received-log", sender.clone());
        self.store_worker = Background::new("store", sender.clone());
        self.copying = Background::new("copying", sender.clone());
        self.shared.inbox = sender;
        self.executors = Executors::new(&self.shared.config, DiskStore::temporary);
        self.shared.cluster = Arc::clone(&self.executors.cluster);
        self.running.clear();
        self.receivers = Receivers::default();
        self.released = Arc::default();
        self.store.begin_again();
        self.driver = Driver::after(&mut self.driver, Arc::clone(&self.released));
        self.driver_lost = false;
    }
}
