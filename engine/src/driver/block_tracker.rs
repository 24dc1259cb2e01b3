//! Which blocks of receivers belong to which batch: Spark's `ReceivedBlockTracker`. With a log nothing here
//! changes before the log has it (R18.4).

use super::received_log::{ReceivedLog, ReceivedRecord};
use crate::event::PlannedBlock;
use crate::ids::*;
use crate::receiver::{Clients, ReceivedBlock};
use crate::seeded::{SeededBug, seeded};
use std::collections::{BTreeMap, BTreeSet};

/// Blocks of each stream.
pub(super) type BlocksByStream = BTreeMap<StreamId, Vec<ReceivedBlock>>;

/// The blocks that receivers stored and the driver accepted.
#[derive(Default)]
pub(super) struct BlockTracker {
    /// Blocks that belong to no batch yet, in the order of their arrival.
    pub waiting: BlocksByStream,
    /// The last batch that was given blocks (R18.5).
    pub allocated: u32,
    /// What batches were given: those that are not completed, with a log those that are not cleaned.
    pub batches: BTreeMap<BatchId, BlocksByStream>,
    /// Batches that were given blocks, by this driver, and have not succeeded: nothing of them is cleaned.
    pub unfinished: BTreeSet<BatchId>,
    /// Blocks of skipped batches, by their batch: neither removed nor cleaned, however old they are.
    kept: BTreeMap<BatchId, BTreeSet<InputBlockId>>,
    /// How far the accepted blocks reach for each client.
    clients: BTreeMap<StreamId, Clients>,
    /// The highest number of a block of each stream.
    highest: BTreeMap<StreamId, u64>,
    /// What a former driver's batches were given, by its checkpoint.
    pub planned: BTreeMap<BatchId, Vec<PlannedBlock>>,
    pub log: Option<ReceivedLog>,
    /// Only with [`SeededBug::DanglingBlocks`].
    dangling: BlocksByStream,
}

impl BlockTracker {
    /// Blocks that belong to no batch yet, and their records. Those that are being logged count.
    pub fn unallocated(&self) -> (usize, u64) {
        let queued = || self.log.iter().flat_map(ReceivedLog::queued);
        let waiting = || self.waiting.values().flatten().chain(queued());
        (waiting().count(), waiting().map(|block| block.records).sum())
    }

    /// The highest number of a block of a stream.
    pub fn highest(&self, stream: StreamId) -> u64 {
        self.highest.get(&stream).copied().unwrap_or(0)
    }

    /// How far the accepted blocks of a stream reach for each client.
    pub fn clients(&self, stream: StreamId) -> Clients {
        self.clients.get(&stream).cloned().unwrap_or_default()
    }

    /// The same of all streams.
    pub const fn all_clients(&self) -> &BTreeMap<StreamId, Clients> {
        &self.clients
    }

    fn reach(&mut self, stream: StreamId, clients: &Clients) {
        if clients.is_empty() {
            return;
        }
        let reached = self.clients.entry(stream).or_default();
        for (client, last) in clients {
            let reached = reached.entry(client.clone()).or_insert(*last);
            *reached = (*last).max(*reached);
        }
    }

    /// A block counts from now on.
    pub fn add(&mut self, block: ReceivedBlock) {
        self.reach(block.id.stream, &block.clients);
        let highest = self.highest.entry(block.id.stream).or_default();
        *highest = block.id.number.max(*highest);
        let waiting = self.waiting.entry(block.id.stream).or_default();
        waiting.extend(self.dangling.remove(&block.id.stream).into_iter().flatten());
        waiting.push(block);
    }

    /// A batch has these blocks from now on; others stay in the queue (SPARK-23438).
    pub fn allocate(&mut self, batch: BatchId, blocks: BlocksByStream) {
        for (stream, given) in &blocks {
            let given: BTreeSet<InputBlockId> = given.iter().map(|block| block.id).collect();
            if let Some(waiting) = self.waiting.get_mut(stream) {
                waiting.retain(|block| !given.contains(&block.id));
            }
        }
        self.allocated = self.allocated.max(batch.0);
        self.batches.insert(batch, blocks);
        self.unfinished.insert(batch);
    }

    /// What batches were given of which something is needed.
    pub fn given(&self) -> impl Iterator<Item = (BatchId, &BlocksByStream)> {
        self.batches.iter().map(|(batch, blocks)| (*batch, blocks))
    }

    /// What a batch was given.
    pub fn of_batch(&self, batch: BatchId) -> Option<&BlocksByStream> {
        self.batches.get(&batch)
    }

    /// A batch that a former driver gave blocks was generated again, itself and not only for a window of a later
    /// one: they are needed until it succeeds.
    pub fn needed_again(&mut self, batch: BatchId) {
        if self.batches.contains_key(&batch) {
            self.unfinished.insert(batch);
        }
    }

    /// A batch completed, or there is none at its time. Returns what it was given.
    pub fn batch_done(&mut self, batch: BatchId) -> BlocksByStream {
        if self.log.is_some() {
            return self.batches.get(&batch).cloned().unwrap_or_default();
        }
        self.unfinished.remove(&batch);
        self.batches.remove(&batch).unwrap_or_default()
    }

    /// A batch succeeded: nobody will ask for its blocks again once it is no longer remembered.
    pub fn batch_succeeded(&mut self, batch: BatchId) {
        self.unfinished.remove(&batch);
    }

    /// Batches up to `last` that nobody wants to read again (SPARK-6222: by what succeeded, not by age).
    pub fn cleanable(&self, last: BatchId, wanted: impl Fn(BatchId) -> bool) -> Vec<BatchId> {
        let old = self.batches.range(..=last).map(|(batch, _)| *batch);
        old.filter(|batch| !wanted(*batch) && !self.kept.contains_key(batch)).collect()
    }

    /// Batches are cleaned.
    pub fn clean(&mut self, batches: &[BatchId]) {
        for batch in batches {
            self.batches.remove(batch);
            self.planned.remove(batch);
            self.unfinished.remove(batch);
        }
    }

    /// Every block that is still needed.
    pub fn living(&self) -> impl Iterator<Item = &ReceivedBlock> {
        let given = self.batches.values().flat_map(BTreeMap::values).flatten();
        let queued = self.log.iter().flat_map(ReceivedLog::queued);
        self.waiting.values().flatten().chain(given).chain(queued)
    }

    /// Whether the blocks of a batch are needed.
    pub fn holds(&self, batch: BatchId) -> bool {
        self.batches.contains_key(&batch)
    }

    /// A batch is skipped: its blocks stay, and what only its own run would read may go. Returns how many there are,
    /// and their records.
    pub fn keep(&mut self, batch: BatchId, blocks: &BlocksByStream) -> (usize, u64) {
        let all = || blocks.values().flatten();
        self.unfinished.remove(&batch);
        if all().next().is_some() {
            self.kept.insert(batch, all().map(|block| block.id).collect());
        }
        (all().count(), all().map(|block| block.records).sum())
    }

    /// A batch that was skipped ran after all.
    pub fn no_longer_kept(&mut self, batch: BatchId) {
        self.kept.remove(&batch);
    }

    /// Those of `blocks` that may be removed.
    pub fn without_kept(&self, mut blocks: Vec<InputBlockId>) -> Vec<InputBlockId> {
        blocks.retain(|block| !self.kept.values().any(|kept| kept.contains(block)));
        blocks
    }

    /// Blocks that skipped batches keep.
    pub fn num_kept(&self) -> usize {
        self.kept.values().map(BTreeSet::len).sum()
    }

    /// What a former driver logged (R18.6). Its executors are gone: block managers are not asked for its blocks.
    pub fn replay(&mut self, record: ReceivedRecord) {
        match record {
            ReceivedRecord::BlockAdded { mut block } => {
                block.recovered = true;
                self.add(block);
            }
            ReceivedRecord::BatchAllocated { batch, mut blocks } => {
                blocks.values_mut().flatten().for_each(|block| block.recovered = true);
                if seeded(SeededBug::AllocationClearsQueue) {
                    self.waiting.clear();
                }
                self.allocate(batch, blocks);
            }
            ReceivedRecord::BatchesCleaned { batches, clients } => {
                self.clean(&batches);
                clients.iter().for_each(|(stream, clients)| self.reach(*stream, clients));
            }
        }
    }

    /// The whole log was replayed.
    pub fn replayed(&mut self) {
        // Which of them are needed again is known when they are generated again, oldest first.
        self.unfinished.clear();
        if seeded(SeededBug::DanglingBlocks) {
            self.dangling = std::mem::take(&mut self.waiting);
        }
    }
}
