//! Transformations that make each batch's RDD from the parent's RDD of the same batch.

use super::combine::together;
use super::context::StreamingContext;
use super::dstream::{DStream, StreamNode, StreamSpec};
use super::instances::Generation;
use crate::driver::BatchTick;
use crate::error::{EngineError, Result};
use crate::ids::Timestamp;
use crate::rdd::{PreservesPartitioning, Rdd};
use crate::storage::Data;
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

/// The parents' RDDs through `f`; each must have one: Spark's `TransformedDStream`.
struct Transformed<T: Data, F> {
    parents: Vec<DStream<T>>,
    f: F,
}

impl<T, U, F> StreamNode<U> for Transformed<T, F>
where
    T: Data,
    U: Data,
    F: Fn(&[Rdd<T>], BatchTick) -> Result<Option<Rdd<U>>> + Send + Sync,
{
    fn compute(&self, generation: &Generation<'_>, tick: BatchTick) -> Result<Option<Rdd<U>>> {
        let mut rdds = Vec::with_capacity(self.parents.len());
        for parent in &self.parents {
            rdds.push(generation.rdd(parent, tick)?.ok_or_else(|| no_rdd_of_parent(tick))?);
        }
        (self.f)(&rdds, tick)?.map(Some).ok_or_else(no_result)
    }
}

/// What Spark says when a transformation finds no RDD to work on (R11.9).
pub(super) fn no_rdd_of_parent(tick: BatchTick) -> EngineError {
    EngineError::IllegalState(format!("Couldn't generate RDD from parent at time {} ms", tick.time.0 / 1_000_000))
}

/// What Spark says of a function that gives `null` (R11.9).
pub(super) fn no_result() -> EngineError {
    EngineError::IllegalState(
        "Transform function must not return null. Return SparkContext.emptyRDD() instead to represent no element as the result of transformation."
            .to_owned(),
    )
}

impl StreamingContext {
    /// The RDDs of all `streams` through `f`, which runs on the driver every batch and gets them in that
    /// order (R11.9, R11.12).
    ///
    /// # Errors
    /// When there is none, or they have different contexts or slides.
    #[track_caller]
    pub fn transform<T: Data, U: Data>(
        &self,
        streams: &[DStream<T>],
        f: impl Fn(&[Rdd<T>], Timestamp) -> Result<Option<Rdd<U>>> + Send + Sync + 'static,
    ) -> Result<DStream<U>> {
        let slide = together(streams, "List of DStreams to transform is empty")?;
        let spec = StreamSpec { shuffles: true, ..StreamSpec::narrow("transform", "TransformedDStream", slide) };
        let node =
            Transformed { parents: streams.to_vec(), f: move |rdds: &[Rdd<T>], tick: BatchTick| f(rdds, tick.time) };
        let parents = streams.iter().map(|stream| Arc::clone(&stream.core)).collect();
        Ok(DStream::create(self, spec, parents, node, Location::caller()))
    }
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
        self.transformed_as(self.transform_spec("transform"), Location::caller(), move |rdd, _| Ok(Some(f(rdd))))
    }

    /// As [`DStream::transform`]: the function also gets the batch time and may fail, which fails the
    /// generation of the batch. No RDD at all is such a failure.
    #[track_caller]
    pub fn try_transform<U: Data>(
        &self,
        f: impl Fn(&Rdd<T>, Timestamp) -> Result<Option<Rdd<U>>> + Send + Sync + 'static,
    ) -> DStream<U> {
        self.transformed_as(self.transform_spec("transform"), Location::caller(), move |rdd, tick| f(rdd, tick.time))
    }

    fn transform_spec(&self, method: &'static str) -> StreamSpec {
        StreamSpec { shuffles: true, ..StreamSpec::narrow(method, "TransformedDStream", self.slide()) }
    }

    pub(super) fn transformed_as<U: Data>(
        &self,
        spec: StreamSpec,
        at: &Location<'_>,
        f: impl Fn(&Rdd<T>, BatchTick) -> Result<Option<Rdd<U>>> + Send + Sync + 'static,
    ) -> DStream<U> {
        let node = Transformed { parents: vec![self.clone()], f: move |rdds: &[Rdd<T>], tick| f(&rdds[0], tick) };
        DStream::create(&self.ssc, spec, vec![Arc::clone(&self.core)], node, at)
    }

    /// A whole partition through `f`.
    #[track_caller]
    pub fn map_partitions<U: Data, I: IntoIterator<Item = U>>(
        &self,
        f: impl Fn(std::vec::IntoIter<T>) -> I + Send + Sync + 'static,
    ) -> DStream<U> {
        self.mapped_partitions(PreservesPartitioning::No, f, Location::caller())
    }

    /// As [`DStream::map_partitions`], by a function that leaves keys where they are.
    #[track_caller]
    pub fn map_partitions_preserving<U: Data, I: IntoIterator<Item = U>>(
        &self,
        f: impl Fn(std::vec::IntoIter<T>) -> I + Send + Sync + 'static,
    ) -> DStream<U> {
        self.mapped_partitions(PreservesPartitioning::Yes, f, Location::caller())
    }

    fn mapped_partitions<U: Data, I: IntoIterator<Item = U>>(
        &self,
        preserves: PreservesPartitioning,
        f: impl Fn(std::vec::IntoIter<T>) -> I + Send + Sync + 'static,
        at: &Location<'_>,
    ) -> DStream<U> {
        let f = Arc::new(f);
        self.per_batch("mapPartitions", "MapPartitionedDStream", false, at, move |rdd| {
            let f = Arc::clone(&f);
            rdd.map_partitions_with_context(preserves, move |_, _, values| Ok(f(values)))
        })
    }

    /// Each partition of a batch as one record.
    #[track_caller]
    pub fn glom(&self) -> DStream<Vec<T>> {
        self.per_batch("glom", "GlommedDStream", false, Location::caller(), Rdd::glom)
    }

    /// The records of each batch dealt out evenly over `partitions` partitions.
    ///
    /// # Errors
    /// When `partitions` is 0.
    #[track_caller]
    pub fn repartition(&self, partitions: u32) -> Result<DStream<T>> {
        if partitions == 0 {
            let text = "requirement failed: Number of partitions (0) must be positive.";
            return Err(EngineError::IllegalArgument(text.to_owned()));
        }
        let spec = self.transform_spec("repartition");
        Ok(self.transformed_as(spec, Location::caller(), move |rdd, _| rdd.repartition(partitions).map(Some)))
    }
}
