//! Ends of tasks and stages.

use super::Scheduler;
use super::stage::StageKind;
use super::task::{Outbox, TaskReport};
use crate::event::*;
use crate::ids::*;
use crate::rdd::{AccumulatorUpdate, TaskError, TaskOutput};

impl Scheduler {
    /// An executor reported the end of a task. Reports of attempts that the scheduler gave up are
    /// ignored: a lost executor's late success counts for nothing (R5.4).
    pub fn task_finished(&mut self, now: Timestamp, report: TaskReport, out: &mut Outbox) {
        let TaskReport { task, result, mut metrics, updates } = report;
        let Some(running) = self.tasks.get(&task) else { return };
        let task = running.info.id;
        if result.is_ok() {
            self.explain(task, &mut metrics);
            if self.counts(task) {
                metrics.accumulables = updates.into_iter().filter_map(AccumulatorUpdate::count).collect();
            }
        }
        match result {
            Ok(output) => self.task_succeeded(now, task, output, metrics, out),
            Err(error) => self.task_failed(now, task, error, metrics, out),
        }
        self.offer(now, out);
    }

    /// Whether what a successful task added to accumulators counts: of a result stage once per partition,
    /// of a map stage always (R2.13).
    fn counts(&self, task: TaskId) -> bool {
        let info = self.tasks.get(&task).map(|running| &running.info);
        let stage = info.and_then(|info| self.stages.get(&info.stage.stage));
        info.zip(stage).is_some_and(|(info, stage)| match &stage.kind {
            StageKind::Map(_) => true,
            StageKind::Result(job) => self.jobs.get(job).is_some_and(|job| job.waits_for(info.partition)),
        })
    }

    /// Posts the end of an attempt and frees its slot.
    pub(super) fn end_task(
        &mut self,
        task: TaskId,
        reason: TaskEndReason,
        metrics: TaskMetrics,
        out: &mut Outbox,
    ) -> Option<super::task::RunningTask> {
        let running = self.tasks.remove(&task)?;
        self.checkpoints.task_ended(task, matches!(reason, TaskEndReason::Success));
        if let Some(slots) = self.executors.get_mut(&running.info.executor) {
            slots.free = (slots.free + 1).min(slots.cores);
        }
        // The driver stamps the end time when it numbers the event.
        out.events.push(Event::TaskEnd { task: running.info.clone(), reason, metrics });
        Some(running)
    }

    fn task_succeeded(
        &mut self,
        now: Timestamp,
        task: TaskId,
        output: TaskOutput,
        metrics: TaskMetrics,
        out: &mut Outbox,
    ) {
        let Some(running) = self.end_task(task, TaskEndReason::Success, metrics, out) else { return };
        let (id, info) = (running.info.stage, &running.info);
        if let Some(set) = self.task_sets.get_mut(&id) {
            set.settle(info.index);
            let slot = &mut set.tasks[info.index as usize];
            slot.done = Some(info.clone());
            slot.failures = 0;
        }
        if self.is_outdated(id) {
            return;
        }
        // The same partition in other attempts of the stage needs no further try (R3.9).
        let siblings: Vec<StageAttempt> =
            self.task_sets.keys().filter(|a| a.stage == id.stage && **a != id).copied().collect();
        for sibling in siblings {
            if let Some(set) = self.task_sets.get_mut(&sibling)
                && let Some(index) = set.index_of(info.partition)
            {
                set.settle(index);
            }
        }
        let Some(stage) = self.stages.get_mut(&id.stage) else { return };
        match &stage.kind {
            StageKind::Map(shuffle) => {
                let shuffle = shuffle.id();
                stage.pending.remove(&info.partition);
                let bogus = self.failure_epoch.get(&info.executor).is_some_and(|e| running.epoch <= *e);
                if !bogus {
                    self.outputs.register(shuffle, info.partition, info.executor);
                    self.history.output_written(shuffle, info.partition);
                }
                if stage.pending.is_empty() && self.running.contains(&id.stage) {
                    self.map_stage_ended(now, id.stage, out);
                }
            }
            StageKind::Result(job) => {
                let job_id = *job;
                stage.pending.remove(&info.partition);
                let Some(job) = self.jobs.get_mut(&job_id) else { return };
                job.deliver(info.partition, output);
                if job.is_done() {
                    let attempt = stage.latest_attempt();
                    stage.failed_attempts.clear();
                    if self.running.remove(&id.stage) {
                        self.complete_stage(attempt, None, out);
                    }
                    self.finish_job(job_id, out);
                }
            }
        }
    }

    /// No partition of a map stage is pending: it is available, or its lost outputs run again at once,
    /// without touching children (R3.8).
    pub(super) fn map_stage_ended(&mut self, now: Timestamp, id: StageId, out: &mut Outbox) {
        let Some(stage) = self.stages.get_mut(&id) else { return };
        let Some(shuffle) = stage.shuffle_id() else { return };
        let attempt = stage.latest_attempt();
        self.running.remove(&id);
        self.complete_stage(attempt, None, out);
        if !self.outputs.missing(shuffle).is_empty() {
            self.submit_stage(now, id, out);
            return;
        }
        self.submit_children(now, id, out);
    }

    /// A map stage is whole: the stages that wait for it are submitted.
    pub(super) fn submit_children(&mut self, now: Timestamp, id: StageId, out: &mut Outbox) {
        if let Some(stage) = self.stages.get_mut(&id) {
            stage.failed_attempts.clear();
        }
        let children: Vec<StageId> =
            self.waiting.iter().copied().filter(|c| self.stages[c].parents.contains(&id)).collect();
        for child in children {
            self.waiting.remove(&child);
            self.submit_stage(now, child, out);
        }
    }

    pub(super) fn complete_stage(&mut self, stage: StageAttempt, failure: Option<String>, out: &mut Outbox) {
        let outcome = match failure {
            Some(reason) => StageOutcome::Failed { reason },
            None => StageOutcome::Succeeded,
        };
        out.events.push(Event::StageCompleted { stage, outcome });
        // What still runs of it goes on as a zombie; a set without running tasks is done.
        if let Some(set) = self.task_sets.get_mut(&stage) {
            set.zombie = true;
            set.pending.clear();
        }
        self.drop_finished_sets();
    }

    /// Drops zombie sets none of whose tasks run.
    fn drop_finished_sets(&mut self) {
        let tasks = &self.tasks;
        self.task_sets.retain(|id, set| !set.zombie || tasks.values().any(|t| t.info.stage == *id));
    }

    fn task_failed(&mut self, now: Timestamp, task: TaskId, error: TaskError, metrics: TaskMetrics, out: &mut Outbox) {
        match error {
            TaskError::FetchFailed { executor, shuffle, map, reduce } => {
                self.fetch_failed(now, task, (executor, shuffle, map, reduce), metrics, out);
            }
            TaskError::Cancelled => {
                let reason = TaskEndReason::TaskKilled { reason: "cancelled".into() };
                if let Some(running) = self.end_task(task, reason, metrics, out)
                    && let Some(set) = self.task_sets.get_mut(&running.info.stage)
                {
                    set.requeue(running.info.index);
                }
            }
            TaskError::Exception(message) => {
                let reason = TaskEndReason::ExceptionFailure { message: message.clone() };
                self.attempt_failed(task, reason, &message, metrics, out);
            }
        }
    }

    /// A counted failure: requeued, or after too many the whole set is aborted (R4.1).
    pub(super) fn attempt_failed(
        &mut self,
        task: TaskId,
        reason: TaskEndReason,
        message: &str,
        metrics: TaskMetrics,
        out: &mut Outbox,
    ) {
        let Some(running) = self.end_task(task, reason, metrics, out) else { return };
        let info = running.info;
        let Some(set) = self.task_sets.get_mut(&info.stage) else { return };
        let settled = set.tasks.get(info.index as usize).is_none_or(|t| t.settled);
        if set.zombie || settled {
            return;
        }
        set.requeue(info.index);
        let slot = &mut set.tasks[info.index as usize];
        slot.failures += 1;
        if slot.failures >= self.config.task_max_failures {
            let text = format!(
                "Task {} in stage {} failed {} times, most recent failure: Lost task {}.{} in stage {} (TID {}) (executor {}): {message}",
                info.index, info.stage, slot.failures, info.index, info.attempt, info.stage, info.id, info.executor
            );
            self.abort_stage(info.stage.stage, &text, out);
        }
    }
}
