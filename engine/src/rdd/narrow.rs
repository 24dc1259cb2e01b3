//! Narrow transformations: each child partition reads one parent partition.

use super::chunk::{Chunk, Sink, Stop, TaskError};
use super::node::RddNode;
use super::{Dependency, Rdd};
use crate::event::{Determinism, PartitionerInfo};
use crate::ids::PartitionId;
use crate::storage::Data;
use crate::task_context::TaskContext;
use std::ops::ControlFlow;
use std::panic::Location;

/// Records that `flat_map_into` takes before it looks whether there is enough to send on: after each one
/// it would cost a tenth of a loop that does next to nothing.
const EXPAND_LEN: usize = 64;

/// Where `flat_map_into` puts its records.
pub struct Out<'a, U>(&'a mut Vec<U>);

impl<U> Out<'_, U> {
    /// Adds one record.
    pub fn push(&mut self, value: U) {
        self.0.push(value);
    }

    /// Adds records.
    pub fn extend(&mut self, values: impl IntoIterator<Item = U>) {
        self.0.extend(values);
    }
}

/// Sends the buffer on and keeps its capacity.
pub(super) fn flush<U>(buffer: &mut Vec<U>, sink: Sink<'_, U>) -> ControlFlow<Stop> {
    if buffer.is_empty() {
        return ControlFlow::Continue(());
    }
    let flow = sink(Chunk::Owned(buffer));
    buffer.clear();
    flow
}

/// One loop per chunk: `step` moves records from the chunk to the buffer.
struct ByChunk<T: Data, F> {
    parent: Rdd<T>,
    step: F,
}

impl<T: Data, U: Data, F> RddNode<U> for ByChunk<T, F>
where
    F: Fn(Chunk<'_, T>, &mut Vec<U>) + Send + Sync + 'static,
{
    fn compute(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, U>) -> ControlFlow<Stop> {
        let mut buffer: Vec<U> = Vec::new();
        self.parent.for_each_chunk(part, ctx, &mut |chunk| {
            (self.step)(chunk, &mut buffer);
            flush(&mut buffer, sink)
        })
    }
}

/// One loop per chunk whose output may be longer than its input: `step` flushes in between, so that what
/// crosses to the next node is no longer than a chunk and stays in the cache.
struct Expand<T: Data, F> {
    parent: Rdd<T>,
    step: F,
}

impl<T: Data, U: Data, F> RddNode<U> for Expand<T, F>
where
    F: Fn(Chunk<'_, T>, &mut Expanded<'_, '_, U>) -> ControlFlow<Stop> + Send + Sync + 'static,
{
    fn compute(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, U>) -> ControlFlow<Stop> {
        let mut expanded = Expanded { buffer: Vec::new(), chunk_len: ctx.chunk_len(), sink };
        self.parent.for_each_chunk(part, ctx, &mut |chunk| {
            (self.step)(chunk, &mut expanded)?;
            flush(&mut expanded.buffer, expanded.sink)
        })
    }
}

/// What an [`Expand`] has made and not yet sent on.
struct Expanded<'a, 's, U> {
    buffer: Vec<U>,
    chunk_len: usize,
    sink: &'a mut (dyn FnMut(Chunk<'_, U>) -> ControlFlow<Stop> + 's),
}

impl<U> Expanded<'_, '_, U> {
    /// Takes what one record becomes.
    fn take(&mut self, record: impl FnOnce(&mut Vec<U>)) -> ControlFlow<Stop> {
        record(&mut self.buffer);
        if self.buffer.len() < self.chunk_len { ControlFlow::Continue(()) } else { flush(&mut self.buffer, self.sink) }
    }
}

/// The whole partition at once, as an iterator.
struct WholePartition<T: Data, F> {
    parent: Rdd<T>,
    f: F,
}

impl<T: Data, U: Data, F, I> RddNode<U> for WholePartition<T, F>
where
    F: Fn(PartitionId, &TaskContext, std::vec::IntoIter<T>) -> Result<I, TaskError> + Send + Sync + 'static,
    I: IntoIterator<Item = U>,
{
    fn compute(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, U>) -> ControlFlow<Stop> {
        let values = match self.parent.collect_partition(part, ctx) {
            Ok(values) => values,
            Err(error) => return ControlFlow::Break(Stop::Failed(error)),
        };
        match (self.f)(part, ctx, values.into_iter()) {
            Ok(output) => deliver_all(output, ctx.chunk_len(), sink),
            Err(error) => ControlFlow::Break(Stop::Failed(error)),
        }
    }
}

/// Delivers what an iterator gives in chunks of `len`.
pub(super) fn deliver_all<U>(output: impl IntoIterator<Item = U>, len: usize, sink: Sink<'_, U>) -> ControlFlow<Stop> {
    let mut output = output.into_iter();
    let mut buffer = Vec::with_capacity(len);
    loop {
        buffer.extend(output.by_ref().take(len));
        if buffer.is_empty() {
            return ControlFlow::Continue(());
        }
        flush(&mut buffer, sink)?;
    }
}

impl<T: Data> Rdd<T> {
    /// A `MapPartitionsRDD` over this RDD.
    pub(super) fn narrow<U: Data>(
        &self,
        partitioner: Option<PartitionerInfo>,
        node: impl RddNode<U> + 'static,
    ) -> Rdd<U> {
        self.one_to_one("MapPartitionsRDD", partitioner, self.info().determinism, node)
    }

    /// An RDD of any class whose partitions read those of this RDD one by one.
    pub(super) fn one_to_one<U: Data>(
        &self,
        class: &str,
        partitioner: Option<PartitionerInfo>,
        determinism: Determinism,
        node: impl RddNode<U> + 'static,
    ) -> Rdd<U> {
        let dependencies = vec![Dependency::one_to_one(self.erased())];
        let core = self.context().new_core(class, self.num_partitions(), partitioner, determinism, dependencies);
        Rdd::new(core, node)
    }

    fn by_chunk<U: Data>(
        &self,
        partitioner: Option<PartitionerInfo>,
        step: impl Fn(Chunk<'_, T>, &mut Vec<U>) + Send + Sync + 'static,
    ) -> Rdd<U> {
        self.narrow(partitioner, ByChunk { parent: self.clone(), step })
    }

    fn expand<U: Data>(
        &self,
        partitioner: Option<PartitionerInfo>,
        step: impl Fn(Chunk<'_, T>, &mut Expanded<'_, '_, U>) -> ControlFlow<Stop> + Send + Sync + 'static,
    ) -> Rdd<U> {
        self.narrow(partitioner, Expand { parent: self.clone(), step })
    }

    /// Each record through `f`.
    #[track_caller]
    pub fn map<U: Data>(&self, f: impl Fn(T) -> U + Send + Sync + 'static) -> Rdd<U> {
        let _scope = self.context().open("map", Location::caller());
        self.by_chunk(None, move |chunk, out| match chunk {
            Chunk::Owned(values) => out.extend(values.drain(..).map(&f)),
            Chunk::Shared(values) => out.extend(values.iter().cloned().map(&f)),
        })
    }

    /// The records for which `f` holds. Keeps the partitioner (R1.3).
    #[track_caller]
    pub fn filter(&self, f: impl Fn(&T) -> bool + Send + Sync + 'static) -> Rdd<T> {
        let _scope = self.context().open("filter", Location::caller());
        self.by_chunk(self.info().partitioner, move |chunk, out| match chunk {
            Chunk::Owned(values) => out.extend(values.drain(..).filter(|v| f(v))),
            Chunk::Shared(values) => out.extend(values.iter().filter(|v| f(v)).cloned()),
        })
    }

    /// Each record to any number of records.
    #[track_caller]
    pub fn flat_map<U: Data, I: IntoIterator<Item = U>>(&self, f: impl Fn(T) -> I + Send + Sync + 'static) -> Rdd<U> {
        let _scope = self.context().open("flatMap", Location::caller());
        self.expand(None, move |chunk, out| chunk.try_for_each(|value| out.take(|to| to.extend(f(value)))))
    }

    /// Each record to any number of records, without a collection per record: the fast form.
    #[track_caller]
    pub fn flat_map_into<U: Data>(&self, f: impl Fn(&T, &mut Out<'_, U>) + Send + Sync + 'static) -> Rdd<U> {
        let _scope = self.context().open("flatMap", Location::caller());
        self.expand(None, move |chunk, out| {
            let each = |some: &[T], to: &mut Vec<U>| some.iter().for_each(|value| f(value, &mut Out(to)));
            chunk.as_slice().chunks(EXPAND_LEN).try_for_each(|some| out.take(|to| each(some, to)))
        })
    }

    /// A whole partition through `f`.
    #[track_caller]
    pub fn map_partitions<U: Data, I: IntoIterator<Item = U>>(
        &self,
        f: impl Fn(std::vec::IntoIter<T>) -> I + Send + Sync + 'static,
    ) -> Rdd<U> {
        let _scope = self.context().open("mapPartitions", Location::caller());
        self.narrow(None, WholePartition { parent: self.clone(), f: move |_, _: &TaskContext, values| Ok(f(values)) })
    }

    /// A whole partition with its number through `f`.
    #[track_caller]
    pub fn map_partitions_with_index<U: Data, I: IntoIterator<Item = U>>(
        &self,
        f: impl Fn(PartitionId, std::vec::IntoIter<T>) -> I + Send + Sync + 'static,
    ) -> Rdd<U> {
        let _scope = self.context().open("mapPartitionsWithIndex", Location::caller());
        let f = move |part, _: &TaskContext, values| Ok(f(part, values));
        self.narrow(None, WholePartition { parent: self.clone(), f })
    }

    /// Each partition as one record: of `[1, 2]` and `[3]` it makes the records `[1, 2]` and `[3]`.
    #[track_caller]
    pub fn glom(&self) -> Rdd<Vec<T>> {
        let _scope = self.context().open("glom", Location::caller());
        let f = |_, _: &TaskContext, values: std::vec::IntoIter<T>| Ok([values.collect()]);
        self.narrow(None, WholePartition { parent: self.clone(), f })
    }

    /// Each record behind the key that `f` gives it.
    #[track_caller]
    pub fn key_by<K: Data>(&self, f: impl Fn(&T) -> K + Send + Sync + 'static) -> Rdd<(K, T)> {
        let _scope = self.context().open("keyBy", Location::caller());
        self.map(move |record| (f(&record), record))
    }

    /// A whole partition through `f`, which also sees the partition and the task. With
    /// `preserves_partitioning` the caller promises that no key moves (R1.3).
    #[track_caller]
    pub fn map_partitions_with_context<U: Data, I: IntoIterator<Item = U>>(
        &self,
        preserves: PreservesPartitioning,
        f: impl Fn(PartitionId, &TaskContext, std::vec::IntoIter<T>) -> Result<I, TaskError> + Send + Sync + 'static,
    ) -> Rdd<U> {
        let _scope = self.context().open("mapPartitions", Location::caller());
        let partitioner = match preserves {
            PreservesPartitioning::Yes => self.info().partitioner,
            PreservesPartitioning::No => None,
        };
        self.narrow(partitioner, WholePartition { parent: self.clone(), f })
    }
}

/// Whether a transformation promises to leave keys where they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreservesPartitioning {
    /// Keys stay.
    Yes,
    /// Keys may move.
    No,
}

impl<K: Data, V: Data> Rdd<(K, V)> {
    /// The keys, one per record.
    #[track_caller]
    pub fn keys(&self) -> Rdd<K> {
        let _scope = self.context().open("keys", Location::caller());
        self.by_chunk(None, |chunk, out| match chunk {
            Chunk::Owned(records) => out.extend(records.drain(..).map(|(key, _)| key)),
            Chunk::Shared(records) => out.extend(records.iter().map(|(key, _)| key.clone())),
        })
    }

    /// The values.
    #[track_caller]
    pub fn values(&self) -> Rdd<V> {
        let _scope = self.context().open("values", Location::caller());
        self.by_chunk(None, |chunk, out| match chunk {
            Chunk::Owned(records) => out.extend(records.drain(..).map(|(_, value)| value)),
            Chunk::Shared(records) => out.extend(records.iter().map(|(_, value)| value.clone())),
        })
    }

    /// Each value through `f`; keys and partitioner stay (R1.3).
    #[track_caller]
    pub fn map_values<U: Data>(&self, f: impl Fn(V) -> U + Send + Sync + 'static) -> Rdd<(K, U)> {
        let _scope = self.context().open("mapValues", Location::caller());
        self.by_chunk(self.info().partitioner, move |chunk, out| match chunk {
            Chunk::Owned(values) => out.extend(values.drain(..).map(|(k, v)| (k, f(v)))),
            Chunk::Shared(values) => out.extend(values.iter().cloned().map(|(k, v)| (k, f(v)))),
        })
    }

    /// Each value to any number of values; keys and partitioner stay.
    #[track_caller]
    pub fn flat_map_values<U: Data, I: IntoIterator<Item = U>>(
        &self,
        f: impl Fn(V) -> I + Send + Sync + 'static,
    ) -> Rdd<(K, U)> {
        let _scope = self.context().open("flatMapValues", Location::caller());
        self.expand(self.info().partitioner, move |chunk, out| {
            chunk.try_for_each(|(k, v)| out.take(|to| to.extend(f(v).into_iter().map(|u| (k.clone(), u)))))
        })
    }
}
