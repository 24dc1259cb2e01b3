//! A recorded log, ours or Spark's.

use super::{Capabilities, EventSource};
use anyhow::Context as _;
use faultline_engine::event::{Envelope, Event};
use faultline_engine::eventlog::LogReader;
use faultline_engine::ids::BatchId;
use faultline_engine::sim::Control;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// Events handed over at once.
const SLICE: usize = 512;

/// All events of a log file.
pub struct RecordedSource {
    events: std::vec::IntoIter<Envelope>,
    error: Option<String>,
    /// Drawn with the controls of a live run.
    as_live: bool,
}

/// The events of a run that was made for a picture: drawn as if it were still live.
impl From<Vec<Envelope>> for RecordedSource {
    fn from(events: Vec<Envelope>) -> Self {
        Self { events: events.into_iter(), error: None, as_live: true }
    }
}

impl RecordedSource {
    /// Reads a log to its end; what is unreadable is reported once and skipped.
    ///
    /// # Errors
    /// When the file cannot be opened, or holds no event.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("Cannot open the event log {}", path.display()))?;
        let mut events = Vec::new();
        let mut error = None;
        for envelope in LogReader::new(BufReader::new(file)) {
            match envelope {
                Ok(envelope) => events.push(envelope),
                Err(bad) => drop(error.get_or_insert_with(|| bad.to_string())),
            }
        }
        if events.is_empty() {
            let why = error.unwrap_or_else(|| "it is empty".to_owned());
            anyhow::bail!("{} is no event log of Faultline or Spark: {why}", path.display());
        }
        Ok(Self { events: events.into_iter(), error, as_live: false })
    }
}

impl RecordedSource {
    /// The events up to the end of a batch.
    #[must_use]
    pub fn until_completed(self, batch: BatchId) -> Self {
        let all: Vec<Envelope> = self.events.as_slice().to_vec();
        let ends = |e: &Envelope| matches!(e.event, Event::BatchCompleted { batch: b, .. } if b == batch);
        let len = all.iter().position(ends).map_or(all.len(), |i| i + 1);
        Self { events: all.into_iter().take(len).collect::<Vec<_>>().into_iter(), ..self }
    }
}

impl EventSource for RecordedSource {
    fn poll(&mut self) -> Vec<Envelope> {
        self.events.by_ref().take(SLICE).collect()
    }

    fn send(&self, _: Control) {}

    fn capabilities(&self) -> Capabilities {
        Capabilities { commands: self.as_live, pacing: self.as_live }
    }

    fn take_error(&mut self) -> Option<String> {
        self.error.take()
    }
}
