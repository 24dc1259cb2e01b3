//! Faultline: a desktop debugger for lineage, cache and checkpoint of micro-batch programs.

pub mod model;
pub mod platform;
pub mod scene;
