//! The living executors: their hosts and their free slots.

use crate::ids::*;
use std::collections::{BTreeMap, BTreeSet};

/// Slots of one living executor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slots {
    pub host: HostId,
    pub cores: u32,
    free: u32,
}

/// Living executors by id, with who has a free slot and who shares a host.
#[derive(Debug, Default)]
pub(super) struct Places {
    by_id: BTreeMap<ExecutorId, Slots>,
    on_host: BTreeMap<HostId, BTreeSet<ExecutorId>>,
    free: BTreeSet<ExecutorId>,
    /// The host of every executor that there was: a preference for a dead one is one for its host.
    hosts: BTreeMap<ExecutorId, HostId>,
}

impl Places {
    pub fn add(&mut self, executor: ExecutorId, host: HostId, cores: u32) {
        self.by_id.insert(executor, Slots { host, cores, free: cores });
        self.on_host.entry(host).or_default().insert(executor);
        self.hosts.insert(executor, host);
        if cores > 0 {
            self.free.insert(executor);
        }
    }

    /// Returns whether it lived.
    pub fn remove(&mut self, executor: ExecutorId) -> bool {
        let Some(slots) = self.by_id.remove(&executor) else { return false };
        self.free.remove(&executor);
        if let Some(others) = self.on_host.get_mut(&slots.host) {
            others.remove(&executor);
            if others.is_empty() {
                self.on_host.remove(&slots.host);
            }
        }
        true
    }

    pub fn get(&self, executor: ExecutorId) -> Option<&Slots> {
        self.by_id.get(&executor)
    }

    pub fn contains(&self, executor: ExecutorId) -> bool {
        self.by_id.contains_key(&executor)
    }

    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    pub fn ids(&self) -> impl Iterator<Item = ExecutorId> + '_ {
        self.by_id.keys().copied()
    }

    /// Executors with a free slot, in id order.
    pub const fn free(&self) -> &BTreeSet<ExecutorId> {
        &self.free
    }

    pub fn take_slot(&mut self, executor: ExecutorId) {
        let Some(slots) = self.by_id.get_mut(&executor) else { return };
        slots.free = slots.free.saturating_sub(1);
        if slots.free == 0 {
            self.free.remove(&executor);
        }
    }

    pub fn give_slot(&mut self, executor: ExecutorId) {
        let Some(slots) = self.by_id.get_mut(&executor) else { return };
        slots.free = (slots.free + 1).min(slots.cores);
        if slots.free > 0 {
            self.free.insert(executor);
        }
    }

    /// Whether no task runs on an executor.
    pub fn is_idle(&self, executor: ExecutorId) -> bool {
        self.by_id.get(&executor).is_some_and(|slots| slots.free == slots.cores)
    }

    /// The host of an executor, dead or alive.
    pub fn host_of(&self, executor: ExecutorId) -> Option<HostId> {
        self.hosts.get(&executor).copied()
    }

    /// Living executors of a host.
    pub fn executors_on(&self, host: HostId) -> impl Iterator<Item = ExecutorId> + '_ {
        self.on_host.get(&host).into_iter().flatten().copied()
    }

    /// Executors that are or were on a host.
    pub fn ever_on(&self, host: HostId) -> Vec<ExecutorId> {
        self.hosts.iter().filter(|(_, at)| **at == host).map(|(executor, _)| *executor).collect()
    }

    pub fn host_lives(&self, host: HostId) -> bool {
        self.on_host.contains_key(&host)
    }
}
