//! Some partitions of an RDD: `filterByRange` reads those alone that may hold a key.

use super::chunk::{Sink, Stop};
use super::node::RddNode;
use super::{Dependency, Rdd};
use crate::event::DependencyKind;
use crate::ids::PartitionId;
use crate::storage::Data;
use crate::task_context::TaskContext;
use std::hash::Hash;
use std::ops::{ControlFlow, RangeInclusive};
use std::panic::Location;

/// Spark's `PartitionPruningRDD`, of neighbouring partitions.
struct Pruned<T: Data> {
    parent: Rdd<T>,
    first: u32,
}

impl<T: Data> RddNode<T> for Pruned<T> {
    fn compute(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, T>) -> ControlFlow<Stop> {
        self.parent.for_each_chunk(PartitionId(self.first + part.0), ctx, sink)
    }
}

impl<T: Data> Rdd<T> {
    fn pruned(&self, kept: RangeInclusive<u32>) -> Self {
        let (first, length) = (*kept.start(), kept.end() - kept.start() + 1);
        let kind = DependencyKind::Range { in_start: first, out_start: 0, length };
        let dependencies = vec![Dependency::Narrow { parent: self.erased(), kind }];
        let determinism = self.info().determinism;
        let core = self.context().new_core("PartitionPruningRDD", length, None, determinism, dependencies);
        Self::new(core, Pruned { parent: self.clone(), first })
    }
}

impl<K: Data + Hash + Ord, V: Data> Rdd<(K, V)> {
    /// The records whose keys are from `lower` to `upper`, both included. Of what is partitioned by range, as
    /// after `sort_by_key`, only the partitions that may hold such keys are computed.
    #[track_caller]
    pub fn filter_by_range(&self, lower: K, upper: K) -> Self {
        let _scope = self.context().open("filterByRange", Location::caller());
        let by_range = self.info().partitioner.is_some_and(|info| info.class == "RangePartitioner");
        let ends = self.partitioner().filter(|_| by_range).and_then(|partitioner| {
            let (first, last) = (partitioner.partition_of(&lower)?, partitioner.partition_of(&upper)?);
            // Falling keys have the upper end first.
            Some(first.min(last)..=first.max(last))
        });
        let kept = ends.map_or_else(|| self.clone(), |ends| self.pruned(ends));
        kept.filter(move |(key, _)| *key >= lower && *key <= upper)
    }
}
