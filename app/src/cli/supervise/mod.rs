//! `run --supervise`: the driver in a process of its own, which is started again when it crashes (R16).
//!
//! The process that the user started supervises, and starts itself once more as the driver. The two are joined by the
//! driver's standard input: what the user asks for goes through it, line by line, and its end tells the driver that
//! nobody supervises it any more, so that none is left behind. The driver leaves a mark when it completed a batch.
//!
//! When it is started again is decided by `faultline_engine::supervise`.

mod driver;
mod supervisor;

pub use driver::{DriverLife, obey};
pub use supervisor::supervise;

/// Somebody wants the driver to stop; once more, at once.
const INTERRUPT: &str = "interrupt";
