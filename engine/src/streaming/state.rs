//! `updateStateByKey`: state carried from batch to batch, a lineage that grows until it is cut (R14).

use super::dstream::{DStream, StreamNode, StreamSpec};
use super::instances::Generation;
use super::own::Own;
use crate::driver::BatchTick;
use crate::error::Result;
use crate::event::StorageLevel;
use crate::ids::{PartitionId, Timestamp};
use crate::rdd::partitioner::Partitioner;
use crate::rdd::{PreservesPartitioning, Rdd, TaskError};
use crate::storage::Data;
use crate::task_context::TaskContext;
use std::hash::Hash;
use std::panic::Location;
use std::sync::Arc;
use std::vec::IntoIter;

/// The keys of a partition that have state or new values, each with its new values and its state.
pub struct KeyUpdates<K, V, S>(Source<K, V, S>);

/// Where updates come from.
enum Source<K, V, S> {
    /// New values beside the state before.
    Both(IntoIter<(K, (Vec<V>, Vec<S>))>),
    /// There is no state yet.
    New(IntoIter<(K, Vec<V>)>),
    /// There is no new value.
    Old(IntoIter<(K, S)>),
}

impl<K, V, S> Iterator for KeyUpdates<K, V, S> {
    type Item = (K, Vec<V>, Option<S>);

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Source::Both(groups) => groups.next().map(|(key, (values, old))| (key, values, old.into_iter().next())),
            Source::New(groups) => groups.next().map(|(key, values)| (key, values, None)),
            Source::Old(states) => states.next().map(|(key, old)| (key, Vec::new(), Some(old))),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            Source::Both(groups) => groups.size_hint(),
            Source::New(groups) => groups.size_hint(),
            Source::Old(states) => states.size_hint(),
        }
    }
}

/// Whether the state counts as partitioned after the user's function: one that changes keys must say no.
pub type RememberPartitioner = PreservesPartitioning;

/// What all forms of `updateStateByKey` have in common.
struct How<K: Data, S: Data> {
    partitioner: Partitioner<K>,
    remember: RememberPartitioner,
    initial: Option<Rdd<(K, S)>>,
}

/// When an update happens, and what may be remembered of it.
#[derive(Clone, Copy)]
struct Batch {
    time: Timestamp,
    remember: RememberPartitioner,
}

/// A user's function, applied to what a batch has.
trait Update<K: Data, V: Data, S: Data>: Send + Sync + 'static {
    /// To new values beside the state before.
    fn both(&self, groups: &Rdd<(K, (Vec<V>, Vec<S>))>, batch: Batch) -> Rdd<(K, S)>;
    /// To new values where there is no state yet.
    fn new_values(&self, groups: &Rdd<(K, Vec<V>)>, batch: Batch) -> Rdd<(K, S)>;
    /// To the state before where there is no new value.
    fn old_state(&self, states: &Rdd<(K, S)>, batch: Batch) -> Rdd<(K, S)>;
}

/// A function of the batch time and one key: a partition streams through it.
struct ByKey<F>(Arc<F>);

impl<K, V, S, F> Update<K, V, S> for ByKey<F>
where
    K: Data,
    V: Data,
    S: Data,
    F: Fn(Timestamp, &K, Vec<V>, Option<S>) -> Option<S> + Send + Sync + 'static,
{
    fn both(&self, groups: &Rdd<(K, (Vec<V>, Vec<S>))>, batch: Batch) -> Rdd<(K, S)> {
        let (update, time) = (Arc::clone(&self.0), batch.time);
        groups.map_partitions_by_record(batch.remember, move |(key, (values, old)), out| {
            let state = update(time, &key, values, old.into_iter().next());
            out.extend(state.map(|state| (key, state)));
        })
    }

    fn new_values(&self, groups: &Rdd<(K, Vec<V>)>, batch: Batch) -> Rdd<(K, S)> {
        let (update, time) = (Arc::clone(&self.0), batch.time);
        groups.map_partitions_by_record(batch.remember, move |(key, values), out| {
            let state = update(time, &key, values, None);
            out.extend(state.map(|state| (key, state)));
        })
    }

    fn old_state(&self, states: &Rdd<(K, S)>, batch: Batch) -> Rdd<(K, S)> {
        let (update, time) = (Arc::clone(&self.0), batch.time);
        states.map_partitions_by_record(batch.remember, move |(key, old), out| {
            let state = update(time, &key, Vec::new(), Some(old));
            out.extend(state.map(|state| (key, state)));
        })
    }
}

/// A function of all updates of a partition.
struct ByPartition<F>(Arc<F>);

impl<K, V, S, F, I> Update<K, V, S> for ByPartition<F>
where
    K: Data,
    V: Data,
    S: Data,
    F: Fn(KeyUpdates<K, V, S>) -> I + Send + Sync + 'static,
    I: IntoIterator<Item = (K, S)>,
{
    fn both(&self, groups: &Rdd<(K, (Vec<V>, Vec<S>))>, batch: Batch) -> Rdd<(K, S)> {
        self.whole(groups, batch.remember, Source::Both)
    }

    fn new_values(&self, groups: &Rdd<(K, Vec<V>)>, batch: Batch) -> Rdd<(K, S)> {
        self.whole(groups, batch.remember, Source::New)
    }

    fn old_state(&self, states: &Rdd<(K, S)>, batch: Batch) -> Rdd<(K, S)> {
        self.whole(states, batch.remember, Source::Old)
    }
}

impl<F> ByPartition<F> {
    /// `rdd`, whose records are `source`, through the user's function.
    fn whole<K: Data, V: Data, S: Data, T: Data, I: IntoIterator<Item = (K, S)>>(
        &self,
        rdd: &Rdd<T>,
        remember: RememberPartitioner,
        source: impl Fn(IntoIter<T>) -> Source<K, V, S> + Send + Sync + 'static,
    ) -> Rdd<(K, S)>
    where
        F: Fn(KeyUpdates<K, V, S>) -> I + Send + Sync + 'static,
    {
        let update = Arc::clone(&self.0);
        rdd.map_partitions_with_context(remember, move |_: PartitionId, _: &TaskContext, records| {
            Ok::<_, TaskError>(update(KeyUpdates(source(records))))
        })
    }
}

struct State<K: Data, V: Data, S: Data, U> {
    parent: DStream<(K, V)>,
    update: U,
    how: How<K, S>,
    own: Arc<Own<(K, S)>>,
}

impl<K: Data + Hash + Eq, V: Data, S: Data, U: Update<K, V, S>> StreamNode<(K, S)> for State<K, V, S, U> {
    fn compute(&self, generation: &Generation<'_>, tick: BatchTick) -> Result<Option<Rdd<(K, S)>>> {
        // R14.3: initial state stands for state that does not exist.
        let before = self.own.before(&self.parent, generation, tick)?;
        let begins = before.is_none();
        let previous = before.or_else(|| self.how.initial.clone());
        // The parent's RDDs belong to the parent's operator, whoever asks for them first.
        let parent = generation.rdd(&self.parent, tick)?;
        let partitioner = self.how.partitioner.clone();
        let batch = Batch { time: tick.time, remember: self.how.remember };
        Ok(match (previous, parent) {
            (Some(previous), Some(parent)) => {
                Some(self.update.both(&parent.cogroup_with(&previous, partitioner), batch))
            }
            // As Spark: initial state waits for the first batch with an RDD.
            (Some(_), None) if begins => None,
            (Some(previous), None) => Some(self.update.old_state(&previous, batch)),
            // R14.2: the first batch groups only; there is no state to join.
            (None, Some(parent)) => Some(self.update.new_values(&parent.group_by_key_in(partitioner), batch)),
            (None, None) => None,
        })
    }
}

impl<K: Data + Hash + Eq, V: Data> DStream<(K, V)> {
    /// State per key: `update(key, new values, old state)` runs for every key with state or new
    /// values, in every batch; `None` removes the key (R14.1).
    #[track_caller]
    pub fn update_state_by_key<S: Data>(
        &self,
        update: impl Fn(&K, Vec<V>, Option<S>) -> Option<S> + Send + Sync + 'static,
    ) -> DStream<(K, S)> {
        self.state_by_key(self.default_partitioner(), None, update, Location::caller())
    }

    /// As [`DStream::update_state_by_key`], with state to begin with; its keys are updated in the
    /// first batch too (R14.2, R14.3).
    #[track_caller]
    pub fn update_state_by_key_from<S: Data>(
        &self,
        initial: &Rdd<(K, S)>,
        update: impl Fn(&K, Vec<V>, Option<S>) -> Option<S> + Send + Sync + 'static,
    ) -> DStream<(K, S)> {
        self.state_by_key(self.default_partitioner(), Some(initial.clone()), update, Location::caller())
    }

    /// As [`DStream::update_state_by_key`], partitioned by `partitioner`, and with state to begin with if
    /// there is any.
    #[track_caller]
    pub fn update_state_by_key_in<S: Data>(
        &self,
        partitioner: impl Into<Partitioner<K>>,
        initial: Option<&Rdd<(K, S)>>,
        update: impl Fn(&K, Vec<V>, Option<S>) -> Option<S> + Send + Sync + 'static,
    ) -> DStream<(K, S)> {
        self.state_by_key(partitioner.into(), initial.cloned(), update, Location::caller())
    }

    /// As [`DStream::update_state_by_key_in`]; `update` also gets the batch time. With
    /// [`RememberPartitioner::No`] the state is partitioned anew in every batch.
    #[track_caller]
    pub fn update_state_by_key_with_time<S: Data>(
        &self,
        partitioner: impl Into<Partitioner<K>>,
        remember: RememberPartitioner,
        initial: Option<&Rdd<(K, S)>>,
        update: impl Fn(Timestamp, &K, Vec<V>, Option<S>) -> Option<S> + Send + Sync + 'static,
    ) -> DStream<(K, S)> {
        let how = How { partitioner: partitioner.into(), remember, initial: initial.cloned() };
        self.state_stream(how, ByKey(Arc::new(update)), Location::caller())
    }

    /// The general form: `update` gets all updates of a partition at once and gives its state. It may also
    /// change keys; then it must not promise to remember the partitioner, and the state is partitioned
    /// anew in the next batch.
    #[track_caller]
    pub fn update_state_by_partition<S: Data, I: IntoIterator<Item = (K, S)> + 'static>(
        &self,
        partitioner: impl Into<Partitioner<K>>,
        remember: RememberPartitioner,
        initial: Option<&Rdd<(K, S)>>,
        update: impl Fn(KeyUpdates<K, V, S>) -> I + Send + Sync + 'static,
    ) -> DStream<(K, S)> {
        let how = How { partitioner: partitioner.into(), remember, initial: initial.cloned() };
        self.state_stream(how, ByPartition(Arc::new(update)), Location::caller())
    }

    fn state_by_key<S: Data>(
        &self,
        partitioner: Partitioner<K>,
        initial: Option<Rdd<(K, S)>>,
        update: impl Fn(&K, Vec<V>, Option<S>) -> Option<S> + Send + Sync + 'static,
        at: &Location<'_>,
    ) -> DStream<(K, S)> {
        let how = How { partitioner, remember: RememberPartitioner::Yes, initial };
        let update = move |_: Timestamp, key: &K, new, old| update(key, new, old);
        self.state_stream(how, ByKey(Arc::new(update)), at)
    }

    fn state_stream<S: Data>(
        &self,
        how: How<K, S>,
        update: impl Update<K, V, S>,
        at: &Location<'_>,
    ) -> DStream<(K, S)> {
        let own = Arc::new(Own::default());
        let node = State { parent: self.clone(), update, how, own: Arc::clone(&own) };
        let spec = StreamSpec {
            stateful: true,
            shuffles: true,
            level: StorageLevel::MEMORY_ONLY_SER,
            ..StreamSpec::narrow("updateStateByKey", "StateDStream", self.slide())
        };
        let stream = DStream::create(&self.ssc, spec, vec![Arc::clone(&self.core)], node, at);
        own.set(&stream);
        stream
    }
}
