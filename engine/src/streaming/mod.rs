//! DStreams: a template of operators, instantiated as RDDs once per batch.
//!
//! The template (`graph.rs`, `dstream.rs` and the operators) is fixed when the context starts; the
//! RDDs of a batch (`instances.rs`) live as long as the stream remembers them. Generation runs on the
//! generator's thread, output operations on the output slot's.

mod aggregate;
mod combine;
mod context;
mod control;
mod dstream;
mod graph;
mod input;
mod inputs;
mod instances;
mod join;
mod keyed;
mod map_with_state;
mod output;
mod own;
mod queue;
mod receivers;
mod recovering;
mod reduced_window;
mod sources;
mod state;
mod transform;
mod validate;
mod window;

pub use context::StreamingContext;
pub use dstream::DStream;
pub use map_with_state::{MapWithStateDStream, State, StateError, StateSpec};
pub use queue::{Dequeue, RddQueue};
pub use recovering::OnUnreadable;
pub use reduced_window::Keep;
pub use state::{KeyUpdates, RememberPartitioner};
