//! A checkpoint with every batch: its second job runs as often as the program itself.

use super::super::Model;
use super::{FindingLine, Severity, place_of};
use faultline_engine::event::StreamInfo;
use faultline_engine::ids::*;
use std::sync::Arc;

/// Consecutive batches with a checkpoint from which on it is a habit.
const BATCHES: usize = 3;

pub(super) fn check(model: &Model) -> Vec<FindingLine> {
    model.streams.streams.iter().filter_map(|stream| of_stream(model, stream)).collect()
}

fn of_stream(model: &Model, stream: &Arc<StreamInfo>) -> Option<FindingLine> {
    let instances = model.operator_instances(&stream.operator)?;
    let checkpointed = |rdds: &imbl::Vector<RddId>| rdds.iter().copied().find(|id| model.checkpoints.contains_key(id));
    let newest = instances.iter().rev().filter(|(batch, _)| batch.is_some());
    // The batch that runs may not have written its own yet.
    let mut run = newest.map(|(_, rdds)| checkpointed(rdds)).skip_while(Option::is_none).take(BATCHES);
    let last = run.next()??;
    if run.flatten().count() + 1 < BATCHES {
        return None;
    }
    let operator = &stream.operator;
    Some(FindingLine {
        kind: "checkpointed-every-batch",
        severity: Severity::Note,
        sentence: format!("{operator} is checkpointed with every batch"),
        place: place_of(model, last, PartitionId(0)),
        remedy: "Write .checkpoint(interval) with 5 to 10 batch intervals".to_owned(),
    })
}
