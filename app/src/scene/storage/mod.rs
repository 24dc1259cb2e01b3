//! What is stored where, as tables: partitions, map outputs, and the files of the reliable store.

mod files;
mod log_files;
mod map_outputs;
mod matrix;
mod stream_files;

pub use files::{StoredCheckpoint, stored_checkpoints};
pub use log_files::{LogFiles, batches_words, log_files};
pub use map_outputs::{MAX_SHUFFLES, MapOutputRow, MapOutputs, map_outputs};
pub use stream_files::{StreamFiles, stream_files};

pub use matrix::{CheckpointFact, Matrix, MatrixCell, OperatorStorage, Place, RddStorage, cell_counts, matrix};

use crate::model::{ExecutorState, Model};
use faultline_engine::ids::*;

/// From this share of its memory on, an executor is called nearly full.
pub const NEARLY_FULL: f32 = 0.8;
/// From this share on, it is full: the next block evicts another.
pub const FULL: f32 = 0.97;

/// A column: one executor.
#[derive(Clone, Debug, PartialEq)]
pub struct ExecutorColumn {
    /// Its id.
    pub id: ExecutorId,
    /// Whether the driver counts on it.
    pub alive: bool,
    /// Bytes in memory.
    pub memory_bytes: u64,
    /// Storage memory.
    pub max_memory: u64,
    /// Bytes on disk.
    pub disk_bytes: u64,
}

impl ExecutorColumn {
    fn of(executor: &ExecutorState) -> Self {
        let &ExecutorState { id, alive, memory_bytes, max_memory, disk_bytes, .. } = executor;
        Self { id, alive, memory_bytes, max_memory, disk_bytes }
    }

    /// Used share of its memory.
    pub fn share(&self) -> f32 {
        self.memory_bytes as f32 / self.max_memory.max(1) as f32
    }

    /// Its state in a word or two; empty while there is nothing to say.
    pub fn word(&self) -> &'static str {
        match self.share() {
            _ if !self.alive => "lost",
            share if share >= FULL => "full",
            share if share >= NEARLY_FULL => "nearly full",
            _ => "",
        }
    }
}

/// Whether the recovery of this executor's loss still runs.
fn recovering(model: &Model, executor: ExecutorId) -> bool {
    model.story.is_recovering() && model.story.struck == Some(executor)
}

/// The executors that live, and the dead ones that `matters` names.
fn columns(model: &Model, matters: impl Fn(ExecutorId) -> bool) -> Vec<ExecutorColumn> {
    let shown = |e: &&std::sync::Arc<ExecutorState>| e.alive || matters(e.id);
    model.executors.values().filter(shown).map(|e| ExecutorColumn::of(e)).collect()
}
