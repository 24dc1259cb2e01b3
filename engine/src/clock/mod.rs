//! Where time comes from. The driver is told; only loops ask.

mod system;

pub use system::SystemClock;

use crate::ids::Timestamp;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}
