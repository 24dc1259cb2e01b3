//! Why a log did not take or give a record.

use crate::object_store::StoreError;
use thiserror::Error;

/// What went wrong with a write-ahead log.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WriteAheadError {
    /// The store failed.
    #[error("write-ahead log: {0}")]
    Store(#[from] StoreError),
    /// A write failed as often as it may.
    #[error("Failed to write to write ahead log after {failures} failures: {last}")]
    GaveUp {
        /// How often it failed.
        failures: u32,
        /// The last failure.
        last: StoreError,
    },
    /// A record is too large.
    #[error("a record of {bytes} bytes is too large for a write-ahead log, whose records have at most {max}")]
    TooLarge {
        /// Its bytes.
        bytes: u64,
        /// The largest.
        max: u64,
    },
    /// A newer program wrote the log.
    #[error(
        "the write-ahead log has version {found}, this program reads {known}; use the program that wrote it: {key}"
    )]
    Version {
        /// The segment.
        key: String,
        /// Its version.
        found: u16,
        /// The version that is read.
        known: u16,
    },
    /// A record is not what was written.
    #[error("Could not read data from write ahead log record: {reason}: {key} at byte {offset}")]
    Damaged {
        /// The segment.
        key: String,
        /// Where the record begins.
        offset: u64,
        /// What is wrong.
        reason: &'static str,
    },
    /// The log was closed before the record was written (R18.8).
    #[error("the write-ahead log was closed before the record was written")]
    Closed,
}
