//! What is told of the segments of the write-ahead logs of received blocks, so that whoever looks knows the store's
//! files. Blocks come often: what the driver's log says of them is told with the next batch.

use super::received_log::{ReceivedRecord, Wanted};
use crate::event::{Event, LogUpdate, WrittenSegment};
use crate::write_ahead::Contents;
use std::collections::BTreeMap;

/// What was written and not told, by segment.
#[derive(Debug, Default)]
pub(super) struct ToldLog(BTreeMap<u64, WrittenSegment>);

impl ToldLog {
    /// A group of records is in a segment.
    pub fn wrote(&mut self, segment: u64, group: &[Wanted]) {
        let written = self.0.entry(segment).or_insert_with(|| WrittenSegment { segment, ..WrittenSegment::default() });
        for record in group.iter().filter_map(Wanted::record) {
            let bytes = serde_json::to_vec(&record).map_or(0, |bytes| bytes.len() as u64);
            note(written, &record, bytes);
        }
    }

    /// What is told now: nothing while it is of blocks alone.
    pub fn updates(&mut self) -> Vec<Event> {
        if self.0.values().all(|written| written.batches.is_empty() && written.cleaned.is_empty()) {
            return Vec::new();
        }
        let told = |written| LogUpdate::Written(written).into();
        std::mem::take(&mut self.0).into_values().map(told).collect()
    }
}

fn note(written: &mut WrittenSegment, record: &ReceivedRecord, bytes: u64) {
    written.bytes = written.bytes.saturating_add(bytes);
    match record {
        ReceivedRecord::BlockAdded { .. } => written.blocks += 1,
        ReceivedRecord::BatchAllocated { batch, .. } => written.batches.push(*batch),
        ReceivedRecord::BatchesCleaned { batches, .. } => written.cleaned.extend(batches),
    }
}

/// The segments of a log that was opened; one that says nothing, too.
pub(super) fn found(contents: &Contents) -> Vec<Event> {
    let empty = |segment: &u64| (*segment, WrittenSegment { segment: *segment, ..WrittenSegment::default() });
    let mut segments: BTreeMap<u64, WrittenSegment> = contents.segments.iter().map(empty).collect();
    for record in &contents.records {
        let (Ok(read), Ok(segment)) = (serde_json::from_slice(&record.bytes), record.handle.segment()) else {
            continue;
        };
        let written = segments.entry(segment).or_insert_with(|| empty(&segment).1);
        note(written, &read, record.bytes.len() as u64);
    }
    let told = |written| LogUpdate::Found(written).into();
    segments.into_values().map(told).collect()
}
