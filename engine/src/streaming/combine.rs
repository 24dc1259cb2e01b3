//! Streams made of two: `union`, `transformWith`, and the joins built on it (R11.9, R11.10).

use super::dstream::{DStream, StreamNode, StreamSpec};
use super::instances::Generation;
use super::transform::no_rdd_of_parent;
use crate::driver::BatchTick;
use crate::error::{EngineError, Result};
use crate::ids::Millis;
use crate::rdd::Rdd;
use crate::rdd::partitioner::HashPartitioner;
use crate::storage::Data;
use std::hash::Hash;
use std::panic::Location;
use std::sync::Arc;

/// For each key the values of both sides.
type Groups<K, V, W> = (K, (Vec<V>, Vec<W>));

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
    F: Fn(&Rdd<T>, &Rdd<U>) -> Rdd<V> + Send + Sync,
{
    fn compute(&self, generation: &Generation<'_>, tick: BatchTick) -> Result<Option<Rdd<V>>> {
        let left = generation.rdd(&self.left, tick)?;
        let right = generation.rdd(&self.right, tick)?;
        let (Some(left), Some(right)) = (left, right) else {
            return Err(no_rdd_of_parent(tick));
        };
        Ok(Some((self.f)(&left, &right)))
    }
}

/// The records of two streams: Spark's `UnionDStream`.
struct Union<T: Data> {
    parents: [DStream<T>; 2],
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
        let slide = self.require_together(other)?;
        let parents = vec![Arc::clone(&self.core), Arc::clone(&other.core)];
        let node = Union { parents: [self.clone(), other.clone()] };
        let spec = StreamSpec::narrow("union", "UnionDStream", slide);
        Ok(DStream::create(&self.ssc, spec, parents, node, Location::caller()))
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
        self.transformed_with("transformWith", other, Location::caller(), f)
    }

    fn transformed_with<U: Data, V: Data>(
        &self,
        method: &'static str,
        other: &DStream<U>,
        at: &Location<'_>,
        f: impl Fn(&Rdd<T>, &Rdd<U>) -> Rdd<V> + Send + Sync + 'static,
    ) -> Result<DStream<V>> {
        let slide = self.require_together(other)?;
        let spec = StreamSpec { shuffles: true, ..StreamSpec::narrow(method, "TransformedDStream", slide) };
        let parents = vec![Arc::clone(&self.core), Arc::clone(&other.core)];
        let node = TransformedWith { left: self.clone(), right: other.clone(), f };
        Ok(DStream::create(&self.ssc, spec, parents, node, at))
    }
}

impl<K: Data + Hash + Eq, V: Data> DStream<(K, V)> {
    fn partitioner(&self) -> HashPartitioner {
        HashPartitioner::new(self.ssc.spark_context().default_parallelism())
    }

    /// For each key of a batch the values of both streams.
    ///
    /// # Errors
    /// When the other stream is of another context, or has another slide.
    #[track_caller]
    pub fn cogroup<W: Data>(&self, other: &DStream<(K, W)>) -> Result<DStream<Groups<K, V, W>>> {
        let partitioner = self.partitioner();
        self.transformed_with("cogroup", other, Location::caller(), move |left, right| {
            left.cogroup_with(right, partitioner)
        })
    }

    /// For each key of a batch every pair of a value from here and a value from there.
    ///
    /// # Errors
    /// When the other stream is of another context, or has another slide.
    #[track_caller]
    pub fn join<W: Data>(&self, other: &DStream<(K, W)>) -> Result<DStream<(K, (V, W))>> {
        let partitioner = self.partitioner();
        self.transformed_with("join", other, Location::caller(), move |left, right| left.join_with(right, partitioner))
    }

    /// As [`DStream::join`], and what has no partner there once, with `None`.
    ///
    /// # Errors
    /// When the other stream is of another context, or has another slide.
    #[track_caller]
    pub fn left_outer_join<W: Data>(&self, other: &DStream<(K, W)>) -> Result<DStream<(K, (V, Option<W>))>> {
        let partitioner = self.partitioner();
        self.transformed_with("leftOuterJoin", other, Location::caller(), move |left, right| {
            left.left_outer_join_with(right, partitioner)
        })
    }
}
