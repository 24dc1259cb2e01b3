//! Transformations that make each batch's RDD from the parent's RDD of the same batch.

use super::dstream::{DStream, StreamNode, StreamSpec};
use super::instances::Generation;
use crate::driver::BatchTick;
use crate::error::{EngineError, Result};
use crate::rdd::Rdd;
use crate::storage::Data;
use std::hash::Hash;
use std::panic::Location;
use std::sync::Arc;

/// The parent's RDD through `f`, when there is one.
struct PerBatch<T: Data, F> {
    parent: DStream<T>,
    f: F,
}

impl<T: Data, U: Data, F: Fn(&Rdd<T>) -> Rdd<U> + Send + Sync> StreamNode<U> for PerBatch<T, F> {
    fn compute(&self, generation: &Generation<'_>, tick: BatchTick) -> Result<Option<Rdd<U>>> {
        Ok(generation.rdd(&self.parent, tick)?.map(|rdd| (self.f)(&rdd)))
    }
}

/// The parent's RDD through `f`; there must be one.
struct Transformed<T: Data, F> {
    parent: DStream<T>,
    f: F,
}

impl<T: Data, U: Data, F: Fn(&Rdd<T>) -> Rdd<U> + Send + Sync> StreamNode<U> for Transformed<T, F> {
    fn compute(&self, generation: &Generation<'_>, tick: BatchTick) -> Result<Option<Rdd<U>>> {
        let rdd = generation.rdd(&self.parent, tick)?.ok_or_else(|| no_rdd_of_parent(tick))?;
        Ok(Some((self.f)(&rdd)))
    }
}

/// What Spark says when a transformation finds no RDD to work on (R11.9).
pub(super) fn no_rdd_of_parent(tick: BatchTick) -> EngineError {
    EngineError::IllegalState(format!("Couldn't generate RDD from parent at time {} ms", tick.time.0 / 1_000_000))
}

impl<T: Data> DStream<T> {
    pub(super) fn per_batch<U: Data>(
        &self,
        method: &'static str,
        class: &'static str,
        shuffles: bool,
        at: &Location<'_>,
        f: impl Fn(&Rdd<T>) -> Rdd<U> + Send + Sync + 'static,
    ) -> DStream<U> {
        self.per_batch_as(StreamSpec { shuffles, ..StreamSpec::narrow(method, class, self.slide()) }, at, f)
    }

    pub(super) fn per_batch_as<U: Data>(
        &self,
        spec: StreamSpec,
        at: &Location<'_>,
        f: impl Fn(&Rdd<T>) -> Rdd<U> + Send + Sync + 'static,
    ) -> DStream<U> {
        let node = PerBatch { parent: self.clone(), f };
        DStream::create(&self.ssc, spec, vec![Arc::clone(&self.core)], node, at)
    }

    /// Each record through `f`.
    #[track_caller]
    pub fn map<U: Data>(&self, f: impl Fn(T) -> U + Send + Sync + 'static) -> DStream<U> {
        let f = Arc::new(f);
        self.per_batch("map", "MappedDStream", false, Location::caller(), move |rdd| {
            let f = Arc::clone(&f);
            rdd.map(move |v| f(v))
        })
    }

    /// The records for which `f` holds.
    #[track_caller]
    pub fn filter(&self, f: impl Fn(&T) -> bool + Send + Sync + 'static) -> DStream<T> {
        let f = Arc::new(f);
        self.per_batch("filter", "FilteredDStream", false, Location::caller(), move |rdd| {
            let f = Arc::clone(&f);
            rdd.filter(move |v| f(v))
        })
    }

    /// Each record to any number of records.
    #[track_caller]
    pub fn flat_map<U: Data, I: IntoIterator<Item = U>>(
        &self,
        f: impl Fn(T) -> I + Send + Sync + 'static,
    ) -> DStream<U> {
        let f = Arc::new(f);
        self.per_batch("flatMap", "FlatMappedDStream", false, Location::caller(), move |rdd| {
            let f = Arc::clone(&f);
            rdd.flat_map(move |v| f(v))
        })
    }

    /// Each batch's RDD through `f`, which runs on the driver every batch (R11.12). A batch without an
    /// RDD fails (R11.9).
    #[track_caller]
    pub fn transform<U: Data>(&self, f: impl Fn(&Rdd<T>) -> Rdd<U> + Send + Sync + 'static) -> DStream<U> {
        let spec = StreamSpec { shuffles: true, ..StreamSpec::narrow("transform", "TransformedDStream", self.slide()) };
        let node = Transformed { parent: self.clone(), f };
        DStream::create(&self.ssc, spec, vec![Arc::clone(&self.core)], node, Location::caller())
    }
}

impl<K: Data + Hash + Eq, V: Data> DStream<(K, V)> {
    /// One value per key and batch, merged with `f`.
    #[track_caller]
    pub fn reduce_by_key(&self, f: impl Fn(V, V) -> V + Send + Sync + 'static) -> DStream<(K, V)> {
        self.reduced("reduceByKey", Arc::new(f), Location::caller())
    }

    /// `reduceByKey` as a part of what the user `called`.
    pub(super) fn reduced(
        &self,
        called: &'static str,
        f: Arc<impl Fn(V, V) -> V + Send + Sync + 'static>,
        at: &Location<'_>,
    ) -> DStream<(K, V)> {
        let partitions = self.ssc.spark_context().default_parallelism();
        let spec =
            StreamSpec { called, shuffles: true, ..StreamSpec::narrow("reduceByKey", "ShuffledDStream", self.slide()) };
        self.per_batch_as(spec, at, move |rdd| {
            let f = Arc::clone(&f);
            rdd.reduce_by_key_in(partitions, move |a, b| f(a, b))
        })
    }
}
