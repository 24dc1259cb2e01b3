//! What is written to the reliable store so that lineage can be cut.

pub mod format;

use crate::event::{CheckpointPart, RddInfo};
use crate::ids::RddId;
use crate::object_store::{ObjectStore, PutMode, StoreError};
use format::CheckpointError;
use std::collections::BTreeSet;

/// Writes the manifest of a checkpoint whose parts are there, and verifies every file (R9.10). `reader` is
/// the RDD that will read them.
///
/// # Errors
/// What is wrong with the files, as text.
pub fn publish(
    store: &dyn ObjectStore,
    rdd: &RddInfo,
    reader: RddId,
    dir: &str,
    parts: &[CheckpointPart],
) -> Result<(), String> {
    // Parts of attempts that do not count, and of an earlier run: the directory's name repeats with the seed.
    let prefix = format!("{dir}/");
    let written: BTreeSet<&str> = parts.iter().map(|part| part.file.as_str()).collect();
    for key in store.list(&prefix).map_err(|error| error.to_string())? {
        let name = key.strip_prefix(&prefix).unwrap_or(&key);
        if !written.contains(name) {
            store.delete(&key).map_err(|error| error.to_string())?;
        }
    }
    let manifest = format::Manifest {
        version: format::MANIFEST_VERSION,
        rdd: rdd.id,
        op: rdd.op.clone(),
        partitions: parts.to_vec(),
        partitioner: rdd.partitioner.clone(),
    };
    let bytes = manifest.encode();
    store.put(&format::manifest_key(dir), &bytes, PutMode::Replace).map_err(|error| error.to_string())?;
    match format::verify(store, dir) {
        Ok(_) => Ok(()),
        Err(CheckpointError::PartCount { rdd, expected, found, .. }) => {
            Err(CheckpointError::PartCount { rdd, expected, checkpoint: reader.to_string(), found }.to_string())
        }
        Err(error) => Err(error.to_string()),
    }
}

/// Deletes every file of a checkpoint, the manifest first: what is left of it, if this stops half-way, can
/// no longer be opened.
///
/// # Errors
/// When the store refuses.
pub fn delete(store: &dyn ObjectStore, dir: &str) -> Result<(), StoreError> {
    store.delete(&format::manifest_key(dir))?;
    store.list(&format!("{dir}/"))?.iter().try_for_each(|key| store.delete(key))
}
