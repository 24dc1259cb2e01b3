//! Partitions side by side: `zip`, `zip_partitions`; and records with numbers.

use super::chunk::{Chunk, Sink, Stop, TaskError};
use super::narrow::{deliver_all, flush};
use super::node::{AnyRdd, RddNode};
use super::{Dependency, Rdd};
use crate::error::{EngineError, Result};
use crate::event::Determinism;
use crate::ids::{PartitionId, TaskLocation};
use crate::storage::Data;
use crate::task_context::TaskContext;
use std::ops::ControlFlow;
use std::panic::Location;
use std::sync::Arc;
use std::vec::IntoIter;

/// Pairs of records of two partitions. The right one is held, the left one streams past.
struct Zipped<T: Data, U: Data> {
    left: Rdd<T>,
    right: Rdd<U>,
}

impl<T: Data, U: Data> RddNode<(T, U)> for Zipped<T, U> {
    fn compute(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, (T, U)>) -> ControlFlow<Stop> {
        let mut right = match self.right.collect_partition(part, ctx) {
            Ok(values) => values.into_iter(),
            Err(error) => return ControlFlow::Break(Stop::Failed(error)),
        };
        let mut buffer = Vec::new();
        self.left.for_each_chunk(part, ctx, &mut |chunk| {
            let expected = chunk.len();
            match chunk {
                Chunk::Owned(values) => buffer.extend(values.drain(..).zip(right.by_ref())),
                Chunk::Shared(values) => buffer.extend(values.iter().cloned().zip(right.by_ref())),
            }
            if buffer.len() < expected { uneven() } else { flush(&mut buffer, sink) }
        })?;
        if right.next().is_some() { uneven() } else { ControlFlow::Continue(()) }
    }
}

fn uneven() -> ControlFlow<Stop> {
    let text = "Can only zip RDDs with same number of elements in each partition";
    ControlFlow::Break(Stop::Failed(TaskError::Exception(text.into())))
}

/// Two whole partitions through a function.
struct ZippedPartitions<T: Data, U: Data, F> {
    left: Rdd<T>,
    right: Rdd<U>,
    f: F,
}

impl<T: Data, U: Data, V: Data, F, I> RddNode<V> for ZippedPartitions<T, U, F>
where
    F: Fn(IntoIter<T>, IntoIter<U>) -> I + Send + Sync + 'static,
    I: IntoIterator<Item = V>,
{
    fn compute(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, V>) -> ControlFlow<Stop> {
        let both = (|| {
            let left = self.left.collect_partition(part, ctx)?.into_iter();
            Ok((self.f)(left, self.right.collect_partition(part, ctx)?.into_iter()))
        })();
        deliver_or_fail(both, ctx, sink)
    }
}

/// Three whole partitions through a function.
struct ZippedPartitions3<T: Data, U: Data, V: Data, F> {
    parents: (Rdd<T>, Rdd<U>, Rdd<V>),
    f: F,
}

impl<T: Data, U: Data, V: Data, W: Data, F, I> RddNode<W> for ZippedPartitions3<T, U, V, F>
where
    F: Fn(IntoIter<T>, IntoIter<U>, IntoIter<V>) -> I + Send + Sync + 'static,
    I: IntoIterator<Item = W>,
{
    fn compute(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, W>) -> ControlFlow<Stop> {
        let (a, b, c) = &self.parents;
        let all = (|| {
            let first = a.collect_partition(part, ctx)?.into_iter();
            let second = b.collect_partition(part, ctx)?.into_iter();
            Ok((self.f)(first, second, c.collect_partition(part, ctx)?.into_iter()))
        })();
        deliver_or_fail(all, ctx, sink)
    }
}

/// Four whole partitions through a function.
struct ZippedPartitions4<T: Data, U: Data, V: Data, W: Data, F> {
    parents: (Rdd<T>, Rdd<U>, Rdd<V>, Rdd<W>),
    f: F,
}

impl<T: Data, U: Data, V: Data, W: Data, X: Data, F, I> RddNode<X> for ZippedPartitions4<T, U, V, W, F>
where
    F: Fn(IntoIter<T>, IntoIter<U>, IntoIter<V>, IntoIter<W>) -> I + Send + Sync + 'static,
    I: IntoIterator<Item = X>,
{
    fn compute(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, X>) -> ControlFlow<Stop> {
        let (a, b, c, d) = &self.parents;
        let all = (|| {
            let first = a.collect_partition(part, ctx)?.into_iter();
            let second = b.collect_partition(part, ctx)?.into_iter();
            let third = c.collect_partition(part, ctx)?.into_iter();
            Ok((self.f)(first, second, third, d.collect_partition(part, ctx)?.into_iter()))
        })();
        deliver_or_fail(all, ctx, sink)
    }
}

fn deliver_or_fail<T: Data>(
    values: std::result::Result<impl IntoIterator<Item = T>, TaskError>,
    ctx: &TaskContext,
    sink: Sink<'_, T>,
) -> ControlFlow<Stop> {
    match values {
        Ok(values) => deliver_all(values, ctx.chunk_len(), sink),
        Err(error) => ControlFlow::Break(Stop::Failed(error)),
    }
}

/// Where partition `part` of RDDs side by side would rather be computed: where all of them would, else where any
/// of them would (R2.14). As Spark, by what the RDDs themselves say.
fn common_locations(parents: &[Arc<dyn AnyRdd>], part: PartitionId) -> Vec<TaskLocation> {
    let mut any: Vec<TaskLocation> = Vec::new();
    for at in parents.iter().flat_map(|parent| parent.core().locations(part)) {
        if !any.contains(at) {
            any.push(*at);
        }
    }
    let everywhere = |at: &&TaskLocation| parents.iter().all(|parent| parent.core().locations(part).contains(at));
    let all: Vec<TaskLocation> = any.iter().filter(everywhere).copied().collect();
    if all.is_empty() { any } else { all }
}

/// Each record with a number: `first` by partition, then one `step` more each.
struct Numbered<T: Data> {
    parent: Rdd<T>,
    first: Vec<u64>,
    step: u64,
}

impl<T: Data> RddNode<(T, u64)> for Numbered<T> {
    fn compute(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, (T, u64)>) -> ControlFlow<Stop> {
        let mut numbers = (self.first[part.0 as usize]..).step_by(self.step.max(1) as usize);
        let mut buffer = Vec::new();
        self.parent.for_each_chunk(part, ctx, &mut |chunk| {
            match chunk {
                Chunk::Owned(values) => buffer.extend(values.drain(..).zip(numbers.by_ref())),
                Chunk::Shared(values) => buffer.extend(values.iter().cloned().zip(numbers.by_ref())),
            }
            flush(&mut buffer, sink)
        })
    }
}

impl<T: Data> Rdd<T> {
    /// An RDD whose partitions read those of parents of equal partition counts, of which this is the first.
    fn side_by_side<V: Data>(&self, others: &[Arc<dyn AnyRdd>], node: impl RddNode<V> + 'static) -> Result<Rdd<V>> {
        let mut parents = vec![self.erased()];
        parents.extend(others.iter().cloned());
        let count = self.num_partitions();
        if parents.iter().any(|parent| parent.core().num_partitions() != count) {
            let counts: Vec<String> = parents.iter().map(|p| p.core().num_partitions().to_string()).collect();
            let text = format!("Can't zip RDDs with unequal numbers of partitions: List({})", counts.join(", "));
            return Err(EngineError::IllegalArgument(text));
        }
        let determinism = parents.iter().map(|p| p.core().info().determinism).max().unwrap_or(Determinism::Determinate);
        let class = format!("ZippedPartitionsRDD{}", parents.len());
        let dependencies = parents.iter().map(|parent| Dependency::one_to_one(Arc::clone(parent))).collect();
        let core = self.context().new_core(&class, count, None, determinism, dependencies);
        if parents.iter().any(|parent| parent.core().has_locations()) {
            core.set_locations((0..count).map(|part| common_locations(&parents, PartitionId(part))).collect());
        }
        Ok(Rdd::new(core, node))
    }

    /// The first record here with the first there, and so on, partition by partition. A task fails when its
    /// two partitions are not equally long.
    ///
    /// # Errors
    /// When the numbers of partitions differ.
    #[track_caller]
    pub fn zip<U: Data>(&self, other: &Rdd<U>) -> Result<Rdd<(T, U)>> {
        let _scope = self.context().open("zip", Location::caller());
        self.side_by_side(&[other.erased()], Zipped { left: self.clone(), right: other.clone() })
    }

    /// Two whole partitions through `f`; they need not be equally long.
    ///
    /// # Errors
    /// When the numbers of partitions differ.
    #[track_caller]
    pub fn zip_partitions<U: Data, V: Data, I: IntoIterator<Item = V>>(
        &self,
        other: &Rdd<U>,
        f: impl Fn(IntoIter<T>, IntoIter<U>) -> I + Send + Sync + 'static,
    ) -> Result<Rdd<V>> {
        let _scope = self.context().open("zipPartitions", Location::caller());
        self.side_by_side(&[other.erased()], ZippedPartitions { left: self.clone(), right: other.clone(), f })
    }

    /// As [`Rdd::zip_partitions`], of three RDDs.
    ///
    /// # Errors
    /// When the numbers of partitions differ.
    #[track_caller]
    pub fn zip_partitions3<U: Data, V: Data, W: Data, I: IntoIterator<Item = W>>(
        &self,
        second: &Rdd<U>,
        third: &Rdd<V>,
        f: impl Fn(IntoIter<T>, IntoIter<U>, IntoIter<V>) -> I + Send + Sync + 'static,
    ) -> Result<Rdd<W>> {
        let _scope = self.context().open("zipPartitions", Location::caller());
        let parents = (self.clone(), second.clone(), third.clone());
        self.side_by_side(&[second.erased(), third.erased()], ZippedPartitions3 { parents, f })
    }

    /// As [`Rdd::zip_partitions`], of four RDDs.
    ///
    /// # Errors
    /// When the numbers of partitions differ.
    #[track_caller]
    pub fn zip_partitions4<U: Data, V: Data, W: Data, X: Data, I: IntoIterator<Item = X>>(
        &self,
        second: &Rdd<U>,
        third: &Rdd<V>,
        fourth: &Rdd<W>,
        f: impl Fn(IntoIter<T>, IntoIter<U>, IntoIter<V>, IntoIter<W>) -> I + Send + Sync + 'static,
    ) -> Result<Rdd<X>> {
        let _scope = self.context().open("zipPartitions", Location::caller());
        let parents = (self.clone(), second.clone(), third.clone(), fourth.clone());
        let others = [second.erased(), third.erased(), fourth.erased()];
        self.side_by_side(&others, ZippedPartitions4 { parents, f })
    }

    /// Each record with its position in the RDD. Of more than one partition a job counts the records first.
    ///
    /// # Errors
    /// When that job fails.
    #[track_caller]
    pub fn zip_with_index(&self) -> Result<Rdd<(T, u64)>> {
        let at = Location::caller();
        let counted = (0..self.num_partitions().saturating_sub(1)).map(PartitionId).collect::<Vec<_>>();
        let lengths = match counted.is_empty() {
            true => Vec::new(),
            false => self.run_job("zipWithIndex", at, counted, Self::count_partition)?,
        };
        let mut first = vec![0];
        first.extend(lengths.iter().scan(0, |sum, length| {
            *sum += length;
            Some(*sum)
        }));
        let _scope = self.context().open("zipWithIndex", at);
        let node = Numbered { parent: self.clone(), first, step: 1 };
        Ok(self.one_to_one("ZippedWithIndexRDD", None, self.info().determinism, node))
    }

    /// Each record with a number of its own, without a job: partition k of n numbers its records k, n + k,
    /// 2n + k and so on.
    #[track_caller]
    pub fn zip_with_unique_id(&self) -> Rdd<(T, u64)> {
        let _scope = self.context().open("zipWithUniqueId", Location::caller());
        let partitions = u64::from(self.num_partitions());
        self.narrow(None, Numbered { parent: self.clone(), first: (0..partitions).collect(), step: partitions })
    }
}
