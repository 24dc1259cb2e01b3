//! What goes of the logs of received blocks, and when (R18.7, D-29).

use super::Driver;
use super::effects::{Effect, Effects, ReceivedLogOp, ReceiverOp};
use super::input::StreamingPlan;
use super::received_log::Wanted;
use crate::event::{Event, Finding, LogUpdate};
use crate::ids::*;
use crate::receiver::ReceivedBlock;
use crate::seeded::{SeededBug, seeded};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

/// How many batches after its own one of a receiver's is needed at most.
pub(super) fn remembered_batches(plan: &StreamingPlan) -> u32 {
    let receives = |stream: StreamId| plan.receivers.iter().any(|receiver| receiver.stream == stream);
    let of_receivers = plan.streams.iter().filter(|stream| receives(stream.id));
    let longest = of_receivers.filter_map(|stream| stream.remember).map(|remember| remember.0).max().unwrap_or(0);
    u32::try_from(longest.div_ceil(plan.interval.0.max(1))).unwrap_or(u32::MAX).max(1)
}

/// Ranges in order of their ends, as few as say the same.
fn joined(ranges: impl Iterator<Item = RangeInclusive<BatchId>>) -> Vec<RangeInclusive<BatchId>> {
    let mut joined: Vec<RangeInclusive<BatchId>> = Vec::new();
    for range in ranges {
        let mut start = *range.start();
        while let Some(last) = joined.pop_if(|last| start.0 <= last.end().0.saturating_add(1)) {
            start = start.min(*last.start());
        }
        joined.push(start..=*range.end());
    }
    joined
}

impl Driver {
    /// A batch succeeded and, where graph checkpoints are written, one says so (R18.7): metadata and logged blocks
    /// that neither it nor a later batch needs are cleaned, by batch and never by time.
    /// What was `pending` then will run again after a crash, whatever became of it since.
    pub(super) fn clean_received(
        &mut self,
        now: Timestamp,
        completed: BatchId,
        pending: &BTreeSet<BatchId>,
        fx: &mut Effects,
    ) {
        let tracker = &mut self.receivers.tracker;
        let Some(remembered) = tracker.log.as_ref().map(|log| log.remembered) else { return };
        // R12.7: a batch reads older ones, too, and so does one that is not completed, when it runs again.
        let reads = |batch: BatchId| match &self.graph {
            Some(graph) => graph.reads_from(batch, remembered)..=batch,
            None => BatchId(batch.0.saturating_sub(remembered))..=batch,
        };
        let next = BatchId(completed.0.saturating_add(1));
        let mut running: BTreeSet<BatchId> = pending.iter().copied().chain([next]).collect();
        if !seeded(SeededBug::CleaningByAge) {
            running.extend(&tracker.unfinished);
        }
        let wanted = joined(running.into_iter().map(reads));
        let is_wanted = |batch: BatchId| {
            let first = wanted.partition_point(|range| *range.end() < batch);
            wanted.get(first).is_some_and(|range| *range.start() <= batch)
        };
        let batches = tracker.cleanable(completed, is_wanted);
        if batches.is_empty() {
            return;
        }
        let clients = tracker.all_clients().clone();
        if let Some(log) = &mut tracker.log {
            log.queue.push_back((now, Wanted::Cleaned { batches, clients }));
        }
        self.write_received_log(now, fx);
    }

    pub(super) fn received_cleaned(&mut self, now: Timestamp, batches: &[BatchId], fx: &mut Effects) {
        let tracker = &mut self.receivers.tracker;
        let segment_of = |block: &ReceivedBlock| block.handle.as_ref().and_then(|handle| handle.segment().ok());
        // Without a living block: as far as the blocks reached that go. Others may be on their way behind them.
        let mut needed: BTreeMap<StreamId, u64> = BTreeMap::new();
        for block in batches.iter().filter_map(|batch| tracker.of_batch(*batch)).flat_map(BTreeMap::values).flatten() {
            let last = needed.entry(block.id.stream).or_default();
            *last = segment_of(block).unwrap_or(0).max(*last);
        }
        tracker.clean(batches);
        let living: BTreeSet<InputBlockId> = tracker.living().map(|block| block.id).collect();
        for block in tracker.living() {
            if let (Some(segment), Some(first)) = (segment_of(block), needed.get_mut(&block.id.stream)) {
                *first = segment.min(*first);
            }
        }
        let Some(log) = &tracker.log else { return };
        let segments = log.segments.unneeded(&living, |batch| tracker.holds(batch));
        if !segments.is_empty() {
            fx.push(Effect::ReceivedLog(ReceivedLogOp::Delete { segments }));
        }
        let Some(log) = &mut tracker.log else { return };
        let mut released = Vec::new();
        for (stream, before) in needed {
            let last = log.first_needed.entry(stream).or_default();
            if before > *last {
                *last = before;
                fx.push(Effect::Receiver(ReceiverOp::CleanLog { stream, before }));
                released.push(LogUpdate::Released { stream, before });
            }
        }
        for update in released {
            self.emit(now, fx, update.into());
        }
    }

    /// Segments of the log are deleted, or not: those that are not are tried again with the next cleaning.
    pub(super) fn received_log_deleted(
        &mut self,
        now: Timestamp,
        segments: &[u64],
        result: Result<(), String>,
        fx: &mut Effects,
    ) {
        let Some(log) = &mut self.receivers.tracker.log else { return };
        let told = std::mem::replace(&mut log.stays, result.is_err());
        match result {
            Ok(()) => {
                log.segments.deleted(segments);
                let segments = segments.to_vec();
                self.emit(now, fx, LogUpdate::Deleted { segments }.into());
            }
            Err(_) if told => {}
            Err(error) => {
                let count = segments.len();
                let message = format!(
                    "{count} segments of which nothing is needed could not be deleted, and are tried again with each cleaning: {error}"
                );
                let kind = "write-ahead-log-not-cleaned".to_owned();
                let finding = Finding { kind, message, place: "receivedBlockMetadata".to_owned() };
                self.emit(now, fx, Event::FindingReported { finding });
            }
        }
    }

    /// Segments of the log of a receiver's blocks are deleted, or not: those that are not are so with the next
    /// cleaning that goes further.
    pub(super) fn block_log_cleaned(
        &mut self,
        now: Timestamp,
        stream: StreamId,
        result: Result<(), String>,
        fx: &mut Effects,
    ) {
        let Some(log) = &mut self.receivers.tracker.log else { return };
        let Err(error) = result else {
            log.blocks_stay.remove(&stream);
            return;
        };
        if log.blocks_stay.insert(stream) {
            let message = format!(
                "segments of which no block is needed could not be deleted, and are tried again with each cleaning: {error}"
            );
            let kind = "write-ahead-log-not-cleaned".to_owned();
            let finding = Finding { kind, message, place: format!("receivedData/{stream}") };
            self.emit(now, fx, Event::FindingReported { finding });
        }
    }
}
