//! Reading: everything in order after a crash, or one record by its handle.
//!
//! A segment ends quietly where nothing sound follows: that is what a crash tears. A place that is not sound
//! although something sound follows was damaged later, and is told (D-26, R18.6).

use super::error::WriteAheadError;
use super::format::{
    BadHeader, HEADER_BYTES, Header, RECORD_HEADER_BYTES, RecordAt, RecordHandle, Standing, WAL_VERSION, record_at,
};
use crate::object_store::{ObjectStore, StoreError, segment_key, segments_of};
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// How many records a damaged place may have held: more than fit into a segment. A number beyond is chance.
const MISSING_MAX: u64 = 1 << 24;
/// The same where nothing is known of the numbers before.
const HIGHEST: u64 = 1 << 40;

/// A record that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its number in the log.
    pub sequence: u64,
    /// Where it is.
    pub handle: RecordHandle,
    /// What it says.
    pub bytes: Vec<u8>,
}

/// What a log holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Its records, in the order in which they were written (R18.9).
    pub records: Vec<Record>,
    /// Where something else is than what was written.
    pub damage: Vec<Damage>,
    /// The numbers of its segments, those without records, too.
    pub segments: Vec<u64>,
    /// Segments that end with a write which a later segment replaced: they go before that one, or it comes back.
    pub superseded: BTreeSet<u64>,
    /// The number of the next record.
    pub next: u64,
}

/// A place in a log that holds no record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The segment.
    pub key: String,
    /// Its number.
    pub segment: u64,
    /// Where the place begins.
    pub offset: u64,
    /// How long it is.
    pub bytes: u64,
    /// What is wrong with it.
    pub kind: DamageKind,
}

/// What is wrong with a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DamageKind {
    /// Nothing sound follows: a write that never ended. Nobody was told that it is there.
    TornTail,
    /// Something sound follows: what was written here is lost.
    BadMiddle,
    /// The header was damaged; the records behind it are sound.
    BadHeader,
    /// It is another segment than its name says: a copy, or a write that went astray.
    Misplaced,
    /// A driver of an older epoch wrote it when a newer one had begun.
    Fenced,
    /// Records between the end of the segment before and the first of this one are missing.
    Gap {
        /// How many.
        records: u64,
    },
}

impl Damage {
    /// Whether a crash leaves such a place, and nothing was lost.
    pub fn is_ordinary(&self) -> bool {
        self.kind == DamageKind::TornTail
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, offset, bytes, .. } = self;
        match self.kind {
            DamageKind::TornTail => write!(f, "{key} ends at byte {offset} with {bytes} bytes of a write that was cut"),
            DamageKind::BadMiddle => write!(f, "{key} is damaged at byte {offset}, {bytes} bytes are no record"),
            DamageKind::BadHeader => write!(f, "the header of {key} is damaged"),
            DamageKind::Misplaced => write!(f, "{key} is another segment than its name says, and is not read"),
            DamageKind::Fenced => {
                write!(f, "{key} was written by a driver that a newer one had replaced, and is not read")
            }
            DamageKind::Gap { records } => write!(f, "{records} records before {key} are missing"),
        }
    }
}

/// Reads the whole log. A segment that is deleted meanwhile is skipped.
///
/// # Errors
/// When the store fails to answer, or a newer program wrote the log: nobody may take that for an empty one.
pub fn read_all(store: &dyn ObjectStore, log: &str) -> Result<Contents, WriteAheadError> {
    let mut reading = Reading::default();
    for number in segments_of(store, log)? {
        let key = segment_key(log, number);
        match store.get(&key) {
            Ok(bytes) => reading.segment(number, &key, &bytes)?,
            Err(StoreError::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    reading.contents.next = reading.contents.next.max(1);
    Ok(reading.contents)
}

#[derive(Default)]
struct Reading {
    contents: Contents,
    /// The newest epoch so far.
    epoch: u64,
    /// The segment read last.
    last: Option<u64>,
}

impl Reading {
    fn segment(&mut self, number: u64, key: &str, bytes: &[u8]) -> Result<(), WriteAheadError> {
        self.contents.segments.push(number);
        let damage = |kind, offset: usize, bytes: usize| Damage {
            key: key.to_owned(),
            segment: number,
            offset: offset as u64,
            bytes: bytes as u64,
            kind,
        };
        let header = match Header::decode(bytes) {
            Ok(header) => Some(header),
            Err(BadHeader::Version(found)) => {
                return Err(WriteAheadError::Version { key: key.to_owned(), found, known: WAL_VERSION });
            }
            Err(BadHeader::Torn | BadHeader::Damaged) => None,
        };
        let alone = header.is_some_and(|header| header.standing == Standing::Alone);
        if let Some(header) = header {
            if header.segment != number {
                self.contents.damage.push(damage(DamageKind::Misplaced, 0, bytes.len()));
                return Ok(());
            }
            if header.epoch < self.epoch {
                self.contents.damage.push(damage(DamageKind::Fenced, 0, bytes.len()));
                return Ok(());
            }
            self.epoch = header.epoch;
            if header.standing == Standing::Begins {
                self.contents.records.clear();
                self.contents.damage.clear();
            }
            if header.standing == Standing::Continues {
                let missing = header.first.saturating_sub(self.contents.next.max(1));
                if missing > 0 && self.last == number.checked_sub(1) {
                    self.contents.damage.push(damage(DamageKind::Gap { records: missing }, 0, 0));
                }
            }
            if !alone {
                self.contents.next = header.first;
            }
        }
        let first = header.map(|header| header.first);
        let Scan { records, bad, torn } = scan(number, bytes, first);
        if let Some(first) = first.or_else(|| records.first().map(|record| record.sequence)).filter(|_| !alone) {
            // What a write left behind that was given up, or an older driver: it was written again here.
            // Their numbers rise.
            let kept = self.contents.records.partition_point(|record| record.sequence < first);
            let replaced = self.contents.records.drain(kept..);
            self.contents.superseded.extend(replaced.filter_map(|record| record.handle.segment().ok()));
        }
        if header.is_none() && !records.is_empty() {
            self.contents.damage.push(damage(DamageKind::BadHeader, 0, HEADER_BYTES));
        }
        self.contents.damage.extend(bad.into_iter().map(|at| damage(DamageKind::BadMiddle, at.start, at.len())));
        if let Some(at) = torn {
            self.contents.damage.push(damage(DamageKind::TornTail, at, bytes.len() - at));
        }
        let key: Arc<str> = key.into();
        for RecordAt { sequence, bytes: at } in records {
            let offset = (at.start - RECORD_HEADER_BYTES) as u64;
            let handle = RecordHandle { key: Arc::clone(&key), offset, bytes: at.len() as u32 };
            self.contents.records.push(Record { sequence, handle, bytes: bytes[at].to_vec() });
            if !alone {
                self.contents.next = sequence + 1;
            }
        }
        self.last = Some(number);
        Ok(())
    }
}

/// What is in one segment.
struct Scan {
    records: Vec<RecordAt>,
    /// Places that are followed by something sound.
    bad: Vec<Range<usize>>,
    /// Where nothing sound follows.
    torn: Option<usize>,
}

/// `first` is the number of the first record, by a sound header.
fn scan(segment: u64, bytes: &[u8], first: Option<u64>) -> Scan {
    let mut found = Scan { records: Vec::new(), bad: Vec::new(), torn: None };
    if first.is_none() && bytes.len() <= HEADER_BYTES {
        found.torn = (!bytes.is_empty()).then_some(0);
        return found;
    }
    let mut at = HEADER_BYTES;
    let mut expected = first;
    while at < bytes.len() {
        let wanted = expected.map_or(1..u64::MAX, |next| next..next + 1);
        let later = expected.map_or(1..HIGHEST, |next| next..next.saturating_add(MISSING_MAX));
        let next = match record_at(segment, bytes, at, wanted) {
            Some(record) => Some(record),
            None => (at + 1..bytes.len()).find_map(|at| record_at(segment, bytes, at, later.clone())),
        };
        let Some(record) = next else {
            // Without a header and without a record, nothing of the segment counts.
            found.torn = Some(if first.is_none() && found.records.is_empty() { 0 } else { at });
            break;
        };
        let start = record.bytes.start - RECORD_HEADER_BYTES;
        if start > at {
            found.bad.push(at..start);
        }
        at = record.bytes.end;
        expected = Some(record.sequence + 1);
        found.records.push(record);
    }
    found
}

/// Reads one record back.
///
/// # Errors
/// When the store fails, or what is there is not the record.
pub fn read_record(store: &dyn ObjectStore, handle: &RecordHandle) -> Result<Vec<u8>, WriteAheadError> {
    let segment = handle.segment()?;
    let length = RECORD_HEADER_BYTES as u64 + u64::from(handle.bytes);
    let end = handle.offset.checked_add(length).ok_or_else(|| handle.damaged("its place is beyond every file"))?;
    let mut bytes = store.get_range(&handle.key, handle.offset..end)?;
    match record_at(segment, &bytes, 0, 1..u64::MAX) {
        Some(record) if record.bytes.end == bytes.len() => {
            bytes.drain(..RECORD_HEADER_BYTES);
            Ok(bytes)
        }
        Some(_) => Err(handle.damaged("it has another length")),
        None => Err(handle.damaged("its checksum is wrong")),
    }
}
