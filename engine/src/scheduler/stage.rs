//! Stages.
//!
//! ```text
//!             missing parents            parents available
//! (planned) ────────────────▶ waiting ─────────────────────▶ running ──▶ available / finished
//!     └──────────────────────────────────────────────────────▲   │ fetch failure
//!                                        resubmission, 200 ms │   ▼
//!                                                             └─ failed
//! ```

use crate::event::StageInfo;
use crate::ids::*;
use crate::rdd::{AnyRdd, AnyShuffle};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a stage produces.
pub(super) enum StageKind {
    /// Map outputs of a shuffle; shared between jobs.
    Map(Arc<dyn AnyShuffle>),
    /// Results of one job.
    Result(JobId),
}

/// A maximal set of RDDs joined by narrow dependencies (R2.3).
pub(super) struct Stage {
    pub id: StageId,
    pub rdd: Arc<dyn AnyRdd>,
    pub kind: StageKind,
    pub parents: Vec<StageId>,
    pub jobs: BTreeSet<JobId>,
    pub next_attempt: u32,
    /// Attempts that failed by fetch failure since the last success (R3.6).
    pub failed_attempts: BTreeSet<u32>,
    /// Partitions that the running attempt still has to deliver.
    pub pending: BTreeSet<PartitionId>,
    /// RDDs of the stage, the last one first.
    pub rdds: Vec<RddId>,
}

impl Stage {
    pub fn shuffle_id(&self) -> Option<ShuffleId> {
        match &self.kind {
            StageKind::Map(shuffle) => Some(shuffle.id()),
            StageKind::Result(_) => None,
        }
    }

    /// `ShuffleMapStage 3`, as Spark's messages name it.
    pub fn title(&self) -> String {
        let kind = if self.shuffle_id().is_some() { "ShuffleMapStage" } else { "ResultStage" };
        format!("{kind} {}", self.id)
    }

    /// The attempt submitted last; attempt 0 when none was.
    pub fn latest_attempt(&self) -> StageAttempt {
        StageAttempt { stage: self.id, attempt: self.next_attempt.saturating_sub(1) }
    }

    /// The stage as a job announces it.
    pub fn announced(&self) -> StageInfo {
        self.info(StageAttempt { stage: self.id, attempt: self.next_attempt }, self.rdd.core().num_partitions())
    }

    /// One attempt of `num_tasks` tasks.
    pub fn info(&self, id: StageAttempt, num_tasks: u32) -> StageInfo {
        StageInfo {
            id,
            name: self.rdd.core().info().callsite,
            rdd: self.rdd.core().id(),
            shuffle: self.shuffle_id(),
            num_tasks,
            parents: self.parents.clone(),
            rdds: self.rdds.clone(),
        }
    }
}
