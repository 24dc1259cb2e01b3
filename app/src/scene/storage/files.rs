//! The files of the reliable store, newest first.

use crate::model::{CheckpointState, Model};
use faultline_engine::ids::*;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

/// One checkpoint directory.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredCheckpoint {
    /// What the model knows of it; parts are shared, not copied.
    pub state: Arc<CheckpointState>,
    /// What it holds, and of which batch.
    pub op: Option<OpKey>,
    /// Partitioner that the manifest names.
    pub partitioner: Option<String>,
    /// When it was verified, since the application started.
    pub at_ns: u64,
    /// Whether the store has none of the same operator that is newer: recovery reads this one.
    pub newest: bool,
    /// Bytes of all parts.
    pub bytes: u64,
    /// Records of all parts.
    pub records: u64,
}

impl StoredCheckpoint {
    /// The last name of its path: `rdd-41`; empty when the log names no files.
    pub fn directory(&self) -> &str {
        self.state.path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
    }
}

/// Every checkpoint that the model keeps, newest first.
pub fn stored_checkpoints(model: &Model) -> Vec<StoredCheckpoint> {
    let mut states: Vec<&Arc<CheckpointState>> = model.checkpoints.values().filter(|c| c.in_store).collect();
    states.sort_by_key(|c| (Reverse(c.at), Reverse(c.rdd)));
    let started = model.application.started.unwrap_or_default();
    let mut seen = BTreeSet::new();
    states
        .into_iter()
        .map(|state| {
            let saved = model.rdds.get(&state.rdd);
            let op = saved.map(|r| r.info.op.clone());
            let partitioner = saved.and_then(|r| r.info.partitioner.as_ref());
            StoredCheckpoint {
                newest: seen.insert(op.as_ref().map(|op| op.operator.clone())),
                partitioner: partitioner.map(|p| format!("{} into {}", p.class, p.partitions)),
                at_ns: state.at.ns_since(started),
                bytes: state.parts.iter().map(|p| p.bytes).sum(),
                records: state.parts.iter().map(|p| p.records).sum(),
                state: Arc::clone(state),
                op,
            }
        })
        .collect()
}
