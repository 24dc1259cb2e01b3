//! Task attempts: launched, ended, and what follows from what they did.

use super::{Model, Tally};
use faultline_engine::event::*;
use faultline_engine::ids::*;
use std::sync::Arc;

/// One task attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskState {
    /// As started, with the end time once ended.
    pub info: TaskInfo,
    /// How it ended.
    pub end: Option<TaskEndReason>,
    /// What it did.
    pub metrics: Arc<TaskMetrics>,
}

impl Model {
    pub(super) fn task_started(&mut self, task: &TaskInfo) {
        if self.tasks.get(&task.id).is_some_and(|t| t.end.is_some()) {
            return;
        }
        let state = TaskState { info: task.clone(), end: None, metrics: Arc::default() };
        self.tasks.insert(task.id, Arc::new(state));
        if let Some(executor) = self.executor_mut(task.executor) {
            executor.running.insert(task.id);
        }
        self.slot_taken(task);
        self.mark_computing(task);
        self.count(task.stage.stage, &Tally { tasks: 1, ..Tally::default() });
    }

    pub(super) fn task_ended(&mut self, task: &TaskInfo, reason: &TaskEndReason, metrics: &TaskMetrics) {
        if matches!(reason, TaskEndReason::Resubmitted) {
            self.task_resubmitted(task);
            return;
        }
        let shown = self.unmark_computing(task.id);
        self.slot_left(task, reason, metrics);
        if let Some(executor) = self.executor_mut(task.executor) {
            executor.running.remove(&task.id);
        }
        let state = TaskState { info: task.clone(), end: Some(reason.clone()), metrics: Arc::new(metrics.clone()) };
        self.tasks.insert(task.id, Arc::new(state));
        let written = &mut self.upkeep.checkpoint_bytes_written;
        *written = written.saturating_add(metrics.checkpoint_bytes_written);
        let mut done = Tally::of_traffic(metrics);
        if reason.is_success() {
            done.add(&self.tally_of_rows(&metrics.reads));
            done.map_outputs_rewritten = u64::from(self.task_succeeded(task, metrics, &shown));
        }
        self.count(task.stage.stage, &done);
        self.tell_recovery();
    }

    /// Says whether the task wrote a map output that had been written before.
    fn task_succeeded(&mut self, task: &TaskInfo, metrics: &TaskMetrics, shown: &[BlockId]) -> bool {
        if let Some(attempt) = self.attempt_mut(task.stage) {
            attempt.finished_tasks += 1;
        }
        let rewrites = task.kind == TaskKind::ShuffleMapTask && self.map_output_written(task);
        if rewrites {
            self.story_map_output_rewritten();
            self.stage_repairs(task.stage.stage);
        }
        if metrics.reads.is_empty() {
            self.computed_as_shown(task.id, shown);
        } else {
            self.rows_read(task, metrics, rewrites);
        }
        rewrites
    }

    /// A finished map task has to run again: what it did stays counted, only its end changes.
    fn task_resubmitted(&mut self, task: &TaskInfo) {
        if let Some(state) = self.tasks.get_mut(&task.id).map(Arc::make_mut) {
            state.end = Some(TaskEndReason::Resubmitted);
        }
        if let Some(attempt) = self.attempt_mut(task.stage) {
            attempt.finished_tasks = attempt.finished_tasks.saturating_sub(1);
        }
    }
}
