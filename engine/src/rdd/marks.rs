//! `checkpoint()` and `localCheckpoint()`: they mark, and say when a mark will have no effect.

use super::Rdd;
use super::context::{Notice, callsite};
use super::node::{CheckpointKind, CheckpointState};
use crate::error::{EngineError, Result};
use crate::event::*;
use crate::storage::Data;
use std::panic::Location;

/// Spark's refusal of `checkpoint()` (R9.1).
pub(crate) const NO_DIRECTORY: &str = "Checkpoint directory has not been set in the SparkContext";

/// R10.1: the level of a local checkpoint uses the disk; everything else of it stays.
pub(super) const fn with_disk(level: StorageLevel) -> StorageLevel {
    if level.is_valid() { StorageLevel { use_disk: true, ..level } } else { StorageLevel::MEMORY_AND_DISK }
}

impl<T: Data> Rdd<T> {
    /// Marks the RDD to be saved at the end of the next job on it or on a descendant (R9.1).
    ///
    /// # Errors
    /// When no checkpoint directory is set.
    #[track_caller]
    pub fn checkpoint(&self) -> Result<()> {
        let core = self.core();
        if self.context().checkpoint_dir().is_none() {
            return Err(EngineError::IllegalState(NO_DIRECTORY.into()));
        }
        if core.checkpoint_state() != CheckpointState::None || self.reads_a_checkpoint() {
            return Ok(());
        }
        core.set_checkpoint_state(CheckpointState::Marked(CheckpointKind::Reliable));
        self.context().tell(Notice::Marked(core.id(), CheckpointKind::Reliable));
        self.warn_when_too_late("checkpoint", Location::caller());
        Ok(())
    }

    /// Marks the RDD to be kept by the executors alone, and its lineage to be cut at the end of the next
    /// job (R10). Needs no directory; the loss of an executor loses data, because nothing can compute it
    /// again. Overrides a mark of [`Self::checkpoint`] that has not been honoured yet.
    #[track_caller]
    pub fn local_checkpoint(&self) -> Self {
        let at = Location::caller();
        let core = self.core();
        if self.reads_a_checkpoint() {
            return self.clone();
        }
        let level = with_disk(core.level());
        if level != core.level() {
            self.set_level(level);
        }
        match core.checkpoint_state() {
            CheckpointState::Done { .. } | CheckpointState::DoneLocally | CheckpointState::Writing(_) => {
                let text = "Not marking RDD for local checkpoint because it was already checkpointed and materialized";
                self.report("local-checkpoint-ignored", text.into(), callsite("localCheckpoint", at));
                return self.clone();
            }
            CheckpointState::Marked(CheckpointKind::Reliable) => {
                let text = "RDD was already marked for reliable checkpointing: overriding with local checkpoint.";
                self.report("local-checkpoint-overrides", text.into(), callsite("localCheckpoint", at));
            }
            CheckpointState::None | CheckpointState::Marked(CheckpointKind::Local) => {}
        }
        core.set_checkpoint_state(CheckpointState::Marked(CheckpointKind::Local));
        self.context().tell(Notice::Marked(core.id(), CheckpointKind::Local));
        self.warn_when_too_late("localCheckpoint", at);
        self.clone()
    }

    /// Whether its lineage has been cut, by either kind of checkpoint.
    pub fn is_checkpointed(&self) -> bool {
        self.core().checkpoint_state().is_done()
    }

    /// The directory of its checkpoint, once written; none for a local checkpoint.
    pub fn checkpoint_file(&self) -> Option<String> {
        match self.core().checkpoint_state() {
            CheckpointState::Done { dir } => Some(dir),
            _ => None,
        }
    }

    /// Whether it is a `ReliableCheckpointRDD` or a `LocalCheckpointRDD`: those are never marked.
    fn reads_a_checkpoint(&self) -> bool {
        !self.core().checkpoint_state().is_done() && self.node().tier() == ReadTier::Checkpoint
    }

    /// R10.4.
    pub(super) fn warn_of_unpersisting(&self) {
        if self.core().checkpoint_state().is_local() {
            let text = format!(
                "RDD {} was locally checkpointed, its lineage has been truncated and cannot be recomputed after unpersisting",
                self.id()
            );
            self.report("local-checkpoint-unpersisted", text, self.info().callsite);
        }
    }

    fn warn_when_too_late(&self, method: &str, at: &Location<'_>) {
        let core = self.core();
        if !core.was_visited_by_a_job() {
            return;
        }
        let text = format!(
            "{method}() has no effect on {}[{}]: a job has already run on it; call it before the first action",
            core.info().display_name(),
            core.id()
        );
        self.report("checkpoint-marked-too-late", text, callsite(method, at));
    }

    fn report(&self, kind: &str, message: String, place: String) {
        let finding = Finding { kind: kind.into(), message, place };
        self.context().tell(Notice::Fact(Event::FindingReported { finding }));
    }
}
