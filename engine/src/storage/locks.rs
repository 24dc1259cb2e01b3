//! Read locks of blocks (R8.11): who is being read stays, and what should go meanwhile goes afterwards.

use crate::event::BlockRemoval;
use crate::ids::StoredId;
use std::collections::BTreeMap;

/// Readers per block that is being read, and removals that wait for them.
#[derive(Debug, Default)]
pub(super) struct ReadLocks {
    readers: BTreeMap<StoredId, u32>,
    leaving: BTreeMap<StoredId, BlockRemoval>,
}

impl ReadLocks {
    /// One more reader.
    pub fn lock(&mut self, id: StoredId) {
        *self.readers.entry(id).or_default() += 1;
    }

    /// One reader less; the removal that waited for the last one. Unknown blocks are ignored.
    pub fn unlock(&mut self, id: StoredId) -> Option<BlockRemoval> {
        let readers = self.readers.get_mut(&id)?;
        *readers -= 1;
        if *readers > 0 {
            return None;
        }
        self.readers.remove(&id);
        self.leaving.remove(&id)
    }

    /// Whether somebody reads it.
    pub fn is_locked(&self, id: StoredId) -> bool {
        self.readers.contains_key(&id)
    }

    /// The block is gone: what is stored under its name from now on is another one, which stays.
    pub fn removed(&mut self, id: StoredId) {
        self.leaving.remove(&id);
    }

    /// The block goes once its last reader is done. The first reason stays.
    pub fn remove_later(&mut self, id: StoredId, removal: BlockRemoval) {
        self.leaving.entry(id).or_insert(removal);
    }
}
