//! Computed again and not persisted: two jobs read what neither keeps.

use super::super::Model;
use super::{FindingLine, Severity, TASKS_LOOKED_AT, place_of};
use faultline_engine::event::{ReadRow, ReadTier, RecomputeCause, TaskMetrics};
use faultline_engine::ids::*;
use std::collections::BTreeMap;

/// Rows of one task that are looked at.
const ROWS: usize = 1_024;

pub(super) fn check(model: &Model) -> Vec<FindingLine> {
    let mut repeated: BTreeMap<RddId, u32> = BTreeMap::new();
    for task in model.tasks.values().rev().take(TASKS_LOOKED_AT) {
        for row in tops(&task.metrics, RecomputeCause::NeverPersisted) {
            *repeated.entry(row.rdd).or_default() += 1;
        }
    }
    // A pass over the whole RDD, not a partition that an early task happened to share.
    let whole = |(rdd, times): (RddId, u32)| {
        let partitions = model.rdds.get(&rdd)?.info.num_partitions;
        let kept = model.rdds.get(&rdd)?.info.level.is_valid();
        (!kept && partitions > 0 && times >= partitions).then(|| (rdd, times.div_ceil(partitions)))
    };
    let mut operators: BTreeMap<OperatorName, (RddId, u32)> = BTreeMap::new();
    for (rdd, passes) in repeated.into_iter().filter_map(whole) {
        if let Some(of) = model.rdds.get(&rdd) {
            let entry = operators.entry(of.info.op.operator.clone()).or_insert((rdd, 0));
            *entry = (rdd, entry.1 + passes);
        }
    }
    let line = |(operator, (rdd, passes)): (OperatorName, (RddId, u32))| FindingLine {
        kind: "recomputed-not-persisted",
        severity: Severity::Warning,
        sentence: match passes {
            1 => format!("{operator} was computed again, because it is not persisted"),
            n => format!("{operator} was computed again {n} times, because it is not persisted"),
        },
        place: place_of(model, rdd, PartitionId(0)),
        remedy: format!("Write .persist(MEMORY_ONLY_SER) after {operator}"),
    };
    operators.into_iter().map(line).collect()
}

/// The rows where a repetition begins: repeated for a cause, asked for by one that is not. What they
/// are computed from would not be read if they were kept.
pub(super) fn tops(metrics: &TaskMetrics, cause: RecomputeCause) -> impl Iterator<Item = &ReadRow> {
    let repeats = move |row: &&ReadRow| row.tier == ReadTier::Computed && row.cause == Some(cause);
    let asked_anew = |row: &&ReadRow| {
        let asker = row.needed_by.and_then(|n| metrics.reads.get(n as usize));
        asker.is_none_or(|asker| asker.cause.is_none())
    };
    metrics.reads.iter().take(ROWS).filter(repeats).filter(asked_anew)
}
