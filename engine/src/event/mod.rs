//! The facts that the engine announces, named after Spark's listener events.
//!
//! Plain data: no closures, no references, no clocks. What leaves the engine is an [`Envelope`]; the app folds them
//! and asks nothing. `Event` is closed, and [`Event::Unknown`] keeps what a foreign log holds beside it.

mod envelope;
mod info;
mod inputs;
mod level;
mod metrics;
mod names;
mod outcome;
mod recovery;

pub use envelope::*;
pub use info::*;
pub use inputs::*;
pub use level::*;
pub use metrics::*;
pub use outcome::*;
pub use recovery::*;

use crate::command::{Command, StopMode};
use crate::ids::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A fact. Variants are grouped as in Spark's listener interface; the last group is ours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// First event of every log.
    LogStart {
        /// Version of the program that wrote the log.
        version: String,
        /// The seed of the run.
        seed: u64,
        /// Virtual or wall.
        clock: ClockKind,
    },
    /// Settings in force.
    EnvironmentUpdate {
        /// Spark's keys where they exist, `faultline.*` for ours.
        properties: BTreeMap<String, String>,
    },
    /// The application began.
    ApplicationStart {
        /// Name of the program.
        name: String,
        /// Derived from the seed, so that logs repeat.
        id: String,
    },
    /// The driver is gone, and with it its executors, their blocks and map outputs, and the threads of the program.
    DriverLost {
        /// Which run of the driver, from 1.
        attempt: u32,
        /// Why.
        reason: String,
    },
    /// A supervised driver that is gone is to be started again (R16).
    DriverRestartScheduled(ScheduledRestart),
    /// A driver that was gone runs again: it was supervised, or somebody started it (R16).
    DriverStarted {
        /// Which run of it this is, from 2.
        attempt: u32,
        /// How long it was waited after the loss.
        delay: Millis,
    },
    /// The application ended.
    ApplicationEnd,

    // Executors.
    /// An executor registered.
    ExecutorAdded {
        /// Its id.
        executor: ExecutorId,
        /// Task slots.
        cores: u32,
        /// The executor that it replaces, when it was restarted.
        replaces: Option<ExecutorId>,
    },
    /// The driver learned that an executor is gone.
    ExecutorRemoved {
        /// Its id.
        executor: ExecutorId,
        /// Spark's wording, for example `Command exited with code 137`.
        reason: String,
    },
    /// An executor is being decommissioned: it gets no new tasks, what it holds moves, then it leaves.
    DecommissionStarted {
        /// Its id.
        executor: ExecutorId,
    },
    /// What a decommissioned executor held is elsewhere now; it leaves once nobody reads from it.
    BlocksMigrated {
        /// Its id.
        executor: ExecutorId,
        /// Blocks that moved, with who has them now.
        blocks: Vec<MigratedBlock>,
        /// Blocks without another copy for which nobody had room: they are lost with the executor.
        left: Vec<BlockId>,
    },
    /// Map outputs of a decommissioned executor are elsewhere now.
    MapOutputsMigrated {
        /// Shuffle.
        shuffle: ShuffleId,
        /// The map-side RDD.
        rdd: RddId,
        /// Which map partitions.
        maps: Vec<PartitionId>,
        /// Who had them.
        from: ExecutorId,
        /// Who has them now.
        to: ExecutorId,
    },
    /// Its block manager registered.
    BlockManagerAdded {
        /// Executor.
        executor: ExecutorId,
        /// Storage memory in bytes.
        max_memory: u64,
    },
    /// Its block manager is gone: every block there is lost to the driver (R5.2).
    BlockManagerRemoved {
        /// Executor.
        executor: ExecutorId,
    },

    // Scheduler.
    /// A job was submitted. All its stages are announced; those never submitted are skipped.
    JobStart {
        /// Job.
        job: JobId,
        /// What it is for.
        origin: JobOrigin,
        /// All stages, parents first. Their `num_tasks` counts all partitions.
        stages: Vec<StageInfo>,
    },
    /// A job ended.
    JobEnd {
        /// Job.
        job: JobId,
        /// How.
        result: JobResult,
    },
    /// A stage attempt was submitted; `num_tasks` counts only what is missing (R2.7).
    StageSubmitted {
        /// The stage with its attempt.
        stage: StageInfo,
    },
    /// A stage attempt ended.
    StageCompleted {
        /// Stage and attempt.
        stage: StageAttempt,
        /// How.
        outcome: StageOutcome,
    },
    /// A task attempt was launched.
    TaskStart {
        /// The task.
        task: TaskInfo,
    },
    /// A task attempt ended.
    TaskEnd {
        /// The task.
        task: TaskInfo,
        /// How.
        reason: TaskEndReason,
        /// What it did; empty when it failed before reporting.
        metrics: TaskMetrics,
    },
    /// A running attempt is slow: one more copy of it may run elsewhere (R6.2).
    SpeculativeTaskSubmitted {
        /// Stage and attempt.
        stage: StageAttempt,
        /// Index within the task set.
        index: u32,
        /// Partition.
        partition: PartitionId,
    },
    /// Too many tasks failed on an executor: it gets no more of a stage attempt, or of the application (R4.8).
    ExecutorExcluded {
        /// Executor.
        executor: ExecutorId,
        /// Tasks that failed there.
        task_failures: u32,
        /// The stage attempt; `None` for the whole application.
        stage: Option<StageAttempt>,
    },
    /// An executor gets tasks again.
    ExecutorUnexcluded {
        /// Executor.
        executor: ExecutorId,
    },

    // Storage.
    /// A block changed on an executor; invalid level and zero sizes mean that it is gone.
    BlockUpdated {
        /// Where.
        executor: ExecutorId,
        /// Which.
        block: BlockId,
        /// How it is kept now.
        level: StorageLevel,
        /// Bytes in memory.
        memory_bytes: u64,
        /// Bytes on disk.
        disk_bytes: u64,
        /// Why it left, when it left.
        removal: Option<BlockRemoval>,
        /// First records, when it is new and previews are on.
        preview: Option<Preview>,
    },
    /// An RDD is no longer persistent.
    UnpersistRdd {
        /// RDD.
        rdd: RddId,
    },
    /// A block of a receiver changed on an executor; invalid level and zero sizes mean that it is gone.
    InputBlockUpdated {
        /// Where.
        executor: ExecutorId,
        /// Which.
        block: InputBlockId,
        /// How it is kept now.
        level: StorageLevel,
        /// Bytes in memory.
        memory_bytes: u64,
        /// Bytes on disk.
        disk_bytes: u64,
        /// Why it left, when it left.
        removal: Option<BlockRemoval>,
        /// First records, when it is new and previews are on.
        preview: Option<Preview>,
    },

    // Streaming.
    /// A receiver runs (R17.1).
    ReceiverStarted {
        /// The receiver.
        receiver: ReceiverInfo,
    },
    /// A receiver reported an error and goes on.
    ReceiverError {
        /// The receiver, with the error.
        receiver: ReceiverInfo,
    },
    /// A receiver stopped; unless the application ends, it starts again (R17.3, R17.4).
    ReceiverStopped {
        /// The receiver, with why.
        receiver: ReceiverInfo,
    },
    /// The driver accepted a block of a receiver: it belongs to the next batch (R17.10).
    ReceivedBlockAdded(AddedBlock),
    /// A driver that goes on read what a former one had accepted (R18.6).
    ReceivedBlocksRecovered(RecoveredBlocks),
    /// Blocks of a batch are gone (R17.11).
    ReceivedBlocksLost(LostBlocks),
    /// A block was stored and not accepted.
    ReceivedBlockRefused(RefusedBlock),
    /// Records were received and not stored.
    ReceivedRecordsLost(LostRecords),
    /// A write-ahead log of received blocks grew, or lost segments (R18.1).
    ReceivedLogUpdated(UpdatedLog),
    /// Back-pressure set a new limit for a receiver (R17.14).
    ReceiverRateUpdated {
        /// The input stream.
        stream: StreamId,
        /// Records per second that it may store one by one.
        rate: u64,
    },
    /// The stream is being stopped (R22).
    StreamingStopping {
        /// How.
        mode: StopMode,
    },
    /// The stream has stopped; its program may go on.
    StreamingStopped {
        /// How.
        mode: StopMode,
    },
    /// This driver drives the streams of a checkpoint directory from now on (D-17).
    DriverEpochTaken {
        /// Directory inside the reliable store.
        dir: String,
        /// Its epoch; the highest one drives.
        epoch: u64,
        /// Whether it goes on with what earlier epochs left there.
        #[serde(default)]
        continues: bool,
    },
    /// A stream goes on from a graph checkpoint (R15.11).
    StreamingRecovered {
        /// From what.
        recovery: RecoveryInfo,
    },
    /// A graph checkpoint was written and verified (R15.2).
    GraphCheckpointWritten {
        /// Which.
        checkpoint: GraphCheckpointInfo,
    },
    /// A graph checkpoint could not be written (R15.3).
    GraphCheckpointFailed {
        /// The batch that it is about.
        batch: BatchId,
        /// What it follows.
        after: CheckpointedAfter,
        /// Which attempt this was, from 1.
        attempt: u32,
        /// Why.
        error: String,
    },
    /// The streaming context started.
    StreamingStarted {
        /// Batch times are `zero + k * interval`.
        zero: Timestamp,
        /// Batch interval.
        interval: Millis,
    },
    /// The jobs of a batch were generated.
    BatchSubmitted {
        /// Batch.
        batch: BatchInfo,
    },
    /// The first job of a batch started.
    BatchStarted {
        /// Batch.
        batch: BatchId,
    },
    /// All output operations of a batch ended.
    BatchCompleted {
        /// Batch.
        batch: BatchId,
        /// Start minus submission.
        scheduling_delay_ns: u64,
        /// End minus start.
        processing_ns: u64,
        /// Error of the first output operation that failed.
        failure: Option<String>,
    },
    /// An output operation of a batch started.
    OutputOperationStarted {
        /// Batch.
        batch: BatchId,
        /// Output operation.
        output_op: OutputOpId,
    },
    /// An output operation of a batch ended.
    OutputOperationCompleted {
        /// Batch.
        batch: BatchId,
        /// Output operation.
        output_op: OutputOpId,
        /// Its error, if it failed.
        failure: Option<String>,
    },

    /// The template of a streaming program.
    StreamGraphDefined {
        /// All streams, parents first.
        streams: Vec<StreamInfo>,
        /// Output operations in registration order.
        outputs: Vec<OutputOpInfo>,
    },
    /// An RDD was announced; later events name it by id only.
    RddRegistered {
        /// The RDD.
        rdd: RddInfo,
    },
    /// The storage level of an RDD changed after it was announced.
    PersistChanged {
        /// RDD.
        rdd: RddId,
        /// New level.
        level: StorageLevel,
    },
    /// `checkpoint()` or `localCheckpoint()` marked an RDD.
    CheckpointMarked {
        /// RDD.
        rdd: RddId,
        /// Whether its blocks are to stand in for files (R10).
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        local: bool,
    },
    /// What a checkpoint still misses is being written, by a second job if anything is (R9.6, R10.2).
    CheckpointStarted {
        /// RDD.
        rdd: RddId,
        /// Directory inside the reliable store; empty for a local checkpoint.
        path: String,
    },
    /// All parts and the manifest are verified, or all blocks are there; the lineage is cut (R9.11, R10.2).
    CheckpointCompleted {
        /// RDD that was checkpointed.
        rdd: RddId,
        /// The RDD that reads what was saved, now its only parent: a `ReliableCheckpointRDD` or `LocalCheckpointRDD`.
        checkpoint_rdd: RddInfo,
        /// Directory inside the reliable store; empty for a local checkpoint.
        path: String,
        /// One entry per partition; none for a local checkpoint.
        parts: Vec<CheckpointPart>,
        /// RDDs that recovery no longer reaches.
        released: Vec<RddId>,
        /// Partitions that were written while the action's own job computed them; a second job wrote the others.
        #[serde(default, skip_serializing_if = "is_zero")]
        teed: u32,
    },
    /// The files of a checkpoint were deleted (R9.15, R9.18).
    CheckpointDeleted {
        /// RDD that was checkpointed.
        rdd: RddId,
        /// Directory inside the reliable store.
        path: String,
    },
    /// A checkpoint could not be written; the mark stays.
    CheckpointFailed {
        /// RDD.
        rdd: RddId,
        /// Why.
        error: String,
    },
    /// The driver unregistered map outputs (R3.3, R3.4, R5.2).
    MapOutputsLost {
        /// Shuffle.
        shuffle: ShuffleId,
        /// The map-side RDD.
        rdd: RddId,
        /// Which map partitions.
        maps: Vec<PartitionId>,
        /// With which executor.
        executor: ExecutorId,
    },
    /// The outputs of a shuffle were removed, because nothing refers to it.
    ShuffleRemoved {
        /// Shuffle.
        shuffle: ShuffleId,
    },
    /// An RDD is unreachable: nothing of it can be read again.
    RddReleased {
        /// RDD.
        rdd: RddId,
    },
    /// The program printed.
    OutputPrinted {
        /// Batch, for streaming programs.
        batch: Option<BatchId>,
        /// Output operation, for streaming programs.
        output_op: Option<OutputOpId>,
        /// Lines in order.
        lines: Vec<String>,
    },
    /// Everything an output operation wrote, as a digest.
    OutputDigest {
        /// Batch, for streaming programs.
        batch: Option<BatchId>,
        /// Output operation, for streaming programs.
        output_op: Option<OutputOpId>,
        /// Records.
        records: u64,
        /// SHA-256 over the sorted encodings of the records, in hex.
        sha256: String,
    },
    /// A sink has what an output operation of a batch wrote: all of it, in one step.
    OutputCommitted {
        /// What, where and by whom.
        output: CommittedOutput,
    },
    /// A fault happened.
    FaultInjected {
        /// In the words of the command line: `kill:executor=2`.
        fault: String,
        /// The executor struck, if one was.
        executor: Option<ExecutorId>,
    },
    /// A command was applied.
    CommandApplied {
        /// The command.
        command: Command,
        /// How many driver inputs had been handled before it.
        before_input: u64,
    },
    /// A command was refused.
    CommandRejected {
        /// The command.
        command: Command,
        /// Why, and the way out.
        reason: String,
    },
    /// Something the user should know.
    FindingReported {
        /// The finding.
        finding: Finding,
    },
    /// An event of a foreign or newer log.
    Unknown {
        /// Its name.
        name: String,
        /// The whole line.
        raw: String,
    },
}
