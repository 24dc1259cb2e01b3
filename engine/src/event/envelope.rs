//! What carries an event out of the engine.

use super::Event;
use crate::ids::Timestamp;
use serde::{Deserialize, Serialize};

/// One event, numbered without gaps and stamped by the driver's clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// Position in the application's log, from 0.
    pub seq: u64,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
}

/// Whether time is simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClockKind {
    /// Durations are modelled; the same seed gives the same bytes.
    Virtual,
    /// Durations are measured.
    Wall,
}

pub(super) fn is_zero<T: Default + PartialEq>(number: &T) -> bool {
    *number == T::default()
}
