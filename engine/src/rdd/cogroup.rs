//! `cogroup` of any number of RDDs. Each side is narrow or shuffled on its own (R1.4).

use super::chunk::{Chunk, Sink, Stop};
use super::context::SparkContext;
use super::node::RddNode;
use super::partitioner::{Partitioner, default_partitioner};
use super::{Dependency, Rdd, deliver_owned};
use crate::event::Determinism;
use crate::ids::PartitionId;
use crate::shuffle::{KeepAll, ShuffleDep};
use crate::storage::Data;
use crate::task_context::TaskContext;
use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;
use std::hash::Hash;
use std::ops::ControlFlow;
use std::panic::Location;
use std::sync::Arc;

/// One parent of an operation on several RDDs by key.
pub(super) enum Side<K: Data, V: Data> {
    /// It lies as wanted.
    Narrow(Rdd<(K, V)>),
    /// It crosses a shuffle.
    Shuffled(Arc<ShuffleDep<K, V, KeepAll>>, Determinism),
}

impl<K: Data + Hash + Eq, V: Data> Side<K, V> {
    pub fn new(rdd: &Rdd<(K, V)>, partitioner: &Partitioner<K>) -> Self {
        if rdd.is_partitioned_by(partitioner) {
            return Self::Narrow(rdd.clone());
        }
        let determinism = rdd.info().determinism.after_shuffle();
        Self::Shuffled(Arc::new(ShuffleDep::new(rdd.clone(), partitioner.clone(), KeepAll)), determinism)
    }

    pub fn dependency(&self) -> Dependency {
        match self {
            Self::Narrow(rdd) => Dependency::one_to_one(rdd.erased()),
            Self::Shuffled(shuffle, _) => Dependency::Shuffle(Arc::clone(shuffle) as _),
        }
    }

    pub fn determinism(&self) -> Determinism {
        match self {
            Self::Narrow(rdd) => rdd.info().determinism,
            Self::Shuffled(_, determinism) => *determinism,
        }
    }

    pub fn read(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, (K, V)>) -> ControlFlow<Stop> {
        match self {
            Self::Narrow(rdd) => rdd.for_each_chunk(part, ctx, sink),
            Self::Shuffled(shuffle, _) => shuffle.read_records(part, ctx, sink),
        }
    }
}

type Groups<K, G> = IndexMap<K, G, FxBuildHasher>;

/// The parents of a cogroup, as a type.
trait Sides<K>: Send + Sync + 'static {
    /// What a key has: its values from each parent.
    type Group: Data;

    /// Dependencies in order, with their determinism.
    fn dependencies(&self) -> Vec<(Dependency, Determinism)>;
    /// The values of a partition of every parent, parents in order.
    fn read(&self, part: PartitionId, ctx: &TaskContext, groups: &mut Groups<K, Self::Group>) -> ControlFlow<Stop>;
}

macro_rules! sides_of_a_tuple {
    ($(($side:ident, $value:ident, $at:tt)),+) => {
        impl<K: Data + Hash + Eq, $($value: Data),+> Sides<K> for ($(Side<K, $value>,)+) {
            type Group = ($(Vec<$value>,)+);

            fn dependencies(&self) -> Vec<(Dependency, Determinism)> {
                vec![$((self.$at.dependency(), self.$at.determinism())),+]
            }

            fn read(&self, part: PartitionId, ctx: &TaskContext, groups: &mut Groups<K, Self::Group>) -> ControlFlow<Stop> {
                let ($($side,)+) = self;
                $($side.read(part, ctx, &mut |chunk: Chunk<'_, (K, $value)>| {
                    chunk.for_each(|(key, value)| groups.entry(key).or_default().$at.push(value));
                    ControlFlow::Continue(())
                })?;)+
                ControlFlow::Continue(())
            }
        }
    };
}

sides_of_a_tuple!((left, V, 0), (right, W, 1));
sides_of_a_tuple!((left, V, 0), (second, W, 1), (third, X, 2));
sides_of_a_tuple!((left, V, 0), (second, W, 1), (third, X, 2), (fourth, Y, 3));

impl<K: Data + Hash + Eq, V: Data> Sides<K> for Vec<Side<K, V>> {
    type Group = Vec<Vec<V>>;

    fn dependencies(&self) -> Vec<(Dependency, Determinism)> {
        self.iter().map(|side| (side.dependency(), side.determinism())).collect()
    }

    fn read(&self, part: PartitionId, ctx: &TaskContext, groups: &mut Groups<K, Self::Group>) -> ControlFlow<Stop> {
        for (at, side) in self.iter().enumerate() {
            side.read(part, ctx, &mut |chunk: Chunk<'_, (K, V)>| {
                chunk.for_each(|(key, value)| {
                    groups.entry(key).or_insert_with(|| vec![Vec::new(); self.len()])[at].push(value);
                });
                ControlFlow::Continue(())
            })?;
        }
        ControlFlow::Continue(())
    }
}

/// Spark's `CoGroupedRDD`.
struct CoGrouped<S> {
    sides: S,
}

impl<K: Data + Hash + Eq, S: Sides<K>> RddNode<(K, S::Group)> for CoGrouped<S> {
    fn compute(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, (K, S::Group)>) -> ControlFlow<Stop> {
        let mut groups = Groups::default();
        self.sides.read(part, ctx, &mut groups)?;
        deliver_owned(groups.into_iter().collect(), ctx.chunk_len(), sink)
    }
}

fn cogrouped<K: Data + Hash + Eq, S: Sides<K>>(
    sc: &SparkContext,
    partitioner: &Partitioner<K>,
    sides: S,
) -> Rdd<(K, S::Group)> {
    let (dependencies, levels): (Vec<_>, Vec<_>) = sides.dependencies().into_iter().unzip();
    let determinism = levels.into_iter().max().unwrap_or(Determinism::Determinate);
    let core = sc.new_keyed_core("CoGroupedRDD", partitioner, determinism, dependencies);
    Rdd::new(core, CoGrouped { sides })
}

/// What a cogroup of three has for a key.
type Groups3<V, W, X> = (Vec<V>, Vec<W>, Vec<X>);
/// What a cogroup of four has for a key.
type Groups4<V, W, X, Y> = (Vec<V>, Vec<W>, Vec<X>, Vec<Y>);

impl<K: Data + Hash + Eq, V: Data> Rdd<(K, V)> {
    /// R1.5 for this RDD and another.
    pub(super) fn default_partitioner_with<W: Data>(&self, other: &Rdd<(K, W)>) -> Partitioner<K> {
        let count = self.context().config().default_parallelism;
        default_partitioner(count, [self.partitioning(), other.partitioning()])
    }

    /// For each key the values of both sides.
    #[track_caller]
    pub fn cogroup<W: Data>(&self, other: &Rdd<(K, W)>) -> Rdd<(K, (Vec<V>, Vec<W>))> {
        let _scope = self.context().open("cogroup", Location::caller());
        self.cogroup_with(other, self.default_partitioner_with(other))
    }

    /// As [`Rdd::cogroup`], partitioned by `partitioner`.
    #[track_caller]
    pub fn cogroup_with<W: Data>(
        &self,
        other: &Rdd<(K, W)>,
        partitioner: impl Into<Partitioner<K>>,
    ) -> Rdd<(K, (Vec<V>, Vec<W>))> {
        let _scope = self.context().open("cogroup", Location::caller());
        let partitioner = partitioner.into();
        let sides = (Side::new(self, &partitioner), Side::new(other, &partitioner));
        // Spark turns the array of groups into a tuple in a second RDD; so do we, to have its lineage.
        cogrouped(self.context(), &partitioner, sides).map_values(|groups| groups)
    }

    /// For each key the values of three sides.
    #[track_caller]
    pub fn cogroup3<W: Data, X: Data>(&self, second: &Rdd<(K, W)>, third: &Rdd<(K, X)>) -> Rdd<(K, Groups3<V, W, X>)> {
        let _scope = self.context().open("cogroup", Location::caller());
        let count = self.context().config().default_parallelism;
        let all = [self.partitioning(), second.partitioning(), third.partitioning()];
        self.cogroup3_with(second, third, default_partitioner(count, all))
    }

    /// As [`Rdd::cogroup3`], partitioned by `partitioner`.
    #[track_caller]
    pub fn cogroup3_with<W: Data, X: Data>(
        &self,
        second: &Rdd<(K, W)>,
        third: &Rdd<(K, X)>,
        partitioner: impl Into<Partitioner<K>>,
    ) -> Rdd<(K, Groups3<V, W, X>)> {
        let _scope = self.context().open("cogroup", Location::caller());
        let p = partitioner.into();
        let sides = (Side::new(self, &p), Side::new(second, &p), Side::new(third, &p));
        cogrouped(self.context(), &p, sides).map_values(|groups| groups)
    }

    /// For each key the values of four sides.
    #[track_caller]
    pub fn cogroup4<W: Data, X: Data, Y: Data>(
        &self,
        second: &Rdd<(K, W)>,
        third: &Rdd<(K, X)>,
        fourth: &Rdd<(K, Y)>,
    ) -> Rdd<(K, Groups4<V, W, X, Y>)> {
        let _scope = self.context().open("cogroup", Location::caller());
        let count = self.context().config().default_parallelism;
        let all = [self.partitioning(), second.partitioning(), third.partitioning(), fourth.partitioning()];
        self.cogroup4_with(second, third, fourth, default_partitioner(count, all))
    }

    /// As [`Rdd::cogroup4`], partitioned by `partitioner`.
    #[track_caller]
    pub fn cogroup4_with<W: Data, X: Data, Y: Data>(
        &self,
        second: &Rdd<(K, W)>,
        third: &Rdd<(K, X)>,
        fourth: &Rdd<(K, Y)>,
        partitioner: impl Into<Partitioner<K>>,
    ) -> Rdd<(K, Groups4<V, W, X, Y>)> {
        let _scope = self.context().open("cogroup", Location::caller());
        let p = partitioner.into();
        let sides = (Side::new(self, &p), Side::new(second, &p), Side::new(third, &p), Side::new(fourth, &p));
        cogrouped(self.context(), &p, sides).map_values(|groups| groups)
    }

    /// Another name of [`Rdd::cogroup`].
    #[track_caller]
    pub fn group_with<W: Data>(&self, other: &Rdd<(K, W)>) -> Rdd<(K, (Vec<V>, Vec<W>))> {
        let _scope = self.context().open("groupWith", Location::caller());
        self.cogroup(other)
    }

    /// Another name of [`Rdd::cogroup3`].
    #[track_caller]
    pub fn group_with3<W: Data, X: Data>(
        &self,
        second: &Rdd<(K, W)>,
        third: &Rdd<(K, X)>,
    ) -> Rdd<(K, Groups3<V, W, X>)> {
        let _scope = self.context().open("groupWith", Location::caller());
        self.cogroup3(second, third)
    }

    /// Another name of [`Rdd::cogroup4`].
    #[track_caller]
    pub fn group_with4<W: Data, X: Data, Y: Data>(
        &self,
        second: &Rdd<(K, W)>,
        third: &Rdd<(K, X)>,
        fourth: &Rdd<(K, Y)>,
    ) -> Rdd<(K, Groups4<V, W, X, Y>)> {
        let _scope = self.context().open("groupWith", Location::caller());
        self.cogroup4(second, third, fourth)
    }

    /// For each key the values of each of `rdds`, in that order.
    pub(crate) fn cogroup_all(
        sc: &SparkContext,
        rdds: &[Self],
        partitioner: impl Into<Partitioner<K>>,
    ) -> Rdd<(K, Vec<Vec<V>>)> {
        let partitioner = partitioner.into();
        let sides: Vec<Side<K, V>> = rdds.iter().map(|rdd| Side::new(rdd, &partitioner)).collect();
        cogrouped(sc, &partitioner, sides)
    }
}
