//! A recorded log, ours or Spark's.

use super::{Capabilities, EventSource, Waker};
use anyhow::Context as _;
use crossbeam_channel::{Receiver, Sender, bounded};
use faultline_engine::event::{Envelope, Event};
use faultline_engine::eventlog::{LogReader, ReadError};
use faultline_engine::ids::BatchId;
use faultline_engine::sim::Control;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

/// Events handed over at once.
const SLICE: usize = 512;
/// How many slices may wait for a slow window before the reader waits for it.
const BACKLOG: usize = 64;
/// Unreadable lines after which a file without any event is no log: reading it to its end could take
/// minutes.
const PATIENCE: usize = 100;
/// Bytes read from the file at once.
const BUFFER: usize = 1 << 20;

/// All events of a log file.
pub struct RecordedSource {
    feed: Feed,
    error: Option<String>,
    /// Drawn with the controls of a live run.
    as_live: bool,
}

/// Where the events are.
enum Feed {
    /// All here.
    Read(std::vec::IntoIter<Envelope>),
    /// Being read on a thread.
    Reading(Reading),
}

/// The events of a run that was made for a picture: drawn as if it were still live.
impl From<Vec<Envelope>> for RecordedSource {
    fn from(events: Vec<Envelope>) -> Self {
        Self { feed: Feed::Read(events.into_iter()), error: None, as_live: true }
    }
}

impl RecordedSource {
    /// Opens a log and reads it on a thread of its own; what is unreadable is reported once, at the end,
    /// and skipped. `wake` is called when events have been read.
    ///
    /// # Errors
    /// When the file cannot be opened, or does not begin like a log.
    pub fn open(path: &Path, wake: Waker) -> anyhow::Result<Self> {
        let mut log = Log::open(path)?;
        log.expect_event(path)?;
        let bytes = Arc::clone(&log.bytes);
        let total = log.total;
        let (send, slices) = bounded(BACKLOG);
        let thread = std::thread::Builder::new().name("log reader".into()).spawn(move || {
            let error = log.read_on(&send, &wake);
            drop(send);
            wake();
            error
        })?;
        let reading = Reading { slices, bytes, total, thread: Some(thread) };
        Ok(Self { feed: Feed::Reading(reading), error: None, as_live: false })
    }

    /// Reads a log to its end, or to the end of a batch, before it returns.
    ///
    /// # Errors
    /// When the file cannot be opened, or does not begin like a log.
    pub fn read(path: &Path, until: Option<BatchId>) -> anyhow::Result<Self> {
        let mut log = Log::open(path)?;
        log.expect_event(path)?;
        let mut events = Vec::new();
        for envelope in log.by_ref() {
            let ends = matches!(envelope.event, Event::BatchCompleted { batch, .. } if Some(batch) == until);
            events.push(envelope);
            if ends {
                break;
            }
        }
        Ok(Self { feed: Feed::Read(events.into_iter()), error: log.error, as_live: false })
    }
}

impl EventSource for RecordedSource {
    fn poll(&mut self) -> Vec<Envelope> {
        match &mut self.feed {
            Feed::Read(events) => events.by_ref().take(SLICE).collect(),
            Feed::Reading(reading) => reading.slices.try_recv().unwrap_or_default(),
        }
    }

    fn send(&self, _: Control) {}

    fn capabilities(&self) -> Capabilities {
        Capabilities { commands: self.as_live, pacing: self.as_live }
    }

    fn progress(&self) -> Option<f32> {
        match &self.feed {
            Feed::Read(_) => None,
            Feed::Reading(reading) => reading.progress(),
        }
    }

    fn take_error(&mut self) -> Option<String> {
        match &mut self.feed {
            Feed::Read(_) => self.error.take(),
            Feed::Reading(reading) => reading.take_error(),
        }
    }
}

/// A log that a thread reads.
struct Reading {
    slices: Receiver<Vec<Envelope>>,
    bytes: Arc<AtomicU64>,
    total: u64,
    thread: Option<JoinHandle<Option<String>>>,
}

impl Reading {
    fn progress(&self) -> Option<f32> {
        let running = self.thread.as_ref().is_some_and(|thread| !thread.is_finished());
        if !running && self.slices.is_empty() {
            return None;
        }
        Some(self.bytes.load(Ordering::Relaxed) as f32 / self.total.max(1) as f32)
    }

    fn take_error(&mut self) -> Option<String> {
        if !self.thread.as_ref()?.is_finished() || !self.slices.is_empty() {
            return None;
        }
        self.thread.take()?.join().unwrap_or_else(|_| Some("the reader of the log panicked".to_owned()))
    }
}

/// The events of a file, with the first error among them.
struct Log {
    reader: LogReader<BufReader<Counted>>,
    first: Option<Envelope>,
    error: Option<String>,
    bytes: Arc<AtomicU64>,
    total: u64,
}

impl Log {
    fn open(path: &Path) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("Cannot open the event log {}", path.display()))?;
        let total = file.metadata().map_or(0, |metadata| metadata.len());
        let bytes = Arc::new(AtomicU64::new(0));
        let counted = Counted { file, bytes: Arc::clone(&bytes) };
        let reader = LogReader::new(BufReader::with_capacity(BUFFER, counted));
        Ok(Self { reader, first: None, error: None, bytes, total })
    }

    /// Reads the first event and keeps it.
    fn expect_event(&mut self, path: &Path) -> anyhow::Result<()> {
        let mut errors: Vec<ReadError> = Vec::new();
        while errors.len() < PATIENCE && self.first.is_none() {
            match self.reader.next() {
                Some(Ok(envelope)) => self.first = Some(envelope),
                Some(Err(error)) => errors.push(error),
                None => break,
            }
        }
        let why = errors.first().map(ToString::to_string);
        if self.first.is_none() {
            let why = why.unwrap_or_else(|| "it is empty".to_owned());
            anyhow::bail!("{} is no event log of Faultline or Spark: {why}", path.display());
        }
        self.error = why;
        Ok(())
    }

    /// Reads to the end or until nobody wants more.
    fn read_on(mut self, to: &Sender<Vec<Envelope>>, wake: &Waker) -> Option<String> {
        loop {
            let slice: Vec<Envelope> = self.by_ref().take(SLICE).collect();
            // A window that has opened something else needs no more.
            if slice.is_empty() || to.send(slice).is_err() {
                return self.error;
            }
            wake();
        }
    }
}

impl Iterator for Log {
    type Item = Envelope;

    fn next(&mut self) -> Option<Envelope> {
        if self.first.is_some() {
            return self.first.take();
        }
        loop {
            match self.reader.next()? {
                Ok(envelope) => return Some(envelope),
                Err(bad) => drop(self.error.get_or_insert_with(|| bad.to_string())),
            }
        }
    }
}

/// A file that tells how much of it was read.
struct Counted {
    file: File,
    bytes: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.bytes.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
