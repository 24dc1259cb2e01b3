//! Active jobs and their results.

use super::Scheduler;
use super::stage::Stage;
use super::task::Outbox;
use crate::error::EngineError;
use crate::event::{Event, JobResult, TaskEndReason};
use crate::ids::*;
use crate::rdd::{AnyRdd, Dependency, JobSpec, TaskOutput};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A job that has not ended.
pub(super) struct ActiveJob {
    pub spec: JobSpec,
    pub final_stage: StageId,
    outputs: Vec<Option<TaskOutput>>,
    /// Positions of each partition among the outputs, by partition.
    positions: Vec<(PartitionId, usize)>,
    remaining: usize,
}

impl ActiveJob {
    pub fn new(spec: JobSpec, final_stage: StageId) -> Self {
        let count = spec.partitions.len();
        let mut positions: Vec<_> = spec.partitions.iter().copied().zip(0..).collect();
        positions.sort_unstable();
        Self { spec, final_stage, outputs: (0..count).map(|_| None).collect(), positions, remaining: count }
    }

    /// Partitions whose result is still missing.
    pub fn missing(&self) -> Vec<PartitionId> {
        let all = self.spec.partitions.iter().zip(&self.outputs);
        all.filter(|(_, output)| output.is_none()).map(|(p, _)| *p).collect()
    }

    /// Whether the result of a partition is still missing.
    pub fn waits_for(&self, partition: PartitionId, steps: &mut u64) -> bool {
        self.open_output(partition, steps).is_some()
    }

    /// Takes a result once (R2.10).
    pub fn deliver(&mut self, partition: PartitionId, output: TaskOutput, steps: &mut u64) {
        if let Some(open) = self.open_output(partition, steps) {
            self.outputs[open] = Some(output);
            self.remaining -= 1;
        }
    }

    /// Where the next result of a partition goes, if it is missing.
    fn open_output(&self, partition: PartitionId, steps: &mut u64) -> Option<usize> {
        let first = self.positions.partition_point(|(p, _)| *p < partition);
        let same = self.positions[first..].iter().take_while(|(p, _)| *p == partition);
        same.inspect(|_| *steps += 1).map(|(_, at)| *at).find(|at| self.outputs[*at].is_none())
    }

    /// Whether some results are delivered already.
    pub fn has_delivered(&self) -> bool {
        self.remaining < self.outputs.len()
    }

    pub const fn is_done(&self) -> bool {
        self.remaining == 0
    }
}

impl Scheduler {
    /// A job delivered everything.
    pub(super) fn finish_job(&mut self, id: JobId, out: &mut Outbox) {
        let Some(job) = self.jobs.remove(&id) else { return };
        self.forget_job_in_stages(id, ("Stage finished", &format!("Job {id} is finished.")), out);
        out.events.push(Event::JobEnd { job: id, result: JobResult::Succeeded });
        out.ended.push((id, Ok(job.outputs.into_iter().flatten().collect())));
    }

    /// Fails every active job that depends on a stage (R2.11). A job that has what was made of the stage's
    /// output goes on, and may need the stage again.
    pub(super) fn abort_stage(&mut self, stage: StageId, reason: &str, out: &mut Outbox) {
        let error = format!("Job aborted due to stage failure: {reason}");
        let jobs = self.jobs_that_need(stage);
        if let Some(id) = self.stages.get(&stage).map(Stage::latest_attempt)
            && self.running.remove(&stage)
        {
            self.complete_stage(id, Some(error.clone()), out);
        }
        for id in jobs {
            self.fail_job(id, error.clone(), &error, out);
        }
    }

    /// Active jobs that depend on a stage, without looking past map stages that are whole.
    fn jobs_that_need(&self, stage: StageId) -> Vec<JobId> {
        let Some(target) = self.stages.get(&stage) else { return Vec::new() };
        let needs = |job: &ActiveJob| job.final_stage == stage || self.reaches(&job.spec.rdd, target);
        self.jobs.iter().filter(|(id, job)| target.jobs.contains(id) && needs(job)).map(|(id, _)| *id).collect()
    }

    fn reaches(&self, root: &Arc<dyn AnyRdd>, target: &Stage) -> bool {
        let mut seen = BTreeSet::new();
        let mut todo = vec![Arc::clone(root)];
        while let Some(rdd) = todo.pop() {
            if !seen.insert(rdd.core().id()) {
                continue;
            }
            for dependency in rdd.core().dependencies() {
                match dependency {
                    Dependency::Narrow { parent, .. } => todo.push(parent),
                    Dependency::Shuffle(shuffle) if target.shuffle_id() == Some(shuffle.id()) => return true,
                    Dependency::Shuffle(shuffle) if !self.outputs.is_whole(shuffle.id()) => todo.push(shuffle.parent()),
                    Dependency::Shuffle(_) => {}
                }
            }
        }
        false
    }

    /// Ends a job with an error; stages that no other job needs are cancelled, with `stage_reason`.
    fn fail_job(&mut self, id: JobId, error: String, stage_reason: &str, out: &mut Outbox) {
        if self.jobs.remove(&id).is_none() {
            return;
        }
        self.forget_job_in_stages(id, ("Stage cancelled", stage_reason), out);
        out.events.push(Event::JobEnd { job: id, result: JobResult::Failed { error: error.clone() } });
        out.ended.push((id, Err(EngineError::JobFailed(error))));
    }

    /// Cancels a job (R2.12): what another job needs too goes on. Returns whether it was active.
    pub fn cancel_job(&mut self, now: Timestamp, id: JobId, why: &str, out: &mut Outbox) -> bool {
        let active = self.jobs.contains_key(&id);
        let error = format!("Job {id} cancelled {why}").trim_end().to_owned();
        self.fail_job(id, error.clone(), &error, out);
        self.offer(now, out);
        active
    }

    /// Jobs that have not ended.
    pub fn active_jobs(&self) -> impl Iterator<Item = JobId> + '_ {
        self.jobs.keys().copied()
    }

    /// Cancels every job, for example `because SparkContext was shut down`.
    pub fn cancel_all(&mut self, why: &str, out: &mut Outbox) {
        for id in self.active_jobs().collect::<Vec<_>>() {
            self.fail_job(id, format!("Job {id} cancelled {why}"), &format!("Stage cancelled {why}"), out);
        }
    }

    /// Drops the stages that only this job used, and kills their tasks (R2.10, R2.12). The two have reasons
    /// of their own.
    fn forget_job_in_stages(&mut self, job: JobId, (of_tasks, of_stages): (&str, &str), out: &mut Outbox) {
        for id in self.stages_of_job(job) {
            let Some(stage) = self.stages.get_mut(&id) else { continue };
            stage.jobs.remove(&job);
            if !stage.jobs.is_empty() {
                continue;
            }
            let attempt = stage.latest_attempt();
            if let Some(shuffle) = stage.shuffle_id() {
                self.shuffle_stages.remove(&shuffle);
            }
            if self.running.remove(&id) {
                self.complete_stage(attempt, Some(of_stages.to_owned()), out);
            }
            self.stages.remove(&id);
            self.commits.lock().stage_ended(id);
            self.awaited.remove(&id);
            self.waiting.remove(&id);
            self.failed.remove(&id);
            self.kill_tasks_of(id, of_tasks, out);
        }
    }

    /// Kills what still runs of a stage and drops its task sets.
    fn kill_tasks_of(&mut self, stage: StageId, reason: &str, out: &mut Outbox) {
        let tasks: Vec<TaskId> =
            self.tasks.iter().filter(|(_, t)| t.info.stage.stage == stage).map(|(id, _)| *id).collect();
        for id in tasks {
            self.give_up(id, out);
            self.end_task(id, TaskEndReason::TaskKilled { reason: reason.into() }, Default::default(), out);
        }
        self.task_sets.retain(|attempt, _| attempt.stage != stage);
    }
}
