//! `union`: the partitions of all parents, one after the other, or partition by partition (R1.7).

use super::chunk::{Sink, Stop};
use super::context::SparkContext;
use super::node::RddNode;
use super::{Dependency, Rdd};
use crate::event::{DependencyKind, Determinism, PartitionerInfo};
use crate::ids::PartitionId;
use crate::storage::Data;
use crate::task_context::TaskContext;
use std::ops::ControlFlow;
use std::panic::Location;

struct Union<T: Data> {
    /// Parents with the number of partitions before them.
    parents: Vec<(u32, Rdd<T>)>,
}

impl<T: Data> RddNode<T> for Union<T> {
    fn compute(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, T>) -> ControlFlow<Stop> {
        let at = self.parents.partition_point(|(start, _)| *start <= part.0) - 1;
        let (start, parent) = &self.parents[at];
        parent.for_each_chunk(PartitionId(part.0 - start), ctx, sink)
    }
}

/// Partition i of every parent, one after the other: parents that are partitioned alike stay so.
struct PartitionerAwareUnion<T: Data> {
    parents: Vec<Rdd<T>>,
}

impl<T: Data> RddNode<T> for PartitionerAwareUnion<T> {
    fn compute(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, T>) -> ControlFlow<Stop> {
        self.parents.iter().try_for_each(|parent| parent.for_each_chunk(part, ctx, sink))
    }
}

impl SparkContext {
    /// All records of all `rdds`. Parents without partitions are dropped. When all others have the same
    /// partitioner, so has the union, and as many partitions (R1.7).
    #[track_caller]
    pub fn union<T: Data>(&self, rdds: &[Rdd<T>]) -> Rdd<T> {
        let _scope = self.open("union", Location::caller());
        let rdds: Vec<&Rdd<T>> = rdds.iter().filter(|r| r.num_partitions() > 0).collect();
        let partitioner = rdds.first().and_then(|rdd| rdd.info().partitioner);
        if let Some(common) = partitioner
            && rdds.iter().all(|rdd| rdd.info().partitioner.as_ref() == Some(&common))
        {
            return self.union_of_partitioned(&rdds, common);
        }
        self.concatenated(rdds)
    }

    /// All partitions of all `rdds`, one after the other, however they are partitioned.
    #[track_caller]
    pub(crate) fn plain_union<T: Data>(&self, rdds: &[Rdd<T>]) -> Rdd<T> {
        let _scope = self.open("union", Location::caller());
        self.concatenated(rdds.iter().collect())
    }

    fn concatenated<T: Data>(&self, rdds: Vec<&Rdd<T>>) -> Rdd<T> {
        let mut parents = Vec::new();
        let mut dependencies = Vec::new();
        let mut total = 0;
        let mut determinism = Determinism::Determinate;
        for rdd in rdds {
            let length = rdd.num_partitions();
            let kind = DependencyKind::Range { in_start: 0, out_start: total, length };
            dependencies.push(Dependency::Narrow { parent: rdd.erased(), kind });
            determinism = determinism.max(rdd.info().determinism);
            parents.push((total, rdd.clone()));
            total += length;
        }
        Rdd::new(self.new_core("UnionRDD", total, None, determinism, dependencies), Union { parents })
    }

    fn union_of_partitioned<T: Data>(&self, rdds: &[&Rdd<T>], common: PartitionerInfo) -> Rdd<T> {
        let dependencies = rdds.iter().map(|rdd| Dependency::one_to_one(rdd.erased())).collect();
        let determinism = rdds.iter().map(|rdd| rdd.info().determinism).max().unwrap_or(Determinism::Determinate);
        let class = "PartitionerAwareUnionRDD";
        let core = self.new_core(class, common.partitions, Some(common), determinism, dependencies);
        let core = core.where_most_parents_would();
        Rdd::new(core, PartitionerAwareUnion { parents: rdds.iter().map(|rdd| (*rdd).clone()).collect() })
    }
}

impl<T: Data> Rdd<T> {
    /// All records of both.
    #[track_caller]
    pub fn union(&self, other: &Self) -> Self {
        self.context().union(&[self.clone(), other.clone()])
    }
}
