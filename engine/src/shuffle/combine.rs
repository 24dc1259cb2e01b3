//! How values of one key become one: on the map side, between, and on the reduce side.

use super::combined::Combined;
use crate::rdd::Chunk;
use crate::storage::Data;
use std::hash::Hash;
use std::marker::PhantomData;

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
    // The merge takes both by value, so something must stand in the slot meanwhile. What comes is cloned
    // for that, never what has been gathered, which may be as large as all that came before. A clone of
    // plain data is a copy.
    let old = std::mem::replace(slot, value.clone());
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

/// `foldByKey`: as `reduceByKey`, with a zero before the first value of each key and map partition.
pub struct FoldWith<V, F> {
    /// What the fold begins with.
    pub zero: V,
    /// The step and the merge.
    pub f: F,
}

impl<V: Data, F: Fn(V, V) -> V + Send + Sync + 'static> Combiner<V> for FoldWith<V, F> {
    type Out = V;
    type Partial = V;
    const MAP_SIDE: bool = true;

    fn partial(&self, value: V) -> V {
        (self.f)(self.zero.clone(), value)
    }
    fn merge_value(&self, partial: &mut V, value: V) {
        reduce_in_place(partial, value, &self.f);
    }
    fn create(&self, partial: V) -> V {
        partial
    }
    fn merge(&self, out: &mut V, partial: V) {
        reduce_in_place(out, partial, &self.f);
    }
}

/// `combineByKey` and `aggregateByKey`: combines on both sides.
pub struct CombineWith<C, F, G, H> {
    /// The combiner of the first value of a key.
    pub create: F,
    /// Adds a value to a combiner.
    pub merge_value: G,
    /// Adds a combiner to a combiner.
    pub merge_combiners: H,
    /// What the combiners are.
    pub out: PhantomData<fn() -> C>,
}

impl<V, C, F, G, H> Combiner<V> for CombineWith<C, F, G, H>
where
    V: Data,
    C: Data,
    F: Fn(V) -> C + Send + Sync + 'static,
    G: Fn(&mut C, V) + Send + Sync + 'static,
    H: Fn(&mut C, C) + Send + Sync + 'static,
{
    type Out = C;
    type Partial = C;
    const MAP_SIDE: bool = true;

    fn partial(&self, value: V) -> C {
        (self.create)(value)
    }
    fn merge_value(&self, partial: &mut C, value: V) {
        (self.merge_value)(partial, value);
    }
    fn create(&self, partial: C) -> C {
        partial
    }
    fn merge(&self, out: &mut C, partial: C) {
        (self.merge_combiners)(out, partial);
    }
}

/// `combineByKey` without map-side combine: values cross the shuffle as they are.
pub struct CombineReduceSide<C, F, G> {
    /// The combiner of the first value of a key.
    pub create: F,
    /// Adds a value to a combiner.
    pub merge_value: G,
    /// What the combiners are.
    pub out: PhantomData<fn() -> C>,
}

impl<V, C, F, G> Combiner<V> for CombineReduceSide<C, F, G>
where
    V: Data,
    C: Data,
    F: Fn(V) -> C + Send + Sync + 'static,
    G: Fn(&mut C, V) + Send + Sync + 'static,
{
    type Out = C;
    type Partial = V;
    const MAP_SIDE: bool = false;

    fn partial(&self, value: V) -> V {
        value
    }
    fn merge_value(&self, _: &mut V, _: V) {}
    fn create(&self, partial: V) -> C {
        (self.create)(partial)
    }
    fn merge(&self, out: &mut C, partial: V) {
        (self.merge_value)(out, partial);
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
