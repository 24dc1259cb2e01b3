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
use super::memory_store::MemoryStore;
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
}

#[derive(Debug)]
struct Known {
    /// The level asked for; where the block is now is up to the two stores.
    level: StorageLevel,
    codec: Arc<dyn BlockCodec>,
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
    /// An empty store with `memory_budget` bytes of memory.
    pub fn new(memory_budget: u64, disk: DiskStore) -> Self {
        Self { memory: MemoryStore::new(memory_budget), disk, blocks: BTreeMap::new() }
    }

    /// Keeps a block as `level` asks: in memory if it fits, else on disk if the level has disk, else
    /// not at all (R8.4). A block that is already there stays as it is (R8.10). On error nothing changed.
    pub fn put(
        &mut self,
        id: impl Into<StoredId>,
        block: Arc<dyn StoredBlock>,
        level: StorageLevel,
    ) -> Result<PutOutcome, BlockError> {
        let id = id.into();
        if let Some(present) = self.status(id) {
            return Ok(PutOutcome { stored: true, status: present.status, changes: Vec::new() });
        }
        if !level.is_valid() {
            return Ok(PutOutcome { stored: false, status: BlockStatus::default(), changes: Vec::new() });
        }
        let block = in_form(&block, if level.deserialized { BlockForm::Values } else { BlockForm::Bytes })?;
        let mut changes = Vec::new();
        let in_memory = level.use_memory && self.keep_in_memory(id, &block, &mut changes);
        if !in_memory && level.use_disk {
            self.disk.put(&id.to_string(), &block.encode()?)?;
        }
        let stored = in_memory || level.use_disk;
        if stored {
            self.blocks.insert(id, Known { level, codec: block.codec() });
            changes.extend(self.status(id));
        }
        let status = self.status(id).map_or_else(BlockStatus::default, |change| change.status);
        Ok(PutOutcome { stored, status, changes })
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
                let changes = self.remove(id, BlockRemoval::Unreadable).into_iter().collect();
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
        if fits_level && self.keep_in_memory(id, block, &mut changes) {
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

    /// Removes a block from memory and disk. Who reads it now keeps what it holds.
    pub fn remove(&mut self, id: impl Into<StoredId>, removal: BlockRemoval) -> Option<BlockChange> {
        let id = id.into();
        self.blocks.remove(&id)?;
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

    /// Every block in id order: what an executor reports when it registers again (R8.12).
    pub fn blocks(&self) -> impl Iterator<Item = BlockChange> {
        self.blocks.keys().filter_map(|id| self.status(*id))
    }

    /// Bytes of memory in use.
    pub fn memory_used(&self) -> u64 {
        self.memory.used()
    }

    /// Bytes of memory that blocks may use.
    pub fn memory_budget(&self) -> u64 {
        self.memory.budget()
    }

    /// Bytes on disk.
    pub fn disk_used(&self) -> u64 {
        self.disk.bytes()
    }

    /// Whether `bytes` of a block of `rdd` would fit in memory after evicting what may be evicted.
    pub fn can_unroll(&self, rdd: RddId, bytes: u64) -> bool {
        self.memory.victims_for(Some(rdd), bytes).is_some()
    }

    /// One more reader: the block is not evicted before [`Self::unpin`] was called as often (R8.11).
    pub fn pin(&mut self, id: impl Into<StoredId>) {
        let id = id.into();
        self.memory.pin(id);
    }

    /// One reader less.
    pub fn unpin(&mut self, id: impl Into<StoredId>) {
        let id = id.into();
        self.memory.unpin(id);
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

    fn keep_in_memory(&mut self, id: StoredId, block: &Arc<dyn StoredBlock>, changes: &mut Vec<BlockChange>) -> bool {
        let Some(victims) = self.memory.victims_for(id.rdd(), block.memory_bytes()) else { return false };
        for victim in victims {
            changes.push(self.evict(victim));
        }
        self.memory.insert(id, Arc::clone(block));
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
