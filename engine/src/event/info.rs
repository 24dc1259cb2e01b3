//! What events say about RDDs, stages, tasks, batches and streams.

use super::{InputPlan, RecomputeCause, StorageLevel};
use crate::ids::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;

/// An RDD as plain data: what the lineage graph holds and events carry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RddInfo {
    /// Id in order of creation.
    pub id: RddId,
    /// Set by `set_name`, or the path of a text file.
    pub name: Option<String>,
    /// Spark's class name, for example `MapPartitionsRDD`.
    pub class: String,
    /// Where the program made it: `map at word_count.rs:31`.
    pub callsite: String,
    /// What identifies it across runs.
    pub op: OpKey,
    /// The enclosing scope set by the program, for example `iteration 3`.
    pub scope: Option<String>,
    /// Storage level when announced; see `PersistChanged`.
    pub level: StorageLevel,
    /// Partition count.
    pub num_partitions: u32,
    /// How keys map to partitions, when known.
    pub partitioner: Option<PartitionerInfo>,
    /// Output determinism (R1.8).
    pub determinism: Determinism,
    /// Dependencies in order.
    pub parents: Vec<DependencyInfo>,
}

impl RddInfo {
    /// The name shown: the set name, else the class.
    pub fn display_name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.class)
    }
}

/// A partitioner as plain data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionerInfo {
    /// Class name, for example `HashPartitioner`.
    pub class: String,
    /// Number of partitions.
    pub partitions: u32,
    /// Version of the hash; see `rdd::partitioner`.
    pub hash_version: u32,
    /// What tells partitioners of one class and size apart, for example the digest of the bounds of a
    /// `RangePartitioner`; `None` for a `HashPartitioner`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl PartitionerInfo {
    /// Whether it is a `HashPartitioner`.
    pub fn is_by_hash(&self) -> bool {
        self.class == "HashPartitioner"
    }
}

/// How far two computations of one partition may differ (R1.8). Ordered from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Determinism {
    /// Same records, same order.
    Determinate,
    /// Same records, any order.
    Unordered,
    /// May differ.
    Indeterminate,
}

impl Determinism {
    /// Of what a shuffle delivers, whose map side is this: the order in which outputs arrive is open. No
    /// operator both aggregates and sorts, which alone would make it determinate.
    #[must_use]
    pub fn after_shuffle(self) -> Self {
        self.max(Self::Unordered)
    }

    /// Of a computation over this whose result depends on the order of its records, such as the round robin
    /// of `repartition`.
    #[must_use]
    pub const fn order_sensitive(self) -> Self {
        match self {
            Self::Unordered => Self::Indeterminate,
            other => other,
        }
    }
}

/// An edge of the lineage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DependencyInfo {
    /// Parent.
    pub rdd: RddId,
    /// Which parent partitions a child partition reads.
    pub kind: DependencyKind,
}

/// Which parent partitions a child partition reads (R1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DependencyKind {
    /// Partition i reads parent partition i.
    OneToOne,
    /// Child partitions `out_start..out_start + length` read parent partitions from `in_start`.
    Range {
        /// First parent partition.
        in_start: u32,
        /// First child partition.
        out_start: u32,
        /// How many.
        length: u32,
    },
    /// Child partition i reads the parent partitions `i * parents / children..(i + 1) * parents / children`.
    Coalesced {
        /// Parent partitions.
        parents: u32,
        /// Child partitions.
        children: u32,
    },
    /// Child partition i reads parent partition `i / by`: the left side of a cartesian product.
    Quotient {
        /// Partitions of the right side.
        by: u32,
    },
    /// Child partition i reads parent partition `i % by`: the right side of a cartesian product.
    Remainder {
        /// Partitions of the right side.
        by: u32,
    },
    /// Every child partition may read every parent partition: a stage boundary.
    Shuffle {
        /// The shuffle.
        shuffle: ShuffleId,
    },
}

impl DependencyKind {
    /// The parent partitions that child partition `p` reads; none for a shuffle or outside the range.
    /// Numbers of any log give an answer.
    pub fn narrow_parents(self, p: PartitionId) -> Range<u32> {
        let one = |p: Option<u32>| p.map_or(0..0, |p| p..p.saturating_add(1));
        match self {
            Self::OneToOne => one(Some(p.0)),
            Self::Range { in_start, out_start, length } => {
                let offset = p.0.checked_sub(out_start).filter(|offset| *offset < length);
                one(offset.and_then(|offset| in_start.checked_add(offset)))
            }
            Self::Coalesced { parents, children } if p.0 < children => {
                // No more than `parents`, so it fits.
                let cut = |i: u64| (i * u64::from(parents) / u64::from(children)) as u32;
                cut(u64::from(p.0))..cut(u64::from(p.0) + 1)
            }
            Self::Quotient { by } => one(p.0.checked_div(by)),
            Self::Remainder { by } => one(p.0.checked_rem(by)),
            Self::Coalesced { .. } | Self::Shuffle { .. } => 0..0,
        }
    }
}

/// Why a job runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobOrigin {
    /// The action's call site: `count at page_rank.rs:40`.
    pub callsite: String,
    /// The batch, for jobs of a streaming program.
    pub batch: Option<BatchId>,
    /// Its time in milliseconds since 1970.
    pub batch_time_ms: Option<u64>,
    /// The output operation, for jobs of a streaming program.
    pub output_op: Option<OutputOpId>,
    /// The RDD that this job writes to a checkpoint; `None` for an action.
    pub checkpoint_of: Option<RddId>,
    /// The pool that its tasks count for, with fair scheduling (R7.5); `None` is `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
}

/// A stage, or one attempt of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageInfo {
    /// Stage and attempt.
    pub id: StageAttempt,
    /// The call site of its last RDD.
    pub name: String,
    /// Last RDD of the stage.
    pub rdd: RddId,
    /// The shuffle it writes; `None` for a result stage.
    pub shuffle: Option<ShuffleId>,
    /// Tasks of this attempt.
    pub num_tasks: u32,
    /// Parent stages.
    pub parents: Vec<StageId>,
    /// RDDs joined by narrow dependencies, the last one first.
    pub rdds: Vec<RddId>,
}

/// A task attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskInfo {
    /// Unique id of the attempt.
    pub id: TaskId,
    /// Stage and attempt.
    pub stage: StageAttempt,
    /// Index within the task set.
    pub index: u32,
    /// Attempt of this index, from 0.
    pub attempt: u32,
    /// Partition computed.
    pub partition: PartitionId,
    /// Where.
    pub executor: ExecutorId,
    /// Launch time.
    pub launched: Timestamp,
    /// End time; equals `launched` in `TaskStart`.
    pub finished: Timestamp,
    /// Whether the executor was preferred.
    pub locality: Locality,
    /// Whether it writes a shuffle.
    pub kind: TaskKind,
    /// Whether it is a second copy of a slow attempt (R6.4).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub speculative: bool,
}

/// What a task's end is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskKind {
    /// Writes map output.
    ShuffleMapTask,
    /// Returns a result.
    ResultTask,
}

/// Data locality (R7.1); there are no racks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Locality {
    /// The executor holds what the task prefers.
    ProcessLocal,
    /// An executor on the same host holds it, or the task prefers the host.
    NodeLocal,
    /// The task has no preference.
    NoPref,
    /// Elsewhere than preferred.
    Any,
}

/// A batch when its jobs were generated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchInfo {
    /// Number from 1.
    pub id: BatchId,
    /// Batch time.
    pub time: Timestamp,
    /// Input records of all input streams.
    pub records: u64,
    /// Output operations that have a job.
    pub output_ops: Vec<OutputOpId>,
    /// What each input stream gave to it, of those that say so: Spark's `streamIdToInputInfo`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<StreamId, InputPlan>,
}

/// A receiver, in Spark's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiverInfo {
    /// The input stream.
    pub stream: StreamId,
    /// Class name and what it reads: `SocketReceiver localhost:9999`.
    pub name: String,
    /// Whether it runs.
    pub active: bool,
    /// Where it runs, or ran last.
    pub executor: Option<ExecutorId>,
    /// What went wrong last; empty when nothing did.
    pub last_error_message: String,
    /// The error beneath; empty when there is none.
    pub last_error: String,
    /// When it went wrong.
    pub last_error_time: Option<Timestamp>,
}

/// A stream of the template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamInfo {
    /// Id in order of creation.
    pub id: StreamId,
    /// Operator name; the RDDs of its batches carry it.
    pub operator: OperatorName,
    /// Spark's class name, for example `FlatMappedDStream`.
    pub class: String,
    /// Call site.
    pub callsite: String,
    /// Parents in order.
    pub parents: Vec<StreamId>,
    /// Slide.
    pub slide: Millis,
    /// Window length, for windowed streams.
    pub window: Option<Millis>,
    /// Whether it reads its own earlier batches.
    pub stateful: bool,
    /// Storage level of its RDDs.
    pub level: StorageLevel,
    /// Checkpoint interval.
    pub checkpoint_interval: Option<Millis>,
    /// How long its RDDs are remembered.
    pub remember: Option<Millis>,
    /// Whether the edge from the parents is a shuffle, as far as the template tells.
    pub shuffles: bool,
}

/// An output operation of the template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputOpInfo {
    /// Id.
    pub id: OutputOpId,
    /// `print` or `foreachRDD`.
    pub name: String,
    /// Call site.
    pub callsite: String,
    /// The stream it consumes.
    pub stream: StreamId,
}

/// One part file of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointPart {
    /// File name inside the directory: `part-00003`, of a later attempt `part-00003-attempt-17`.
    pub file: String,
    /// Bytes with header.
    pub bytes: u64,
    /// Records.
    pub records: u64,
    /// CRC-32 of the payload.
    pub crc32: u32,
}

/// The first records of a block, as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// Up to 8 records, together at most 1 KiB.
    pub records: Vec<String>,
    /// Records in the block.
    pub total: u64,
}

/// A block that moved from an executor that leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MigratedBlock {
    /// Which.
    pub block: BlockId,
    /// Who has it now.
    pub to: ExecutorId,
}

/// Why a block left an executor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BlockRemoval {
    /// Made room for another block.
    Evicted,
    /// Unpersisted.
    Unpersisted,
    /// A fault dropped it.
    Dropped,
    /// Its bytes were unreadable.
    Unreadable,
}

/// A lint over the run: what, where, and the way out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable name: `checkpoint-marked-too-late`.
    pub kind: String,
    /// One sentence.
    pub message: String,
    /// Operator, RDD or line concerned.
    pub place: String,
}

/// One row of what a task read or computed: one RDD partition that passed the read boundary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadRow {
    /// RDD.
    pub rdd: RddId,
    /// Partition.
    pub partition: PartitionId,
    /// Where it came from.
    pub tier: ReadTier,
    /// The row that asked for it; `None` for the task's own RDD.
    pub needed_by: Option<u32>,
    /// Set by the driver when the partition had been computed before.
    pub cause: Option<RecomputeCause>,
    /// Records delivered.
    pub records: u64,
    /// Bytes read, for memory, disk and checkpoint.
    pub bytes: u64,
    /// Nanoseconds spent on this row: reading or computing it, and keeping it where its level says;
    /// without the rows that it asked for, and without fetching. 0 in logs before 0.2.
    #[serde(default)]
    pub self_ns: u64,
    /// Nanoseconds spent fetching map outputs for this row. 0 in logs before 0.2.
    #[serde(default)]
    pub fetch_ns: u64,
}

/// Where a partition came from, in the order in which the read boundary asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReadTier {
    /// Memory of the executor of the task.
    LocalMemory,
    /// Disk of the executor of the task.
    LocalDisk,
    /// A block of another executor.
    Remote {
        /// That executor.
        executor: ExecutorId,
    },
    /// A checkpoint file.
    Checkpoint,
    /// The write-ahead log of a receiver (R17.12).
    WriteAheadLog,
    /// Computed from its parents, or from its source.
    Computed,
}
