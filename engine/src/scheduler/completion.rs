//! Ends of tasks and stages.

use super::Scheduler;
use super::preferences::has_preference;
use super::stage::StageKind;
use super::task::{Outbox, TaskReport};
use crate::event::*;
use crate::ids::*;
use crate::rdd::{AccumulatorUpdate, TaskError, TaskOutput};
use crate::seeded::{SeededBug, seeded};
use crate::shuffle::MapSizes;

impl Scheduler {
    /// An executor reported the end of a task. Reports of attempts that the scheduler gave up are
    /// ignored, but for their slots: a lost executor's late success counts for nothing (R5.4).
    pub fn task_finished(&mut self, now: Timestamp, report: TaskReport, out: &mut Outbox) {
        let TaskReport { task, result, mut metrics, updates } = report;
        if let Some(executor) = self.given_up.remove(&task) {
            self.places.give_slot(executor);
            self.offer(now, out);
            return;
        }
        let Some(running) = self.tasks.get(&task) else { return };
        let task = running.info.id;
        if result.is_ok() && !self.takes_result(task, metrics.result_bytes, out) {
            self.offer(now, out);
            return;
        }
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
    fn counts(&mut self, task: TaskId) -> bool {
        let info = self.tasks.get(&task).map(|running| &running.info);
        let stage = info.and_then(|info| self.stages.get(&info.stage.stage));
        info.zip(stage).is_some_and(|(info, stage)| match &stage.kind {
            StageKind::Map(_) => true,
            StageKind::Result(job) => {
                self.jobs.get(job).is_some_and(|job| job.waits_for(info.partition, &mut self.steps))
            }
        })
    }

    /// An attempt is to be killed, and its end is posted now. As in Spark its slot is free when its executor
    /// says that it has ended.
    pub fn give_up(&mut self, task: TaskId, out: &mut Outbox) {
        if let Some(running) = self.tasks.get(&task) {
            self.given_up.insert(task, running.info.executor);
            out.cancel.push(task);
        }
    }

    /// Posts the end of an attempt, and frees its slot unless it was given up.
    pub(super) fn end_task(
        &mut self,
        task: TaskId,
        reason: TaskEndReason,
        metrics: TaskMetrics,
        out: &mut Outbox,
    ) -> Option<super::task::RunningTask> {
        let running = self.tasks.remove(&task)?;
        self.checkpoints.task_ended(task, matches!(reason, TaskEndReason::Success));
        let info = &running.info;
        if !self.given_up.contains_key(&task) {
            self.places.give_slot(info.executor);
        }
        if let Some(set) = self.task_sets.get_mut(&info.stage) {
            set.running -= 1;
            set.tasks[info.index as usize].running.retain(|attempt| *attempt != task);
        }
        self.commits.lock().attempt_ended(&running.info, &reason);
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
        let mut slower = Vec::new();
        if let Some(set) = self.task_sets.get_mut(&id) {
            set.settle(info.index);
            if self.config.scheduler.speculation {
                set.durations.insert(now.ns_since(info.launched));
            }
            let slot = &mut set.tasks[info.index as usize];
            slot.done = Some(info.clone());
            slot.failures = 0;
            slower.clone_from(&slot.running);
        }
        self.kill_others(slower, out);
        if self.is_outdated(id) {
            return;
        }
        // The same partition in other attempts of the stage needs no further try (R3.9).
        let attempts =
            StageAttempt { stage: id.stage, attempt: 0 }..=StageAttempt { stage: id.stage, attempt: u32::MAX };
        for (_, set) in self.task_sets.range_mut(attempts).filter(|(attempt, _)| **attempt != id) {
            self.steps += 1;
            if let Some(index) = set.index_of(info.partition) {
                set.settle(index);
            }
        }
        let Some(stage) = self.stages.get_mut(&id.stage) else { return };
        match &stage.kind {
            StageKind::Map(shuffle) => {
                let sizes_count = self.config.scheduler.reduce_locality && has_preference(&**shuffle);
                let shuffle = shuffle.id();
                stage.pending.remove(&info.partition);
                let bogus = self.failure_epoch.get(&info.executor).is_some_and(|e| running.epoch <= *e);
                if !bogus || seeded(SeededBug::MissingEpochCheck) {
                    self.outputs.register(shuffle, info.partition, info.executor);
                    if sizes_count && let Ok(written) = output.downcast::<MapSizes>() {
                        self.outputs.set_sizes(shuffle, info.partition, written.0);
                    }
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
                job.deliver(info.partition, output, &mut self.steps);
                if job.is_done() {
                    let attempt = stage.latest_attempt();
                    if self.running.remove(&id.stage) {
                        self.learn_from(now, attempt, out);
                        self.complete_stage(attempt, None, out);
                    }
                    self.finish_job(job_id, out);
                }
            }
        }
    }

    /// R6.5: the first success wins, and what else runs of the partition counts for nothing.
    fn kill_others(&mut self, attempts: Vec<TaskId>, out: &mut Outbox) {
        for attempt in attempts {
            self.give_up(attempt, out);
            let reason = TaskEndReason::TaskKilled { reason: "another attempt succeeded".into() };
            self.end_task(attempt, reason, TaskMetrics::default(), out);
        }
    }

    /// No partition of a map stage is pending: it is available, or its lost outputs run again at once,
    /// without touching children (R3.8).
    pub(super) fn map_stage_ended(&mut self, now: Timestamp, id: StageId, out: &mut Outbox) {
        let Some(stage) = self.stages.get_mut(&id) else { return };
        let Some(shuffle) = stage.shuffle_id() else { return };
        let attempt = stage.latest_attempt();
        self.running.remove(&id);
        self.learn_from(now, attempt, out);
        self.complete_stage(attempt, None, out);
        if !self.outputs.is_whole(shuffle) {
            self.submit_stage(now, id, out);
            return;
        }
        self.submit_children(now, id, out);
    }

    /// A map stage is whole: the stages that wait for it are submitted.
    fn submit_children(&mut self, now: Timestamp, id: StageId, out: &mut Outbox) {
        for child in self.awaited.remove(&id).unwrap_or_default() {
            self.steps += 1;
            let Some(parents) = self.waiting.get_mut(&child) else { continue };
            parents.remove(&id);
            if parents.is_empty() {
                self.waiting.remove(&child);
                self.submit_stage(now, child, out);
            }
        }
    }

    pub(super) fn complete_stage(&mut self, stage: StageAttempt, failure: Option<String>, out: &mut Outbox) {
        let outcome = match failure {
            Some(reason) => StageOutcome::Failed { reason },
            None => {
                // R3.6: also when outputs were lost meanwhile, only failures in a row count.
                self.stages.get_mut(&stage.stage).into_iter().for_each(|s| s.failed_attempts.clear());
                StageOutcome::Succeeded
            }
        };
        out.events.push(Event::StageCompleted { stage, outcome });
        // What still runs of it goes on as a zombie; a set without running tasks is done.
        if let Some(set) = self.task_sets.get_mut(&stage) {
            set.retire();
        }
        self.drop_finished_sets();
    }

    /// Drops zombie sets none of whose tasks run.
    fn drop_finished_sets(&mut self) {
        self.task_sets.retain(|_, set| !set.zombie || set.running > 0);
    }

    fn task_failed(&mut self, now: Timestamp, task: TaskId, error: TaskError, metrics: TaskMetrics, out: &mut Outbox) {
        match error {
            TaskError::FetchFailed { executor, shuffle, map, reduce } => {
                self.fetch_failed(now, task, (executor, shuffle, map, reduce), metrics, out);
            }
            TaskError::Cancelled => {
                self.retry(task, TaskEndReason::TaskKilled { reason: "cancelled".into() }, metrics, out)
            }
            TaskError::CommitDenied => {
                let Some(info) = self.tasks.get(&task).map(|t| &t.info) else { return };
                let (stage, partition, attempt) = (info.stage.stage, info.partition, info.attempt);
                self.retry(task, TaskEndReason::TaskCommitDenied { stage, partition, attempt }, metrics, out);
            }
            TaskError::Exception(message) => {
                let reason = TaskEndReason::ExceptionFailure { message: message.clone() };
                self.attempt_failed(now, task, (reason, &message), metrics, out);
            }
            TaskError::OutputExists(message) => {
                let reason = TaskEndReason::ExceptionFailure { message: message.clone() };
                let Some(TaskInfo { id, stage, index, attempt, .. }) =
                    self.end_task(task, reason, metrics, out).map(|t| t.info)
                else {
                    return;
                };
                let text = format!(
                    "Task {index}.{attempt} in stage {stage} (TID {id}) can not write to output file: {message}"
                );
                self.abort_stage(stage.stage, &text, out);
            }
            // The driver looks after the executor; without one, the code is all there is to say.
            TaskError::ExecutorExited(code) => {
                let message = format!("Command exited with code {code}");
                let reason = TaskEndReason::ExceptionFailure { message: message.clone() };
                self.attempt_failed(now, task, (reason, &message), metrics, out);
            }
        }
    }

    /// An end that counts for nothing (R4.2): the task goes back, unless another attempt has it.
    pub(super) fn retry(&mut self, task: TaskId, reason: TaskEndReason, metrics: TaskMetrics, out: &mut Outbox) {
        let Some(info) = self.end_task(task, reason, metrics, out).map(|t| t.info) else { return };
        let Some(set) = self.task_sets.get_mut(&info.stage) else { return };
        if set.tasks.get(info.index as usize).is_some_and(|t| !t.settled) {
            set.requeue(info.index, &self.places);
        }
    }

    /// A counted failure: requeued, or after too many the whole set is aborted (R4.1).
    pub(super) fn attempt_failed(
        &mut self,
        now: Timestamp,
        task: TaskId,
        (reason, message): (TaskEndReason, &str),
        metrics: TaskMetrics,
        out: &mut Outbox,
    ) {
        let Some(info) = self.end_task(task, reason, metrics, out).map(|t| t.info) else { return };
        let Some(set) = self.task_sets.get_mut(&info.stage) else { return };
        let settled = set.tasks.get(info.index as usize).is_none_or(|t| t.settled);
        if set.zombie || settled {
            return;
        }
        set.requeue(info.index, &self.places);
        let slot = &mut set.tasks[info.index as usize];
        slot.failures += 1;
        let failures = slot.failures;
        let host = self.places.host_of(info.executor).map(|host| format!("host {host} ")).unwrap_or_default();
        let lost = format!(
            "Lost task {}.{} in stage {} (TID {}) ({host}executor {}): {message}",
            info.index, info.attempt, info.stage, info.id, info.executor
        );
        self.note_failure(info.stage, (info.index, info.executor), (now, &lost), out);
        if failures >= self.config.task_max_failures {
            let text = format!(
                "Task {} in stage {} failed {failures} times, most recent failure: {lost}",
                info.index, info.stage
            );
            self.abort_stage(info.stage.stage, &text, out);
        }
    }
}
