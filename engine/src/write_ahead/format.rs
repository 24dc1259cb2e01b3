//! The bytes of a segment. All numbers are little-endian.
//!
//! ```text
//! header   magic 4, version 2, start 2, segment 8, epoch 8, first sequence number 8, CRC-32C of these 4
//! record   length 4, sequence number 8, CRC-32C of segment, length, sequence number and bytes 4, bytes
//! ```
//!
//! The checksum of a record begins with the number of its segment, so that a record in the wrong file is
//! none (D-26).

use super::error::WriteAheadError;
use crate::object_store::segment_number;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// The version that this program writes and reads.
pub const WAL_VERSION: u16 = 1;
/// Bytes before the first record.
pub const HEADER_BYTES: usize = 36;
/// Bytes before the bytes of a record.
pub const RECORD_HEADER_BYTES: usize = 16;
/// Largest record: a length that lies makes nobody reserve more.
pub const MAX_RECORD_BYTES: usize = 64 << 20;

const MAGIC: [u8; 4] = *b"FLWL";

/// How a segment stands to those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It goes on where the one before ended.
    Continues,
    /// The log begins here: what is before belongs to something else.
    Begins,
    /// It is read record by record, by handles.
    Alone,
}

/// What a segment says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub standing: Standing,
    pub segment: u64,
    pub epoch: u64,
    /// Number of its first record.
    pub first: u64,
}

/// Why a header is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadHeader {
    /// It is not there, or only in part.
    Torn,
    /// It is whole, and not what was written.
    Damaged,
    Version(u16),
}

impl Header {
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let standing: u16 = match self.standing {
            Standing::Continues => 0,
            Standing::Begins => 1,
            Standing::Alone => 2,
        };
        let mut bytes = [0; HEADER_BYTES];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..6].copy_from_slice(&WAL_VERSION.to_le_bytes());
        bytes[6..8].copy_from_slice(&standing.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.segment.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.epoch.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.first.to_le_bytes());
        let checksum = crc32c::crc32c(&bytes[..32]);
        bytes[32..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    pub fn decode(segment: &[u8]) -> Result<Self, BadHeader> {
        let Some(bytes) = segment.first_chunk::<HEADER_BYTES>() else { return Err(BadHeader::Torn) };
        let sound = crc32c::crc32c(&bytes[..32]) == u32_at(bytes, 32);
        if bytes[..4] != MAGIC || !sound {
            return Err(if bytes.iter().all(|byte| *byte == 0) { BadHeader::Torn } else { BadHeader::Damaged });
        }
        match u16::from_le_bytes([bytes[4], bytes[5]]) {
            WAL_VERSION => {}
            other => return Err(BadHeader::Version(other)),
        }
        let standing = match u16::from_le_bytes([bytes[6], bytes[7]]) {
            0 => Standing::Continues,
            1 => Standing::Begins,
            2 => Standing::Alone,
            _ => return Err(BadHeader::Damaged),
        };
        Ok(Self { standing, segment: u64_at(bytes, 8), epoch: u64_at(bytes, 16), first: u64_at(bytes, 24) })
    }
}

/// A record within the bytes of its segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RecordAt {
    pub sequence: u64,
    pub bytes: Range<usize>,
}

/// Appends a record to what will be written.
pub(super) fn push_record(out: &mut Vec<u8>, segment: u64, sequence: u64, bytes: &[u8]) {
    let length = (bytes.len() as u32).to_le_bytes();
    let sequence = sequence.to_le_bytes();
    let checksum = checksum(segment, length, sequence, bytes);
    out.reserve(RECORD_HEADER_BYTES + bytes.len());
    out.extend_from_slice(&length);
    out.extend_from_slice(&sequence);
    out.extend_from_slice(&checksum.to_le_bytes());
    out.extend_from_slice(bytes);
}

/// The record that begins at `at`, if its number is one of `sequences`.
pub(super) fn record_at(segment: u64, bytes: &[u8], at: usize, sequences: Range<u64>) -> Option<RecordAt> {
    let header = bytes.get(at..)?.first_chunk::<RECORD_HEADER_BYTES>()?;
    let length = usize::try_from(u32_at(header, 0)).ok().filter(|length| *length <= MAX_RECORD_BYTES)?;
    let sequence = u64_at(header, 4);
    let start = at + RECORD_HEADER_BYTES;
    let record = bytes.get(start..start.checked_add(length)?)?;
    // Cheap checks come first: whoever looks for the next sound record asks at every byte.
    if !sequences.contains(&sequence) {
        return None;
    }
    let sound = checksum(segment, array(header, 0), array(header, 4), record) == u32_at(header, 12);
    sound.then_some(RecordAt { sequence, bytes: start..start + length })
}

fn checksum(segment: u64, length: [u8; 4], sequence: [u8; 8], bytes: &[u8]) -> u32 {
    let mut head = [0; 20];
    head[..8].copy_from_slice(&segment.to_le_bytes());
    head[8..12].copy_from_slice(&length);
    head[12..].copy_from_slice(&sequence);
    crc32c::crc32c_append(crc32c::crc32c(&head), bytes)
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[at..at + N]);
    array
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(bytes, at))
}

/// Where a record is, so that it can be read back alone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RecordHandle {
    /// Its segment.
    pub key: Arc<str>,
    /// Where it begins there.
    pub offset: u64,
    /// Its length.
    pub bytes: u32,
}

impl RecordHandle {
    /// The number of its segment.
    ///
    /// # Errors
    /// When the key is not one of a segment.
    pub fn segment(&self) -> Result<u64, WriteAheadError> {
        let number = self.key.rsplit_once('/').and_then(|(log, _)| segment_number(log, &self.key));
        number.ok_or_else(|| self.damaged("its key is not that of a segment"))
    }

    pub(super) fn damaged(&self, reason: &'static str) -> WriteAheadError {
        WriteAheadError::Damaged { key: (*self.key).to_owned(), offset: self.offset, reason }
    }
}

impl fmt::Debug for RecordHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordHandle({self})")
    }
}

impl fmt::Display for RecordHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} bytes at {}", self.key, self.bytes, self.offset)
    }
}
