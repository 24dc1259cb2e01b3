//! Where time comes from. The driver is told; only loops ask.

#[cfg(feature = "shuttle")]
mod scheduled;
#[cfg(not(feature = "shuttle"))]
mod system;

#[cfg(feature = "shuttle")]
pub use scheduled::SystemClock;
#[cfg(not(feature = "shuttle"))]
pub use system::SystemClock;

use crate::ids::Timestamp;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}
