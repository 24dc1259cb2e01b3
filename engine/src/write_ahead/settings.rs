//! When a segment ends, and when a writer gives up.

use crate::ids::Millis;

/// Limits of a log, by the names of `spark.streaming.{driver,receiver}.writeAheadLog.*` (R18.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// `rollingIntervalSecs`: age at which a segment ends.
    pub roll_every: Millis,
    /// Size at which a segment ends.
    pub segment_bytes: u64,
    /// `maxFailures`: how often one write is tried, each time in another segment.
    pub max_failures: u32,
    /// `closeFileAfterWrite`: whether every write has a segment of its own, for stores whose objects cannot
    /// grow.
    pub close_after_write: bool,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { roll_every: Millis(60_000), segment_bytes: 64 << 20, max_failures: 3, close_after_write: false }
    }
}
