//! Blocks as a task sees them: found, read under a lock, unrolled under a reservation, stored.

use super::remote::{Tried, fetch};
use super::{BlockPolicy, TaskContext};
use crate::event::ReadTier;
use crate::executor::ScriptEntry;
use crate::ids::*;
use crate::rdd::{Stop, TaskError};
use crate::storage::{BlockError, MemoryMode, PutWay, StoredBlock, Tier};
use crate::write_ahead::{RecordHandle, WriteAheadError, read_record};
use imbl::Vector;
use std::ops::ControlFlow;
use std::sync::Arc;

/// A block that a task reads.
#[derive(Debug)]
pub(crate) struct FoundBlock {
    /// Its records.
    pub block: Arc<dyn StoredBlock>,
    /// Where it was.
    pub tier: ReadTier,
    id: StoredId,
    /// Whether [`TaskContext::read_done`] has a lock to give back.
    locked: bool,
    /// Blocks that its holder had been given before it was read.
    puts: u64,
}

/// A block to be stored.
pub(crate) struct NewBlock {
    pub id: BlockId,
    pub block: Arc<dyn StoredBlock>,
    pub policy: BlockPolicy,
    pub way: PutWay,
    /// Bytes of its records as values: what the model of costs counts.
    pub weight: u64,
}

impl TaskContext {
    pub(crate) fn policy(&self, rdd: RddId) -> Option<BlockPolicy> {
        self.view.policies.get(&rdd).copied()
    }

    /// R8.3: own memory, own disk, then replicas elsewhere; a remote hit is not stored here. A disk
    /// block that cannot be read fails the task (R8.9).
    pub(crate) fn find_block(&self, id: BlockId) -> Result<Option<FoundBlock>, TaskError> {
        if let Some(block) = self.journal.borrow().pending.get(&id) {
            let block = Arc::clone(block);
            let (id, puts) = (id.into(), self.stores.puts());
            return Ok(Some(FoundBlock { block, tier: ReadTier::LocalMemory, id, locked: false, puts }));
        }
        if let Some(found) = self.stored_block(id.into(), self.view.blocks.get(&id))? {
            return Ok(Some(found));
        }
        if let Some((block, ready_ns)) = self.sink.in_production(id) {
            self.cost.wait_until(ready_ns);
            let (id, puts) = (id.into(), self.stores.puts());
            return Ok(Some(FoundBlock { block, tier: ReadTier::LocalMemory, id, locked: true, puts }));
        }
        Ok(None)
    }

    /// A block of a receiver, from wherever a copy is (R17.11).
    pub(crate) fn find_input_block(&self, id: InputBlockId) -> Result<Option<FoundBlock>, TaskError> {
        self.stored_block(id.into(), self.view.inputs.get(&id))
    }

    /// The records of a block of a receiver, from the log (R17.12). The row that reads them says so.
    pub(crate) fn read_logged(&self, handle: &RecordHandle) -> Result<Vec<u8>, WriteAheadError> {
        let bytes = read_record(&*self.store, handle)?;
        self.cost.log_read(bytes.len() as u64);
        let row = self.journal.borrow().open.last().copied();
        if let Some(row) = row {
            self.set_row_tier(row, ReadTier::WriteAheadLog, bytes.len() as u64);
        }
        Ok(bytes)
    }

    fn stored_block(
        &self,
        id: StoredId,
        holders: Option<&Vector<ExecutorId>>,
    ) -> Result<Option<FoundBlock>, TaskError> {
        let puts = self.stores.puts();
        match self.stores.look_at_block(self.task.id, id) {
            Ok(Some(found)) => {
                self.sink.effect(self.cost.now(), ScriptEntry::Read { id, block: Arc::clone(&found.block) })?;
                let tier = match found.tier {
                    Tier::Memory => ReadTier::LocalMemory,
                    Tier::Disk => ReadTier::LocalDisk,
                };
                Ok(Some(FoundBlock { block: found.block, tier, id, locked: true, puts }))
            }
            Ok(None) => self.remote_block(id, holders),
            Err(error) => {
                self.unreadable(self.task.executor, id, puts)?;
                Err(TaskError::Exception(format!("Block {id} could not be read: {error}")))
            }
        }
    }

    /// R8.15: each location once, in an order of its own for each reader, so that readers spread. A copy
    /// that cannot be read is forgotten where it was; when all fail the block is not found.
    fn remote_block(
        &self,
        id: StoredId,
        holders: Option<&Vector<ExecutorId>>,
    ) -> Result<Option<FoundBlock>, TaskError> {
        let mut locations: Vec<ExecutorId> =
            holders.into_iter().flatten().copied().filter(|e| *e != self.task.executor).collect();
        if locations.is_empty() {
            return Ok(None);
        }
        self.seed.fork("locations").task(&self.task.op, self.task.partition).rng().shuffle(&mut locations);
        let (mut unreadable, mut puts) = (Vec::new(), 0);
        let try_one = |executor: ExecutorId| {
            let Some(stores) = self.cluster.read().get(&executor).cloned() else { return Tried::Failed };
            puts = stores.puts();
            match stores.peek_block(id) {
                Ok(Some(block)) => Tried::Block(block),
                Ok(None) => Tried::Failed,
                Err(_) => {
                    unreadable.push((executor, puts));
                    Tried::Failed
                }
            }
        };
        let found = fetch(locations, self.stores.failures_before_refresh(), try_one, || self.holders_now(id));
        for (executor, puts) in unreadable {
            self.unreadable(executor, id, puts)?;
        }
        let remote = |(block, executor)| {
            let tier = ReadTier::Remote { executor };
            FoundBlock { block, tier, id, locked: false, puts }
        };
        Ok(found.map(remote))
    }

    /// Who holds a block now: what the driver would answer, had it heard of every change.
    fn holders_now(&self, id: StoredId) -> Vec<ExecutorId> {
        let all: Vec<_> = self.cluster.read().values().cloned().collect();
        let others = all.into_iter().filter(|stores| stores.id() != self.task.executor && stores.holds_block(id));
        others.map(|stores| stores.id()).collect()
    }

    fn unreadable(&self, executor: ExecutorId, id: StoredId, puts: u64) -> Result<(), TaskError> {
        self.sink.effect(self.cost.now(), ScriptEntry::Unreadable { executor, id, puts })
    }

    /// The bytes of a block that was found turned out to be damaged: its holder forgets it, and this
    /// attempt fails (R8.9).
    pub(crate) fn damaged(&self, found: &FoundBlock, error: &BlockError) -> Stop {
        let holder = match found.tier {
            ReadTier::Remote { executor } => executor,
            _ => self.task.executor,
        };
        let text = format!("Block {} could not be read: {error}", found.id);
        Stop::Failed(self.unreadable(holder, found.id, found.puts).err().unwrap_or(TaskError::Exception(text)))
    }

    /// All records of a block were read: it may leave again (R8.11). A task that stops early gives it back
    /// at its end.
    pub(crate) fn read_done(&self, found: FoundBlock) -> ControlFlow<Stop> {
        if !found.locked {
            return ControlFlow::Continue(());
        }
        self.effect(ScriptEntry::ReadDone { task: self.task.id, id: found.id })
    }

    /// A partition turned out not to be kept.
    pub(crate) fn not_kept(&self, id: BlockId) {
        self.sink.production_ended(id);
    }

    /// Bytes to ask for when the unrolling of a partition begins (R8.4).
    pub(crate) fn unroll_start(&self) -> u64 {
        self.stores.unroll_start()
    }

    /// Sets memory aside for a partition: `wanted` bytes more if they are free, else `least`, for which
    /// others are evicted. How much; `None` when there is no room.
    pub(crate) fn reserve_unroll(&self, id: BlockId, mode: MemoryMode, least: u64, wanted: u64) -> Option<u64> {
        let (granted, reports) = self.stores.reserve_unroll(self.task.id, id, mode, (least, wanted))?;
        if !reports.is_empty() {
            self.sink.changed(reports);
        }
        Some(granted)
    }

    /// Gives back what was set aside for a partition.
    pub(crate) fn release_unroll(&self, id: BlockId) {
        self.stores.release_unroll(self.task.id, id);
    }

    /// Stores a block here and on as many peers as the level asks (R8.13).
    pub(crate) fn put_block(&self, new: NewBlock) -> ControlFlow<Stop> {
        let NewBlock { id, block, policy, way, weight } = new;
        self.cost.put(policy.level, weight, block.len());
        let mut peers = Vec::new();
        if policy.level.replication > 1 {
            peers.extend(self.view.peers.iter().filter(|peer| **peer != self.task.executor));
            // Seeded with the block, so that replicas spread and repeat.
            let seed = self.seed.fork("replication").nth(u64::from(id.rdd.0)).nth(u64::from(id.partition.0));
            seed.rng().shuffle(&mut peers);
        }
        self.journal.borrow_mut().pending.insert(id, Arc::clone(&block));
        if !peers.is_empty() {
            self.cost.replicate(weight);
        }
        self.effect(ScriptEntry::PutBlock { task: self.task.id, id, block, policy, way, peers })
    }
}
