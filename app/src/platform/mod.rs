//! What stands between the window and the machine: painting without a display, writing pictures, file
//! dialogs, work on other threads, fonts of the system.
//!
//! Knows egui's output and the theme, never the model. The only part of the app besides the handlers
//! that may touch files.

pub mod background;
pub mod cpu_renderer;
pub mod dialogs;
#[cfg(all(unix, not(target_os = "macos")))]
mod portal;
mod raster;
pub mod screenshot;
pub mod system_fonts;
pub mod whole_file;

pub use cpu_renderer::{CpuRenderer, Picture};
