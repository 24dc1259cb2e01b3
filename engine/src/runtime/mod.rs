//! The engine on threads: the production driver under the wall clock. The simulator uses what both loops need.

pub(crate) mod acknowledged;
mod background;
pub(crate) mod cluster;
pub(crate) mod faulty_store;
pub(crate) mod http_stream;
pub(crate) mod listening;
mod live;
pub(crate) mod logged_block;
mod pool;
mod processes;
mod program;
pub(crate) mod pushed;
pub(crate) mod received_log;
pub(crate) mod receivers;
mod restart;
pub(crate) mod slots;
pub(crate) mod sockets;
mod sources;
mod standing;
pub(crate) mod store_ops;
mod threads;
pub mod verifying;

pub use live::{run, run_attended, run_controlled};
pub use program::{Control, Environment, Outcome, Program};
pub use received_log::ReceivedLogWriter;
pub use sources::SystemFiles;
