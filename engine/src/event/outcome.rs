//! How tasks, stages and jobs end, and why work is repeated.

use crate::ids::*;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How a task attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskEndReason {
    /// It delivered its result.
    Success,
    /// User code panicked or returned an error.
    ExceptionFailure {
        /// Message.
        message: String,
    },
    /// A map output could not be fetched (R3.1).
    FetchFailed {
        /// Where it should have been; `None` when no location is known (R3.5).
        executor: Option<ExecutorId>,
        /// Shuffle.
        shuffle: ShuffleId,
        /// Map partition; `None` with no known location.
        map: Option<PartitionId>,
        /// Reduce partition.
        reduce: PartitionId,
        /// Spark's wording.
        message: String,
    },
    /// Its executor died.
    ExecutorLostFailure {
        /// Executor.
        executor: ExecutorId,
        /// Spark's wording.
        reason: String,
        /// Whether a task may be to blame; only then it counts as a failure (R4.2). Logs before 0.3 do
        /// not say: there it may.
        #[serde(default = "blamed", skip_serializing_if = "is_blamed")]
        caused_by_app: bool,
    },
    /// Another attempt was allowed to commit the output of the partition (R4.9).
    TaskCommitDenied {
        /// Stage.
        stage: StageId,
        /// Partition.
        partition: PartitionId,
        /// The attempt that was denied.
        attempt: u32,
    },
    /// Its start or its end was lost on the way: the executor does not run it, and nobody has its result.
    TaskResultLost,
    /// Killed by the scheduler.
    TaskKilled {
        /// Spark's wording, for example `Stage finished`.
        reason: String,
    },
    /// A finished map task whose output died with its executor (R5.2).
    Resubmitted,
}

const fn blamed() -> bool {
    true
}

// The signature that serde asks for.
#[allow(clippy::trivially_copy_pass_by_ref)]
const fn is_blamed(caused_by_app: &bool) -> bool {
    *caused_by_app
}

impl TaskEndReason {
    /// Whether this is a success.
    pub const fn is_success(&self) -> bool {
        matches!(self, Self::Success)
    }
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobResult {
    /// All partitions delivered.
    Succeeded,
    /// Spark's wording of the failure.
    Failed {
        /// Message.
        error: String,
    },
}

/// How a stage attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StageOutcome {
    /// All its tasks succeeded.
    Succeeded,
    /// It failed; it may be tried again.
    Failed {
        /// Why.
        reason: String,
    },
}

/// Why a partition that had been computed before is computed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RecomputeCause {
    /// It was never kept.
    NeverPersisted,
    /// It did not fit, or made room for another block.
    Evicted,
    /// Its last copy died with this executor.
    LostWithExecutor(ExecutorId),
    /// Its map output died with this executor.
    MapOutputLost(ExecutorId),
    /// A reducer could not fetch its map output.
    FetchFailure,
    /// The task failed before.
    Retry,
    /// The second job of a checkpoint (R9.6).
    CheckpointJob,
    /// It was unpersisted, or dropped by a fault.
    Dropped,
    /// It was made of an indeterminate output of which a part was lost (R3.11).
    RolledBack,
}

impl RecomputeCause {
    /// Whether the work exists only because something was lost: what the window paints orange.
    pub const fn is_loss(self) -> bool {
        !matches!(self, Self::NeverPersisted | Self::CheckpointJob)
    }
}

impl fmt::Display for RecomputeCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeverPersisted => f.write_str("never persisted"),
            Self::Evicted => f.write_str("evicted"),
            Self::LostWithExecutor(e) => write!(f, "lost with executor {e}"),
            Self::MapOutputLost(e) => write!(f, "map output lost with executor {e}"),
            Self::FetchFailure => f.write_str("fetch failure"),
            Self::Retry => f.write_str("retry"),
            Self::CheckpointJob => f.write_str("the checkpoint's second job"),
            Self::Dropped => f.write_str("dropped"),
            Self::RolledBack => f.write_str("rolled back"),
        }
    }
}

/// What became of a batch that was committed to a sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SinkOutcome {
    /// It was not there, and is now.
    Written,
    /// It was there, and this one stands in its place.
    Replaced,
    /// It was there already, and was left as it is.
    AlreadyThere,
}

/// A batch that was committed to a sink.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommittedOutput {
    /// Batch.
    pub batch: BatchId,
    /// Output operation.
    pub output_op: OutputOpId,
    /// The sink: `sqlite:out.db`.
    pub sink: String,
    /// Which driver of the checkpoint directory wrote it.
    pub epoch: u64,
    /// Rows of each partition.
    pub partitions: Vec<u64>,
    /// Whether it was there before.
    pub outcome: SinkOutcome,
    /// The epoch whose rows are there now: an earlier one where they were there already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written_by: Option<u64>,
}
