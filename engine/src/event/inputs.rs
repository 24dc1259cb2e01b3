//! What batches are given to read, and what of it is no longer there.

use super::is_zero;
use crate::ids::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// What an input stream gives to a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InputPlan {
    /// These files.
    Files {
        /// Paths, in order.
        paths: Vec<String>,
    },
    /// What a receiver stored.
    Blocks {
        /// Its blocks, in order.
        blocks: Vec<PlannedBlock>,
    },
    /// Consecutive records of something that can be read at any place.
    Range {
        /// The first, from 0.
        first: u64,
        /// How many.
        records: u64,
    },
}

impl fmt::Display for InputPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files { paths } if paths.is_empty() => f.write_str("no files"),
            Self::Files { paths } => write!(f, "files {}", paths.join(", ")),
            Self::Blocks { blocks } if blocks.is_empty() => f.write_str("no blocks"),
            Self::Blocks { blocks } => {
                for (i, block) in blocks.iter().enumerate() {
                    write!(f, "{}{} ({} records)", if i == 0 { "" } else { ", " }, block.id, block.records)?;
                }
                Ok(())
            }
            Self::Range { first, records } => write!(f, "{records} records from {first}"),
        }
    }
}

/// A block that a batch was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedBlock {
    /// Which.
    pub id: InputBlockId,
    /// Records.
    pub records: u64,
}

/// A block that a former driver accepted, as its log of received blocks says (R18.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveredBlock {
    /// Which.
    pub id: InputBlockId,
    /// Records.
    pub records: u64,
    /// The batch that it was given to; `None` while it waits for one.
    pub batch: Option<BatchId>,
    /// Whether the write-ahead log has its records. Else they went with the executors of that driver.
    pub logged: bool,
}

/// A block of a receiver that the driver accepted (R17.10).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddedBlock {
    /// Which.
    pub block: InputBlockId,
    /// Where the receiver runs.
    pub executor: ExecutorId,
    /// Records.
    pub records: u64,
    /// Lines that came again and were dropped since the block before: they are in an earlier one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub duplicates: u64,
    /// The last line of each client whose lines are in it; empty for sources without acknowledgements.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub clients: BTreeMap<String, u64>,
    /// The segment of the write-ahead log that has its records, if one has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<u64>,
    /// Bytes of them there.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub logged_bytes: u64,
    /// Records that its receiver had gathered when it was stored, and that were in no stored block yet.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub buffered: u64,
}

impl AddedBlock {
    /// A block in no log, of a source without acknowledgements.
    pub const fn new(block: InputBlockId, executor: ExecutorId, records: u64) -> Self {
        Self {
            block,
            executor,
            records,
            duplicates: 0,
            clients: BTreeMap::new(),
            segment: None,
            logged_bytes: 0,
            buffered: 0,
        }
    }
}

/// What a driver found in the log of received blocks that a former one wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveredBlocks {
    /// Blocks of which something is still needed, by number; those of batches first.
    pub blocks: Vec<RecoveredBlock>,
}

/// Blocks that a batch was given and that nobody holds any more (R17.11): it goes on without them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostBlocks {
    /// The batch.
    pub batch: BatchId,
    /// The blocks.
    pub blocks: Vec<PlannedBlock>,
    /// Who had them, and why they are gone.
    pub reason: String,
}

/// A block that a receiver stored and that does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedBlock {
    /// Which.
    pub block: InputBlockId,
    /// Records.
    pub records: u64,
    /// Whether its clients were told nothing, and send the lines again.
    pub resent: bool,
    /// Why.
    pub reason: String,
}

/// Records that a receiver had gathered, and that are stored nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostRecords {
    /// The input stream.
    pub stream: StreamId,
    /// Where the receiver ran.
    pub executor: ExecutorId,
    /// How many.
    pub records: u64,
    /// Why.
    pub reason: String,
}

/// A write-ahead log of received blocks changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdatedLog {
    /// How.
    pub update: LogUpdate,
}

impl From<LogUpdate> for super::Event {
    fn from(update: LogUpdate) -> Self {
        Self::ReceivedLogUpdated(UpdatedLog { update })
    }
}

/// What changed in the write-ahead logs of received blocks: that of the driver, which says which batch was given which
/// block, and those of the receivers, which have the records themselves. What is written into those is told with each
/// [`AddedBlock`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogUpdate {
    /// The driver wrote into a segment of its log; told when a batch was given its blocks, or was cleaned.
    Written(WrittenSegment),
    /// A driver that begins found this segment of that log, and this is all that it says.
    Found(WrittenSegment),
    /// Segments of that log are deleted: nothing of what they say is needed.
    Deleted {
        /// Their numbers.
        segments: Vec<u64>,
    },
    /// Segments of the log of a receiver are given free: no batch needs their blocks.
    Released {
        /// Whose.
        stream: StreamId,
        /// The first segment that stays.
        before: u64,
    },
}

/// What is written into a segment of the driver's log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenSegment {
    /// Its number.
    pub segment: u64,
    /// Blocks that were accepted.
    pub blocks: u64,
    /// Batches that were given blocks.
    pub batches: Vec<BatchId>,
    /// Batches of which nothing is needed any more.
    pub cleaned: Vec<BatchId>,
    /// Bytes of all of it, without what frames it.
    pub bytes: u64,
}
