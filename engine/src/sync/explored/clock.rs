//! Time that passes as the schedule wants: a little with every look at the clock, and past the end of a wait
//! whenever the schedule says that nothing came in time.

use crate::ids::{Timestamp, VIRTUAL_EPOCH};
use shuttle::rand::{Rng, thread_rng};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What passes between two looks, in nanoseconds.
const TICK_NS: u64 = 1_000;
/// One look in so many at which nothing has come is the one at which the wait is over.
const PATIENCE: u32 = 8;

shuttle::lazy_static! {
    /// Nanoseconds since the schedule began. No place at which another thread may go on.
    static ref PASSED: AtomicU64 = AtomicU64::new(0);
}

/// Now.
pub fn now() -> Timestamp {
    VIRTUAL_EPOCH.plus_ns(PASSED.fetch_add(TICK_NS, Ordering::Relaxed) + TICK_NS)
}

/// The end of a wait, if it has one.
pub(super) struct Deadline {
    at_ns: Option<u64>,
}

impl Deadline {
    pub fn after(patience: Duration) -> Self {
        Self::perhaps(Some(patience))
    }

    /// Without patience the wait does not end by itself.
    pub fn perhaps(patience: Option<Duration>) -> Self {
        let ns = |patience: Duration| u64::try_from(patience.as_nanos()).unwrap_or(u64::MAX);
        let at_ns = patience.map(|patience| PASSED.load(Ordering::Relaxed).saturating_add(ns(patience)));
        Self { at_ns }
    }

    /// Lets others go on. Whether the wait is over.
    pub fn passes(&self) -> bool {
        shuttle::thread::yield_now();
        let Some(at_ns) = self.at_ns else { return false };
        if PASSED.load(Ordering::Relaxed) < at_ns && thread_rng().gen_ratio(1, PATIENCE) {
            PASSED.fetch_max(at_ns, Ordering::Relaxed);
        }
        PASSED.load(Ordering::Relaxed) >= at_ns
    }
}
