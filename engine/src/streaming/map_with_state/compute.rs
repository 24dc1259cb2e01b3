//! `MapWithStateRDD`: the state of a batch from the state before it and the batch's records.

use super::changes::Changes;
use super::record::StateRecord;
use super::state::{State, StateError};
use super::state_map::{StateMap, Timeouts};
use crate::ids::{PartitionId, Timestamp};
use crate::rdd::partitioner::Partitioner;
use crate::rdd::{Chunk, Dependency, Rdd, RddNode, Sink, Stop, TaskError};
use crate::storage::Data;
use crate::task_context::TaskContext;
use std::hash::Hash;
use std::ops::ControlFlow;
use std::sync::Arc;

/// What a batch does to the state.
pub(super) struct Step<F> {
    pub function: Arc<F>,
    /// The batch time.
    pub at: Timestamp,
    /// Keys that nothing touched since before this time out now.
    pub threshold: Option<Timestamp>,
    pub timeouts: Timeouts,
}

/// Spark's `MapWithStateRDD`: both parents are partitioned alike.
struct MapWithState<K: Data + Hash + Eq, V: Data, S: Data, U: Data, F> {
    previous: Rdd<StateRecord<K, S, U>>,
    data: Rdd<(K, V)>,
    step: Step<F>,
}

fn failed(error: StateError) -> Stop {
    Stop::Failed(TaskError::Exception(error.to_string()))
}

impl<K, V, S, U, F> RddNode<StateRecord<K, S, U>> for MapWithState<K, V, S, U, F>
where
    K: Data + Hash + Eq,
    V: Data,
    S: Data,
    U: Data,
    F: Fn(Timestamp, &K, Option<V>, &mut State<'_, S>) -> Result<Option<U>, StateError> + Send + Sync + 'static,
{
    fn compute(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, StateRecord<K, S, U>>) -> ControlFlow<Stop> {
        let mut before = None;
        self.previous.for_each_chunk(part, ctx, &mut |chunk| {
            before = chunk.as_slice().first().map(|record| record.state.clone());
            ControlFlow::Continue(())
        })?;
        let before = before.unwrap_or_else(|| StateMap::of([], self.step.timeouts));
        let mut changes = Changes::over(&before, self.step.at);
        let mut mapped = Vec::new();
        self.data.for_each_chunk(part, ctx, &mut |chunk: Chunk<'_, (K, V)>| {
            chunk.try_for_each(|(key, value)| match changes.record(key, value, &*self.step.function) {
                Ok(returned) => {
                    mapped.extend(returned);
                    ControlFlow::Continue(())
                }
                Err(error) => ControlFlow::Break(failed(error)),
            })
        })?;
        if let Some(threshold) = self.step.threshold
            && let Err(error) = changes.time_out(threshold, &*self.step.function, &mut mapped)
        {
            return ControlFlow::Break(failed(error));
        }
        sink(Chunk::Owned(&mut vec![StateRecord { state: changes.finish(), mapped }]))
    }
}

/// The state after a batch.
pub(super) fn map_with_state<K, V, S, U, F>(
    previous: &Rdd<StateRecord<K, S, U>>,
    data: &Rdd<(K, V)>,
    partitioner: &Partitioner<K>,
    step: Step<F>,
) -> Rdd<StateRecord<K, S, U>>
where
    K: Data + Hash + Eq,
    V: Data,
    S: Data,
    U: Data,
    F: Fn(Timestamp, &K, Option<V>, &mut State<'_, S>) -> Result<Option<U>, StateError> + Send + Sync + 'static,
{
    let determinism = previous.info().determinism.max(data.info().determinism);
    let core = data.context().new_core(
        "MapWithStateRDD",
        partitioner.partitions(),
        Some(partitioner.info()),
        determinism,
        vec![Dependency::one_to_one(previous.erased()), Dependency::one_to_one(data.erased())],
    );
    Rdd::new(core, MapWithState { previous: previous.clone(), data: data.clone(), step })
}
