//! The engine on threads: the production driver under the wall clock.

pub(crate) mod cluster;
mod live;
mod pool;
pub(crate) mod slots;
mod sources;

pub use live::run;
pub use sources::SystemFiles;
