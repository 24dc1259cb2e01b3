//! In place of the wall clock where a schedule decides how time passes.

use super::Clock;
use crate::ids::Timestamp;

/// Time of the schedule; never goes back.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock(());

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        crate::sync::now()
    }
}
