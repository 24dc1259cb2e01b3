//! What is told of received records that did not get through: which a former driver left, which are gone, and which
//! never counted. Only what is known is told, by block where there is one.

use super::Driver;
use super::block_tracker::{BlockTracker, BlocksByStream};
use super::effects::Effects;
use crate::event::*;
use crate::ids::*;
use crate::receiver::ReceivedBlock;

fn planned(blocks: &[ReceivedBlock]) -> Vec<PlannedBlock> {
    blocks.iter().map(|block| PlannedBlock { id: block.id, records: block.records }).collect()
}

impl BlockTracker {
    /// What the log of a former driver says is still needed.
    fn recovered(&self) -> RecoveredBlocks {
        let recovered = |block: &ReceivedBlock, batch: Option<BatchId>| RecoveredBlock {
            id: block.id,
            records: block.records,
            batch,
            logged: block.handle.is_some(),
        };
        let given = self
            .given()
            .flat_map(|(batch, blocks)| blocks.values().flatten().map(move |block| recovered(block, Some(batch))));
        let waiting = self.waiting.values().flatten().map(|block| recovered(block, None));
        RecoveredBlocks { blocks: given.chain(waiting).collect() }
    }
}

impl Driver {
    /// The log of a former driver was read.
    pub(super) fn tell_recovered_blocks(&mut self, now: Timestamp, fx: &mut Effects) {
        let recovered = self.receivers.tracker.recovered();
        if !recovered.blocks.is_empty() {
            self.emit(now, fx, Event::ReceivedBlocksRecovered(recovered));
        }
    }

    /// What a former driver kept of skipped batches is kept; what is gone with its executors is said.
    pub(super) fn keep_skipped(&mut self, now: Timestamp, fx: &mut Effects) {
        let skipped = self.graph.as_ref().map(|graph| graph.now.skipped.clone()).unwrap_or_default();
        for batch in skipped {
            let mut blocks = self.receivers.tracker.of_batch(batch).cloned().unwrap_or_default();
            self.drop_lost_blocks(now, batch, &mut blocks, fx);
            if self.receivers.tracker.keep(batch, &blocks) == (0, 0) {
                self.no_longer_pending(batch);
            }
        }
    }

    /// R17.11: blocks of which nothing is left are taken out of those of a batch, and said.
    pub(super) fn drop_lost_blocks(
        &mut self,
        now: Timestamp,
        batch: BatchId,
        blocks: &mut BlocksByStream,
        fx: &mut Effects,
    ) {
        let mut events = Vec::new();
        for (stream, blocks) in blocks {
            let there = |block: &ReceivedBlock| {
                block.handle.is_some() || !block.recovered && !self.scheduler.input_holders(block.id).is_empty()
            };
            let (kept, lost): (Vec<_>, Vec<_>) = std::mem::take(blocks).into_iter().partition(there);
            *blocks = kept;
            self.report_lost_blocks(now, batch, (*stream, &lost), fx);
            let (former, own): (Vec<_>, Vec<_>) = lost.into_iter().partition(|block| block.recovered);
            let reasons = [
                (former, "the driver was lost, and with it the executors that held it; no log has it"),
                (own, "no executor that held it is left, and no log has it"),
            ];
            for (blocks, reason) in reasons.into_iter().filter(|(blocks, _)| !blocks.is_empty()) {
                let (blocks, reason) = (planned(&blocks), reason.to_owned());
                events.push(Event::ReceivedBlocksLost(LostBlocks { batch, blocks, reason }));
            }
        }
        for event in events {
            self.emit(now, fx, event);
        }
    }
}

/// A block that a receiver stored does not count.
pub(super) fn refused(block: &ReceivedBlock, reason: &str) -> Event {
    let (id, records, resent) = (block.id, block.records, !block.clients.is_empty());
    Event::ReceivedBlockRefused(RefusedBlock { block: id, records, resent, reason: reason.to_owned() })
}
