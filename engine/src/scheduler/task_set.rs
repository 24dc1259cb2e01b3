//! The tasks of one stage attempt: Spark's `TaskSetManager`.

use super::delay::{Delay, Waits};
use super::exclusion::SetExclusion;
use super::pending::{Pending, Preference};
use super::places::Places;
use super::pools::PoolName;
use super::results::Returned;
use super::speculation::Durations;
use super::task::TaskWork;
use crate::event::{Locality, TaskInfo};
use crate::ids::*;
use crate::task_context::BlockPolicy;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One partition to compute.
#[derive(Default)]
pub(super) struct TaskSlot {
    pub partition: PartitionId,
    pub preference: Preference,
    /// The attempt that succeeded.
    pub done: Option<TaskInfo>,
    /// Needs no further attempt: it succeeded here or elsewhere, or failed to fetch.
    pub settled: bool,
    pub attempts: u32,
    pub failures: u32,
    /// Attempts that run; two when one of them is a speculative copy.
    pub running: Vec<TaskId>,
    /// Hosts on which an attempt ran or runs; kept with speculation only (R6.4).
    pub tried: Vec<HostId>,
}

impl TaskSlot {
    /// A task that was not tried yet.
    pub fn new(partition: PartitionId, preference: Preference) -> Self {
        Self { partition, preference, ..Self::default() }
    }
}

/// All tasks of one stage attempt.
pub(super) struct TaskSet {
    pub epoch: u64,
    pub tasks: Vec<TaskSlot>,
    /// Index of each partition; never walked.
    index: FxHashMap<PartitionId, u32>,
    /// Tasks not launched.
    pub pending: Pending,
    /// Tasks of which one more copy may run (R6).
    pub speculatable: Pending,
    /// Attempts that run.
    pub running: u32,
    /// Launches nothing more (R4.7).
    pub zombie: bool,
    /// Lowest job id: the order in which sets are served (R7.5).
    pub priority: JobId,
    /// Pool that its tasks count for, with `spark.scheduler.mode` = `FAIR` (R7.5).
    pub pool: PoolName,
    pub returned: Returned,
    pub delay: Delay,
    pub durations: Durations,
    pub exclusion: SetExclusion,
    /// When a set that no executor may run is given up (R4.8).
    pub hopeless_at: Option<Timestamp>,
    pub policies: Arc<BTreeMap<RddId, BlockPolicy>>,
    /// Directories of RDDs whose partitions are written while they are computed.
    pub tees: Arc<BTreeMap<RddId, Arc<str>>>,
    pub work: TaskWork,
    pub op: OpKey,
}

/// What all sets of a scheduler are made with.
pub(super) struct TaskSetPlan {
    pub epoch: u64,
    pub tasks: Vec<TaskSlot>,
    pub priority: JobId,
    pub pool: PoolName,
    pub policies: BTreeMap<RddId, BlockPolicy>,
    pub tees: BTreeMap<RddId, Arc<str>>,
    pub work: TaskWork,
    pub op: OpKey,
}

impl TaskSet {
    /// A set all of whose tasks wait.
    pub fn new(plan: TaskSetPlan, now: Timestamp, places: &Places) -> Self {
        let mut pending = Pending::default();
        let mut index = FxHashMap::default();
        for (task, i) in plan.tasks.iter().zip(0..) {
            pending.insert(i, &task.preference, places);
            index.entry(task.partition).or_insert(i);
        }
        let delay = Delay::new(pending.levels(places), now);
        Self {
            epoch: plan.epoch,
            tasks: plan.tasks,
            index,
            pending,
            speculatable: Pending::default(),
            running: 0,
            zombie: false,
            priority: plan.priority,
            pool: plan.pool,
            returned: Returned::default(),
            delay,
            durations: Durations::default(),
            exclusion: SetExclusion::default(),
            hopeless_at: None,
            policies: Arc::new(plan.policies),
            tees: Arc::new(plan.tees),
            work: plan.work,
            op: plan.op,
        }
    }

    pub fn index_of(&self, partition: PartitionId) -> Option<u32> {
        self.index.get(&partition).copied()
    }

    /// Whether something waits for a slot.
    pub fn wants_slots(&self) -> bool {
        !(self.zombie || self.pending.is_empty() && self.speculatable.is_empty())
    }

    /// Puts a task back, unless another attempt of it still runs.
    pub fn requeue(&mut self, index: u32, places: &Places) {
        let Some(task) = self.tasks.get_mut(index as usize) else { return };
        task.settled = false;
        task.done = None;
        if !self.zombie && task.running.is_empty() {
            self.speculatable.remove(index, &task.preference);
            self.pending.insert(index, &task.preference, places);
        }
    }

    /// The partition needs no further attempt of this set.
    pub fn settle(&mut self, index: u32) {
        let Some(task) = self.tasks.get_mut(index as usize) else { return };
        task.settled = true;
        self.pending.remove(index, &task.preference);
        self.speculatable.remove(index, &task.preference);
        // Whether what is left can run nowhere is asked again when it is offered; when nothing is left, never.
        self.hopeless_at = self.hopeless_at.filter(|_| self.wants_slots());
    }

    /// Launches nothing more.
    pub fn retire(&mut self) {
        self.zombie = true;
        self.hopeless_at = None;
        self.pending.clear();
        self.speculatable.clear();
    }

    /// Executors came to or went from a host.
    pub fn places_changed(&mut self, host: HostId, places: &Places) {
        if self.zombie {
            return;
        }
        let tasks = &self.tasks;
        let preference = |index: u32| tasks.get(index as usize).map(|task| &task.preference);
        self.pending.places_changed(host, places, preference);
        self.speculatable.places_changed(host, places, preference);
        self.delay.recompute(self.pending.levels(places));
    }

    /// The least local level allowed now, up to the one that is offered (R7.2), and whether tasks without
    /// preference are offered: they never wait, at whatever level the others are (R7.4).
    pub fn allowed(&mut self, now: Timestamp, waits: Waits, offered: Locality) -> (Locality, bool) {
        let pending = &self.pending;
        let most = self.delay.allowed(now, waits, |level| pending.waits_at(level)).min(offered);
        (most, offered == Locality::NoPref)
    }

    /// The task for a slot: first what was never launched, then copies of slow attempts (R7.4).
    pub fn find(
        &self,
        at: (ExecutorId, HostId),
        most: (Locality, bool),
        now: Timestamp,
        steps: &mut u64,
    ) -> Option<(u32, Locality, bool)> {
        let welcome = |index: u32| self.exclusion.may_run(index, at, now);
        if let Some((index, level)) = self.pending.find(at, most, welcome, steps) {
            return Some((index, level, false));
        }
        let copy = |index: u32| welcome(index) && !self.tasks[index as usize].tried.contains(&at.1);
        self.speculatable.find(at, most, copy, steps).map(|(index, level)| (index, level, true))
    }
}
