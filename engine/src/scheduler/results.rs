//! How much the tasks of a stage attempt may return to the driver (R4.4).

use super::Scheduler;
use super::task::Outbox;
use super::task_set::TaskSet;
use crate::event::{TaskEndReason, TaskMetrics};
use crate::ids::*;
use crate::lineage::spark_bytes;

/// What a set has returned so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Returned {
    results: u32,
    bytes: u64,
}

impl Scheduler {
    /// Counts the result of a task that succeeded. If the driver may not take it, its attempt ends here and
    /// the stage is aborted. What map tasks return is no result of the program.
    pub(super) fn takes_result(&mut self, task: TaskId, bytes: u64, out: &mut Outbox) -> bool {
        let limit = self.config.scheduler.max_result_size;
        let Some(info) = self.tasks.get(&task).map(|running| &running.info) else { return true };
        let (attempt, stage) = (info.stage, self.stages.get(&info.stage.stage));
        let is_map = stage.is_some_and(|stage| stage.shuffle_id().is_some());
        let Some(set) = self.task_sets.get_mut(&attempt).filter(|_| !is_map && limit > 0) else { return true };
        let TaskSet { returned, .. } = set;
        returned.results += 1;
        returned.bytes = returned.bytes.saturating_add(bytes);
        if returned.bytes <= limit {
            return true;
        }
        let reason = format!(
            "Total size of serialized results of {} tasks ({}) is bigger than spark.driver.maxResultSize ({})",
            returned.results,
            spark_bytes(returned.bytes),
            spark_bytes(limit)
        );
        let killed = TaskEndReason::TaskKilled { reason: "Tasks result size has exceeded maxResultSize".into() };
        // As of any attempt that was killed, what it read and computed counts for nothing.
        let metrics = TaskMetrics { result_bytes: bytes, ..TaskMetrics::default() };
        self.end_task(task, killed, metrics, out);
        self.abort_stage(attempt.stage, &reason, out);
        false
    }
}
