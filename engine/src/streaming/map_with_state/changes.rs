//! What a batch does to the state of a partition.

use super::state::{Outcome, State, StateError};
use super::state_map::{Entry, Keys, Run, StateMap, Timeouts, Touched};
use crate::ids::Timestamp;
use crate::storage::Data;
use imbl::Vector;
use std::hash::Hash;
use std::sync::Arc;

/// The changes of one batch over the version before it.
pub(super) struct Changes<'a, K, S> {
    before: &'a StateMap<K, S>,
    at: Timestamp,
    /// Keys that had no slot.
    pub keys: Keys<K>,
    pub run: Run<S>,
    pub live: usize,
    pub next_born: u64,
    pub touched: Vector<Arc<Touched>>,
}

impl<'a, K: Data + Hash + Eq, S: Data> Changes<'a, K, S> {
    /// No changes yet, of the batch at `at`.
    pub fn over(before: &'a StateMap<K, S>, at: Timestamp) -> Self {
        Self {
            before,
            at,
            keys: Keys::default(),
            run: Run::default(),
            live: before.len(),
            next_born: before.next_born(),
            touched: before.touched(),
        }
    }

    fn slot_of(&self, key: &K) -> Option<u32> {
        self.before.slot_of(key).or_else(|| self.keys.get_index_of(key).map(|i| self.before.slots() + i as u32))
    }

    fn entry(&self, slot: u32) -> Option<&Entry<S>> {
        match self.run.get(&slot) {
            Some(change) => change.as_ref(),
            None => self.before.entry(slot),
        }
    }

    /// One record through `f`, and what it did to the state of its key.
    pub fn record<V, U>(
        &mut self,
        key: K,
        value: V,
        f: impl Fn(Timestamp, &K, Option<V>, &mut State<'_, S>) -> Result<Option<U>, StateError>,
    ) -> Result<Option<U>, StateError> {
        let slot = self.slot_of(&key);
        let entry = slot.and_then(|slot| self.entry(slot));
        let mut state = State::of(entry.map(|entry| &entry.state));
        let returned = f(self.at, &key, Some(value), &mut state)?;
        match state.outcome() {
            Outcome::Absent => {}
            Outcome::Removed => self.remove(slot),
            Outcome::Updated(new) => self.put(key, slot, new),
            // Reading a key refreshes its time (R14.6).
            Outcome::Read if self.before.timeouts() == Timeouts::Possible => {
                if let Some(old) = entry.map(|entry| entry.state.clone()) {
                    self.put(key, slot, old);
                }
            }
            Outcome::Read => {}
        }
        Ok(returned)
    }

    fn put(&mut self, key: K, slot: Option<u32>, state: S) {
        let slot = slot.unwrap_or_else(|| self.before.slots() + self.keys.insert_full(key).0 as u32);
        let born = self.entry(slot).map(|entry| entry.born);
        if born.is_none() {
            self.live += 1;
            self.next_born += 1;
        }
        let born = born.unwrap_or(self.next_born - 1);
        self.run.insert(slot, Some(Entry { state, touched: self.at, born }));
    }

    fn remove(&mut self, slot: Option<u32>) {
        if let Some(slot) = slot.filter(|slot| self.entry(*slot).is_some()) {
            self.live -= 1;
            self.run.insert(slot, None);
        }
    }

    /// Times out every key that nothing touched since before `threshold`: one call of `f` each, without
    /// a value, then its state goes. `returned` gets what `f` returns.
    pub fn time_out<V, U>(
        &mut self,
        threshold: Timestamp,
        f: impl Fn(Timestamp, &K, Option<V>, &mut State<'_, S>) -> Result<Option<U>, StateError>,
        returned: &mut Vec<U>,
    ) -> Result<(), StateError> {
        // Keys with data in this batch were touched at its time, which is not before the threshold.
        for slot in self.before.idle_since(&mut self.touched, threshold) {
            let (Some(key), Some(entry)) = (self.before.key_of(slot), self.entry(slot)) else { continue };
            if entry.touched == self.at {
                continue;
            }
            returned.extend(f(self.at, key, None, &mut State::timing_out(&entry.state))?);
            self.remove(Some(slot));
        }
        Ok(())
    }

    /// The next version.
    pub fn finish(self) -> StateMap<K, S> {
        let (before, at) = (self.before, self.at);
        before.with(self, at)
    }
}
