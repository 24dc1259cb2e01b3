//! Batches that take longer than the interval: the delay grows until the program fails.

use super::super::Model;
use super::{FindingLine, Place, Severity, place_of};
use faultline_engine::ids::*;

/// Completed batches that are looked at.
const BATCHES: usize = 5;
/// So many of them must be late: one late batch is what a recovery looks like.
const LATE: usize = 3;

pub(super) fn check(model: &Model) -> Vec<FindingLine> {
    let interval_ns = model.streams.interval.0.saturating_mul(1_000_000);
    if interval_ns == 0 {
        return Vec::new();
    }
    let done = model.batches.values().rev().filter_map(|b| Some((b.info.id, b.processing_ns?)));
    let late: Vec<(BatchId, u64)> = done.take(BATCHES).filter(|(_, ns)| *ns > interval_ns).collect();
    let Some(&(batch, ns)) = late.first().filter(|_| late.len() >= LATE) else { return Vec::new() };
    let place = last_rdd(model, batch).unwrap_or_else(|| Place { words: format!("batch {batch}"), block: None });
    let sentence = format!(
        "{} of the last {BATCHES} batches took longer than the interval of {} ms; batch {batch} took {} ms",
        late.len(),
        model.streams.interval,
        ns / 1_000_000
    );
    let remedy = "Use a longer batch interval, more partitions or more cores".to_owned();
    vec![FindingLine { kind: "falling-behind", severity: Severity::Problem, sentence, place, remedy }]
}

/// The stage that took the batch's last job to its end.
fn last_rdd(model: &Model, batch: BatchId) -> Option<Place> {
    let job = model.jobs.get(model.batches.get(&batch)?.jobs.last()?)?;
    let stage = model.stages.get(job.stages.last()?)?;
    Some(place_of(model, stage.info.rdd, PartitionId(0)))
}
