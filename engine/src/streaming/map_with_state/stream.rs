//! The streams of `mapWithState`.

use super::compute::{Step, map_with_state};
use super::record::StateRecord;
use super::spec::StateSpec;
use super::state::{State, StateError};
use super::state_map::{StateMap, Timeouts};
use crate::driver::BatchTick;
use crate::error::Result;
use crate::event::StorageLevel;
use crate::ids::*;
use crate::rdd::partitioner::Partitioner;
use crate::rdd::{PreservesPartitioning, Rdd, TaskError};
use crate::storage::Data;
use crate::streaming::dstream::{DStream, StreamNode, StreamSpec};
use crate::streaming::graph::DefaultInterval;
use crate::streaming::instances::Generation;
use crate::streaming::own::Own;
use crate::task_context::TaskContext;
use std::hash::Hash;
use std::ops::Deref;
use std::panic::Location;
use std::sync::Arc;

/// Spark's `InternalMapWithStateDStream`: one record per partition and batch.
struct Inner<K: Data + Hash + Eq, V: Data, S: Data, U: Data, F> {
    parent: DStream<(K, V)>,
    spec: StateSpec<K, S, F>,
    partitioner: Partitioner<K>,
    own: Arc<Own<StateRecord<K, S, U>>>,
}

impl<K, V, S, U, F> Inner<K, V, S, U, F>
where
    K: Data + Hash + Eq,
    V: Data,
    S: Data,
    U: Data,
    F: Fn(Timestamp, &K, Option<V>, &mut State<'_, S>) -> std::result::Result<Option<U>, StateError>
        + Send
        + Sync
        + 'static,
{
    fn step(&self, tick: BatchTick, threshold: Option<Timestamp>) -> Step<F> {
        Step { function: Arc::clone(&self.spec.function), at: tick.time, threshold, timeouts: self.step_timeouts() }
    }

    /// The state before the first batch, as touched at its time.
    fn first(&self, generation: &Generation<'_>, tick: BatchTick) -> Rdd<StateRecord<K, S, U>> {
        let initial = self.spec.initial.clone().unwrap_or_else(|| generation.sc.empty_rdd());
        let step = self.step(tick, None);
        let timeouts = step.timeouts;
        let gather = move |_: PartitionId, _: &TaskContext, pairs: std::vec::IntoIter<(K, S)>| {
            let state = StateMap::of(pairs.map(|(key, state)| (key, state, tick.time)), timeouts);
            Ok::<_, TaskError>([StateRecord { state, mapped: Vec::new() }])
        };
        let records =
            initial.partition_by(&self.partitioner).map_partitions_with_context(PreservesPartitioning::Yes, gather);
        let none = generation.sc.empty_rdd::<(K, V)>().partition_by(&self.partitioner);
        map_with_state(&records, &none, &self.partitioner, step)
    }

    /// R14.7: what a former driver saved may be partitioned in another way.
    fn partitioned(&self, previous: Rdd<StateRecord<K, S, U>>) -> Rdd<StateRecord<K, S, U>> {
        if previous.info().partitioner == Some(self.partitioner.info()) {
            return previous;
        }
        let timeouts = self.step_timeouts();
        let keys: Rdd<(K, (S, Timestamp))> = previous.flat_map_into(|record, out| {
            out.extend(record.state.entries().map(|(key, entry)| (key.clone(), (entry.state.clone(), entry.touched))));
        });
        let gather = move |_: PartitionId, _: &TaskContext, pairs: std::vec::IntoIter<(K, (S, Timestamp))>| {
            let state = StateMap::of(pairs.map(|(key, (state, touched))| (key, state, touched)), timeouts);
            Ok::<_, TaskError>([StateRecord { state, mapped: Vec::new() }])
        };
        keys.partition_by(&self.partitioner).map_partitions_with_context(PreservesPartitioning::Yes, gather)
    }

    const fn step_timeouts(&self) -> Timeouts {
        if self.spec.timeout.is_some() { Timeouts::Possible } else { Timeouts::Never }
    }

    /// Since when a key must have been touched to stay, if this batch looks (R14.6).
    fn threshold(&self, generation: &Generation<'_>, tick: BatchTick) -> Option<Timestamp> {
        let idle = self.spec.timeout?;
        let looks = !generation.sc.config().state_timeouts_at_checkpoints || self.own.checkpoint_due(generation, tick);
        looks.then(|| Timestamp(tick.time.0.saturating_sub(idle.0 * 1_000_000)))
    }
}

impl<K, V, S, U, F> StreamNode<StateRecord<K, S, U>> for Inner<K, V, S, U, F>
where
    K: Data + Hash + Eq,
    V: Data,
    S: Data,
    U: Data,
    F: Fn(Timestamp, &K, Option<V>, &mut State<'_, S>) -> std::result::Result<Option<U>, StateError>
        + Send
        + Sync
        + 'static,
{
    fn compute(&self, generation: &Generation<'_>, tick: BatchTick) -> Result<Option<Rdd<StateRecord<K, S, U>>>> {
        let previous = match self.own.before(&self.parent, generation, tick)? {
            Some(previous) => self.partitioned(previous),
            None => self.first(generation, tick),
        };
        let data = generation.rdd(&self.parent, tick)?.unwrap_or_else(|| generation.sc.empty_rdd());
        let data = data.partition_by(&self.partitioner);
        let step = self.step(tick, self.threshold(generation, tick));
        Ok(Some(map_with_state(&previous, &data, &self.partitioner, step)))
    }
}

/// What the function returned, batch by batch; and the way to the state behind it.
#[derive(Clone)]
pub struct MapWithStateDStream<K: Data + Hash + Eq, S: Data, U: Data> {
    mapped: DStream<U>,
    state: DStream<StateRecord<K, S, U>>,
}

impl<K: Data + Hash + Eq, S: Data, U: Data> Deref for MapWithStateDStream<K, S, U> {
    type Target = DStream<U>;

    fn deref(&self) -> &DStream<U> {
        &self.mapped
    }
}

impl<K: Data + Hash + Eq, S: Data, U: Data> MapWithStateDStream<K, S, U> {
    /// Saves the state every `interval`; the stream itself is not saved. As in Spark the state is then
    /// kept serialized, which costs all keys in every batch; without this call it is kept as values and
    /// saved every ten batches (R12.2, R12.3).
    ///
    /// # Errors
    /// After the context started.
    pub fn checkpoint(&self, interval: Millis) -> Result<Self> {
        self.state.checkpoint(interval)?;
        Ok(self.clone())
    }

    /// The stream that holds the state, as announced: level and intervals.
    pub fn state_info(&self) -> crate::event::StreamInfo {
        self.state.info()
    }

    /// All keys with their state after each batch, the first born first within a partition.
    #[track_caller]
    pub fn state_snapshots(&self) -> DStream<(K, S)> {
        let at = Location::caller();
        self.state.per_batch("stateSnapshots", "FlatMappedDStream", false, at, |rdd| {
            rdd.flat_map_into(|record, out| {
                out.extend(record.state.entries().map(|(key, entry)| (key.clone(), entry.state.clone())));
            })
        })
    }
}

impl<K: Data + Hash + Eq, V: Data> DStream<(K, V)> {
    /// State per key, touched only for keys with data: the function of `spec` is called once per record,
    /// and the records of the stream are what it returns (R14.4).
    #[track_caller]
    pub fn map_with_state<S, U, F>(&self, spec: StateSpec<K, S, F>) -> MapWithStateDStream<K, S, U>
    where
        S: Data,
        U: Data,
        F: Fn(Timestamp, &K, Option<V>, &mut State<'_, S>) -> std::result::Result<Option<U>, StateError>
            + Send
            + Sync
            + 'static,
    {
        let at = Location::caller();
        let own = Arc::new(Own::default());
        let partitioner = spec.partitioner.clone().unwrap_or_else(|| self.default_partitioner());
        let node = Inner { parent: self.clone(), spec, partitioner, own: Arc::clone(&own) };
        let inner = StreamSpec {
            stateful: true,
            shuffles: true,
            level: StorageLevel::MEMORY_ONLY,
            interval: DefaultInterval::TenSlides,
            ..StreamSpec::narrow("mapWithState", "InternalMapWithStateDStream", self.slide())
        };
        let state = DStream::create(&self.ssc, inner, vec![Arc::clone(&self.core)], node, at);
        own.set(&state);
        let outer = StreamSpec {
            called: "mapWithState",
            ..StreamSpec::narrow("mapWithState.mapped", "MapWithStateDStream", self.slide())
        };
        let mapped = state
            .per_batch_as(outer, at, |rdd| rdd.flat_map_into(|record, out| out.extend(record.mapped.iter().cloned())));
        MapWithStateDStream { mapped, state }
    }
}
