//! Identities and units: newtypes, so that no two of them can be confused.
//!
//! Owns every id that crosses a module boundary. Must not know anything above it.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($repr:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $repr);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

id!(
    /// An RDD of this application, numbered in the order of creation. Only displays:
    /// a checkpoint creates an RDD and shifts all later ids, so [`OpKey`] identifies.
    RddId(u32)
);
id!(
    /// A partition of an RDD, `0..num_partitions`.
    PartitionId(u32)
);
id!(
    /// A shuffle dependency.
    ShuffleId(u32)
);
id!(
    /// A job: one action, or one checkpoint write.
    JobId(u32)
);
id!(
    /// A stage. Parents have lower ids than children (R2.3).
    StageId(u32)
);
id!(
    /// One attempt of one task, unique in the application (R4.5).
    TaskId(u64)
);
id!(
    /// An executor incarnation: a restarted executor is a new one with a new id. Counted from 1.
    ExecutorId(u32)
);
id!(
    /// A host on which executors run. Counted from 1.
    HostId(u32)
);
id!(
    /// A `DStream` of the template.
    StreamId(u32)
);
id!(
    /// An accumulator, numbered in the order of creation.
    AccumulatorId(u64)
);
id!(
    /// A broadcast variable, numbered in the order of creation.
    BroadcastId(u64)
);
id!(
    /// An output operation of the template, in registration order.
    OutputOpId(u32)
);
id!(
    /// A batch, counted from 1 since the zero time of the streaming context.
    BatchId(u32)
);
id!(
    /// A point in time: nanoseconds since 1970-01-01T00:00:00Z, virtual or real.
    Timestamp(u64)
);
id!(
    /// A duration in milliseconds.
    Millis(u64)
);

/// Where every virtual clock starts: 2026-01-01T00:00:00Z.
pub const VIRTUAL_EPOCH: Timestamp = Timestamp(1_767_225_600_000_000_000);

impl Timestamp {
    /// Whole milliseconds since 1970, as Spark writes times.
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000_000
    }

    /// The time `ns` nanoseconds later, or the last one there is.
    #[must_use]
    pub const fn plus_ns(self, ns: u64) -> Self {
        Self(self.0.saturating_add(ns))
    }

    /// The time `ms` milliseconds later, or the last one there is.
    #[must_use]
    pub const fn plus(self, ms: Millis) -> Self {
        self.plus_ns(ms.0.saturating_mul(1_000_000))
    }

    /// Nanoseconds since `earlier`, zero when `earlier` is later.
    pub const fn ns_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Milliseconds since `earlier`, with fractions.
    pub fn ms_since(self, earlier: Self) -> f64 {
        self.ns_since(earlier) as f64 / 1e6
    }
}

/// The name of an operator of the program: `flatMap`, or `map#2` when repeated.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperatorName(pub Arc<str>);

impl OperatorName {
    /// The `ordinal`-th (from 1) operator called `name`.
    pub fn new(name: &str, ordinal: u32) -> Self {
        if ordinal <= 1 { Self(name.into()) } else { Self(format!("{name}#{ordinal}").into()) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for OperatorName {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for OperatorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What identifies an RDD across runs and lanes: the operator that made it, the batch it belongs to,
/// and which of the operator's RDDs it is (`updateStateByKey` makes three; the last is the result).
/// Keys random streams, cost jitter, policies, faults and the comparison of lanes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OpKey {
    /// The operator.
    pub operator: OperatorName,
    /// The batch, for RDDs made by a stream.
    pub batch: Option<BatchId>,
    /// Which of the operator's RDDs in this batch, from 0.
    pub ordinal: u32,
}

impl fmt::Display for OpKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.operator)?;
        if let Some(batch) = self.batch {
            write!(f, "/{batch}")?;
        }
        if self.ordinal > 0 {
            write!(f, ".{}", self.ordinal)?;
        }
        Ok(())
    }
}

/// A stored partition of an RDD, printed as Spark does: `rdd_4_1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BlockId {
    /// The RDD.
    pub rdd: RddId,
    /// The partition.
    pub partition: PartitionId,
}

impl BlockId {
    /// The block of `partition` of `rdd`.
    pub const fn new(rdd: RddId, partition: PartitionId) -> Self {
        Self { rdd, partition }
    }
}

impl fmt::Display for BlockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rdd_{}_{}", self.rdd, self.partition)
    }
}

/// A block that a receiver stored, printed as Spark does: `input-0-1700000000200`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InputBlockId {
    /// The input stream.
    pub stream: StreamId,
    /// The time in milliseconds at which the block was closed.
    pub number: u64,
}

impl fmt::Display for InputBlockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "input-{}-{}", self.stream, self.number)
    }
}

/// Whatever an executor's block store keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StoredId {
    /// A partition of an RDD.
    Rdd(BlockId),
    /// A block of a receiver.
    Input(InputBlockId),
}

impl StoredId {
    /// The RDD, for a partition of one.
    pub const fn rdd(self) -> Option<RddId> {
        match self {
            Self::Rdd(block) => Some(block.rdd),
            Self::Input(_) => None,
        }
    }
}

impl From<BlockId> for StoredId {
    fn from(id: BlockId) -> Self {
        Self::Rdd(id)
    }
}

impl From<InputBlockId> for StoredId {
    fn from(id: InputBlockId) -> Self {
        Self::Input(id)
    }
}

impl fmt::Display for StoredId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rdd(id) => fmt::Display::fmt(id, f),
            Self::Input(id) => fmt::Display::fmt(id, f),
        }
    }
}

/// A place that a partition prefers to be computed at (R2.14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskLocation {
    /// An executor, because it holds what the task reads; its host comes second.
    Executor(ExecutorId),
    /// Any executor of a host.
    Host(HostId),
}

/// One attempt of a stage: printed as Spark does, `14.0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StageAttempt {
    /// The stage.
    pub stage: StageId,
    /// The attempt, from 0.
    pub attempt: u32,
}

impl fmt::Display for StageAttempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.stage, self.attempt)
    }
}
