//! Executors that stand still: what their tasks would still do, kept until they go on.

use super::calendar::Item;
use crate::ids::*;
use std::collections::BTreeMap;

/// What is held back, by executor.
#[derive(Default)]
pub(super) struct Held {
    executors: BTreeMap<ExecutorId, Vec<Waiting>>,
}

struct Waiting {
    /// How long after the executor goes on.
    after_ns: u64,
    item: Item,
}

impl Held {
    /// An executor stands still from `now` on, with what was planned for its tasks.
    pub fn pause(&mut self, executor: ExecutorId, now: Timestamp, mut planned: Vec<(Timestamp, u64, Item)>) {
        planned.sort_by_key(|(at, order, _)| (*at, *order));
        let waiting = planned.into_iter().map(|(at, _, item)| Waiting { after_ns: at.ns_since(now), item });
        self.executors.entry(executor).or_default().extend(waiting);
    }

    /// Keeps what is planned for `at` if the executor stands still; else gives it back.
    pub fn hold(&mut self, executor: ExecutorId, now: Timestamp, at: Timestamp, item: Item) -> Option<Item> {
        let Some(waiting) = self.executors.get_mut(&executor) else { return Some(item) };
        waiting.push(Waiting { after_ns: at.ns_since(now), item });
        None
    }

    /// The executor goes on: everything happens as long after `now` as it would have.
    pub fn resume(&mut self, executor: ExecutorId, now: Timestamp) -> Vec<(Timestamp, Item)> {
        let waiting = self.executors.remove(&executor).unwrap_or_default();
        waiting.into_iter().map(|w| (now.plus_ns(w.after_ns), w.item)).collect()
    }

    /// Whether no executor stands still.
    pub fn is_empty(&self) -> bool {
        self.executors.is_empty()
    }

    /// The executor died.
    pub fn forget(&mut self, executor: ExecutorId) {
        self.executors.remove(&executor);
    }
}
