//! Blocks: a stored partition as values or as bytes, which knows its own type.
//!
//! A block is built where the record type is known; everything after that (eviction, spilling,
//! replication, previews) works on `dyn StoredBlock`. The way back is [`values_of`], with exactly one
//! downcast per block and none per record.

use super::data::Data;
use super::error::BlockError;
use super::{frame, preview, size};
use crate::event::Preview;
use std::any::{Any, type_name};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

/// The two forms of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockForm {
    /// Values in memory, ready to be read.
    Values,
    /// One frame of encoded records.
    Bytes,
}

/// A stored partition. Blocks never change.
pub trait StoredBlock: Send + Sync + fmt::Debug {
    /// For the downcast in [`values_of`].
    fn as_any(&self) -> &dyn Any;
    /// Records.
    fn len(&self) -> u64;
    /// Whether it has no records.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Bytes that it counts for in a memory store.
    fn memory_bytes(&self) -> u64;
    /// Whether it holds values rather than bytes.
    fn is_values(&self) -> bool;
    /// The records as one frame. Bytes are shared, values are encoded at each call.
    fn encode(&self) -> Result<Arc<[u8]>, BlockError>;
    /// What turns its frame back into a block.
    fn codec(&self) -> Arc<dyn BlockCodec>;
    /// The first records as text.
    fn preview(&self) -> Preview;
}

/// Turns frames into blocks of one record type.
pub trait BlockCodec: Send + Sync + fmt::Debug {
    /// A block of the form asked for. Length and checksums are verified for both forms.
    fn decode(&self, bytes: &[u8], form: BlockForm) -> Result<Arc<dyn StoredBlock>, BlockError>;
    /// A block of bytes around a frame that is already shared. Length and checksums are verified.
    fn wrap(&self, bytes: Arc<[u8]>) -> Result<Arc<dyn StoredBlock>, BlockError>;
}

/// A block of values.
pub struct ValuesBlock<T: Data> {
    values: Vec<T>,
    memory_bytes: u64,
}

/// A block of encoded records.
pub struct BytesBlock<T: Data> {
    bytes: Arc<[u8]>,
    records: u64,
    of: PhantomData<fn() -> T>,
}

/// The records of a block.
#[derive(Debug)]
pub enum Values<'a, T> {
    /// Of a block of values.
    Shared(&'a [T]),
    /// Decoded from a block of bytes.
    Owned(Vec<T>),
}

/// The codec of blocks of `T`.
pub fn codec_of<T: Data>() -> Arc<dyn BlockCodec> {
    Arc::new(TypedCodec::<T>(PhantomData))
}

/// The records of a block of `T`. Bytes are decoded.
pub fn values_of<T: Data>(block: &dyn StoredBlock) -> Result<Values<'_, T>, BlockError> {
    let wrong_type = || BlockError::Type { type_name: type_name::<T>() };
    if block.is_values() {
        let block = block.as_any().downcast_ref::<ValuesBlock<T>>().ok_or_else(wrong_type)?;
        Ok(Values::Shared(&block.values))
    } else {
        let block = block.as_any().downcast_ref::<BytesBlock<T>>().ok_or_else(wrong_type)?;
        frame::decode(&block.bytes).map(Values::Owned)
    }
}

/// The frame of a block of bytes of `T`, to be read chunk by chunk; `None` for a block of values.
pub fn frame_of<T: Data>(block: &dyn StoredBlock) -> Option<&Arc<[u8]>> {
    block.as_any().downcast_ref::<BytesBlock<T>>().map(|block| &block.bytes)
}

/// The block itself if it has the form asked for, else a converted copy.
pub fn in_form(block: &Arc<dyn StoredBlock>, form: BlockForm) -> Result<Arc<dyn StoredBlock>, BlockError> {
    match (form, block.is_values()) {
        (BlockForm::Values, true) | (BlockForm::Bytes, false) => Ok(Arc::clone(block)),
        (BlockForm::Values, false) => block.codec().decode(&block.encode()?, BlockForm::Values),
        (BlockForm::Bytes, true) => block.codec().wrap(block.encode()?),
    }
}

impl<T: Data> ValuesBlock<T> {
    /// A block of these values, weighed once.
    pub fn new(values: Vec<T>) -> Self {
        let memory_bytes = size::estimate_bytes(&values);
        Self { values, memory_bytes }
    }

    /// The records.
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// A block of these values, erased.
    pub fn shared(values: Vec<T>) -> Arc<dyn StoredBlock> {
        Arc::new(Self::new(values))
    }
}

impl<T: Data> StoredBlock for ValuesBlock<T> {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn len(&self) -> u64 {
        self.values.len() as u64
    }

    fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }

    fn is_values(&self) -> bool {
        true
    }

    fn encode(&self) -> Result<Arc<[u8]>, BlockError> {
        frame::encode(&self.values)
    }

    fn codec(&self) -> Arc<dyn BlockCodec> {
        codec_of::<T>()
    }

    fn preview(&self) -> Preview {
        preview::preview_of(&self.values, self.len())
    }
}

impl<T: Data> StoredBlock for BytesBlock<T> {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn len(&self) -> u64 {
        self.records
    }

    fn memory_bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn is_values(&self) -> bool {
        false
    }

    fn encode(&self) -> Result<Arc<[u8]>, BlockError> {
        Ok(Arc::clone(&self.bytes))
    }

    fn codec(&self) -> Arc<dyn BlockCodec> {
        codec_of::<T>()
    }

    /// Decodes only the records shown. Records that do not decode are not shown; reading them reports why.
    fn preview(&self) -> Preview {
        let shown = self.records.min(preview::PREVIEW_RECORDS as u64);
        let payload = &self.bytes[frame::HEADER_BYTES..];
        let values = frame::decode_first::<T>(payload, shown).map(|(values, _)| values).unwrap_or_default();
        preview::preview_of(&values, self.records)
    }
}

impl<T: Data> fmt::Debug for ValuesBlock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ValuesBlock<{}>({} records, {} B)", type_name::<T>(), self.len(), self.memory_bytes)
    }
}

impl<T: Data> fmt::Debug for BytesBlock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BytesBlock<{}>({} records, {} B)", type_name::<T>(), self.records, self.bytes.len())
    }
}

impl<T> Values<'_, T> {
    /// The records, wherever they are.
    pub fn as_slice(&self) -> &[T] {
        match self {
            Self::Shared(values) => values,
            Self::Owned(values) => values,
        }
    }
}

impl<T: Clone> Values<'_, T> {
    /// The records as their own vector; shared ones are cloned.
    pub fn into_vec(self) -> Vec<T> {
        match self {
            Self::Shared(values) => values.to_vec(),
            Self::Owned(values) => values,
        }
    }
}

struct TypedCodec<T>(PhantomData<fn() -> T>);

impl<T: Data> BlockCodec for TypedCodec<T> {
    fn decode(&self, bytes: &[u8], form: BlockForm) -> Result<Arc<dyn StoredBlock>, BlockError> {
        match form {
            BlockForm::Values => Ok(ValuesBlock::shared(frame::decode::<T>(bytes)?)),
            BlockForm::Bytes => self.wrap(bytes.into()),
        }
    }

    fn wrap(&self, bytes: Arc<[u8]>) -> Result<Arc<dyn StoredBlock>, BlockError> {
        let records = frame::open(&bytes)?.records;
        Ok(Arc::new(BytesBlock::<T> { bytes, records, of: PhantomData }))
    }
}

impl<T> fmt::Debug for TypedCodec<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "codec of {}", type_name::<T>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_hold_the_same_records() {
        // Without it a replica, a spill or a serialised level would show other data than was put.
        let values: Vec<(String, i64)> = (0..20).map(|i| (format!("key {i}"), -i)).collect();
        let block = ValuesBlock::shared(values.clone());
        let bytes = in_form(&block, BlockForm::Bytes).unwrap();
        let back = in_form(&bytes, BlockForm::Values).unwrap();
        assert_eq!((block.is_values(), bytes.is_values(), back.is_values()), (true, false, true));
        for form in [&block, &bytes, &back] {
            assert_eq!(form.len(), 20);
            assert_eq!(values_of::<(String, i64)>(form.as_ref()).unwrap().as_slice(), values);
            assert_eq!(form.preview(), block.preview());
            assert_eq!(form.encode().unwrap(), bytes.encode().unwrap());
        }
        assert_eq!(bytes.memory_bytes(), bytes.encode().unwrap().len() as u64);
        assert_eq!(block.preview().records[0], r#"("key 0", 0)"#);
    }

    #[test]
    fn a_block_of_another_type_is_refused() {
        // Without it a mix-up of RDDs would show as garbage instead of an error.
        let block = ValuesBlock::shared(vec![1_u32]);
        let expect = BlockError::Type { type_name: "u64" };
        assert_eq!(values_of::<u64>(block.as_ref()).unwrap_err(), expect);
        assert_eq!(values_of::<u64>(in_form(&block, BlockForm::Bytes).unwrap().as_ref()).unwrap_err(), expect);
    }

    #[test]
    fn a_record_that_cannot_be_encoded_is_an_error() {
        // Without it a user's broken serialisation would take the executor down.
        #[derive(Clone, Debug, serde::Deserialize)]
        struct Stubborn;
        impl serde::Serialize for Stubborn {
            fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                Err(serde::ser::Error::custom("no"))
            }
        }
        let block = ValuesBlock::shared(vec![Stubborn]);
        assert!(matches!(block.encode(), Err(BlockError::Encode { index: 0, .. })));
        assert_eq!(block.memory_bytes(), 0);
    }
}
