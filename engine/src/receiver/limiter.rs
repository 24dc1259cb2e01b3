//! How many records a second a receiver may store one by one (R17.13).

use crate::ids::Timestamp;

/// Idle time counts for at most this long: so many nanoseconds of records may come at once afterwards.
const BURST_NS: u64 = 1_000_000_000;

/// A limit on records per second; none is unlimited. A record is let through at a time that it computes from
/// those before; whoever asks waits until then.
#[derive(Clone, Debug)]
pub struct RateLimiter {
    max: Option<u64>,
    rate: Option<u64>,
    /// When the next record may pass.
    next: Timestamp,
}

impl RateLimiter {
    /// Begins at `now` with the lesser of both: `spark.streaming.receiver.maxRate` and
    /// `spark.streaming.backpressure.initialRate`. A rate of 0 counts as none.
    pub fn new(max: Option<u64>, initial: Option<u64>, now: Timestamp) -> Self {
        let (max, initial) = (max.filter(|rate| *rate > 0), initial.filter(|rate| *rate > 0));
        let rate = [max, initial].into_iter().flatten().min();
        Self { max, rate, next: now }
    }

    /// The limit now, in records per second.
    pub const fn rate(&self) -> Option<u64> {
        self.rate
    }

    /// A new limit. 0 is ignored, and no limit is above the maximum.
    pub fn update(&mut self, rate: u64) {
        if rate > 0 {
            self.rate = Some(self.max.map_or(rate, |max| rate.min(max)));
        }
    }

    /// When a record that is there at `now` may pass.
    pub fn permitted_at(&self, now: Timestamp) -> Timestamp {
        if self.rate.is_some() { self.next.max(now) } else { now }
    }

    /// `records` passed at `now`; those that follow pay for them.
    pub fn take(&mut self, now: Timestamp, records: u64) {
        let Some(rate) = self.rate else { return };
        let saved = Timestamp(now.0.saturating_sub(BURST_NS));
        let cost = u128::from(records) * 1_000_000_000 / u128::from(rate);
        self.next = self.next.max(saved).plus_ns(u64::try_from(cost).unwrap_or(u64::MAX / 4));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp(5_000_000_000);

    /// R23. Without it back-pressure could lift the limit that the user set, or stop the input for good.
    #[test]
    fn r23_an_update_stays_below_the_maximum_and_zero_is_ignored() {
        for (max, update, expected) in [
            (Some(110), 105, Some(105)),
            (Some(100), 105, Some(100)),
            (Some(100), 0, Some(100)),
            (None, 0, None),
            (None, u64::MAX, Some(u64::MAX)),
        ] {
            let mut limiter = RateLimiter::new(max, None, START);
            limiter.update(update);
            assert_eq!(limiter.rate(), expected, "maximum {max:?}, update {update}");
        }
        assert_eq!(RateLimiter::new(Some(100), Some(30), START).rate(), Some(30), "the initial rate");
        assert_eq!(RateLimiter::new(Some(100), Some(300), START).rate(), Some(100));
        assert_eq!(RateLimiter::new(Some(0), Some(0), START).rate(), None, "0 is no limit");
    }

    /// Without it a receiver would store more than its limit allows, or less.
    #[test]
    fn records_pass_at_their_rate() {
        let mut limiter = RateLimiter::new(Some(100), None, START);
        let mut now = START;
        for _ in 0..250 {
            now = limiter.permitted_at(now);
            limiter.take(now, 1);
        }
        assert_eq!(now.ns_since(START), 249 * 10_000_000, "one every 10 ms");
        // An idle minute saves one second of records, not sixty.
        let later = Timestamp(now.0 + 60_000_000_000);
        let at_once = (0..1000).take_while(|_| {
            let passes = limiter.permitted_at(later) == later;
            limiter.take(later, 1);
            passes
        });
        assert_eq!(at_once.count(), 101);
    }

    /// Without it the greatest rates would overflow, or hold everything back.
    #[test]
    fn extreme_rates_are_rates() {
        let mut limiter = RateLimiter::new(None, Some(1), START);
        limiter.take(START, u64::MAX);
        assert!(limiter.permitted_at(START) > START);
        let mut limiter = RateLimiter::new(Some(u64::MAX), None, START);
        limiter.take(START, 1_000_000);
        assert_eq!(limiter.permitted_at(START), START);
    }
}
