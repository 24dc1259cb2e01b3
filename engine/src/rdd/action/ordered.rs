//! Actions that order records: the first or last few, the smallest, the largest.

use crate::error::Result;
use crate::rdd::Rdd;
use crate::storage::{Data, estimate_encoded_bytes};
use std::cmp::Ordering;
use std::panic::Location;

/// Fewest records between two sorts of what is kept.
const SORT_EVERY: usize = 1024;

/// Leaves the first `num` in order; of equal records those that came first.
fn keep_first<T>(kept: &mut Vec<T>, num: usize, compare: &impl Fn(&T, &T) -> Ordering) {
    kept.sort_by(compare);
    kept.truncate(num);
}

impl<T: Data> Rdd<T> {
    /// The first `num` records in the order of `compare`, in that order. A partition keeps about twice as
    /// many at a time.
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn take_ordered_by(
        &self,
        num: usize,
        compare: impl Fn(&T, &T) -> Ordering + Send + Sync + Clone + 'static,
    ) -> Result<Vec<T>> {
        self.first_by("takeOrdered", Location::caller(), num, compare)
    }

    fn first_by(
        &self,
        action: &str,
        at: &Location<'_>,
        num: usize,
        compare: impl Fn(&T, &T) -> Ordering + Send + Sync + Clone + 'static,
    ) -> Result<Vec<T>> {
        if num == 0 || self.num_partitions() == 0 {
            return Ok(Vec::new());
        }
        let within = compare.clone();
        let parts = self.run_job(action, at, self.all_partitions(), move |rdd, part, ctx| {
            let mut kept = Vec::new();
            rdd.fold_partition(part, ctx, |chunk| {
                chunk.append_to(&mut kept);
                if kept.len() / 2 >= num.max(SORT_EVERY) {
                    keep_first(&mut kept, num, &within);
                }
            })?;
            keep_first(&mut kept, num, &within);
            ctx.count_result(estimate_encoded_bytes(&kept));
            Ok(kept)
        })?;
        let mut all = parts.into_iter().flatten().collect();
        keep_first(&mut all, num, &compare);
        Ok(all)
    }
}

impl<T: Data + Ord> Rdd<T> {
    /// The `num` smallest records, the smallest first.
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn take_ordered(&self, num: usize) -> Result<Vec<T>> {
        self.first_by("takeOrdered", Location::caller(), num, T::cmp)
    }

    /// The `num` largest records, the largest first.
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn top(&self, num: usize) -> Result<Vec<T>> {
        self.first_by("top", Location::caller(), num, |a, b| b.cmp(a))
    }

    /// The largest record.
    ///
    /// # Errors
    /// When the job fails, or there is no record (`empty collection`).
    #[track_caller]
    pub fn max(&self) -> Result<T> {
        self.reduce_as("max", Location::caller(), T::max)
    }

    /// The smallest record.
    ///
    /// # Errors
    /// When the job fails, or there is no record (`empty collection`).
    #[track_caller]
    pub fn min(&self) -> Result<T> {
        self.reduce_as("min", Location::caller(), T::min)
    }
}
