//! Jobs, stages and tasks: Spark's `DAGScheduler` and `TaskScheduler` as one sans-IO state.
//!
//! Life of a job: announce its RDDs, cut stages at shuffles, submit what is missing, launch tasks on
//! free slots, take their ends, submit children, end. Every entry point appends what follows to an
//! [`Outbox`]; nothing here waits, reads a clock, or runs user code.

mod causes;
mod checkpoints;
mod completion;
mod decommission;
mod delay;
mod exclusion;
mod faults;
mod inputs;
mod job;
mod loss;
mod offers;
mod pending;
mod places;
mod plan;
mod pools;
mod preferences;
mod results;
mod rollback;
mod settings;
mod speculation;
mod stage;
mod task;
mod task_set;

pub use decommission::Migration;
pub use loss::Loss;
pub use pools::{PoolSettings, SchedulingMode};
pub use settings::{ExcludeConfig, SchedulerConfig};
pub use task::{MigrationOrder, Outbox, ReplicaOrder, TaskLaunch, TaskReport, TaskWork};

use crate::config::EngineConfig;
use crate::event::*;
use crate::executor::{BlockReport, OutputCommitCoordinator};
use crate::ids::*;
use crate::lineage::LineageGraph;
use crate::rdd::{AnyRdd, JobSpec, Released};
use crate::shuffle::MapOutputTracker;
use crate::sync::Mutex;
use crate::task_context::BlockPolicy;
use causes::History;
use exclusion::Health;
use imbl::{OrdMap, Vector};
use job::ActiveJob;
use places::Places;
use stage::Stage;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Weak};
use task::RunningTask;
use task_set::TaskSet;

/// The state of scheduling.
pub struct Scheduler {
    config: Arc<EngineConfig>,
    lineage: LineageGraph,
    stages: BTreeMap<StageId, Stage>,
    shuffle_stages: BTreeMap<ShuffleId, StageId>,
    jobs: BTreeMap<JobId, ActiveJob>,
    /// Stages that wait, each with the parents that it waits for.
    waiting: BTreeMap<StageId, BTreeSet<StageId>>,
    /// The other way round: who waits for a stage.
    awaited: BTreeMap<StageId, BTreeSet<StageId>>,
    running: BTreeSet<StageId>,
    failed: BTreeSet<StageId>,
    resubmit_at: Option<Timestamp>,
    task_sets: BTreeMap<StageAttempt, TaskSet>,
    tasks: BTreeMap<TaskId, RunningTask>,
    /// Attempts that were given up, by where their threads still work: until they answer they hold their slots.
    given_up: BTreeMap<TaskId, ExecutorId>,
    outputs: MapOutputTracker,
    blocks: OrdMap<BlockId, Vector<ExecutorId>>,
    /// Version of the last report of each block and executor.
    reported: BTreeMap<(BlockId, ExecutorId), u64>,
    inputs: inputs::InputBlocks,
    levels: BTreeMap<RddId, StorageLevel>,
    generations: BTreeMap<RddId, u32>,
    places: Places,
    commits: Arc<Mutex<OutputCommitCoordinator>>,
    health: Health,
    /// Handles of announced RDDs, for commands that name one.
    handles: BTreeMap<RddId, Weak<dyn AnyRdd>>,
    checkpoints: checkpoints::Checkpoints,
    /// Executors that are being decommissioned.
    leaving: BTreeMap<ExecutorId, decommission::Leaving>,
    /// Executors whose block manager is registered.
    block_managers: BTreeSet<ExecutorId>,
    /// Epoch at which an executor was last declared lost (R5.4).
    failure_epoch: BTreeMap<ExecutorId, u64>,
    /// Epoch at which the map outputs of an executor were last given up.
    outputs_lost_epoch: BTreeMap<ExecutorId, u64>,
    history: History,
    next_job: u32,
    next_stage: u32,
    next_task: u64,
    /// When a task that waits for a preferred executor may run anywhere.
    locality_deadline: Option<Timestamp>,
    /// When slow tasks are looked for again.
    speculate_at: Option<Timestamp>,
    /// Offers so far that were shuffled.
    offers: u64,
    /// What scheduling looked at so far: tasks, executors and partitions, one by one.
    steps: u64,
}

impl Scheduler {
    /// A scheduler without executors.
    pub fn new(config: Arc<EngineConfig>) -> Self {
        Self {
            config,
            lineage: LineageGraph::default(),
            stages: BTreeMap::new(),
            shuffle_stages: BTreeMap::new(),
            jobs: BTreeMap::new(),
            waiting: BTreeMap::new(),
            awaited: BTreeMap::new(),
            running: BTreeSet::new(),
            failed: BTreeSet::new(),
            resubmit_at: None,
            task_sets: BTreeMap::new(),
            tasks: BTreeMap::new(),
            given_up: BTreeMap::new(),
            outputs: MapOutputTracker::default(),
            blocks: OrdMap::new(),
            reported: BTreeMap::new(),
            inputs: inputs::InputBlocks::default(),
            levels: BTreeMap::new(),
            generations: BTreeMap::new(),
            places: Places::default(),
            commits: Arc::default(),
            health: Health::default(),
            handles: BTreeMap::new(),
            checkpoints: checkpoints::Checkpoints::default(),
            leaving: BTreeMap::new(),
            block_managers: BTreeSet::new(),
            failure_epoch: BTreeMap::new(),
            outputs_lost_epoch: BTreeMap::new(),
            history: History::default(),
            next_job: 0,
            next_stage: 0,
            next_task: 0,
            locality_deadline: None,
            speculate_at: None,
            offers: 0,
            steps: 0,
        }
    }

    /// The lineage as announced so far.
    pub const fn lineage(&self) -> &LineageGraph {
        &self.lineage
    }

    /// Registered map outputs.
    pub const fn outputs(&self) -> &MapOutputTracker {
        &self.outputs
    }

    /// Block locations as the driver knows them.
    pub const fn blocks(&self) -> &OrdMap<BlockId, Vector<ExecutorId>> {
        &self.blocks
    }

    /// Living executors.
    pub fn executors(&self) -> impl Iterator<Item = ExecutorId> + '_ {
        self.places.ids()
    }

    /// Executors whose block manager is registered.
    pub fn block_managers(&self) -> Vec<ExecutorId> {
        self.block_managers.iter().copied().collect()
    }

    /// No id of `former` is used again.
    pub const fn continue_numbers(&mut self, former: &Self) {
        (self.next_job, self.next_stage, self.next_task) = (former.next_job, former.next_stage, former.next_task);
    }

    /// When something must happen although no input arrives.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let hopeless = self.task_sets.values().filter_map(|set| set.hopeless_at).min();
        let own = [self.resubmit_at, self.locality_deadline, self.speculate_at, hopeless, self.health.next_release()];
        own.into_iter().flatten().min()
    }

    /// Does what is due at `now`.
    pub fn on_deadline(&mut self, now: Timestamp, out: &mut Outbox) {
        if self.resubmit_at.is_some_and(|t| t <= now) {
            self.resubmit_at = None;
            self.resubmit_failed_stages(now, out);
        }
        if self.speculate_at.is_some_and(|t| t <= now) {
            self.speculate(now, out);
        }
        self.release_excluded(now, out);
        self.offer(now, out);
    }

    /// An executor registered on a host.
    pub fn add_executor(
        &mut self,
        now: Timestamp,
        (executor, host): (ExecutorId, HostId),
        cores: u32,
        out: &mut Outbox,
    ) {
        self.places.add(executor, host, cores);
        self.task_sets.values_mut().for_each(|set| set.places_changed(host, &self.places));
        self.block_managers.insert(executor);
        self.failure_epoch.remove(&executor);
        self.outputs_lost_epoch.remove(&executor);
        self.offer(now, out);
    }

    /// The host of an executor, dead or alive.
    pub fn host_of(&self, executor: ExecutorId) -> Option<HostId> {
        self.places.host_of(executor)
    }

    /// Where an attempt runs, if it does.
    pub fn executor_of(&self, task: TaskId) -> Option<ExecutorId> {
        self.tasks.get(&task).map(|running| running.info.executor)
    }

    /// Who may commit the output of which partition (R4.9).
    pub const fn commits(&self) -> &Arc<Mutex<OutputCommitCoordinator>> {
        &self.commits
    }

    /// How many tasks, executors and partitions scheduling has looked at: what it cost, without a clock.
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    /// Work waits, and nobody is there to do it.
    pub fn is_starved(&self) -> bool {
        !self.places.has_open() && self.task_sets.values().any(TaskSet::wants_slots)
    }

    /// Task slots of an executor, if it lives.
    pub fn cores(&self, executor: ExecutorId) -> Option<u32> {
        self.places.get(executor).map(|s| s.cores)
    }

    /// How many entries are kept about RDDs and their blocks: what must not grow with the length of a run.
    pub fn remembered(&self) -> usize {
        let by_rdd = self.levels.len() + self.generations.len() + self.handles.len() + self.blocks.len();
        by_rdd + self.reported.len() + self.history.remembered() + self.checkpoints.old_generations()
    }

    /// Submits a job; its end appears in the outbox, perhaps at once.
    pub fn submit_job(&mut self, now: Timestamp, spec: JobSpec, out: &mut Outbox) -> JobId {
        let id = JobId(self.next_job);
        self.next_job += 1;
        self.announce(&spec.rdd, out);
        if spec.partitions.is_empty() {
            out.events.push(Event::JobStart { job: id, origin: spec.origin, stages: Vec::new() });
            out.events.push(Event::JobEnd { job: id, result: JobResult::Succeeded });
            out.ended.push((id, Ok(Vec::new())));
            return id;
        }
        let final_stage = self.plan_job(id, &spec);
        let stages = self.stages_of_job(id).into_iter().map(|s| self.stages[&s].announced()).collect();
        out.events.push(Event::JobStart { job: id, origin: spec.origin.clone(), stages });
        self.jobs.insert(id, ActiveJob::new(spec, final_stage));
        self.submit_stage(now, final_stage, out);
        self.offer(now, out);
        id
    }

    /// Executors reported blocks.
    pub fn blocks_changed(&mut self, reports: Vec<BlockReport>, out: &mut Outbox) {
        for report in reports {
            // What a lost incarnation still reports does not count (R8.12), nor what a newer report
            // overtook.
            if !self.places.contains(report.executor) {
                continue;
            }
            let block = match report.change.block {
                StoredId::Rdd(block) => block,
                StoredId::Input(block) => {
                    self.input_changed(block, report, out);
                    continue;
                }
            };
            let BlockReport { executor, version, change, preview } = report;
            let present = change.status.memory_bytes + change.status.disk_bytes > 0 || change.level.is_valid();
            if self.lineage.contains(block.rdd) {
                let last = self.reported.entry((block, executor)).or_default();
                if version < *last {
                    continue;
                }
                *last = version;
            } else if present {
                continue;
            }
            let mut holders = self.blocks.get(&block).cloned().unwrap_or_default();
            let at = holders.iter().position(|e| *e == executor);
            match (present, at) {
                (true, None) => holders.push_back(executor),
                (false, Some(i)) => drop(holders.remove(i)),
                _ => {}
            }
            // Nobody asks any more why blocks of an RDD left that the program dropped.
            if !present && holders.is_empty() && self.lineage.contains(block.rdd) {
                self.history.block_left(block, change.status.removal);
                self.tell_lost_checkpoint(&[block], out);
            }
            if holders.is_empty() {
                self.blocks.remove(&block);
            } else {
                self.blocks.insert(block, holders);
            }
            out.events.push(Event::BlockUpdated {
                executor,
                block,
                level: change.level,
                memory_bytes: change.status.memory_bytes,
                disk_bytes: change.status.disk_bytes,
                removal: change.status.removal,
                preview,
            });
        }
    }

    /// The level of an RDD changed.
    pub fn set_level(&mut self, rdd: RddId, level: StorageLevel, out: &mut Outbox) {
        self.levels.insert(rdd, level);
        if let Some(info) = self.lineage.get_mut(rdd) {
            info.level = level;
            out.events.push(Event::PersistChanged { rdd, level });
        }
    }

    /// An RDD is no longer persistent. Returns the generation from which puts are accepted again; nothing for
    /// an RDD of which nothing was put: no job has announced it yet, or the program has dropped it, which the
    /// driver may hear of before it hears of this.
    pub fn unpersist(&mut self, rdd: RddId, out: &mut Outbox) -> Option<u32> {
        out.events.push(Event::UnpersistRdd { rdd });
        if let Some(level) = self.levels.get_mut(&rdd) {
            *level = StorageLevel::NONE;
        }
        self.lineage.get_mut(rdd)?.level = StorageLevel::NONE;
        // Whoever unpersists a local checkpoint was warned once; its blocks need no warnings of their own.
        self.checkpoints.forget_local(rdd);
        let generation = self.generations.entry(rdd).or_insert(0);
        *generation += 1;
        Some(*generation)
    }

    /// Forgets what became unreachable (R8.17). Returns the RDDs whose blocks, with the generation
    /// from which puts would be accepted, and the shuffles whose outputs executors must remove.
    pub fn forget(&mut self, released: Released, out: &mut Outbox) -> (Vec<(RddId, u32)>, Vec<ShuffleId>) {
        let mut kept = Vec::new();
        for rdd in released.rdds {
            if self.levels.get(&rdd).is_some_and(|level| level.is_valid()) {
                kept.extend(self.unpersist(rdd, out).map(|generation| (rdd, generation)));
            }
            if self.lineage.remove(rdd).is_some() {
                out.events.push(Event::RddReleased { rdd });
            }
            self.levels.remove(&rdd);
            self.handles.remove(&rdd);
            let generation = self.generations.remove(&rdd);
            self.checkpoints.forget(rdd, generation.map(|_| TaskId(self.next_task)));
            let ends = (BlockId::new(rdd, PartitionId(0)), BlockId::new(rdd, PartitionId(u32::MAX)));
            let range = (ends.0, ExecutorId(0))..=(ends.1, ExecutorId(u32::MAX));
            let reported: Vec<_> = self.reported.range(range).map(|(key, _)| *key).collect();
            for key in &reported {
                self.reported.remove(key);
            }
            self.history.release(rdd, TaskId(self.next_task));
        }
        let mut removed = Vec::new();
        for shuffle in released.shuffles {
            self.history.forget_shuffle(shuffle);
            if self.outputs.remove_shuffle(shuffle) {
                out.events.push(Event::ShuffleRemoved { shuffle });
                removed.push(shuffle);
            }
        }
        (kept, removed)
    }

    /// An RDD was cut: its description, and what recovery no longer reaches.
    pub fn checkpointed(&mut self, rdd: RddInfo, reader: &Arc<dyn AnyRdd>) -> Vec<RddId> {
        let behind = self.only_behind(rdd.id);
        self.handles.insert(reader.core().id(), Arc::downgrade(reader));
        self.lineage.insert(reader.core().info());
        self.lineage.insert(rdd);
        behind
    }

    /// Ancestors of `id` from which every path leads through `id`: what a cut at `id` releases.
    /// Ids descend from children to parents except at earlier cuts, so a worklist settles it.
    fn only_behind(&self, id: RddId) -> Vec<RddId> {
        let ancestors = self.lineage.ancestors(id);
        let mut open_children: BTreeMap<RddId, usize> =
            ancestors.iter().map(|&a| (a, self.lineage.children(a).len())).collect();
        let mut released = BTreeSet::new();
        let mut todo = vec![id];
        while let Some(child) = todo.pop() {
            let Some(info) = self.lineage.get(child) else { continue };
            let parents: BTreeSet<RddId> = info.parents.iter().map(|p| p.rdd).collect();
            for parent in parents {
                let Some(open) = open_children.get_mut(&parent) else { continue };
                *open -= 1;
                if *open == 0 && released.insert(parent) {
                    todo.push(parent);
                }
            }
        }
        released.into_iter().collect()
    }
}
