//! By-key transformations and their shuffles.
//!
//! Each has a form that takes the default partitioner (R1.5) and one, `…_in`, that takes a partitioner or
//! a number of partitions. An RDD that lies well already is not shuffled (R1.4).

use super::chunk::{Sink, Stop};
use super::node::RddNode;
use super::partitioner::{Partitioner, default_partitioner};
use super::{Dependency, Rdd};
use crate::event::PartitionerInfo;
use crate::ids::PartitionId;
use crate::shuffle::{
    CombineReduceSide, CombineWith, Combiner, FoldWith, GroupValues, KeepAll, ReduceWith, ShuffleDep, combine_partition,
};
use crate::storage::Data;
use crate::task_context::TaskContext;
use std::hash::Hash;
use std::marker::PhantomData;
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

/// By-key aggregation of an RDD that is partitioned as wanted.
struct CombinedInPlace<K: Data, V: Data, C> {
    parent: Rdd<(K, V)>,
    combiner: C,
}

impl<K: Data + Hash + Eq, V: Data, C: Combiner<V>> RddNode<(K, C::Out)> for CombinedInPlace<K, V, C> {
    fn compute(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, (K, C::Out)>) -> ControlFlow<Stop> {
        combine_partition(&self.parent, &self.combiner, part, ctx, sink)
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

impl<K: Data, V: Data> Rdd<(K, V)> {
    /// What the choice of a default partitioner looks at.
    pub(super) fn partitioning(&self) -> (u32, Option<Partitioner<K>>) {
        (self.num_partitions(), self.partitioner())
    }

    /// R1.5 for one RDD.
    pub(crate) fn default_partitioner(&self) -> Partitioner<K> {
        default_partitioner(self.context().config().default_parallelism, [self.partitioning()])
    }

    /// Whether its keys are where `partitioner` wants them.
    pub(super) fn is_partitioned_by(&self, partitioner: &Partitioner<K>) -> bool {
        partitioner.partitions_already(self.info().partitioner.as_ref())
    }
}

impl<K: Data + Hash + Eq, V: Data> Rdd<(K, V)> {
    fn combined<C: Combiner<V>>(&self, partitioner: Partitioner<K>, combiner: C) -> Rdd<(K, C::Out)> {
        if self.is_partitioned_by(&partitioner) {
            return self.narrow(self.info().partitioner, CombinedInPlace { parent: self.clone(), combiner });
        }
        let shuffle = Arc::new(ShuffleDep::new(self.clone(), partitioner.clone(), combiner));
        let core = self.shuffled_core(&partitioner, Dependency::Shuffle(Arc::clone(&shuffle) as _));
        Rdd::new(core, Shuffled { shuffle })
    }

    /// The core of a `ShuffledRDD` over this one.
    pub(super) fn shuffled_core(&self, partitioner: &Partitioner<K>, dependency: Dependency) -> super::RddCore {
        let determinism = self.info().determinism.after_shuffle();
        self.context().new_keyed_core("ShuffledRDD", partitioner, determinism, vec![dependency])
    }

    /// One combiner per key: `create` makes it of the first value in a map partition, `merge_value` adds a
    /// value there, `merge_combiners` joins those of the map partitions.
    #[track_caller]
    pub fn combine_by_key<C: Data>(
        &self,
        create: impl Fn(V) -> C + Send + Sync + 'static,
        merge_value: impl Fn(&mut C, V) + Send + Sync + 'static,
        merge_combiners: impl Fn(&mut C, C) + Send + Sync + 'static,
    ) -> Rdd<(K, C)> {
        let _scope = self.context().open("combineByKey", Location::caller());
        self.combine_by_key_in(self.default_partitioner(), create, merge_value, merge_combiners)
    }

    /// As [`Rdd::combine_by_key`], partitioned by `partitioner`.
    #[track_caller]
    pub fn combine_by_key_in<C: Data>(
        &self,
        partitioner: impl Into<Partitioner<K>>,
        create: impl Fn(V) -> C + Send + Sync + 'static,
        merge_value: impl Fn(&mut C, V) + Send + Sync + 'static,
        merge_combiners: impl Fn(&mut C, C) + Send + Sync + 'static,
    ) -> Rdd<(K, C)> {
        let _scope = self.context().open("combineByKey", Location::caller());
        self.combined(partitioner.into(), CombineWith { create, merge_value, merge_combiners, out: PhantomData })
    }

    /// As [`Rdd::combine_by_key_in`] without map-side combine: every value crosses the shuffle, which is
    /// cheaper when keys hardly repeat.
    #[track_caller]
    pub fn combine_by_key_on_reduce_side<C: Data>(
        &self,
        partitioner: impl Into<Partitioner<K>>,
        create: impl Fn(V) -> C + Send + Sync + 'static,
        merge_value: impl Fn(&mut C, V) + Send + Sync + 'static,
    ) -> Rdd<(K, C)> {
        let _scope = self.context().open("combineByKey", Location::caller());
        self.combined(partitioner.into(), CombineReduceSide { create, merge_value, out: PhantomData })
    }

    /// One value per key, merged with `f`, which must be associative and commutative.
    #[track_caller]
    pub fn reduce_by_key(&self, f: impl Fn(V, V) -> V + Send + Sync + 'static) -> Rdd<(K, V)> {
        let _scope = self.context().open("reduceByKey", Location::caller());
        self.reduce_by_key_in(self.default_partitioner(), f)
    }

    /// As [`Rdd::reduce_by_key`], partitioned by `partitioner`.
    #[track_caller]
    pub fn reduce_by_key_in(
        &self,
        partitioner: impl Into<Partitioner<K>>,
        f: impl Fn(V, V) -> V + Send + Sync + 'static,
    ) -> Rdd<(K, V)> {
        let _scope = self.context().open("reduceByKey", Location::caller());
        self.combined(partitioner.into(), ReduceWith(f))
    }

    /// As [`Rdd::reduce_by_key`], beginning with `zero` for each key in each map partition: `zero` should
    /// change nothing.
    #[track_caller]
    pub fn fold_by_key(&self, zero: V, f: impl Fn(V, V) -> V + Send + Sync + 'static) -> Rdd<(K, V)> {
        let _scope = self.context().open("foldByKey", Location::caller());
        self.fold_by_key_in(self.default_partitioner(), zero, f)
    }

    /// As [`Rdd::fold_by_key`], partitioned by `partitioner`.
    #[track_caller]
    pub fn fold_by_key_in(
        &self,
        partitioner: impl Into<Partitioner<K>>,
        zero: V,
        f: impl Fn(V, V) -> V + Send + Sync + 'static,
    ) -> Rdd<(K, V)> {
        let _scope = self.context().open("foldByKey", Location::caller());
        self.combined(partitioner.into(), FoldWith { zero, f })
    }

    /// One value of another type per key: `zero` and `merge_value` for each key in each map partition,
    /// `merge_combiners` between them.
    #[track_caller]
    pub fn aggregate_by_key<C: Data>(
        &self,
        zero: C,
        merge_value: impl Fn(&mut C, V) + Send + Sync + 'static,
        merge_combiners: impl Fn(&mut C, C) + Send + Sync + 'static,
    ) -> Rdd<(K, C)> {
        let _scope = self.context().open("aggregateByKey", Location::caller());
        self.aggregate_by_key_in(self.default_partitioner(), zero, merge_value, merge_combiners)
    }

    /// As [`Rdd::aggregate_by_key`], partitioned by `partitioner`.
    #[track_caller]
    pub fn aggregate_by_key_in<C: Data>(
        &self,
        partitioner: impl Into<Partitioner<K>>,
        zero: C,
        merge_value: impl Fn(&mut C, V) + Send + Sync + 'static,
        merge_combiners: impl Fn(&mut C, C) + Send + Sync + 'static,
    ) -> Rdd<(K, C)> {
        let _scope = self.context().open("aggregateByKey", Location::caller());
        let merge_value = Arc::new(merge_value);
        let first = Arc::clone(&merge_value);
        let create = move |value| {
            let mut combiner = zero.clone();
            first(&mut combiner, value);
            combiner
        };
        let merge_value = move |combiner: &mut C, value| merge_value(combiner, value);
        self.combined(partitioner.into(), CombineWith { create, merge_value, merge_combiners, out: PhantomData })
    }

    /// All values of each key, in the order of the map outputs.
    #[track_caller]
    pub fn group_by_key(&self) -> Rdd<(K, Vec<V>)> {
        let _scope = self.context().open("groupByKey", Location::caller());
        self.group_by_key_in(self.default_partitioner())
    }

    /// As [`Rdd::group_by_key`], partitioned by `partitioner`.
    #[track_caller]
    pub fn group_by_key_in(&self, partitioner: impl Into<Partitioner<K>>) -> Rdd<(K, Vec<V>)> {
        let _scope = self.context().open("groupByKey", Location::caller());
        self.combined(partitioner.into(), GroupValues)
    }

    /// The same records, each where the partitioner wants it. No-op when they are there (R1.4).
    #[track_caller]
    pub fn partition_by(&self, partitioner: impl Into<Partitioner<K>>) -> Rdd<(K, V)> {
        let _scope = self.context().open("partitionBy", Location::caller());
        let partitioner = partitioner.into();
        if self.is_partitioned_by(&partitioner) {
            return self.clone();
        }
        let shuffle = Arc::new(ShuffleDep::new(self.clone(), partitioner.clone(), KeepAll));
        let core = self.shuffled_core(&partitioner, Dependency::Shuffle(Arc::clone(&shuffle) as _));
        Rdd::new(core, Repartitioned { shuffle })
    }
}

impl<T: Data> Rdd<T> {
    /// The records by what `f` makes of each. Without a number of partitions in the settings there are as many
    /// as here; what has a partitioner counts with its partitions in any case (R1.5).
    #[track_caller]
    pub fn group_by<K: Data + Hash + Eq>(&self, f: impl Fn(&T) -> K + Send + Sync + 'static) -> Rdd<(K, Vec<T>)> {
        let _scope = self.context().open("groupBy", Location::caller());
        let count = self.context().config().default_parallelism;
        // One by hash takes keys of any type.
        let own = self.info().partitioner.filter(PartitionerInfo::is_by_hash);
        let partitioner = default_partitioner(count, [(self.num_partitions(), own.map(|own| own.partitions.into()))]);
        self.group_by_in(partitioner, f)
    }

    /// As [`Rdd::group_by`], partitioned by `partitioner`.
    #[track_caller]
    pub fn group_by_in<K: Data + Hash + Eq>(
        &self,
        partitioner: impl Into<Partitioner<K>>,
        f: impl Fn(&T) -> K + Send + Sync + 'static,
    ) -> Rdd<(K, Vec<T>)> {
        let _scope = self.context().open("groupBy", Location::caller());
        self.key_by(f).group_by_key_in(partitioner)
    }
}
