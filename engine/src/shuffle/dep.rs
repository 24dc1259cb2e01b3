//! A shuffle dependency: what the map side writes and how the reduce side reads it.

use super::combine::{Combiner, merge_partials, merge_values};
use super::combined::Combined;
use crate::ids::*;
use crate::rdd::partitioner::HashPartitioner;
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
    partitioner: HashPartitioner,
    combiner: C,
}

impl<K: Data + Hash + Eq, V: Data, C: Combiner<V>> ShuffleDep<K, V, C> {
    /// A new shuffle of `parent`.
    pub fn new(parent: Rdd<(K, V)>, partitioner: HashPartitioner, combiner: C) -> Self {
        let ctx = parent.context().clone();
        Self { id: ctx.new_shuffle_id(), ctx, parent, partitioner, combiner }
    }

    fn map_side(&self, map: PartitionId, ctx: &TaskContext) -> Result<Vec<Vec<(K, C::Partial)>>, TaskError> {
        let reducers = self.partitioner.partitions() as usize;
        let flow;
        let mut buckets: Vec<Vec<(K, C::Partial)>> = (0..reducers).map(|_| Vec::new()).collect();
        if C::MAP_SIDE {
            // Records are combined before they are parted, so that only distinct keys are hashed in Java's
            // way. Each bucket has its keys in the order in which they were first seen.
            let mut combined: Combined<K, C::Partial> = Combined::default();
            flow = self.parent.for_each_chunk(map, ctx, &mut |chunk| {
                merge_values(&self.combiner, &mut combined, chunk);
                ControlFlow::Continue(())
            });
            for (key, partial) in combined.into_entries() {
                buckets[self.partitioner.partition_of(&key) as usize].push((key, partial));
            }
        } else {
            flow = self.parent.for_each_chunk(map, ctx, &mut |chunk| {
                chunk.for_each(|(key, value)| {
                    let at = self.partitioner.partition_of(&key) as usize;
                    buckets[at].push((key, self.combiner.partial(value)));
                });
                ControlFlow::Continue(())
            });
        }
        match flow {
            ControlFlow::Continue(()) => Ok(buckets),
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

impl<K: Data, V: Data, C: Combiner<V>> Drop for ShuffleDep<K, V, C> {
    fn drop(&mut self) {
        self.ctx.released_shuffle(self.id);
    }
}
