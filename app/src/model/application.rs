//! The application: name, clock, seed, settings, and when it ran.

use super::Model;
use faultline_engine::command::SuperviseMode;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use imbl::OrdMap;
use std::collections::BTreeMap;

/// Application facts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Application {
    /// Program name.
    pub name: String,
    /// Application id.
    pub id: String,
    /// Seed, if the log tells.
    pub seed: u64,
    /// Virtual or wall.
    pub clock: Option<ClockKind>,
    /// When it started.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Settings.
    pub properties: OrdMap<String, String>,
}

impl Model {
    pub(super) fn log_started(&mut self, seed: u64, clock: ClockKind) {
        self.application.seed = seed;
        self.application.clock = Some(clock);
    }

    pub(super) fn environment_updated(&mut self, properties: &BTreeMap<String, String>) {
        for (key, value) in properties {
            self.application.properties.insert(key.clone(), value.clone());
        }
        if let Some(supervised) = properties.get("faultline.supervise") {
            self.driver.supervised = SuperviseMode::from_setting(supervised == "true");
        }
    }

    pub(super) fn application_started(&mut self, name: &str, id: &str) {
        name.clone_into(&mut self.application.name);
        id.clone_into(&mut self.application.id);
        self.application.started = Some(self.now);
        self.driver_began();
        self.tell_application_started();
    }

    pub(super) fn application_ended(&mut self) {
        self.application.ended = Some(self.now);
        self.tell_application_ended();
    }
}
