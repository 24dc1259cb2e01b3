//! What is here and not there, and what is in both: `subtractByKey`, `subtract`, `intersection`.

use super::chunk::{Chunk, Sink, Stop};
use super::cogroup::Side;
use super::node::RddNode;
use super::partitioner::{HashPartitioner, Partitioner, default_partitioner};
use super::{Rdd, deliver_owned};
use crate::ids::PartitionId;
use crate::storage::Data;
use crate::task_context::TaskContext;
use indexmap::IndexMap;
use rustc_hash::{FxBuildHasher, FxHashSet};
use std::hash::Hash;
use std::ops::ControlFlow;
use std::panic::Location;

/// Spark's `SubtractedRDD`: keeps the left side only in memory, and what the right side has leaves.
struct Subtracted<K: Data, V: Data, W: Data> {
    left: Side<K, V>,
    right: Side<K, W>,
}

impl<K: Data + Hash + Eq, V: Data, W: Data> RddNode<(K, V)> for Subtracted<K, V, W> {
    fn compute(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, (K, V)>) -> ControlFlow<Stop> {
        let mut left: IndexMap<K, Vec<V>, FxBuildHasher> = IndexMap::default();
        self.left.read(part, ctx, &mut |chunk: Chunk<'_, (K, V)>| {
            chunk.for_each(|(key, value)| left.entry(key).or_default().push(value));
            ControlFlow::Continue(())
        })?;
        let mut there: FxHashSet<usize> = FxHashSet::default();
        self.right.read(part, ctx, &mut |chunk: Chunk<'_, (K, W)>| {
            there.extend(chunk.as_slice().iter().filter_map(|(key, _)| left.get_index_of(key)));
            ControlFlow::Continue(())
        })?;
        let kept = left.into_iter().enumerate().filter(|(at, _)| !there.contains(at));
        let records = kept.flat_map(|(_, (key, values))| values.into_iter().map(move |value| (key.clone(), value)));
        deliver_owned(records.collect(), ctx.chunk_len(), sink)
    }
}

impl<K: Data + Hash + Eq, V: Data> Rdd<(K, V)> {
    /// The records whose key `other` does not have.
    #[track_caller]
    pub fn subtract_by_key<W: Data>(&self, other: &Rdd<(K, W)>) -> Self {
        let _scope = self.context().open("subtractByKey", Location::caller());
        let own = self.partitioner().unwrap_or_else(|| HashPartitioner::new(self.num_partitions()).into());
        self.subtract_by_key_with(other, own)
    }

    /// As [`Rdd::subtract_by_key`], partitioned by `partitioner`.
    #[track_caller]
    pub fn subtract_by_key_with<W: Data>(&self, other: &Rdd<(K, W)>, partitioner: impl Into<Partitioner<K>>) -> Self {
        let _scope = self.context().open("subtractByKey", Location::caller());
        let partitioner = partitioner.into();
        let (left, right) = (Side::new(self, &partitioner), Side::new(other, &partitioner));
        let determinism = left.determinism().max(right.determinism());
        let dependencies = vec![left.dependency(), right.dependency()];
        let core = self.context().new_keyed_core("SubtractedRDD", &partitioner, determinism, dependencies);
        Self::new(core, Subtracted { left, right })
    }
}

impl<T: Data + Hash + Eq> Rdd<T> {
    /// The records that `other` does not have, as often as they are here.
    #[track_caller]
    pub fn subtract(&self, other: &Self) -> Self {
        let _scope = self.context().open("subtract", Location::caller());
        self.subtract_with(other, HashPartitioner::new(self.num_partitions()))
    }

    /// As [`Rdd::subtract`], partitioned by `partitioner` on the way.
    #[track_caller]
    pub fn subtract_with(&self, other: &Self, partitioner: impl Into<Partitioner<T>>) -> Self {
        let _scope = self.context().open("subtract", Location::caller());
        let (here, there) = (self.map(|value| (value, ())), other.map(|value| (value, ())));
        here.subtract_by_key_with(&there, partitioner).keys()
    }

    /// The records that are in both, once each.
    #[track_caller]
    pub fn intersection(&self, other: &Self) -> Self {
        let _scope = self.context().open("intersection", Location::caller());
        let count = self.context().config().default_parallelism;
        let both = [(self.num_partitions(), None), (other.num_partitions(), None)];
        self.intersection_with(other, default_partitioner(count, both))
    }

    /// As [`Rdd::intersection`], partitioned by `partitioner` on the way.
    #[track_caller]
    pub fn intersection_with(&self, other: &Self, partitioner: impl Into<Partitioner<T>>) -> Self {
        let _scope = self.context().open("intersection", Location::caller());
        let (here, there) = (self.map(|value| (value, ())), other.map(|value| (value, ())));
        let both = here.cogroup_with(&there, partitioner);
        both.filter(|(_, (here, there))| !here.is_empty() && !there.is_empty()).keys()
    }
}
