//! `mapWithState`: state that is touched only for keys with data, with timeouts (R14.4 to R14.6).
//!
//! As in Spark an inner stream carries the state from batch to batch, one record per partition that
//! holds the partition's state and what the batch returned; the stream that the user sees, and that of
//! the snapshots, read from it.

mod changes;
mod compute;
mod record;
mod spec;
mod state;
mod state_map;
mod stream;

pub use spec::StateSpec;
pub use state::{State, StateError};
pub use stream::MapWithStateDStream;
