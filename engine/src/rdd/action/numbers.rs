//! Actions on numbers: Spark's `DoubleRDDFunctions`.

use super::StatCounter;
use crate::error::{EngineError, Result};
use crate::rdd::Rdd;
use crate::storage::Data;
use std::panic::Location;

/// A record that is a number. Integers of more than 53 bits are rounded.
pub trait Number: Data + Copy {
    /// The number.
    fn to_f64(self) -> f64;
}

macro_rules! numbers {
    ($($type:ty)*) => {$(
        impl Number for $type {
            fn to_f64(self) -> f64 {
                self as f64
            }
        }
    )*};
}

numbers!(i8 i16 i32 i64 u8 u16 u32 u64 f32 f64);

impl<T: Number> Rdd<T> {
    fn stats_as(&self, action: &str, at: &Location<'_>) -> Result<StatCounter> {
        let parts = self.run_job(action, at, self.all_partitions(), |rdd, part, ctx| {
            let mut stats = StatCounter::default();
            rdd.fold_partition(part, ctx, |chunk| chunk.as_slice().iter().for_each(|v| stats.add(v.to_f64())))?;
            Ok(stats)
        })?;
        let merge = |mut a: StatCounter, b: StatCounter| {
            a.merge(&b);
            a
        };
        parts.into_iter().reduce(merge).ok_or_else(super::empty_collection)
    }

    /// The sum of all records: 0 of none.
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn sum(&self) -> Result<f64> {
        let parts = self.run_job("sum", Location::caller(), self.all_partitions(), |rdd, part, ctx| {
            let mut sum = 0.0;
            rdd.fold_partition(part, ctx, |chunk| chunk.as_slice().iter().for_each(|v| sum += v.to_f64()))?;
            Ok(sum)
        })?;
        // Not `sum`, which begins with a negative zero.
        Ok(parts.into_iter().fold(0.0, |a, b| a + b))
    }

    /// Count, mean, variance, smallest and largest in one pass.
    ///
    /// # Errors
    /// When the job fails, or there is no partition (`empty collection`).
    #[track_caller]
    pub fn stats(&self) -> Result<StatCounter> {
        self.stats_as("stats", Location::caller())
    }

    /// The mean; 0 of partitions without records.
    ///
    /// # Errors
    /// As [`Rdd::stats`].
    #[track_caller]
    pub fn mean(&self) -> Result<f64> {
        Ok(self.stats_as("mean", Location::caller())?.mean())
    }

    /// The variance of the records.
    ///
    /// # Errors
    /// As [`Rdd::stats`].
    #[track_caller]
    pub fn variance(&self) -> Result<f64> {
        Ok(self.stats_as("variance", Location::caller())?.variance())
    }

    /// The variance of what the records are a sample of.
    ///
    /// # Errors
    /// As [`Rdd::stats`].
    #[track_caller]
    pub fn sample_variance(&self) -> Result<f64> {
        Ok(self.stats_as("sampleVariance", Location::caller())?.sample_variance())
    }

    /// The standard deviation of the records.
    ///
    /// # Errors
    /// As [`Rdd::stats`].
    #[track_caller]
    pub fn stdev(&self) -> Result<f64> {
        Ok(self.stats_as("stdev", Location::caller())?.stdev())
    }

    /// The standard deviation of what the records are a sample of.
    ///
    /// # Errors
    /// As [`Rdd::stats`].
    #[track_caller]
    pub fn sample_stdev(&self) -> Result<f64> {
        Ok(self.stats_as("sampleStdev", Location::caller())?.sample_stdev())
    }

    /// The bounds of `buckets` buckets of equal width from the smallest record to the largest, and how many
    /// records lie in each. When all records are equal there is one bucket. Runs a job that finds the
    /// bounds, and one that counts.
    ///
    /// # Errors
    /// When a job fails, there is no record, or one is infinite or not a number.
    #[track_caller]
    pub fn histogram(&self, buckets: usize) -> Result<(Vec<f64>, Vec<u64>)> {
        let at = Location::caller();
        let stats = self.stats_as("histogram", at)?;
        let (min, max) = (stats.min(), stats.max());
        if !min.is_finite() || !max.is_finite() || stats.mean().is_nan() {
            let text = "Histogram on either an empty RDD or RDD containing +/-infinity or NaN";
            return Err(EngineError::IllegalArgument(text.into()));
        }
        if buckets == 0 {
            return too_few_bounds();
        }
        let bounds = if min == max {
            vec![min, max]
        } else {
            let bound = |i: usize| min + i as f64 * (max - min) / buckets as f64;
            (0..buckets).map(bound).chain([max]).collect()
        };
        let count = bounds.len() - 1;
        let counts = self.count_in_buckets(at, count, move |v| {
            // Of equal bounds the quotient is not a number, which becomes bucket 0.
            let at = ((v - min) / (max - min) * count as f64) as usize;
            (min..=max).contains(&v).then(|| at.min(count - 1))
        })?;
        Ok((bounds, counts))
    }

    /// How many records lie between each two neighbours of `bounds`, which rise. A bucket has its lower
    /// bound but not its upper one, except the last, which has both; what lies outside is not counted. With
    /// the bounds 1, 10, 20 the records 1, 10 and 20 make the counts 1 and 2.
    ///
    /// # Errors
    /// When the job fails, or there are fewer than two bounds.
    #[track_caller]
    pub fn histogram_in(&self, bounds: &[f64]) -> Result<Vec<u64>> {
        if bounds.len() < 2 {
            return too_few_bounds();
        }
        let bounds = bounds.to_vec();
        let last = bounds.len() - 1;
        self.count_in_buckets(Location::caller(), last, move |v| {
            let below = bounds.partition_point(|bound| *bound <= v);
            match below {
                0 => None,
                _ if below <= last => Some(below - 1),
                _ => (v == bounds[last]).then_some(last - 1),
            }
        })
    }

    fn count_in_buckets(
        &self,
        at: &Location<'_>,
        buckets: usize,
        bucket_of: impl Fn(f64) -> Option<usize> + Send + Sync + 'static,
    ) -> Result<Vec<u64>> {
        let parts = self.run_job("histogram", at, self.all_partitions(), move |rdd, part, ctx| {
            let mut counts = vec![0u64; buckets];
            rdd.fold_partition(part, ctx, |chunk| {
                let found = chunk.as_slice().iter().filter_map(|v| bucket_of(v.to_f64()));
                found.for_each(|bucket| counts[bucket] += 1);
            })?;
            Ok(counts)
        })?;
        let mut all = vec![0; buckets];
        parts.iter().for_each(|part| all.iter_mut().zip(part).for_each(|(sum, n)| *sum += n));
        Ok(all)
    }
}

fn too_few_bounds<T>() -> Result<T> {
    Err(EngineError::IllegalArgument("buckets array must have at least two elements".into()))
}
