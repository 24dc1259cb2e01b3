//! `updateStateByKey`: state carried from batch to batch, a lineage that grows until it is cut (R14).

use super::dstream::{DStream, StreamNode, StreamSpec};
use super::instances::Generation;
use super::own::Own;
use crate::driver::BatchTick;
use crate::error::Result;
use crate::event::StorageLevel;
use crate::ids::PartitionId;
use crate::rdd::partitioner::HashPartitioner;
use crate::rdd::{PreservesPartitioning, Rdd, TaskError};
use crate::storage::Data;
use crate::task_context::TaskContext;
use std::hash::Hash;
use std::panic::Location;
use std::sync::Arc;

struct State<K: Data, V: Data, S: Data, F> {
    parent: DStream<(K, V)>,
    update: Arc<F>,
    partitioner: HashPartitioner,
    initial: Option<Rdd<(K, S)>>,
    own: Arc<Own<(K, S)>>,
}

impl<K, V, S, F> State<K, V, S, F>
where
    K: Data + Hash + Eq,
    V: Data,
    S: Data,
    F: Fn(&K, Vec<V>, Option<S>) -> Option<S> + Send + Sync + 'static,
{
    fn updated(&self, rdd: &Rdd<(K, (Vec<V>, Vec<S>))>) -> Rdd<(K, S)> {
        let update = Arc::clone(&self.update);
        let step = move |_: PartitionId, _: &TaskContext, groups: std::vec::IntoIter<(K, (Vec<V>, Vec<S>))>| {
            let update = Arc::clone(&update);
            Ok::<_, TaskError>(groups.filter_map(move |(key, (values, old))| {
                let new = update(&key, values, old.into_iter().next())?;
                Some((key, new))
            }))
        };
        rdd.map_partitions_with_context(PreservesPartitioning::Yes, step)
    }

    /// The first batch groups only; there is no state to join (R14.2).
    fn first(&self, parent: &Rdd<(K, V)>) -> Rdd<(K, S)> {
        let update = Arc::clone(&self.update);
        let step = move |_: PartitionId, _: &TaskContext, groups: std::vec::IntoIter<(K, Vec<V>)>| {
            let update = Arc::clone(&update);
            Ok::<_, TaskError>(groups.filter_map(move |(key, values)| {
                let new = update(&key, values, None)?;
                Some((key, new))
            }))
        };
        let groups = parent.group_by_key_in(self.partitioner);
        groups.map_partitions_with_context(PreservesPartitioning::Yes, step)
    }

    /// A batch without input: the function runs on old state with empty values.
    fn without_input(&self, previous: &Rdd<(K, S)>) -> Rdd<(K, S)> {
        let update = Arc::clone(&self.update);
        let step = move |_: PartitionId, _: &TaskContext, states: std::vec::IntoIter<(K, S)>| {
            let update = Arc::clone(&update);
            Ok::<_, TaskError>(states.filter_map(move |(key, old)| {
                let new = update(&key, Vec::new(), Some(old))?;
                Some((key, new))
            }))
        };
        previous.map_partitions_with_context(PreservesPartitioning::Yes, step)
    }
}

impl<K, V, S, F> StreamNode<(K, S)> for State<K, V, S, F>
where
    K: Data + Hash + Eq,
    V: Data,
    S: Data,
    F: Fn(&K, Vec<V>, Option<S>) -> Option<S> + Send + Sync + 'static,
{
    fn compute(&self, generation: &Generation<'_>, tick: BatchTick) -> Result<Option<Rdd<(K, S)>>> {
        let previous = self.own.before(&self.parent, generation, tick)?.or_else(|| self.initial.clone());
        // The parent's RDDs belong to the parent's operator, whoever asks for them first.
        let parent = generation.rdd(&self.parent, tick)?;
        Ok(match (previous, parent) {
            (Some(previous), Some(parent)) => Some(self.updated(&parent.cogroup_with(&previous, self.partitioner))),
            (Some(previous), None) => Some(self.without_input(&previous)),
            (None, Some(parent)) => Some(self.first(&parent)),
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
        self.state_stream(update, None, Location::caller())
    }

    /// As [`DStream::update_state_by_key`], with state to begin with; its keys are updated in the
    /// first batch too (R14.2).
    #[track_caller]
    pub fn update_state_by_key_from<S: Data>(
        &self,
        initial: &Rdd<(K, S)>,
        update: impl Fn(&K, Vec<V>, Option<S>) -> Option<S> + Send + Sync + 'static,
    ) -> DStream<(K, S)> {
        self.state_stream(update, Some(initial.clone()), Location::caller())
    }

    fn state_stream<S: Data>(
        &self,
        update: impl Fn(&K, Vec<V>, Option<S>) -> Option<S> + Send + Sync + 'static,
        initial: Option<Rdd<(K, S)>>,
        at: &Location<'_>,
    ) -> DStream<(K, S)> {
        let own = Arc::new(Own::default());
        let partitioner = HashPartitioner::new(self.ssc.spark_context().default_parallelism());
        let node =
            State { parent: self.clone(), update: Arc::new(update), partitioner, initial, own: Arc::clone(&own) };
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
