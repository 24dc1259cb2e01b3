//! The write-ahead logs of what is received: the driver's first, newest segments first.

use crate::model::{LogId, LogSegment, Model};

/// A log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogFiles {
    /// Which.
    pub log: LogId,
    /// Its segments by number, newest first.
    pub segments: Vec<(u64, LogSegment)>,
}

impl LogFiles {
    /// Segments that are in the store.
    pub fn stored(&self) -> impl Iterator<Item = &LogSegment> {
        self.segments.iter().map(|(_, segment)| segment).filter(|segment| !segment.cleaned)
    }
}

/// What the store has, or had, of the logs.
pub fn log_files(model: &Model) -> Vec<LogFiles> {
    let segments = |segments: &imbl::OrdMap<u64, LogSegment>| {
        segments.iter().rev().map(|(number, segment)| (*number, segment.clone())).collect()
    };
    model.logs.segments.iter().map(|(log, all)| LogFiles { log: *log, segments: segments(all) }).collect()
}

/// Batches in words: `batch 3`, `batches 3 – 5`, `batches 3, 7`; nothing of none.
pub fn batches_words(segment: &LogSegment) -> Option<String> {
    let batches: Vec<u32> = segment.batches.iter().map(|batch| batch.0).collect();
    let (first, last) = (*batches.first()?, *batches.last()?);
    let whole = (last - first) as usize + 1 == batches.len();
    Some(match batches.as_slice() {
        [only] => format!("batch {only}"),
        [one, other] if !whole => format!("batches {one}, {other}"),
        _ if whole => format!("batches {first} – {last}"),
        all => format!("{} batches of {first} – {last}", all.len()),
    })
}
