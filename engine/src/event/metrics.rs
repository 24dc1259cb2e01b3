//! What a task did, in numbers.

use super::{BlockRemoval, ReadRow, RecomputeCause};
use crate::ids::AccumulatorId;
use serde::{Deserialize, Serialize};

/// Where durations come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DurationSource {
    /// A clock.
    #[default]
    Measured,
    /// The cost model of the simulator.
    Modelled,
}

/// What one task attempt did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskMetrics {
    /// Run time in nanoseconds.
    pub run_ns: u64,
    /// Measured or modelled.
    pub duration_source: DurationSource,
    /// Shuffle input.
    pub shuffle_read: ShuffleMetrics,
    /// Shuffle output.
    pub shuffle_write: ShuffleMetrics,
    /// Records read from the program's sources.
    pub source_records: u64,
    /// Bytes of checkpoint parts read.
    pub checkpoint_bytes_read: u64,
    /// Bytes of checkpoint parts written.
    pub checkpoint_bytes_written: u64,
    /// Every RDD partition that passed the read boundary, the task's own first.
    pub reads: Vec<ReadRow>,
    /// Nanoseconds spent writing map output and checkpoint parts. What is left of `run_ns` after this
    /// and the times of the rows went into starting the task and into its result. 0 in logs before 0.2.
    #[serde(default)]
    pub write_ns: u64,
    /// What it saved outside of the engine.
    #[serde(default, skip_serializing_if = "OutputMetrics::is_nothing")]
    pub output: OutputMetrics,
    /// Named accumulators to which it added something that counts (R2.13).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accumulables: Vec<AccumulableInfo>,
    /// Bytes of its result on the way to the driver, estimated from a sample of its records (R4.4); 0
    /// in logs that do not say.
    #[serde(default)]
    pub result_bytes: u64,
    /// Why the task as a whole repeats work: its map output had been registered before.
    pub rerun_cause: Option<RecomputeCause>,
}

/// What a task saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputMetrics {
    /// Bytes.
    pub bytes: u64,
    /// Records.
    pub records: u64,
}

impl OutputMetrics {
    /// Whether it saved nothing, not even a record without bytes.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// What a task added to a named accumulator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccumulableInfo {
    /// The accumulator.
    pub id: AccumulatorId,
    /// Its name.
    pub name: String,
    /// What the task added, as text; `None` for values of a type of the program.
    pub update: Option<String>,
    /// The value afterwards, as text.
    pub value: Option<String>,
}

/// Shuffle traffic of one task, in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShuffleMetrics {
    /// Bytes.
    pub bytes: u64,
    /// Records.
    pub records: u64,
    /// Blocks: map outputs times reduce partitions touched.
    pub blocks: u64,
    /// Of these, from or to other executors.
    pub remote_blocks: u64,
}

/// State of one block on one executor, as the executor reports it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockStatus {
    /// Bytes in memory.
    pub memory_bytes: u64,
    /// Bytes on disk.
    pub disk_bytes: u64,
    /// Why it left, when both are zero.
    pub removal: Option<BlockRemoval>,
}
