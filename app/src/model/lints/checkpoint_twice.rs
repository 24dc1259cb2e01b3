//! A checkpoint of an RDD that is not persisted computes everything a second time (R9.6).

use super::super::Model;
use super::repeated::tops;
use super::{FindingLine, Severity, TASKS_LOOKED_AT, place_of};
use faultline_engine::event::RecomputeCause;
use faultline_engine::ids::*;
use std::collections::BTreeMap;

pub(super) fn check(model: &Model) -> Vec<FindingLine> {
    let mut twice: BTreeMap<OperatorName, RddId> = BTreeMap::new();
    for task in model.tasks.values().rev().take(TASKS_LOOKED_AT) {
        for row in tops(&task.metrics, RecomputeCause::CheckpointJob) {
            let Some(rdd) = model.rdds.get(&row.rdd).filter(|r| !r.info.level.is_valid()) else { continue };
            twice.entry(rdd.info.op.operator.clone()).or_insert(row.rdd);
        }
    }
    let line = |(operator, rdd): (OperatorName, RddId)| FindingLine {
        kind: "checkpoint-computes-twice",
        severity: Severity::Warning,
        sentence: format!("The checkpoint's second job computed {operator} once more, because it is not persisted"),
        place: place_of(model, rdd, PartitionId(0)),
        remedy: format!("Write .persist(MEMORY_ONLY_SER) on {operator} before .checkpoint()"),
    };
    twice.into_iter().map(line).collect()
}
