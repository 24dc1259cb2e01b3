//! Lines to envelopes.

use super::record::{LineError, Stamp, read_line, timestamp_of_ms};
use super::spark::SparkLog;
use crate::event::{Envelope, Event};
use crate::ids::Timestamp;
use std::collections::VecDeque;
use std::io::{self, BufRead, Read};

/// The longest line that is read: a job over the longest lineage we plan for fits several times.
pub const MAX_LINE_BYTES: u64 = 256 << 20;

/// What is wrong with a line. Lines count from 1.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The source failed; nothing more is read.
    #[error("cannot read the log: {source} (line {line})")]
    Io {
        /// Line that was being read.
        line: u64,
        /// What failed.
        source: io::Error,
    },
    /// Not a JSON object with an `Event`.
    #[error("not an event: {message} (line {line})")]
    Malformed {
        /// Line.
        line: u64,
        /// What the parser says.
        message: String,
    },
    /// A known kind of event with a missing or ill-typed field.
    #[error("cannot read {event}: {message} (line {line})")]
    Payload {
        /// Line.
        line: u64,
        /// Name of the event.
        event: String,
        /// What the parser says.
        message: String,
    },
    /// Longer than [`MAX_LINE_BYTES`]; the rest of the log is not read.
    #[error("longer than {MAX_LINE_BYTES} bytes (line {line})")]
    TooLong {
        /// Line.
        line: u64,
    },
}

/// Reads a log of ours or of Spark. After an error in a line, the next call goes on with the next line.
///
/// In a log of Spark, envelopes are numbered as they come (what is added has numbers too), an event
/// without a time has that of the event before it, and what comes before the first time has that time.
#[derive(Debug)]
pub struct LogReader<R: BufRead> {
    source: R,
    spark: SparkLog,
    line: Vec<u8>,
    line_number: u64,
    next_seq: u64,
    now: Option<Timestamp>,
    /// What to deliver, in the order of the lines; not before its time is known.
    ready: VecDeque<Result<Envelope, ReadError>>,
    truncated: bool,
    ended: bool,
}

impl<R: BufRead> LogReader<R> {
    /// Reads from the first line of `source`.
    pub fn new(source: R) -> Self {
        Self {
            source,
            spark: SparkLog::default(),
            line: Vec::new(),
            line_number: 0,
            next_seq: 0,
            now: None,
            ready: VecDeque::new(),
            truncated: false,
            ended: false,
        }
    }

    /// Whether the last line was cut off in the middle, as when the writer was killed.
    pub fn truncated(&self) -> bool {
        self.truncated
    }

    /// Lines read so far.
    pub fn lines(&self) -> u64 {
        self.line_number
    }

    /// Reads the next line and makes its envelopes ready.
    fn advance(&mut self) -> Result<(), ReadError> {
        self.line.clear();
        let line = self.line_number + 1;
        let read = self.source.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut self.line);
        let read = read.map_err(|source| {
            self.ended = true;
            ReadError::Io { line, source }
        })?;
        if read == 0 {
            self.ended = true;
            return Ok(());
        }
        self.line_number = line;
        let complete = self.line.last() == Some(&b'\n');
        if !complete {
            self.ended = true;
            if self.line.len() as u64 >= MAX_LINE_BYTES {
                return Err(ReadError::TooLong { line });
            }
        }
        let text = self.line.trim_ascii_end();
        if text.is_empty() {
            return Ok(());
        }
        let reading = match std::str::from_utf8(text) {
            Ok(text) => read_line(text, &mut self.spark),
            Err(_) if !complete => {
                self.truncated = true;
                return Ok(());
            }
            Err(error) => return Err(ReadError::Malformed { line, message: error.to_string() }),
        };
        match reading {
            Ok(reading) => {
                let events = reading.added.into_iter().chain(reading.event);
                self.deliver(events, reading.stamp, reading.time_ms);
                Ok(())
            }
            Err(LineError::Json(_)) if !complete => {
                self.truncated = true;
                Ok(())
            }
            Err(LineError::Json(error)) => Err(ReadError::Malformed { line, message: error.to_string() }),
            Err(LineError::Payload { event, error }) => {
                Err(ReadError::Payload { line, event, message: error.to_string() })
            }
        }
    }

    fn deliver(&mut self, events: impl Iterator<Item = Event>, stamp: Option<Stamp>, time_ms: Option<u64>) {
        let time = stamp.map(|stamp| Timestamp(stamp.at_ns)).or(time_ms.map(timestamp_of_ms));
        if let Some(at) = time {
            if self.now.is_none() {
                self.ready.iter_mut().flatten().for_each(|waiting| waiting.at = at);
            }
            self.now = Some(at);
        }
        if let Some(stamp) = stamp {
            self.next_seq = stamp.seq;
        }
        let at = self.now.unwrap_or_default();
        for event in events {
            self.ready.push_back(Ok(Envelope { seq: self.next_seq, at, event }));
            self.next_seq = self.next_seq.wrapping_add(1);
        }
    }
}

impl<R: BufRead> Iterator for LogReader<R> {
    type Item = Result<Envelope, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended && (self.ready.is_empty() || self.now.is_none()) {
            if let Err(error) = self.advance() {
                self.ready.push_back(Err(error));
            }
        }
        self.ready.pop_front()
    }
}
