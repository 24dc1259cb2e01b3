//! The engine on threads: the production driver under the wall clock.

mod background;
pub(crate) mod cluster;
pub(crate) mod faulty_store;
mod live;
mod pool;
mod processes;
pub(crate) mod receivers;
mod restart;
pub(crate) mod slots;
pub(crate) mod sockets;
mod sources;
pub(crate) mod store_ops;
mod threads;

pub use live::{run, run_controlled};
pub use sources::SystemFiles;
