//! Spark's `StatCounter`: moments of numbers, mergeable and numerically stable.

use std::fmt;

/// Count, mean, variance, smallest and largest of a set of numbers.
///
/// Values and counters are merged by the method of Welford, and Chan, Golub and LeVeque (1979): the mean
/// moves by a part of the difference, and no squares of large numbers are subtracted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StatCounter {
    count: u64,
    mean: f64,
    /// Sum of the squares of the differences from the mean.
    squares: f64,
    max: f64,
    min: f64,
}

impl Default for StatCounter {
    fn default() -> Self {
        Self { count: 0, mean: 0.0, squares: 0.0, max: f64::NEG_INFINITY, min: f64::INFINITY }
    }
}

impl StatCounter {
    /// Adds one number.
    pub fn add(&mut self, value: f64) {
        let delta = value - self.mean;
        self.count += 1;
        self.mean += delta / self.count as f64;
        self.squares += delta * (value - self.mean);
        self.max = larger(self.max, value);
        self.min = smaller(self.min, value);
    }

    /// Adds the numbers of another counter.
    pub fn merge(&mut self, other: &Self) {
        if self.count == 0 {
            *self = *other;
            return;
        }
        if other.count == 0 {
            return;
        }
        let (here, there) = (self.count as f64, other.count as f64);
        let delta = other.mean - self.mean;
        // A small part moves the mean of the large one, so that nothing is lost to rounding.
        self.mean = if there * 10.0 < here {
            self.mean + delta * there / (here + there)
        } else if here * 10.0 < there {
            other.mean - delta * here / (here + there)
        } else {
            (self.mean * here + other.mean * there) / (here + there)
        };
        self.squares += other.squares + delta * delta * here * there / (here + there);
        self.count += other.count;
        self.max = larger(self.max, other.max);
        self.min = smaller(self.min, other.min);
    }

    /// How many numbers.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Their mean; 0 of none.
    pub const fn mean(&self) -> f64 {
        self.mean
    }

    /// Their sum.
    pub fn sum(&self) -> f64 {
        self.count as f64 * self.mean
    }

    /// The largest; negative infinity of none.
    pub const fn max(&self) -> f64 {
        self.max
    }

    /// The smallest; infinity of none.
    pub const fn min(&self) -> f64 {
        self.min
    }

    /// The variance of the numbers, divided by their count; not a number of none.
    pub fn variance(&self) -> f64 {
        if self.count == 0 { f64::NAN } else { self.squares / self.count as f64 }
    }

    /// The variance of what they are a sample of, divided by their count less one; not a number of fewer
    /// than two.
    pub fn sample_variance(&self) -> f64 {
        if self.count < 2 { f64::NAN } else { self.squares / (self.count - 1) as f64 }
    }

    /// The root of [`StatCounter::variance`].
    pub fn stdev(&self) -> f64 {
        self.variance().sqrt()
    }

    /// The root of [`StatCounter::sample_variance`].
    pub fn sample_stdev(&self) -> f64 {
        self.sample_variance().sqrt()
    }
}

/// As Java's `Math.max`: one that is not a number makes the result so.
fn larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

/// As Java's `Math.min`.
fn smaller(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) }
}

impl fmt::Display for StatCounter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mean, stdev) = (self.mean, self.stdev());
        let (max, min) = (self.max, self.min);
        write!(f, "(count: {}, mean: {mean:.6}, stdev: {stdev:.6}, max: {max:.6}, min: {min:.6})", self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counter(values: &[f64]) -> StatCounter {
        let mut counter = StatCounter::default();
        values.iter().for_each(|v| counter.add(*v));
        counter
    }

    proptest! {
        /// Without it the moments would depend on how the numbers lie in partitions.
        #[test]
        fn parts_merge_to_the_whole(values in prop::collection::vec(-1e6..1e6f64, 1..60), cut in 0..60usize) {
            let (left, right) = values.split_at(cut.min(values.len()));
            let mut merged = counter(left);
            merged.merge(&counter(right));
            let whole = counter(&values);
            let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0);
            prop_assert_eq!(merged.count(), whole.count());
            prop_assert_eq!((merged.max(), merged.min()), (whole.max(), whole.min()));
            prop_assert!(close(merged.mean(), whole.mean()), "{merged} {whole}");
            prop_assert!(close(merged.variance(), whole.variance()), "{merged} {whole}");
        }
    }

    /// Without it a mean of large numbers would swallow their differences.
    #[test]
    fn large_numbers_keep_their_variance() {
        let stats = counter(&[1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0]);
        assert_eq!((stats.variance(), stats.sample_variance()), (22.5, 30.0));
        assert_eq!(
            counter(&[1.0, 3.0]).to_string(),
            "(count: 2, mean: 2.000000, stdev: 1.000000, max: 3.000000, min: 1.000000)"
        );
    }
}
