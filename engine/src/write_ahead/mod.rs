//! Write-ahead logs: records that are durable before anybody is told that they arrived (R18).
//!
//! A log is a row of segments of the reliable store, each written once and from its beginning. Every record
//! carries its length, its number and a checksum, so that a reader tells what was written from what was torn.
//! Knows nothing of what the records say.
//!
//! ```text
//! <log>/log-0000000007    header, then records; a segment ends by age, by size, or by a write that failed
//! <log>/log-0000000008
//! <log>/quarantine/…      copies of segments with a bad place in their middle, for whoever wants to look
//! ```

mod cleaning;
mod error;
mod format;
mod group;
mod reader;
mod settings;
#[cfg(test)]
mod tests;
mod writer;

pub use cleaning::{delete_segments, quarantine};
pub use error::WriteAheadError;
pub use format::{HEADER_BYTES, MAX_RECORD_BYTES, RECORD_HEADER_BYTES, RecordHandle, WAL_VERSION};
pub use group::GroupCommit;
pub use reader::{Contents, Damage, DamageKind, Record, read_all, read_record};
pub use settings::LogSettings;
pub use writer::{LogStart, WriteAheadLog};
