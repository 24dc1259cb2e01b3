//! What things are called in a chain.

use super::super::labels::base_name;
use crate::model::{JobState, Model};
use faultline_engine::ids::*;

/// `state 7`, `flatMap of batch 7`, `reduceByKey of iteration 3`, `reduceByKey`.
pub fn rdd_name(model: &Model, rdd: RddId) -> String {
    let Some(state) = model.rdds.get(&rdd) else { return format!("RDD {rdd}") };
    let op = &state.info.op;
    match (op.batch, &state.info.scope) {
        (Some(batch), _) if model.is_stateful(&op.operator) => format!("state {batch}"),
        (Some(batch), _) => format!("{} of batch {batch}", base_name(&op.operator)),
        (None, Some(scope)) => format!("{} of {scope}", base_name(&op.operator)),
        (None, None) => op.operator.to_string(),
    }
}

/// `state 7, partition 2`.
pub fn partition_name(model: &Model, block: BlockId) -> String {
    format!("{}, partition {}", rdd_name(model, block.rdd), block.partition)
}

/// One RDD of a chain of narrow ones: `RDD 40, MapPartitionsRDD of updateStateByKey`.
pub(super) fn narrow_step(model: &Model, rdd: RddId) -> String {
    match model.rdds.get(&rdd) {
        Some(state) => format!("RDD {rdd}, {} of {}", state.info.display_name(), base_name(&state.info.op.operator)),
        None => format!("RDD {rdd}"),
    }
}

/// Who asked first: `batch 8`, `the checkpoint of state 5`, `job 3`.
pub(super) fn asker(model: &Model, job: &JobState) -> String {
    match (job.origin.checkpoint_of, job.origin.batch) {
        (Some(rdd), _) => format!("the checkpoint of {}", rdd_name(model, rdd)),
        (None, Some(batch)) => format!("batch {batch}"),
        (None, None) => format!("job {}", job.id),
    }
}

/// A count with its noun.
pub(super) fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// Words that differ while the task runs and after it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tense {
    /// It runs.
    Now,
    /// It ended.
    Then,
}

impl Tense {
    pub(super) fn of<'a>(self, now: &'a str, then: &'a str) -> &'a str {
        match self {
            Self::Now => now,
            Self::Then => then,
        }
    }
}
