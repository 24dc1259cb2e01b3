//! Values by key in the order in which keys were first seen: the same in every run.
//!
//! A table that only grows, because combining removes nothing. Its slots hold a part of the hash beside
//! the index of the entry, so that a look-up touches one slot and one entry, and the entries leave as
//! they are. In `benches/word_count.rs` a general ordered map makes the whole job a tenth slower.
//!
//! A table of many keys is larger than a cache, and a look-up waits for memory twice: for its slot and for
//! its entry. A chunk's look-ups are therefore made together, slots first, so that their waits overlap.

use crate::rdd::Chunk;
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
    /// Where the keys of the chunk in hand are; kept for its capacity.
    ahead: Vec<Slot>,
}

/// The hash of a key, and where it is, if anywhere.
#[derive(Clone, Copy)]
struct Slot {
    hash: u32,
    index: u32,
}

impl<K, C> Default for Combined<K, C> {
    fn default() -> Self {
        Self { entries: Vec::new(), slots: vec![Slot { hash: 0, index: FREE }; SLOTS_MIN], ahead: Vec::new() }
    }
}

impl<K: Hash + Eq, C> Combined<K, C> {
    /// Merges `value` into what `key` has, or creates the first of it.
    #[inline]
    pub fn merge<V>(&mut self, key: K, value: V, merge: impl FnOnce(&mut C, V), create: impl FnOnce(V) -> C) {
        self.merge_hashed(hash_of(&key), key, value, merge, create);
    }

    #[inline]
    fn merge_hashed<V>(
        &mut self,
        hash: u32,
        key: K,
        value: V,
        merge: impl FnOnce(&mut C, V),
        create: impl FnOnce(V) -> C,
    ) {
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

    /// Merges the records of a chunk, one after another as [`Combined::merge`] does.
    pub fn merge_chunk<V: Clone>(
        &mut self,
        chunk: Chunk<'_, (K, V)>,
        merge: impl Fn(&mut C, V),
        create: impl Fn(V) -> C,
    ) where
        K: Clone,
    {
        let mut ahead = std::mem::take(&mut self.ahead);
        self.look_up(chunk.as_slice(), &mut ahead);
        match chunk {
            Chunk::Owned(records) => {
                for ((key, value), seen) in records.drain(..).zip(&ahead) {
                    match self.entries.get_mut(seen.index as usize) {
                        Some(entry) => merge(&mut entry.1, value),
                        None => self.merge_hashed(seen.hash, key, value, &merge, &create),
                    }
                }
            }
            Chunk::Shared(records) => {
                for ((key, value), seen) in records.iter().zip(&ahead) {
                    match self.entries.get_mut(seen.index as usize) {
                        Some(entry) => merge(&mut entry.1, value.clone()),
                        None => self.merge_hashed(seen.hash, key.clone(), value.clone(), &merge, &create),
                    }
                }
            }
        }
        self.ahead = ahead;
    }

    /// The entry of each record's key, or [`FREE`] for keys that are new or share their hash with another.
    fn look_up<V>(&self, records: &[(K, V)], found: &mut Vec<Slot>) {
        let mask = self.slots.len() - 1;
        found.clear();
        found.extend(records.iter().map(|(key, _)| Slot { hash: hash_of(key), index: FREE }));
        for seen in found.iter_mut() {
            let mut at = seen.hash as usize & mask;
            loop {
                let slot = self.slots[at];
                if slot.index == FREE || slot.hash == seen.hash {
                    seen.index = slot.index;
                    break;
                }
                at = (at + 1) & mask;
            }
        }
        for (seen, (key, _)) in found.iter_mut().zip(records) {
            if self.entries.get(seen.index as usize).is_some_and(|entry| entry.0 != *key) {
                seen.index = FREE;
            }
        }
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

/// The low half is the good one: Fx turns the best bits there for tables like this.
#[inline]
fn hash_of<K: Hash>(key: &K) -> u32 {
    FxBuildHasher.hash_one(key) as u32
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
        fn it_is_an_ordered_map(len in 1..64usize, records in prop::collection::vec((0..2_000u64, any::<u32>()), 0..6_000)) {
            let (mut single, mut owned, mut shared) = (Combined::default(), Combined::default(), Combined::default());
            let mut expect = IndexMap::new();
            let fold = |sum: &mut u64, value| *sum = sum.wrapping_mul(31).wrapping_add(u64::from(value));
            for some in records.chunks(len) {
                // Multiples of a power of two share their low bits.
                let mut some: Vec<((u64, String), u32)> = some.iter().map(|(key, value)| ((key << 40, key.to_string()), *value)).collect();
                for (key, value) in &some {
                    fold(expect.entry(key.clone()).or_insert(0), *value);
                    single.merge(key.clone(), *value, fold, u64::from);
                }
                shared.merge_chunk(Chunk::Shared(&some), fold, u64::from);
                owned.merge_chunk(Chunk::Owned(&mut some), fold, u64::from);
            }
            let expect: Vec<_> = expect.into_iter().collect();
            prop_assert_eq!(shared.into_entries(), expect.clone());
            prop_assert_eq!(owned.into_entries(), expect.clone());
            prop_assert_eq!(single.into_entries(), expect);
        }
    }
}
