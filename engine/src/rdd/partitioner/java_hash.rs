//! Java's hash of keys, from what serde tells of them.

use serde::Serialize;
use serde::ser::{self, Impossible};
use std::fmt;

/// Java's `hashCode` for booleans, integers, floats, characters, strings and options of these; for
/// anything else a 32-bit hash of its postcard bytes.
pub fn java_hash<K: Serialize>(key: &K) -> i32 {
    key.serialize(JavaHasher).unwrap_or_else(|NotPrimitive| {
        let bytes = postcard::to_stdvec(key).unwrap_or_default();
        bytes.iter().fold(0i32, |h, &b| h.wrapping_mul(31).wrapping_add(i32::from(b as i8)))
    })
}

/// A serializer whose output is the hash; compound values answer [`NotPrimitive`].
struct JavaHasher;

#[derive(Debug)]
struct NotPrimitive;

impl fmt::Display for NotPrimitive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a primitive")
    }
}

impl std::error::Error for NotPrimitive {}

impl ser::Error for NotPrimitive {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

fn hash_long(v: i64) -> i32 {
    (v ^ ((v as u64) >> 32) as i64) as i32
}

fn hash_str(v: &str) -> i32 {
    if v.is_ascii() {
        v.bytes().fold(0i32, |h, b| h.wrapping_mul(31).wrapping_add(i32::from(b)))
    } else {
        v.encode_utf16().fold(0i32, |h, unit| h.wrapping_mul(31).wrapping_add(i32::from(unit)))
    }
}

type NotCompound = Impossible<i32, NotPrimitive>;

impl ser::Serializer for JavaHasher {
    type Ok = i32;
    type Error = NotPrimitive;
    type SerializeSeq = NotCompound;
    type SerializeTuple = NotCompound;
    type SerializeTupleStruct = NotCompound;
    type SerializeTupleVariant = NotCompound;
    type SerializeMap = NotCompound;
    type SerializeStruct = NotCompound;
    type SerializeStructVariant = NotCompound;

    fn serialize_bool(self, v: bool) -> Result<i32, NotPrimitive> {
        Ok(if v { 1231 } else { 1237 })
    }
    fn serialize_i8(self, v: i8) -> Result<i32, NotPrimitive> {
        Ok(i32::from(v))
    }
    fn serialize_i16(self, v: i16) -> Result<i32, NotPrimitive> {
        Ok(i32::from(v))
    }
    fn serialize_i32(self, v: i32) -> Result<i32, NotPrimitive> {
        Ok(v)
    }
    fn serialize_i64(self, v: i64) -> Result<i32, NotPrimitive> {
        Ok(hash_long(v))
    }
    fn serialize_u8(self, v: u8) -> Result<i32, NotPrimitive> {
        Ok(i32::from(v))
    }
    fn serialize_u16(self, v: u16) -> Result<i32, NotPrimitive> {
        Ok(i32::from(v))
    }
    fn serialize_u32(self, v: u32) -> Result<i32, NotPrimitive> {
        Ok(v as i32)
    }
    fn serialize_u64(self, v: u64) -> Result<i32, NotPrimitive> {
        Ok(hash_long(v as i64))
    }
    fn serialize_f32(self, v: f32) -> Result<i32, NotPrimitive> {
        Ok(v.to_bits() as i32)
    }
    fn serialize_f64(self, v: f64) -> Result<i32, NotPrimitive> {
        Ok(hash_long(v.to_bits() as i64))
    }
    fn serialize_char(self, v: char) -> Result<i32, NotPrimitive> {
        Ok(v as i32)
    }
    fn serialize_str(self, v: &str) -> Result<i32, NotPrimitive> {
        Ok(hash_str(v))
    }
    fn serialize_none(self) -> Result<i32, NotPrimitive> {
        Ok(0)
    }
    fn serialize_some<T: ?Sized + Serialize>(self, v: &T) -> Result<i32, NotPrimitive> {
        v.serialize(self)
    }
    fn serialize_unit(self) -> Result<i32, NotPrimitive> {
        Ok(0)
    }
    fn serialize_newtype_struct<T: ?Sized + Serialize>(self, _: &'static str, v: &T) -> Result<i32, NotPrimitive> {
        v.serialize(self)
    }
    fn serialize_bytes(self, _: &[u8]) -> Result<i32, NotPrimitive> {
        Err(NotPrimitive)
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<i32, NotPrimitive> {
        Err(NotPrimitive)
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<i32, NotPrimitive> {
        Err(NotPrimitive)
    }
    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<i32, NotPrimitive> {
        Err(NotPrimitive)
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<NotCompound, NotPrimitive> {
        Err(NotPrimitive)
    }
    fn serialize_tuple(self, _: usize) -> Result<NotCompound, NotPrimitive> {
        Err(NotPrimitive)
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<NotCompound, NotPrimitive> {
        Err(NotPrimitive)
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<NotCompound, NotPrimitive> {
        Err(NotPrimitive)
    }
    fn serialize_map(self, _: Option<usize>) -> Result<NotCompound, NotPrimitive> {
        Err(NotPrimitive)
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<NotCompound, NotPrimitive> {
        Err(NotPrimitive)
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<NotCompound, NotPrimitive> {
        Err(NotPrimitive)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys would land elsewhere than in Spark, and recorded placements would not agree.
    #[test]
    fn hashes_are_javas() {
        assert_eq!(java_hash(&"the"), 114_801);
        assert_eq!(java_hash(&"Straße"), "Straße".encode_utf16().fold(0i32, |h, u| h.wrapping_mul(31) + i32::from(u)));
        assert_eq!(java_hash(&42i32), 42);
        assert_eq!(java_hash(&(1i64 << 32)), 1);
        assert_eq!((java_hash(&None::<i32>), java_hash(&())), (0, 0));
    }
}
