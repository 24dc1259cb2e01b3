//! Active jobs and their results.

use super::Scheduler;
use super::task::Outbox;
use crate::error::EngineError;
use crate::event::{Event, JobResult, TaskEndReason};
use crate::ids::*;
use crate::rdd::{JobSpec, TaskOutput};
use std::collections::BTreeSet;

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
    pub fn waits_for(&self, partition: PartitionId) -> bool {
        self.spec.partitions.iter().zip(&self.outputs).any(|(p, output)| *p == partition && output.is_none())
    }

    /// Takes a result once (R2.10).
    pub fn deliver(&mut self, partition: PartitionId, output: TaskOutput) {
        let first = self.positions.partition_point(|(p, _)| *p < partition);
        let same = self.positions[first..].iter().take_while(|(p, _)| *p == partition);
        if let Some((_, open)) = same.into_iter().find(|(_, at)| self.outputs[*at].is_none()) {
            self.outputs[*open] = Some(output);
            self.remaining -= 1;
        }
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
        self.forget_job_in_stages(id, "Stage finished", out);
        out.events.push(Event::JobEnd { job: id, result: JobResult::Succeeded });
        out.ended.push((id, Ok(job.outputs.into_iter().flatten().collect())));
    }

    /// Fails every active job that depends on a stage (R2.11).
    pub(super) fn abort_stage(&mut self, stage: StageId, reason: &str, out: &mut Outbox) {
        let jobs: BTreeSet<JobId> = self.stages.get(&stage).map(|s| s.jobs.clone()).unwrap_or_default();
        if let Some(id) = self.stages.get(&stage).map(|s| s.latest_attempt())
            && self.running.remove(&stage)
        {
            self.complete_stage(id, Some(reason.to_owned()), out);
        }
        for id in jobs {
            self.fail_job(id, format!("Job aborted due to stage failure: {reason}"), out);
        }
    }

    /// Ends a job with an error; stages that no other job needs are cancelled.
    fn fail_job(&mut self, id: JobId, error: String, out: &mut Outbox) {
        if self.jobs.remove(&id).is_none() {
            return;
        }
        self.forget_job_in_stages(id, "Stage cancelled", out);
        out.events.push(Event::JobEnd { job: id, result: JobResult::Failed { error: error.clone() } });
        out.ended.push((id, Err(EngineError::JobFailed(error))));
    }

    /// Cancels a job (R2.12): what another job needs too goes on. Returns whether it was active.
    pub fn cancel_job(&mut self, now: Timestamp, id: JobId, why: &str, out: &mut Outbox) -> bool {
        let active = self.jobs.contains_key(&id);
        self.fail_job(id, format!("Job {id} cancelled {why}").trim_end().to_owned(), out);
        self.offer(now, out);
        active
    }

    /// Jobs that have not ended.
    pub fn active_jobs(&self) -> impl Iterator<Item = JobId> + '_ {
        self.jobs.keys().copied()
    }

    /// Fails every job: the application stops.
    pub fn abort_all(&mut self, reason: &str, out: &mut Outbox) {
        let finals: Vec<StageId> = self.jobs.values().map(|j| j.final_stage).collect();
        finals.into_iter().for_each(|stage| self.abort_stage(stage, reason, out));
    }

    /// Drops the stages that only this job used, and kills their tasks (R2.10, R2.12).
    fn forget_job_in_stages(&mut self, job: JobId, reason: &str, out: &mut Outbox) {
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
                self.complete_stage(attempt, Some("Stage cancelled".into()), out);
            }
            self.stages.remove(&id);
            self.commits.lock().stage_ended(id);
            self.awaited.remove(&id);
            self.waiting.remove(&id);
            self.failed.remove(&id);
            self.kill_tasks_of(id, reason, out);
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
