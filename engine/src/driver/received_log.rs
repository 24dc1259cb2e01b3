//! The log of what became of received blocks (R18.1, R18.4 to R18.8): what is written, in which order, and
//! what follows when it is written, or is not.
//!
//! One write is under way at a time, and what is wanted meanwhile shares the next one. An allocation goes
//! alone, after everything that came before it: what it allocates is known then.

use super::Driver;
use super::block_tracker::{BlockTracker, BlocksByStream};
use super::effects::{Effect, Effects, ReceivedLogOp, ReceiverOp};
use super::input::{BatchTick, Logged, OpenedLog, Reply, SlotId};
use super::received_losses::refused;
use super::received_segments::LogSegments;
use super::told_log::{self, ToldLog};
use crate::event::{AddedBlock, Event, Finding};
use crate::ids::*;
use crate::receiver::{Clients, ReceivedBlock};
use crate::scheduler::Outbox;
use crate::seeded::{SeededBug, seeded};
use crate::write_ahead::Contents;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Records of one write at most.
const GROUP_MAX: usize = 1000;

/// What the log says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReceivedRecord {
    /// The driver accepted a block.
    BlockAdded {
        /// The block.
        block: ReceivedBlock,
    },
    /// A batch was given blocks.
    BatchAllocated {
        /// The batch.
        batch: BatchId,
        /// Its blocks.
        blocks: BlocksByStream,
    },
    /// Nothing of these batches is needed any more.
    BatchesCleaned {
        /// The batches.
        batches: Vec<BatchId>,
        /// How far the blocks so far reach for each client: the blocks themselves are forgotten.
        clients: BTreeMap<StreamId, Clients>,
    },
}

/// What is to be logged, and what follows then.
pub(super) enum Wanted {
    Added {
        attempt: u32,
        executor: ExecutorId,
        block: ReceivedBlock,
    },
    Allocate {
        tick: BatchTick,
        slot: SlotId,
    },
    Allocated {
        tick: BatchTick,
        slot: SlotId,
        blocks: BlocksByStream,
    },
    /// What a checkpoint says of a batch, and the log did not.
    Planned {
        batch: BatchId,
        blocks: BlocksByStream,
    },
    /// A block of a batch that a checkpoint says ran without it.
    Back {
        block: ReceivedBlock,
    },
    Cleaned {
        batches: Vec<BatchId>,
        clients: BTreeMap<StreamId, Clients>,
    },
}

impl Wanted {
    pub(super) fn record(&self) -> Option<ReceivedRecord> {
        match self {
            Self::Added { block, .. } | Self::Back { block } => {
                Some(ReceivedRecord::BlockAdded { block: block.clone() })
            }
            Self::Allocate { .. } => None,
            Self::Allocated { tick, blocks, .. } => {
                Some(ReceivedRecord::BatchAllocated { batch: tick.batch, blocks: blocks.clone() })
            }
            Self::Planned { batch, blocks } => {
                Some(ReceivedRecord::BatchAllocated { batch: *batch, blocks: blocks.clone() })
            }
            Self::Cleaned { batches, clients } => {
                Some(ReceivedRecord::BatchesCleaned { batches: batches.clone(), clients: clients.clone() })
            }
        }
    }
}

/// The log as the driver knows it.
#[derive(Default)]
pub(super) struct ReceivedLog {
    /// What waits to be written, and since when it is wanted.
    pub queue: VecDeque<(Timestamp, Wanted)>,
    pub in_flight: Vec<Wanted>,
    /// What is planned and could not be written: it goes before whatever is written next, and counts with that.
    again: Vec<Wanted>,
    /// Since when it is being written.
    pub since: Timestamp,
    /// Records of a write that counts as failed and has not been answered: none begins before it is.
    pub unanswered: u64,
    /// Records of such a write that is durable after all, and must not count.
    pub take_back: u64,
    pub segments: LogSegments,
    /// Batches that a window or a state still needs after one that succeeded.
    pub remembered: u32,
    /// Of each stream, the segment of its blocks before which nothing is needed.
    pub first_needed: BTreeMap<StreamId, u64>,
    /// What could not be deleted the last time was told.
    pub stays: bool,
    /// The same of the logs of these streams' blocks.
    pub blocks_stay: BTreeSet<StreamId>,
    /// What was written and not told.
    told: ToldLog,
}

impl ReceivedLog {
    /// A log whose batches are needed for so many batches after theirs.
    pub fn new(remembered: u32) -> Self {
        Self { remembered, ..Self::default() }
    }

    /// Blocks on their way into the log.
    pub fn queued(&self) -> impl Iterator<Item = &ReceivedBlock> {
        self.in_flight.iter().chain(self.queue.iter().map(|(_, wanted)| wanted)).filter_map(|wanted| match wanted {
            Wanted::Added { block, .. } => Some(block),
            _ => None,
        })
    }

    /// Whether a block of a stream is on its way into the log.
    pub fn is_adding(&self, stream: StreamId) -> bool {
        self.queued().any(|block| block.id.stream == stream)
    }

    /// Whether the log may still say something else of what was planned.
    fn has_plans_to_write(&self) -> bool {
        let is_plan = |wanted: &Wanted| matches!(wanted, Wanted::Planned { .. } | Wanted::Back { .. });
        !self.again.is_empty() || self.queue.front().is_some_and(|(_, first)| is_plan(first))
    }

    /// What is written next, if nothing is being written.
    fn next_group(&mut self, now: Timestamp, waiting: &BlocksByStream) -> Vec<Vec<u8>> {
        if !self.in_flight.is_empty() || self.unanswered > 0 {
            return Vec::new();
        }
        let Some((_, first)) = self.queue.pop_front() else { return Vec::new() };
        self.since = now;
        self.in_flight.append(&mut self.again);
        if let Wanted::Allocate { tick, slot } = first {
            self.in_flight.push(Wanted::Allocated { tick, slot, blocks: waiting.clone() });
        } else {
            self.in_flight.push(first);
            while self.in_flight.len() < GROUP_MAX
                && let Some((_, next)) = self.queue.pop_front_if(|(_, next)| !matches!(next, Wanted::Allocate { .. }))
            {
                self.in_flight.push(next);
            }
        }
        let records = self.in_flight.iter().filter_map(Wanted::record);
        records.map(|record| serde_json::to_vec(&record).unwrap_or_default()).collect()
    }
}

/// What a log says, and what of it nobody understands.
fn records_of(contents: &Contents) -> (Vec<(u64, ReceivedRecord)>, Vec<String>) {
    let (mut records, mut strange) = (Vec::new(), Vec::new());
    for record in &contents.records {
        match (serde_json::from_slice(&record.bytes), record.handle.segment()) {
            (Ok(read), Ok(segment)) => records.push((segment, read)),
            (Err(error), _) => strange.push(format!("{}: {error}", record.handle)),
            (_, Err(error)) => strange.push(error.to_string()),
        }
    }
    (records, strange)
}

impl BlockTracker {
    /// Begins with what the store says of the log.
    fn open_log(&mut self, opened: &OpenedLog, remembered: u32) -> Vec<String> {
        let mut log = ReceivedLog::new(remembered);
        log.segments = LogSegments::of(&opened.contents);
        let (records, strange) = records_of(&opened.contents);
        for (segment, record) in records {
            log.segments.note(segment, &record);
            self.replay(record);
        }
        self.replayed();
        self.log = Some(log);
        strange
    }
}

impl Driver {
    /// The log was opened, and what a former driver wrote into it was read.
    pub(super) fn begin_received_log(&mut self, now: Timestamp, opened: &OpenedLog, remembered: u32, fx: &mut Effects) {
        let strange = self.receivers.tracker.open_log(opened, remembered);
        if opened.replayed {
            for event in told_log::found(&opened.contents) {
                self.emit(now, fx, event);
            }
        }
        self.allocate_as_planned(now, fx);
        self.hold_log_against_checkpoint(now, &opened.contents, fx);
        let known: BTreeSet<StreamId> = self.receivers.streams().collect();
        let orphans = |blocks: &BlocksByStream| -> usize {
            blocks.iter().filter(|(stream, _)| !known.contains(stream)).map(|(_, blocks)| blocks.len()).sum()
        };
        let orphans = orphans(&self.receivers.tracker.waiting);
        let damage = opened.damage.iter().cloned().chain(strange);
        let mut messages: Vec<String> = damage.collect();
        if orphans > 0 {
            messages.push(format!("{orphans} blocks belong to streams that this program does not have"));
        }
        for message in messages {
            let kind = "write-ahead-log-damaged".to_owned();
            let finding = Finding { kind, message, place: "receivedBlockMetadata".to_owned() };
            self.emit(now, fx, Event::FindingReported { finding });
        }
        self.tell_recovered_blocks(now, fx);
        self.keep_skipped(now, fx);
    }

    /// A batch that a checkpoint plans read exactly what its plan says, also where the log has nothing of that:
    /// what waits belongs to batches behind it.
    fn allocate_as_planned(&mut self, now: Timestamp, fx: &mut Effects) {
        let Some(graph) = &mut self.graph else { return };
        let tracker = &mut self.receivers.tracker;
        let wanted = tracker.plan(&graph.now.batches);
        for wanted in &wanted {
            if let Wanted::Planned { batch, .. } = wanted {
                graph.doubt_allocation(*batch);
            }
        }
        if let Some(log) = &mut tracker.log {
            log.queue.extend(wanted.into_iter().map(|wanted| (now, wanted)));
        }
        self.write_received_log(now, fx);
    }

    /// A block is to be accepted: at once, or when the log has it.
    pub(super) fn add_block(
        &mut self,
        now: Timestamp,
        (attempt, executor): (u32, ExecutorId),
        block: ReceivedBlock,
        out: &mut Outbox,
        fx: &mut Effects,
    ) {
        match &mut self.receivers.tracker.log {
            Some(log) => {
                log.queue.push_back((now, Wanted::Added { attempt, executor, block }));
                self.write_received_log(now, fx);
            }
            None => self.accept_block((attempt, executor), block, out, fx),
        }
    }

    fn accept_block(
        &mut self,
        (attempt, executor): (u32, ExecutorId),
        block: ReceivedBlock,
        out: &mut Outbox,
        fx: &mut Effects,
    ) {
        let ReceivedBlock { id, records, duplicates, .. } = block;
        let segment = block.handle.as_ref().and_then(|handle| handle.segment().ok());
        let logged_bytes = block.handle.as_ref().map_or(0, |handle| handle.bytes.into());
        let (clients, buffered) = (block.clients.clone(), block.buffered);
        let added = AddedBlock { block: id, executor, records, duplicates, clients, segment, logged_bytes, buffered };
        out.events.push(Event::ReceivedBlockAdded(added));
        self.receivers.tracker.add(block);
        fx.push(Effect::Receiver(ReceiverOp::Answer { stream: id.stream, attempt, block: id, result: Ok(()) }));
    }

    pub(super) fn write_received_log(&mut self, now: Timestamp, fx: &mut Effects) {
        let tracker = &mut self.receivers.tracker;
        let Some(log) = &mut tracker.log else { return };
        let records = log.next_group(now, &tracker.waiting);
        if !records.is_empty() {
            let take_back = std::mem::take(&mut log.take_back);
            fx.push(Effect::ReceivedLog(ReceivedLogOp::Append { records, take_back }));
        }
    }

    /// A batch wants its blocks (R17.10): those that it was given before, or what arrived since the last one.
    pub(super) fn blocks_wanted(&mut self, now: Timestamp, slot: SlotId, tick: BatchTick, fx: &mut Effects) {
        let tracker = &mut self.receivers.tracker;
        let Some(log) = &mut tracker.log else {
            let mut blocks = BlocksByStream::new();
            if tick.batch.0 > tracker.allocated {
                blocks = self.receivers.take_waiting();
                self.receivers.tracker.allocate(tick.batch, blocks.clone());
            }
            return self.give_blocks(now, slot, tick, blocks, fx);
        };
        if tick.batch.0 > tracker.allocated {
            log.queue.push_back((now, Wanted::Allocate { tick, slot }));
            return self.write_received_log(now, fx);
        }
        if let Some(error) = self.why_incomplete(tick.batch) {
            return fx.push(Effect::Reply(slot, Reply::Received(Err(error))));
        }
        let tracker = &self.receivers.tracker;
        let recorded = tracker.of_batch(tick.batch).cloned().unwrap_or_default();
        self.give_blocks(now, slot, tick, recorded, fx);
    }

    fn give_blocks(
        &mut self,
        now: Timestamp,
        slot: SlotId,
        tick: BatchTick,
        mut blocks: BlocksByStream,
        fx: &mut Effects,
    ) {
        self.drop_lost_blocks(now, tick.batch, &mut blocks, fx);
        fx.push(Effect::Reply(slot, Reply::Received(Ok(blocks))));
    }

    /// The log answered.
    pub(super) fn received_logged(
        &mut self,
        now: Timestamp,
        (result, doubtful): (Result<Logged, String>, &[u64]),
        out: &mut Outbox,
        fx: &mut Effects,
    ) {
        let (result, newer) = match result {
            Ok(Logged::Synced { position }) => (Ok(position), None),
            Ok(Logged::TakenOver { by }) => (Err(format!("the driver of epoch {by} took over")), Some(by)),
            Err(error) => (Err(error), None),
        };
        let Some(log) = &mut self.receivers.tracker.log else { return };
        log.segments.doubt(doubtful);
        let group = std::mem::take(&mut log.in_flight);
        let overdue = std::mem::take(&mut log.unanswered);
        match &result {
            // Whoever waited for it was told that it failed.
            Ok(_) if overdue > 0 => log.take_back = overdue,
            Ok(position) => {
                log.segments.grew(position.segment);
                let records = group.iter().filter_map(Wanted::record);
                records.for_each(|record| log.segments.note(position.segment, &record));
                log.told.wrote(position.segment, &group);
                out.events.extend(log.told.updates());
                if let Some(graph) = &mut self.graph {
                    graph.now.log = Some(*position);
                    if !log.has_plans_to_write() {
                        graph.allocations_are_certain();
                    }
                }
                self.follow_logged(now, group, out, fx);
            }
            Err(error) => self.follow_not_logged(now, group, error, out, fx),
        }
        match newer {
            Some(by) => self.taken_over(now, by, out, fx),
            None => self.write_received_log(now, fx),
        }
    }

    /// It is in the log: now it counts.
    fn follow_logged(&mut self, now: Timestamp, group: Vec<Wanted>, out: &mut Outbox, fx: &mut Effects) {
        for wanted in group {
            match wanted {
                Wanted::Added { attempt, executor, block } => self.accept_block((attempt, executor), block, out, fx),
                Wanted::Allocated { tick, slot, blocks } => {
                    self.receivers.tracker.allocate(tick.batch, blocks.clone());
                    self.give_blocks(now, slot, tick, blocks, fx);
                }
                Wanted::Cleaned { batches, .. } => self.received_cleaned(now, &batches, fx),
                // What is planned is known without the log.
                Wanted::Planned { .. } | Wanted::Back { .. } | Wanted::Allocate { .. } => {}
            }
        }
    }

    /// It does not count, whether the log has it or not.
    pub(super) fn follow_not_logged(
        &mut self,
        now: Timestamp,
        group: Vec<Wanted>,
        error: &str,
        out: &mut Outbox,
        fx: &mut Effects,
    ) {
        let blocks = group.iter().filter_map(|wanted| match wanted {
            Wanted::Added { block, .. } => Some(block),
            _ => None,
        });
        let blocks: Vec<ReceivedBlock> = blocks.cloned().collect();
        self.report_refused_blocks(now, &blocks, error, fx);
        for wanted in group {
            match wanted {
                Wanted::Added { attempt, block, .. } => {
                    out.events.push(refused(&block, error));
                    self.refuse_block(attempt, block.id, error, fx);
                }
                Wanted::Allocated { tick, slot, blocks } => {
                    self.allocation_failed(now, (slot, tick), &blocks, error, fx);
                }
                Wanted::Allocate { tick, slot } => {
                    let blocks = self.receivers.tracker.waiting.clone();
                    self.allocation_failed(now, (slot, tick), &blocks, error, fx);
                }
                // What is planned is known without the log; the driver after the next has to know it, too.
                Wanted::Planned { .. } | Wanted::Back { .. } => {
                    if let Some(log) = &mut self.receivers.tracker.log {
                        log.again.push(wanted);
                    }
                }
                // What is not cleaned is so the next time.
                Wanted::Cleaned { .. } => {}
            }
        }
    }

    /// R17.7: its receiver hears that it is not stored; what of it is stored goes.
    pub(super) fn refuse_block(&mut self, attempt: u32, block: InputBlockId, error: &str, fx: &mut Effects) {
        fx.push(Effect::Cluster(super::ClusterOp::RemoveInputs { blocks: vec![block] }));
        let result = Err(error.to_owned());
        fx.push(Effect::Receiver(ReceiverOp::Answer { stream: block.stream, attempt, block, result }));
    }

    /// SPARK-23991: the batch has nothing, and the blocks wait for the next one.
    fn allocation_failed(
        &mut self,
        now: Timestamp,
        (slot, tick): (SlotId, BatchTick),
        blocks: &BlocksByStream,
        error: &str,
        fx: &mut Effects,
    ) {
        if seeded(SeededBug::FailedAllocationDrops) {
            self.receivers.tracker.waiting.clear();
        }
        let count: usize = blocks.values().map(Vec::len).sum();
        let message =
            format!("its {count} received blocks could not be allocated to it and wait for the next batch: {error}");
        let finding = Finding { kind: "allocation-failed".into(), message, place: format!("batch {}", tick.batch) };
        self.emit(now, fx, Event::FindingReported { finding });
        // Its plan says so of each stream, whatever the log says by the next start.
        if let Some(graph) = &mut self.graph {
            graph.doubt_allocation(tick.batch);
        }
        let none = self.receivers.streams().map(|stream| (stream, Vec::new())).collect();
        fx.push(Effect::Reply(slot, Reply::Received(Ok(none))));
    }

    /// R18.8: the log is not written any more. Who waits for it hears so.
    pub(super) fn close_received_log(&mut self, now: Timestamp, fx: &mut Effects) {
        let Some(log) = &mut self.receivers.tracker.log else { return };
        let wanted: Vec<Wanted> = log.queue.drain(..).map(|(_, wanted)| wanted).collect();
        for wanted in wanted {
            match wanted {
                Wanted::Added { attempt, block, .. } => {
                    let closed = "the write-ahead log was closed";
                    self.emit(now, fx, refused(&block, closed));
                    self.refuse_block(attempt, block.id, closed, fx);
                }
                Wanted::Allocate { slot, .. } | Wanted::Allocated { slot, .. } => {
                    fx.push(Effect::Reply(slot, Reply::Received(Ok(BTreeMap::new()))));
                }
                Wanted::Cleaned { .. } | Wanted::Planned { .. } | Wanted::Back { .. } => {}
            }
        }
    }
}
