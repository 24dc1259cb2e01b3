//! A micro-batch engine in the shape of Spark's RDD core and DStreams, whose every decision is an event.

pub mod command;
pub mod error;
pub mod event;
pub mod eventlog;
pub mod ids;
pub mod lineage;
