//! Blocks in memory under a byte budget, in the order of last access.

use super::block::StoredBlock;
use crate::ids::{RddId, StoredId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The memory of an executor that blocks may fill. Never holds more than its budget.
#[derive(Debug)]
pub struct MemoryStore {
    budget: u64,
    used: u64,
    blocks: BTreeMap<StoredId, Entry>,
    /// Blocks by last access, oldest first.
    order: BTreeMap<u64, StoredId>,
    accesses: u64,
    /// Readers per block that is being read.
    pins: BTreeMap<StoredId, u32>,
}

#[derive(Debug)]
struct Entry {
    block: Arc<dyn StoredBlock>,
    bytes: u64,
    accessed: u64,
}

impl MemoryStore {
    /// An empty store of `budget` bytes.
    pub fn new(budget: u64) -> Self {
        Self { budget, used: 0, blocks: BTreeMap::new(), order: BTreeMap::new(), accesses: 0, pins: BTreeMap::new() }
    }

    /// Bytes that blocks may take.
    pub fn budget(&self) -> u64 {
        self.budget
    }

    /// Bytes that blocks take.
    pub fn used(&self) -> u64 {
        self.used
    }

    /// What has to leave, oldest access first, so that `bytes` of `rdd` (or of no RDD) fit; `None` when they
    /// cannot.
    ///
    /// Blocks of the same RDD and blocks being read stay (R8.6), and it is all or nothing. A block
    /// larger than the budget fails without looking at the others (R8.5).
    pub fn victims_for(&self, rdd: Option<RddId>, bytes: u64) -> Option<Vec<StoredId>> {
        if bytes > self.budget {
            return None;
        }
        let mut free = self.budget - self.used;
        let mut victims = Vec::new();
        let mut candidates = self.order.values();
        while free < bytes {
            let candidate = *candidates.next()?;
            if (rdd.is_none() || candidate.rdd() != rdd) && !self.pins.contains_key(&candidate) {
                free += self.bytes_of(candidate)?;
                victims.push(candidate);
            }
        }
        Some(victims)
    }

    /// Keeps a block for which there is room. Call [`Self::victims_for`] and remove them first.
    pub fn insert(&mut self, id: StoredId, block: Arc<dyn StoredBlock>) {
        self.remove(id);
        let bytes = block.memory_bytes();
        assert!(bytes <= self.budget - self.used, "a memory store is never filled beyond its budget");
        self.used += bytes;
        let accessed = self.next_access();
        self.order.insert(accessed, id);
        self.blocks.insert(id, Entry { block, bytes, accessed });
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

    /// Flips a bit of a block that is held as bytes. Returns whether it is.
    pub fn damage(&mut self, id: StoredId) -> bool {
        let Some(entry) = self.blocks.get_mut(&id) else { return false };
        let damaged = entry.block.damaged();
        let hit = damaged.is_some();
        entry.block = damaged.unwrap_or_else(|| Arc::clone(&entry.block));
        hit
    }

    /// Bytes that a block takes here.
    pub fn bytes_of(&self, id: StoredId) -> Option<u64> {
        self.blocks.get(&id).map(|entry| entry.bytes)
    }

    /// Takes a block out.
    pub fn remove(&mut self, id: StoredId) -> Option<Arc<dyn StoredBlock>> {
        let entry = self.blocks.remove(&id)?;
        self.order.remove(&entry.accessed);
        self.used -= entry.bytes;
        Some(entry.block)
    }

    /// One more reader: the block is not evicted before [`Self::unpin`] was called as often (R8.11).
    pub fn pin(&mut self, id: StoredId) {
        *self.pins.entry(id).or_default() += 1;
    }

    /// One reader less. Unknown blocks are ignored.
    pub fn unpin(&mut self, id: StoredId) {
        if let Some(readers) = self.pins.get_mut(&id) {
            *readers -= 1;
            if *readers == 0 {
                self.pins.remove(&id);
            }
        }
    }

    fn next_access(&mut self) -> u64 {
        self.accesses += 1;
        self.accesses
    }
}
