//! A micro-batch engine in the shape of Spark's RDD core and DStreams, whose every decision is an event.

pub mod checkpoint;
pub mod clock;
pub mod command;
pub mod config;
pub mod driver;
pub mod error;
pub mod event;
pub mod eventlog;
pub mod executor;
pub mod ids;
pub mod lineage;
pub mod object_store;
pub mod programs;
pub mod rdd;
pub mod receiver;
pub mod recovery;
pub mod rng;
pub mod runtime;
pub mod scheduler;
pub mod shuffle;
pub mod sim;
pub mod storage;
pub mod streaming;
pub mod supervise;
pub mod sync;
pub mod task_context;
