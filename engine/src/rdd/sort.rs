//! Sorting: `sortByKey`, `sortBy`, `repartitionAndSortWithinPartitions`.
//!
//! Records of one key keep the order in which the map side had them.

use super::chunk::{Sink, Stop};
use super::node::RddNode;
use super::partitioner::{Partitioner, RangePartitioner, SortOrder, sampled};
use super::{Dependency, Rdd, deliver_owned};
use crate::error::Result;
use crate::ids::PartitionId;
use crate::shuffle::{KeepAll, ShuffleDep};
use crate::storage::Data;
use crate::task_context::TaskContext;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::ops::ControlFlow;
use std::panic::Location;
use std::sync::Arc;

/// A number that sorts and hashes: numbers below infinity below not-a-number, as Java orders doubles.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct FloatKey(pub f64);

impl FloatKey {
    /// One pattern for everything that is not a number, as Java sees it.
    fn canonical(self) -> f64 {
        if self.0.is_nan() { f64::NAN } else { self.0 }
    }
}

impl PartialEq for FloatKey {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for FloatKey {}

impl PartialOrd for FloatKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for FloatKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.canonical().total_cmp(&other.canonical())
    }
}

impl Hash for FloatKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.canonical().to_bits().hash(state);
    }
}

fn sort<K: Ord, V>(records: &mut [(K, V)], order: SortOrder) {
    match order {
        SortOrder::Ascending => records.sort_by(|a, b| a.0.cmp(&b.0)),
        SortOrder::Descending => records.sort_by(|a, b| b.0.cmp(&a.0)),
    }
}

/// The reduce side of a shuffle with a key ordering.
struct SortedShuffle<K: Data, V: Data> {
    shuffle: Arc<ShuffleDep<K, V, KeepAll>>,
    order: SortOrder,
}

impl<K: Data + Hash + Ord, V: Data> RddNode<(K, V)> for SortedShuffle<K, V> {
    fn compute(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, (K, V)>) -> ControlFlow<Stop> {
        let mut records = Vec::new();
        self.shuffle.read_records(part, ctx, &mut |chunk| {
            chunk.append_to(&mut records);
            ControlFlow::Continue(())
        })?;
        sort(&mut records, self.order);
        deliver_owned(records, ctx.chunk_len(), sink)
    }
}

/// Each partition sorted where it is.
struct SortedInPlace<K: Data, V: Data> {
    parent: Rdd<(K, V)>,
    order: SortOrder,
}

impl<K: Data + Ord, V: Data> RddNode<(K, V)> for SortedInPlace<K, V> {
    fn compute(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, (K, V)>) -> ControlFlow<Stop> {
        let mut records = Vec::new();
        self.parent.for_each_chunk(part, ctx, &mut |chunk| {
            chunk.append_to(&mut records);
            ControlFlow::Continue(())
        })?;
        sort(&mut records, self.order);
        deliver_owned(records, ctx.chunk_len(), sink)
    }
}

impl<K: Data + Hash + Ord, V: Data> Rdd<(K, V)> {
    fn sorted_shuffle(&self, partitioner: &Partitioner<K>, order: SortOrder) -> Self {
        let shuffle = Arc::new(ShuffleDep::new(self.clone(), partitioner.clone(), KeepAll));
        let core = self.shuffled_core(partitioner, Dependency::Shuffle(Arc::clone(&shuffle) as _));
        Self::new(core, SortedShuffle { shuffle, order })
    }

    /// The records by key: each partition sorted, and the keys of a partition before those of the next.
    /// Samples the keys by a job at once, to cut them into ranges.
    ///
    /// # Errors
    /// When that job fails.
    #[track_caller]
    pub fn sort_by_key(&self, order: SortOrder) -> Result<Self> {
        self.sorted(order, self.num_partitions(), "sortByKey", Location::caller())
    }

    /// As [`Rdd::sort_by_key`], in up to `partitions` partitions.
    ///
    /// # Errors
    /// When the sampling job fails.
    #[track_caller]
    pub fn sort_by_key_in(&self, partitions: u32, order: SortOrder) -> Result<Self> {
        self.sorted(order, partitions, "sortByKey", Location::caller())
    }

    fn sorted(&self, order: SortOrder, partitions: u32, method: &str, at: &Location<'_>) -> Result<Self> {
        let _scope = self.context().open(method, at);
        let range: RangePartitioner<K> = sampled(self, partitions, order, method, at)?;
        Ok(self.sorted_shuffle(&range.into(), order))
    }

    /// The same records, each where the partitioner wants it, and each partition sorted by key.
    #[track_caller]
    pub fn repartition_and_sort_within_partitions(&self, partitioner: impl Into<Partitioner<K>>) -> Self {
        let _scope = self.context().open("repartitionAndSortWithinPartitions", Location::caller());
        let (partitioner, order) = (partitioner.into(), SortOrder::Ascending);
        if self.is_partitioned_by(&partitioner) {
            return self.narrow(self.info().partitioner, SortedInPlace { parent: self.clone(), order });
        }
        self.sorted_shuffle(&partitioner, order)
    }
}

impl<T: Data> Rdd<T> {
    /// The records by what `f` makes of each, as [`Rdd::sort_by_key`] sorts.
    ///
    /// # Errors
    /// When the sampling job fails.
    #[track_caller]
    pub fn sort_by<K: Data + Hash + Ord>(
        &self,
        f: impl Fn(&T) -> K + Send + Sync + 'static,
        order: SortOrder,
    ) -> Result<Self> {
        self.sorted_by(f, order, self.num_partitions(), Location::caller())
    }

    /// As [`Rdd::sort_by`], in up to `partitions` partitions.
    ///
    /// # Errors
    /// When the sampling job fails.
    #[track_caller]
    pub fn sort_by_in<K: Data + Hash + Ord>(
        &self,
        partitions: u32,
        f: impl Fn(&T) -> K + Send + Sync + 'static,
        order: SortOrder,
    ) -> Result<Self> {
        self.sorted_by(f, order, partitions, Location::caller())
    }

    fn sorted_by<K: Data + Hash + Ord>(
        &self,
        f: impl Fn(&T) -> K + Send + Sync + 'static,
        order: SortOrder,
        partitions: u32,
        at: &Location<'_>,
    ) -> Result<Self> {
        let _scope = self.context().open("sortBy", at);
        Ok(self.key_by(f).sorted(order, partitions, "sortBy", at)?.values())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers would not sort as Java sorts them, or equal keys would hash apart.
    #[test]
    fn numbers_sort_as_in_java() {
        let mut keys = [f64::NAN, 1.0, f64::INFINITY, -0.0, 0.0, -1.0, f64::NEG_INFINITY, -f64::NAN].map(FloatKey);
        keys.sort();
        let words = keys.map(|k| format!("{:?}", k.0));
        assert_eq!(words[..6], ["-inf", "-1.0", "-0.0", "0.0", "1.0", "inf"]);
        assert_eq!(keys[6], keys[7]);
    }
}
