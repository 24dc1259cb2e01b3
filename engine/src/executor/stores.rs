//! What one executor incarnation holds: blocks and shuffle outputs.

use super::BlockReport;
use crate::event::{BlockRemoval, StorageLevel};
use crate::ids::*;
use crate::shuffle::ShuffleStore;
use crate::storage::{BlockChange, BlockError, BlockForm, BlockStore, Found, StoredBlock};
use parking_lot::{Condvar, Mutex};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Stores of one executor incarnation.
pub struct ExecutorStores {
    id: ExecutorId,
    alive: AtomicBool,
    /// Whether an external shuffle service hands out the map outputs, now that the incarnation is dead.
    served: AtomicBool,
    blocks: Mutex<BlockStore>,
    /// Raised by every change of the blocks, so that the driver can tell older reports from newer.
    version: AtomicU64,
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
            served: AtomicBool::new(false),
            blocks: Mutex::new(blocks),
            version: AtomicU64::new(0),
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
        self.served.store(false, Ordering::Release);
        self.alive.store(false, Ordering::Release);
    }

    /// Ends the incarnation, but for the map outputs that it finished: an external shuffle service on its
    /// host goes on to hand them out.
    pub fn kill_but_serve(&self) {
        self.served.store(true, Ordering::Release);
        self.alive.store(false, Ordering::Release);
    }

    /// Whether map outputs can be fetched from here.
    pub fn serves_map_outputs(&self) -> bool {
        self.is_alive() || self.served.load(Ordering::Acquire)
    }

    /// A block for a task of this executor. Nothing moves until [`Self::block_read`].
    pub fn look_at_block(&self, id: impl Into<StoredId>) -> Result<Option<Found>, BlockError> {
        if self.is_alive() { self.blocks.lock().look(id, BlockForm::Values) } else { Ok(None) }
    }

    /// A task of this executor read a block.
    pub(super) fn block_read(&self, id: StoredId, block: &Arc<dyn StoredBlock>) -> Vec<BlockReport> {
        self.change(|blocks| blocks.accessed(id, block))
    }

    /// A block turned out to be unreadable: it is forgotten (R8.9).
    pub(super) fn block_unreadable(&self, id: StoredId) -> Vec<BlockReport> {
        self.change(|blocks| blocks.remove(id, BlockRemoval::Unreadable))
    }

    /// Changes the blocks, and stamps the reports before anyone else can change them.
    fn change<C: IntoIterator<Item = BlockChange>>(&self, f: impl FnOnce(&mut BlockStore) -> C) -> Vec<BlockReport> {
        let mut blocks = self.blocks.lock();
        let changes = f(&mut blocks);
        let version = self.version.fetch_add(1, Ordering::Relaxed) + 1;
        changes.into_iter().map(|change| BlockReport { executor: self.id, version, change, preview: None }).collect()
    }

    /// A block for somebody else; `None` when dead or unreadable (R8.15).
    pub fn peek_block(&self, id: impl Into<StoredId>) -> Option<Arc<dyn StoredBlock>> {
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
        if let Ok(Some(found)) = self.look_at_block(id) {
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
    ) -> Result<Vec<BlockReport>, String> {
        // Locked until the block is stored: an unpersist comes before or after, not between.
        let generations = self.generations.lock();
        let oldest = generations.get(&id.rdd).copied().unwrap_or(0);
        if generation < oldest {
            return Ok(Vec::new());
        }
        self.put(id.into(), block, level)
    }

    /// Stores a block of a receiver. Returns what changed; nothing when this incarnation is dead.
    pub(super) fn put_input_block(
        &self,
        id: InputBlockId,
        block: Arc<dyn StoredBlock>,
        level: StorageLevel,
    ) -> Result<Vec<BlockReport>, String> {
        self.put(id.into(), block, level)
    }

    fn put(&self, id: StoredId, block: Arc<dyn StoredBlock>, level: StorageLevel) -> Result<Vec<BlockReport>, String> {
        if !self.is_alive() {
            return Ok(Vec::new());
        }
        let mut failure = None;
        let reports = self.change(|blocks| match blocks.put(id, block, level) {
            Ok(outcome) => outcome.changes,
            Err(error) => {
                failure = Some(error.to_string());
                Vec::new()
            }
        });
        failure.map_or(Ok(reports), Err)
    }

    /// Removes all blocks of an RDD; puts of older generations are refused from now on.
    pub fn unpersist(&self, rdd: RddId, generation: u32) -> Vec<BlockReport> {
        self.generations.lock().insert(rdd, generation);
        self.change(|blocks| blocks.remove_rdd(rdd))
    }

    /// Removes one block.
    pub fn drop_block(&self, id: impl Into<StoredId>) -> Vec<BlockReport> {
        self.change(|blocks| blocks.remove(id, BlockRemoval::Dropped))
    }

    /// Removes blocks of a receiver whose batch is no longer remembered (R12.7).
    pub fn remove_input_blocks(&self, ids: &[InputBlockId]) -> Vec<BlockReport> {
        self.change(|blocks| {
            let gone = ids.iter().filter_map(|id| blocks.remove(*id, BlockRemoval::Unpersisted));
            gone.collect::<Vec<_>>()
        })
    }

    /// Copies a block from another executor (R8.14). Returns what changed here.
    pub fn copy_from(&self, from: &Self, id: BlockId, policy: crate::task_context::BlockPolicy) -> Vec<BlockReport> {
        let Some(block) = from.peek_block(id) else { return Vec::new() };
        let copy = block.encode().and_then(|bytes| block.codec().wrap(bytes));
        let reports =
            copy.map_err(|e| e.to_string()).and_then(|c| self.put_block(id, c, policy.level, policy.generation));
        // A copy that cannot be made is not an error: the block has fewer replicas (R8.13).
        reports.unwrap_or_default()
    }

    /// Every block, for a report after the driver forgot this executor (R8.12).
    pub fn report_blocks(&self) -> Vec<BlockReport> {
        self.change(|blocks| blocks.blocks().collect::<Vec<_>>())
    }

    /// A bucket of a map output; `None` when dead or not there.
    pub fn read_bucket(
        &self,
        shuffle: ShuffleId,
        map: PartitionId,
        reduce: PartitionId,
    ) -> Option<Arc<dyn StoredBlock>> {
        if !self.serves_map_outputs() {
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
        self.serves_map_outputs() && self.shuffles.lock().contains(shuffle, map)
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
