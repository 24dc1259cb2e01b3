//! What one executor incarnation holds: blocks and shuffle outputs.

use crate::event::{BlockRemoval, StorageLevel};
use crate::ids::*;
use crate::shuffle::ShuffleStore;
use crate::storage::{BlockChange, BlockForm, BlockStore, Found, LostBlock, StoredBlock};
use parking_lot::{Condvar, Mutex};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Stores of one executor incarnation.
pub struct ExecutorStores {
    id: ExecutorId,
    alive: AtomicBool,
    blocks: Mutex<BlockStore>,
    shuffles: Mutex<ShuffleStore>,
    /// Lowest persist generation whose puts are still accepted, by RDD.
    generations: Mutex<BTreeMap<RddId, u32>>,
    /// Blocks being produced by running tasks of this executor, on threads (R8.11).
    producing: Mutex<BTreeMap<BlockId, TaskId>>,
    produced: Condvar,
}

impl fmt::Debug for ExecutorStores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecutorStores").field("id", &self.id).finish_non_exhaustive()
    }
}

impl ExecutorStores {
    /// Empty stores.
    pub fn new(id: ExecutorId, blocks: BlockStore, shuffles: ShuffleStore) -> Self {
        Self {
            id,
            alive: AtomicBool::new(true),
            blocks: Mutex::new(blocks),
            shuffles: Mutex::new(shuffles),
            generations: Mutex::default(),
            producing: Mutex::default(),
            produced: Condvar::new(),
        }
    }

    /// Whose they are.
    pub const fn id(&self) -> ExecutorId {
        self.id
    }

    /// Whether the incarnation lives.
    pub fn is_alive(&self) -> bool {
        self.alive.load(Ordering::Acquire)
    }

    /// Ends the incarnation: nothing of it can be read any more.
    pub fn kill(&self) {
        self.alive.store(false, Ordering::Release);
    }

    /// A block for a task of this executor; counts as an access.
    pub fn read_block(&self, id: BlockId) -> Result<Option<Found>, LostBlock> {
        if self.is_alive() { self.blocks.lock().get(id, BlockForm::Values) } else { Ok(None) }
    }

    /// A block for somebody else; `None` when dead or unreadable (R8.15).
    pub fn peek_block(&self, id: BlockId) -> Option<Arc<dyn StoredBlock>> {
        if !self.is_alive() {
            return None;
        }
        self.blocks.lock().peek(id).ok().flatten().map(|found| found.block)
    }

    /// The block once whoever produces it is done; `None` makes the caller its producer.
    pub fn wait_or_produce(&self, id: BlockId, task: TaskId) -> Option<Arc<dyn StoredBlock>> {
        let mut producing = self.producing.lock();
        loop {
            match producing.get(&id) {
                Some(other) if *other != task => self.produced.wait(&mut producing),
                _ => break,
            }
        }
        if let Ok(Some(found)) = self.read_block(id) {
            return Some(found.block);
        }
        producing.insert(id, task);
        None
    }

    /// A block is stored, or will not be.
    pub fn production_ended(&self, id: BlockId) {
        self.producing.lock().remove(&id);
        self.produced.notify_all();
    }

    /// A task ended, whatever it left half-done.
    pub fn task_ended(&self, task: TaskId) {
        self.producing.lock().retain(|_, producer| *producer != task);
        self.produced.notify_all();
    }

    /// Whether `bytes` of a block of `rdd` would fit.
    pub fn can_unroll(&self, rdd: RddId, bytes: u64) -> bool {
        self.blocks.lock().can_unroll(rdd, bytes)
    }

    /// Stores a block unless its RDD was unpersisted since `generation`. Returns what changed.
    pub(super) fn put_block(
        &self,
        id: BlockId,
        block: Arc<dyn StoredBlock>,
        level: StorageLevel,
        generation: u32,
    ) -> Result<Vec<BlockChange>, String> {
        let oldest = self.generations.lock().get(&id.rdd).copied().unwrap_or(0);
        if !self.is_alive() || generation < oldest {
            return Ok(Vec::new());
        }
        self.blocks.lock().put(id, block, level).map(|outcome| outcome.changes).map_err(|error| error.to_string())
    }

    /// Removes all blocks of an RDD; puts of older generations are refused from now on.
    pub fn unpersist(&self, rdd: RddId, generation: u32) -> Vec<BlockChange> {
        self.generations.lock().insert(rdd, generation);
        self.blocks.lock().remove_rdd(rdd)
    }

    /// Removes one block.
    pub fn drop_block(&self, id: BlockId) -> Option<BlockChange> {
        self.blocks.lock().remove(id, BlockRemoval::Dropped)
    }

    /// Copies a block from another executor (R8.14). Returns what changed here.
    pub fn copy_from(
        &self,
        from: &Self,
        id: BlockId,
        policy: crate::task_context::BlockPolicy,
    ) -> Vec<super::BlockReport> {
        let Some(block) = from.peek_block(id) else { return Vec::new() };
        let copy = block.encode().and_then(|bytes| block.codec().wrap(bytes));
        let changes =
            copy.map_err(|e| e.to_string()).and_then(|c| self.put_block(id, c, policy.level, policy.generation));
        // A copy that cannot be made is not an error: the block has fewer replicas (R8.13).
        let changes = changes.unwrap_or_default();
        changes.into_iter().map(|change| super::BlockReport { executor: self.id, change, preview: None }).collect()
    }

    /// Every block, for a report after the driver forgot this executor (R8.12).
    pub fn report_blocks(&self) -> Vec<BlockChange> {
        self.blocks.lock().blocks().collect()
    }

    /// A bucket of a map output; `None` when dead or not there.
    pub fn read_bucket(
        &self,
        shuffle: ShuffleId,
        map: PartitionId,
        reduce: PartitionId,
    ) -> Option<Arc<dyn StoredBlock>> {
        if !self.is_alive() {
            return None;
        }
        self.shuffles.lock().get(shuffle, map, reduce).ok().flatten()
    }

    pub(super) fn put_map_output(
        &self,
        shuffle: ShuffleId,
        map: PartitionId,
        buckets: Vec<Arc<dyn StoredBlock>>,
    ) -> Result<(), String> {
        if !self.is_alive() {
            return Ok(());
        }
        self.shuffles.lock().put(shuffle, map, buckets).map_err(|error| error.to_string())
    }

    /// Whether a map output is there.
    pub fn holds_map_output(&self, shuffle: ShuffleId, map: PartitionId) -> bool {
        self.is_alive() && self.shuffles.lock().contains(shuffle, map)
    }

    /// Deletes one map output behind the driver's back.
    pub fn delete_map_output(&self, shuffle: ShuffleId, map: PartitionId) -> bool {
        self.shuffles.lock().remove_output(shuffle, map)
    }

    /// Removes a shuffle that nothing refers to.
    pub fn remove_shuffle(&self, shuffle: ShuffleId) {
        self.shuffles.lock().remove_shuffle(shuffle);
    }
}
