//! Numbers in steps: `range`.

use super::Rdd;
use super::context::SparkContext;
use crate::error::{EngineError, Result};
use crate::ids::PartitionId;
use std::panic::Location;

/// How many steps lead from `start` to before `end`.
fn count(start: i64, end: i64, step: i64) -> i128 {
    let (distance, step) = (i128::from(end) - i128::from(start), i128::from(step));
    if distance.signum() == step.signum() { (distance + step - step.signum()) / step } else { 0 }
}

impl SparkContext {
    /// The numbers from `start`, in steps, to before `end`, in `partitions` slices. They are made when they
    /// are computed.
    ///
    /// # Errors
    /// When the step is 0.
    #[track_caller]
    pub fn range(&self, start: i64, end: i64, step: i64, partitions: u32) -> Result<Rdd<i64>> {
        if step == 0 {
            return Err(EngineError::IllegalArgument("requirement failed: step cannot be 0".into()));
        }
        let _scope = self.open("range", Location::caller());
        let total = count(start, end, step);
        let slices = self.parallelize((0..partitions).collect::<Vec<u32>>(), partitions);
        Ok(slices.map_partitions_with_index(move |PartitionId(part), _| {
            let bound = |slice: u32| i128::from(slice) * total / i128::from(partitions);
            let number = move |i: i128| i128::from(start) + i * i128::from(step);
            // Every number lies between start and end, so it fits.
            (bound(part)..bound(part + 1)).filter_map(move |i| i64::try_from(number(i)).ok())
        }))
    }
}
