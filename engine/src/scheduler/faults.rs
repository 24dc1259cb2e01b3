//! What injected faults ask of the scheduler: which task is meant, and what is lost on the way.

use super::Scheduler;
use super::task::Outbox;
use crate::command::TaskTarget;
use crate::event::*;
use crate::ids::*;

impl Scheduler {
    /// Whether a task is the one that a fault means.
    pub fn is_target(&self, task: &TaskInfo, target: &TaskTarget) -> bool {
        match target {
            TaskTarget::Index { stage, task: index } => task.stage.stage == *stage && task.index == *index,
            TaskTarget::Operator { operator, batch, partition } => {
                let rdds = self.stages.get(&task.stage.stage).map(|stage| stage.rdds.as_slice()).unwrap_or_default();
                let holds = |rdd: &RddId| {
                    let op = self.lineage.get(*rdd).map(|info| &info.op);
                    op.is_some_and(|op| op.operator == *operator && (batch.is_none() || op.batch == *batch))
                };
                task.partition == *partition && rdds.iter().any(holds)
            }
        }
    }

    /// Attempts that run and are meant by a fault.
    pub fn running_targets(&self, target: &TaskTarget) -> Vec<TaskId> {
        let meant = self.tasks.iter().filter(|(_, running)| self.is_target(&running.info, target));
        meant.map(|(id, _)| *id).collect()
    }

    /// An attempt that runs is made to fail (R4.2), and its thread is told to end.
    pub fn fail_attempt(&mut self, now: Timestamp, task: TaskId, message: &str, out: &mut Outbox) {
        self.give_up(task, out);
        let reason = TaskEndReason::ExceptionFailure { message: message.to_owned() };
        self.attempt_failed(now, task, (reason, message), TaskMetrics::default(), out);
        self.offer(now, out);
    }

    /// The heartbeat of its executor does not list an attempt that should run there: its start or its end
    /// was lost on the way. Counts as a failure, as every lost result (R4.2).
    pub fn result_lost(&mut self, now: Timestamp, task: TaskId, out: &mut Outbox) {
        let message = "TaskResultLost (result lost from block manager)";
        self.attempt_failed(now, task, (TaskEndReason::TaskResultLost, message), TaskMetrics::default(), out);
        self.offer(now, out);
    }

    /// Whether an executor that the driver counts as alive has no registered block manager: then it was
    /// asked to report its blocks and has not done so (R8.12).
    pub fn owes_report(&self, executor: ExecutorId) -> bool {
        self.cores(executor).is_some() && !self.block_managers.contains(&executor)
    }
}
