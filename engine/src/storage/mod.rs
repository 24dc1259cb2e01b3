//! What an executor keeps: blocks in memory under a byte budget, and on its own disk (R8).
//!
//! Owns the form of a stored block, its bytes, its size and its preview, and the stores that hold
//! blocks. Knows nothing of tasks, RDD types or the driver; it answers each call with what changed,
//! and whoever called reports that. Every decision depends only on the order of calls.

mod block;
mod block_store;
mod data;
mod disk_store;
mod error;
pub mod frame;
mod guard;
mod locks;
mod memory_store;
mod preview;
mod scratch;
mod size;

#[cfg(test)]
mod conformance;

pub use block::{
    BlockCodec, BlockForm, BytesBlock, StoredBlock, Values, ValuesBlock, codec_of, frame_of, in_form, values_of,
};
pub use block_store::{BlockChange, BlockStore, FailedPut, Found, LostBlock, PutOutcome, PutWay, Tier};
pub use data::Data;
pub use disk_store::{DiskDamage, DiskStore};
pub use error::BlockError;
pub use memory_store::{MemoryMode, MemoryStore};
pub use preview::{PREVIEW_BYTES, PREVIEW_RECORDS, preview_of};
pub use size::weigh_instead;
pub use size::{SAMPLED_RECORDS, estimate_bytes, estimate_encoded_bytes};
