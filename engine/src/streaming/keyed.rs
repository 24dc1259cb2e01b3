//! Transformations of streams of pairs that look at one batch at a time.

use super::dstream::{DStream, StreamSpec};
use crate::rdd::partitioner::Partitioner;
use crate::storage::Data;
use std::hash::Hash;
use std::panic::Location;
use std::sync::Arc;

impl<K: Data, V: Data> DStream<(K, V)> {
    /// Each value through `f`; keys stay where they are.
    #[track_caller]
    pub fn map_values<U: Data>(&self, f: impl Fn(V) -> U + Send + Sync + 'static) -> DStream<(K, U)> {
        let f = Arc::new(f);
        self.per_batch("mapValues", "MapValuedDStream", false, Location::caller(), move |rdd| {
            let f = Arc::clone(&f);
            rdd.map_values(move |v| f(v))
        })
    }

    /// Each value to any number of values; keys stay where they are.
    #[track_caller]
    pub fn flat_map_values<U: Data, I: IntoIterator<Item = U>>(
        &self,
        f: impl Fn(V) -> I + Send + Sync + 'static,
    ) -> DStream<(K, U)> {
        let f = Arc::new(f);
        self.per_batch("flatMapValues", "FlatMapValuedDStream", false, Location::caller(), move |rdd| {
            let f = Arc::clone(&f);
            rdd.flat_map_values(move |v| f(v))
        })
    }
}

impl<K: Data + Hash + Eq, V: Data> DStream<(K, V)> {
    /// By hash, into the default parallelism.
    pub(super) fn default_partitioner(&self) -> Partitioner<K> {
        self.ssc.spark_context().default_parallelism().into()
    }

    /// A `ShuffledDStream` as a part of what the user `called`.
    pub(super) fn shuffled_spec(&self, (called, method): (&'static str, &'static str)) -> StreamSpec {
        StreamSpec { called, shuffles: true, ..StreamSpec::narrow(method, "ShuffledDStream", self.slide()) }
    }

    /// One value per key and batch, merged with `f`.
    #[track_caller]
    pub fn reduce_by_key(&self, f: impl Fn(V, V) -> V + Send + Sync + 'static) -> DStream<(K, V)> {
        self.reduced("reduceByKey", Arc::new(f), self.default_partitioner(), Location::caller())
    }

    /// As [`DStream::reduce_by_key`], partitioned by `partitioner`: a number of partitions, for example.
    #[track_caller]
    pub fn reduce_by_key_in(
        &self,
        partitioner: impl Into<Partitioner<K>>,
        f: impl Fn(V, V) -> V + Send + Sync + 'static,
    ) -> DStream<(K, V)> {
        self.reduced("reduceByKey", Arc::new(f), partitioner.into(), Location::caller())
    }

    /// `reduceByKey` as a part of what the user `called`.
    pub(super) fn reduced(
        &self,
        called: &'static str,
        f: Arc<impl Fn(V, V) -> V + Send + Sync + 'static>,
        partitioner: Partitioner<K>,
        at: &Location<'_>,
    ) -> DStream<(K, V)> {
        self.reduced_as((called, "reduceByKey"), f, partitioner, at)
    }

    /// The same, as the operator `method`.
    pub(super) fn reduced_as(
        &self,
        (called, method): (&'static str, &'static str),
        f: Arc<impl Fn(V, V) -> V + Send + Sync + 'static>,
        partitioner: Partitioner<K>,
        at: &Location<'_>,
    ) -> DStream<(K, V)> {
        self.per_batch_as(self.shuffled_spec((called, method)), at, move |rdd| {
            let f = Arc::clone(&f);
            rdd.reduce_by_key_in(partitioner.clone(), move |a, b| f(a, b))
        })
    }

    /// All values of each key of a batch.
    #[track_caller]
    pub fn group_by_key(&self) -> DStream<(K, Vec<V>)> {
        self.grouped(("groupByKey", "groupByKey"), self.default_partitioner(), Location::caller())
    }

    /// As [`DStream::group_by_key`], partitioned by `partitioner`.
    #[track_caller]
    pub fn group_by_key_in(&self, partitioner: impl Into<Partitioner<K>>) -> DStream<(K, Vec<V>)> {
        self.grouped(("groupByKey", "groupByKey"), partitioner.into(), Location::caller())
    }

    /// Spark groups the values of a stream through `combineByKey`, which combines on the map side; its RDDs'
    /// `groupByKey` does not.
    pub(super) fn grouped(
        &self,
        names: (&'static str, &'static str),
        partitioner: Partitioner<K>,
        at: &Location<'_>,
    ) -> DStream<(K, Vec<V>)> {
        let merge = |all: &mut Vec<V>, value| all.push(value);
        self.combined(names, partitioner, (|value| vec![value], merge, |all: &mut Vec<V>, more| all.extend(more)), at)
    }

    /// One combiner per key and batch: `create` makes it of a first value, `merge_value` adds one,
    /// `merge_combiners` joins those of map partitions.
    #[track_caller]
    pub fn combine_by_key<C: Data>(
        &self,
        partitioner: impl Into<Partitioner<K>>,
        create: impl Fn(V) -> C + Send + Sync + 'static,
        merge_value: impl Fn(&mut C, V) + Send + Sync + 'static,
        merge_combiners: impl Fn(&mut C, C) + Send + Sync + 'static,
    ) -> DStream<(K, C)> {
        let names = ("combineByKey", "combineByKey");
        let functions = (create, merge_value, merge_combiners);
        self.combined(names, partitioner.into(), functions, Location::caller())
    }

    pub(super) fn combined<C: Data>(
        &self,
        names: (&'static str, &'static str),
        partitioner: Partitioner<K>,
        functions: (
            impl Fn(V) -> C + Send + Sync + 'static,
            impl Fn(&mut C, V) + Send + Sync + 'static,
            impl Fn(&mut C, C) + Send + Sync + 'static,
        ),
        at: &Location<'_>,
    ) -> DStream<(K, C)> {
        let functions = Arc::new(functions);
        self.per_batch_as(self.shuffled_spec(names), at, move |rdd| {
            let [first, second, third] = [Arc::clone(&functions), Arc::clone(&functions), Arc::clone(&functions)];
            rdd.combine_by_key_in(
                partitioner.clone(),
                move |value| (first.0)(value),
                move |combiner, value| (second.1)(combiner, value),
                move |combiner, other| (third.2)(combiner, other),
            )
        })
    }
}
