//! What batches of a former driver were given, by its checkpoint, held against the log of received blocks: neither
//! is believed alone.

use super::Driver;
use super::block_tracker::{BlockTracker, BlocksByStream};
use crate::error::EngineError;
use crate::event::{InputPlan, PlannedBlock};
use crate::ids::*;
use crate::receiver::ReceivedBlock;
use crate::recovery::BatchPlan;
use std::collections::{BTreeMap, BTreeSet};

impl BlockTracker {
    /// What a checkpoint says of batches. Those of which the log says nothing have the blocks of their plan from now
    /// on, if they are there, and are returned with them.
    pub fn plan(&mut self, batches: &BTreeMap<BatchId, BatchPlan>) -> Vec<(BatchId, BlocksByStream)> {
        let mut allocated = Vec::new();
        for (batch, plan) in batches {
            let planned = plan.inputs.values().filter_map(|input| match input {
                InputPlan::Blocks { blocks } => Some(blocks),
                InputPlan::Files { .. } | InputPlan::Range { .. } => None,
            });
            let planned: Vec<PlannedBlock> = planned.flatten().copied().collect();
            if batch.0 > self.allocated {
                let ids: BTreeSet<InputBlockId> = planned.iter().map(|block| block.id).collect();
                let there = |blocks: &Vec<ReceivedBlock>| -> Vec<ReceivedBlock> {
                    blocks.iter().filter(|block| ids.contains(&block.id)).cloned().collect()
                };
                let mut blocks: BlocksByStream = self.waiting.iter().map(|(id, all)| (*id, there(all))).collect();
                blocks.retain(|_, blocks| !blocks.is_empty());
                self.allocate(*batch, blocks.clone());
                self.unfinished.remove(batch);
                allocated.push((*batch, blocks));
            }
            self.planned.insert(*batch, planned);
        }
        allocated
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
}
