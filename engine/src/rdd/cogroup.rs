//! `cogroup` and the joins built on it. Each side is narrow or shuffled on its own (R1.4).

use super::chunk::{Chunk, Sink, Stop};
use super::context::SparkContext;
use super::node::RddNode;
use super::pair::is_partitioned_by;
use super::partitioner::HashPartitioner;
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

/// One parent of a `CoGroupedRDD`.
enum Side<K: Data, V: Data> {
    Narrow(Rdd<(K, V)>),
    Shuffled(Arc<ShuffleDep<K, V, KeepAll>>),
}

impl<K: Data + Hash + Eq, V: Data> Side<K, V> {
    fn new(rdd: &Rdd<(K, V)>, partitioner: HashPartitioner) -> Self {
        if is_partitioned_by(rdd.info().partitioner.as_ref(), partitioner) {
            Self::Narrow(rdd.clone())
        } else {
            Self::Shuffled(Arc::new(ShuffleDep::new(rdd.clone(), partitioner, KeepAll)))
        }
    }

    fn dependency(&self) -> Dependency {
        match self {
            Self::Narrow(rdd) => Dependency::one_to_one(rdd.erased()),
            Self::Shuffled(shuffle) => Dependency::Shuffle(Arc::clone(shuffle) as _),
        }
    }

    fn determinism(&self, of: &Rdd<(K, V)>) -> Determinism {
        match self {
            Self::Narrow(_) => of.info().determinism,
            Self::Shuffled(_) => of.info().determinism.max(Determinism::Unordered),
        }
    }

    fn read(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, (K, V)>) -> ControlFlow<Stop> {
        match self {
            Self::Narrow(rdd) => rdd.for_each_chunk(part, ctx, sink),
            Self::Shuffled(shuffle) => shuffle.read_records(part, ctx, sink),
        }
    }
}

/// Spark's `CoGroupedRDD` of two parents.
struct CoGrouped<K: Data, V: Data, W: Data> {
    left: Side<K, V>,
    right: Side<K, W>,
}

impl<K: Data + Hash + Eq, V: Data, W: Data> RddNode<(K, (Vec<V>, Vec<W>))> for CoGrouped<K, V, W> {
    fn compute(
        &self,
        part: PartitionId,
        ctx: &TaskContext,
        sink: Sink<'_, (K, (Vec<V>, Vec<W>))>,
    ) -> ControlFlow<Stop> {
        let mut groups: IndexMap<K, (Vec<V>, Vec<W>), FxBuildHasher> = IndexMap::default();
        self.left.read(part, ctx, &mut |chunk: Chunk<'_, (K, V)>| {
            chunk.for_each(|(k, v)| groups.entry(k).or_default().0.push(v));
            ControlFlow::Continue(())
        })?;
        self.right.read(part, ctx, &mut |chunk: Chunk<'_, (K, W)>| {
            chunk.for_each(|(k, w)| groups.entry(k).or_default().1.push(w));
            ControlFlow::Continue(())
        })?;
        deliver_owned(groups.into_iter().collect(), ctx.chunk_len(), sink)
    }
}

/// Spark's `CoGroupedRDD` of any number of parents with values of one type.
struct CoGroupedAll<K: Data, V: Data> {
    sides: Vec<Side<K, V>>,
}

impl<K: Data + Hash + Eq, V: Data> RddNode<(K, Vec<Vec<V>>)> for CoGroupedAll<K, V> {
    fn compute(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, (K, Vec<Vec<V>>)>) -> ControlFlow<Stop> {
        let mut groups: IndexMap<K, Vec<Vec<V>>, FxBuildHasher> = IndexMap::default();
        for (at, side) in self.sides.iter().enumerate() {
            side.read(part, ctx, &mut |chunk: Chunk<'_, (K, V)>| {
                chunk.for_each(|(k, v)| {
                    groups.entry(k).or_insert_with(|| vec![Vec::new(); self.sides.len()])[at].push(v);
                });
                ControlFlow::Continue(())
            })?;
        }
        deliver_owned(groups.into_iter().collect(), ctx.chunk_len(), sink)
    }
}

/// R1.5 for two RDDs: an existing partitioner of the larger one when it is good enough.
pub(super) fn default_partitioner<K: Data, V: Data, W: Data>(
    left: &Rdd<(K, V)>,
    right: &Rdd<(K, W)>,
    default_parallelism: Option<u32>,
) -> HashPartitioner {
    let infos = [left.info(), right.info()];
    let max_partitions = infos.iter().map(|i| i.num_partitions).max().unwrap_or(1);
    let default_count = default_parallelism.unwrap_or(max_partitions);
    let candidate = infos
        .iter()
        .filter_map(|i| i.partitioner.as_ref().and_then(HashPartitioner::from_info).map(|p| (i.num_partitions, p)))
        .max_by_key(|(n, _)| *n)
        .map(|(_, p)| p);
    match candidate {
        Some(p) => {
            let gap = f64::from(max_partitions.max(1)).log10() - f64::from(p.partitions()).log10();
            if gap < 1.0 || default_count <= p.partitions() { p } else { HashPartitioner::new(default_count) }
        }
        None => HashPartitioner::new(default_count),
    }
}

impl<K: Data + Hash + Eq, V: Data> Rdd<(K, V)> {
    /// For each key the values of both sides.
    #[track_caller]
    pub fn cogroup<W: Data>(&self, other: &Rdd<(K, W)>) -> Rdd<(K, (Vec<V>, Vec<W>))> {
        let _scope = self.context().open("cogroup", Location::caller());
        self.cogroup_with(other, default_partitioner(self, other, None))
    }

    /// As [`Rdd::cogroup`], partitioned by `partitioner`.
    #[track_caller]
    pub fn cogroup_with<W: Data>(
        &self,
        other: &Rdd<(K, W)>,
        partitioner: HashPartitioner,
    ) -> Rdd<(K, (Vec<V>, Vec<W>))> {
        let _scope = self.context().open("cogroup", Location::caller());
        let left = Side::new(self, partitioner);
        let right = Side::new(other, partitioner);
        let core = self.context().new_core(
            "CoGroupedRDD",
            partitioner.partitions(),
            Some(partitioner.info()),
            left.determinism(self).max(right.determinism(other)),
            vec![left.dependency(), right.dependency()],
        );
        // Spark turns the array of groups into a tuple in a second RDD; so do we, to have its lineage.
        Rdd::new(core, CoGrouped { left, right }).map_values(|groups| groups)
    }

    /// For each key the values of each of `rdds`, in that order.
    pub(crate) fn cogroup_all(sc: &SparkContext, rdds: &[Self], partitioner: HashPartitioner) -> Rdd<(K, Vec<Vec<V>>)> {
        let sides: Vec<Side<K, V>> = rdds.iter().map(|rdd| Side::new(rdd, partitioner)).collect();
        let determinism = sides.iter().zip(rdds).map(|(side, rdd)| side.determinism(rdd)).max();
        let core = sc.new_core(
            "CoGroupedRDD",
            partitioner.partitions(),
            Some(partitioner.info()),
            determinism.unwrap_or(Determinism::Determinate),
            sides.iter().map(Side::dependency).collect(),
        );
        Rdd::new(core, CoGroupedAll { sides })
    }

    /// For each key every pair of a value from here and a value from there.
    #[track_caller]
    pub fn join<W: Data>(&self, other: &Rdd<(K, W)>) -> Rdd<(K, (V, W))> {
        let _scope = self.context().open("join", Location::caller());
        self.join_with(other, default_partitioner(self, other, None))
    }

    /// As [`Rdd::join`], partitioned by `partitioner`.
    #[track_caller]
    pub fn join_with<W: Data>(&self, other: &Rdd<(K, W)>, partitioner: HashPartitioner) -> Rdd<(K, (V, W))> {
        let _scope = self.context().open("join", Location::caller());
        self.cogroup_with(other, partitioner).flat_map_values(|(left, right)| {
            let mut pairs = Vec::with_capacity(left.len() * right.len());
            for v in &left {
                pairs.extend(right.iter().map(|w| (v.clone(), w.clone())));
            }
            pairs
        })
    }

    /// As [`Rdd::join`], and what has no partner there once, with `None`.
    #[track_caller]
    pub fn left_outer_join<W: Data>(&self, other: &Rdd<(K, W)>) -> Rdd<(K, (V, Option<W>))> {
        let _scope = self.context().open("leftOuterJoin", Location::caller());
        self.left_outer_join_with(other, default_partitioner(self, other, None))
    }

    /// As [`Rdd::left_outer_join`], partitioned by `partitioner`.
    #[track_caller]
    pub fn left_outer_join_with<W: Data>(
        &self,
        other: &Rdd<(K, W)>,
        partitioner: HashPartitioner,
    ) -> Rdd<(K, (V, Option<W>))> {
        let _scope = self.context().open("leftOuterJoin", Location::caller());
        self.cogroup_with(other, partitioner).flat_map_values(|(left, right)| {
            let mut pairs = Vec::with_capacity(left.len() * right.len().max(1));
            for v in left {
                if right.is_empty() {
                    pairs.push((v, None));
                } else {
                    pairs.extend(right.iter().map(|w| (v.clone(), Some(w.clone()))));
                }
            }
            pairs
        })
    }
}
