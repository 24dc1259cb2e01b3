//! What is open: a source of events and the model folded from them. Knows no egui.

use crate::model::Model;
use crate::source::{Capabilities, EventSource};
use faultline_engine::event::Envelope;
use faultline_engine::sim::Control;
use std::sync::Arc;
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

/// The events that a session has folded, in order. Cheap to clone, so that a thread can write them.
#[derive(Clone, Debug, Default)]
pub struct History(Vec<Arc<Vec<Envelope>>>);

impl History {
    /// Every event, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Envelope> {
        self.0.iter().flat_map(|slice| slice.iter())
    }

    /// Whether nothing has happened.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// An open program or log.
pub struct Session {
    source: Box<dyn EventSource>,
    model: Model,
    history: History,
    error: Option<String>,
}

impl Session {
    /// Begins to fold a source.
    pub fn new(source: Box<dyn EventSource>) -> Self {
        Self { source, model: Model::default(), history: History::default(), error: None }
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
            self.history.0.push(Arc::new(slice));
            if started.elapsed() >= FOLD_BUDGET {
                return Pumped::More;
            }
        }
    }

    /// Every fact so far.
    pub const fn model(&self) -> &Model {
        &self.model
    }

    /// Every event so far.
    pub fn history(&self) -> History {
        self.history.clone()
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
