//! The engine on threads: the production driver under the wall clock.

pub(crate) mod cluster;
mod live;
mod pool;
mod processes;
pub(crate) mod receivers;
pub(crate) mod slots;
pub(crate) mod sockets;
mod sources;
pub(crate) mod store_ops;

pub use live::{run, run_controlled};
pub use sources::SystemFiles;
