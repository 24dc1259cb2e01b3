//! A partition of a replicated level with a single copy, although there is room for a second.

use super::super::{Model, RddState};
use super::{FindingLine, RDDS_LOOKED_AT, Severity, place_of};
use faultline_engine::ids::*;
use std::collections::BTreeSet;

pub(super) fn check(model: &Model) -> Vec<FindingLine> {
    let alive = model.executors.values().filter(|e| e.alive).count();
    let mut operators = BTreeSet::new();
    let mut lines = Vec::new();
    for rdd in model.rdds.values().rev().take(RDDS_LOOKED_AT) {
        let wanted = usize::from(rdd.info.level.replication);
        let replicated = rdd.info.level.is_valid() && wanted >= 2 && !rdd.ghost && !rdd.released;
        if !replicated || operators.contains(&rdd.info.op.operator) {
            continue;
        }
        let Some((first, few)) = with_few_copies(rdd, wanted.min(alive)) else { continue };
        operators.insert(rdd.info.op.operator.clone());
        let level = rdd.info.level;
        let verb = if few == 1 { "has" } else { "have" };
        lines.push(FindingLine {
            kind: "under-replicated",
            severity: Severity::Warning,
            sentence: format!(
                "{few} of {} partitions {verb} fewer than {wanted} copies, although {alive} executors are up",
                rdd.partitions.len()
            ),
            place: place_of(model, rdd.info.id, first),
            remedy: format!("Give executors more memory for {level}, or use a level that also keeps on disk"),
        });
    }
    lines
}

/// The first partition with some copy and fewer than there could be, and how many there are.
fn with_few_copies(rdd: &RddState, possible: usize) -> Option<(PartitionId, usize)> {
    let few = (0..).map(PartitionId).zip(&rdd.partitions).filter(|(_, p)| (1..possible).contains(&p.copies.len()));
    let few: Vec<PartitionId> = few.map(|(id, _)| id).collect();
    Some((*few.first()?, few.len()))
}
