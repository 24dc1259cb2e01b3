//! Where events come from: a live engine or a recorded log. The session folds either the same way.

mod live;
mod recorded;
mod replayed;

pub use live::{LiveSource, Start, Waker, start_live};
pub use recorded::RecordedSource;
pub use replayed::ReplayedSource;

use faultline_engine::event::Envelope;
use faultline_engine::programs::InputSource;
use faultline_engine::sim::Control;

/// What a source can do beside giving events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Takes commands, and can be paused.
    pub commands: bool,
    /// Can be stepped, and run at another speed: its clock is virtual.
    pub pacing: bool,
}

/// A stream of events. A source may be ended on another thread than the one that polled it.
pub trait EventSource: Send {
    /// The next events, in order; empty when there is none now.
    fn poll(&mut self) -> Vec<Envelope>;
    /// Sends a control; a recorded log ignores it.
    fn send(&self, control: Control);
    /// What it can do.
    fn capabilities(&self) -> Capabilities;
    /// The input of a race of what runs here, which reads it again, or receives it again from a client that is simulated;
    /// none where there is nothing to race.
    fn raced_input(&self) -> Option<InputSource> {
        let Capabilities { commands, pacing } = self.capabilities();
        (commands && pacing).then_some(InputSource::Replay)
    }
    /// The share that has been read, while a log is being read.
    fn progress(&self) -> Option<f32> {
        None
    }
    /// Why it ended badly, once.
    fn take_error(&mut self) -> Option<String>;
}
