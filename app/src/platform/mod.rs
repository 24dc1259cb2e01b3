//! What stands between the window and the machine: painting without a display, writing pictures.
//!
//! Knows egui's output, never the model. The only part of the app besides the handlers that may
//! touch files.

pub mod cpu_renderer;
mod raster;
pub mod screenshot;

pub use cpu_renderer::{CpuRenderer, Picture};
