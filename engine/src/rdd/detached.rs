//! A context without an engine behind it.

use super::context::{
    CheckpointCommit, CheckpointProgress, Files, JobRunner, JobSpec, Notice, OpenedCheckpoint, TaskOutput,
};
use super::pipe::{PipedCommand, PipedProcess};
use crate::error::{EngineError, Result};
use crate::ids::{RddId, Timestamp};
use crate::object_store::ObjectStore;
use std::sync::Arc;

/// Runs nothing and reads nothing.
pub(super) struct Detached;

fn refused<T>() -> Result<T> {
    Err(EngineError::IllegalState("this context is detached: no engine runs its jobs".into()))
}

impl JobRunner for Detached {
    fn run_job(&self, _: JobSpec) -> Result<Vec<TaskOutput>> {
        refused()
    }

    fn checkpoint_progress(&self, _: RddId) -> Result<CheckpointProgress> {
        refused()
    }

    fn commit_checkpoint(&self, _: CheckpointCommit) -> Result<()> {
        refused()
    }

    fn open_checkpoint(&self, _: String) -> Result<OpenedCheckpoint> {
        refused()
    }

    fn tell(&self, _: Notice) {}
}

impl Files for Detached {
    fn len(&self, _: &str) -> Result<u64> {
        refused()
    }

    fn read(&self, _: &str, _: u64, _: usize) -> Result<Vec<u8>> {
        refused()
    }

    fn modified(&self, _: &str) -> Result<Timestamp> {
        refused()
    }

    fn list(&self, _: &str) -> Result<Vec<String>> {
        refused()
    }

    fn exists(&self, _: &str) -> bool {
        false
    }

    fn output(&self, _: &str) -> Result<Arc<dyn ObjectStore>> {
        refused()
    }

    fn spawn(&self, _: &PipedCommand) -> Result<Box<dyn PipedProcess>> {
        refused()
    }

    fn directories(&self, _: &str) -> Result<Vec<String>> {
        refused()
    }
}
