//! `updateStateByKey`: state carried from batch to batch, a lineage that grows until it is cut (R14).

use super::dstream::{DStream, StreamNode, StreamSpec};
use super::instances::Generation;
use super::own::Own;
use crate::driver::BatchTick;
use crate::error::Result;
use crate::event::StorageLevel;
use crate::ids::PartitionId;
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

struct State<K: Data, V: Data, S: Data, F> {
    parent: DStream<(K, V)>,
    update: Arc<F>,
    how: How<K, S>,
    own: Arc<Own<(K, S)>>,
}

impl<K, V, S, F, I> State<K, V, S, F>
where
    K: Data + Hash + Eq,
    V: Data,
    S: Data,
    F: Fn(KeyUpdates<K, V, S>) -> I + Send + Sync + 'static,
    I: IntoIterator<Item = (K, S)>,
{
    /// `rdd`, whose records are `source`, through the user's function.
    fn updated<T: Data>(
        &self,
        rdd: &Rdd<T>,
        source: impl Fn(IntoIter<T>) -> Source<K, V, S> + Send + Sync + 'static,
    ) -> Rdd<(K, S)> {
        let update = Arc::clone(&self.update);
        rdd.map_partitions_with_context(self.how.remember, move |_: PartitionId, _: &TaskContext, records| {
            Ok::<_, TaskError>(update(KeyUpdates(source(records))))
        })
    }
}

impl<K, V, S, F, I> StreamNode<(K, S)> for State<K, V, S, F>
where
    K: Data + Hash + Eq,
    V: Data,
    S: Data,
    F: Fn(KeyUpdates<K, V, S>) -> I + Send + Sync + 'static,
    I: IntoIterator<Item = (K, S)>,
{
    fn compute(&self, generation: &Generation<'_>, tick: BatchTick) -> Result<Option<Rdd<(K, S)>>> {
        // R14.3: initial state stands for state that does not exist.
        let previous = self.own.before(&self.parent, generation, tick)?.or_else(|| self.how.initial.clone());
        // The parent's RDDs belong to the parent's operator, whoever asks for them first.
        let parent = generation.rdd(&self.parent, tick)?;
        let partitioner = self.how.partitioner.clone();
        Ok(match (previous, parent) {
            (Some(previous), Some(parent)) => {
                Some(self.updated(&parent.cogroup_with(&previous, partitioner), Source::Both))
            }
            (Some(previous), None) => Some(self.updated(&previous, Source::Old)),
            // R14.2: the first batch groups only; there is no state to join.
            (None, Some(parent)) => Some(self.updated(&parent.group_by_key_in(partitioner), Source::New)),
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
        self.state_stream(how, update, Location::caller())
    }

    fn state_by_key<S: Data>(
        &self,
        partitioner: Partitioner<K>,
        initial: Option<Rdd<(K, S)>>,
        update: impl Fn(&K, Vec<V>, Option<S>) -> Option<S> + Send + Sync + 'static,
        at: &Location<'_>,
    ) -> DStream<(K, S)> {
        let update = Arc::new(update);
        let how = How { partitioner, remember: RememberPartitioner::Yes, initial };
        let all = move |updates: KeyUpdates<K, V, S>| {
            let update = Arc::clone(&update);
            updates.filter_map(move |(key, values, old)| {
                let new = update(&key, values, old)?;
                Some((key, new))
            })
        };
        self.state_stream(how, all, at)
    }

    fn state_stream<S: Data, I: IntoIterator<Item = (K, S)> + 'static>(
        &self,
        how: How<K, S>,
        update: impl Fn(KeyUpdates<K, V, S>) -> I + Send + Sync + 'static,
        at: &Location<'_>,
    ) -> DStream<(K, S)> {
        let own = Arc::new(Own::default());
        let node = State { parent: self.clone(), update: Arc::new(update), how, own: Arc::clone(&own) };
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
