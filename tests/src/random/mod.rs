//! Random programs with a model of each: the same operators over plain vectors, one after the other, without
//! partitions, levels, checkpoints or faults.

pub mod batch;
mod batch_model;
mod operators;
pub mod pipeline;
mod pipeline_model;
mod predict;
pub mod settings;
pub mod streams;

pub use operators::Operator;
pub use pipeline::Pipeline;
pub use predict::predict;

use faultline_engine::error::{EngineError, Result};

/// The record of random programs.
pub type Pair = (u32, u64);

/// Values stay below, so that sums neither overflow nor become 0.
const VALUES: u64 = 1_000_000;

/// Runs an action again after the one failure that is no defect: results that were delivered cannot be
/// taken back when an indeterminate stage runs again (R3.11).
fn again<T>(action: impl Fn() -> Result<T>) -> Result<T> {
    let cannot_roll_back = |error: &EngineError| error.to_string().contains("cannot rollback");
    for _ in 0..8 {
        match action() {
            Err(error) if cannot_roll_back(&error) => {}
            done => return done,
        }
    }
    action()
}
