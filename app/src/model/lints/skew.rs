//! One partition with far more records than the others: its task decides how long the stage takes.

use super::super::{Model, TaskState};
use super::{FindingLine, Severity, TASKS_LOOKED_AT, place_of};
use faultline_engine::event::TaskEndReason;
use faultline_engine::ids::*;
use std::collections::{BTreeMap, BTreeSet};

/// How many times the median the largest partition must have.
const TIMES_MEDIAN: u64 = 4;
/// Below so many records nobody waits for the largest partition.
const RECORDS_MIN: u64 = 1_000;
/// With fewer partitions a median says nothing.
const PARTITIONS_MIN: usize = 4;

pub(super) fn check(model: &Model) -> Vec<FindingLine> {
    let mut stages: BTreeMap<RddId, BTreeMap<PartitionId, u64>> = BTreeMap::new();
    for task in model.tasks.values().rev().take(TASKS_LOOKED_AT) {
        if let Some((rdd, records)) = root(task) {
            stages.entry(rdd).or_default().entry(task.info.partition).or_insert(records);
        }
    }
    let mut operators = BTreeSet::new();
    let mut lines = Vec::new();
    for (rdd, partitions) in stages.into_iter().rev() {
        let Some(of) = model.rdds.get(&rdd) else { continue };
        let Some((partition, most, median)) = skewed(&partitions) else { continue };
        let operator = of.info.op.operator.clone();
        if !operators.insert(operator.clone()) {
            continue;
        }
        lines.push(FindingLine {
            kind: "skewed",
            severity: Severity::Warning,
            sentence: format!("Partition {partition} of {operator} has {most} records, the median is {median}"),
            place: place_of(model, rdd, partition),
            remedy: "Use a key that spreads, or .repartition(n) before the shuffle".to_owned(),
        });
    }
    lines
}

/// What a successful task delivered of its own RDD.
fn root(task: &TaskState) -> Option<(RddId, u64)> {
    let success = matches!(task.end, Some(TaskEndReason::Success));
    task.metrics.reads.first().filter(|_| success).map(|row| (row.rdd, row.records))
}

fn skewed(partitions: &BTreeMap<PartitionId, u64>) -> Option<(PartitionId, u64, u64)> {
    let mut sizes: Vec<u64> = partitions.values().copied().collect();
    sizes.sort_unstable();
    let median = *sizes.get(sizes.len() / 2)?;
    let (partition, most) = partitions.iter().max_by_key(|(_, records)| **records)?;
    let large = *most >= RECORDS_MIN && *most > median.saturating_mul(TIMES_MEDIAN);
    (sizes.len() >= PARTITIONS_MIN && large).then_some((*partition, *most, median))
}
