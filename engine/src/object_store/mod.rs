//! The reliable store: named byte strings that outlive every executor and the driver.
//!
//! Stands in for HDFS or S3. An object appears whole or not at all, and create-if-absent has one winner
//! among all writers. Knows nothing of what is stored; readers verify their own checksums.
//!
//! For whoever tests what stands on a store: [`HostileStore`] fails and tears what it is told to, and
//! [`SimulatedDisk`] is a file system that loses its power.

#[cfg(test)]
mod conformance;
mod file_ops;
mod hostile;
mod key;
mod local;
#[cfg(test)]
mod local_conformance;
mod memory;
mod segments;
mod simulated_disk;

pub use file_ops::{DirectoryEntry, FileOps, OpenFile, StdFileOps};
pub use hostile::{Harm, HostileStore};
pub use key::{MAX_KEY_BYTES, MAX_SEGMENT_BYTES};
pub use local::LocalObjectStore;
pub use memory::MemoryObjectStore;
pub use segments::{segment_key, segment_number, segments_of};
pub use simulated_disk::{PowerLoss, SimulatedDisk};

use std::fmt::Debug;
use std::ops::Range;
use thiserror::Error;

/// A store of objects by key. Keys are `/`-separated names of letters, digits and `._-=`.
pub trait ObjectStore: Send + Sync + Debug {
    /// Stores `bytes` under `key`, durably and in one step.
    ///
    /// After an error the object is the old one or the new one, never a part of it; with
    /// [`PutMode::Create`] a second try may therefore find its own first one.
    fn put(&self, key: &str, bytes: &[u8], mode: PutMode) -> Result<PutOutcome, StoreError>;
    /// The whole object.
    fn get(&self, key: &str) -> Result<Vec<u8>, StoreError>;
    /// The whole object in pieces of the store's choice, in order: for what is looked at and not kept.
    /// After an error what was delivered means nothing.
    fn scan(&self, key: &str, each: &mut dyn FnMut(&[u8])) -> Result<(), StoreError> {
        self.get(key).map(|bytes| each(&bytes))
    }
    /// Every key that starts with `prefix`, sorted.
    fn list(&self, prefix: &str) -> Result<Vec<String>, StoreError>;
    /// Removes an object; one that is not there is no error.
    fn delete(&self, key: &str) -> Result<(), StoreError>;
    /// The bytes of an object from `start` up to `end`.
    ///
    /// # Errors
    /// Also when the object ends before.
    fn get_range(&self, key: &str, range: Range<u64>) -> Result<Vec<u8>, StoreError> {
        let object = self.get(key)?;
        match usize_range(&range).and_then(|range| object.get(range)) {
            Some(part) => Ok(part.to_vec()),
            None => Err(too_short(key, &range)),
        }
    }
    /// Opens a log for writing: the objects `<log>/log-<number>`, its segments. What is there stays as it is
    /// (D-25): what is appended goes into a new segment, whose number follows the highest one.
    fn open_log(&self, log: &str) -> Result<Box<dyn LogWriter>, StoreError>;
}

/// A log of which one segment grows. What was appended is durable after the next [`LogWriter::sync`].
///
/// After an error of `append` or `sync` the end of the segment is unknown, and both fail until
/// [`LogWriter::roll`] has begun another one.
pub trait LogWriter: Send + Debug {
    /// The number of the segment that grows.
    fn segment(&self) -> u64;
    /// Appends bytes.
    fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError>;
    /// Returns when everything appended is durable.
    fn sync(&mut self) -> Result<(), StoreError>;
    /// Begins the next segment, also after an error. What was not synced of the one before may be lost.
    fn roll(&mut self) -> Result<(), StoreError>;
}

/// What a put does with an object that is already there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutMode {
    /// Leaves it alone.
    Create,
    /// Replaces it.
    Replace,
}

/// What a put did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutOutcome {
    /// The object has the bytes of this put.
    Created,
    /// Another object has the key, and stays; only with [`PutMode::Create`].
    AlreadyExists,
}

/// Why the store did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// No object has the key.
    #[error("object does not exist: {key}")]
    NotFound {
        /// The key.
        key: String,
    },
    /// The key is not one.
    #[error("invalid object key, {reason}: {key:?}")]
    InvalidKey {
        /// The key.
        key: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The log failed before, so what it ends with is unknown.
    #[error("log failed earlier and takes nothing more: {key}")]
    LogFailed {
        /// The key.
        key: String,
    },
    /// Reading or writing failed.
    #[error("{message}: {key}")]
    Io {
        /// The key.
        key: String,
        /// What failed.
        message: String,
    },
}

impl StoreError {
    /// The key concerned.
    pub fn key(&self) -> &str {
        match self {
            Self::NotFound { key } | Self::InvalidKey { key, .. } | Self::LogFailed { key } | Self::Io { key, .. } => {
                key
            }
        }
    }
}

fn usize_range(range: &Range<u64>) -> Option<Range<usize>> {
    Some(usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?)
}

fn too_short(key: &str, range: &Range<u64>) -> StoreError {
    let message = format!("the object ends before byte {}", range.end);
    StoreError::Io { key: key.to_owned(), message }
}
