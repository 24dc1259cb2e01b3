//! The tasks of one stage attempt: Spark's `TaskSetManager`.

use super::task::TaskWork;
use crate::event::TaskInfo;
use crate::ids::*;
use crate::task_context::BlockPolicy;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One partition to compute.
pub(super) struct TaskSlot {
    pub partition: PartitionId,
    /// Executors that hold what it reads (R2.14).
    pub preferred: Vec<ExecutorId>,
    /// The attempt that succeeded.
    pub done: Option<TaskInfo>,
    /// Needs no further attempt: it succeeded here or elsewhere, or failed to fetch.
    pub settled: bool,
    pub attempts: u32,
    pub failures: u32,
}

/// All tasks of one stage attempt.
pub(super) struct TaskSet {
    pub epoch: u64,
    pub tasks: Vec<TaskSlot>,
    /// Indexes not launched, in order.
    pub pending: BTreeSet<u32>,
    /// Launches nothing more (R4.7).
    pub zombie: bool,
    /// Lowest job id: the order in which sets are served (R7.5).
    pub priority: JobId,
    /// Last launch at a preferred executor, or the submission: the locality wait counts from it.
    pub last_local: Timestamp,
    pub policies: Arc<BTreeMap<RddId, BlockPolicy>>,
    /// Directories of RDDs whose partitions are written while they are computed.
    pub tees: Arc<BTreeMap<RddId, Arc<str>>>,
    pub work: TaskWork,
    pub op: OpKey,
}

impl TaskSet {
    pub fn index_of(&self, partition: PartitionId) -> Option<u32> {
        self.tasks.iter().position(|t| t.partition == partition).map(|i| i as u32)
    }

    /// Puts a task back.
    pub fn requeue(&mut self, index: u32) {
        let Some(task) = self.tasks.get_mut(index as usize) else { return };
        task.settled = false;
        task.done = None;
        if !self.zombie {
            self.pending.insert(index);
        }
    }

    /// The partition needs no further attempt of this set.
    pub fn settle(&mut self, index: u32) {
        if let Some(task) = self.tasks.get_mut(index as usize) {
            task.settled = true;
        }
        self.pending.remove(&index);
    }
}
