//! By-key transformations and their shuffles.

use super::chunk::{Chunk, Sink, Stop, TaskError};
use super::narrow::PreservesPartitioning;
use super::node::RddNode;
use super::partitioner::HashPartitioner;
use super::{Dependency, Rdd};
use crate::event::{Determinism, PartitionerInfo};
use crate::ids::PartitionId;
use crate::shuffle::{Combined, Combiner, GroupValues, KeepAll, ReduceWith, ShuffleDep, combine_into};
use crate::storage::Data;
use crate::task_context::TaskContext;
use std::hash::Hash;
use std::ops::ControlFlow;
use std::panic::Location;
use std::sync::Arc;

/// Spark's `ShuffledRDD`: the reduce side of a shuffle.
struct Shuffled<K: Data, V: Data, C: Combiner<V>> {
    shuffle: Arc<ShuffleDep<K, V, C>>,
}

impl<K: Data + Hash + Eq, V: Data, C: Combiner<V>> RddNode<(K, C::Out)> for Shuffled<K, V, C> {
    fn compute(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, (K, C::Out)>) -> ControlFlow<Stop> {
        self.shuffle.read(part, ctx, sink)
    }
}

/// The partitioner of `info`, when it is the wanted one.
pub(super) fn is_partitioned_by(info: Option<&PartitionerInfo>, wanted: HashPartitioner) -> bool {
    info.and_then(HashPartitioner::from_info) == Some(wanted)
}

impl<K: Data + Hash + Eq, V: Data> Rdd<(K, V)> {
    /// R1.5 for one RDD: its own partitioner, else as many partitions as it has.
    pub(crate) fn default_partitioner(&self) -> HashPartitioner {
        let info = self.info();
        let own = info.partitioner.as_ref().and_then(HashPartitioner::from_info);
        own.unwrap_or_else(|| HashPartitioner::new(info.num_partitions))
    }

    fn combine_by_key<C: Combiner<V>>(&self, partitioner: HashPartitioner, combiner: C) -> Rdd<(K, C::Out)> {
        let info = self.info();
        if is_partitioned_by(info.partitioner.as_ref(), partitioner) {
            return self.combine_in_place(combiner);
        }
        let shuffle = Arc::new(ShuffleDep::new(self.clone(), partitioner, combiner));
        let determinism = info.determinism.max(Determinism::Unordered);
        let core = self.context().new_core(
            "ShuffledRDD",
            partitioner.partitions(),
            Some(partitioner.info()),
            determinism,
            vec![Dependency::Shuffle(Arc::clone(&shuffle) as _)],
        );
        Rdd::new(core, Shuffled { shuffle })
    }

    /// Already partitioned as wanted: combines inside the partition, without a shuffle (R1.4).
    fn combine_in_place<C: Combiner<V>>(&self, combiner: C) -> Rdd<(K, C::Out)> {
        self.map_partitions_with_context(PreservesPartitioning::Yes, move |_, _, values| {
            let mut combined = Combined::default();
            let mut all: Vec<(K, V)> = values.collect();
            combine_into(&combiner, &mut combined, Chunk::Owned(&mut all));
            Ok::<_, TaskError>(combined.into_entries())
        })
    }

    /// One value per key, merged with `f`, which must be associative and commutative.
    #[track_caller]
    pub fn reduce_by_key(&self, f: impl Fn(V, V) -> V + Send + Sync + 'static) -> Rdd<(K, V)> {
        let _scope = self.context().open("reduceByKey", Location::caller());
        self.combine_by_key(self.default_partitioner(), ReduceWith(f))
    }

    /// As [`Rdd::reduce_by_key`], in `partitions` partitions.
    #[track_caller]
    pub fn reduce_by_key_in(&self, partitions: u32, f: impl Fn(V, V) -> V + Send + Sync + 'static) -> Rdd<(K, V)> {
        let _scope = self.context().open("reduceByKey", Location::caller());
        self.combine_by_key(HashPartitioner::new(partitions), ReduceWith(f))
    }

    /// All values of each key, in the order of the map outputs.
    #[track_caller]
    pub fn group_by_key(&self, partitions: u32) -> Rdd<(K, Vec<V>)> {
        let _scope = self.context().open("groupByKey", Location::caller());
        self.combine_by_key(HashPartitioner::new(partitions), GroupValues)
    }

    /// The same records, each where the partitioner wants it. No-op when they are there (R1.4).
    #[track_caller]
    pub fn partition_by(&self, partitioner: HashPartitioner) -> Rdd<(K, V)> {
        let _scope = self.context().open("partitionBy", Location::caller());
        if is_partitioned_by(self.info().partitioner.as_ref(), partitioner) {
            return self.clone();
        }
        let shuffle = Arc::new(ShuffleDep::new(self.clone(), partitioner, KeepAll));
        let core = self.context().new_core(
            "ShuffledRDD",
            partitioner.partitions(),
            Some(partitioner.info()),
            self.info().determinism.max(Determinism::Unordered),
            vec![Dependency::Shuffle(Arc::clone(&shuffle) as _)],
        );
        Rdd::new(core, Repartitioned { shuffle })
    }
}

/// `partitionBy`: records as they came, in map order.
struct Repartitioned<K: Data, V: Data> {
    shuffle: Arc<ShuffleDep<K, V, KeepAll>>,
}

impl<K: Data + Hash + Eq, V: Data> RddNode<(K, V)> for Repartitioned<K, V> {
    fn compute(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, (K, V)>) -> ControlFlow<Stop> {
        self.shuffle.read_records(part, ctx, sink)
    }
}
