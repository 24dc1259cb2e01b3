//! What can be wrong with a stored block.

use thiserror::Error;

/// Why a block could not be written, read or understood.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BlockError {
    /// Fewer bytes than a header has.
    #[error("block is truncated: {found} bytes, a header has {expected}")]
    Truncated {
        /// Bytes of a header.
        expected: u64,
        /// Bytes there.
        found: u64,
    },
    /// The bytes do not begin as a block does.
    #[error("not a block: it begins with {found:02x?}")]
    Foreign {
        /// The first bytes.
        found: [u8; 4],
    },
    /// Another version of the format.
    #[error("block has format version {found}, this program reads version {expected}")]
    Version {
        /// The version this program reads.
        expected: u16,
        /// The version found.
        found: u16,
    },
    /// The header contradicts its own checksum.
    #[error("block header is corrupt: checksum {found:08x}, expected {expected:08x}")]
    HeaderChecksum {
        /// Checksum written in the header.
        expected: u32,
        /// Checksum of the bytes there.
        found: u32,
    },
    /// The payload is shorter or longer than the header says.
    #[error("block has {found} payload bytes, its header says {expected}")]
    Length {
        /// Bytes by the header.
        expected: u64,
        /// Bytes there.
        found: u64,
    },
    /// The payload contradicts its checksum.
    #[error("block is corrupt: checksum {found:08x}, expected {expected:08x}")]
    Checksum {
        /// Checksum by the header.
        expected: u32,
        /// Checksum of the bytes there.
        found: u32,
    },
    /// The header counts more records than the payload has room for, or fewer than it holds.
    #[error("block header counts {records} records, which {payload_bytes} payload bytes do not hold")]
    Records {
        /// Records by the header.
        records: u64,
        /// Bytes of the payload.
        payload_bytes: u64,
    },
    /// A record could not be decoded as the type asked for.
    #[error("record {index} is not a {type_name}: {message}")]
    Decode {
        /// Position of the record.
        index: u64,
        /// Rust type of the record.
        type_name: &'static str,
        /// The decoder's reason.
        message: String,
    },
    /// A record could not be encoded.
    #[error("record {index} of type {type_name} cannot be encoded: {message}")]
    Encode {
        /// Position of the record.
        index: u64,
        /// Rust type of the record.
        type_name: &'static str,
        /// The encoder's reason.
        message: String,
    },
    /// The block holds records of another type.
    #[error("block does not hold records of type {type_name}")]
    Type {
        /// The type asked for.
        type_name: &'static str,
    },
    /// The disk of the executor failed.
    #[error("disk: {message} ({name})")]
    Disk {
        /// File inside the disk store.
        name: String,
        /// What failed.
        message: String,
    },
}
