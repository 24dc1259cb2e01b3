//! Which tasks stand out, because they computed what is selected in the lineage.

use crate::model::{Model, TaskState};
use faultline_engine::event::ReadTier;
use faultline_engine::ids::*;
use std::collections::BTreeSet;

/// What is selected, as far as tasks are concerned.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lit {
    /// The task that is selected itself.
    pub task: Option<TaskId>,
    rdds: BTreeSet<RddId>,
    /// Only this partition of them.
    partition: Option<PartitionId>,
    /// RDDs whose checkpoint is meant: the tasks that wrote it.
    written: BTreeSet<RddId>,
}

impl Lit {
    /// A task alone.
    pub fn task(task: TaskId) -> Self {
        Self { task: Some(task), ..Self::default() }
    }

    /// The tasks that computed RDDs; those that wrote the files when the RDDs only read a checkpoint.
    pub fn rdds(model: &Model, rdds: &[RddId]) -> Self {
        let mut lit = Self::default();
        for &rdd in rdds {
            lit.rdds.insert(rdd);
            if model.rdds.get(&rdd).is_some_and(|state| state.reads_checkpoint_files()) {
                let saved = model.checkpoints.values().find(|saved| saved.checkpoint_rdd == rdd);
                lit.written.extend(saved.map(|saved| saved.rdd));
            }
        }
        lit
    }

    /// The same, but only one partition.
    #[must_use]
    pub fn only(self, partition: PartitionId) -> Self {
        Self { partition: Some(partition), ..self }
    }

    /// The same, and a task.
    #[must_use]
    pub fn and_task(self, task: Option<TaskId>) -> Self {
        Self { task, ..self }
    }

    /// Whether the task computed, read back or wrote what is selected. Of a log without rows only the
    /// stage is known.
    pub(super) fn includes(&self, model: &Model, task: &TaskState) -> bool {
        if self.rdds.is_empty() {
            return false;
        }
        let means = |rdd: RddId, partition: PartitionId| {
            self.rdds.contains(&rdd) && self.partition.is_none_or(|only| only == partition)
        };
        let stage = task.info.stage.stage;
        if !self.written.is_empty() {
            let job = model.job_of(stage).and_then(|job| job.origin.checkpoint_of);
            if job.is_some_and(|rdd| self.written.contains(&rdd)) {
                return true;
            }
        }
        if task.end.is_none() {
            return model.computing_of(task.info.id).any(|(block, _)| means(block.rdd, block.partition));
        }
        let rows = &task.metrics.reads;
        if rows.is_empty() {
            let stage = model.stages.get(&stage);
            return stage.is_some_and(|s| s.info.rdds.iter().any(|&rdd| means(rdd, task.info.partition)));
        }
        let made = rows.iter().filter(|row| matches!(row.tier, ReadTier::Computed | ReadTier::Checkpoint));
        made.into_iter().any(|row| means(row.rdd, row.partition))
    }
}
