//! The engine on threads.

pub(crate) mod slots;
mod sources;

pub use sources::SystemFiles;
