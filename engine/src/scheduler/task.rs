//! Tasks on their way out and back, and the outbox of the scheduler.

use crate::error::EngineError;
use crate::event::{Event, TaskInfo, TaskMetrics};
use crate::ids::*;
use crate::rdd::{AccumulatorUpdate, AnyShuffle, ResultFn, TaskError, TaskOutput};
use crate::task_context::{TaskIdentity, TaskView};
use imbl::{OrdMap, Vector};
use std::fmt;
use std::sync::Arc;

/// What a task runs.
#[derive(Clone)]
pub enum TaskWork {
    /// The map side of a shuffle.
    WriteShuffle(Arc<dyn AnyShuffle>),
    /// A result.
    Result(ResultFn),
    /// A fault in place of either: the attempt fails with this message.
    Fail(Arc<str>),
}

impl fmt::Debug for TaskWork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WriteShuffle(shuffle) => write!(f, "WriteShuffle({})", shuffle.id()),
            Self::Result(_) => f.write_str("Result"),
            Self::Fail(message) => write!(f, "Fail({message})"),
        }
    }
}

/// A task for an executor.
#[derive(Clone, Debug)]
pub struct TaskLaunch {
    /// As announced.
    pub info: TaskInfo,
    /// Identity for the task's context.
    pub identity: TaskIdentity,
    /// What the driver knows at launch.
    pub view: TaskView,
    /// What to run.
    pub work: TaskWork,
}

/// What an executor reports at the end of a task.
#[derive(Debug)]
pub struct TaskReport {
    /// Attempt.
    pub task: TaskId,
    /// Result or failure.
    pub result: Result<TaskOutput, TaskError>,
    /// What it did.
    pub metrics: TaskMetrics,
    /// What it added to accumulators.
    pub updates: Vec<AccumulatorUpdate>,
}

impl TaskReport {
    /// What is said of an attempt that came to nothing.
    pub fn failed(task: TaskId, error: TaskError) -> Self {
        Self { task, result: Err(error), metrics: TaskMetrics::default(), updates: Vec::new() }
    }
}

/// One more copy of a block, made to replace a lost one (R8.14).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaOrder {
    /// Block.
    pub block: BlockId,
    /// Who has it.
    pub from: ExecutorId,
    /// Who may get it, best first.
    pub candidates: Vec<ExecutorId>,
    /// Level and generation of the copy.
    pub policy: crate::task_context::BlockPolicy,
}

/// What an executor that leaves hands on; each with who may take it, best first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MigrationOrder {
    /// Who leaves.
    pub executor: ExecutorId,
    /// Blocks of RDDs.
    pub blocks: Vec<(BlockId, crate::task_context::BlockPolicy, Vec<ExecutorId>)>,
    /// Blocks of receivers of which there is no other copy.
    pub inputs: Vec<(InputBlockId, Vec<ExecutorId>)>,
    /// Map outputs.
    pub outputs: Vec<(ShuffleId, PartitionId, Vec<ExecutorId>)>,
}

/// What follows from one input.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Facts, in order.
    pub events: Vec<Event>,
    /// Tasks to launch.
    pub launches: Vec<TaskLaunch>,
    /// Jobs that ended.
    pub ended: Vec<(JobId, Result<Vec<TaskOutput>, EngineError>)>,
    /// Attempts to kill.
    pub cancel: Vec<TaskId>,
    /// Executors that must report all their blocks again (R8.12).
    pub report_blocks: Vec<ExecutorId>,
    /// Copies to make.
    pub replicas: Vec<ReplicaOrder>,
    /// Executors that hand on what they hold.
    pub migrations: Vec<MigrationOrder>,
}

impl Outbox {
    /// Whether nothing follows.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
            && self.launches.is_empty()
            && self.ended.is_empty()
            && self.cancel.is_empty()
            && self.report_blocks.is_empty()
            && self.replicas.is_empty()
            && self.migrations.is_empty()
    }
}

/// An attempt that runs.
pub(super) struct RunningTask {
    pub info: TaskInfo,
    /// Epoch of its task set (R5.4).
    pub epoch: u64,
    /// Block locations when it was launched.
    pub blocks: OrdMap<BlockId, Vector<ExecutorId>>,
}
