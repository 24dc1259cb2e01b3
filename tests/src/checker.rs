//! The grammar of events: what every log obeys, whatever the program and the faults.

use faultline_engine::event::*;
use faultline_engine::ids::*;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that a log says against its grammar; empty when it is sound.
pub fn check(log: &[Envelope]) -> Vec<String> {
    let mut checker = Checker::default();
    for envelope in log {
        checker.order(envelope);
        checker.event(envelope);
    }
    checker.end();
    checker.broken
}

#[derive(Default)]
struct Checker {
    broken: Vec<String>,
    at: String,
    next_seq: u64,
    last_time: Timestamp,
    ended: bool,
    wall_clock: bool,
    /// Living executors as the driver knows them, with their slots.
    executors: BTreeMap<ExecutorId, u32>,
    memory: BTreeMap<ExecutorId, u64>,
    stored: BTreeMap<ExecutorId, BTreeMap<BlockId, u64>>,
    rdds: BTreeSet<RddId>,
    jobs: BTreeMap<JobId, BTreeSet<StageId>>,
    ended_jobs: BTreeSet<JobId>,
    /// Submitted attempts and whether they completed.
    attempts: BTreeMap<StageAttempt, bool>,
    running: BTreeMap<TaskId, TaskInfo>,
    seen_tasks: BTreeSet<TaskId>,
    finished: BTreeSet<(StageAttempt, PartitionId, ExecutorId)>,
    computed: BTreeSet<(RddId, PartitionId)>,
    submitted_batches: BTreeSet<BatchId>,
    running_batches: BTreeSet<BatchId>,
    completed_batches: BTreeSet<BatchId>,
    running_outputs: BTreeSet<(BatchId, OutputOpId)>,
    /// How many output operations may run at once, beside the first.
    more_outputs: usize,
    writing: BTreeSet<RddId>,
    /// A report of blocks got lost: what the driver knows of memory is no longer exact.
    report_lost: bool,
}

impl Checker {
    fn that(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.broken.push(format!("{}: {}", self.at, what()));
        }
    }

    fn order(&mut self, e: &Envelope) {
        let mut text = format!("{:?}", e.event);
        if let Some((at, _)) = text.char_indices().nth(160) {
            text.truncate(at);
        }
        self.at = format!("seq {} {text}", e.seq);
        let (seq, next, last, ended) = (e.seq, self.next_seq, self.last_time, self.ended);
        self.that(seq == next, || format!("numbered {seq} where {next} comes next"));
        self.that(e.at >= last, || "time runs backwards".into());
        self.that(!ended, || "comes after the end of the application".into());
        self.that((seq == 0) == matches!(e.event, Event::LogStart { .. }), || "LogStart is the first event".into());
        self.next_seq = seq + 1;
        self.last_time = e.at;
    }

    fn event(&mut self, e: &Envelope) {
        match &e.event {
            Event::ExecutorAdded { executor, cores, .. } => {
                let new = self.executors.insert(*executor, *cores).is_none();
                self.that(new, || "is added twice".into());
            }
            Event::ExecutorRemoved { executor, .. } => {
                let known = self.executors.remove(executor).is_some();
                self.that(known, || "is not alive".into());
            }
            Event::BlockManagerAdded { executor, max_memory } => {
                self.memory.insert(*executor, *max_memory);
                self.lives(*executor);
            }
            Event::BlockManagerRemoved { executor } => {
                self.stored.remove(executor);
                let known = self.memory.remove(executor).is_some();
                self.that(known, || "is not registered".into());
            }
            Event::RddRegistered { rdd } => {
                let known = rdd.parents.iter().all(|p| self.rdds.contains(&p.rdd));
                self.that(known, || "a parent is not registered".into());
                let new = self.rdds.insert(rdd.id);
                self.that(new, || "is registered twice".into());
            }
            Event::CheckpointStarted { rdd, .. } => {
                self.writing.insert(*rdd);
            }
            Event::CheckpointFailed { rdd, .. } => {
                self.writing.remove(rdd);
            }
            Event::CheckpointCompleted { rdd, checkpoint_rdd, .. } => {
                let started = self.writing.remove(rdd);
                self.that(started, || "was not started".into());
                self.rdds.insert(checkpoint_rdd.id);
            }
            Event::EnvironmentUpdate { properties } => {
                let jobs = properties.get("spark.streaming.concurrentJobs").and_then(|n| n.parse::<usize>().ok());
                self.more_outputs = jobs.unwrap_or(1) - 1;
            }
            Event::LogStart { clock, .. } => self.wall_clock = *clock == ClockKind::Wall,
            Event::DriverLost { .. } => self.driver_lost(),
            Event::ApplicationEnd => self.ended = true,
            Event::FaultInjected { fault, .. } => self.report_lost |= fault.starts_with("lose:message=block-report"),
            _ => {
                self.scheduling(&e.event);
                self.storage(&e.event);
                self.streaming(&e.event);
            }
        }
    }

    /// Nothing that was under way goes on; executors are told of one by one, and batches may run again.
    fn driver_lost(&mut self) {
        self.ended_jobs.extend(self.jobs.keys().copied());
        self.attempts.values_mut().for_each(|done| *done = true);
        self.running.clear();
        self.writing.clear();
        self.submitted_batches.clear();
        self.running_batches.clear();
        self.completed_batches.clear();
        self.running_outputs.clear();
    }

    fn scheduling(&mut self, event: &Event) {
        match event {
            Event::JobStart { job, stages, origin } => self.job_start(*job, stages, origin),
            Event::JobEnd { job, .. } => {
                let (started, new) = (self.jobs.contains_key(job), self.ended_jobs.insert(*job));
                self.that(started, || "was not started".into());
                self.that(new, || "ends twice".into());
            }
            Event::StageSubmitted { stage } => self.stage_submitted(stage),
            Event::StageCompleted { stage, .. } => {
                let before = self.attempts.insert(*stage, true);
                self.that(before == Some(false), || format!("was submitted and not completed: {before:?}"));
            }
            Event::TaskStart { task } => self.task_start(task),
            Event::TaskEnd { task, reason, metrics } => self.task_end(task, reason, metrics),
            _ => {}
        }
    }

    fn job_start(&mut self, job: JobId, stages: &[StageInfo], origin: &JobOrigin) {
        for stage in stages {
            let above = stage.parents.iter().all(|p| *p < stage.id.stage);
            self.that(above, || format!("stage {} has parents {:?}", stage.id, stage.parents));
        }
        let in_batch = origin.batch.is_none_or(|b| self.running_batches.contains(&b));
        self.that(in_batch, || "runs outside of its batch".into());
        let before = self.jobs.insert(job, stages.iter().map(|s| s.id.stage).collect());
        self.that(before.is_none(), || "starts twice".into());
    }

    fn stage_submitted(&mut self, stage: &StageInfo) {
        let id = stage.id;
        let mut active = self.jobs.iter().filter(|(job, _)| !self.ended_jobs.contains(job));
        let wanted = active.any(|(_, stages)| stages.contains(&id.stage));
        self.that(wanted, || "no active job announced the stage".into());
        let last = self.attempts.keys().filter(|a| a.stage == id.stage).map(|a| a.attempt).max();
        // A stage that was skipped at first begins with attempt 1, as in Spark.
        let follows = last.map_or(id.attempt <= 1, |n| id.attempt == n + 1);
        self.that(follows, || format!("it follows attempt {last:?}"));
        let open = self.attempts.iter().any(|(a, done)| a.stage == id.stage && !done);
        self.that(!open, || "an earlier attempt is not completed".into());
        let known = stage.rdds.iter().all(|rdd| self.rdds.contains(rdd));
        self.that(known, || "an RDD is not registered".into());
        self.attempts.insert(id, false);
    }

    fn lives(&mut self, executor: ExecutorId) {
        let lives = self.executors.contains_key(&executor);
        self.that(lives, || format!("executor {executor} is not alive"));
    }

    fn task_start(&mut self, task: &TaskInfo) {
        let open = self.attempts.get(&task.stage) == Some(&false);
        self.that(open, || "its stage attempt is not open".into());
        self.lives(task.executor);
        let new = self.seen_tasks.insert(task.id);
        self.that(new, || "the task id was used before".into());
        let mut twins = self.running.values().filter(|t| t.stage == task.stage && t.partition == task.partition);
        let (twin, third) = (twins.next(), twins.next());
        // A copy of a slow attempt runs beside it, elsewhere (R6.4); that attempt may be a copy itself, whose
        // original is lost.
        let allowed = twin.is_none_or(|twin| task.speculative && twin.executor != task.executor);
        let few = third.is_none();
        self.that(allowed, || "the same partition of the same attempt runs already, or runs there".into());
        self.that(few, || "a third attempt runs beside two".into());
        self.running.insert(task.id, task.clone());
        let slots = self.executors.get(&task.executor).copied().unwrap_or(0) as usize;
        let used = self.running.values().filter(|t| t.executor == task.executor).count();
        self.that(used <= slots, || format!("executor {} runs {used} tasks in {slots} slots", task.executor));
    }

    fn task_end(&mut self, task: &TaskInfo, reason: &TaskEndReason, metrics: &TaskMetrics) {
        let key = (task.stage, task.partition, task.executor);
        if *reason == TaskEndReason::Resubmitted {
            let finished = self.finished.remove(&key);
            self.that(finished, || "resubmits what did not finish there".into());
            self.seen_tasks.insert(task.id);
            return;
        }
        let started = self.running.remove(&task.id);
        let same = started
            .is_some_and(|t| (t.stage, t.partition, t.executor, t.launched) == (key.0, key.1, key.2, task.launched));
        self.that(same, || "ends a task that does not run".into());
        self.that(task.finished >= task.launched, || "ends before it was launched".into());
        if reason.is_success() {
            self.finished.insert(key);
            self.rows(&metrics.reads);
        }
    }

    /// A partition computed again says why; a partition computed for the first time has no cause.
    fn rows(&mut self, rows: &[ReadRow]) {
        for (i, row) in rows.iter().enumerate() {
            let known = self.rdds.contains(&row.rdd);
            self.that(known, || format!("row {i} reads RDD {} that is not registered", row.rdd));
            self.that(row.needed_by.is_none_or(|n| (n as usize) < i), || format!("row {i} is needed by a later row"));
            if row.tier == ReadTier::Computed {
                let first = self.computed.insert((row.rdd, row.partition));
                let explained = first == row.cause.is_none();
                self.that(explained, || format!("row {i} computed first: {first}, with cause {:?}", row.cause));
            }
        }
    }

    fn storage(&mut self, event: &Event) {
        let Event::BlockUpdated { executor, block, level, memory_bytes, disk_bytes, removal, .. } = event else {
            return;
        };
        self.lives(*executor);
        let known = self.rdds.contains(&block.rdd) || !level.is_valid();
        self.that(known, || "its RDD is not registered".into());
        let blocks = self.stored.entry(*executor).or_default();
        let gone = !level.is_valid();
        if gone {
            blocks.remove(block)
        } else {
            blocks.insert(*block, *memory_bytes)
        };
        let used: u64 = blocks.values().sum();
        let limit = self.memory.get(executor).copied().unwrap_or(u64::MAX);
        // On threads reports of different tasks overtake each other: the sum is exact only at rest.
        self.that(self.wall_clock || self.report_lost || used <= limit, || {
            format!("{used} bytes are stored in {limit}")
        });
        self.that(!gone || (*memory_bytes, *disk_bytes) == (0, 0), || "is gone but has a size".into());
        self.that(gone || removal.is_none(), || "is there but was removed".into());
    }

    fn streaming(&mut self, event: &Event) {
        match event {
            Event::BatchSubmitted { batch } => {
                let later = self.submitted_batches.last().is_none_or(|last| *last < batch.id);
                self.that(later, || "batches are submitted in order, once".into());
                self.submitted_batches.insert(batch.id);
            }
            Event::BatchStarted { batch } => {
                let submitted = self.submitted_batches.contains(batch) && !self.completed_batches.contains(batch);
                self.that(submitted, || "was not submitted, or is completed".into());
                let before = self.running_batches.clone();
                self.running_batches.insert(*batch);
                self.that(before.len() <= self.more_outputs, || format!("batches {before:?} still run"));
            }
            Event::BatchCompleted { batch, .. } => {
                let ran = self.running_batches.remove(batch);
                self.that(ran, || "does not run".into());
                let idle = !self.running_outputs.iter().any(|(of, _)| of == batch);
                self.that(idle, || "an output operation still runs".into());
                self.completed_batches.insert(*batch);
            }
            Event::OutputOperationStarted { batch, output_op } => {
                let free = self.running_outputs.len() <= self.more_outputs && self.running_batches.contains(batch);
                let new = self.running_outputs.insert((*batch, *output_op));
                self.that(free && new, || "its batch does not run, or another output operation does".into());
            }
            Event::OutputOperationCompleted { batch, output_op, .. } => {
                let running = self.running_outputs.remove(&(*batch, *output_op));
                self.that(running && self.running_batches.contains(batch), || "does not run".into());
            }
            _ => {}
        }
    }

    fn end(&mut self) {
        if !self.ended {
            return;
        }
        self.at = "at the end".into();
        let open: Vec<JobId> = self.jobs.keys().filter(|j| !self.ended_jobs.contains(j)).copied().collect();
        self.that(open.is_empty(), || format!("jobs {open:?} have not ended"));
        let attempts: Vec<StageAttempt> = self.attempts.iter().filter(|(_, done)| !**done).map(|(a, _)| *a).collect();
        self.that(attempts.is_empty(), || format!("stage attempts {attempts:?} are not completed"));
        let tasks: Vec<TaskId> = self.running.keys().copied().collect();
        self.that(tasks.is_empty(), || format!("tasks {tasks:?} still run"));
    }
}
