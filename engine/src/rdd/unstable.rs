//! Computations that differ from attempt to attempt, for lessons about what that costs (R1.8, R3.11).

use super::{PreservesPartitioning, Rdd, TaskError};
use crate::event::Determinism;
use crate::ids::PartitionId;
use crate::rng::Rng;
use crate::storage::Data;
use std::panic::Location;

impl<T: Data> Rdd<T> {
    /// A whole partition through `f` with random numbers that no other attempt gets. The RDD and what is
    /// made of it are INDETERMINATE: when a shuffle over it loses an output, all of it runs again. Random
    /// numbers that a retry repeats are those of [`crate::task_context::TaskContext::rng`].
    #[track_caller]
    pub fn map_partitions_unstable<U: Data, I: IntoIterator<Item = U>>(
        &self,
        f: impl Fn(PartitionId, Rng, std::vec::IntoIter<T>) -> I + Send + Sync + 'static,
    ) -> Rdd<U> {
        let _scope = self.context().open("mapPartitions", Location::caller());
        let rdd = self.map_partitions_with_context(PreservesPartitioning::No, move |part, ctx, values| {
            Ok::<_, TaskError>(f(part, ctx.unstable_rng(), values))
        });
        rdd.core().declare_determinism(Determinism::Indeterminate);
        rdd
    }
}
