//! What is written to the reliable store so that lineage can be cut.

pub mod format;

use crate::event::{CheckpointPart, RddInfo};
use crate::ids::RddId;
use crate::object_store::{ObjectStore, PutMode, PutOutcome, StoreError};
use format::{CheckpointError, PartWalk};
use std::collections::BTreeSet;

/// The object by which an application says that a directory of checkpoints is its own.
const OWNER: &str = "_owner";

/// Claims a directory for an application: `wanted`, or when another application has that, the first of
/// `wanted-2`, `wanted-3`, … that nobody has. As Spark's, which is new for each application (R9.2, R15.17);
/// but its name repeats when the store is new.
///
/// # Errors
/// When the store refuses.
pub fn claim(store: &dyn ObjectStore, wanted: &str, application: &str) -> Result<String, StoreError> {
    let mut dir = wanted.to_owned();
    for next in 2_u32.. {
        let key = format!("{dir}/{OWNER}");
        // Asking is cheap, and a directory that was used for long has many names taken.
        let free = match store.get(&key) {
            Err(StoreError::NotFound { .. }) => true,
            taken => taken.map(|_| false)?,
        };
        if free && store.put(&key, application.as_bytes(), PutMode::Create)? == PutOutcome::Created {
            break;
        }
        dir = format!("{wanted}-{next}");
    }
    Ok(dir)
}

/// Stores a part. The first attempt of a partition has Spark's name for it, `part-00003`; what is there already stays
/// when it is the same (D-07). A later attempt has a name of its own.
///
/// # Errors
/// When the store refuses, or another attempt has written something else under this name.
pub fn store_part(store: &dyn ObjectStore, key: &str, bytes: &[u8]) -> Result<(), String> {
    let text = |error: StoreError| error.to_string();
    match store.put(key, bytes, PutMode::Create).map_err(text)? {
        PutOutcome::Created => Ok(()),
        PutOutcome::AlreadyExists if store.get(key).map_err(text)? == bytes => Ok(()),
        PutOutcome::AlreadyExists if format::is_of_one_attempt(key) => {
            // It was left by an earlier run in this directory.
            store.put(key, bytes, PutMode::Replace).map(drop).map_err(text)
        }
        PutOutcome::AlreadyExists => Err(format!("another attempt has written something else: {key}")),
    }
}

/// Writes the manifest of a checkpoint whose parts are there, and verifies every file (R9.10), its parts by `walk`.
/// `reader` is the RDD that will read them.
///
/// # Errors
/// What is wrong with the files, as text.
pub fn publish(
    store: &dyn ObjectStore,
    rdd: &RddInfo,
    reader: RddId,
    dir: &str,
    parts: &[CheckpointPart],
    walk: PartWalk,
) -> Result<(), String> {
    // What attempts that failed left behind is removed, not mixed in.
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
    let key = format::manifest_key(dir);
    let published = store
        .put(&key, &manifest.encode(), PutMode::Replace)
        .map_err(|error| error.to_string())
        .and_then(|_| verify(store, reader, dir, walk));
    if published.is_err() {
        // Parts that the next attempt writes must not stand under this manifest. The first error is the one
        // to report: when this fails too, so does what comes next.
        let _ = store.delete(&key);
    }
    published
}

fn verify(store: &dyn ObjectStore, reader: RddId, dir: &str, walk: PartWalk) -> Result<(), String> {
    match format::verify(store, dir, walk) {
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
