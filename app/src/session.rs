//! What is open: a source of events and the model folded from them. Knows no egui.

use crate::model::Model;
use crate::source::{Capabilities, EventSource};
use faultline_engine::sim::Control;
use std::time::{Duration, Instant};

/// How long one frame may fold events.
const FOLD_BUDGET: Duration = Duration::from_millis(4);

/// Whether a pump left something for the next frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pumped {
    /// Nothing is waiting.
    All,
    /// The budget was spent.
    More,
}

/// An open program or log.
pub struct Session {
    source: Box<dyn EventSource>,
    model: Model,
    error: Option<String>,
}

impl Session {
    /// Begins to fold a source.
    pub fn new(source: Box<dyn EventSource>) -> Self {
        Self { source, model: Model::default(), error: None }
    }

    /// Folds what has arrived: whole slices, until the budget is spent.
    pub fn pump(&mut self) -> Pumped {
        let started = Instant::now();
        loop {
            let slice = self.source.poll();
            if slice.is_empty() {
                self.error = self.source.take_error().or(self.error.take());
                return Pumped::All;
            }
            slice.iter().for_each(|envelope| self.model.apply(envelope));
            if started.elapsed() >= FOLD_BUDGET {
                return Pumped::More;
            }
        }
    }

    /// Every fact so far.
    pub const fn model(&self) -> &Model {
        &self.model
    }

    /// Sends a control to the source.
    pub fn send(&self, control: Control) {
        self.source.send(control);
    }

    /// What the source can do.
    pub fn capabilities(&self) -> Capabilities {
        self.source.capabilities()
    }

    /// Why the source ended badly.
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }
}
