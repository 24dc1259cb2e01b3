//! The model: what the events say, folded. `apply` is a pure reducer and never fails.
//!
//! Owns every fact on screen. Knows no egui, no clock, no file, no channel: "now" is the time of the
//! last envelope. States are shared through `imbl` maps and `Arc`, so a clone for a snapshot is cheap.

use faultline_engine::event::*;
use faultline_engine::ids::*;
use imbl::{OrdMap, OrdSet, Vector};
use std::sync::Arc;

/// Everything the events said so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model {
    /// Grows with every applied envelope; views cache by it.
    pub revision: u64,
    /// Time of the last envelope.
    pub now: Timestamp,
    /// Application, clock, seed, settings.
    pub application: Application,
    /// RDDs by id; parents as they are now (a checkpoint changes them).
    pub rdds: OrdMap<RddId, Arc<RddState>>,
    /// Template of a streaming program.
    pub streams: Streams,
    /// Batches by number.
    pub batches: OrdMap<BatchId, Arc<BatchState>>,
    /// Jobs by id.
    pub jobs: OrdMap<JobId, Arc<JobState>>,
    /// Stages by id.
    pub stages: OrdMap<StageId, Arc<StageState>>,
    /// Task attempts by id.
    pub tasks: OrdMap<TaskId, Arc<TaskState>>,
    /// Executors by id, dead ones too.
    pub executors: OrdMap<ExecutorId, Arc<ExecutorState>>,
    /// Map outputs by shuffle.
    pub shuffles: OrdMap<ShuffleId, Arc<ShuffleState>>,
    /// Finished checkpoints by the RDD they hold.
    pub checkpoints: OrdMap<RddId, Arc<CheckpointState>>,
    /// What the program printed, newest last, bounded.
    pub output: Vector<Arc<PrintedLines>>,
    /// Findings in order.
    pub findings: Vector<Arc<Finding>>,
    /// Faults in order.
    pub faults: Vector<Arc<FaultRecord>>,
    /// What happened since the last fault, and the sentence about it.
    pub story: Story,
    /// Events of unknown kinds, by name.
    pub unknown: OrdMap<String, u64>,
}

/// Application facts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Application {
    /// Program name.
    pub name: String,
    /// Application id.
    pub id: String,
    /// Seed, if the log tells.
    pub seed: u64,
    /// Virtual or wall.
    pub clock: Option<ClockKind>,
    /// When it started.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Settings.
    pub properties: OrdMap<String, String>,
}

/// One RDD and what is known of its partitions.
#[derive(Clone, Debug, PartialEq)]
pub struct RddState {
    /// As announced, with the parents and level of now.
    pub info: RddInfo,
    /// Parents before a checkpoint cut them; empty when never cut. Drawn as ghosts.
    pub cut_parents: Vec<DependencyInfo>,
    /// Partition facts, `0..num_partitions`.
    pub partitions: Vector<PartitionState>,
    /// `checkpoint()` was called.
    pub checkpoint_marked: bool,
    /// A checkpoint job is writing it now.
    pub checkpoint_writing: bool,
    /// The checkpoint that holds it, by directory.
    pub checkpoint_path: Option<String>,
    /// Behind a cut: recovery no longer reaches it.
    pub ghost: bool,
    /// Unreachable in the engine: nothing of it can be read again.
    pub released: bool,
}

/// What is known of one partition of one RDD.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartitionState {
    /// How often it was computed to its end.
    pub computed: u32,
    /// Task attempts that compute it now, as far as the lineage tells (R: derived from the stage).
    pub computing: OrdSet<TaskId>,
    /// Whether the running computation repeats earlier work because something was lost.
    pub computing_again: bool,
    /// Copies by executor.
    pub copies: OrdMap<ExecutorId, BlockCopy>,
    /// The executor with which the last copy was lost; cleared when stored or checkpointed again.
    pub lost_with: Option<ExecutorId>,
    /// The last copy made room for another block; cleared when stored again.
    pub evicted: bool,
    /// Read from the checkpoint since the last fault.
    pub read_back: bool,
    /// Computed again since the last fault, because something was lost.
    pub recomputed: bool,
    /// Why it was computed again, the last time.
    pub last_cause: Option<RecomputeCause>,
    /// First records, when an event carried them.
    pub preview: Option<Arc<Preview>>,
    /// Task that produced it last.
    pub last_task: Option<TaskId>,
}

/// One copy of a stored partition.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BlockCopy {
    /// Bytes in memory.
    pub memory_bytes: u64,
    /// Bytes on disk.
    pub disk_bytes: u64,
}

/// The one alphabet of the product: what a partition cell shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sign {
    /// Empty outline.
    NeverComputed,
    /// Outline with a dot.
    ComputedNotKept,
    /// Yellow outline, filling.
    Computing,
    /// Orange hatch.
    ComputingAgain,
    /// Green.
    InMemory,
    /// Violet bars.
    OnDisk,
    /// Blue outline with an arrow.
    ReadBack,
    /// Blue with a tick.
    CheckpointPart,
    /// Red outline with a cross.
    Lost,
    /// Dashed outline.
    Evicted,
}

/// A partition cell: the best tier that holds the data, corners say the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cell {
    /// Partition.
    pub partition: PartitionId,
    /// Fill.
    pub sign: Sign,
    /// Copies in executors; two dots from 2 on.
    pub copies: u8,
    /// Blue corner: also in a checkpoint.
    pub checkpointed: bool,
    /// Orange corner: computed again since the last fault.
    pub recomputed: bool,
}

/// Map outputs of one shuffle.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShuffleState {
    /// Map-side RDD.
    pub rdd: RddId,
    /// By map partition.
    pub outputs: Vector<MapOutput>,
    /// Removed, because nothing refers to it.
    pub removed: bool,
}

/// One map output.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MapOutput {
    /// Where it is; `None` when not there.
    pub executor: Option<ExecutorId>,
    /// With which executor it was lost; cleared when written again.
    pub lost_with: Option<ExecutorId>,
    /// Times written.
    pub written: u32,
    /// Written again since the last fault.
    pub rewritten: bool,
}

/// The template of a streaming program.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Streams {
    /// Streams, parents first.
    pub streams: Vector<Arc<StreamInfo>>,
    /// Output operations.
    pub outputs: Vector<Arc<OutputOpInfo>>,
    /// Zero time.
    pub zero: Option<Timestamp>,
    /// Batch interval.
    pub interval: Millis,
}

/// One batch.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchState {
    /// As submitted.
    pub info: BatchInfo,
    /// When submitted.
    pub submitted: Timestamp,
    /// When its first job started.
    pub started: Option<Timestamp>,
    /// When it completed.
    pub completed: Option<Timestamp>,
    /// Scheduling delay in nanoseconds.
    pub scheduling_delay_ns: Option<u64>,
    /// Processing time in nanoseconds.
    pub processing_ns: Option<u64>,
    /// Error.
    pub failure: Option<String>,
    /// Jobs in order.
    pub jobs: Vector<JobId>,
    /// What its jobs did.
    pub tally: Tally,
}

/// What was done, as counted in compare tables. Partitions are counted as (operator, batch, partition).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Tally {
    /// Task attempts started.
    pub tasks: u64,
    /// Distinct-per-task (operator, batch, partition) computed from lineage.
    pub computed_partitions: u64,
    /// Of these, computed before in this application.
    pub computed_again: u64,
    /// Records delivered by computed partitions (result RDD of each operator).
    pub computed_records: u64,
    /// Partitions read from a stored block.
    pub cached_partitions_read: u64,
    /// Partitions read from a checkpoint.
    pub checkpoint_partitions_read: u64,
    /// Bytes read from checkpoints.
    pub checkpoint_bytes_read: u64,
    /// Map outputs written although they had been written before.
    pub map_outputs_rewritten: u64,
    /// Shuffle bytes fetched.
    pub shuffle_bytes_read: u64,
    /// Records read from sources.
    pub source_records_read: u64,
    /// Batch: processing time. Run: first to last event. Milliseconds, rounded down.
    pub time_ms: u64,
}

/// One job.
#[derive(Clone, Debug, PartialEq)]
pub struct JobState {
    /// Id.
    pub id: JobId,
    /// Why it runs.
    pub origin: JobOrigin,
    /// Its stages, parents first.
    pub stages: Vector<StageId>,
    /// Start.
    pub started: Timestamp,
    /// End.
    pub ended: Option<Timestamp>,
    /// How it ended.
    pub result: Option<JobResult>,
}

/// One stage with its attempts.
#[derive(Clone, Debug, PartialEq)]
pub struct StageState {
    /// As announced or as last submitted.
    pub info: StageInfo,
    /// Attempts in order.
    pub attempts: Vector<StageAttemptState>,
}

impl StageState {
    /// Announced, its job ended, and never submitted (R2.4).
    pub fn is_skipped(&self, job_ended: bool) -> bool {
        job_ended && self.attempts.is_empty()
    }
}

/// One stage attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct StageAttemptState {
    /// As submitted.
    pub info: StageInfo,
    /// When submitted.
    pub submitted: Timestamp,
    /// When completed.
    pub completed: Option<Timestamp>,
    /// How.
    pub outcome: Option<StageOutcome>,
    /// Finished tasks.
    pub finished_tasks: u32,
}

/// One task attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskState {
    /// As started, with the end time once ended.
    pub info: TaskInfo,
    /// How it ended.
    pub end: Option<TaskEndReason>,
    /// What it did.
    pub metrics: Arc<TaskMetrics>,
}

/// One executor.
#[derive(Clone, Debug, PartialEq)]
pub struct ExecutorState {
    /// Id.
    pub id: ExecutorId,
    /// Slots.
    pub cores: u32,
    /// Storage memory in bytes.
    pub max_memory: u64,
    /// Whether the driver counts on it.
    pub alive: bool,
    /// Why it is gone.
    pub removed_reason: Option<String>,
    /// Id of the executor that replaced it.
    pub replaced_by: Option<ExecutorId>,
    /// Running task attempts.
    pub running: OrdSet<TaskId>,
    /// Bytes in memory.
    pub memory_bytes: u64,
    /// Bytes on disk.
    pub disk_bytes: u64,
    /// Stored partitions.
    pub blocks: OrdSet<BlockId>,
    /// Stored partitions lost with it.
    pub lost_blocks: u32,
    /// Map outputs it holds.
    pub map_outputs: u32,
    /// Map outputs lost with it.
    pub lost_map_outputs: u32,
}

/// A finished checkpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckpointState {
    /// RDD that was saved.
    pub rdd: RddId,
    /// RDD that reads it.
    pub checkpoint_rdd: RddId,
    /// Directory in the store.
    pub path: String,
    /// Parts.
    pub parts: Vec<CheckpointPart>,
    /// When finished.
    pub at: Timestamp,
    /// RDDs that recovery no longer reaches.
    pub released: Vec<RddId>,
}

/// What the program printed at once.
#[derive(Clone, Debug, PartialEq)]
pub struct PrintedLines {
    /// Batch.
    pub batch: Option<BatchId>,
    /// Output operation.
    pub output_op: Option<OutputOpId>,
    /// Lines.
    pub lines: Vec<String>,
}

/// A fault that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultRecord {
    /// In the words of the command line.
    pub fault: String,
    /// Executor struck.
    pub executor: Option<ExecutorId>,
    /// When.
    pub at: Timestamp,
    /// Batch that ran or came next.
    pub batch: Option<BatchId>,
}

/// What happened since the last fault, in numbers and in words.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Story {
    /// The sentence: what just happened.
    pub headline: String,
    /// What follows from it, with numbers.
    pub detail: String,
    /// The executor struck by the last fault.
    pub struck: Option<ExecutorId>,
    /// Batch in which the recovery of the last fault runs; `None` once it completed.
    pub recovering: Option<BatchId>,
    /// Stored partitions lost by the last fault.
    pub lost_partitions: u32,
    /// Map outputs lost by the last fault.
    pub lost_map_outputs: u32,
    /// (operator, batch, partition) computed again since.
    pub computed_again: u32,
    /// Map outputs written again since.
    pub map_outputs_rewritten: u32,
    /// Checkpoint partitions read since.
    pub read_back: u32,
    /// RDDs on the way back since the last fault: computed again, or where the walk ended.
    pub path: OrdSet<RddId>,
}
