//! What is written to the reliable store so that lineage can be cut.

pub mod format;
