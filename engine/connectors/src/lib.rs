//! Sinks and sources that need libraries of their own, each behind a feature, so that the engine stays without them.

#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(feature = "sqlite")]
pub use sqlite::SqliteSink;
