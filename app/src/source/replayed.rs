//! The events of a run that ended, from memory: a lane of a race.

use super::{Capabilities, EventSource};
use faultline_engine::event::Envelope;
use faultline_engine::sim::Control;
use std::sync::Arc;

/// Events handed over at once.
const SLICE: usize = 512;

/// Shared events, given from the first to the last; takes no commands.
pub struct ReplayedSource {
    events: Arc<Vec<Envelope>>,
    given: usize,
}

impl ReplayedSource {
    /// Begins with the first event.
    pub const fn new(events: Arc<Vec<Envelope>>) -> Self {
        Self { events, given: 0 }
    }
}

impl EventSource for ReplayedSource {
    fn poll(&mut self) -> Vec<Envelope> {
        let end = self.events.len().min(self.given + SLICE);
        let slice = self.events[self.given..end].to_vec();
        self.given = end;
        slice
    }

    fn send(&self, _: Control) {}

    fn capabilities(&self) -> Capabilities {
        Capabilities { commands: false, pacing: false }
    }

    fn take_error(&mut self) -> Option<String> {
        None
    }
}
