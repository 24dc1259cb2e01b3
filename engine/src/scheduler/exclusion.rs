//! Excluding executors and hosts after failures (R4.8): within a task set, and in the application.
//!
//! Off by default. The application learns of failures only when a stage attempt succeeded: before, they
//! may be the fault of the program.

use super::Scheduler;
use super::settings::ExcludeConfig;
use super::task::Outbox;
use super::task_set::TaskSet;
use crate::event::Event;
use crate::ids::*;
use std::collections::{BTreeMap, BTreeSet};

/// How often a task failed on an executor, and when for the last time.
#[derive(Clone, Copy, Debug)]
struct TaskFailures {
    times: u32,
    last: Timestamp,
}

/// Failures of one task set, and who is excluded from it.
#[derive(Debug, Default)]
pub(super) struct SetExclusion {
    /// By executor and task.
    failures: BTreeMap<ExecutorId, BTreeMap<u32, TaskFailures>>,
    on_host: BTreeMap<HostId, BTreeSet<ExecutorId>>,
    executors: BTreeSet<ExecutorId>,
    hosts: BTreeSet<HostId>,
    tasks: BTreeSet<(u32, ExecutorId)>,
    tasks_on_host: BTreeSet<(u32, HostId)>,
    /// Of the whole application, as of now.
    health: BTreeMap<ExecutorId, Timestamp>,
    health_hosts: BTreeMap<HostId, Timestamp>,
    last_failure: String,
}

impl SetExclusion {
    /// Whether a task may run there.
    pub fn may_run(&self, index: u32, (executor, host): (ExecutorId, HostId), now: Timestamp) -> bool {
        self.takes(executor, host, now)
            && !self.tasks.contains(&(index, executor))
            && !self.tasks_on_host.contains(&(index, host))
    }

    /// Whether an executor may run any task of the set.
    fn takes(&self, executor: ExecutorId, host: HostId, now: Timestamp) -> bool {
        let released = |until: Option<&Timestamp>| until.is_none_or(|until| *until <= now);
        !self.executors.contains(&executor)
            && !self.hosts.contains(&host)
            && released(self.health.get(&executor))
            && released(self.health_hosts.get(&host))
    }

    /// A counted failure. Returns how many tasks failed there when that excludes the executor now.
    fn failed(
        &mut self,
        config: &ExcludeConfig,
        index: u32,
        (executor, host): (ExecutorId, HostId),
        (now, why): (Timestamp, &str),
    ) -> Option<u32> {
        why.clone_into(&mut self.last_failure);
        let of_executor = self.failures.entry(executor).or_default();
        let of_task = of_executor.entry(index).or_insert(TaskFailures { times: 0, last: now });
        *of_task = TaskFailures { times: of_task.times + 1, last: now };
        if of_task.times >= config.task_attempts_per_executor {
            self.tasks.insert((index, executor));
        }
        let failed_tasks = of_executor.len() as u32;
        let neighbours = self.on_host.entry(host).or_default();
        neighbours.insert(executor);
        let failures = &self.failures;
        let on_host: u32 = neighbours.iter().filter_map(|e| Some(failures.get(e)?.get(&index)?.times)).sum();
        if on_host >= config.task_attempts_per_host {
            self.tasks_on_host.insert((index, host));
        }
        if failed_tasks < config.stage_tasks_per_executor || !self.executors.insert(executor) {
            return None;
        }
        if neighbours.intersection(&self.executors).count() as u32 >= config.stage_executors_per_host {
            self.hosts.insert(host);
        }
        Some(failed_tasks)
    }
}

/// Failures of the application by executor, each until it no longer counts.
#[derive(Debug, Default)]
pub(super) struct Health {
    failures: BTreeMap<ExecutorId, Vec<Timestamp>>,
    excluded: BTreeMap<ExecutorId, Timestamp>,
    hosts: BTreeMap<HostId, Timestamp>,
}

impl Health {
    /// When the next exclusion ends.
    pub fn next_release(&self) -> Option<Timestamp> {
        self.excluded.values().copied().min()
    }
}

impl Scheduler {
    /// A counted failure of a task.
    pub(super) fn note_failure(
        &mut self,
        stage: StageAttempt,
        (index, executor): (u32, ExecutorId),
        (now, why): (Timestamp, &str),
        out: &mut Outbox,
    ) {
        let config = &self.config.scheduler.exclude;
        let (Some(host), Some(set)) = (self.places.host_of(executor), self.task_sets.get_mut(&stage)) else { return };
        if !config.enabled {
            return;
        }
        if let Some(task_failures) = set.exclusion.failed(config, index, (executor, host), (now, why)) {
            out.events.push(Event::ExecutorExcluded { executor, task_failures, stage: Some(stage) });
        }
    }

    /// What the application knows is true for every set that is made.
    pub(super) fn share_health(&self, set: &mut TaskSet) {
        set.exclusion.health.clone_from(&self.health.excluded);
        set.exclusion.health_hosts.clone_from(&self.health.hosts);
    }

    /// A stage attempt succeeded: its failures were not the program's.
    pub(super) fn learn_from(&mut self, now: Timestamp, stage: StageAttempt, out: &mut Outbox) {
        let config = &self.config.scheduler.exclude;
        let Some(set) = self.task_sets.get(&stage).filter(|_| config.enabled) else { return };
        let until = now.plus(config.timeout);
        for (executor, tasks) in &set.exclusion.failures {
            let failures = self.health.failures.entry(*executor).or_default();
            failures.retain(|until| *until > now);
            // Each counts as long as it would have if the application had learned of it at once.
            failures.extend(tasks.values().map(|failed| failed.last.plus(config.timeout)).filter(|until| *until > now));
            let task_failures = failures.len() as u32;
            let excluded = self.health.excluded.contains_key(executor);
            if task_failures < config.app_tasks_per_executor || excluded {
                continue;
            }
            self.health.excluded.insert(*executor, until);
            out.events.push(Event::ExecutorExcluded { executor: *executor, task_failures, stage: None });
            let Some(host) = self.places.host_of(*executor) else { continue };
            let beside = self.health.excluded.keys().filter(|e| self.places.host_of(**e) == Some(host)).count();
            if beside as u32 >= config.app_executors_per_host {
                self.health.hosts.insert(host, until);
            }
        }
        let (executors, hosts) = (&self.health.excluded, &self.health.hosts);
        for set in self.task_sets.values_mut() {
            set.exclusion.health.clone_from(executors);
            set.exclusion.health_hosts.clone_from(hosts);
        }
    }

    /// Exclusions of the application end.
    pub(super) fn release_excluded(&mut self, now: Timestamp, out: &mut Outbox) {
        let over: Vec<ExecutorId> =
            self.health.excluded.iter().filter(|(_, until)| **until <= now).map(|(e, _)| *e).collect();
        for executor in over {
            self.health.excluded.remove(&executor);
            self.health.failures.remove(&executor);
            if self.places.contains(executor) {
                out.events.push(Event::ExecutorUnexcluded { executor });
            }
        }
        self.health.hosts.retain(|_, until| *until > now);
    }

    /// After an offer of which a set took nothing: a task that nobody may run waits while an executor is
    /// idle, in case another one comes, and else aborts its stage. Returns why.
    pub(super) fn hopeless(&mut self, now: Timestamp, stage: StageAttempt) -> Option<String> {
        let set = self.task_sets.get_mut(&stage)?;
        let (places, timeout) = (&self.places, self.config.scheduler.exclude.unschedulable_timeout);
        let excluded_everywhere = |index: &u32| {
            let mut everywhere =
                places.ids().filter(|e| places.is_open(*e)).filter_map(|e| Some((e, places.get(e)?.host)));
            places.has_open() && everywhere.all(|at| !set.exclusion.may_run(*index, at, now))
        };
        // Nobody takes the set, or nobody takes a task that failed before: other tasks are like the first.
        let first = set.pending.iter().next();
        let failed = set.exclusion.tasks.iter().map(|(index, _)| *index).filter(|index| set.pending.contains(*index));
        let found = first.into_iter().chain(failed).find(excluded_everywhere);
        let Some(index) = found else {
            set.hopeless_at = None;
            return None;
        };
        let idle = places.ids().any(|e| places.is_open(e) && places.is_idle(e));
        let at = *set.hopeless_at.get_or_insert(now.plus(timeout));
        if idle && at > now {
            return None;
        }
        let partition = set.tasks[index as usize].partition;
        let why = &set.exclusion.last_failure;
        Some(format!(
            "\nAborting TaskSet {stage} because task {index} (partition {partition})\ncannot run anywhere due to node and executor excludeOnFailure.\nMost recent failure:\n{why}\n\nExcludeOnFailure behavior can be configured via spark.excludeOnFailure.*.\n"
        ))
    }
}
