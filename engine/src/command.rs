//! What a user may ask of a running engine. Answers are events.

use crate::ids::*;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A wish. The driver answers with `CommandApplied` or `CommandRejected` and the facts that follow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Kill an executor with everything it holds.
    KillExecutor {
        /// Executor.
        executor: ExecutorId,
    },
    /// Kill the driver, and with it its executors and everything that they hold.
    KillDriver,
    /// Start the driver that is gone at once, whether or not somebody supervises it.
    RestartDriver,
    /// Whether a driver that crashes from now on is started again (R16).
    SuperviseDriver {
        /// Whether.
        mode: SuperviseMode,
    },
    /// Start a new executor in place of a dead one.
    RestartExecutor {
        /// The dead one.
        executor: ExecutorId,
    },
    /// Take an executor out of service: no new tasks, and what it holds moves before it leaves.
    DecommissionExecutor {
        /// Executor.
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
    /// Keep an RDD at a level from the next stage that is submitted on (R8.2).
    PersistRdd {
        /// Which.
        target: RddTarget,
        /// Spark's name of the level.
        level: String,
    },
    /// Forget every stored block of an RDD (R8.16).
    UnpersistRdd {
        /// Which.
        target: RddTarget,
    },
    /// Mark an RDD, so that the next job that reaches it writes it to a checkpoint (R9.1).
    CheckpointRdd {
        /// Which.
        target: RddTarget,
    },
    /// No further batch: what is generated still runs, and then the stream ends.
    Stop,
    /// Stop the stream as its program could (R22).
    StopStreaming {
        /// How.
        mode: StopMode,
    },
    /// Let an executor stand still: its tasks stop where they are, and its heartbeats stop too.
    PauseExecutor {
        /// Executor.
        executor: ExecutorId,
    },
    /// Let a paused executor go on. If it was declared lost meanwhile, nobody listens to it any more (R5.4).
    ResumeExecutor {
        /// Executor.
        executor: ExecutorId,
    },
    /// Flip a bit in one copy of a stored partition, on disk or in serialized memory (R8.9).
    CorruptBlock {
        /// Operator.
        operator: OperatorName,
        /// Batch, for streaming programs.
        batch: Option<BatchId>,
        /// Partition.
        partition: PartitionId,
    },
    /// Let the next attempts of a task fail.
    FailTask {
        /// Which.
        task: TaskTarget,
        /// How many attempts.
        times: u32,
    },
    /// Let the next writes to the reliable store fail.
    FailStore {
        /// How many.
        times: u32,
    },
    /// Make the reliable store slower.
    SlowStore {
        /// How many times slower; 1 heals.
        factor: f64,
    },
    /// Fill the reliable store: no write succeeds until it is freed.
    FillStore,
    /// Make room in the reliable store again.
    FreeStore,
    /// Lose one message between the driver and an executor.
    LoseMessage {
        /// Of which kind.
        message: Message,
        /// Which one from now on, from 1.
        nth: u32,
    },
    /// Let one message between the driver and an executor arrive late, behind others that were sent after it.
    DelayMessage {
        /// Of which kind.
        message: Message,
        /// Which one from now on, from 1.
        nth: u32,
        /// How much later.
        by: Millis,
    },
    /// Let one message between the driver and an executor arrive twice.
    RepeatMessage {
        /// Of which kind.
        message: Message,
        /// Which one from now on, from 1.
        nth: u32,
    },
    /// Let the process of the driver stand still: what reaches it waits, and what is due is done late.
    PauseDriver {
        /// For how long.
        time: Millis,
    },
}

/// A task, by its place in a stage or by what it computes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskTarget {
    /// The task with this index in every attempt of a stage.
    Index {
        /// Stage.
        stage: StageId,
        /// Index in the task set.
        task: u32,
    },
    /// The tasks that compute a partition in a stage that holds an RDD of this operator.
    Operator {
        /// Operator.
        operator: OperatorName,
        /// Batch, for streaming programs.
        batch: Option<BatchId>,
        /// Partition.
        partition: PartitionId,
    },
}

impl fmt::Display for TaskTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index { stage, task } => write!(f, "{stage}.{task}"),
            Self::Operator { operator, batch, partition } => place(f, operator, *batch, *partition),
        }
    }
}

/// What travels between the driver and its executors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Message {
    /// An executor tells how a task ended.
    TaskEnd,
    /// The driver sends a task to an executor.
    Launch,
    /// An executor tells which of its blocks changed.
    BlockReport,
}

impl Message {
    /// Every kind, with its name on the command line.
    pub const NAMED: [(&'static str, Self); 3] =
        [("task-end", Self::TaskEnd), ("launch", Self::Launch), ("block-report", Self::BlockReport)];
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::NAMED.iter().find(|(_, kind)| kind == self).map_or("", |(name, _)| name))
    }
}

fn place(
    f: &mut fmt::Formatter<'_>,
    operator: &OperatorName,
    batch: Option<BatchId>,
    partition: PartitionId,
) -> fmt::Result {
    match batch {
        Some(batch) => write!(f, "{operator}/{batch}/{partition}"),
        None => write!(f, "{operator}/{partition}"),
    }
}

/// Whether a driver that crashed is started again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SuperviseMode {
    /// It is started again, as with `--supervise`.
    On,
    /// It is not: the application ends, or waits for somebody who restarts it.
    #[default]
    Off,
}

impl SuperviseMode {
    /// As the setting `faultline.supervise` has it.
    pub const fn from_setting(supervised: bool) -> Self {
        if supervised { Self::On } else { Self::Off }
    }
}

impl fmt::Display for SuperviseMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::On => "on",
            Self::Off => "off",
        })
    }
}

/// How a stream is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StopMode {
    /// Receivers first, then everything that was received is processed (R22.1).
    Graceful,
    /// At once: what waits is dropped, and running jobs are cancelled (R22.2).
    Immediate,
}

impl fmt::Display for StopMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Graceful => "graceful",
            Self::Immediate => "immediate",
        })
    }
}

/// RDDs that a command is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RddTarget {
    /// One, by its id in this run.
    Rdd(RddId),
    /// The result of an operator, in one batch or in all that are there.
    Operator {
        /// Operator.
        operator: OperatorName,
        /// Batch, for streaming programs.
        batch: Option<BatchId>,
    },
}

impl fmt::Display for RddTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rdd(rdd) => write!(f, "rdd={rdd}"),
            Self::Operator { operator, batch: Some(batch) } => write!(f, "op={operator}/{batch}"),
            Self::Operator { operator, batch: None } => write!(f, "op={operator}"),
        }
    }
}

impl FromStr for RddTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse::<u32>().map_err(|_| format!("{text:?} is no number"));
        match text.split_once('=') {
            Some(("rdd", id)) => Ok(Self::Rdd(RddId(number(id)?))),
            Some(("op", path)) => match path.rsplit_once('/') {
                Some((operator, batch)) => {
                    Ok(Self::Operator { operator: operator.into(), batch: Some(BatchId(number(batch)?)) })
                }
                None => Ok(Self::Operator { operator: path.into(), batch: None }),
            },
            _ => Err("the target is neither rdd=N nor op=OPERATOR/BATCH".into()),
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KillExecutor { executor } => write!(f, "kill:executor={executor}"),
            Self::KillDriver => f.write_str("kill:driver"),
            Self::RestartDriver => f.write_str("restart:driver"),
            Self::SuperviseDriver { mode } => write!(f, "supervise:{mode}"),
            Self::RestartExecutor { executor } => write!(f, "restart:executor={executor}"),
            Self::DecommissionExecutor { executor } => write!(f, "decommission:executor={executor}"),
            Self::SlowExecutor { executor, factor } => write!(f, "slow:executor={executor},factor={factor}"),
            Self::DropBlock { operator, batch: Some(batch), partition } => {
                write!(f, "drop:block={operator}/{batch}/{partition}")
            }
            Self::DropBlock { operator, batch: None, partition } => write!(f, "drop:block={operator}/{partition}"),
            Self::CancelJob { job } => write!(f, "cancel:job={job}"),
            Self::PersistRdd { target, level } => write!(f, "persist:{target},level={level}"),
            Self::UnpersistRdd { target } => write!(f, "unpersist:{target}"),
            Self::CheckpointRdd { target } => write!(f, "checkpoint:{target}"),
            Self::Stop => f.write_str("stop"),
            Self::PauseExecutor { executor } => write!(f, "pause:executor={executor}"),
            Self::ResumeExecutor { executor } => write!(f, "resume:executor={executor}"),
            Self::CorruptBlock { operator, batch, partition } => {
                f.write_str("corrupt:block=")?;
                place(f, operator, *batch, *partition)
            }
            Self::FailTask { task, times } => write!(f, "fail:task={task},times={times}"),
            Self::FailStore { times } => write!(f, "fail:store,times={times}"),
            Self::SlowStore { factor } => write!(f, "slow:store,factor={factor}"),
            Self::FillStore => f.write_str("fill:store"),
            Self::FreeStore => f.write_str("free:store"),
            Self::LoseMessage { message, nth } => write!(f, "lose:message={message},nth={nth}"),
            Self::DelayMessage { message, nth, by } => write!(f, "delay:message={message},nth={nth},by={by}ms"),
            Self::RepeatMessage { message, nth } => write!(f, "repeat:message={message},nth={nth}"),
            Self::PauseDriver { time } => write!(f, "pause:driver,for={time}ms"),
            Self::StopStreaming { mode } => write!(f, "stop:{mode}"),
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
