//! What the segments of the log of received blocks say, and which of them may go (D-29).

use super::received_log::ReceivedRecord;
use crate::ids::*;
use crate::write_ahead::Contents;
use std::collections::{BTreeMap, BTreeSet};

/// What a segment of the log is about.
#[derive(Debug, Default)]
struct Segment {
    blocks: BTreeSet<InputBlockId>,
    allocated: BTreeMap<BatchId, Vec<InputBlockId>>,
    cleaned: BTreeSet<BatchId>,
    /// It has records that count, so it replaced what an earlier write left that nobody heard of.
    sound: bool,
}

/// The segments of the log.
#[derive(Debug, Default)]
pub(super) struct LogSegments {
    segments: BTreeMap<u64, Segment>,
    /// Segments that may end with a write that does not count: readers leave it out because a later segment begins
    /// with the same number, and would believe it without that one.
    doubtful: BTreeSet<u64>,
    /// The segment that was written to last.
    current: u64,
    /// The segment of the last cleaning: it knows the clients.
    last_cleaning: u64,
}

impl LogSegments {
    /// Those of a log as it was opened, before its records are noted.
    pub fn of(contents: &Contents) -> Self {
        let mut all = Self::default();
        all.segments.extend(contents.segments.iter().map(|number| (*number, Segment::default())));
        for number in contents.records.iter().filter_map(|record| record.handle.segment().ok()) {
            all.segments.entry(number).or_default().sound = true;
        }
        // A former driver that still hangs in its last write may yet end it.
        let last = contents.segments.last().copied();
        all.doubtful.extend(contents.superseded.iter().copied().chain(last));
        all.current = last.map_or(0, |last| last + 1);
        all
    }

    /// A record counts.
    pub fn note(&mut self, number: u64, record: &ReceivedRecord) {
        let segment = self.segments.entry(number).or_default();
        segment.sound = true;
        match record {
            ReceivedRecord::BlockAdded { block } => drop(segment.blocks.insert(block.id)),
            ReceivedRecord::BatchAllocated { batch, blocks } => {
                let blocks = blocks.values().flatten().map(|block| block.id).collect();
                segment.allocated.insert(*batch, blocks);
            }
            ReceivedRecord::BatchesCleaned { batches, .. } => {
                segment.cleaned.extend(batches);
                self.last_cleaning = number;
            }
        }
    }

    /// Records were written into a segment; those before it do not grow any more.
    pub fn grew(&mut self, number: u64) {
        self.current = self.current.max(number);
    }

    /// Writes that do not count may have left something in these.
    pub fn doubt(&mut self, numbers: &[u64]) {
        for number in numbers {
            self.segments.entry(*number).or_default();
            self.doubtful.insert(*number);
        }
    }

    /// These are deleted.
    pub fn deleted(&mut self, numbers: &[u64]) {
        for number in numbers {
            self.segments.remove(number);
            self.doubtful.remove(number);
        }
    }

    /// The segment that begins where a write that does not count began: the first sound one behind it.
    fn replacement(&self, doubtful: u64) -> Option<u64> {
        self.segments.range(doubtful + 1..).find(|(_, segment)| segment.sound).map(|(number, _)| *number)
    }

    /// Segments that say nothing which is still needed; never the one that grows (D-29).
    pub fn unneeded(&self, living: &BTreeSet<InputBlockId>, holds: impl Fn(BatchId) -> bool) -> Vec<u64> {
        let mut allocated: BTreeMap<BatchId, Vec<u64>> = BTreeMap::new();
        let mut added: BTreeMap<InputBlockId, Vec<u64>> = BTreeMap::new();
        for (number, segment) in &self.segments {
            segment.allocated.keys().for_each(|batch| allocated.entry(*batch).or_default().push(*number));
            segment.blocks.iter().for_each(|block| added.entry(*block).or_default().push(*number));
        }
        let mut gone: BTreeSet<u64> = BTreeSet::new();
        for (number, segment) in &self.segments {
            if *number >= self.current || *number == self.last_cleaning {
                continue;
            }
            let needed = segment.blocks.iter().any(|block| living.contains(block))
                || segment.allocated.keys().any(|batch| holds(*batch));
            let stays = |homes: Option<&Vec<u64>>| {
                homes.into_iter().flatten().any(|home| home != number && !gone.contains(home))
            };
            // A cleaning is forgotten after what it cleaned, an allocation after the blocks that it took out of the
            // queue, and what replaced a write that does not count after that write, or those would come back.
            let undone = segment.cleaned.iter().any(|batch| stays(allocated.get(batch)))
                || segment.allocated.values().flatten().any(|id| stays(added.get(id)))
                || self
                    .doubtful
                    .range(..number)
                    .any(|doubtful| !gone.contains(doubtful) && self.replacement(*doubtful) == Some(*number));
            if !needed && !undone {
                gone.insert(*number);
            }
        }
        gone.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allocation(batch: u32, numbers: &[u64]) -> ReceivedRecord {
        let block = |number: &u64| {
            let id = InputBlockId { stream: StreamId(0), number: *number };
            serde_json::from_value(serde_json::json!({ "id": id, "records": 1 })).expect("a block")
        };
        let blocks = BTreeMap::from([(StreamId(0), numbers.iter().map(block).collect())]);
        ReceivedRecord::BatchAllocated { batch: BatchId(batch), blocks }
    }

    /// Without it a block that was refused came back after a restart, when its data was gone: the write of unknown
    /// outcome stayed in segment 1, and what had replaced it was cleaned.
    #[test]
    fn what_replaced_a_doubtful_write_goes_after_it() {
        let mut log = LogSegments::default();
        log.note(1, &allocation(1, &[1]));
        log.doubt(&[1, 2]);
        (3..=5).for_each(|n| log.note(n, &allocation(n as u32 - 1, &[n])));
        log.grew(5);
        let unneeded = |log: &LogSegments, first_needed| log.unneeded(&BTreeSet::new(), |batch| batch == first_needed);
        // Segment 1 is needed: 3 holds the replacement of its last write, 2 and 4 hold nothing.
        assert_eq!(unneeded(&log, BatchId(1)), [2, 4]);
        // Nobody needs segment 1: its replacement goes with it.
        assert_eq!(unneeded(&log, BatchId(9)), [1, 2, 3, 4]);
        log.deleted(&[1, 2]);
        assert_eq!(unneeded(&log, BatchId(9)), [3, 4]);
    }
}
