//! What is told of graph checkpoints and of going on from one.

use crate::ids::{BatchId, OperatorName, Timestamp};
use serde::{Deserialize, Serialize};

/// When a driver is started again (R16).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduledRestart {
    /// Which run of it that will be, from 2.
    pub attempt: u32,
    /// When.
    pub at: Timestamp,
}

/// When a graph checkpoint is written (R15.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CheckpointedAfter {
    /// The batch was generated; its jobs have not started.
    Generation,
    /// The batch completed: what only older checkpoints need may be cleaned.
    Completion,
}

/// A graph checkpoint that stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphCheckpointInfo {
    /// The batch that it is about.
    pub batch: BatchId,
    /// What it follows.
    pub after: CheckpointedAfter,
    /// Where, inside the reliable store.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// Batches in it that are generated and not completed.
    pub pending: u64,
    /// Epoch of the driver.
    pub epoch: u64,
    /// Where what stood under its name is now, if something did (R15.4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<String>,
    /// Older files that were deleted after it was verified.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deleted: Vec<String>,
}

/// What was saved of a stream, as a graph checkpoint names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedState {
    /// The operator.
    pub operator: OperatorName,
    /// The batch.
    pub batch: BatchId,
    /// Its directory inside the reliable store.
    pub dir: String,
}

/// What a stream goes on from (R15.11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryInfo {
    /// Where the graph checkpoint was, inside the reliable store.
    pub path: String,
    /// Epoch of the driver that wrote it.
    pub epoch: u64,
    /// The batch of its time: it runs again, and so does every later one.
    pub batch: BatchId,
    /// Batches that were generated and not completed.
    pub pending: Vec<BatchId>,
    /// The first batch whose time had not come when the stream went on.
    pub restart: BatchId,
    /// Directories of the saved RDDs that are used.
    pub saved: Vec<String>,
    /// Of which stream and batch each of them is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<SavedState>,
    /// Files that could not be used.
    pub damaged: Vec<String>,
}
