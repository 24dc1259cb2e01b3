//! `StateSpec`: what `mapWithState` is to do.

use super::state::{State, StateError};
use crate::ids::{Millis, Timestamp};
use crate::rdd::Rdd;
use crate::rdd::partitioner::Partitioner;
use crate::storage::Data;
use std::marker::PhantomData;
use std::sync::Arc;

/// A mapping function with its initial state, partitioner and timeout.
pub struct StateSpec<K: Data, S: Data, F> {
    pub(super) function: Arc<F>,
    pub(super) initial: Option<Rdd<(K, S)>>,
    pub(super) partitioner: Option<Partitioner<K>>,
    pub(super) timeout: Option<Millis>,
    of: PhantomData<fn() -> (K, S)>,
}

impl<K: Data, S: Data> StateSpec<K, S, ()> {
    /// `function(key, value, state)` is called for each record, and with no value for a key that times
    /// out; what it returns is a record of the stream.
    #[must_use]
    pub fn function<V, U, G>(
        function: G,
    ) -> StateSpec<K, S, impl Fn(Timestamp, &K, Option<V>, &mut State<'_, S>) -> Result<Option<U>, StateError>>
    where
        G: Fn(&K, Option<V>, &mut State<'_, S>) -> Result<U, StateError>,
    {
        Self::function_with_time(move |_, key: &K, value: Option<V>, state: &mut State<'_, S>| {
            function(key, value, state).map(Some)
        })
    }

    /// As [`StateSpec::function`]: the function also gets the batch time, and may return nothing.
    #[must_use]
    pub fn function_with_time<V, U, F>(function: F) -> StateSpec<K, S, F>
    where
        F: Fn(Timestamp, &K, Option<V>, &mut State<'_, S>) -> Result<Option<U>, StateError>,
    {
        StateSpec { function: Arc::new(function), initial: None, partitioner: None, timeout: None, of: PhantomData }
    }
}

impl<K: Data, S: Data, F> StateSpec<K, S, F> {
    /// State to begin with; used when the first batch is generated.
    #[must_use]
    pub fn initial_state(mut self, initial: &Rdd<(K, S)>) -> Self {
        self.initial = Some(initial.clone());
        self
    }

    /// How many partitions the state has.
    #[must_use]
    pub fn num_partitions(self, partitions: u32) -> Self {
        self.partitioner(partitions)
    }

    /// How the state is partitioned. The default is by hash, into the default parallelism.
    #[must_use]
    pub fn partitioner(mut self, partitioner: impl Into<Partitioner<K>>) -> Self {
        self.partitioner = Some(partitioner.into());
        self
    }

    /// A key without data for longer than `idle` times out: the function is called once more for it,
    /// without a value, and its state goes (R14.6).
    #[must_use]
    pub const fn timeout(mut self, idle: Millis) -> Self {
        self.timeout = Some(idle);
        self
    }
}
