//! How values of one key become one: on the map side, between, and on the reduce side.

use super::combined::Combined;
use crate::rdd::Chunk;
use crate::storage::Data;
use std::hash::Hash;

/// Spark's `Aggregator`, monomorphised.
pub trait Combiner<V: Data>: Send + Sync + 'static {
    /// What one key's values become.
    type Out: Data;
    /// What crosses the shuffle.
    type Partial: Data;
    /// Whether the map side merges values of one key before the shuffle.
    const MAP_SIDE: bool;

    /// The first value of a key on the map side.
    fn partial(&self, value: V) -> Self::Partial;
    /// One more value of a key on the map side; called only with `MAP_SIDE`.
    fn merge_value(&self, partial: &mut Self::Partial, value: V);
    /// The first partial of a key on the reduce side.
    fn create(&self, partial: Self::Partial) -> Self::Out;
    /// One more partial of a key on the reduce side.
    fn merge(&self, out: &mut Self::Out, partial: Self::Partial);
}

/// `reduceByKey`: combines on both sides.
pub struct ReduceWith<F>(pub F);

fn reduce_in_place<V: Clone>(slot: &mut V, value: V, f: impl Fn(V, V) -> V) {
    // The merge takes both by value; for the plain data that crosses shuffles a clone is a copy.
    let old = slot.clone();
    *slot = f(old, value);
}

impl<V: Data, F: Fn(V, V) -> V + Send + Sync + 'static> Combiner<V> for ReduceWith<F> {
    type Out = V;
    type Partial = V;
    const MAP_SIDE: bool = true;

    fn partial(&self, value: V) -> V {
        value
    }
    fn merge_value(&self, partial: &mut V, value: V) {
        reduce_in_place(partial, value, &self.0);
    }
    fn create(&self, partial: V) -> V {
        partial
    }
    fn merge(&self, out: &mut V, partial: V) {
        reduce_in_place(out, partial, &self.0);
    }
}

/// `groupByKey`: no map-side combine, as in Spark.
pub struct GroupValues;

impl<V: Data> Combiner<V> for GroupValues {
    type Out = Vec<V>;
    type Partial = V;
    const MAP_SIDE: bool = false;

    fn partial(&self, value: V) -> V {
        value
    }
    fn merge_value(&self, _: &mut V, _: V) {}
    fn create(&self, partial: V) -> Vec<V> {
        vec![partial]
    }
    fn merge(&self, out: &mut Vec<V>, partial: V) {
        out.push(partial);
    }
}

/// `partitionBy` and the sides of a cogroup: records as they are.
pub struct KeepAll;

impl<V: Data> Combiner<V> for KeepAll {
    type Out = V;
    type Partial = V;
    const MAP_SIDE: bool = false;

    fn partial(&self, value: V) -> V {
        value
    }
    fn merge_value(&self, _: &mut V, _: V) {}
    fn create(&self, partial: V) -> V {
        partial
    }
    fn merge(&self, _: &mut V, _: V) {}
}

/// Combines the records of a chunk by key, all the way to the output.
pub(crate) fn combine_into<K: Data + Hash + Eq, V: Data, C: Combiner<V>>(
    combiner: &C,
    combined: &mut Combined<K, C::Out>,
    chunk: Chunk<'_, (K, V)>,
) {
    let merge = |out: &mut C::Out, value| combiner.merge(out, combiner.partial(value));
    combined.merge_chunk(chunk, merge, |value| combiner.create(combiner.partial(value)));
}

/// Combines the records of a chunk by key on the map side.
pub(crate) fn merge_values<K: Data + Hash + Eq, V: Data, C: Combiner<V>>(
    combiner: &C,
    combined: &mut Combined<K, C::Partial>,
    chunk: Chunk<'_, (K, V)>,
) {
    let merge = |partial: &mut C::Partial, value| combiner.merge_value(partial, value);
    combined.merge_chunk(chunk, merge, |value| combiner.partial(value));
}

/// Merges partials of a chunk by key.
pub(crate) fn merge_partials<K: Data + Hash + Eq, V: Data, C: Combiner<V>>(
    combiner: &C,
    combined: &mut Combined<K, C::Out>,
    chunk: Chunk<'_, (K, C::Partial)>,
) {
    let merge = |out: &mut C::Out, partial| combiner.merge(out, partial);
    combined.merge_chunk(chunk, merge, |partial| combiner.create(partial));
}
