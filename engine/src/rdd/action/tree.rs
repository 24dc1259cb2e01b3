//! Aggregation in several levels, so that the program does not merge the results of all partitions.

use super::empty_collection;
use crate::error::{EngineError, Result};
use crate::ids::PartitionId;
use crate::rdd::{PreservesPartitioning, Rdd, TaskError};
use crate::storage::Data;
use std::panic::Location;

fn add<T>(f: &impl Fn(T, T) -> T, sum: &mut Option<T>, value: T) {
    *sum = Some(match sum.take() {
        Some(sum) => f(sum, value),
        None => value,
    });
}

impl<T: Data> Rdd<T> {
    /// As [`Rdd::aggregate`]; while there are too many partial results for one level, a shuffle merges them
    /// into fewer, so that there are about `depth` levels. Spark's usual depth is 2.
    ///
    /// # Errors
    /// When a job fails, or `depth` is 0.
    #[track_caller]
    pub fn tree_aggregate<U: Data>(
        &self,
        zero: U,
        f: impl Fn(&mut U, T) + Send + Sync + 'static,
        merge: impl Fn(&mut U, U) + Send + Sync + Clone + 'static,
        depth: u32,
    ) -> Result<U> {
        self.aggregate_tree("treeAggregate", Location::caller(), (zero, f), merge, depth)
    }

    /// As [`Rdd::reduce`], in about `depth` levels.
    ///
    /// # Errors
    /// When a job fails, `depth` is 0, or there is no record (`empty collection`).
    #[track_caller]
    pub fn tree_reduce(&self, f: impl Fn(T, T) -> T + Send + Sync + Clone + 'static, depth: u32) -> Result<T> {
        let within = f.clone();
        let seq = move |sum: &mut Option<T>, value| add(&within, sum, value);
        let merge = move |sum: &mut Option<T>, part: Option<T>| part.into_iter().for_each(|p| add(&f, sum, p));
        self.aggregate_tree("treeReduce", Location::caller(), (None, seq), merge, depth)?.ok_or_else(empty_collection)
    }

    fn aggregate_tree<U: Data>(
        &self,
        action: &str,
        at: &Location<'_>,
        (zero, f): (U, impl Fn(&mut U, T) + Send + Sync + 'static),
        merge: impl Fn(&mut U, U) + Send + Sync + Clone + 'static,
        depth: u32,
    ) -> Result<U> {
        if depth == 0 {
            let text = "requirement failed: Depth must be greater than or equal to 1 but got 0.";
            return Err(EngineError::IllegalArgument(text.into()));
        }
        let scope = self.context().open(action, at);
        if self.num_partitions() == 0 {
            return Ok(zero);
        }
        let start = zero.clone();
        let mut parts = self.map_partitions_with_context(PreservesPartitioning::No, move |_, _, values| {
            let mut sum = start.clone();
            values.for_each(|value| f(&mut sum, value));
            Ok::<_, TaskError>([sum])
        });
        let mut left = self.num_partitions();
        let scale = (f64::from(left).powf(1.0 / f64::from(depth)).ceil() as u32).max(2);
        // A level more must save more than it costs.
        while left > scale + left.div_ceil(scale) {
            left /= scale;
            let merge = merge.clone();
            let join = move |mut sum: U, part| {
                merge(&mut sum, part);
                sum
            };
            let slots = left;
            let keyed = parts.map_partitions_with_index(move |PartitionId(part), sums| {
                sums.map(move |sum| (part % slots, sum)).collect::<Vec<_>>()
            });
            parts = keyed.fold_by_key_in(left, zero.clone(), join).values();
        }
        drop(scope);
        let join = move |mut sum: U, part| {
            merge(&mut sum, part);
            sum
        };
        parts.fold_as(action, at, zero, join)
    }
}
