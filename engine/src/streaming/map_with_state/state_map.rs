//! The state of one partition: a persistent map. A batch costs what it changes, not what there is.
//!
//! Every key has a slot. Which one is told by runs of keys, and what is in a slot by a base and runs of
//! changes over it; runs are shared between the versions of the map and never change. A batch adds one
//! run of each kind. A run that is no longer small against the one before it is merged into that, so
//! there are at most logarithmically many, and each change is moved logarithmically often.
//!
//! Keys are told in the order in which they were born, whatever the history of merges: a map that was
//! read back from a checkpoint goes on exactly like the one that was written.

use super::changes::Changes;
use crate::ids::Timestamp;
use crate::storage::{Data, estimate_bytes};
use imbl::Vector;
use indexmap::{IndexMap, IndexSet};
use rustc_hash::FxBuildHasher;
use serde::de::Deserializer;
use serde::ser::{SerializeSeq, SerializeTuple, Serializer};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

/// Slots that may be empty before the map is built anew, beside as many as there are keys.
const EMPTY_SLOTS: usize = 64;
/// How many keys a preview names.
const SHOWN: usize = 8;
/// How many keys are weighed.
const WEIGHED: usize = 64;

/// A key's state.
#[derive(Clone, Debug)]
pub(super) struct Entry<S> {
    pub state: S,
    /// The last batch that set it; with timeouts also the last that had data for it.
    pub touched: Timestamp,
    /// Later keys have greater numbers.
    pub born: u64,
}

/// What changed in slots; an empty slot has no key any more.
pub(super) type Run<S> = IndexMap<u32, Option<Entry<S>>, FxBuildHasher>;
/// Keys of neighbouring slots.
pub(super) type Keys<K> = IndexSet<K, FxBuildHasher>;

/// Which slots a batch touched, kept until they are too old.
#[derive(Debug)]
pub(super) struct Touched {
    at: Timestamp,
    slots: Vec<u32>,
}

/// Whether a map remembers which keys were touched when, to time them out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Timeouts {
    /// Keys stay.
    Never,
    /// Keys may time out.
    Possible,
}

/// One version of a partition's state. A clone is cheap.
#[derive(Clone)]
pub(super) struct StateMap<K, S> {
    /// Runs of keys with their first slots, lowest first.
    keys: Vec<(u32, Arc<Keys<K>>)>,
    base: Arc<Vec<Option<Entry<S>>>>,
    /// Changes over the base, oldest first.
    runs: Vec<Arc<Run<S>>>,
    live: usize,
    next_born: u64,
    timeouts: Timeouts,
    touched: Vector<Arc<Touched>>,
}

impl<K: Data + Hash + Eq, S: Data> StateMap<K, S> {
    /// A map with these keys, the first born first.
    pub fn of(entries: impl IntoIterator<Item = (K, S, Timestamp)>, timeouts: Timeouts) -> Self {
        let mut keys = Keys::default();
        let mut base: Vec<Option<Entry<S>>> = Vec::new();
        for (key, state, touched) in entries {
            let (slot, is_new) = keys.insert_full(key);
            let entry = Entry { state, touched, born: slot as u64 };
            // A key that comes twice has the later state.
            if is_new { base.push(Some(entry)) } else { base[slot] = Some(entry) }
        }
        let (live, next_born) = (base.len(), base.len() as u64);
        let mut map = Self {
            keys: if keys.is_empty() { Vec::new() } else { vec![(0, Arc::new(keys))] },
            base: Arc::new(base),
            runs: Vec::new(),
            live,
            next_born,
            timeouts,
            touched: Vector::new(),
        };
        map.find_touched();
        map
    }

    /// How many keys have state.
    pub const fn len(&self) -> usize {
        self.live
    }

    /// Slots, empty ones included.
    pub fn slots(&self) -> u32 {
        self.keys.last().map_or(0, |(first, keys)| first + keys.len() as u32)
    }

    pub const fn timeouts(&self) -> Timeouts {
        self.timeouts
    }

    pub const fn next_born(&self) -> u64 {
        self.next_born
    }

    /// The slot of a key, which may be empty.
    pub fn slot_of(&self, key: &K) -> Option<u32> {
        self.keys.iter().rev().find_map(|(first, keys)| keys.get_index_of(key).map(|i| first + i as u32))
    }

    /// The key of a slot.
    pub fn key_of(&self, slot: u32) -> Option<&K> {
        let run = self.keys.partition_point(|(first, _)| *first <= slot).checked_sub(1)?;
        let (first, keys) = &self.keys[run];
        keys.get_index((slot - first) as usize)
    }

    /// What is in a slot.
    pub fn entry(&self, slot: u32) -> Option<&Entry<S>> {
        for run in self.runs.iter().rev() {
            if let Some(change) = run.get(&slot) {
                return change.as_ref();
            }
        }
        self.base.get(slot as usize).and_then(Option::as_ref)
    }

    /// All slots with what is in them, in no order that means anything.
    fn filled(&self) -> impl Iterator<Item = (u32, &Entry<S>)> {
        (0..self.slots()).filter_map(|slot| self.entry(slot).map(|entry| (slot, entry)))
    }

    /// All keys with their state, the first born first.
    pub fn entries(&self) -> impl Iterator<Item = (&K, &Entry<S>)> {
        let mut filled: Vec<(u32, &Entry<S>)> = self.filled().collect();
        filled.sort_by_key(|(_, entry)| entry.born);
        filled.into_iter().filter_map(|(slot, entry)| Some((self.key_of(slot)?, entry)))
    }

    /// The next version: this one with the changes of a batch.
    pub fn with(&self, changes: Changes<'_, K, S>, at: Timestamp) -> Self {
        let mut next = self.clone();
        next.touched = changes.touched;
        next.live = changes.live;
        next.next_born = changes.next_born;
        if self.timeouts == Timeouts::Possible {
            let slots: Vec<u32> = changes.run.iter().filter(|(_, c)| c.is_some()).map(|(slot, _)| *slot).collect();
            if !slots.is_empty() {
                next.touched.push_back(Arc::new(Touched { at, slots }));
            }
        }
        if !changes.keys.is_empty() {
            next.keys.push((self.slots(), Arc::new(changes.keys)));
        }
        if !changes.run.is_empty() {
            next.runs.push(Arc::new(changes.run));
        }
        next.merge_keys();
        next.merge_runs();
        if next.slots() as usize > 2 * next.live + EMPTY_SLOTS { next.built_anew() } else { next }
    }

    fn merge_keys(&mut self) {
        while let [.., (_, older), (_, newer)] = &self.keys[..]
            && newer.len() * 2 > older.len()
            && let (Some((_, newer)), Some((first, older))) = (self.keys.pop(), self.keys.pop())
        {
            let mut merged = Arc::unwrap_or_clone(older);
            merged.extend(Arc::unwrap_or_clone(newer));
            self.keys.push((first, Arc::new(merged)));
        }
    }

    fn merge_runs(&mut self) {
        while let [.., older, newer] = &self.runs[..]
            && newer.len() * 2 > older.len()
            && let (Some(newer), Some(older)) = (self.runs.pop(), self.runs.pop())
        {
            let mut merged = Arc::unwrap_or_clone(older);
            merged.extend(Arc::unwrap_or_clone(newer));
            self.runs.push(Arc::new(merged));
        }
        if self.runs.first().is_some_and(|first| first.len() * 2 > self.base.len()) {
            let mut base = Arc::unwrap_or_clone(std::mem::take(&mut self.base));
            base.resize(self.slots() as usize, None);
            for (slot, change) in Arc::unwrap_or_clone(self.runs.remove(0)) {
                base[slot as usize] = change;
            }
            self.base = Arc::new(base);
        }
    }

    /// The same map without its empty slots.
    fn built_anew(&self) -> Self {
        let entries = self.entries().map(|(key, entry)| (key.clone(), entry.state.clone(), entry.touched));
        Self::of(entries, self.timeouts)
    }

    /// Fills `touched` from what is in the slots.
    fn find_touched(&mut self) {
        if self.timeouts == Timeouts::Never {
            return;
        }
        let mut by_time: BTreeMap<Timestamp, Vec<u32>> = BTreeMap::new();
        for (slot, entry) in self.filled() {
            by_time.entry(entry.touched).or_default().push(slot);
        }
        self.touched = by_time.into_iter().map(|(at, slots)| Arc::new(Touched { at, slots })).collect();
    }

    /// Takes out of `touched` the slots that nothing touched since before `threshold`: oldest first, and
    /// of one time the first born first.
    pub fn idle_since(&self, touched: &mut Vector<Arc<Touched>>, threshold: Timestamp) -> Vec<u32> {
        let mut idle = Vec::new();
        while touched.front().is_some_and(|batch| batch.at < threshold)
            && let Some(batch) = touched.pop_front()
        {
            let last_touched_then = |slot: &u32| {
                let entry = self.entry(*slot).filter(|entry| entry.touched == batch.at)?;
                Some((entry.born, *slot))
            };
            let mut slots: Vec<(u64, u32)> = batch.slots.iter().filter_map(last_touched_then).collect();
            slots.sort_unstable();
            idle.extend(slots.into_iter().map(|(_, slot)| slot));
        }
        idle
    }

    pub fn touched(&self) -> Vector<Arc<Touched>> {
        self.touched.clone()
    }

    /// Bytes in memory, from an even sample of the slots.
    pub fn weight(&self) -> u64 {
        let slots = self.slots() as usize;
        let looked_at = slots.min(WEIGHED);
        let sample: Vec<(K, S, Timestamp, u64)> = (0..looked_at)
            .filter_map(|i| {
                let slot = (i * slots / looked_at) as u32;
                let entry = self.entry(slot)?;
                Some((self.key_of(slot)?.clone(), entry.state.clone(), entry.touched, entry.born))
            })
            .collect();
        estimate_bytes(&sample) * self.live as u64 / sample.len().max(1) as u64
    }
}

impl<K: Data + Hash + Eq, S: Data> fmt::Debug for StateMap<K, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for (slot, entry) in self.filled().take(SHOWN) {
            if let Some(key) = self.key_of(slot) {
                map.entry(key, &entry.state);
            }
        }
        if self.live > SHOWN { map.finish_non_exhaustive() } else { map.finish() }
    }
}

/// Keys, states and times in the order of birth.
struct Entries<'a, K, S>(&'a StateMap<K, S>);

impl<K: Data + Hash + Eq, S: Data> Serialize for Entries<'_, K, S> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        let mut seq = serializer.serialize_seq(Some(self.0.len()))?;
        for (key, entry) in self.0.entries() {
            seq.serialize_element(&(key, &entry.state, entry.touched))?;
        }
        seq.end()
    }
}

impl<K: Data + Hash + Eq, S: Data> Serialize for StateMap<K, S> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        let mut tuple = serializer.serialize_tuple(2)?;
        tuple.serialize_element(&self.timeouts)?;
        tuple.serialize_element(&Entries(self))?;
        tuple.end()
    }
}

impl<'de, K: Data + Hash + Eq, S: Data> Deserialize<'de> for StateMap<K, S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (timeouts, entries) = <(Timeouts, Vec<(K, S, Timestamp)>)>::deserialize(deserializer)?;
        Ok(Self::of(entries, timeouts))
    }
}
