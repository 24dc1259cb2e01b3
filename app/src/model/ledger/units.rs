//! What shares a fate, and which fates there are.

use faultline_engine::event::InputPlan;
use faultline_engine::ids::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::{AddAssign, SubAssign};
use std::sync::Arc;

/// Records that came together and share their fate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum InputUnit {
    /// A block of a receiver.
    Block(InputBlockId),
    /// A file of a directory.
    File {
        /// The input stream.
        stream: StreamId,
        /// Its path.
        path: String,
    },
    /// What a batch took of something that can be read at any place.
    Range {
        /// The input stream.
        stream: StreamId,
        /// The batch.
        batch: BatchId,
    },
    /// What a receiver had gathered when it ended: it was never stored.
    Gathered {
        /// The input stream.
        stream: StreamId,
        /// Counts them.
        number: u64,
    },
}

impl InputUnit {
    /// What an input stream gave to a batch, in order, with the records that are known.
    pub(super) fn of_plan(stream: StreamId, batch: BatchId, plan: &InputPlan) -> Vec<(Self, Option<u64>)> {
        match plan {
            InputPlan::Blocks { blocks } => {
                blocks.iter().map(|block| (Self::Block(block.id), Some(block.records))).collect()
            }
            InputPlan::Files { paths } => {
                paths.iter().map(|path| (Self::File { stream, path: path.clone() }, None)).collect()
            }
            InputPlan::Range { records, .. } => vec![(Self::Range { stream, batch }, Some(*records))],
        }
    }

    /// Its input stream.
    pub const fn stream(&self) -> StreamId {
        match self {
            Self::Block(block) => block.stream,
            Self::File { stream, .. } | Self::Range { stream, .. } | Self::Gathered { stream, .. } => *stream,
        }
    }
}

impl fmt::Display for InputUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Block(block) => block.fmt(f),
            Self::File { path, .. } => f.write_str(path),
            Self::Range { stream, batch } => write!(f, "range of stream {stream}, batch {batch}"),
            Self::Gathered { stream, .. } => write!(f, "gathered for stream {stream}"),
        }
    }
}

/// What became of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Fate {
    /// Nobody knows yet.
    #[default]
    Pending,
    /// It is in the output once.
    Once,
    /// It is in the output more than once.
    Duplicated,
    /// It will not be in the output.
    Lost,
}

impl Fate {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 4] = [Self::Once, Self::Duplicated, Self::Lost, Self::Pending];

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Once => "once",
            Self::Duplicated => "duplicated",
            Self::Lost => "lost",
        }
    }
}

/// One unit, and its life so far.
#[derive(Clone, Debug, PartialEq)]
pub struct LedgerUnit {
    /// Which.
    pub unit: InputUnit,
    /// Its records; of a file once a task has read it.
    pub records: Option<u64>,
    /// Where it was received.
    pub executor: Option<ExecutorId>,
    /// Who held it when it was accepted.
    pub holders: Vec<ExecutorId>,
    /// The segment of the write-ahead log that has it.
    pub segment: Option<u64>,
    /// The last line of each client in it, of a source that acknowledges.
    pub clients: BTreeMap<String, u64>,
    /// The batch that it belongs to.
    pub batch: Option<BatchId>,
    /// How often tasks computed it, to the end of the last batch that did.
    pub computed: u64,
    /// How often it is in the output.
    pub outputs: u64,
    /// What became of it.
    pub fate: Fate,
    /// Why that is so; nothing for the ordinary.
    pub reason: Option<Arc<str>>,
    /// The drivers under which its batch had it.
    pub(super) given_by: Vec<u64>,
    /// Why it is not there any more, if it is not.
    pub(super) gone: Option<Arc<str>>,
}

impl LedgerUnit {
    pub(super) const fn new(unit: InputUnit, records: Option<u64>) -> Self {
        Self {
            unit,
            records,
            executor: None,
            holders: Vec::new(),
            segment: None,
            clients: BTreeMap::new(),
            batch: None,
            computed: 0,
            outputs: 0,
            fate: Fate::Pending,
            reason: None,
            given_by: Vec::new(),
            gone: None,
        }
    }

    pub(super) fn count(&self) -> Count {
        Count { units: 1, records: self.records.unwrap_or(0) }
    }
}

/// So many units, and the records in them that are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Blocks, files and ranges.
    pub units: u64,
    /// Records.
    pub records: u64,
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.units = self.units.saturating_add(other.units);
        self.records = self.records.saturating_add(other.records);
    }
}

impl SubAssign for Count {
    fn sub_assign(&mut self, other: Self) {
        self.units = self.units.saturating_sub(other.units);
        self.records = self.records.saturating_sub(other.records);
    }
}

/// Everything that was received, by its fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// All of it.
    pub received: Count,
    /// In the output once.
    pub once: Count,
    /// In the output more than once.
    pub duplicated: Count,
    /// Not in the output, and never will be.
    pub lost: Count,
    /// Not in the output yet.
    pub pending: Count,
    /// Lines that clients sent again and that were dropped, because they were stored already.
    pub dropped_again: u64,
    /// Records of blocks that were not accepted, and whose clients send them again.
    pub refused: u64,
}

impl Totals {
    /// Those of one fate.
    pub const fn of(&self, fate: Fate) -> Count {
        match fate {
            Fate::Pending => self.pending,
            Fate::Once => self.once,
            Fate::Duplicated => self.duplicated,
            Fate::Lost => self.lost,
        }
    }

    pub(super) const fn of_mut(&mut self, fate: Fate) -> &mut Count {
        match fate {
            Fate::Pending => &mut self.pending,
            Fate::Once => &mut self.once,
            Fate::Duplicated => &mut self.duplicated,
            Fate::Lost => &mut self.lost,
        }
    }
}
