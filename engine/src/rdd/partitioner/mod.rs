//! How keys map to partitions (R1.3–R1.6).
//!
//! Integers and strings hash as in Java, so keys land where Spark puts them; everything else hashes
//! its postcard bytes. [`HASH_VERSION`] is written beside a partitioner and changes with the rule.
//! Two partitioners are equal when their [`PartitionerInfo`]s are.

mod bounds;
mod default;
mod hash;
mod java_hash;
mod range;

pub use hash::{HASH_VERSION, HashPartitioner};
pub use java_hash::java_hash;
pub use range::{RangePartitioner, SortOrder};

pub(super) use default::default_partitioner;
pub(super) use range::sampled;

use super::context::SparkContext;
use super::node::RddCore;
use super::{Dependency, Rdd};
use crate::event::{Determinism, PartitionerInfo};
use crate::storage::Data;
use serde::Serialize;
use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// A way to partition keys that is not by hash. Called once per chunk of records.
pub trait PartitionKeys<K>: Send + Sync {
    /// As plain data; equal for partitioners that put every key into the same partition.
    fn info(&self) -> PartitionerInfo;
    /// Appends the partition of each key.
    fn assign(&self, keys: &[&K], to: &mut Vec<u32>);
}

/// Where each key belongs: Spark's `Partitioner`. A number stands for as many partitions by hash.
pub enum Partitioner<K> {
    /// By hash.
    Hash(HashPartitioner),
    /// By range, or as the program says.
    Other(Arc<dyn PartitionKeys<K>>),
}

impl<K> Clone for Partitioner<K> {
    fn clone(&self) -> Self {
        match self {
            Self::Hash(hash) => Self::Hash(*hash),
            Self::Other(other) => Self::Other(Arc::clone(other)),
        }
    }
}

impl<K> PartialEq for Partitioner<K> {
    fn eq(&self, other: &Self) -> bool {
        self.info() == other.info()
    }
}

impl<K> fmt::Debug for Partitioner<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.info())
    }
}

impl<K> From<HashPartitioner> for Partitioner<K> {
    fn from(hash: HashPartitioner) -> Self {
        Self::Hash(hash)
    }
}

impl<K> From<u32> for Partitioner<K> {
    fn from(partitions: u32) -> Self {
        Self::Hash(HashPartitioner::new(partitions))
    }
}

impl<K> From<&Self> for Partitioner<K> {
    fn from(other: &Self) -> Self {
        other.clone()
    }
}

impl<K: Data> Partitioner<K> {
    /// A partitioner of the program's own: `f` gives the partition of a key, below `partitions`, or the
    /// task fails. Two of the same name and number of partitions count as equal, as the class does in Spark.
    pub fn custom(name: &str, partitions: u32, f: impl Fn(&K) -> u32 + Send + Sync + 'static) -> Self {
        let info = PartitionerInfo {
            class: name.to_owned(),
            partitions,
            hash_version: HASH_VERSION,
            detail: Some("custom".into()),
        };
        Self::Other(Arc::new(Custom { info, f }))
    }
}

impl<K> Partitioner<K> {
    /// How many partitions.
    pub fn partitions(&self) -> u32 {
        match self {
            Self::Hash(hash) => hash.partitions(),
            Self::Other(other) => other.info().partitions,
        }
    }

    /// The partition of one key. Whole partitions are assigned at once.
    pub(crate) fn partition_of(&self, key: &K) -> Option<u32>
    where
        K: Serialize,
    {
        match self {
            Self::Hash(hash) => Some(hash.partition_of(key)),
            Self::Other(other) => {
                let mut places = Vec::new();
                other.assign(&[key], &mut places);
                places.first().copied().filter(|at| *at < self.partitions())
            }
        }
    }

    /// As plain data.
    pub fn info(&self) -> PartitionerInfo {
        match self {
            Self::Hash(hash) => hash.info(),
            Self::Other(other) => other.info(),
        }
    }

    /// Whether an RDD so described is partitioned by this one: then nothing needs to move (R1.4).
    pub(crate) fn partitions_already(&self, info: Option<&PartitionerInfo>) -> bool {
        info.is_some_and(|info| *info == self.info())
    }
}

struct Custom<F> {
    info: PartitionerInfo,
    f: F,
}

impl<K, F: Fn(&K) -> u32 + Send + Sync> PartitionKeys<K> for Custom<F> {
    fn info(&self) -> PartitionerInfo {
        self.info.clone()
    }

    fn assign(&self, keys: &[&K], to: &mut Vec<u32>) {
        to.extend(keys.iter().map(|key| (self.f)(key)));
    }
}

impl<K: Data, V: Data> Rdd<(K, V)> {
    /// How its keys are partitioned, when that is known (R1.3).
    pub fn partitioner(&self) -> Option<Partitioner<K>> {
        let info = self.info().partitioner?;
        if let Some(hash) = HashPartitioner::from_info(&info) {
            return Some(hash.into());
        }
        let object = self.core().partitioner_object()?;
        object.downcast_ref::<Partitioner<K>>().filter(|p| p.info() == info).cloned()
    }
}

impl SparkContext {
    /// A core whose keys are partitioned by `partitioner`.
    pub(super) fn new_keyed_core<K: Data>(
        &self,
        class: &str,
        partitioner: &Partitioner<K>,
        determinism: Determinism,
        dependencies: Vec<Dependency>,
    ) -> RddCore {
        let info = partitioner.info();
        let core = self.new_core(class, info.partitions, Some(info), determinism, dependencies);
        match partitioner {
            Partitioner::Hash(_) => core,
            Partitioner::Other(_) => core.partitioned_by(Arc::new(partitioner.clone()) as Arc<dyn Any + Send + Sync>),
        }
    }
}
