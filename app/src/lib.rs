//! Faultline: a desktop debugger for lineage, cache and checkpoint of micro-batch programs.

pub mod app;
pub mod cli;
pub mod command;
pub mod handlers;
pub mod inspection;
pub mod model;
pub mod opening;
pub mod platform;
pub mod race;
pub mod scene;
pub mod session;
pub mod source;
pub mod state;
pub mod theme;
pub mod ui;
pub mod window;
