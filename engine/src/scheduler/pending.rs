//! Tasks that wait for a slot, by where they would rather run: Spark's `PendingTasksByLocality`.
//!
//! Every list is ordered by index, so that what is taken first does not depend on what happened before,
//! and a task leaves all its lists at once: each operation costs as much as a task has preferences.

use super::places::Places;
use crate::event::Locality;
use crate::ids::*;
use std::collections::{BTreeMap, BTreeSet};

/// Where a task would rather run (R2.14); empty when it does not care.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Preference {
    pub executors: Vec<ExecutorId>,
    pub hosts: Vec<HostId>,
}

impl Preference {
    /// A preference for executors is one for their hosts too.
    pub fn of(locations: &[TaskLocation], places: &Places) -> Self {
        let mut preference = Self::default();
        for location in locations {
            let host = match *location {
                TaskLocation::Executor(executor) => {
                    if !preference.executors.contains(&executor) {
                        preference.executors.push(executor);
                    }
                    places.host_of(executor)
                }
                TaskLocation::Host(host) => Some(host),
            };
            if let Some(host) = host.filter(|host| !preference.hosts.contains(host)) {
                preference.hosts.push(host);
            }
        }
        preference
    }

    /// Whether somebody of those it names lives. What prefers only the dead runs anywhere at once.
    pub fn is_alive(&self, places: &Places) -> bool {
        self.executors.iter().any(|e| places.is_open(*e)) || self.hosts.iter().any(|h| places.host_lives(*h))
    }
}

/// Indexes of waiting tasks.
#[derive(Debug, Default)]
pub(super) struct Pending {
    all: BTreeSet<u32>,
    no_pref: BTreeSet<u32>,
    by_executor: BTreeMap<ExecutorId, BTreeSet<u32>>,
    by_host: BTreeMap<HostId, BTreeSet<u32>>,
}

impl Pending {
    pub fn insert(&mut self, index: u32, preference: &Preference, places: &Places) {
        self.all.insert(index);
        if !preference.is_alive(places) {
            self.no_pref.insert(index);
        }
        for executor in &preference.executors {
            self.by_executor.entry(*executor).or_default().insert(index);
        }
        for host in &preference.hosts {
            self.by_host.entry(*host).or_default().insert(index);
        }
    }

    pub fn remove(&mut self, index: u32, preference: &Preference) {
        if !self.all.remove(&index) {
            return;
        }
        self.no_pref.remove(&index);
        for executor in &preference.executors {
            drop_from(&mut self.by_executor, *executor, index);
        }
        for host in &preference.hosts {
            drop_from(&mut self.by_host, *host, index);
        }
    }

    /// A host gained or lost an executor: what prefers it may now run there, or anywhere.
    pub fn places_changed<'a>(
        &mut self,
        host: HostId,
        places: &Places,
        preference: impl Fn(u32) -> Option<&'a Preference>,
    ) {
        for index in self.by_host.get(&host).into_iter().flatten() {
            if preference(*index).is_some_and(|preference| preference.is_alive(places)) {
                self.no_pref.remove(index);
            } else {
                self.no_pref.insert(*index);
            }
        }
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub fn contains(&self, index: u32) -> bool {
        self.all.contains(&index)
    }

    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.all.iter().copied()
    }

    /// Whether a task waits that may run at this level (R7.2).
    pub fn waits_at(&self, level: Locality) -> bool {
        match level {
            Locality::ProcessLocal => !self.by_executor.is_empty(),
            Locality::NodeLocal => !self.by_host.is_empty(),
            Locality::NoPref => !self.no_pref.is_empty(),
            Locality::Any => !self.all.is_empty(),
        }
    }

    /// R7.1: the levels at which something waits for somebody who lives; `Any` always.
    pub fn levels(&self, places: &Places) -> Vec<Locality> {
        let process = self.by_executor.keys().any(|e| places.is_open(*e));
        let node = self.by_host.keys().any(|h| places.host_lives(*h));
        let found = [
            (process, Locality::ProcessLocal),
            (node, Locality::NodeLocal),
            (!self.no_pref.is_empty(), Locality::NoPref),
            (true, Locality::Any),
        ];
        found.into_iter().filter(|(valid, _)| *valid).map(|(_, level)| level).collect()
    }

    /// The first task, at the most local level up to `most`, that may run on an executor; with `no_pref`
    /// also one that does not care (R7.4). `steps` counts the tasks looked at.
    pub fn find(
        &self,
        (executor, host): (ExecutorId, HostId),
        (most, no_pref): (Locality, bool),
        may_run: impl Fn(u32) -> bool,
        steps: &mut u64,
    ) -> Option<(u32, Locality)> {
        let lists = [
            (Locality::ProcessLocal, self.by_executor.get(&executor)),
            (Locality::NodeLocal, self.by_host.get(&host)),
            (Locality::NoPref, Some(&self.no_pref)),
            (Locality::Any, Some(&self.all)),
        ];
        let allowed = |level: Locality| level <= most || (no_pref && level == Locality::NoPref);
        for (level, list) in lists.into_iter().filter(|(level, _)| allowed(*level)) {
            for index in list.into_iter().flatten() {
                *steps += 1;
                if may_run(*index) {
                    return Some((*index, level));
                }
            }
        }
        None
    }
}

fn drop_from<K: Ord>(lists: &mut BTreeMap<K, BTreeSet<u32>>, key: K, index: u32) {
    if let Some(list) = lists.get_mut(&key) {
        list.remove(&index);
        if list.is_empty() {
            lists.remove(&key);
        }
    }
}
