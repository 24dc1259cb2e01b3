//! A long lineage without a checkpoint: whatever is lost is computed again from the beginning.

use super::super::{Model, RddState};
use super::{FindingLine, Severity, place_of};
use faultline_engine::ids::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Batches that state may reach back. Spark's programming guide calls a checkpoint every 5 to 10 slides
/// a good setting.
const LONG_IN_BATCHES: usize = 10;
/// RDDs on the longest path, for programs without batches: an iterative program of five RDDs a turn
/// reaches it after twenty turns, and Spark's own serializer overflows its stack at some hundreds.
const LONG_IN_RDDS: u32 = 100;
/// RDDs followed at most.
const FOLLOWED: usize = 200_000;
/// Jobs whose results are looked at, the newest ones.
const JOBS: usize = 4;

pub(super) fn check(model: &Model) -> Vec<FindingLine> {
    let jobs = model.jobs.values().rev().filter(|job| job.origin.checkpoint_of.is_none()).take(JOBS);
    let roots = jobs.filter_map(|job| Some(model.stages.get(job.stages.last()?)?.info.rdd));
    let mut seen = BTreeSet::new();
    let lines = roots.filter(|rdd| seen.insert(*rdd)).filter_map(|rdd| of_result(model, rdd));
    // The newest result tells for all.
    lines.take(1).collect()
}

fn of_result(model: &Model, root: RddId) -> Option<FindingLine> {
    let reached = reached(model, root);
    let place = place_of(model, root, PartitionId(0));
    let line = |sentence, remedy: &str| {
        let (kind, severity) = ("lineage-long", Severity::Warning);
        FindingLine { kind, severity, sentence, place: place.clone(), remedy: remedy.to_owned() }
    };
    if model.streams.zero.is_some() {
        let (operator, batches) = reaches_back(model, &reached)?;
        return (batches > LONG_IN_BATCHES).then(|| {
            line(
                format!("{operator} reaches back {batches} batches without a checkpoint"),
                "Write .checkpoint(interval) on it, every 5 to 10 batches",
            )
        });
    }
    let depth = longest_path(model, &reached, root);
    (depth > LONG_IN_RDDS).then(|| {
        line(
            format!("The lineage is {depth} RDDs long without a checkpoint"),
            "Write .checkpoint() on it every few iterations, before the first action",
        )
    })
}

/// What the result can be computed from, up to where a checkpoint cuts.
fn reached(model: &Model, root: RddId) -> BTreeSet<RddId> {
    let mut reached = BTreeSet::new();
    let mut todo = vec![root];
    while let Some(id) = todo.pop() {
        let Some(rdd) = model.rdds.get(&id).filter(|r| !r.reads_checkpoint_files()) else { continue };
        if reached.len() < FOLLOWED && reached.insert(id) {
            todo.extend(rdd.info.parents.iter().map(|p| p.rdd));
        }
    }
    reached
}

/// The stateful operator that reaches back furthest, and how many batches.
fn reaches_back(model: &Model, reached: &BTreeSet<RddId>) -> Option<(OperatorName, usize)> {
    let mut batches: BTreeMap<&OperatorName, BTreeSet<BatchId>> = BTreeMap::new();
    for rdd in reached.iter().filter_map(|id| model.rdds.get(id)) {
        let op = &rdd.info.op;
        if let Some(batch) = op.batch.filter(|_| model.is_stateful(&op.operator)) {
            batches.entry(&op.operator).or_default().insert(batch);
        }
    }
    batches.into_iter().map(|(operator, batches)| (operator.clone(), batches.len())).max_by_key(|(_, n)| *n)
}

/// RDDs on the longest path to `root`. Parents are older than their children, except those that read
/// checkpoints, which end the walk.
fn longest_path(model: &Model, reached: &BTreeSet<RddId>, root: RddId) -> u32 {
    let mut depth: BTreeMap<RddId, u32> = BTreeMap::new();
    for id in reached {
        let Some(rdd): Option<&Arc<RddState>> = model.rdds.get(id) else { continue };
        let above = rdd.info.parents.iter().filter_map(|p| depth.get(&p.rdd)).max();
        let own = above.map_or(1, |d| d + 1);
        depth.insert(*id, own);
    }
    depth.get(&root).copied().unwrap_or_default()
}
