//! `HashPartitioner`.

use super::java_hash;
use crate::event::PartitionerInfo;
use serde::Serialize;

/// Version of the key hash.
pub const HASH_VERSION: u32 = 1;

const CLASS: &str = "HashPartitioner";

/// Spark's `HashPartitioner`: non-negative modulo of the key's hash. A key that is nothing (`None`, `()`)
/// goes to partition 0 (R1.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashPartitioner {
    partitions: u32,
}

impl HashPartitioner {
    /// Keys go to `0..partitions`; at least one.
    pub fn new(partitions: u32) -> Self {
        Self { partitions: partitions.max(1) }
    }

    /// As [`HashPartitioner::new`], or without partitions: that of RDDs that have none (R1.5).
    pub(super) const fn for_count(partitions: u32) -> Self {
        Self { partitions }
    }

    /// How many partitions.
    pub const fn partitions(self) -> u32 {
        self.partitions
    }

    /// The partition of a key.
    pub fn partition_of<K: Serialize>(self, key: &K) -> u32 {
        java_hash(key).rem_euclid(self.partitions.max(1) as i32) as u32
    }

    /// As plain data.
    pub fn info(self) -> PartitionerInfo {
        PartitionerInfo { class: CLASS.into(), partitions: self.partitions, hash_version: HASH_VERSION, detail: None }
    }

    /// The partitioner that `info` describes, if it is a hash partitioner of this version.
    pub fn from_info(info: &PartitionerInfo) -> Option<Self> {
        let same = info.class == CLASS && info.hash_version == HASH_VERSION && info.detail.is_none();
        same.then(|| Self::for_count(info.partitions))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys with a negative hash would have no partition, or keys that are nothing one that depends on
    /// their type.
    #[test]
    fn partitions_are_in_range() {
        assert_eq!(HashPartitioner::new(4).partition_of(&-1i32), 3);
        assert_eq!(HashPartitioner::new(7).partition_of(&i32::MIN), (i64::from(i32::MIN).rem_euclid(7)) as u32);
        assert_eq!(HashPartitioner::new(7).partition_of(&None::<String>), 0);
        assert_eq!(HashPartitioner::new(7).partition_of(&()), 0);
        assert!(HashPartitioner::new(7).partition_of(&("a", 1)) < 7);
    }
}
