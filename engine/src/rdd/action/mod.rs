//! Actions: they submit jobs, wait, and write marked checkpoints before they return (R9.3).

mod keyed;
mod local;
mod numbers;
mod ordered;
mod save;
mod save_to;
mod stat_counter;
mod tree;

pub use local::LocalIterator;
pub use numbers::Number;
pub use stat_counter::StatCounter;

use super::context::{JobSpec, Notice, TaskOutput, callsite, job_local};
use super::node::{AnyRdd, CheckpointKind, CheckpointState};
use super::{Chunk, Rdd, Stop, TaskError, do_checkpoint, for_each_ancestor};
use crate::error::{EngineError, Result};
use crate::event::JobOrigin;
use crate::ids::*;
use crate::storage::{Data, estimate_encoded_bytes};
use crate::task_context::TaskContext;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::ops::ControlFlow;
use std::panic::Location;
use std::sync::Arc;

/// SHA-256 over the sorted postcard encodings of `records`, in hex: equal for equal multisets.
pub(crate) fn digest<T: Serialize>(records: &[T]) -> String {
    let mut encodings: Vec<Vec<u8>> = records.iter().filter_map(|r| postcard::to_stdvec(r).ok()).collect();
    encodings.sort_unstable();
    let mut hasher = Sha256::new();
    for encoding in encodings {
        hasher.update((encoding.len() as u64).to_le_bytes());
        hasher.update(&encoding);
    }
    hasher.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

fn empty_collection() -> EngineError {
    EngineError::IllegalState("empty collection".into())
}

pub(super) fn unexpected_output() -> EngineError {
    EngineError::JobFailed("a task returned a result of another type".into())
}

pub(super) fn origin(callsite: String, checkpoint_of: Option<RddId>) -> JobOrigin {
    let local = job_local();
    JobOrigin {
        callsite,
        batch: local.batch,
        batch_time_ms: local.batch_time.map(Timestamp::as_millis),
        output_op: local.output_op,
        checkpoint_of,
        pool: local.pool,
    }
}

impl<T: Data> Rdd<T> {
    /// Runs `f` on the given partitions; then writes what is marked for checkpointing.
    pub(super) fn run_job<U: Send + 'static>(
        &self,
        action: &str,
        at: &Location<'_>,
        partitions: Vec<PartitionId>,
        f: impl Fn(&Self, PartitionId, &TaskContext) -> std::result::Result<U, TaskError> + Send + Sync + 'static,
    ) -> Result<Vec<U>> {
        super::in_task::refuse_in_task()?;
        let total = self.num_partitions();
        if let Some(bad) = partitions.iter().find(|p| p.0 >= total) {
            return Err(EngineError::IllegalArgument(format!(
                "Attempting to access a non-existent partition: {bad}. Total number of partitions: {total}"
            )));
        }
        apply_overrides(&self.erased());
        let this = self.clone();
        let spec = JobSpec {
            rdd: self.erased(),
            partitions,
            func: Arc::new(move |part, ctx| {
                let value = f(&this, part, ctx)?;
                ctx.count_result(size_of::<U>() as u64);
                Ok(Box::new(value) as TaskOutput)
            }),
            origin: origin(callsite(action, at), None),
        };
        let outputs = do_checkpoint::run_job(spec, action, at)?;
        outputs.into_iter().map(|o| o.downcast::<U>().map(|u| *u).map_err(|_| unexpected_output())).collect()
    }

    pub(super) fn all_partitions(&self) -> Vec<PartitionId> {
        (0..self.num_partitions()).map(PartitionId).collect()
    }

    /// Runs `f` on the records of each wanted partition.
    ///
    /// # Errors
    /// When a partition does not exist, or the job fails.
    #[track_caller]
    pub fn run_on<U: Send + 'static>(
        &self,
        partitions: &[u32],
        f: impl Fn(Vec<T>) -> U + Send + Sync + 'static,
    ) -> Result<Vec<U>> {
        let partitions = partitions.iter().map(|&p| PartitionId(p)).collect();
        self.run_job("runJob", Location::caller(), partitions, move |rdd, part, ctx| {
            Ok(f(rdd.collect_partition(part, ctx)?))
        })
    }

    /// All records, in partition order.
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn collect(&self) -> Result<Vec<T>> {
        let parts = self.run_job("collect", Location::caller(), self.all_partitions(), Self::return_partition)?;
        Ok(parts.into_iter().flatten().collect())
    }

    /// How many records.
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn count(&self) -> Result<u64> {
        let parts = self.run_job("count", Location::caller(), self.all_partitions(), Self::count_partition)?;
        Ok(parts.into_iter().sum())
    }

    /// All records of a partition, on their way to the driver (R4.4).
    pub(super) fn return_partition(
        &self,
        part: PartitionId,
        ctx: &TaskContext,
    ) -> std::result::Result<Vec<T>, TaskError> {
        let records = self.collect_partition(part, ctx)?;
        ctx.count_result(estimate_encoded_bytes(&records));
        Ok(records)
    }

    pub(super) fn count_partition(&self, part: PartitionId, ctx: &TaskContext) -> std::result::Result<u64, TaskError> {
        let mut count = 0;
        self.fold_partition(part, ctx, |chunk| count += chunk.len() as u64)?;
        Ok(count)
    }

    fn fold_partition(
        &self,
        part: PartitionId,
        ctx: &TaskContext,
        mut f: impl FnMut(Chunk<'_, T>),
    ) -> std::result::Result<(), TaskError> {
        match self.for_each_chunk(part, ctx, &mut |chunk| {
            f(chunk);
            ControlFlow::Continue(())
        }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(stop) => Err(stop.into()),
        }
    }

    /// All records merged with `f`: within partitions, then in partition order.
    ///
    /// # Errors
    /// When the job fails, or there is no record (`empty collection`).
    #[track_caller]
    pub fn reduce(&self, f: impl Fn(T, T) -> T + Send + Sync + Clone + 'static) -> Result<T> {
        self.reduce_as("reduce", Location::caller(), f)
    }

    fn reduce_as(
        &self,
        action: &str,
        at: &Location<'_>,
        f: impl Fn(T, T) -> T + Send + Sync + Clone + 'static,
    ) -> Result<T> {
        let merge = f.clone();
        let parts = self.run_job(action, at, self.all_partitions(), move |rdd, part, ctx| {
            let mut sum: Option<T> = None;
            rdd.fold_partition(part, ctx, |chunk| {
                chunk.for_each(|v| {
                    sum = Some(match sum.take() {
                        Some(s) => f(s, v),
                        None => v,
                    });
                });
            })?;
            Ok(sum)
        })?;
        parts.into_iter().flatten().reduce(merge).ok_or_else(empty_collection)
    }

    /// All records merged with `f`, beginning with `zero` in each partition and once more between them.
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn fold(&self, zero: T, f: impl Fn(T, T) -> T + Send + Sync + Clone + 'static) -> Result<T> {
        self.fold_as("fold", Location::caller(), zero, f)
    }

    fn fold_as(
        &self,
        action: &str,
        at: &Location<'_>,
        zero: T,
        f: impl Fn(T, T) -> T + Send + Sync + Clone + 'static,
    ) -> Result<T> {
        let (start, merge) = (zero.clone(), f.clone());
        let parts = self.run_job(action, at, self.all_partitions(), move |rdd, part, ctx| {
            let mut sum = Some(start.clone());
            rdd.fold_partition(part, ctx, |chunk| {
                chunk.for_each(|v| sum = sum.take().map(|s| f(s, v)));
            })?;
            Ok(sum)
        })?;
        Ok(parts.into_iter().flatten().fold(zero, merge))
    }

    /// All records folded into one value: `zero` and `f` within partitions, `merge` in partition order.
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn aggregate<U: Clone + Send + Sync + 'static>(
        &self,
        zero: U,
        f: impl Fn(&mut U, T) + Send + Sync + 'static,
        merge: impl Fn(&mut U, U),
    ) -> Result<U> {
        let start = zero.clone();
        let parts = self.run_job("aggregate", Location::caller(), self.all_partitions(), move |rdd, part, ctx| {
            let mut sum = start.clone();
            rdd.fold_partition(part, ctx, |chunk| chunk.for_each(|v| f(&mut sum, v)))?;
            Ok(sum)
        })?;
        let mut sum = zero;
        parts.into_iter().for_each(|part| merge(&mut sum, part));
        Ok(sum)
    }

    /// The first `n` records: one partition first, then ever more (R2.15).
    ///
    /// # Errors
    /// When a job fails.
    #[track_caller]
    pub fn take(&self, n: usize) -> Result<Vec<T>> {
        self.take_as("take", Location::caller(), n)
    }

    fn take_as(&self, action: &str, at: &Location<'_>, n: usize) -> Result<Vec<T>> {
        let total = self.num_partitions();
        let config = self.context().config();
        let (first, factor) = (config.limit_initial_partitions, config.limit_scale_up_factor);
        let mut taken: Vec<T> = Vec::new();
        let mut scanned = 0u32;
        while taken.len() < n && scanned < total {
            let tries = partitions_to_try(scanned, taken.len(), n, (first, factor)).min(total - scanned);
            let left = n - taken.len();
            let partitions = (scanned..scanned + tries).map(PartitionId).collect();
            let parts =
                self.run_job(action, at, partitions, move |rdd, part, ctx| rdd.take_partition(part, ctx, left))?;
            for part in parts {
                let left = n - taken.len();
                taken.extend(part.into_iter().take(left));
            }
            scanned += tries;
        }
        Ok(taken)
    }

    fn take_partition(&self, part: PartitionId, ctx: &TaskContext, n: usize) -> std::result::Result<Vec<T>, TaskError> {
        let mut values = Vec::new();
        let flow = self.for_each_chunk(part, ctx, &mut |chunk| {
            let left = n - values.len();
            values.extend(chunk.as_slice().iter().take(left).cloned());
            if values.len() < n { ControlFlow::Continue(()) } else { ControlFlow::Break(Stop::Enough) }
        });
        match flow {
            ControlFlow::Continue(()) | ControlFlow::Break(Stop::Enough) => {
                ctx.count_result(estimate_encoded_bytes(&values));
                Ok(values)
            }
            ControlFlow::Break(stop) => Err(stop.into()),
        }
    }

    /// The first record.
    ///
    /// # Errors
    /// When a job fails, or there is no record (`empty collection`).
    #[track_caller]
    pub fn first(&self) -> Result<T> {
        self.take_as("first", Location::caller(), 1)?.pop().ok_or_else(empty_collection)
    }

    /// Whether there is no record. Partitions are looked at until one has a record.
    ///
    /// # Errors
    /// When a job fails.
    #[track_caller]
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.take_as("isEmpty", Location::caller(), 1)?.is_empty())
    }

    /// Calls `f` with every record, on the executors.
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn foreach(&self, f: impl Fn(T) + Send + Sync + 'static) -> Result<()> {
        self.run_job("foreach", Location::caller(), self.all_partitions(), move |rdd, part, ctx| {
            rdd.fold_partition(part, ctx, |chunk| chunk.for_each(&f))
        })?;
        Ok(())
    }

    /// Calls `f` with the records of each partition, on the executors.
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn foreach_partition(&self, f: impl Fn(std::vec::IntoIter<T>) + Send + Sync + 'static) -> Result<()> {
        let at = Location::caller();
        self.run_job("foreachPartition", at, self.all_partitions(), move |rdd, part, ctx| {
            f(rdd.collect_partition(part, ctx)?.into_iter());
            Ok(())
        })?;
        Ok(())
    }
}

/// How many partitions `take` looks at next, of any number that are left: `first`, then `factor` times as
/// many as before, but no more than half again as many as should be enough (R2.15).
fn partitions_to_try(scanned: u32, taken: usize, wanted: usize, (first, factor): (u32, u32)) -> u32 {
    let most = scanned.saturating_mul(factor.max(2));
    match (scanned, taken) {
        (0, _) => first.max(1),
        (_, 0) => most,
        _ => {
            let per_record = f64::from(scanned) / taken as f64;
            let enough = (1.5 * (wanted - taken) as f64 * per_record).ceil();
            // A float beyond the integers becomes the largest one.
            (enough as u32).clamp(1, most)
        }
    }
}

/// Levels and checkpoints of the user's choice for the result of an operator: the RDD of the operator
/// that no other RDD of it reads. Streams apply theirs in the template.
fn apply_overrides(last: &Arc<dyn AnyRdd>) {
    let config = last.core().context().config();
    if config.persist.is_empty() && config.checkpoint.is_empty() {
        return;
    }
    let mut inner = std::collections::BTreeSet::new();
    let mut all = Vec::new();
    for_each_ancestor(Arc::clone(last), |rdd| {
        let op = rdd.core().op();
        let parents = rdd.core().dependencies();
        inner.extend(
            parents.iter().map(|d| d.parent()).filter(|p| p.core().op().operator == op.operator).map(|p| p.core().id()),
        );
        if op.batch.is_none() {
            all.push(Arc::clone(rdd));
        }
    });
    for rdd in all.into_iter().filter(|rdd| !inner.contains(&rdd.core().id())) {
        let core = rdd.core();
        let operator = core.op().operator;
        if let Some(&level) = config.persist.get(&operator)
            && core.enter_override()
            && core.level() != level
        {
            core.edit(|info| info.level = level);
            core.context().tell(Notice::Persisted(core.id(), level));
        }
        let wanted = config.checkpoint.get(&operator).is_some_and(|every| *every > 0);
        if wanted && core.checkpoint_state() == CheckpointState::None && core.context().checkpoint_dir().is_some() {
            core.set_checkpoint_state(CheckpointState::Marked(CheckpointKind::Reliable));
            core.context().tell(Notice::Marked(core.id(), CheckpointKind::Reliable));
        }
    }
}

/// How many RDDs `rdd` reaches, itself included; for tests of the lineage's growth.
impl<T: Data> Rdd<T> {
    /// Number of RDDs in its lineage as of now.
    pub fn lineage_len(&self) -> usize {
        let mut count = 0;
        for_each_ancestor(self.erased(), |_| count += 1);
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without it `take` would compute, and keep, more partitions than Spark does, or look at one after
    /// another.
    #[test]
    fn take_looks_at_as_many_partitions_as_spark() {
        let check = |scanned, taken, expect| assert_eq!(partitions_to_try(scanned, taken, 10, (1, 4)), expect);
        check(0, 0, 1);
        check(1, 0, 4);
        check(5, 0, 20);
        check(1, 1, 4);
        check(1, 5, 2);
        check(5, 9, 1);
        check(u32::MAX / 2, 0, u32::MAX);
        assert_eq!(partitions_to_try(3, 0, 10, (1, 1)), 6);
    }
}
