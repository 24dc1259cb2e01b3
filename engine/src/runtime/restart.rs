//! The end of the driver on threads, and its restart (R16).

use super::background::Background;
use super::cluster::Executors;
use super::live::{Live, Next};
use super::received_log::ReceivedLogWriter;
use super::receivers::Receivers;
use super::slots;
use crate::driver::{Driver, Effects};
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

    /// Waits as the supervisor does and starts a driver again; returns whether there is one.
    pub(super) fn restart(&mut self) -> bool {
        let ended = self.supervision.ended(self.shared.clock.now(), DriverEnd::Crashed);
        let AfterEnd::Restart { delay, at } = ended else { return false };
        self.renew();
        loop {
            match self.next_until(Some(at)) {
                // Nothing sends any more: its time has come.
                Next::Input(_) if self.shared.clock.now() >= at => break,
                Next::Input(_) => {}
                Next::Control(Control::Command(command)) => {
                    let mut fx = Effects::default();
                    self.driver.refuse(self.shared.clock.now(), command, at, &mut fx);
                    self.perform(fx);
                }
                Next::Control(control) => self.control(control),
            }
            if self.outcome.is_some() {
                return false;
            }
        }
        let mut fx = Effects::default();
        self.driver.restart(self.shared.clock.now(), delay, &mut fx);
        self.perform(fx);
        true
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
