//! What the scene asks of the model: counts, stored or not, ticks; and the keys of nodes.

use super::{NodeKey, Tick};
use crate::model::{MapOutputSign, Model, RddState, Sign};
use faultline_engine::ids::*;
use std::collections::BTreeMap;

/// How many partitions show each sign, in alphabet order, signs without partitions left out.
pub(super) fn counts(rdd: &RddState) -> Vec<(Sign, u32)> {
    let mut counts = BTreeMap::new();
    for partition in 0..rdd.info.num_partitions {
        *counts.entry(rdd.cell(PartitionId(partition)).sign).or_insert(0) += 1;
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
            ticks.extend(state.outputs.iter().map(|output| match output.sign() {
                _ if state.removed => Tick::Absent,
                MapOutputSign::Absent => Tick::Absent,
                MapOutputSign::Present => Tick::Present,
                MapOutputSign::Rewritten => Tick::Rewritten,
                MapOutputSign::Lost => Tick::Lost,
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
