//! Writing: several records at a time, synced before anybody hears of them (D-27, R18.8).

use super::error::WriteAheadError;
use super::format::{HEADER_BYTES, Header, MAX_RECORD_BYTES, RECORD_HEADER_BYTES, RecordHandle, Standing, push_record};
use super::settings::LogSettings;
use crate::ids::Timestamp;
use crate::object_store::{LogWriter, ObjectStore, StoreError, segment_key};
use std::sync::Arc;

/// How a log begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogStart {
    /// Anew: what is there belongs to something else, and readers do not count it.
    New,
    /// Behind what [`super::read_all`] found, with its next number.
    After {
        /// The number of the next record.
        next: u64,
    },
    /// Its records are read by their handles only; nothing is read before it is written.
    Handles,
}

/// The writer of a log. One thread at a time; [`super::GroupCommit`] is for several.
#[derive(Debug)]
pub struct WriteAheadLog {
    store: Arc<dyn ObjectStore>,
    log: String,
    epoch: u64,
    settings: LogSettings,
    standing: Standing,
    /// The number of the next record.
    next: u64,
    writer: Option<Box<dyn LogWriter>>,
    open: Option<OpenSegment>,
    /// The segment of the last write that was answered.
    last: Option<u64>,
    /// Segments that may end with a write that does not count, since somebody asked for them.
    doubtful: Vec<u64>,
}

/// The segment that grows.
#[derive(Debug)]
struct OpenSegment {
    key: Arc<str>,
    number: u64,
    opened: Timestamp,
    bytes: u64,
}

impl WriteAheadLog {
    /// A writer in the name of the driver of `epoch`. Its first segment is made with its first record.
    pub fn new(
        store: Arc<dyn ObjectStore>,
        log: impl Into<String>,
        epoch: u64,
        start: LogStart,
        settings: LogSettings,
    ) -> Self {
        let (standing, next) = match start {
            LogStart::New => (Standing::Begins, 1),
            LogStart::After { next } => (Standing::Continues, next.max(1)),
            LogStart::Handles => (Standing::Alone, 1),
        };
        Self {
            store,
            log: log.into(),
            epoch,
            settings,
            standing,
            next,
            writer: None,
            open: None,
            last: None,
            doubtful: Vec::new(),
        }
    }

    /// The directory of the log.
    pub fn log(&self) -> &str {
        &self.log
    }

    /// The number of the next record.
    pub const fn next(&self) -> u64 {
        self.next
    }

    /// The segment that grows, if there is one.
    pub fn current(&self) -> Option<u64> {
        self.open.as_ref().map(|open| open.number)
    }

    /// Appends records and returns when they are durable, with one sync for all of them. A write that fails
    /// ends its segment and is tried again in the next one (R18.2).
    ///
    /// # Errors
    /// When it failed [`LogSettings::max_failures`] times; nobody knows then what of it is in the log, and the
    /// next write replaces it. Or when a record is too large: then nothing is written.
    pub fn append(&mut self, now: Timestamp, records: &[&[u8]]) -> Result<Vec<RecordHandle>, WriteAheadError> {
        if let Some(large) = records.iter().find(|record| record.len() > MAX_RECORD_BYTES) {
            return Err(WriteAheadError::TooLarge { bytes: large.len() as u64, max: MAX_RECORD_BYTES as u64 });
        }
        let mut failures = 0;
        loop {
            match self.try_append(now, records) {
                Ok(handles) => return Ok(handles),
                Err(last) => {
                    self.doubtful.extend(self.open.take().map(|open| open.number));
                    failures += 1;
                    if failures >= self.settings.max_failures.max(1) {
                        return Err(WriteAheadError::GaveUp { failures, last });
                    }
                }
            }
        }
    }

    fn try_append(&mut self, now: Timestamp, records: &[&[u8]]) -> Result<Vec<RecordHandle>, StoreError> {
        let limit = self.settings.segment_bytes;
        let spent = |open: &OpenSegment| open.opened.plus(self.settings.roll_every) <= now || open.bytes >= limit;
        if self.open.as_ref().is_some_and(spent) {
            self.open = None;
        }
        let mut bytes = Vec::new();
        if self.open.is_none() {
            self.begin_segment(now, &mut bytes)?;
        }
        let (Some(open), Some(writer)) = (&mut self.open, &mut self.writer) else { return Ok(Vec::new()) };
        let mut handles = Vec::with_capacity(records.len());
        let mut next = if self.standing == Standing::Alone && !bytes.is_empty() { 1 } else { self.next };
        for record in records {
            let offset = open.bytes + bytes.len() as u64;
            handles.push(RecordHandle { key: Arc::clone(&open.key), offset, bytes: record.len() as u32 });
            push_record(&mut bytes, open.number, next, record);
            next += 1;
        }
        writer.append(&bytes)?;
        writer.sync()?;
        open.bytes += bytes.len() as u64;
        self.last = Some(open.number);
        self.next = next;
        if self.standing == Standing::Begins {
            self.standing = Standing::Continues;
        }
        if self.settings.close_after_write {
            self.open = None;
        }
        Ok(handles)
    }

    /// The header of a new segment goes with its first records.
    fn begin_segment(&mut self, now: Timestamp, bytes: &mut Vec<u8>) -> Result<(), StoreError> {
        let writer = match &mut self.writer {
            Some(writer) => {
                writer.roll()?;
                writer
            }
            none => none.insert(self.store.open_log(&self.log)?),
        };
        let number = writer.segment();
        let first = if self.standing == Standing::Alone { 1 } else { self.next };
        let header = Header { standing: self.standing, segment: number, epoch: self.epoch, first };
        bytes.reserve(HEADER_BYTES + RECORD_HEADER_BYTES);
        bytes.extend_from_slice(&header.encode());
        let key = segment_key(&self.log, number).into();
        self.open = Some(OpenSegment { key, number, opened: now, bytes: 0 });
        Ok(())
    }

    /// The records appended last do not count after all: the next write replaces them, as after one that failed.
    pub fn take_back(&mut self, records: u64) {
        self.open = None;
        self.doubtful.extend(self.last);
        self.next = self.next.saturating_sub(records).max(1);
    }

    /// Segments that may end with a write that does not count, since this was asked last. Readers leave such a write
    /// out as long as the segment is there that replaced it: that one must not be deleted before.
    pub fn take_doubtful(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.doubtful)
    }

    /// Ends the segment that grows; the next record begins another one.
    pub fn roll(&mut self) {
        self.open = None;
    }
}
