//! The reliable store: named byte strings that outlive every executor and the driver.
//!
//! Stands in for HDFS or S3. An object appears whole or not at all, and create-if-absent has one winner
//! among all writers. Knows nothing of what is stored; readers verify their own checksums.

#[cfg(test)]
mod conformance;
mod file_ops;
mod key;
mod local;
mod memory;

pub use file_ops::{DirectoryEntry, FileOps, OpenFile, StdFileOps};
pub use key::{MAX_KEY_BYTES, MAX_SEGMENT_BYTES};
pub use local::LocalObjectStore;
pub use memory::MemoryObjectStore;

use std::fmt::Debug;
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
    /// Opens an object for appending and creates it when it is not there.
    fn open_log(&self, key: &str) -> Result<Box<dyn LogWriter>, StoreError>;
}

/// An object that grows. What was appended is durable after the next [`LogWriter::sync`].
///
/// After an error its end is unknown and every later call fails: continue with another key.
pub trait LogWriter: Send + Debug {
    /// Appends bytes.
    fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError>;
    /// Returns when everything appended is durable.
    fn sync(&mut self) -> Result<(), StoreError>;
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
