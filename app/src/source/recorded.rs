//! A recorded log, ours or Spark's.

use super::{Capabilities, EventSource};
use anyhow::Context as _;
use faultline_engine::event::Envelope;
use faultline_engine::eventlog::LogReader;
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
        Ok(Self { events: events.into_iter(), error })
    }
}

impl EventSource for RecordedSource {
    fn poll(&mut self) -> Vec<Envelope> {
        self.events.by_ref().take(SLICE).collect()
    }

    fn send(&self, _: Control) {}

    fn capabilities(&self) -> Capabilities {
        Capabilities { commands: false }
    }

    fn take_error(&mut self) -> Option<String> {
        self.error.take()
    }
}
