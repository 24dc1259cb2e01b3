//! What reaches the driver, and what its program's threads hear back.

use super::effects::{CheckpointWrite, GraphWrite};
use crate::command::{Command, StopMode};
use crate::error::{EngineError, Result};
use crate::event::{CheckpointPart, OutputOpInfo, StreamInfo};
use crate::executor::{BlockReport, TeePart};
use crate::ids::*;
use crate::lineage::BlockSummary;
use crate::rdd::{CheckpointCommit, CheckpointProgress, JobSpec, Notice, OpenedCheckpoint, TaskOutput};
use crate::receiver::{ReceivedBlock, ReceiverPlan};
use crate::recovery::{BatchPlan, CheckpointUnreadable, LogPosition, Recovered, SavedRdd, Written};
use crate::scheduler::{Loss, Migration, TaskReport};
use crate::write_ahead::Contents;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A thread of the driver program: main, the job generator, an output slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotId(pub u32);

/// What a thread of the program runs.
pub type SlotBody = Box<dyn FnOnce() -> Result<()> + Send>;

/// A batch time with its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BatchTick {
    /// Number from 1.
    pub batch: BatchId,
    /// Batch time.
    pub time: Timestamp,
}

/// What a receiver says. The driver checks which of its starts is speaking.
#[derive(Debug)]
pub enum ReceiverNews {
    /// It runs.
    Started,
    /// It stored a block here, and perhaps a copy elsewhere. The driver answers with
    /// [`super::ReceiverOp::Answer`].
    Stored {
        /// The block.
        block: ReceivedBlock,
        /// Where it ran when it stored it.
        executor: ExecutorId,
        /// Every copy.
        reports: Vec<BlockReport>,
    },
    /// Records that it had gathered are stored nowhere, and nobody will send them again.
    Dropped {
        /// Where it ran.
        executor: ExecutorId,
        /// How many.
        records: u64,
        /// Why.
        reason: String,
    },
    /// Something went wrong; it goes on.
    Error {
        /// What.
        message: String,
        /// The error beneath.
        error: String,
    },
    /// It stopped; it starts again by itself (R17.4).
    Stopped {
        /// Why.
        message: String,
        /// The error beneath.
        error: String,
    },
    /// This start of it has ended: what it had is stored and accepted, or lost. Unless the driver asked for
    /// the end, the receiver is started again (R17.3).
    Ended {
        /// Why; empty when the driver asked for it.
        message: String,
        /// The error beneath.
        error: String,
    },
}

/// What a thread of the program asks and waits for.
pub enum Request {
    /// Run a job; answered by [`Reply::Job`].
    RunJob(JobSpec),
    /// What of an RDD's checkpoint is there already; answered by [`Reply::Progress`].
    CheckpointProgress(RddId),
    /// Publish and verify what a checkpoint saved, and cut; answered by [`Reply::Done`].
    CommitCheckpoint(CheckpointCommit),
    /// Read what a checkpoint directory says of itself; answered by [`Reply::Opened`].
    OpenCheckpoint(String),
    /// What is stored of these RDDs; answered by [`Reply::Stored`].
    Stored(Vec<RddId>),
    /// Read the newest graph checkpoint of a directory; answered by [`Reply::Recovered`].
    Recover(String),
    /// Start the batches; answered by [`Reply::Done`].
    StartStreaming(StreamingPlan),
    /// The job generator wants work; answered by [`Reply::Generator`].
    NextInstruction,
    /// The output slot wants work; answered by [`Reply::Output`].
    NextOutput,
    /// Give a batch the blocks that receivers stored since the last one (R17.10); answered by
    /// [`Reply::Received`].
    ReceivedBlocks(BatchTick),
    /// Wait for the end of the stream; answered by [`Reply::Done`].
    AwaitTermination,
    /// The same for so long at most; answered by [`Reply::Terminated`].
    AwaitTerminationFor(Millis),
    /// Stop the stream and wait until it has stopped (R22); answered by [`Reply::Done`].
    StopStreaming(StopMode),
}

/// What a thread of the program tells without waiting.
pub enum Told {
    /// From a context.
    Notice(Notice),
    /// The generator built the jobs of a batch.
    BatchGenerated {
        /// Batch.
        tick: BatchTick,
        /// Its jobs, or why there are none.
        batch: Result<GeneratedBatch>,
    },
    /// The generator forgot what a completed batch no longer needs.
    BatchCleared {
        /// Batch.
        tick: BatchTick,
        /// What is saved now.
        saved: SavedStreams,
    },
    /// An output operation ended.
    OutputDone {
        /// Batch.
        batch: BatchId,
        /// Output operation.
        output_op: OutputOpId,
        /// Its end.
        result: Result<()>,
    },
}

/// What the driver answers.
pub enum Reply {
    /// Begin, or done.
    Done(Result<()>),
    /// Whether the stream ended, or its error.
    Terminated(Result<bool>),
    /// A job ended.
    Job(Result<Vec<TaskOutput>>),
    /// How far a checkpoint is.
    Progress(CheckpointProgress),
    /// What a checkpoint directory holds.
    Opened(Result<OpenedCheckpoint>),
    /// What is stored of the RDDs of which something is.
    Stored(BTreeMap<RddId, BlockSummary>),
    /// Blocks of receivers, by stream, or why the batch must not run with what is left of them.
    Received(Result<BTreeMap<StreamId, Vec<ReceivedBlock>>>),
    /// What a directory of graph checkpoints holds, if it holds any.
    Recovered(std::result::Result<Option<Box<Recovered>>, CheckpointUnreadable>),
    /// Work for the generator.
    Generator(Instruction),
    /// Work for an output slot; `None` means stop.
    Output(Option<OutputJob>),
}

/// Work for the job generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instruction {
    /// Build the jobs of a batch.
    Generate(BatchTick),
    /// A batch completed: forget what is older than the remember duration (R12.7).
    Clear {
        /// The batch.
        tick: BatchTick,
        /// The last one before which every batch completed: what an earlier one still reads is not forgotten.
        through: BatchId,
    },
    /// Stop.
    Stop,
}

/// What the streams of a program have saved in the reliable store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SavedStreams {
    /// RDDs that a checkpoint holds, by stream and batch.
    pub rdds: BTreeMap<StreamId, BTreeMap<BatchId, SavedRdd>>,
    /// No RDD has this number or a higher one yet.
    pub next_rdd: RddId,
}

/// The jobs of a batch.
pub struct GeneratedBatch {
    /// What it reads.
    pub plan: BatchPlan,
    /// What is saved now.
    pub saved: SavedStreams,
    /// One per output operation that has a job, in order.
    pub outputs: Vec<OutputJob>,
}

/// Runs an output operation of a batch: user code, which may run jobs. It is run again when the batch is.
pub type OutputBody = Arc<dyn Fn() -> Result<()> + Send + Sync>;

/// One output operation of one batch.
#[derive(Clone)]
pub struct OutputJob {
    /// Batch.
    pub tick: BatchTick,
    /// Output operation.
    pub output_op: OutputOpId,
    /// Its body; it is given the epoch of its driver, so that sinks know which of two drivers writes.
    pub run: Arc<dyn Fn(u64) -> Result<()> + Send + Sync>,
    /// That epoch; the driver fills it in.
    pub epoch: u64,
}

/// What the streaming context hands over when it starts.
pub struct StreamingPlan {
    /// Batch interval.
    pub interval: Millis,
    /// Template.
    pub streams: Vec<StreamInfo>,
    /// Output operations.
    pub outputs: Vec<OutputOpInfo>,
    /// Receivers.
    pub receivers: Vec<ReceiverPlan>,
    /// Where graph checkpoints go; without a directory there are none.
    pub checkpoint: Option<CheckpointPlan>,
    /// Where what is received is logged; the driver fills it in when it has an epoch.
    pub received_log: Option<ReceivedLogPlan>,
    /// The threads to start: generator and output slots, with their names.
    pub slots: Vec<(String, SlotBody)>,
}

/// Where graph checkpoints go, and what was read there.
pub struct CheckpointPlan {
    /// Directory inside the reliable store.
    pub dir: String,
    /// What input streams read, in words.
    pub inputs: BTreeMap<StreamId, String>,
    /// The description to go on from, with the stream ids of the present program.
    pub restored: Option<Box<Recovered>>,
    /// Whether blocks count that a former driver logged (R18.6).
    pub replay_received: bool,
}

/// Where the driver logs what is received.
#[derive(Clone, Debug)]
pub struct ReceivedLogPlan {
    /// The checkpoint directory.
    pub dir: String,
    /// Which driver of that directory this is: its logs say so.
    pub epoch: u64,
    /// Whether the blocks are wanted that a former driver logged (R18.6).
    pub replay: bool,
}

/// What came of a write to the log of received blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logged {
    /// The records are durable.
    Synced {
        /// Where the last of them is.
        position: LogPosition,
    },
    /// A newer driver had taken over by then, and may have read the log before it had them.
    TakenOver {
        /// Its epoch.
        by: u64,
    },
}

/// What the store says of the log of received blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenedLog {
    /// Its records, when they were wanted, and its segments.
    pub contents: Contents,
    /// Whether its records were wanted: else nobody knows what its segments say.
    pub replayed: bool,
    /// What is wrong with it beyond what a crash leaves, and where a copy is.
    pub damage: Vec<String>,
}

/// A thread to start.
pub struct SlotSpawn {
    /// Its slot.
    pub slot: SlotId,
    /// Thread name.
    pub name: String,
    /// What it runs.
    pub run: SlotBody,
}

/// An input of the driver.
pub enum DriverInput {
    /// A thread of the program waits.
    Request {
        /// Which.
        slot: SlotId,
        /// For what.
        request: Request,
    },
    /// A thread of the program told something.
    Told {
        /// Which.
        slot: SlotId,
        /// What.
        told: Told,
    },
    /// A user's wish.
    Command(Command),
    /// A task ended.
    TaskFinished(TaskReport),
    /// Blocks changed.
    Blocks(Vec<BlockReport>),
    /// An executor reported everything it holds.
    BlocksReported {
        /// Which.
        executor: ExecutorId,
        /// Its blocks.
        reports: Vec<BlockReport>,
    },
    /// What an executor that leaves held is elsewhere.
    Migrated {
        /// Which.
        executor: ExecutorId,
        /// What moved.
        migration: Migration,
    },
    /// A receiver speaks.
    Receiver {
        /// Of which stream.
        stream: StreamId,
        /// Which start of it.
        attempt: u32,
        /// What it says.
        news: ReceiverNews,
    },
    /// An executor is gone.
    ExecutorLost {
        /// Which.
        executor: ExecutorId,
        /// Why, and who may be to blame.
        loss: Loss,
    },
    /// A host is gone with every executor on it (R5.7).
    HostLost {
        /// Which.
        host: HostId,
        /// Why.
        reason: String,
    },
    /// The reliable store answered.
    CheckpointPublished {
        /// What was asked of it.
        write: CheckpointWrite,
        /// Verified, or why not.
        result: std::result::Result<(), String>,
    },
    /// The reliable store opened a checkpoint, or refused.
    CheckpointOpened {
        /// Who waits.
        slot: SlotId,
        /// What it holds.
        result: Result<OpenedCheckpoint>,
    },
    /// The reliable store deleted a checkpoint, or refused.
    CheckpointDeleted {
        /// RDD that was checkpointed.
        rdd: RddId,
        /// Directory.
        dir: String,
        /// Deleted, or why not.
        result: std::result::Result<(), String>,
    },
    /// The reliable store read a directory of graph checkpoints.
    GraphRead {
        /// Who waits.
        slot: SlotId,
        /// What it holds.
        result: std::result::Result<Option<Box<Recovered>>, CheckpointUnreadable>,
    },
    /// This driver has an epoch, or could not get one.
    EpochTaken {
        /// Who waits.
        slot: SlotId,
        /// What to start.
        plan: Box<StreamingPlan>,
        /// The epoch.
        result: std::result::Result<u64, String>,
    },
    /// The reliable store wrote a graph checkpoint, or refused.
    GraphWritten {
        /// What was asked of it.
        write: Box<GraphWrite>,
        /// Verified, fenced, or why not.
        result: std::result::Result<Written, String>,
    },
    /// The log of received blocks is open, or cannot be read.
    ReceivedLogOpened {
        /// Who waits.
        slot: SlotId,
        /// What starts then.
        plan: Box<StreamingPlan>,
        /// What it holds.
        result: std::result::Result<OpenedLog, String>,
    },
    /// Records are in the log of received blocks, or nobody knows whether they are.
    ReceivedLogged {
        /// What came of the write.
        result: std::result::Result<Logged, String>,
        /// Segments that may end with a write that does not count.
        doubtful: Vec<u64>,
    },
    /// Segments of the log of a receiver's blocks are deleted, or not.
    BlockLogCleaned {
        /// The stream of the receiver.
        stream: StreamId,
        /// Why not.
        result: std::result::Result<(), String>,
    },
    /// Segments of the log of received blocks are deleted, or not.
    ReceivedLogDeleted {
        /// Their numbers.
        segments: Vec<u64>,
        /// Why not.
        result: std::result::Result<(), String>,
    },
    /// A running task wrote a part of a checkpoint beside its own work.
    PartWritten {
        /// Attempt.
        task: TaskId,
        /// RDD.
        rdd: RddId,
        /// Partition.
        partition: PartitionId,
        /// The part.
        part: CheckpointPart,
    },
    /// A thread of the program ended.
    SlotEnded {
        /// Which.
        slot: SlotId,
        /// How.
        result: std::result::Result<(), EngineError>,
    },
    /// The time of `next_deadline` has come.
    Deadline,
}

impl DriverInput {
    /// A running task wrote a part beside its own work.
    pub fn part_written(task: TaskId, written: TeePart) -> Self {
        let TeePart { rdd, partition, part, .. } = written;
        Self::PartWritten { task, rdd, partition, part }
    }
}

impl fmt::Debug for DriverInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Request { .. } => "Request",
            Self::Told { .. } => "Told",
            Self::Command(command) => return write!(f, "Command({command})"),
            Self::TaskFinished(report) => return write!(f, "TaskFinished({})", report.task),
            Self::Blocks(_) => "Blocks",
            Self::BlocksReported { .. } => "BlocksReported",
            Self::Migrated { .. } => "Migrated",
            Self::Receiver { .. } => "Receiver",
            Self::ExecutorLost { .. } => "ExecutorLost",
            Self::HostLost { .. } => "HostLost",
            Self::CheckpointPublished { .. } => "CheckpointPublished",
            Self::CheckpointOpened { .. } => "CheckpointOpened",
            Self::CheckpointDeleted { .. } => "CheckpointDeleted",
            Self::GraphRead { .. } => "GraphRead",
            Self::EpochTaken { .. } => "EpochTaken",
            Self::GraphWritten { .. } => "GraphWritten",
            Self::ReceivedLogOpened { .. } => "ReceivedLogOpened",
            Self::ReceivedLogged { .. } => "ReceivedLogged",
            Self::BlockLogCleaned { .. } => "BlockLogCleaned",
            Self::ReceivedLogDeleted { .. } => "ReceivedLogDeleted",
            Self::PartWritten { .. } => "PartWritten",
            Self::SlotEnded { .. } => "SlotEnded",
            Self::Deadline => "Deadline",
        };
        f.write_str(name)
    }
}
