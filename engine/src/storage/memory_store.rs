//! Blocks in memory under byte budgets, in the order of last access.

use super::block::StoredBlock;
use crate::event::StorageLevel;
use crate::ids::{RddId, StoredId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which of the two memories of an executor. Blocks of one never make room in the other (R8.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MemoryMode {
    /// The heap.
    OnHeap,
    /// Outside of the heap.
    OffHeap,
}

impl MemoryMode {
    /// Where blocks of a level go.
    pub const fn of(level: StorageLevel) -> Self {
        if level.use_off_heap { Self::OffHeap } else { Self::OnHeap }
    }
}

/// The memory of an executor that blocks may fill. Never holds more than its budgets.
#[derive(Debug)]
pub struct MemoryStore {
    on_heap: Pool,
    off_heap: Pool,
    blocks: BTreeMap<StoredId, Entry>,
    /// Blocks by last access, oldest first.
    order: BTreeMap<u64, StoredId>,
    accesses: u64,
}

/// The bytes of one mode.
#[derive(Clone, Copy, Debug, Default)]
struct Pool {
    budget: u64,
    used: u64,
    /// Set aside for partitions that are being unrolled.
    reserved: u64,
}

#[derive(Debug)]
struct Entry {
    block: Arc<dyn StoredBlock>,
    bytes: u64,
    mode: MemoryMode,
    accessed: u64,
}

impl MemoryStore {
    /// An empty store of `budget` bytes on the heap and `off_heap` bytes outside of it.
    pub fn new(budget: u64, off_heap: u64) -> Self {
        Self {
            on_heap: Pool { budget, ..Pool::default() },
            off_heap: Pool { budget: off_heap, ..Pool::default() },
            blocks: BTreeMap::new(),
            order: BTreeMap::new(),
            accesses: 0,
        }
    }

    const fn pool(&self, mode: MemoryMode) -> &Pool {
        match mode {
            MemoryMode::OnHeap => &self.on_heap,
            MemoryMode::OffHeap => &self.off_heap,
        }
    }

    const fn pool_mut(&mut self, mode: MemoryMode) -> &mut Pool {
        match mode {
            MemoryMode::OnHeap => &mut self.on_heap,
            MemoryMode::OffHeap => &mut self.off_heap,
        }
    }

    /// Bytes that blocks of a mode may take.
    pub const fn budget(&self, mode: MemoryMode) -> u64 {
        self.pool(mode).budget
    }

    /// Bytes that blocks of a mode take.
    pub const fn used(&self, mode: MemoryMode) -> u64 {
        self.pool(mode).used
    }

    /// Bytes of a mode that are set aside for unrolling.
    pub const fn reserved(&self, mode: MemoryMode) -> u64 {
        self.pool(mode).reserved
    }

    /// Bytes of a mode that nobody has.
    pub const fn free(&self, mode: MemoryMode) -> u64 {
        let pool = self.pool(mode);
        pool.budget.saturating_sub(pool.used + pool.reserved)
    }

    /// What has to leave, oldest access first, so that `bytes` of `rdd` (or of no RDD) fit; `None` when they
    /// cannot.
    ///
    /// Blocks of the same RDD, of the other mode, and those that `stays` names (they are being read) are
    /// skipped (R8.6), and it is all or nothing. A block larger than the budget fails without looking at
    /// the others (R8.5).
    pub fn victims_for(
        &self,
        rdd: Option<RddId>,
        mode: MemoryMode,
        bytes: u64,
        stays: impl Fn(StoredId) -> bool,
    ) -> Option<Vec<StoredId>> {
        let pool = self.pool(mode);
        if bytes > pool.budget {
            return None;
        }
        let mut free = self.free(mode);
        let mut victims = Vec::new();
        let mut candidates = self.order.values();
        while free < bytes {
            let candidate = *candidates.next()?;
            let Some(entry) = self.blocks.get(&candidate) else { continue };
            if entry.mode == mode && (rdd.is_none() || candidate.rdd() != rdd) && !stays(candidate) {
                free += entry.bytes;
                victims.push(candidate);
            }
        }
        Some(victims)
    }

    /// Sets bytes aside for which there is room. Call [`Self::victims_for`] and remove them first.
    pub fn reserve(&mut self, mode: MemoryMode, bytes: u64) {
        self.pool_mut(mode).reserved += bytes;
    }

    /// Gives bytes back that were set aside.
    pub fn release(&mut self, mode: MemoryMode, bytes: u64) {
        let pool = self.pool_mut(mode);
        pool.reserved = pool.reserved.saturating_sub(bytes);
    }

    /// Keeps a block for which there is room. Call [`Self::victims_for`] and remove them first.
    pub fn insert(&mut self, id: StoredId, mode: MemoryMode, block: Arc<dyn StoredBlock>) {
        self.remove(id);
        let bytes = block.memory_bytes();
        let pool = self.pool_mut(mode);
        assert!(bytes <= pool.budget - pool.used, "a memory store is never filled beyond its budget");
        pool.used += bytes;
        let accessed = self.next_access();
        self.order.insert(accessed, id);
        self.blocks.insert(id, Entry { block, bytes, mode, accessed });
    }

    /// The block, which becomes the one accessed last.
    pub fn get(&mut self, id: StoredId) -> Option<Arc<dyn StoredBlock>> {
        let accessed = self.next_access();
        let entry = self.blocks.get_mut(&id)?;
        self.order.remove(&entry.accessed);
        self.order.insert(accessed, id);
        entry.accessed = accessed;
        Some(Arc::clone(&entry.block))
    }

    /// The block, without counting as an access.
    pub fn peek(&self, id: StoredId) -> Option<Arc<dyn StoredBlock>> {
        self.blocks.get(&id).map(|entry| Arc::clone(&entry.block))
    }

    /// Bytes that a block takes here.
    pub fn bytes_of(&self, id: StoredId) -> Option<u64> {
        self.blocks.get(&id).map(|entry| entry.bytes)
    }

    /// Takes a block out.
    pub fn remove(&mut self, id: StoredId) -> Option<Arc<dyn StoredBlock>> {
        let entry = self.blocks.remove(&id)?;
        self.order.remove(&entry.accessed);
        self.pool_mut(entry.mode).used -= entry.bytes;
        Some(entry.block)
    }

    fn next_access(&mut self) -> u64 {
        self.accesses += 1;
        self.accesses
    }
}
