//! What one executor incarnation holds: blocks and shuffle outputs.

use super::BlockReport;
use crate::config::StorageSettings;
use crate::event::{BlockRemoval, StorageLevel};
use crate::ids::*;
use crate::shuffle::ShuffleStore;
use crate::storage::{
    BlockChange, BlockError, BlockForm, BlockStore, DiskDamage, DiskStore, FailedPut, Found, MemoryMode, PutWay,
    StoredBlock, in_form,
};
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{Condvar, Mutex};
use crate::task_context::BlockPolicy;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How long a task that waits for another does not look whether it is still wanted.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Stores of one executor incarnation.
pub struct ExecutorStores {
    id: ExecutorId,
    alive: AtomicBool,
    /// Whether it stands still, and who waits for it to go on.
    paused: Mutex<bool>,
    resumed: Condvar,
    /// Whether an external shuffle service hands out the map outputs, now that the incarnation is dead.
    served: AtomicBool,
    blocks: Mutex<Blocks>,
    /// Raised by every change of the blocks, so that the driver can tell older reports from newer.
    version: AtomicU64,
    shuffles: Mutex<ShuffleStore>,
    /// Lowest persist generation whose puts are still accepted, by RDD.
    generations: Mutex<BTreeMap<RddId, u32>>,
    /// Blocks being produced by running tasks of this executor, on threads (R8.11).
    producing: Mutex<BTreeMap<BlockId, TaskId>>,
    produced: Condvar,
    settings: StorageSettings,
}

/// The blocks, and what running tasks hold of them.
struct Blocks {
    store: BlockStore,
    tasks: BTreeMap<TaskId, Held>,
}

/// What one task holds until it gives it back, or ends (R8.11).
#[derive(Default)]
struct Held {
    /// Blocks that it reads, once per reader.
    locks: Vec<StoredId>,
    /// Memory of the partitions that it unrolls.
    unrolled: BTreeMap<BlockId, (MemoryMode, u64)>,
}

/// What became of a put on one executor.
#[derive(Debug)]
pub(super) struct Put {
    /// Whether the block is there now.
    pub stored: bool,
    /// Whether it was not there before.
    pub new: bool,
    /// What changed.
    pub reports: Vec<BlockReport>,
    /// Why it failed.
    pub error: Option<String>,
}

impl Put {
    const REFUSED: Self = Self { stored: false, new: false, reports: Vec::new(), error: None };
}

impl fmt::Debug for ExecutorStores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecutorStores").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Blocks {
    fn release_unroll(&mut self, task: TaskId, id: BlockId) {
        if let Some((mode, bytes)) = self.tasks.get_mut(&task).and_then(|held| held.unrolled.remove(&id)) {
            self.store.release(mode, bytes);
        }
    }
}

impl ExecutorStores {
    /// Empty stores.
    pub fn new(id: ExecutorId, blocks: BlockStore, shuffles: ShuffleStore) -> Self {
        Self {
            id,
            alive: AtomicBool::new(true),
            paused: Mutex::new(false),
            resumed: Condvar::new(),
            served: AtomicBool::new(false),
            blocks: Mutex::new(Blocks { store: blocks, tasks: BTreeMap::new() }),
            version: AtomicU64::new(0),
            shuffles: Mutex::new(shuffles),
            generations: Mutex::default(),
            producing: Mutex::default(),
            produced: Condvar::new(),
            settings: StorageSettings::default(),
        }
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_settings(self, settings: StorageSettings) -> Self {
        Self { settings, ..self }
    }

    /// Bytes to ask for when the unrolling of a partition begins (R8.4).
    pub(crate) const fn unroll_start(&self) -> u64 {
        self.settings.unroll_memory_threshold
    }

    /// Locations of a block that may fail before the list is asked for again (R8.15).
    pub(crate) const fn failures_before_refresh(&self) -> u32 {
        self.settings.failures_before_location_refresh
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
        self.resume();
    }

    /// Lets it stand still.
    pub fn pause(&self) {
        *self.paused.lock() = true;
    }

    /// Lets it go on.
    pub fn resume(&self) {
        *self.paused.lock() = false;
        self.resumed.notify_all();
    }

    /// Whether it stands still.
    pub fn is_paused(&self) -> bool {
        *self.paused.lock()
    }

    /// Returns when it goes on; at once when it does not stand still.
    pub fn wait_while_paused(&self) {
        let mut paused = self.paused.lock();
        while *paused {
            self.resumed.wait(&mut paused);
        }
    }

    /// Flips a bit of a block behind the store's back. Returns whether there was one with bytes.
    pub fn corrupt_block(&self, id: BlockId) -> bool {
        self.blocks.lock().store.corrupt(id)
    }

    /// Ends the incarnation, but for the map outputs that it finished: an external shuffle service on its
    /// host goes on to hand them out.
    pub fn kill_but_serve(&self) {
        self.served.store(true, Ordering::Release);
        self.alive.store(false, Ordering::Release);
        // The blocks died with it, and nobody else lets go of these stores before the run ends.
        let none = Blocks { store: BlockStore::new(0, DiskStore::in_memory()), tasks: BTreeMap::new() };
        let died = std::mem::replace(&mut *self.blocks.lock(), none);
        drop(died);
        self.resume();
    }

    /// Whether map outputs can be fetched from here.
    pub fn serves_map_outputs(&self) -> bool {
        self.is_alive() || self.served.load(Ordering::Acquire)
    }

    /// A block for a task of this executor, locked for reading until [`Self::read_done`] or the task's end.
    /// Nothing moves until [`Self::block_read`].
    pub fn look_at_block(&self, task: TaskId, id: impl Into<StoredId>) -> Result<Option<Found>, BlockError> {
        if !self.is_alive() {
            return Ok(None);
        }
        let id = id.into();
        let mut blocks = self.blocks.lock();
        let found = blocks.store.look(id, BlockForm::Values)?;
        if found.is_some() {
            blocks.store.lock_for_reading(id);
            blocks.tasks.entry(task).or_default().locks.push(id);
        }
        Ok(found)
    }

    /// A task is done with a block that it read: what had to wait for that.
    pub fn read_done(&self, task: TaskId, id: StoredId) -> Vec<BlockReport> {
        self.change(|blocks| {
            let held = blocks.tasks.get_mut(&task)?;
            let at = held.locks.iter().position(|locked| *locked == id)?;
            held.locks.swap_remove(at);
            blocks.store.unlock(id)
        })
    }

    /// A task of this executor read a block.
    pub(super) fn block_read(&self, id: StoredId, block: &Arc<dyn StoredBlock>) -> Vec<BlockReport> {
        self.change(|blocks| blocks.store.accessed(id, block))
    }

    /// Blocks that were put so far; asked before a block is looked at, it tells that one from a later one.
    pub fn puts(&self) -> u64 {
        self.blocks.lock().store.puts()
    }

    /// A block turned out to be unreadable by a reader who came after `puts` puts: it is forgotten (R8.9),
    /// unless another one has taken its place since.
    pub(super) fn block_unreadable(&self, id: StoredId, puts: u64) -> Vec<BlockReport> {
        self.change(|blocks| blocks.store.forget_unreadable(id, puts))
    }

    /// Changes the blocks, and stamps the reports before anyone else can change them.
    fn change<C: IntoIterator<Item = BlockChange>>(&self, f: impl FnOnce(&mut Blocks) -> C) -> Vec<BlockReport> {
        self.stamped(&mut self.blocks.lock(), f)
    }

    fn stamped<C: IntoIterator<Item = BlockChange>>(
        &self,
        blocks: &mut Blocks,
        f: impl FnOnce(&mut Blocks) -> C,
    ) -> Vec<BlockReport> {
        let changes = f(blocks);
        let version = self.version.fetch_add(1, Ordering::Relaxed) + 1;
        changes.into_iter().map(|change| BlockReport { executor: self.id, version, change, preview: None }).collect()
    }

    /// A block for somebody else; `None` when it is not here (any more).
    ///
    /// # Errors
    /// When it is here and cannot be read.
    pub fn peek_block(&self, id: impl Into<StoredId>) -> Result<Option<Arc<dyn StoredBlock>>, BlockError> {
        if !self.is_alive() {
            return Ok(None);
        }
        Ok(self.blocks.lock().store.peek(id)?.map(|found| found.block))
    }

    /// Whether a block is here.
    pub fn holds_block(&self, id: impl Into<StoredId>) -> bool {
        self.is_alive() && self.blocks.lock().store.status(id).is_some()
    }

    /// The level that a block was put at, if it is here.
    pub(super) fn level_of(&self, id: impl Into<StoredId>) -> Option<StorageLevel> {
        self.blocks.lock().store.level_of(id)
    }

    /// Damages the disk copy of a block behind the store's back. Returns whether there was one.
    pub fn damage_block(&self, id: impl Into<StoredId>, damage: DiskDamage) -> bool {
        self.is_alive() && self.blocks.lock().store.damage_on_disk(id, damage)
    }

    /// Bytes of memory of a mode that are set aside for partitions being unrolled.
    pub fn reserved(&self, mode: MemoryMode) -> u64 {
        self.blocks.lock().store.memory_reserved(mode)
    }

    /// Sets memory aside for a partition that a task unrolls: `wanted` bytes more if they are free, else
    /// `least` (R8.4). How much, and what was evicted for it; `None` when there is no room.
    pub(crate) fn reserve_unroll(
        &self,
        task: TaskId,
        id: BlockId,
        mode: MemoryMode,
        (least, wanted): (u64, u64),
    ) -> Option<(u64, Vec<BlockReport>)> {
        let mut blocks = self.blocks.lock();
        let (granted, evicted) = blocks.store.reserve(Some(id.rdd), mode, least, wanted)?;
        let held = blocks.tasks.entry(task).or_default();
        held.unrolled.entry(id).or_insert((mode, 0)).1 += granted;
        Some((granted, self.stamped(&mut blocks, |_| evicted)))
    }

    /// Gives back what a task set aside for a partition.
    pub(crate) fn release_unroll(&self, task: TaskId, id: BlockId) {
        self.blocks.lock().release_unroll(task, id);
    }

    /// The block once whoever produces it is done; `None` makes the caller its producer, unless it is not
    /// `wanted` any more and will find that out by itself.
    pub fn wait_or_produce(
        &self,
        id: BlockId,
        task: TaskId,
        wanted: impl Fn() -> bool,
    ) -> Option<Arc<dyn StoredBlock>> {
        let mut producing = self.producing.lock();
        while producing.get(&id).is_some_and(|producer| *producer != task) {
            if !wanted() {
                return None;
            }
            self.produced.wait_for(&mut producing, LOOK_EVERY);
        }
        producing.insert(id, task);
        drop(producing);
        // Without the lock: it may have to be read from the disk.
        let found = self.look_at_block(task, id).ok().flatten()?;
        self.production_ended(id, task);
        Some(found.block)
    }

    /// A task stored a block, or will not.
    pub fn production_ended(&self, id: BlockId, task: TaskId) {
        let mut producing = self.producing.lock();
        if producing.get(&id) == Some(&task) {
            producing.remove(&id);
            self.produced.notify_all();
        }
    }

    /// A task ended, however: its locks and its memory are free again. What had to wait for that.
    pub fn task_ended(&self, task: TaskId) -> Vec<BlockReport> {
        self.producing.lock().retain(|_, producer| *producer != task);
        self.produced.notify_all();
        let mut blocks = self.blocks.lock();
        let Some(held) = blocks.tasks.remove(&task) else { return Vec::new() };
        for (mode, bytes) in held.unrolled.into_values() {
            blocks.store.release(mode, bytes);
        }
        let gone: Vec<BlockChange> = held.locks.into_iter().filter_map(|id| blocks.store.unlock(id)).collect();
        if gone.is_empty() { Vec::new() } else { self.stamped(&mut blocks, |_| gone) }
    }

    /// What tasks hold that did not end: none may be left when none runs.
    pub(crate) fn left_by_tasks(&self) -> Vec<String> {
        let blocks = self.blocks.lock();
        let held = blocks.tasks.iter().map(|(task, held)| {
            format!("task {task} holds {} locks and unrolls {} blocks", held.locks.len(), held.unrolled.len())
        });
        let producing = self.producing.lock();
        held.chain(producing.iter().map(|(block, task)| format!("task {task} produces {block}"))).collect()
    }

    /// Stores a block unless its RDD was unpersisted since `generation`. Memory that `task` had set aside
    /// for it becomes the block's.
    pub(super) fn put_block(
        &self,
        (task, id): (Option<TaskId>, BlockId),
        block: Arc<dyn StoredBlock>,
        policy: BlockPolicy,
        way: PutWay,
    ) -> Put {
        // Locked until the block is stored: an unpersist comes before or after, not between.
        let generations = self.generations.lock();
        let oldest = generations.get(&id.rdd).copied().unwrap_or(0);
        if policy.generation < oldest {
            return Put::REFUSED;
        }
        self.put(id.into(), block, policy.level, (task.map(|task| (task, id)), way))
    }

    /// Stores a block of a receiver; refused when this incarnation is dead.
    pub(super) fn put_input_block(&self, id: InputBlockId, block: Arc<dyn StoredBlock>, level: StorageLevel) -> Put {
        self.put(id.into(), block, level, (None, PutWay::ByLevel))
    }

    fn put(
        &self,
        id: StoredId,
        block: Arc<dyn StoredBlock>,
        level: StorageLevel,
        (unrolled, way): (Option<(TaskId, BlockId)>, PutWay),
    ) -> Put {
        let mut put = Put::REFUSED;
        // Encoded before the lock, which others wait for. What has no encoding, the store refuses.
        let serialized = level.is_valid() && !level.deserialized && self.is_alive() && !self.holds_block(id);
        let bytes = serialized.then(|| in_form(&block, BlockForm::Bytes).ok()).flatten();
        let block = bytes.unwrap_or(block);
        let mut blocks = self.blocks.lock();
        // Under the lock: who kills it clears the blocks after that.
        if !self.is_alive() {
            return put;
        }
        put.reports = self.stamped(&mut blocks, |blocks| {
            if let Some((task, id)) = unrolled {
                blocks.release_unroll(task, id);
            }
            put.new = blocks.store.status(id).is_none();
            match blocks.store.put_by(id, block, level, way) {
                Ok(outcome) => {
                    put.stored = outcome.stored;
                    outcome.changes
                }
                Err(FailedPut { error, changes }) => {
                    put.error = Some(error.to_string());
                    changes
                }
            }
        });
        put.new &= put.stored;
        put
    }

    /// Removes all blocks of an RDD; puts of older generations are refused from now on.
    pub fn unpersist(&self, rdd: RddId, generation: u32) -> Vec<BlockReport> {
        self.generations.lock().insert(rdd, generation);
        self.change(|blocks| blocks.store.remove_rdd(rdd))
    }

    /// RDDs that are gone: no task that could put a block of them runs anywhere.
    pub fn forget_generations(&self, rdds: &[RddId]) {
        let mut generations = self.generations.lock();
        for rdd in rdds {
            generations.remove(rdd);
        }
    }

    /// Removes one block.
    pub fn drop_block(&self, id: impl Into<StoredId>) -> Vec<BlockReport> {
        self.change(|blocks| blocks.store.remove(id, BlockRemoval::Dropped))
    }

    /// Removes blocks of a receiver whose batch is no longer remembered (R12.7).
    pub fn remove_input_blocks(&self, ids: &[InputBlockId]) -> Vec<BlockReport> {
        self.change(|blocks| {
            let gone = ids.iter().filter_map(|id| blocks.store.remove(*id, BlockRemoval::Unpersisted));
            gone.collect::<Vec<_>>()
        })
    }

    /// Every block, for a report after the driver forgot this executor (R8.12).
    pub fn report_blocks(&self) -> Vec<BlockReport> {
        self.change(|blocks| blocks.store.blocks().collect::<Vec<_>>())
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
        task: TaskId,
        buckets: Vec<Arc<dyn StoredBlock>>,
    ) -> Result<(), String> {
        if !self.is_alive() {
            return Ok(());
        }
        self.shuffles.lock().put(shuffle, map, task, buckets).map_err(|error| error.to_string())
    }

    /// Whether a map output is there.
    pub fn holds_map_output(&self, shuffle: ShuffleId, map: PartitionId) -> bool {
        self.serves_map_outputs() && self.shuffles.lock().contains(shuffle, map)
    }

    /// A whole map output, one bucket per reduce partition, with the attempt that wrote it; `None` when it is
    /// not here or cannot be read.
    pub(super) fn read_map_output(
        &self,
        shuffle: ShuffleId,
        map: PartitionId,
    ) -> Option<(TaskId, Vec<Arc<dyn StoredBlock>>)> {
        if !self.is_alive() {
            return None;
        }
        let shuffles = self.shuffles.lock();
        let (by, count) = shuffles.written(shuffle, map)?;
        let bucket = |reduce| shuffles.get(shuffle, map, PartitionId(reduce)).ok().flatten();
        Some((by, (0..count).map(bucket).collect::<Option<_>>()?))
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
