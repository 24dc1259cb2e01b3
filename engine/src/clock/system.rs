//! The wall clock: starts at the system's time and then runs monotonically.

use super::Clock;
use crate::ids::Timestamp;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Time of this machine; never goes back.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    started: Instant,
    base_ns: u64,
}

impl Default for SystemClock {
    fn default() -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { started: Instant::now(), base_ns: u64::try_from(since_1970.as_nanos()).unwrap_or(u64::MAX) }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let elapsed = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        Timestamp(self.base_ns.saturating_add(elapsed))
    }
}
