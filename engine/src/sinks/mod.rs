//! Sinks: where an output operation of a stream puts its batches, so that each is there once, and whole.
//!
//! A batch may be computed more than once: tasks are tried again, and a driver that was restarted runs the last
//! batch again. So tasks only *stage* what they computed, and the *commit* of a batch happens in one step, once
//! all of its partitions are there. A sink recognises a batch that it holds already by its time, and a driver that
//! was replaced by the number of its epoch.
//!
//! Owns the trait and the directory of files. Must not know streams, the driver or its loops.

mod files;
#[cfg(test)]
mod tests;

pub use files::FileSink;

use crate::event::SinkOutcome;
use crate::ids::*;
use std::fmt;
use thiserror::Error;

/// A record of an output operation, as text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// What tells it from the other rows of its batch.
    pub key: String,
    /// What it says.
    pub value: String,
}

/// What is written together: one output operation of one batch, by one driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchOutput {
    /// The batch.
    pub batch: BatchId,
    /// Its time: what it is called in the sink, because it is the same when the batch is run again.
    pub time: Timestamp,
    /// The output operation.
    pub output_op: OutputOpId,
    /// Counts the drivers of a checkpoint directory: of two, the one with the greater number is in charge.
    pub epoch: u64,
}

/// An attempt of a task to write one partition of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputPart {
    /// Of what.
    pub output: BatchOutput,
    /// Which partition.
    pub partition: PartitionId,
    /// The attempt: of several of a partition the commit is told one.
    pub task: TaskId,
}

/// A partition that is ready to be committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staged {
    /// Its rows.
    pub records: u64,
    /// Where they are.
    pub content: StagedContent,
}

/// Where the rows of a staged partition are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StagedContent {
    /// On their way to the commit.
    Rows(Vec<Row>),
    /// In the sink already, under a name that nobody looks for yet.
    Named {
        /// The name.
        name: String,
        /// Length in bytes.
        bytes: u64,
        /// CRC-32 of the bytes.
        crc32: u32,
    },
}

/// What a commit did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Whether the batch was there before.
    pub outcome: SinkOutcome,
    /// Rows that are not there, because another one of their batch has the same key.
    pub same_key: u64,
    /// The epoch whose rows are there now.
    pub written_by: u64,
}

/// Why a sink did not take a batch.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SinkError {
    /// Another driver is in charge.
    #[error(
        "it was written by epoch {theirs}, and this is a driver of epoch {ours}: another driver has taken over; \
         stop this one, or give it a sink of its own"
    )]
    Fenced {
        /// Of the driver that wants to write.
        ours: u64,
        /// The newest one that wrote.
        theirs: u64,
    },
    /// What is there is not what this sink writes.
    #[error("{0}")]
    Foreign(String),
    /// Reading or writing failed.
    #[error("{0}")]
    Io(String),
}

/// A place for batches. Tasks call [`OutputSink::stage`] on several threads; the output operation calls
/// [`OutputSink::commit`] when all of them are done.
///
/// A call that fails is made again, or the batch fails. So each must leave behind what a repetition can work with.
pub trait OutputSink: Send + Sync + fmt::Debug {
    /// What the log and errors call it: `files:out`.
    fn name(&self) -> String;

    /// Keeps the rows of a partition where nobody sees them yet.
    ///
    /// # Errors
    /// They could not be kept; the task fails.
    fn stage(&self, part: &OutputPart, rows: Vec<Row>) -> Result<Staged, SinkError>;

    /// Shows a batch: all of its partitions or, after an error, what was there before. `staged` has an entry for
    /// each partition, in order, by the attempt that counts. What earlier attempts, or earlier drivers, staged for
    /// it is no longer needed.
    ///
    /// # Errors
    /// The batch is not there, or nobody knows whether it is.
    fn commit(&self, output: &BatchOutput, staged: Vec<Staged>) -> Result<Committed, SinkError>;
}
