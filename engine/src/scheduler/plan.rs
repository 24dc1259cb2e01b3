//! From a job to stages, and from stages to task sets. Every walk is iterative (R1.9).

use super::Scheduler;
use super::pending::Preference;
use super::pools::DEFAULT_POOL;
use super::preferences::Preferences;
use super::stage::{Stage, StageKind};
use super::task::{Outbox, TaskWork};
use super::task_set::{TaskSet, TaskSetPlan, TaskSlot};
use crate::event::*;
use crate::ids::*;
use crate::rdd::{AnyRdd, AnyShuffle, Dependency, JobSpec};
use crate::task_context::BlockPolicy;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Visits the RDDs of the stage that ends with `root`, the last one first, and its shuffles.
fn walk_stage(
    root: &Arc<dyn AnyRdd>,
    mut visit: impl FnMut(&Arc<dyn AnyRdd>),
    mut cross: impl FnMut(&Arc<dyn AnyShuffle>),
) {
    let mut seen = BTreeSet::new();
    let mut todo = vec![Arc::clone(root)];
    while let Some(rdd) = todo.pop() {
        if !seen.insert(rdd.core().id()) {
            continue;
        }
        visit(&rdd);
        for dependency in rdd.core().dependencies().into_iter().rev() {
            match dependency {
                Dependency::Narrow { parent, .. } => todo.push(parent),
                Dependency::Shuffle(shuffle) => cross(&shuffle),
            }
        }
    }
}

impl Scheduler {
    /// Announces the RDDs that are new, parents first.
    pub(super) fn announce(&mut self, rdd: &Arc<dyn AnyRdd>, out: &mut Outbox) {
        let mut new = BTreeMap::new();
        let mut todo = vec![Arc::clone(rdd)];
        while let Some(rdd) = todo.pop() {
            let id = rdd.core().id();
            if self.lineage.contains(id) || new.contains_key(&id) {
                continue;
            }
            todo.extend(rdd.core().dependencies().iter().map(Dependency::parent));
            self.handles.insert(id, Arc::downgrade(&rdd));
            new.insert(id, rdd);
        }
        for (id, rdd) in new {
            rdd.core().settle_determinism();
            let info = rdd.core().info();
            self.levels.insert(id, info.level);
            self.lineage.insert(info.clone());
            out.events.push(Event::RddRegistered { rdd: info });
        }
    }

    /// Makes the stages of a job, parents before children (R2.3). Returns the final one.
    pub(super) fn plan_job(&mut self, job: JobId, spec: &JobSpec) -> StageId {
        let mut shuffles: BTreeMap<RddId, BTreeMap<ShuffleId, Arc<dyn AnyShuffle>>> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        let mut todo = vec![Arc::clone(&spec.rdd)];
        while let Some(rdd) = todo.pop() {
            if !seen.insert(rdd.core().id()) {
                continue;
            }
            for dependency in rdd.core().dependencies() {
                todo.push(dependency.parent());
                if let Dependency::Shuffle(shuffle) = dependency {
                    shuffles.entry(shuffle.parent().core().id()).or_default().insert(shuffle.id(), shuffle);
                }
            }
        }
        // A map-side RDD has a higher id than those it depends on: ascending ids are parents first.
        for shuffle in shuffles.into_values().flat_map(BTreeMap::into_values) {
            self.map_stage(&shuffle, job);
        }
        self.new_stage(Arc::clone(&spec.rdd), StageKind::Result(job), job)
    }

    /// The stage of a shuffle; made when no active job has one (R2.3).
    fn map_stage(&mut self, shuffle: &Arc<dyn AnyShuffle>, job: JobId) -> StageId {
        let parent = shuffle.parent();
        self.outputs.register_shuffle(shuffle.id(), parent.core().id(), parent.core().num_partitions());
        if let Some(&id) = self.shuffle_stages.get(&shuffle.id()) {
            if let Some(stage) = self.stages.get_mut(&id) {
                stage.jobs.insert(job);
            }
            return id;
        }
        let id = self.new_stage(parent, StageKind::Map(Arc::clone(shuffle)), job);
        self.shuffle_stages.insert(shuffle.id(), id);
        id
    }

    fn new_stage(&mut self, rdd: Arc<dyn AnyRdd>, kind: StageKind, job: JobId) -> StageId {
        let id = StageId(self.next_stage);
        self.next_stage += 1;
        let mut rdds = Vec::new();
        let mut parents = BTreeSet::new();
        walk_stage(
            &rdd,
            |r| rdds.push(r.core().id()),
            |shuffle| {
                parents.extend(self.shuffle_stages.get(&shuffle.id()).copied());
            },
        );
        let stage = Stage {
            id,
            rdd,
            kind,
            parents: parents.into_iter().collect(),
            jobs: BTreeSet::from([job]),
            next_attempt: 0,
            failed_attempts: BTreeSet::new(),
            pending: BTreeSet::new(),
            rdds,
        };
        self.stages.insert(id, stage);
        id
    }

    /// The stages of a job in id order.
    pub(super) fn stages_of_job(&self, job: JobId) -> Vec<StageId> {
        self.stages.values().filter(|s| s.jobs.contains(&job)).map(|s| s.id).collect()
    }

    fn is_available(&self, shuffle: ShuffleId) -> bool {
        self.outputs.is_whole(shuffle)
    }

    /// R2.5: map stages whose outputs are missing, not looking past an RDD that is stored whole.
    fn missing_parents(&mut self, stage: StageId) -> Vec<StageId> {
        let Some(root) = self.stages.get(&stage).map(|s| Arc::clone(&s.rdd)) else { return Vec::new() };
        let jobs = self.stages[&stage].jobs.clone();
        let mut wanted: BTreeMap<ShuffleId, Arc<dyn AnyShuffle>> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        let mut todo = vec![root];
        while let Some(rdd) = todo.pop() {
            if !seen.insert(rdd.core().id()) || self.is_stored_whole(&rdd) {
                continue;
            }
            for dependency in rdd.core().dependencies() {
                match dependency {
                    Dependency::Narrow { parent, .. } => todo.push(parent),
                    Dependency::Shuffle(shuffle) if !self.is_available(shuffle.id()) => {
                        wanted.insert(shuffle.id(), shuffle);
                    }
                    // As Spark: what a skipped stage runs later is not its first attempt.
                    Dependency::Shuffle(shuffle) => {
                        let skipped = self.shuffle_stages.get(&shuffle.id()).and_then(|id| self.stages.get_mut(id));
                        if let Some(stage) = skipped {
                            stage.next_attempt = stage.next_attempt.max(1);
                        }
                    }
                }
            }
        }
        let mut missing = BTreeSet::new();
        for shuffle in wanted.values() {
            for &job in &jobs {
                missing.insert(self.map_stage(shuffle, job));
            }
        }
        missing.into_iter().collect()
    }

    fn is_stored_whole(&self, rdd: &Arc<dyn AnyRdd>) -> bool {
        let core = rdd.core();
        core.level().is_valid()
            && (0..core.num_partitions()).all(|p| self.blocks.contains_key(&BlockId::new(core.id(), PartitionId(p))))
    }

    /// R2.6: submits a stage, or first what it misses.
    pub(super) fn submit_stage(&mut self, now: Timestamp, stage: StageId, out: &mut Outbox) {
        let mut todo = vec![stage];
        while let Some(id) = todo.pop() {
            let busy = self.waiting.contains_key(&id) || self.running.contains(&id) || self.failed.contains(&id);
            if busy || !self.stages.contains_key(&id) {
                continue;
            }
            if let Some(reason) = self.too_many_attempts(id) {
                self.abort_stage(id, &reason, out);
                continue;
            }
            let missing = self.missing_parents(id);
            if missing.is_empty() {
                self.submit_missing_tasks(now, id, out);
            } else {
                for parent in &missing {
                    self.awaited.entry(*parent).or_default().insert(id);
                }
                todo.extend(missing.iter().rev());
                self.waiting.insert(id, missing.into_iter().collect());
            }
        }
    }

    /// R3.7: why a stage gets no further attempt.
    fn too_many_attempts(&self, id: StageId) -> Option<String> {
        let limit = self.config.scheduler.stage_max_attempts?.max(self.config.stage_max_consecutive_attempts);
        let stage = self.stages.get(&id).filter(|stage| stage.next_attempt >= limit)?;
        Some(format!(
            "{} (name={}) has been resubmitted for the maximum allowable number of times: {limit}, which is the max value of config `spark.stage.maxAttempts` and `spark.stage.maxConsecutiveAttempts`.",
            stage.title(),
            stage.rdd.core().info().callsite
        ))
    }

    /// R2.7: a new attempt with exactly the partitions that are missing.
    fn submit_missing_tasks(&mut self, now: Timestamp, id: StageId, out: &mut Outbox) {
        self.forget_partial_outputs(now, id, out);
        // What follows the stage could not be rolled back, and nobody else needs it.
        let Some(stage) = self.stages.get(&id) else { return };
        let (missing, work) = match &stage.kind {
            StageKind::Map(shuffle) => {
                (self.outputs.missing(shuffle.id()), TaskWork::WriteShuffle(Arc::clone(shuffle)))
            }
            StageKind::Result(job) => {
                let Some(job) = self.jobs.get(job) else { return };
                (job.missing(), TaskWork::Result(Arc::clone(&job.spec.func)))
            }
        };
        let rdd = Arc::clone(&stage.rdd);
        let (mut policies, mut tees) = (BTreeMap::new(), BTreeMap::new());
        walk_stage(
            &rdd,
            |r| {
                let (id, level) = (r.core().id(), r.core().level());
                tees.extend(r.core().tee().map(|dir| (id, dir)));
                if level.is_valid() {
                    let generation = self.generations.get(&id).copied().unwrap_or(0);
                    policies.insert(id, BlockPolicy { level, generation });
                }
            },
            |_| {},
        );
        let mut plan = Preferences::new(&rdd, &policies, self.config.scheduler.reduce_locality);
        let mut tasks = Vec::with_capacity(missing.len());
        for &partition in &missing {
            let locations = self.preferred(&mut plan, partition);
            tasks.push(TaskSlot::new(partition, Preference::of(&locations, &self.places)));
        }
        self.steps += missing.len() as u64;
        let Some(stage) = self.stages.get_mut(&id) else { return };
        let priority = stage.jobs.first().copied().unwrap_or_default();
        let job = self.jobs.get(&priority);
        let pool = job.and_then(|job| job.spec.origin.pool.as_deref()).unwrap_or(DEFAULT_POOL).into();
        let attempt = StageAttempt { stage: id, attempt: stage.next_attempt };
        stage.next_attempt += 1;
        stage.pending = missing.iter().copied().collect();
        out.events.push(Event::StageSubmitted { stage: stage.info(attempt, missing.len() as u32) });
        self.running.insert(id);
        self.commits.lock().stage_started(id);
        let nothing_to_do = tasks.is_empty();
        let (epoch, op) = (self.outputs.epoch(), rdd.core().op());
        let plan = TaskSetPlan { epoch, tasks, priority, pool, policies, tees, work, op };
        let mut set = TaskSet::new(plan, now, &self.places);
        self.share_health(&mut set);
        self.task_sets.insert(attempt, set);
        if nothing_to_do {
            self.map_stage_ended(now, id, out);
        }
    }
}
