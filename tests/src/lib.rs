//! What tests that cross crates share: run a program under either loop, drive the driver by hand,
//! check what every log and every source file must obey.

pub mod checker;
pub mod driver_lab;
pub mod hostile;
pub mod lab;
pub mod log;
pub mod plans;
pub mod properties;
pub mod quiet;
pub mod random;
pub mod reruns;
pub mod scripted;
#[cfg(feature = "seeded-bugs")]
pub mod seeded;
pub mod staged;
pub mod system;
pub mod tidy;
#[cfg(feature = "window")]
pub mod window;

pub use driver_lab::DriverLab;
pub use lab::{Loop, in_batches, once, run, run_on, settings};
