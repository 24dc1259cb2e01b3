//! The write-ahead logs of what is received, segment by segment: what is in each, for which batches, and whether it is
//! still needed.

use super::Model;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use imbl::{OrdMap, OrdSet};

/// Segments of one log that are kept; those that are cleaned go first.
pub const MAX_SEGMENTS: usize = 64;
/// Logged blocks that are in no batch yet, of all receivers.
const MAX_WAITING: usize = 10_000;

/// A log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogId {
    /// That of the driver: which batch was given which block.
    Driver,
    /// That of a receiver: the records themselves.
    Receiver(StreamId),
}

impl LogId {
    /// Its directory inside the checkpoint directory.
    pub fn directory(self) -> String {
        match self {
            Self::Driver => "receivedBlockMetadata".to_owned(),
            Self::Receiver(stream) => format!("receivedData/{stream}"),
        }
    }
}

/// What is in a segment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogSegment {
    /// Blocks: those that it says were accepted, or whose records it has.
    pub blocks: u64,
    /// Records in them; only a receiver's log has records.
    pub records: u64,
    /// Bytes, without what frames them.
    pub bytes: u64,
    /// Batches that it says were given blocks, or that were given blocks of it.
    pub batches: OrdSet<BatchId>,
    /// Whether nothing of it is needed any more: it is deleted.
    pub cleaned: bool,
}

/// All logs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Logs {
    /// Segments of each, by number.
    pub segments: OrdMap<LogId, OrdMap<u64, LogSegment>>,
    /// In which segment blocks are that no batch has.
    waiting: OrdMap<InputBlockId, u64>,
}

impl Logs {
    fn segment(&mut self, log: LogId, number: u64) -> &mut LogSegment {
        let segments = self.segments.entry(log).or_default();
        if segments.len() >= MAX_SEGMENTS && !segments.contains_key(&number) {
            let cleaned = segments.iter().find(|(_, segment)| segment.cleaned).map(|(number, _)| *number);
            if let Some(oldest) = cleaned.or(segments.get_min().map(|(number, _)| *number)) {
                segments.remove(&oldest);
            }
        }
        segments.entry(number).or_default()
    }

    fn clean(&mut self, log: LogId, of: impl Fn(u64) -> bool) {
        let numbers: Vec<u64> = self.segments.get(&log).into_iter().flat_map(OrdMap::keys).copied().collect();
        numbers.into_iter().filter(|number| of(*number)).for_each(|number| self.segment(log, number).cleaned = true);
    }
}

impl Model {
    pub(super) fn block_logged(&mut self, added: &AddedBlock) {
        let Some(number) = added.segment else { return };
        let logs = &mut self.logs;
        let segment = logs.segment(LogId::Receiver(added.block.stream), number);
        segment.blocks = segment.blocks.saturating_add(1);
        segment.records = segment.records.saturating_add(added.records);
        segment.bytes = segment.bytes.saturating_add(added.logged_bytes);
        segment.cleaned = false;
        logs.waiting.insert(added.block, number);
        if logs.waiting.len() > MAX_WAITING {
            logs.waiting = logs.waiting.without_min().1;
        }
    }

    pub(super) fn received_log_updated(&mut self, update: &LogUpdate) {
        let logs = &mut self.logs;
        match update {
            LogUpdate::Written(written) => {
                let segment = logs.segment(LogId::Driver, written.segment);
                segment.blocks = segment.blocks.saturating_add(written.blocks);
                segment.bytes = segment.bytes.saturating_add(written.bytes);
                segment.batches.extend(written.batches.iter().copied());
            }
            LogUpdate::Found(found) => {
                let batches = found.batches.iter().copied().collect();
                let (blocks, bytes) = (found.blocks, found.bytes);
                *logs.segment(LogId::Driver, found.segment) =
                    LogSegment { blocks, bytes, batches, ..LogSegment::default() };
            }
            LogUpdate::Deleted { segments } => logs.clean(LogId::Driver, |number| segments.contains(&number)),
            LogUpdate::Released { stream, before } => logs.clean(LogId::Receiver(*stream), |number| number < *before),
        }
    }

    /// Blocks that were logged are in a batch.
    pub(super) fn logged_blocks_given(&mut self, batch: &BatchInfo) {
        for plan in batch.inputs.values() {
            let InputPlan::Blocks { blocks } = plan else { continue };
            for block in blocks {
                let Some(number) = self.logs.waiting.remove(&block.id) else { continue };
                self.logs.segment(LogId::Receiver(block.id.stream), number).batches.insert(batch.id);
            }
        }
    }
}
