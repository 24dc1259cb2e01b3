//! What a user may ask of a running engine. Answers are events.

use crate::ids::*;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A wish. The driver answers with `CommandApplied` or `CommandRejected` and the facts that follow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Kill an executor with everything it holds.
    KillExecutor {
        /// Executor.
        executor: ExecutorId,
    },
    /// Start a new executor in place of a dead one.
    RestartExecutor {
        /// The dead one.
        executor: ExecutorId,
    },
    /// Make an executor slower.
    SlowExecutor {
        /// Executor.
        executor: ExecutorId,
        /// How many times slower; 1 heals.
        factor: f64,
    },
    /// Drop every copy of a stored partition.
    DropBlock {
        /// Operator.
        operator: OperatorName,
        /// Batch, for streaming programs.
        batch: Option<BatchId>,
        /// Partition.
        partition: PartitionId,
    },
    /// Cancel a job; stages that another job needs go on (R2.12).
    CancelJob {
        /// Job.
        job: JobId,
    },
    /// Stop the application after the batch that runs.
    Stop,
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KillExecutor { executor } => write!(f, "kill:executor={executor}"),
            Self::RestartExecutor { executor } => write!(f, "restart:executor={executor}"),
            Self::SlowExecutor { executor, factor } => write!(f, "slow:executor={executor},factor={factor}"),
            Self::DropBlock { operator, batch: Some(batch), partition } => {
                write!(f, "drop:block={operator}/{batch}/{partition}")
            }
            Self::DropBlock { operator, batch: None, partition } => write!(f, "drop:block={operator}/{partition}"),
            Self::CancelJob { job } => write!(f, "cancel:job={job}"),
            Self::Stop => f.write_str("stop"),
        }
    }
}

/// How the loop runs: read between two inputs, never seen by the driver.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Transport {
    /// Stop between two inputs.
    Pause,
    /// Go on.
    Resume,
    /// Go on until the next event of this grain, then pause.
    Step(StepGrain),
    /// Virtual seconds per wall second; infinity means as fast as it computes.
    Speed(f64),
}

/// What one step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StepGrain {
    /// Until a task ended.
    Task,
    /// Until a stage completed.
    Stage,
    /// Until a batch completed.
    Batch,
}
