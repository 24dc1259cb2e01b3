//! A micro-batch engine in the shape of Spark's RDD core and DStreams, whose every decision is an event.

pub mod checkpoint;
pub mod command;
pub mod error;
pub mod event;
pub mod ids;
pub mod lineage;
pub mod object_store;
pub mod shuffle;
pub mod storage;
