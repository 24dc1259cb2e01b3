//! What the thread of a running task knows of it: that it is one, and what its accumulators gathered.

use super::accumulator::{AccumulatorUpdate, AnyAccumulator};
use crate::error::{EngineError, Result};
use crate::ids::AccumulatorId;
use std::any::Any;
use std::cell::RefCell;
use std::sync::Arc;

/// What an accumulator gathered in this task.
type Partial = (Arc<dyn AnyAccumulator>, Box<dyn Any + Send>);

crate::sync::thread_local! {
    /// `None` outside of tasks.
    static TASK: RefCell<Option<Vec<Partial>>> = const { RefCell::new(None) };
}

/// Runs the body of a task, which must not panic. Returns also what its accumulators gathered.
pub(crate) fn run_in_task<R>(body: impl FnOnce() -> R) -> (R, Vec<AccumulatorUpdate>) {
    // The thread that calls an action may itself be the one that runs its tasks.
    let before = TASK.replace(Some(Vec::new()));
    let result = body();
    let partials = TASK.replace(before).unwrap_or_default();
    (result, partials.into_iter().map(|(of, partial)| AccumulatorUpdate::new(of, partial)).collect())
}

pub(super) fn is_task() -> bool {
    TASK.with_borrow(Option::is_some)
}

/// Takes what an accumulator has gathered so far, to add to it and give it back: what is added may use
/// other accumulators.
pub(super) fn take_partial(id: AccumulatorId) -> Option<Box<dyn Any + Send>> {
    TASK.with_borrow_mut(|task| {
        let partials = task.as_mut()?;
        let at = partials.iter().position(|(of, _)| of.id() == id)?;
        Some(partials.swap_remove(at).1)
    })
}

pub(super) fn give_partial(of: Arc<dyn AnyAccumulator>, partial: Box<dyn Any + Send>) {
    TASK.with_borrow_mut(|task| task.as_mut().map(|partials| partials.push((of, partial))));
}

/// SPARK-5063 (R1.10).
const IN_A_TASK: &str = "This RDD lacks a SparkContext. It could happen in the following cases: \n(1) RDD transformations and actions are NOT invoked by the driver, but inside of other transformations; for example, rdd1.map(x => rdd2.values.count() * x) is invalid because the values transformation and count action cannot be performed inside of the rdd1.map transformation. For more information, see SPARK-5063.\n(2) When a Spark Streaming job recovers from checkpoint, this exception will be hit if a reference to an RDD not defined by the streaming job is used in DStream operations. For more information, See SPARK-13758.";

/// Refuses what only the driver program may do: a task that waited for a job could wait for its own slot.
pub(super) fn refuse_in_task() -> Result<()> {
    if is_task() { Err(EngineError::IllegalState(IN_A_TASK.into())) } else { Ok(()) }
}
