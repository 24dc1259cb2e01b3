//! Random programs, their sequential fold, and what their lineage predicts after a loss.

mod predict;
mod streams;

pub use predict::{lineage, predict};
pub use streams::{Expected, Shape, program};
