//! The blocks of one executor, in memory and on disk, kept as their storage levels ask (R8.4–R8.9).
//!
//! ```text
//!            put                evicted, level has disk
//!   absent ──────▶ in memory ──────────────────────────▶ on disk
//!     ▲  └───────────────────── does not fit ──────────▶  │  │
//!     │    evicted ◀─┘                                    │  │ read, and it fits
//!     └──────────── removed, or unreadable ───────────────┘  └──▶ in memory and on disk
//! ```

use super::block::{BlockCodec, BlockForm, StoredBlock, in_form};
use super::disk_store::{DiskDamage, DiskStore};
use super::error::BlockError;
use super::locks::ReadLocks;
use super::memory_store::{MemoryMode, MemoryStore};
use crate::event::{BlockRemoval, BlockStatus, StorageLevel};
use crate::ids::{BlockId, PartitionId, RddId, StoredId};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The block store of one executor. The order of calls alone decides what is evicted.
#[derive(Debug)]
pub struct BlockStore {
    memory: MemoryStore,
    disk: DiskStore,
    blocks: BTreeMap<StoredId, Known>,
    puts: u64,
    locks: ReadLocks,
}

/// Where a put may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutWay {
    /// As the level says: memory first.
    ByLevel,
    /// On disk: it was too large to be unrolled in memory (R8.4).
    ToDisk,
}

/// A put that failed. What it had begun to keep is gone; blocks that it evicted stay evicted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedPut {
    /// Why.
    pub error: BlockError,
    /// What changed all the same, to be reported.
    pub changes: Vec<BlockChange>,
}

#[derive(Debug)]
struct Known {
    /// The level asked for; where the block is now is up to the two stores.
    level: StorageLevel,
    codec: Arc<dyn BlockCodec>,
    /// Which put of this store it came with, from 1.
    put: u64,
}

/// How one block is kept after a call, as the executor reports it to the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockChange {
    /// The block.
    pub block: StoredId,
    /// Where it really is; [`StorageLevel::NONE`] when it is gone.
    pub level: StorageLevel,
    /// Sizes, and why it left.
    pub status: BlockStatus,
}

/// What a put did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutOutcome {
    /// Whether the block is stored. `false` is no error: it did not fit and its level has no disk.
    pub stored: bool,
    /// How the block is kept.
    pub status: BlockStatus,
    /// Every block that changed: the evicted ones, then the one that was put.
    pub changes: Vec<BlockChange>,
}

/// Where a block was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// In memory.
    Memory,
    /// On disk.
    Disk,
}

/// A block that was found. It may have either form; [`super::values_of`] and `encode` read both.
#[derive(Clone, Debug)]
pub struct Found {
    /// The block. Eviction does not take it away from its readers.
    pub block: Arc<dyn StoredBlock>,
    /// Where it was.
    pub tier: Tier,
    /// What changed because it moved back into memory.
    pub changes: Vec<BlockChange>,
}

/// A block on disk that could not be read. It is forgotten, and the reading task fails (R8.9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostBlock {
    /// What was wrong.
    pub error: BlockError,
    /// The removal, to be reported.
    pub changes: Vec<BlockChange>,
}

impl BlockStore {
    /// An empty store with `memory_budget` bytes of memory, and none outside of the heap.
    pub fn new(memory_budget: u64, disk: DiskStore) -> Self {
        Self::with_off_heap(memory_budget, 0, disk)
    }

    /// An empty store with memory on the heap and outside of it.
    pub fn with_off_heap(memory_budget: u64, off_heap: u64, disk: DiskStore) -> Self {
        let memory = MemoryStore::new(memory_budget, off_heap);
        Self { memory, disk, blocks: BTreeMap::new(), puts: 0, locks: ReadLocks::default() }
    }

    /// Keeps a block as `level` asks: in memory if it fits, else on disk if the level has disk, else
    /// not at all (R8.4). A block that is already there stays as it is (R8.10).
    ///
    /// # Errors
    /// When it cannot be encoded or written; then nothing of it is kept.
    pub fn put(
        &mut self,
        id: impl Into<StoredId>,
        block: Arc<dyn StoredBlock>,
        level: StorageLevel,
    ) -> Result<PutOutcome, FailedPut> {
        self.put_by(id.into(), block, level, PutWay::ByLevel)
    }

    /// As [`Self::put`], beginning with the disk when that was decided before.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub fn put_by(
        &mut self,
        id: StoredId,
        block: Arc<dyn StoredBlock>,
        level: StorageLevel,
        way: PutWay,
    ) -> Result<PutOutcome, FailedPut> {
        if let Some(present) = self.status(id) {
            return Ok(PutOutcome { stored: true, status: present.status, changes: Vec::new() });
        }
        if !level.is_valid() {
            return Ok(PutOutcome { stored: false, status: BlockStatus::default(), changes: Vec::new() });
        }
        let mut changes = Vec::new();
        let tried = self.try_put(id, &block, level, way, &mut changes);
        match tried {
            Ok(stored) => {
                if stored {
                    self.puts += 1;
                    self.blocks.insert(id, Known { level, codec: block.codec(), put: self.puts });
                    changes.extend(self.status(id));
                }
                let status = self.status(id).map_or_else(BlockStatus::default, |change| change.status);
                Ok(PutOutcome { stored, status, changes })
            }
            Err(error) => Err(FailedPut { error, changes }),
        }
    }

    fn try_put(
        &mut self,
        id: StoredId,
        block: &Arc<dyn StoredBlock>,
        level: StorageLevel,
        way: PutWay,
        changes: &mut Vec<BlockChange>,
    ) -> Result<bool, BlockError> {
        if level.use_memory && way == PutWay::ByLevel {
            let block = in_form(block, if level.deserialized { BlockForm::Values } else { BlockForm::Bytes })?;
            if self.keep_in_memory(id, &block, level, changes) {
                return Ok(true);
            }
        }
        if level.use_disk {
            self.disk.put(&id.to_string(), &block.encode()?)?;
        }
        Ok(level.use_disk)
    }

    /// The block, which becomes the one accessed last. From disk it moves back into memory if it fits:
    /// always at serialised levels, at deserialised ones only when values are asked for (R8.8).
    pub fn get(&mut self, id: impl Into<StoredId>, form: BlockForm) -> Result<Option<Found>, LostBlock> {
        let id = id.into();
        match self.look(id, form) {
            Ok(Some(found)) => {
                let changes = self.accessed(id, &found.block);
                Ok(Some(Found { changes, ..found }))
            }
            Ok(None) => Ok(None),
            Err(error) => {
                let changes = self.forget_unreadable(id, self.puts).into_iter().collect();
                Err(LostBlock { error, changes })
            }
        }
    }

    /// The block as [`Self::get`] finds it, but nothing moves yet: [`Self::accessed`] is the other half.
    pub fn look(&self, id: impl Into<StoredId>, form: BlockForm) -> Result<Option<Found>, BlockError> {
        let id = id.into();
        let Some(known) = self.blocks.get(&id) else { return Ok(None) };
        if let Some(block) = self.memory.peek(id) {
            return Ok(Some(Found { block, tier: Tier::Memory, changes: Vec::new() }));
        }
        let form = if known.level.deserialized { form } else { BlockForm::Bytes };
        let block = self.read_disk(id, known, form)?;
        Ok(Some(Found { block, tier: Tier::Disk, changes: Vec::new() }))
    }

    /// A block was read: it becomes the one accessed last, or moves back into memory. What changed.
    pub fn accessed(&mut self, id: impl Into<StoredId>, block: &Arc<dyn StoredBlock>) -> Vec<BlockChange> {
        let id = id.into();
        let mut changes = Vec::new();
        let Some(level) = self.blocks.get(&id).map(|known| known.level) else { return changes };
        if self.memory.get(id).is_some() {
            return changes;
        }
        let fits_level = level.use_memory && block.is_values() == level.deserialized;
        if fits_level && self.keep_in_memory(id, block, level, &mut changes) {
            changes.extend(self.status(id));
        }
        changes
    }

    /// The block as it is, for looking only: nothing moves, nothing is forgotten, no access is counted.
    pub fn peek(&self, id: impl Into<StoredId>) -> Result<Option<Found>, BlockError> {
        let id = id.into();
        let Some(known) = self.blocks.get(&id) else { return Ok(None) };
        let (block, tier) = match self.memory.peek(id) {
            Some(block) => (block, Tier::Memory),
            None => (self.read_disk(id, known, BlockForm::Bytes)?, Tier::Disk),
        };
        Ok(Some(Found { block, tier, changes: Vec::new() }))
    }

    /// Removes a block from memory and disk; `None` when there is none. One that is being read goes with
    /// its last reader (R8.11): [`Self::unlock`] then says so.
    pub fn remove(&mut self, id: impl Into<StoredId>, removal: BlockRemoval) -> Option<BlockChange> {
        let id = id.into();
        if self.locks.is_locked(id) && self.blocks.contains_key(&id) {
            self.locks.remove_later(id, removal);
            return None;
        }
        self.remove_now(id, removal)
    }

    /// Blocks that were put so far: whoever finds one unreadable afterwards found one of these.
    pub const fn puts(&self) -> u64 {
        self.puts
    }

    /// Removes a block that could not be read (R8.9) at once, whoever is reading it: every reader fails and
    /// tries again, and would find it again as long as another one holds it. One that was put after `puts`
    /// others has taken the place of the one that could not be read, and stays.
    pub fn forget_unreadable(&mut self, id: impl Into<StoredId>, puts: u64) -> Option<BlockChange> {
        let id = id.into();
        self.blocks.get(&id).filter(|known| known.put <= puts)?;
        self.remove_now(id, BlockRemoval::Unreadable)
    }

    fn remove_now(&mut self, id: StoredId, removal: BlockRemoval) -> Option<BlockChange> {
        self.blocks.remove(&id)?;
        self.locks.removed(id);
        self.memory.remove(id);
        self.disk.remove(&id.to_string());
        Some(gone(id, removal))
    }

    /// Removes every block of an RDD that was unpersisted, in partition order.
    pub fn remove_rdd(&mut self, rdd: RddId) -> Vec<BlockChange> {
        let id = |partition| StoredId::Rdd(BlockId::new(rdd, PartitionId(partition)));
        let (first, last) = (id(0), id(u32::MAX));
        let ids: Vec<StoredId> = self.blocks.range(first..=last).map(|(id, _)| *id).collect();
        ids.into_iter().filter_map(|id| self.remove(id, BlockRemoval::Unpersisted)).collect()
    }

    /// How a block is kept, if it is.
    pub fn status(&self, id: impl Into<StoredId>) -> Option<BlockChange> {
        let id = id.into();
        let asked = self.blocks.get(&id)?.level;
        let (memory, disk) = (self.memory.bytes_of(id), self.disk.size(&id.to_string()));
        let level = StorageLevel {
            use_memory: memory.is_some(),
            use_disk: disk.is_some(),
            use_off_heap: memory.is_some() && asked.use_off_heap,
            deserialized: memory.is_some() && asked.deserialized,
            replication: asked.replication,
        };
        let status = BlockStatus {
            memory_bytes: memory.unwrap_or_default(),
            disk_bytes: disk.unwrap_or_default(),
            removal: None,
        };
        Some(BlockChange { block: id, level, status })
    }

    /// The level that a block was put at, if it is here; where it is now is up to [`Self::status`].
    pub fn level_of(&self, id: impl Into<StoredId>) -> Option<StorageLevel> {
        self.blocks.get(&id.into()).map(|known| known.level)
    }

    /// Every block in id order: what an executor reports when it registers again (R8.12).
    pub fn blocks(&self) -> impl Iterator<Item = BlockChange> {
        self.blocks.keys().filter_map(|id| self.status(*id))
    }

    /// Bytes of memory on the heap in use.
    pub fn memory_used(&self) -> u64 {
        self.memory.used(MemoryMode::OnHeap)
    }

    /// Bytes of memory of a mode in use.
    pub const fn memory_used_of(&self, mode: MemoryMode) -> u64 {
        self.memory.used(mode)
    }

    /// Bytes of memory of a mode that are set aside for partitions being unrolled.
    pub const fn memory_reserved(&self, mode: MemoryMode) -> u64 {
        self.memory.reserved(mode)
    }

    /// Bytes of memory of a mode that blocks may use.
    pub const fn memory_budget(&self, mode: MemoryMode) -> u64 {
        self.memory.budget(mode)
    }

    /// Bytes on disk.
    pub fn disk_used(&self) -> u64 {
        self.disk.bytes()
    }

    /// Whether `bytes` of a block of `rdd` would fit in memory after evicting what may be evicted.
    pub fn can_unroll(&self, rdd: RddId, bytes: u64) -> bool {
        self.victims_for(Some(rdd), MemoryMode::OnHeap, bytes).is_some()
    }

    /// Sets memory aside for a partition of `rdd` that is being unrolled (R8.4): `wanted` bytes if as much
    /// is free, else `least`, evicting what may be evicted. How much, and what was evicted; `None` when
    /// there is no room, and then nothing was.
    pub fn reserve(
        &mut self,
        rdd: Option<RddId>,
        mode: MemoryMode,
        least: u64,
        wanted: u64,
    ) -> Option<(u64, Vec<BlockChange>)> {
        let granted = if self.memory.free(mode) >= wanted { wanted.max(least) } else { least };
        let victims = self.victims_for(rdd, mode, granted)?;
        let evicted = victims.into_iter().map(|victim| self.evict(victim)).collect();
        self.memory.reserve(mode, granted);
        Some((granted, evicted))
    }

    /// Gives back what [`Self::reserve`] set aside.
    pub fn release(&mut self, mode: MemoryMode, bytes: u64) {
        self.memory.release(mode, bytes);
    }

    /// One more reader: the block is neither evicted nor removed before [`Self::unlock`] was called as
    /// often (R8.11).
    pub fn lock_for_reading(&mut self, id: impl Into<StoredId>) {
        self.locks.lock(id.into());
    }

    /// One reader less; the removal that waited for it.
    pub fn unlock(&mut self, id: impl Into<StoredId>) -> Option<BlockChange> {
        let id = id.into();
        let removal = self.locks.unlock(id)?;
        self.remove_now(id, removal)
    }

    /// Damages the disk copy of a block behind the store's back. Returns whether there was one.
    pub fn damage_on_disk(&mut self, id: impl Into<StoredId>, damage: DiskDamage) -> bool {
        let id = id.into();
        self.disk.damage(&id.to_string(), damage)
    }

    /// Flips a bit of a block behind the store's back: on disk, and in memory if it is serialised there.
    /// Returns whether there were bytes to damage.
    pub fn corrupt(&mut self, id: impl Into<StoredId>) -> bool {
        let id = id.into();
        let in_memory = self.memory.damage(id);
        self.disk.damage(&id.to_string(), DiskDamage::BitFlipped) || in_memory
    }

    fn victims_for(&self, rdd: Option<RddId>, mode: MemoryMode, bytes: u64) -> Option<Vec<StoredId>> {
        self.memory.victims_for(rdd, mode, bytes, |id| self.locks.is_locked(id))
    }

    fn keep_in_memory(
        &mut self,
        id: StoredId,
        block: &Arc<dyn StoredBlock>,
        level: StorageLevel,
        changes: &mut Vec<BlockChange>,
    ) -> bool {
        let mode = MemoryMode::of(level);
        let Some(victims) = self.victims_for(id.rdd(), mode, block.memory_bytes()) else { return false };
        for victim in victims {
            changes.push(self.evict(victim));
        }
        self.memory.insert(id, mode, Arc::clone(block));
        true
    }

    /// Takes a block out of memory: onto disk if its level has disk, else it is forgotten (R8.7).
    fn evict(&mut self, id: StoredId) -> BlockChange {
        let mut removal = BlockRemoval::Evicted;
        let block = self.memory.remove(id);
        let on_disk = self.disk.size(&id.to_string()).is_some();
        let wants_disk = self.blocks.get(&id).is_some_and(|known| known.level.use_disk);
        if let Some(block) = block.filter(|_| wants_disk && !on_disk) {
            let written = block.encode().and_then(|bytes| self.disk.put(&id.to_string(), &bytes));
            if written.is_err() {
                removal = BlockRemoval::Dropped;
            }
        }
        if self.disk.size(&id.to_string()).is_none() {
            self.blocks.remove(&id);
        }
        self.status(id).unwrap_or_else(|| gone(id, removal))
    }

    fn read_disk(&self, id: StoredId, known: &Known, form: BlockForm) -> Result<Arc<dyn StoredBlock>, BlockError> {
        let bytes = self.disk.get(&id.to_string())?;
        match form {
            BlockForm::Values => known.codec.decode(&bytes, BlockForm::Values),
            BlockForm::Bytes => known.codec.wrap(bytes),
        }
    }
}

fn gone(id: StoredId, removal: BlockRemoval) -> BlockChange {
    let status = BlockStatus { memory_bytes: 0, disk_bytes: 0, removal: Some(removal) };
    BlockChange { block: id, level: StorageLevel::NONE, status }
}

impl fmt::Display for LostBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

impl std::error::Error for LostBlock {}
