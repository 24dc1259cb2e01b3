//! Values by key in the order in which keys were first seen: the same in every run.
//!
//! A table that only grows, because combining removes nothing. Its slots hold a part of the hash beside
//! the index of the entry, so that a look-up touches one slot and one entry, and the entries leave as
//! they are. In `benches/word_count.rs` a general ordered map makes the whole job a tenth slower.

use rustc_hash::FxBuildHasher;
use std::hash::{BuildHasher, Hash};

/// Slots of the smallest table.
const SLOTS_MIN: usize = 16;
/// The index of a slot that is free.
const FREE: u32 = u32::MAX;

/// Combined values by key.
pub(crate) struct Combined<K, C> {
    entries: Vec<(K, C)>,
    /// A power of two of them, at most three quarters taken; probed one after another.
    slots: Vec<Slot>,
}

#[derive(Clone, Copy)]
struct Slot {
    hash: u32,
    index: u32,
}

impl<K, C> Default for Combined<K, C> {
    fn default() -> Self {
        Self { entries: Vec::new(), slots: vec![Slot { hash: 0, index: FREE }; SLOTS_MIN] }
    }
}

impl<K: Hash + Eq, C> Combined<K, C> {
    /// Merges `value` into what `key` has, or creates the first of it.
    #[inline]
    pub fn merge<V>(&mut self, key: K, value: V, merge: impl FnOnce(&mut C, V), create: impl FnOnce(V) -> C) {
        // The low half is the good one: Fx turns the best bits there for tables like this.
        let hash = FxBuildHasher.hash_one(&key) as u32;
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot.index == FREE {
                break;
            }
            if slot.hash == hash {
                let entry = &mut self.entries[slot.index as usize];
                if entry.0 == key {
                    return merge(&mut entry.1, value);
                }
            }
            at = (at + 1) & mask;
        }
        self.insert(at, hash, (key, create(value)));
    }

    #[cold]
    fn insert(&mut self, at: usize, hash: u32, entry: (K, C)) {
        let index = u32::try_from(self.entries.len()).ok().filter(|index| *index != FREE);
        self.slots[at] = Slot { hash, index: index.expect("four thousand million keys do not fit into memory") };
        self.entries.push(entry);
        if self.entries.len() > self.slots.len() / 4 * 3 {
            self.grow();
        }
    }

    fn grow(&mut self) {
        let mut slots = vec![Slot { hash: 0, index: FREE }; self.slots.len() * 2];
        let mask = slots.len() - 1;
        for slot in self.slots.iter().filter(|slot| slot.index != FREE) {
            let mut at = slot.hash as usize & mask;
            while slots[at].index != FREE {
                at = (at + 1) & mask;
            }
            slots[at] = *slot;
        }
        self.slots = slots;
    }

    /// The entries, in the order of their keys' first arrival.
    pub fn into_entries(self) -> Vec<(K, C)> {
        self.entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use indexmap::IndexMap;
    use proptest::prelude::*;

    proptest! {
        /// Without it a key would be lost or doubled when the table grows or hashes collide, or the
        /// order of results would depend on the hash.
        #[test]
        fn it_is_an_ordered_map(records in prop::collection::vec((0..2_000u64, any::<u32>()), 0..6_000)) {
            let (mut combined, mut expect) = (Combined::default(), IndexMap::new());
            for (key, value) in records {
                // Multiples of a power of two share their low bits.
                let key = (key << 40, key.to_string());
                let sum = expect.entry(key.clone()).or_insert(0u64);
                *sum = sum.wrapping_mul(31).wrapping_add(u64::from(value));
                let fold = |sum: &mut u64, value| *sum = sum.wrapping_mul(31).wrapping_add(u64::from(value));
                combined.merge(key, value, fold, u64::from);
            }
            prop_assert_eq!(combined.into_entries(), expect.into_iter().collect::<Vec<_>>());
        }
    }
}
