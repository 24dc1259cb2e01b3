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
    /// The segments that say which blocks a batch was given.
    allocated_in: BTreeMap<BatchId, BTreeSet<u64>>,
    /// The segments that say that a block was added.
    added_in: BTreeMap<InputBlockId, BTreeSet<u64>>,
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
            ReceivedRecord::BlockAdded { block } => {
                segment.blocks.insert(block.id);
                self.added_in.entry(block.id).or_default().insert(number);
            }
            ReceivedRecord::BatchAllocated { batch, blocks } => {
                let blocks = blocks.values().flatten().map(|block| block.id).collect();
                segment.allocated.insert(*batch, blocks);
                self.allocated_in.entry(*batch).or_default().insert(number);
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
            self.doubtful.remove(number);
            let Some(segment) = self.segments.remove(number) else { continue };
            segment.blocks.iter().for_each(|block| leave(&mut self.added_in, block, number));
            segment.allocated.keys().for_each(|batch| leave(&mut self.allocated_in, batch, number));
        }
    }

    /// Behind each write that does not count, the segment that begins where it began: the first sound one. Segments
    /// with the doubtful ones that they replaced.
    fn replacements(&self) -> BTreeMap<u64, Vec<u64>> {
        let mut replaced: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        let mut sound = self.segments.iter().rev().filter(|(_, segment)| segment.sound).map(|(number, _)| *number);
        let (mut next, mut behind) = (sound.next(), None);
        for doubtful in self.doubtful.iter().rev() {
            while let Some(number) = next.filter(|number| number > doubtful) {
                behind = Some(number);
                next = sound.next();
            }
            behind.into_iter().for_each(|number| replaced.entry(number).or_default().push(*doubtful));
        }
        replaced
    }

    /// Segments that say nothing which is still needed; never the one that grows (D-29).
    pub fn unneeded(&self, living: &BTreeSet<InputBlockId>, holds: impl Fn(BatchId) -> bool) -> Vec<u64> {
        let replaced = self.replacements();
        let mut gone: BTreeSet<u64> = BTreeSet::new();
        for (number, segment) in &self.segments {
            if *number >= self.current || *number == self.last_cleaning {
                continue;
            }
            let needed = segment.blocks.iter().any(|block| living.contains(block))
                || segment.allocated.keys().any(|batch| holds(*batch));
            let stays = |homes: Option<&BTreeSet<u64>>| {
                homes.into_iter().flatten().any(|home| home != number && !gone.contains(home))
            };
            // A cleaning is forgotten after what it cleaned, an allocation after the blocks that it took out of the
            // queue, and what replaced a write that does not count after that write, or those would come back.
            let undone = segment.cleaned.iter().any(|batch| stays(self.allocated_in.get(batch)))
                || segment.allocated.values().flatten().any(|id| stays(self.added_in.get(id)))
                || replaced.get(number).into_iter().flatten().any(|doubtful| !gone.contains(doubtful));
            if !needed && !undone {
                gone.insert(*number);
            }
        }
        gone.into_iter().collect()
    }
}

/// A segment no longer says this.
fn leave<K: Ord>(homes: &mut BTreeMap<K, BTreeSet<u64>>, key: &K, number: &u64) {
    if let Some(segments) = homes.get_mut(key) {
        segments.remove(number);
        if segments.is_empty() {
            homes.remove(key);
        }
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

    /// Without it a store that had refused many writes, each of which may have left a segment, stopped the driver at its
    /// next cleaning for hours.
    #[test]
    fn many_doubtful_segments_are_cleaned_at_once() {
        const MANY: u64 = 20_000;
        let mut log = LogSegments::default();
        log.note(1, &allocation(1, &[1]));
        log.doubt(&(1..MANY).collect::<Vec<_>>());
        (MANY..2 * MANY).for_each(|n| log.note(n, &allocation(n as u32, &[n])));
        log.grew(2 * MANY);
        let unneeded = log.unneeded(&BTreeSet::new(), |batch| batch == BatchId(1));
        let but_two: Vec<u64> = (2..2 * MANY).filter(|number| *number != MANY).collect();
        assert_eq!(unneeded, but_two, "all but the one that is needed and the one that replaced its end");
        log.deleted(&unneeded);
        assert_eq!((log.allocated_in.len(), log.doubtful.len()), (2, 1));
    }
}
