//! Writing and reading graph checkpoints (R15.4, R15.6, R15.7).

use super::description::{SavedRdd, StreamingCheckpoint};
use super::epoch::newer_epoch;
use super::format::{decode, encode, newer_version, open};
use super::names::{CheckpointName, prefix};
use crate::ids::{BatchId, StreamId, Timestamp};
use crate::object_store::{ObjectStore, PutMode, StoreError};
use crate::seeded::{SeededBug, seeded};
use std::collections::BTreeMap;
use std::fmt;

/// Files that a directory keeps, counting backups.
pub const KEPT_FILES: usize = 10;

/// What came of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// It stands, and was read back.
    Verified {
        /// Its key.
        key: String,
        /// Its length.
        bytes: u64,
        /// Where what stood under its name is now.
        backup: Option<String>,
        /// Older files that were deleted.
        deleted: Vec<String>,
    },
    /// Another driver took over: nothing that this one writes counts any more.
    TakenOver {
        /// Its epoch.
        by: u64,
    },
}

/// A file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamagedFile {
    /// Its key.
    pub key: String,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for DamagedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.reason)
    }
}

/// What a directory gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The description to go on from.
    pub checkpoint: StreamingCheckpoint,
    /// Where it was.
    pub key: String,
    /// Files that could not be used, newest first.
    pub damaged: Vec<DamagedFile>,
    /// What every file that can be used names: it must stay as long as the file does.
    pub named: BTreeMap<CheckpointName, Vec<SavedStreamRdd>>,
}

/// A saved RDD with its stream and batch.
pub type SavedStreamRdd = (StreamId, BatchId, SavedRdd);

/// No file of a directory could be used, though there are some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointUnreadable {
    /// The directory.
    pub dir: String,
    /// Its files, newest first.
    pub damaged: Vec<DamagedFile>,
}

impl fmt::Display for CheckpointUnreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Failed to read checkpoint from directory {}", self.dir)?;
        for (i, file) in self.damaged.iter().enumerate() {
            write!(f, "{}{file}", if i == 0 { ": " } else { "; " })?;
        }
        Ok(())
    }
}

/// Names of the checkpoints of a directory, oldest first.
///
/// # Errors
/// When the store cannot be asked.
pub fn list(store: &dyn ObjectStore, dir: &str) -> Result<Vec<CheckpointName>, StoreError> {
    let keys = store.list(&format!("{}checkpoint-", prefix(dir)))?;
    let mut names: Vec<CheckpointName> = keys.iter().filter_map(|key| CheckpointName::of(dir, key)).collect();
    names.sort();
    Ok(names)
}

/// Writes a description under the name of the latest batch time that its writer has seen, `latest`. What stood
/// under that name becomes the backup. The file is read back before an older one goes, and somebody who took
/// over is looked for before and after (R15.4, D-09, D-17).
///
/// # Errors
/// When the store refuses, or gives back something else. Then the old file or its backup can still be read.
pub fn write(
    store: &dyn ObjectStore,
    dir: &str,
    latest: Timestamp,
    checkpoint: &StreamingCheckpoint,
) -> Result<Written, String> {
    let text = |error: StoreError| error.to_string();
    if let Some(by) = newer_epoch(store, dir, checkpoint.epoch).map_err(text)? {
        return Ok(Written::TakenOver { by });
    }
    let name = CheckpointName::main(latest);
    let key = name.key(dir);
    let mut backup = None;
    match store.get(&key) {
        // A damaged file must not replace a backup that can be read.
        Ok(before) if open(&before).is_ok() => {
            let place = name.backup().key(dir);
            store.put(&place, &before, PutMode::Replace).map_err(text)?;
            backup = Some(place);
        }
        Ok(_) | Err(StoreError::NotFound { .. }) => {}
        Err(error) => return Err(error.to_string()),
    }
    let bytes = encode(checkpoint);
    // What nobody could read must not take the place of what somebody can.
    open(&bytes).map_err(|reason| format!("it could not be read again, {reason}: {key}"))?;
    store.put(&key, &bytes, PutMode::Replace).map_err(text)?;
    if store.get(&key).map_err(text)? != bytes && !seeded(SeededBug::UnverifiedCheckpoints) {
        return Err(format!("the file does not hold what was written: {key}"));
    }
    if let Some(by) = newer_epoch(store, dir, checkpoint.epoch).map_err(text)? {
        return Ok(Written::TakenOver { by });
    }
    let names = list(store, dir).map_err(text)?;
    let mut deleted = Vec::new();
    for old in names.iter().rev().skip(KEPT_FILES) {
        let old = old.key(dir);
        store.delete(&old).map_err(text)?;
        deleted.push(old);
    }
    Ok(Written::Verified { key, bytes: bytes.len() as u64, backup, deleted })
}

/// The newest description that can be read: of the highest epoch, and of those in the newest file, a file
/// before its backup. `None` when there is no file at all (R15.7).
///
/// # Errors
/// When there are files and none can be used.
pub fn read_newest(store: &dyn ObjectStore, dir: &str) -> Result<Option<Recovered>, CheckpointUnreadable> {
    let unreadable = |damaged| CheckpointUnreadable { dir: dir.to_owned(), damaged };
    let names = match list(store, dir) {
        Ok(names) => names,
        Err(error) => {
            let damaged = DamagedFile { key: error.key().to_owned(), reason: error.to_string() };
            return Err(unreadable(vec![damaged]));
        }
    };
    let (mut damaged, mut named) = (Vec::new(), BTreeMap::new());
    let mut best: Option<(StreamingCheckpoint, String)> = None;
    for name in names.iter().rev() {
        let key = name.key(dir);
        let bytes = store.get(&key).map_err(|error| error.to_string());
        let newer = bytes.as_ref().ok().and_then(|bytes| newer_version(bytes));
        if let Some(version) = newer.filter(|_| best.is_none()) {
            // What older files say is past: batches since then would run again, their input is cleaned.
            let reason = format!("it has format version {version}, of a newer program: go on with that one");
            damaged.push(DamagedFile { key, reason });
            return Err(unreadable(damaged));
        }
        let read = bytes.and_then(|bytes| decode(&bytes));
        match read {
            Ok(found) => {
                named.insert(*name, found.saved_rdds().collect());
                if best.as_ref().is_none_or(|(best, _)| found.epoch > best.epoch) {
                    best = Some((found, key));
                }
            }
            Err(reason) => damaged.push(DamagedFile { key, reason }),
        }
    }
    match best {
        Some((checkpoint, key)) => Ok(Some(Recovered { checkpoint, key, damaged, named })),
        None if damaged.is_empty() => Ok(None),
        None => Err(unreadable(damaged)),
    }
}
