//! The driver: which run of it this is, its epoch, what it wrote down last, and what went with it.

use super::Model;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use std::sync::Arc;

/// What is known of the driver.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DriverState {
    /// Which run of it this is: 0 for the first, one more after each restart.
    pub restarts: u32,
    /// Since when there is none, and why; nothing while it runs.
    pub lost: Option<(Timestamp, String)>,
    /// Its epoch on its checkpoint directory, once it has one.
    pub epoch: Option<u64>,
    /// The newest graph checkpoint.
    pub checkpoint: Option<GraphCheckpointState>,
    /// Attempts to write one that failed.
    pub failed_writes: u32,
    /// The graph checkpoint from which it went on, if it did.
    pub recovered_from: Option<Arc<str>>,
}

/// A graph checkpoint that was written.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphCheckpointState {
    /// The batch that it is about.
    pub batch: BatchId,
    /// When it was written.
    pub at: Timestamp,
    /// Where.
    pub path: Arc<str>,
    /// Batches in it that were generated and not completed.
    pub pending: u64,
}

impl Model {
    /// Executors are told of one by one; everything else of the driver goes here.
    pub(super) fn driver_lost(&mut self, reason: &str) {
        self.driver.lost = Some((self.now, reason.to_owned()));
        let failed = JobResult::Failed { error: format!("the driver was lost: {reason}") };
        for job in self.index.running_jobs.clone() {
            self.job_ended(job, &failed);
        }
        let running: Vec<TaskInfo> = self
            .executors
            .values()
            .flat_map(|e| &e.running)
            .filter_map(|id| Some(self.tasks.get(id)?.info.clone()))
            .collect();
        for task in running {
            let reason = TaskEndReason::TaskKilled { reason: "the driver was lost".to_owned() };
            self.task_ended(&TaskInfo { finished: self.now, ..task }, &reason, &TaskMetrics::default());
        }
        let shuffles: Vec<ShuffleId> = self.shuffles.keys().copied().collect();
        shuffles.into_iter().for_each(|shuffle| self.shuffle_removed(shuffle));
        let rdds: Vec<RddId> = self.rdds.keys().copied().collect();
        rdds.into_iter().for_each(|rdd| self.rdd_released(rdd));
        self.batches_lost();
    }

    pub(super) fn driver_started(&mut self) {
        self.driver.lost = None;
        self.driver.restarts = self.driver.restarts.saturating_add(1);
    }

    pub(super) fn graph_checkpoint_written(&mut self, checkpoint: &GraphCheckpointInfo) {
        let GraphCheckpointInfo { batch, path, pending, .. } = checkpoint;
        let (batch, pending, path) = (*batch, *pending, path.as_str().into());
        self.driver.checkpoint = Some(GraphCheckpointState { batch, at: self.now, path, pending });
    }
}
