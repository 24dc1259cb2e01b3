//! Back-pressure: which rate the batches can keep up with (R17.14).

use crate::ids::*;

/// Weights of the estimator: `spark.streaming.backpressure.pid.*`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PidSettings {
    /// `proportional`: weight of the difference between the last rate and that of the batch.
    pub proportional: f64,
    /// `integral`: weight of what waits already.
    pub integral: f64,
    /// `derived`: weight of how fast the difference changes.
    pub derived: f64,
    /// `minRate`: never less records per second.
    pub min_rate: f64,
}

impl Default for PidSettings {
    fn default() -> Self {
        Self { proportional: 1.0, integral: 0.2, derived: 0.0, min_rate: 100.0 }
    }
}

/// What an estimate left behind.
#[derive(Clone, Copy, Debug)]
struct Latest {
    at: Timestamp,
    rate: f64,
    error: f64,
}

/// A proportional-integral-derivative controller of records per second.
#[derive(Clone, Debug)]
pub struct PidRateEstimator {
    interval: Millis,
    settings: PidSettings,
    latest: Option<Latest>,
}

impl PidRateEstimator {
    /// For batches of `interval`.
    pub const fn new(interval: Millis, settings: PidSettings) -> Self {
        Self { interval, settings, latest: None }
    }

    /// The rate after a batch that ended at `at`, had `records` and took `processing_ns` after it had waited
    /// for `waited_ns`. None for the first batch, and for one that says nothing: not later than the last
    /// one, without records, or without duration.
    pub fn compute(&mut self, at: Timestamp, records: u64, processing_ns: u64, waited_ns: u64) -> Option<f64> {
        let later = self.latest.is_none_or(|latest| at > latest.at);
        if !later || records == 0 || processing_ns == 0 {
            return None;
        }
        let processed = records as f64 / (processing_ns as f64 / 1e9);
        let Some(latest) = self.latest else {
            self.latest = Some(Latest { at, rate: processed, error: 0.0 });
            return None;
        };
        let PidSettings { proportional, integral, derived, min_rate } = self.settings;
        let error = latest.rate - processed;
        // What waited would fill so much of a batch interval.
        let waiting = waited_ns as f64 / 1e6 * processed / self.interval.0.max(1) as f64;
        let change = (error - latest.error) / (at.ns_since(latest.at) as f64 / 1e9);
        let rate = (latest.rate - proportional * error - integral * waiting - derived * change).max(min_rate);
        self.latest = Some(Latest { at, rate, error });
        Some(rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn estimator() -> PidRateEstimator {
        PidRateEstimator::new(Millis(20), PidSettings::default())
    }

    /// R24. Without it back-pressure would act on batches that say nothing, or choke the input for ever.
    #[test]
    fn r24_estimates_need_a_second_batch_with_records_and_a_duration() {
        let at = |ms: u64| Timestamp(ms * MS);
        let mut pid = estimator();
        assert_eq!(pid.compute(at(0), 10_000, 1000 * MS, 0), None, "the first");
        assert_eq!(pid.compute(at(0), 10_000, 1000 * MS, 0), None, "not later");
        assert_eq!(pid.compute(at(1000), 10_000, 1000 * MS, 0), Some(10_000.0), "kept up");
        assert_eq!(pid.compute(at(2000), 10_000, 0, 0), None, "zero delay");
        assert_eq!(pid.compute(at(3000), 0, 1000 * MS, 0), None, "zero records");
        let mut pid = estimator();
        for n in 0..50 {
            let rate = pid.compute(at(1000 * (n + 1)), 1 + n % 3, 10_000 * MS, 5000 * MS);
            assert!(rate.is_none_or(|rate| rate >= 100.0), "never below the least rate: {rate:?}");
            assert_eq!(rate.is_none(), n == 0);
        }
    }

    /// Without it a backlog would not lower the rate, or a change of the speed would not be followed.
    #[test]
    fn a_backlog_lowers_the_rate() {
        let at = |ms: u64| Timestamp(ms * MS);
        let mut pid = estimator();
        assert_eq!(pid.compute(at(0), 1000, 20 * MS, 0), None);
        // 1000 records in 25 ms are 40 000 a second; 10 ms waited are half of an interval of 20 ms.
        let expected = 40_000.0 - 0.2 * (10.0 * 40_000.0 / 20.0);
        assert_eq!(pid.compute(at(20), 1000, 25 * MS, 10 * MS), Some(expected));
    }
}
