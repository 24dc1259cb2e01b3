//! Partitions side by side: `zip`, `zip_partitions`; and records with numbers.

use super::chunk::{Chunk, Sink, Stop, TaskError};
use super::narrow::{deliver_all, flush};
use super::node::RddNode;
use super::{Dependency, Rdd};
use crate::error::{EngineError, Result};
use crate::ids::PartitionId;
use crate::storage::Data;
use crate::task_context::TaskContext;
use std::ops::ControlFlow;
use std::panic::Location;
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
        let left = self.left.collect_partition(part, ctx);
        match left.and_then(|left| Ok((left, self.right.collect_partition(part, ctx)?))) {
            Ok((left, right)) => deliver_all((self.f)(left.into_iter(), right.into_iter()), ctx.chunk_len(), sink),
            Err(error) => ControlFlow::Break(Stop::Failed(error)),
        }
    }
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
    /// An RDD whose partitions read those of two parents of equal partition counts.
    fn side_by_side<U: Data, V: Data>(&self, other: &Rdd<U>, node: impl RddNode<V> + 'static) -> Result<Rdd<V>> {
        let (left, right) = (self.info(), other.info());
        if left.num_partitions != right.num_partitions {
            return Err(EngineError::IllegalArgument(format!(
                "Can't zip RDDs with unequal numbers of partitions: List({}, {})",
                left.num_partitions, right.num_partitions
            )));
        }
        let core = self.context().new_core(
            "ZippedPartitionsRDD2",
            left.num_partitions,
            None,
            left.determinism.max(right.determinism),
            vec![Dependency::one_to_one(self.erased()), Dependency::one_to_one(other.erased())],
        );
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
        self.side_by_side(other, Zipped { left: self.clone(), right: other.clone() })
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
        self.side_by_side(other, ZippedPartitions { left: self.clone(), right: other.clone(), f })
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
