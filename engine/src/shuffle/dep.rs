//! A shuffle dependency: what the map side writes and how the reduce side reads it.

use super::combine::{Combiner, merge_partials, merge_values};
use super::combined::Combined;
use crate::ids::*;
use crate::rdd::partitioner::Partitioner;
use crate::rdd::{AnyRdd, AnyShuffle, Chunk, Rdd, Sink, SparkContext, Stop, TaskError, deliver_owned, deliver_shared};
use crate::storage::{Data, StoredBlock, Values, ValuesBlock, values_of};
use crate::task_context::TaskContext;
use std::hash::Hash;
use std::ops::ControlFlow;
use std::sync::Arc;

/// A stage boundary between `parent` and whoever reads the shuffle.
pub struct ShuffleDep<K: Data, V: Data, C: Combiner<V>> {
    id: ShuffleId,
    ctx: SparkContext,
    parent: Rdd<(K, V)>,
    partitioner: Partitioner<K>,
    combiner: C,
}

impl<K: Data + Hash + Eq, V: Data, C: Combiner<V>> ShuffleDep<K, V, C> {
    /// A new shuffle of `parent`.
    pub fn new(parent: Rdd<(K, V)>, partitioner: Partitioner<K>, combiner: C) -> Self {
        let ctx = parent.context().clone();
        Self { id: ctx.new_shuffle_id(), ctx, parent, partitioner, combiner }
    }

    fn map_side(&self, map: PartitionId, ctx: &TaskContext) -> Result<Vec<Vec<(K, C::Partial)>>, TaskError> {
        let mut buckets = Buckets::new(&self.partitioner);
        let mut misplaced = Ok(());
        let flow;
        if C::MAP_SIDE {
            // Records are combined before they are parted, so that only distinct keys are hashed in Java's
            // way. Each bucket has its keys in the order in which they were first seen.
            let mut combined: Combined<K, C::Partial> = Combined::default();
            flow = self.parent.for_each_chunk(map, ctx, &mut |chunk| {
                merge_values(&self.combiner, &mut combined, chunk);
                ControlFlow::Continue(())
            });
            let mut entries = combined.into_entries();
            misplaced = buckets.scatter(Chunk::Owned(&mut entries), |partial| partial);
        } else {
            flow = self.parent.for_each_chunk(map, ctx, &mut |chunk| match buckets
                .scatter(chunk, |value| self.combiner.partial(value))
            {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => ControlFlow::Break(Stop::Failed(error)),
            });
        }
        match flow {
            ControlFlow::Continue(()) => misplaced.map(|()| buckets.into_inner()),
            ControlFlow::Break(stop) => Err(stop.into()),
        }
    }

    fn for_each_bucket(
        &self,
        reduce: PartitionId,
        ctx: &TaskContext,
        sink: Sink<'_, (K, C::Partial)>,
    ) -> ControlFlow<Stop> {
        let maps = ctx.map_count(self.id);
        for map in 0..maps {
            let block = match ctx.fetch(self.id, PartitionId(map), reduce) {
                Ok(block) => block,
                Err(error) => return ControlFlow::Break(Stop::Failed(error)),
            };
            match values_of::<(K, C::Partial)>(&*block) {
                Ok(Values::Shared(values)) => deliver_shared(values, ctx.chunk_len(), sink)?,
                Ok(Values::Owned(values)) => deliver_owned(values, ctx.chunk_len(), sink)?,
                Err(error) => {
                    let text = format!("shuffle {} map {map}: {error}", self.id);
                    return ControlFlow::Break(Stop::Failed(TaskError::Exception(text)));
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// The merged records of a reduce partition.
    pub(crate) fn read(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, (K, C::Out)>) -> ControlFlow<Stop> {
        let mut combined: Combined<K, C::Out> = Combined::default();
        self.for_each_bucket(part, ctx, &mut |chunk| {
            merge_partials(&self.combiner, &mut combined, chunk);
            ControlFlow::Continue(())
        })?;
        deliver_owned(combined.into_entries(), ctx.chunk_len(), sink)
    }

    /// The records of a reduce partition as they were written, in map order.
    pub(crate) fn read_records(
        &self,
        part: PartitionId,
        ctx: &TaskContext,
        sink: Sink<'_, (K, C::Partial)>,
    ) -> ControlFlow<Stop> {
        self.for_each_bucket(part, ctx, &mut |chunk: Chunk<'_, (K, C::Partial)>| sink(chunk))
    }
}

impl<K: Data + Hash + Eq, V: Data, C: Combiner<V>> AnyShuffle for ShuffleDep<K, V, C> {
    fn id(&self) -> ShuffleId {
        self.id
    }

    fn parent(&self) -> Arc<dyn AnyRdd> {
        self.parent.erased()
    }

    fn reducers(&self) -> u32 {
        self.partitioner.partitions()
    }

    fn write(&self, map: PartitionId, ctx: &TaskContext) -> Result<(), TaskError> {
        let buckets = self.map_side(map, ctx)?;
        let blocks =
            buckets.into_iter().map(|bucket| Arc::new(ValuesBlock::new(bucket)) as Arc<dyn StoredBlock>).collect();
        ctx.write_map_output(self.id, map, blocks)
    }
}

/// The records of a map partition by reduce partition.
struct Buckets<'a, K, P> {
    partitioner: &'a Partitioner<K>,
    buckets: Vec<Vec<(K, P)>>,
    /// Where the records of a chunk go; kept for its capacity.
    places: Vec<u32>,
}

impl<'a, K: Data, P> Buckets<'a, K, P> {
    fn new(partitioner: &'a Partitioner<K>) -> Self {
        let buckets = (0..partitioner.partitions()).map(|_| Vec::new()).collect();
        Self { partitioner, buckets, places: Vec::new() }
    }

    /// Puts the records of a chunk where they belong: one loop for hashing, one call for other partitioners.
    fn scatter<V: Clone>(&mut self, chunk: Chunk<'_, (K, V)>, f: impl Fn(V) -> P) -> Result<(), TaskError> {
        match self.partitioner {
            Partitioner::Hash(hash) => chunk.for_each(|(key, value)| {
                let at = hash.partition_of(&key) as usize;
                self.buckets[at].push((key, f(value)));
            }),
            Partitioner::Other(other) => {
                let keys: Vec<&K> = chunk.as_slice().iter().map(|(key, _)| key).collect();
                self.places.clear();
                other.assign(&keys, &mut self.places);
                let count = self.buckets.len();
                if self.places.len() != keys.len() || self.places.iter().any(|&at| at as usize >= count) {
                    return Err(misplaced(self.partitioner, &keys, &self.places));
                }
                let mut places = self.places.iter();
                chunk.for_each(|(key, value)| {
                    let at = *places.next().expect("there is one for each key");
                    self.buckets[at as usize].push((key, f(value)));
                });
            }
        }
        Ok(())
    }

    fn into_inner(self) -> Vec<Vec<(K, P)>> {
        self.buckets
    }
}

fn misplaced<K: Data>(partitioner: &Partitioner<K>, keys: &[&K], places: &[u32]) -> TaskError {
    let info = partitioner.info();
    let wrong = keys.iter().zip(places).find(|(_, at)| **at >= info.partitions);
    let what = match wrong {
        Some((key, at)) => format!("puts the key {key:?} into partition {at}"),
        None => format!("gives {} partitions for {} keys", places.len(), keys.len()),
    };
    TaskError::Exception(format!(
        "the partitioner {} {what}; it has the partitions 0 to {}",
        info.class,
        info.partitions.saturating_sub(1)
    ))
}

/// Combines a partition whose keys are where they belong, without a shuffle (R1.4).
pub(crate) fn combine_partition<K: Data + Hash + Eq, V: Data, C: Combiner<V>>(
    parent: &Rdd<(K, V)>,
    combiner: &C,
    part: PartitionId,
    ctx: &TaskContext,
    sink: Sink<'_, (K, C::Out)>,
) -> ControlFlow<Stop> {
    let entries = if C::MAP_SIDE {
        let mut combined: Combined<K, C::Partial> = Combined::default();
        parent.for_each_chunk(part, ctx, &mut |chunk| {
            merge_values(combiner, &mut combined, chunk);
            ControlFlow::Continue(())
        })?;
        combined.into_entries().into_iter().map(|(key, partial)| (key, combiner.create(partial))).collect()
    } else {
        let mut combined: Combined<K, C::Out> = Combined::default();
        parent.for_each_chunk(part, ctx, &mut |chunk| {
            let merge = |out: &mut C::Out, value| combiner.merge(out, combiner.partial(value));
            chunk.for_each(|(key, value)| {
                combined.merge(key, value, merge, |value| combiner.create(combiner.partial(value)));
            });
            ControlFlow::Continue(())
        })?;
        combined.into_entries()
    };
    deliver_owned(entries, ctx.chunk_len(), sink)
}

impl<K: Data, V: Data, C: Combiner<V>> Drop for ShuffleDep<K, V, C> {
    fn drop(&mut self) {
        self.ctx.released_shuffle(self.id);
    }
}
