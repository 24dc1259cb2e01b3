//! Streams made of several: `union`, `transformWith`, and the joins built on it (R11.9, R11.10).

use super::context::StreamingContext;
use super::dstream::{DStream, StreamNode, StreamSpec};
use super::instances::Generation;
use super::transform::{no_rdd_of_parent, no_result};
use crate::driver::BatchTick;
use crate::error::{EngineError, Result};
use crate::ids::{Millis, Timestamp};
use crate::rdd::Rdd;
use crate::storage::Data;
use std::panic::Location;
use std::sync::Arc;

/// The RDDs of two streams through `f`: Spark's `TransformedDStream` of two parents.
struct TransformedWith<T: Data, U: Data, F> {
    left: DStream<T>,
    right: DStream<U>,
    f: F,
}

impl<T, U, V, F> StreamNode<V> for TransformedWith<T, U, F>
where
    T: Data,
    U: Data,
    V: Data,
    F: Fn(&Rdd<T>, &Rdd<U>, Timestamp) -> Result<Option<Rdd<V>>> + Send + Sync,
{
    fn compute(&self, generation: &Generation<'_>, tick: BatchTick) -> Result<Option<Rdd<V>>> {
        let left = generation.rdd(&self.left, tick)?.ok_or_else(|| no_rdd_of_parent(tick))?;
        let right = generation.rdd(&self.right, tick)?.ok_or_else(|| no_rdd_of_parent(tick))?;
        (self.f)(&left, &right, tick.time)?.map(Some).ok_or_else(no_result)
    }
}

/// The records of several streams: Spark's `UnionDStream`.
struct Union<T: Data> {
    parents: Vec<DStream<T>>,
}

impl<T: Data> StreamNode<T> for Union<T> {
    fn compute(&self, generation: &Generation<'_>, tick: BatchTick) -> Result<Option<Rdd<T>>> {
        let mut rdds = Vec::with_capacity(self.parents.len());
        for parent in &self.parents {
            let rdd = generation.rdd(parent, tick)?;
            rdds.push(rdd.ok_or_else(|| none_to_unite(tick))?);
        }
        Ok(Some(generation.sc.union(&rdds)))
    }
}

fn none_to_unite(tick: BatchTick) -> EngineError {
    let time = tick.time.0 / 1_000_000;
    EngineError::IllegalState(format!("Could not generate RDD from a parent for unifying at time {time} ms"))
}

/// The common slide of streams, or why they cannot be combined (R11.10). `none` is said of no streams.
pub(super) fn together<T: Data>(streams: &[DStream<T>], none: &str) -> Result<Millis> {
    let Some((first, others)) = streams.split_first() else {
        return Err(EngineError::IllegalArgument(format!("requirement failed: {none}")));
    };
    others.iter().try_fold(first.slide(), |_, other| first.require_together(other))
}

impl StreamingContext {
    /// All records of all `streams`.
    ///
    /// # Errors
    /// When there is none, or they have different contexts or slides.
    #[track_caller]
    pub fn union<T: Data>(&self, streams: &[DStream<T>]) -> Result<DStream<T>> {
        let slide = together(streams, "List of DStreams to union is empty")?;
        let parents = streams.iter().map(|stream| Arc::clone(&stream.core)).collect();
        let node = Union { parents: streams.to_vec() };
        let spec = StreamSpec::narrow("union", "UnionDStream", slide);
        Ok(DStream::create(self, spec, parents, node, Location::caller()))
    }
}

impl<T: Data> DStream<T> {
    /// Refuses a stream of another context, or with other batch times (R11.10).
    fn require_together<U: Data>(&self, other: &DStream<U>) -> Result<Millis> {
        let refuse = |text: &str| Err(EngineError::IllegalArgument(format!("requirement failed: {text}")));
        if !self.ssc.is(&other.ssc) {
            return refuse("Some of the DStreams have different contexts");
        }
        if self.slide() != other.slide() {
            return refuse("Some of the DStreams have different slide durations");
        }
        Ok(self.slide())
    }

    /// All records of both streams.
    ///
    /// # Errors
    /// When the other stream is of another context, or has another slide.
    #[track_caller]
    pub fn union(&self, other: &Self) -> Result<Self> {
        self.ssc.union(&[self.clone(), other.clone()])
    }

    /// The RDDs of both streams through `f`, which runs on the driver every batch (R11.12).
    ///
    /// # Errors
    /// When the other stream is of another context, or has another slide.
    #[track_caller]
    pub fn transform_with<U: Data, V: Data>(
        &self,
        other: &DStream<U>,
        f: impl Fn(&Rdd<T>, &Rdd<U>) -> Rdd<V> + Send + Sync + 'static,
    ) -> Result<DStream<V>> {
        let f = move |left: &Rdd<T>, right: &Rdd<U>, _| Ok(Some(f(left, right)));
        self.transformed_with("transformWith", other, Location::caller(), f)
    }

    /// As [`DStream::transform_with`]: the function also gets the batch time and may fail, which fails the
    /// generation of the batch.
    ///
    /// # Errors
    /// When the other stream is of another context, or has another slide.
    #[track_caller]
    pub fn try_transform_with<U: Data, V: Data>(
        &self,
        other: &DStream<U>,
        f: impl Fn(&Rdd<T>, &Rdd<U>, Timestamp) -> Result<Option<Rdd<V>>> + Send + Sync + 'static,
    ) -> Result<DStream<V>> {
        self.transformed_with("transformWith", other, Location::caller(), f)
    }

    pub(super) fn transformed_with<U: Data, V: Data>(
        &self,
        method: &'static str,
        other: &DStream<U>,
        at: &Location<'_>,
        f: impl Fn(&Rdd<T>, &Rdd<U>, Timestamp) -> Result<Option<Rdd<V>>> + Send + Sync + 'static,
    ) -> Result<DStream<V>> {
        let slide = self.require_together(other)?;
        let spec = StreamSpec { shuffles: true, ..StreamSpec::narrow(method, "TransformedDStream", slide) };
        let parents = vec![Arc::clone(&self.core), Arc::clone(&other.core)];
        let node = TransformedWith { left: self.clone(), right: other.clone(), f };
        Ok(DStream::create(&self.ssc, spec, parents, node, at))
    }
}
