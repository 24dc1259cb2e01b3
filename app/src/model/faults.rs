//! Faults: what struck, when, and the fresh start of everything counted "since the last fault".

use super::Model;
use faultline_engine::ids::*;
use std::sync::Arc;

/// A fault that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultRecord {
    /// In the words of the command line.
    pub fault: String,
    /// Executor struck.
    pub executor: Option<ExecutorId>,
    /// When.
    pub at: Timestamp,
    /// Batch that ran or came next.
    pub batch: Option<BatchId>,
    /// A task that ran then: on the executor struck if there was one.
    pub task: Option<RunningTask>,
}

/// A task by its place in its stage, as planned faults name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunningTask {
    /// Stage.
    pub stage: StageId,
    /// Index in the task set.
    pub index: u32,
}

impl Model {
    pub(super) fn fault_injected(&mut self, fault: &str, executor: Option<ExecutorId>) {
        let batch = self.running_or_next_batch();
        let task = self.running_task(executor);
        let record = FaultRecord { fault: fault.to_owned(), executor, at: self.now, batch, task };
        self.clear_marks();
        self.tell_fault(&record);
        self.faults.push_back(Arc::new(record));
    }

    fn running_task(&self, executor: Option<ExecutorId>) -> Option<RunningTask> {
        let there = executor.and_then(|e| self.executors.get(&e)?.running.get_min());
        let anywhere = || self.executors.values().filter_map(|e| e.running.get_min()).min();
        let task = &self.tasks.get(there.or_else(anywhere)?)?.info;
        Some(RunningTask { stage: task.stage.stage, index: task.index })
    }

    /// Whether a fault announced that this executor would go.
    pub(super) fn fault_struck(&self, executor: ExecutorId) -> bool {
        self.faults.iter().any(|f| f.executor == Some(executor))
    }

    /// Removes every mark that lasts "since the last fault".
    pub(super) fn clear_marks(&mut self) {
        for block in std::mem::take(&mut self.index.marked) {
            if let Some(partition) = self.partition_mut(block) {
                partition.read_back = false;
                partition.recomputed = false;
            }
        }
        for (shuffle, map) in std::mem::take(&mut self.index.marked_outputs) {
            if let Some(output) = self.output_mut(shuffle, map) {
                output.rewritten = false;
            }
        }
        self.index.recovered.clear();
    }
}
