//! Faultline: a desktop debugger for lineage, cache and checkpoint of micro-batch programs.

pub mod cli;
pub mod command;
pub mod model;
pub mod platform;
pub mod scene;
pub mod state;
pub mod theme;
pub mod ui;
