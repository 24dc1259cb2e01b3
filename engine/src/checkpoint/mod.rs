//! What is written to the reliable store so that lineage can be cut.

pub mod format;

use crate::event::{CheckpointPart, RddInfo};
use crate::object_store::{ObjectStore, PutMode};

/// Writes the manifest of a checkpoint whose parts are there, and verifies every file (R9.10).
///
/// # Errors
/// What is wrong with the files, as text.
pub fn publish(store: &dyn ObjectStore, rdd: &RddInfo, dir: &str, parts: &[CheckpointPart]) -> Result<(), String> {
    // The directory's name repeats with the seed: parts of an earlier run are removed, not mixed in.
    let prefix = format!("{dir}/");
    for key in store.list(&prefix).map_err(|error| error.to_string())? {
        let name = key.strip_prefix(&prefix).unwrap_or(&key);
        if !parts.iter().any(|part| part.file == name) {
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
    format::verify(store, dir).map(drop).map_err(|error| error.to_string())
}
