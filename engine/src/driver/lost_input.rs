//! What is said when input is gone for good: blocks that were in memory only, and the state that misses them (I12).

use super::Driver;
use super::effects::Effects;
use super::graph_checkpoints::GraphCheckpoints;
use super::input::StreamingPlan;
use crate::event::{Event, Finding, StreamInfo};
use crate::ids::*;
use crate::receiver::ReceivedBlock;
use std::collections::{BTreeMap, BTreeSet};

/// What to do about it, in the words of findings.
const WAY_OUT: &str = "log what is received, or read from a source that can be read again";

/// Streams with state that `input` reaches.
fn stateful_below(streams: &[StreamInfo], input: StreamId) -> Vec<&StreamInfo> {
    // Parents come before their children.
    let mut below = BTreeSet::from([input]);
    for stream in streams {
        if stream.parents.iter().any(|parent| below.contains(parent)) {
            below.insert(stream.id);
        }
    }
    streams.iter().filter(|stream| stream.stateful && below.contains(&stream.id)).collect()
}

impl Driver {
    fn find(&mut self, now: Timestamp, kind: &str, place: String, message: String, fx: &mut Effects) {
        let finding = Finding { kind: kind.to_owned(), message, place };
        self.emit(now, fx, Event::FindingReported { finding });
    }

    /// Whether the checkpoint that this driver went on from says that a batch was completed: then what it was given
    /// is in its output.
    fn was_completed_before(&self, batch: BatchId) -> bool {
        let skipped = self.graph.as_ref().is_some_and(|graph| graph.now.skipped.contains(&batch));
        let before = |(last, pending): &(BatchId, BTreeSet<BatchId>)| batch <= *last && !pending.contains(&batch);
        !skipped && self.completed_before.as_ref().is_some_and(before)
    }

    /// R17.11: blocks of a batch of which nothing is left, and the state that will never have them.
    pub(super) fn report_lost_blocks(
        &mut self,
        now: Timestamp,
        batch: BatchId,
        (stream, lost): (StreamId, &[ReceivedBlock]),
        fx: &mut Effects,
    ) {
        let Some(first) = lost.first() else { return };
        let (count, records) = (lost.len(), lost.iter().map(|block| block.records).sum::<u64>());
        let first = first.id;
        let (kind, message) = if self.was_completed_before(batch) {
            let message = format!(
                "{count} blocks of stream {stream}, {records} records, the first is {first}, are gone with the driver; their batch had put them out before, and what reads them again, a window or a state, goes on without them; {WAY_OUT}"
            );
            ("received-blocks-not-read-again", message)
        } else {
            let message = format!(
                "Some blocks could not be recovered as they were not found in memory: {count} of stream {stream}, {records} records, the first is {first}; keep two copies, {WAY_OUT}"
            );
            ("received-blocks-lost", message)
        };
        self.find(now, kind, format!("batch {}", batch), message, fx);
        let Some(graph) = &self.graph else { return };
        // What was saved after it has the batch already.
        let saved =
            |state: &&StreamInfo| graph.now.saved.get(&state.id).is_some_and(|s| s.range(batch..).next().is_some());
        let incomplete: Vec<String> = stateful_below(&graph.now.graph.streams, stream)
            .into_iter()
            .filter(|state| !saved(state))
            .map(|state| state.operator.to_string())
            .collect();
        for operator in incomplete {
            if self.incomplete_states.insert(operator.clone()) {
                let message = format!(
                    "the state of {operator} is incomplete from batch {} on: {records} records of stream {stream} are lost; {WAY_OUT}",
                    batch
                );
                self.find(now, "state-incomplete", format!("batch {}", batch), message, fx);
            }
        }
    }

    /// R18.4: blocks that do not count, because the log did not take them.
    pub(super) fn report_refused_blocks(
        &mut self,
        now: Timestamp,
        blocks: &[ReceivedBlock],
        error: &str,
        fx: &mut Effects,
    ) {
        let Some(first) = blocks.first() else { return };
        let (count, records) = (blocks.len(), blocks.iter().map(|block| block.records).sum::<u64>());
        let message = format!(
            "{count} received blocks with {records} records were not accepted, because they could not be logged, the first is {}; what their source does not send again is lost: {error}",
            first.id
        );
        self.find(now, "received-blocks-refused", "receivedBlockMetadata".to_owned(), message, fx);
    }

    /// State is made of records that nobody can read again, and that no log has: allowed, and said.
    pub(super) fn report_states_at_risk(&mut self, now: Timestamp, plan: &StreamingPlan, fx: &mut Effects) {
        if self.config.receiver_log.enabled {
            return;
        }
        let at_risk: BTreeSet<String> = plan
            .receivers
            .iter()
            .flat_map(|receiver| stateful_below(&plan.streams, receiver.stream))
            .map(|state| state.operator.to_string())
            .collect();
        for operator in at_risk {
            let message = format!(
                "the state of {operator} is made of what a receiver stored, which no log has: after the loss of the driver it is incomplete; switch spark.streaming.receiver.writeAheadLog.enable on"
            );
            self.find(now, "state-not-logged", operator, message, fx);
        }
    }

    /// The driver is gone: its receivers with what they had buffered, and, where nothing is written down that the
    /// next one could look for, the blocks that no completed batch had.
    pub(super) fn report_lost_receivers(&mut self, now: Timestamp, fx: &mut Effects) {
        for event in self.lose_receivers(now) {
            self.emit(now, fx, event);
        }
        if self.graph.is_some() || self.receivers.tracker.log.is_some() {
            return;
        }
        let mut lost: BTreeMap<StreamId, Vec<&ReceivedBlock>> = BTreeMap::new();
        for block in self.receivers.tracker.living() {
            lost.entry(block.id.stream).or_default().push(block);
        }
        let messages: Vec<String> = lost
            .into_iter()
            .filter_map(|(stream, blocks)| {
                let first = blocks.iter().map(|block| block.id).min()?;
                let (count, records) = (blocks.len(), blocks.iter().map(|block| block.records).sum::<u64>());
                Some(format!(
                    "received blocks that no completed batch had are gone with the driver: {count} of stream {stream}, {records} records, the first is {first}; set a checkpoint directory and {WAY_OUT}"
                ))
            })
            .collect();
        let place = format!("driver {}", self.attempt);
        for message in messages {
            self.find(now, "received-blocks-lost", place.clone(), message, fx);
        }
    }

    /// A stream begins that goes on from nothing although a driver ran before this one.
    pub(super) fn report_beginning_anew(&mut self, now: Timestamp, fx: &mut Effects) {
        let epoch = self.graph.as_ref().map_or(0, GraphCheckpoints::epoch);
        if self.attempt < 2 && epoch < 2 {
            return;
        }
        let message = "a former driver is gone and this one goes on from no checkpoint: batches count from 1 again; state, received blocks and queued RDDs that it had are gone; use getOrCreate with a checkpoint directory".to_owned();
        self.find(now, "stream-begins-anew", format!("driver {}", self.attempt), message, fx);
    }
}
