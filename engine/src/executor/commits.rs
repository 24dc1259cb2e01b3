//! Who may commit the output of a partition: Spark's `OutputCommitCoordinator` (R4.9).
//!
//! The scheduler tells it how attempts end; an attempt holds a permit and asks at the moment at which it would commit, so that
//! the first to come is the one that may.

use crate::event::{TaskEndReason, TaskInfo};
use crate::ids::*;
use crate::sync::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One attempt of a partition, across the attempts of its stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Attempt {
    stage_attempt: u32,
    task_attempt: u32,
}

/// What is known of one partition.
#[derive(Debug, Default)]
struct Partition {
    authorized: Option<Attempt>,
    failed: BTreeSet<Attempt>,
}

/// Which attempt of which partition may commit, for stages that have not ended. The state outlives
/// retries of a stage: an attempt of an earlier one may have committed.
#[derive(Debug, Default)]
pub struct OutputCommitCoordinator {
    stages: BTreeMap<StageId, BTreeMap<PartitionId, Partition>>,
}

impl OutputCommitCoordinator {
    /// A stage is submitted, perhaps again.
    pub(crate) fn stage_started(&mut self, stage: StageId) {
        self.stages.entry(stage).or_default();
    }

    /// No attempt of a stage may commit any more.
    pub(crate) fn stage_ended(&mut self, stage: StageId) {
        self.stages.remove(&stage);
    }

    /// Whether the attempt may commit; asking twice gives the same answer.
    fn can_commit(&mut self, stage: StageId, partition: PartitionId, attempt: Attempt) -> bool {
        let Some(partitions) = self.stages.get_mut(&stage) else { return false };
        let state = partitions.entry(partition).or_default();
        !state.failed.contains(&attempt) && *state.authorized.get_or_insert(attempt) == attempt
    }

    /// An attempt that failed gives up its authorisation, and never gets it again.
    pub(crate) fn attempt_ended(&mut self, task: &TaskInfo, reason: &TaskEndReason) {
        if matches!(reason, TaskEndReason::Success | TaskEndReason::TaskCommitDenied { .. }) {
            return;
        }
        let asked = self.stages.get_mut(&task.stage.stage).and_then(|stage| stage.get_mut(&task.partition));
        let Some(state) = asked else { return };
        let attempt = Attempt { stage_attempt: task.stage.attempt, task_attempt: task.attempt };
        state.failed.insert(attempt);
        if state.authorized == Some(attempt) {
            state.authorized = None;
        }
    }
}

/// What an attempt asks with.
#[derive(Clone, Debug)]
pub struct CommitPermit {
    coordinator: Arc<Mutex<OutputCommitCoordinator>>,
    stage: StageId,
    partition: PartitionId,
    attempt: Attempt,
}

impl CommitPermit {
    /// The permit of attempt `task_attempt` of a partition.
    pub fn new(
        coordinator: &Arc<Mutex<OutputCommitCoordinator>>,
        stage: StageAttempt,
        partition: PartitionId,
        task_attempt: u32,
    ) -> Self {
        let attempt = Attempt { stage_attempt: stage.attempt, task_attempt };
        Self { coordinator: Arc::clone(coordinator), stage: stage.stage, partition, attempt }
    }

    /// Whether the attempt may commit now. The first to ask may, until it fails.
    pub fn ask(&self) -> bool {
        self.coordinator.lock().can_commit(self.stage, self.partition, self.attempt)
    }
}
