//! Fewer or more partitions: `coalesce` merges neighbours, `repartition` deals records out anew.

use super::chunk::{Sink, Stop};
use super::narrow::flush;
use super::node::RddNode;
use super::partitioner::HashPartitioner;
use super::{Dependency, Rdd};
use crate::error::{EngineError, Result};
use crate::event::DependencyKind;
use crate::ids::PartitionId;
use crate::rng::Seed;
use crate::storage::Data;
use crate::task_context::TaskContext;
use std::ops::ControlFlow;
use std::panic::Location;

/// Spark's `CoalescedRDD`: each partition is a run of parent partitions.
struct Coalesced<T: Data> {
    parent: Rdd<T>,
    kind: DependencyKind,
}

impl<T: Data> RddNode<T> for Coalesced<T> {
    fn compute(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, T>) -> ControlFlow<Stop> {
        self.kind.narrow_parents(part).try_for_each(|parent| self.parent.for_each_chunk(PartitionId(parent), ctx, sink))
    }
}

/// Deals the records of a partition out in turn, each behind the partition where it goes.
struct Distribute<T: Data> {
    parent: Rdd<T>,
    partitions: u32,
}

impl<T: Data> RddNode<(u32, T)> for Distribute<T> {
    fn compute(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, (u32, T)>) -> ControlFlow<Stop> {
        // Where it starts depends on the partition only, so that a retry deals alike, and small
        // partitions do not all send their first record to the same place.
        let mut rng = Seed(0).fork("distributePartition").nth(u64::from(part.0)).rng();
        let mut position = rng.below(u64::from(self.partitions)) as u32;
        let mut buffer = Vec::new();
        self.parent.for_each_chunk(part, ctx, &mut |chunk| {
            chunk.for_each(|record| {
                position = if position + 1 == self.partitions { 0 } else { position + 1 };
                buffer.push((position, record));
            });
            flush(&mut buffer, sink)
        })
    }
}

fn positive(partitions: u32) -> Result<()> {
    if partitions > 0 {
        return Ok(());
    }
    let text = format!("requirement failed: Number of partitions ({partitions}) must be positive.");
    Err(EngineError::IllegalArgument(text))
}

impl<T: Data> Rdd<T> {
    /// The same records in at most `partitions` partitions, without a shuffle: neighbours are merged.
    /// Ten partitions in four become runs of 2, 3, 2 and 3.
    ///
    /// # Errors
    /// When `partitions` is 0.
    #[track_caller]
    pub fn coalesce(&self, partitions: u32) -> Result<Self> {
        let _scope = self.context().open("coalesce", Location::caller());
        positive(partitions)?;
        Ok(self.merge_neighbours(partitions))
    }

    /// As [`Rdd::coalesce`], over a shuffle that deals the records out evenly: what is above still runs in
    /// as many tasks as before, and there may also be more partitions than before.
    ///
    /// # Errors
    /// When `partitions` is 0.
    #[track_caller]
    pub fn coalesce_with_shuffle(&self, partitions: u32) -> Result<Self> {
        let _scope = self.context().open("coalesce", Location::caller());
        self.deal_out(partitions)
    }

    /// The records dealt out evenly over `partitions` partitions.
    ///
    /// # Errors
    /// When `partitions` is 0.
    #[track_caller]
    pub fn repartition(&self, partitions: u32) -> Result<Self> {
        let _scope = self.context().open("repartition", Location::caller());
        self.deal_out(partitions)
    }

    /// Spark's lineage of four RDDs; the third only has the partitions of the second.
    fn deal_out(&self, partitions: u32) -> Result<Self> {
        positive(partitions)?;
        let determinism = self.info().determinism.order_sensitive();
        let node = Distribute { parent: self.clone(), partitions };
        let dealt = self.one_to_one("MapPartitionsRDD", None, determinism, node);
        Ok(dealt.partition_by(HashPartitioner::new(partitions)).merge_neighbours(partitions).values())
    }

    fn merge_neighbours(&self, partitions: u32) -> Self {
        let info = self.info();
        let children = partitions.min(info.num_partitions);
        let kind = DependencyKind::Coalesced { parents: info.num_partitions, children };
        let dependencies = vec![Dependency::Narrow { parent: self.erased(), kind }];
        let core = self.context().new_core("CoalescedRDD", children, None, info.determinism, dependencies);
        Rdd::new(core, Coalesced { parent: self.clone(), kind })
    }
}
