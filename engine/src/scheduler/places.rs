//! The living executors: their hosts and their free slots.

use crate::ids::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Slots of one living executor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slots {
    pub host: HostId,
    pub cores: u32,
    free: u32,
    /// Gets no more work.
    closed: bool,
}

/// Living executors by id, and of those that may get work who has a free slot and who shares a host.
#[derive(Debug, Default)]
pub(super) struct Places {
    by_id: BTreeMap<ExecutorId, Slots>,
    on_host: BTreeMap<HostId, BTreeSet<ExecutorId>>,
    free: BTreeSet<ExecutorId>,
    /// Those that may get work, in id order: every task that is launched gets the list.
    open: Arc<[ExecutorId]>,
    /// The host of every executor that there was: a preference for a dead one is one for its host.
    hosts: BTreeMap<ExecutorId, HostId>,
}

impl Places {
    pub fn add(&mut self, executor: ExecutorId, host: HostId, cores: u32) {
        self.by_id.insert(executor, Slots { host, cores, free: cores, closed: false });
        self.on_host.entry(host).or_default().insert(executor);
        self.hosts.insert(executor, host);
        if cores > 0 {
            self.free.insert(executor);
        }
        self.list_open();
    }

    fn list_open(&mut self) {
        self.open = self.by_id.iter().filter(|(_, slots)| !slots.closed).map(|(executor, _)| *executor).collect();
    }

    /// Executors that may get work, in id order.
    pub fn open(&self) -> Arc<[ExecutorId]> {
        Arc::clone(&self.open)
    }

    /// Returns whether it lived.
    pub fn remove(&mut self, executor: ExecutorId) -> bool {
        let Some(slots) = self.by_id.remove(&executor) else { return false };
        self.leave(executor, slots.host);
        true
    }

    /// The host of a place, if there ever was one.
    pub fn host_of_place(&self, place: TaskLocation) -> Option<HostId> {
        match place {
            TaskLocation::Executor(executor) => self.host_of(executor),
            TaskLocation::Host(host) => Some(host),
        }
    }

    /// An executor gets no more work, and is nobody's preference any more.
    pub fn close(&mut self, executor: ExecutorId) {
        let Some(slots) = self.by_id.get_mut(&executor) else { return };
        slots.closed = true;
        let host = slots.host;
        self.leave(executor, host);
    }

    fn leave(&mut self, executor: ExecutorId, host: HostId) {
        self.free.remove(&executor);
        self.list_open();
        if let Some(others) = self.on_host.get_mut(&host) {
            others.remove(&executor);
            if others.is_empty() {
                self.on_host.remove(&host);
            }
        }
    }

    pub fn get(&self, executor: ExecutorId) -> Option<&Slots> {
        self.by_id.get(&executor)
    }

    pub fn contains(&self, executor: ExecutorId) -> bool {
        self.by_id.contains_key(&executor)
    }

    /// Whether an executor may get work.
    pub fn is_open(&self, executor: ExecutorId) -> bool {
        self.by_id.get(&executor).is_some_and(|slots| !slots.closed)
    }

    /// Whether anybody may get work.
    pub fn has_open(&self) -> bool {
        !self.on_host.is_empty()
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
        if slots.free > 0 && !slots.closed {
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
        self.by_id.iter().filter(move |(_, slots)| slots.host == host).map(|(executor, _)| *executor)
    }

    /// Executors that are or were on a host.
    pub fn ever_on(&self, host: HostId) -> Vec<ExecutorId> {
        self.hosts.iter().filter(|(_, at)| **at == host).map(|(executor, _)| *executor).collect()
    }

    pub fn host_lives(&self, host: HostId) -> bool {
        self.on_host.contains_key(&host)
    }
}
