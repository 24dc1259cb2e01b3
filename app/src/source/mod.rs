//! Where events come from: a live engine or a recorded log. The session folds either the same way.

mod live;
mod recorded;
mod replayed;

pub use live::{LiveSource, Start, start_live};
pub use recorded::RecordedSource;
pub use replayed::ReplayedSource;

use faultline_engine::event::Envelope;
use faultline_engine::sim::Control;

/// What a source can do beside giving events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Takes commands and transport.
    pub commands: bool,
}

/// A stream of events.
pub trait EventSource {
    /// The next events, in order; empty when there is none now.
    fn poll(&mut self) -> Vec<Envelope>;
    /// Sends a control; a recorded log ignores it.
    fn send(&self, control: Control);
    /// What it can do.
    fn capabilities(&self) -> Capabilities;
    /// Why it ended badly, once.
    fn take_error(&mut self) -> Option<String>;
}
