//! The partition cell: the one alphabet of the product.

use super::{CHECKPOINT_RDD_CLASS, Model, PartitionState, RddState};
use faultline_engine::ids::*;

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

impl Sign {
    /// Every sign, in the order of the legend.
    pub const ALL: [Self; 10] = [
        Self::NeverComputed,
        Self::ComputedNotKept,
        Self::Computing,
        Self::ComputingAgain,
        Self::InMemory,
        Self::OnDisk,
        Self::ReadBack,
        Self::CheckpointPart,
        Self::Lost,
        Self::Evicted,
    ];

    /// Its words in the legend and for assistive technology.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NeverComputed => "never computed",
            Self::ComputedNotKept => "computed, not kept",
            Self::Computing => "computing",
            Self::ComputingAgain => "computing again",
            Self::InMemory => "in memory",
            Self::OnDisk => "on disk",
            Self::ReadBack => "read back",
            Self::CheckpointPart => "checkpoint part",
            Self::Lost => "lost",
            Self::Evicted => "evicted",
        }
    }
}

impl RddState {
    /// The cell of one of its partitions.
    pub fn cell(&self, partition: PartitionId) -> Cell {
        let Some(state) = self.partition(partition) else { return Cell::never_computed(partition) };
        Cell {
            partition,
            sign: self.sign(state),
            copies: u8::try_from(state.copies.len()).unwrap_or(u8::MAX),
            checkpointed: self.checkpoint_path.is_some(),
            recomputed: state.recomputed,
        }
    }

    /// What happens now comes first, then the best place to read from, then what became of it.
    fn sign(&self, state: &PartitionState) -> Sign {
        let checkpointed = self.checkpoint_path.is_some();
        if state.computing_again {
            Sign::ComputingAgain
        } else if !state.computing.is_empty() {
            Sign::Computing
        } else if state.read_back {
            // Where the walk ended stays in sight until the next fault, whatever holds the data since.
            Sign::ReadBack
        } else if state.copies.values().any(|c| c.in_memory()) {
            Sign::InMemory
        } else if !state.copies.is_empty() {
            Sign::OnDisk
        } else if state.lost_with.is_some() && !checkpointed {
            Sign::Lost
        } else if state.evicted {
            Sign::Evicted
        } else if checkpointed || self.info.class == CHECKPOINT_RDD_CLASS {
            Sign::CheckpointPart
        } else if state.computed > 0 || state.read_back_by.is_some() {
            Sign::ComputedNotKept
        } else {
            Sign::NeverComputed
        }
    }
}

impl Cell {
    const fn never_computed(partition: PartitionId) -> Self {
        Self { partition, sign: Sign::NeverComputed, copies: 0, checkpointed: false, recomputed: false }
    }
}

impl Model {
    /// The cell of a partition; never computed when the RDD is not known.
    pub fn cell(&self, rdd: RddId, partition: PartitionId) -> Cell {
        self.rdds.get(&rdd).map_or(Cell::never_computed(partition), |r| r.cell(partition))
    }
}
