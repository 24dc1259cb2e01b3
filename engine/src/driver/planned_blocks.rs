//! What batches of a former driver were given, by its checkpoint, held against the log of received blocks: neither
//! is believed alone.

use super::Driver;
use super::block_tracker::{BlockTracker, BlocksByStream};
use super::effects::Effects;
use super::received_log::Wanted;
use crate::error::EngineError;
use crate::event::{Event, Finding, InputPlan, PlannedBlock};
use crate::ids::*;
use crate::receiver::ReceivedBlock;
use crate::recovery::{BatchPlan, LogPosition};
use crate::write_ahead::Contents;
use std::collections::{BTreeMap, BTreeSet};

impl BlockTracker {
    /// What a checkpoint says of batches: what each read is what its plan says. Where the log says something else, that
    /// is returned which it has to say from now on.
    pub fn plan(&mut self, batches: &BTreeMap<BatchId, BatchPlan>) -> Vec<Wanted> {
        let mut wanted = Vec::new();
        for (batch, plan) in batches {
            let received = plan.inputs.iter().filter_map(|(stream, input)| match input {
                InputPlan::Blocks { blocks } => Some((*stream, blocks)),
                InputPlan::Files { .. } | InputPlan::Range { .. } => None,
            });
            let streams: BTreeSet<StreamId> = received.clone().map(|(stream, _)| stream).collect();
            let planned: Vec<PlannedBlock> = received.flat_map(|(_, blocks)| blocks).copied().collect();
            let ids: BTreeSet<InputBlockId> = planned.iter().map(|block| block.id).collect();
            if batch.0 > self.allocated {
                let there = |blocks: &Vec<ReceivedBlock>| -> Vec<ReceivedBlock> {
                    blocks.iter().filter(|block| ids.contains(&block.id)).cloned().collect()
                };
                let mut blocks: BlocksByStream = self.waiting.iter().map(|(id, all)| (*id, there(all))).collect();
                blocks.retain(|_, blocks| !blocks.is_empty());
                self.allocate(*batch, blocks.clone());
                self.unfinished.remove(batch);
                if !blocks.is_empty() {
                    wanted.push(Wanted::Planned { batch: *batch, blocks });
                }
            } else {
                wanted.extend(self.take_unplanned(*batch, &ids, &streams));
            }
            self.planned.insert(*batch, planned);
        }
        wanted
    }

    /// An allocation that is in the log although its write counted as failed: the batch ran without those blocks, and
    /// they wait for the next one. Of what no log has nothing is left to wait.
    fn take_unplanned(
        &mut self,
        batch: BatchId,
        planned: &BTreeSet<InputBlockId>,
        streams: &BTreeSet<StreamId>,
    ) -> Vec<Wanted> {
        let Some(given) = self.batches.get_mut(&batch) else { return Vec::new() };
        let mut back = Vec::new();
        for (stream, blocks) in given.iter_mut().filter(|(stream, _)| streams.contains(*stream)) {
            let unplanned = |block: &ReceivedBlock| block.handle.is_some() && !planned.contains(&block.id);
            let (unplanned, left) = std::mem::take(blocks).into_iter().partition(unplanned);
            *blocks = left;
            back.push((*stream, unplanned));
        }
        if back.iter().all(|(_, blocks): &(_, Vec<ReceivedBlock>)| blocks.is_empty()) {
            return Vec::new();
        }
        let mut wanted = vec![Wanted::Planned { batch, blocks: given.clone() }];
        for (stream, blocks) in back {
            wanted.extend(blocks.iter().map(|block| Wanted::Back { block: block.clone() }));
            // They came before everything that waits.
            self.waiting.entry(stream).or_default().splice(0..0, blocks);
        }
        wanted
    }

    /// Blocks that a batch was given by a checkpoint, and that it does not have.
    pub fn missing(&self, batch: BatchId) -> Vec<PlannedBlock> {
        let given = self.batches.get(&batch).into_iter().flat_map(BTreeMap::values).flatten();
        let given: BTreeSet<InputBlockId> = given.map(|block| block.id).collect();
        let planned = self.planned.get(&batch).into_iter().flatten();
        planned.filter(|block| !given.contains(&block.id)).copied().collect()
    }
}

impl Driver {
    /// I5: a batch that is generated again without what it read before would give something else.
    pub(super) fn why_incomplete(&self, batch: BatchId) -> Option<EngineError> {
        let missing = self.receivers.tracker.missing(batch);
        let first = missing.first()?;
        let streams: BTreeSet<StreamId> = missing.iter().map(|block| block.id.stream).collect();
        let streams: Vec<String> = streams.iter().map(ToString::to_string).collect();
        let records: u64 = missing.iter().map(|block| block.records).sum();
        Some(EngineError::IllegalState(format!(
            "batch {batch} cannot have its input again: the log of received blocks has nothing of {} blocks with {records} records of stream {} that it was given before, the first is {}; put the log back, or leave such batches out with faultline.streaming.onBatchFailure=skip",
            missing.len(),
            streams.join(", "),
            first.id
        )))
    }

    /// I12: the log must reach at least as far as when the checkpoint was written; what lies behind its end is gone,
    /// and only for batches that run again it is known what that was.
    pub(super) fn hold_log_against_checkpoint(&mut self, now: Timestamp, contents: &Contents, fx: &mut Effects) {
        let Some(graph) = &mut self.graph else { return };
        let end = LogPosition::end_of(contents);
        let Some(before) = std::mem::replace(&mut graph.now.log, end) else { return };
        let missing = before.missing(end);
        if missing == 0 {
            return;
        }
        let tracker = &self.receivers.tracker;
        let lacking: Vec<String> = tracker.planned.keys().filter_map(|batch| lacking(tracker, *batch)).collect();
        let lacking = if lacking.is_empty() {
            "no batch that runs again lacks any of its blocks".to_owned()
        } else {
            lacking.join(", ")
        };
        let end = end.map_or_else(|| "it has no record".to_owned(), |end| format!("it ends with {end}"));
        let place = format!("{}/receivedBlockMetadata", graph.dir);
        let message = format!(
            "the log of received blocks was written up to {before} when the checkpoint was, and {end}: {missing} records are missing; {lacking}; blocks that no batch had yet may be among them, and are lost; put its segments back and start again, or go on with what their sources send again"
        );
        let finding = Finding { kind: "write-ahead-log-behind-checkpoint".to_owned(), message, place };
        self.emit(now, fx, Event::FindingReported { finding });
    }
}

/// What a batch lacks, in words.
fn lacking(tracker: &BlockTracker, batch: BatchId) -> Option<String> {
    let missing = tracker.missing(batch);
    let first = missing.first()?;
    let records: u64 = missing.iter().map(|block| block.records).sum();
    Some(format!("batch {batch} lacks {} blocks with {records} records, the first is {}", missing.len(), first.id))
}
