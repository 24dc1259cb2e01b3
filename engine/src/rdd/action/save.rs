//! `save_as_text_file`: one file per partition, each of which appears whole, and `_SUCCESS` at the end.

use crate::error::{EngineError, Result};
use crate::ids::PartitionId;
use crate::object_store::{ObjectStore, PutMode, StoreError};
use crate::rdd::{Rdd, TaskError};
use crate::storage::Data;
use crate::task_context::TaskContext;
use std::fmt::Display;
use std::io::Write as _;
use std::panic::Location;
use std::sync::Arc;

/// What every part is called, before its number.
const PART: &str = "part-";

fn store_error(path: &str) -> impl Fn(StoreError) -> EngineError {
    move |error| EngineError::Store { message: error.to_string(), path: path.to_owned() }
}

impl<T: Data + Display> Rdd<T> {
    /// Writes each record as a line: partition 3 to `part-00003` in the directory `path`, and when all are
    /// written an empty `_SUCCESS`. Of several attempts of a partition the first that is done stands (R4.9).
    /// After a failure no part is left.
    ///
    /// # Errors
    /// When there is something at `path` already, the job fails, or the directory cannot be written.
    #[track_caller]
    pub fn save_as_text_file(&self, path: &str) -> Result<()> {
        let at = Location::caller();
        if self.context().0.files.exists(path) {
            return Err(EngineError::IllegalState(format!("Output directory {path} already exists")));
        }
        let store = self.context().0.files.output(path)?;
        let saved = self.save_text(at, path, &store, PutMode::Create);
        if saved.is_err() {
            // What cannot be removed is seen by the missing `_SUCCESS`; the first error is the one to report.
            for part in store.list(PART).unwrap_or_default() {
                drop(store.delete(&part));
            }
        }
        saved
    }

    /// As [`Rdd::save_as_text_file`], but what is there is replaced part by part: Spark with
    /// `spark.hadoop.validateOutputSpecs=false`, as streams save a batch that they run again.
    ///
    /// # Errors
    /// When the job fails, or the directory cannot be written.
    #[track_caller]
    pub fn save_as_text_file_again(&self, path: &str) -> Result<()> {
        let store = self.context().0.files.output(path)?;
        self.save_text(Location::caller(), path, &store, PutMode::Replace)
    }

    fn save_text(&self, at: &Location<'_>, path: &str, store: &Arc<dyn ObjectStore>, mode: PutMode) -> Result<()> {
        let to = Arc::clone(store);
        self.run_job("saveAsTextFile", at, self.all_partitions(), move |rdd, part, ctx| {
            rdd.save_partition(part, ctx, &to, mode)
        })?;
        store.put("_SUCCESS", &[], PutMode::Replace).map_err(store_error(path))?;
        Ok(())
    }

    fn save_partition(
        &self,
        part: PartitionId,
        ctx: &TaskContext,
        store: &Arc<dyn ObjectStore>,
        mode: PutMode,
    ) -> std::result::Result<(), TaskError> {
        let (mut text, mut records, mut refused) = (Vec::new(), 0, None);
        self.fold_partition(part, ctx, |chunk| {
            records += chunk.len() as u64;
            let written = chunk.as_slice().iter().try_for_each(|record| writeln!(text, "{record}"));
            refused = refused.take().or(written.err());
        })?;
        match refused {
            Some(error) => Err(TaskError::Exception(error.to_string())),
            None => ctx.save_output(store, format!("{PART}{:05}", part.0), text.into(), records, mode),
        }
    }
}
