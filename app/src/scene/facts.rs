//! What the scene asks of the model: cells, counts, RDDs by operator and batch, ticks.

use super::{NodeKey, Tick};
use crate::model::{Cell, Model, PartitionState, RddState, Sign};
use faultline_engine::event::RddInfo;
use faultline_engine::ids::*;
use std::collections::BTreeMap;

/// RDDs by operator and batch, in the order of their ordinals. RDDs that read a checkpoint are not
/// here: they are drawn as the file.
pub(super) type Operators = BTreeMap<OperatorName, BTreeMap<Option<BatchId>, Vec<RddId>>>;

/// The RDDs of a model by operator.
pub(super) fn operators(model: &Model) -> Operators {
    let mut operators = Operators::new();
    for rdd in model.rdds.values().filter(|r| !reads_checkpoint(&r.info)) {
        let batches = match operators.get_mut(&rdd.info.op.operator) {
            Some(batches) => batches,
            None => operators.entry(rdd.info.op.operator.clone()).or_default(),
        };
        batches.entry(rdd.info.op.batch).or_default().push(rdd.info.id);
    }
    operators
}

/// Whether an RDD is the reader of a checkpoint's files.
pub(super) fn reads_checkpoint(info: &RddInfo) -> bool {
    info.class == "ReliableCheckpointRDD"
}

/// The cell of one partition.
pub(super) fn cell(rdd: &RddState, partition: PartitionId) -> Cell {
    let unknown = PartitionState::default();
    let state = rdd.partitions.get(partition.0 as usize).unwrap_or(&unknown);
    Cell {
        partition,
        sign: sign(rdd, state),
        copies: state.copies.len().min(usize::from(u8::MAX)) as u8,
        checkpointed: rdd.checkpoint_path.is_some(),
        recomputed: state.recomputed,
    }
}

/// What happens now comes first, then the best tier that holds the data, then what became of it.
fn sign(rdd: &RddState, state: &PartitionState) -> Sign {
    if reads_checkpoint(&rdd.info) {
        Sign::CheckpointPart
    } else if !state.computing.is_empty() {
        if state.computing_again { Sign::ComputingAgain } else { Sign::Computing }
    } else if state.copies.values().any(|c| c.memory_bytes > 0) {
        Sign::InMemory
    } else if !state.copies.is_empty() {
        Sign::OnDisk
    } else if state.read_back {
        Sign::ReadBack
    } else if state.lost_with.is_some() {
        Sign::Lost
    } else if state.evicted {
        Sign::Evicted
    } else if state.computed > 0 {
        Sign::ComputedNotKept
    } else {
        Sign::NeverComputed
    }
}

/// How many partitions show each sign, in alphabet order, signs without partitions left out.
pub(super) fn counts(rdd: &RddState) -> Vec<(Sign, u32)> {
    let mut counts = BTreeMap::new();
    let unknown = rdd.info.num_partitions.saturating_sub(rdd.partitions.len() as u32);
    if unknown > 0 {
        counts.insert(sign(rdd, &PartitionState::default()), unknown);
    }
    for state in rdd.partitions.iter().take(rdd.info.num_partitions as usize) {
        *counts.entry(sign(rdd, state)).or_insert(0) += 1;
    }
    counts.into_iter().collect()
}

/// Whether some partition is computed now.
pub(super) fn is_computing(rdd: &RddState) -> bool {
    rdd.partitions.iter().any(|p| !p.computing.is_empty())
}

/// Whether some partition was read from the checkpoint since the last fault.
pub(super) fn is_read_back(rdd: &RddState) -> bool {
    rdd.partitions.iter().any(|p| p.read_back)
}

/// Whether data of this RDD is or will be kept somewhere.
pub(super) fn is_stored(rdd: &RddState) -> bool {
    rdd.info.level.is_valid() || rdd.checkpoint_marked || rdd.checkpoint_writing || rdd.checkpoint_path.is_some()
}

/// One tick per map output of these shuffles; `map_side` tells how many an unknown shuffle will have.
pub(super) fn ticks(model: &Model, shuffles: &[(ShuffleId, RddId)]) -> Vec<Tick> {
    let mut ticks = Vec::new();
    for (shuffle, map_side) in shuffles {
        let before = ticks.len();
        if let Some(state) = model.shuffles.get(shuffle) {
            ticks.extend(state.outputs.iter().map(|output| match (output.executor, output.lost_with) {
                _ if state.removed => Tick::Absent,
                (Some(_), _) if output.rewritten => Tick::Rewritten,
                (Some(_), _) => Tick::Present,
                (None, Some(_)) => Tick::Lost,
                (None, None) => Tick::Absent,
            }));
        }
        let expected = model.rdds.get(map_side).map_or(0, |r| r.info.num_partitions as usize);
        let missing = expected.saturating_sub(ticks.len() - before);
        ticks.extend(std::iter::repeat_n(Tick::Absent, missing));
    }
    ticks
}

/// What of an operator a node key names.
#[derive(Clone, Copy)]
pub(super) enum KeyOf {
    Operator,
    CheckpointFile,
}

/// The key of a node: 64-bit FNV-1a of what it stands for, operator and batch.
pub(super) fn key(of: KeyOf, operator: &OperatorName, batch: Option<BatchId>) -> NodeKey {
    let tag: &[u8] = match of {
        KeyOf::Operator => b"operator",
        KeyOf::CheckpointFile => b"checkpoint",
    };
    let number = batch.map_or(0, |b| u64::from(b.0) + 1).to_le_bytes();
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for &byte in tag.iter().chain(&number).chain(operator.as_str().as_bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    NodeKey(hash)
}
