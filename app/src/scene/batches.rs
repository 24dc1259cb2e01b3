//! Batches as the rows of a table: what came in, how long it waited and took, what it had to repeat.

use super::charts::{ChartMark, ChartPoint};
use crate::model::{BatchState, Model};
use faultline_engine::ids::*;
use std::cmp::Reverse;

/// Where a batch is, and whether it paid for a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BatchStatus {
    /// Submitted, not started.
    Waiting,
    /// Its jobs run.
    Running,
    /// Its jobs run and do work only because something was lost.
    Recovering,
    /// All output operations ended well.
    Complete,
    /// The same, and it did work only because something was lost.
    Recovered,
    /// An output operation failed.
    Failed,
    /// The same, and the stream goes on without what it would have written.
    Skipped,
}

impl BatchStatus {
    /// Its word in the table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Recovering => "recovering",
            Self::Complete => "complete",
            Self::Recovered => "recovered",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }

    /// Whether it has not ended.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Running | Self::Recovering)
    }

    fn of(model: &Model, batch: &BatchState) -> Self {
        let repaired = model.batch_repaired(batch.info.id);
        match (batch.completed, batch.started) {
            (Some(_), _) if batch.skipped => Self::Skipped,
            (Some(_), _) if batch.failure.is_some() => Self::Failed,
            (Some(_), _) if repaired => Self::Recovered,
            (Some(_), _) => Self::Complete,
            (None, Some(_)) if repaired => Self::Recovering,
            (None, Some(_)) => Self::Running,
            (None, None) => Self::Waiting,
        }
    }
}

/// One batch of the table. What is not known yet is `None`, never zero.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchRow {
    /// Number.
    pub id: BatchId,
    /// Batch time since the zero time of the stream, in milliseconds.
    pub time_ms: Option<u64>,
    /// Input records.
    pub records: u64,
    /// Start minus submission.
    pub delay_ns: Option<u64>,
    /// End minus start.
    pub processing_ns: Option<u64>,
    /// Task attempts started.
    pub tasks: u64,
    /// Partitions computed that had been computed before.
    pub computed_again: u64,
    /// Partitions read from a checkpoint.
    pub read_back: u64,
    /// Where it is.
    pub status: BatchStatus,
    /// How often it failed and was run again.
    pub retries: u32,
    /// Error of the first output operation that failed.
    pub failure: Option<String>,
}

impl BatchRow {
    fn of(model: &Model, batch: &BatchState) -> Self {
        let waited = || batch.started.map(|started| started.ns_since(batch.submitted));
        let zero = model.streams.zero;
        Self {
            id: batch.info.id,
            time_ms: zero.map(|zero| batch.info.time.ns_since(zero) / 1_000_000),
            records: batch.info.records,
            delay_ns: batch.scheduling_delay_ns.or_else(waited),
            processing_ns: batch.processing_ns,
            tasks: batch.tally.tasks,
            computed_again: batch.tally.computed_again,
            read_back: batch.tally.checkpoint_partitions_read,
            status: BatchStatus::of(model, batch),
            retries: batch.retries,
            failure: batch.failure.clone(),
        }
    }

    /// Its status, with which run of it that is: `complete, run 2`.
    pub fn status_words(&self) -> String {
        match self.retries {
            0 => self.status.name().to_owned(),
            retries => format!("{}, run {}", self.status.name(), retries + 1),
        }
    }

    /// From submission to end.
    pub fn total_ns(&self) -> Option<u64> {
        Some(self.delay_ns?.saturating_add(self.processing_ns?))
    }

    /// Its points in the charts: input records, scheduling delay and processing time in milliseconds.
    pub fn chart_point(&self) -> ChartPoint {
        let ms = |ns: Option<u64>| ns.map(|ns| ns as f64 / 1e6);
        ChartPoint {
            number: self.id.0,
            values: [Some(self.records as f64), ms(self.delay_ns), ms(self.processing_ns)],
            mark: match self.status {
                BatchStatus::Failed | BatchStatus::Skipped => ChartMark::Failed,
                BatchStatus::Recovered | BatchStatus::Recovering => ChartMark::Recovered,
                BatchStatus::Waiting | BatchStatus::Running => ChartMark::Open,
                BatchStatus::Complete => ChartMark::Plain,
            },
        }
    }
}

/// What the table can be sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum BatchColumn {
    /// Number; the order that it starts with.
    #[default]
    Batch,
    /// Batch time.
    Time,
    /// Input records.
    Input,
    /// Scheduling delay.
    Delay,
    /// Processing time.
    Processing,
    /// Total delay.
    Total,
    /// Task attempts.
    Tasks,
    /// Computed again.
    Again,
    /// Read back.
    ReadBack,
    /// Status.
    Status,
}

/// Every batch that the model keeps, oldest first.
pub fn batch_rows(model: &Model) -> Vec<BatchRow> {
    model.batches.values().map(|batch| BatchRow::of(model, batch)).collect()
}

/// The order of the rows: those that have not ended on top, then by the column, and the newest first
/// among equals. What is not known sorts below everything.
pub fn order(rows: &[BatchRow], by: BatchColumn, descending: bool) -> Vec<usize> {
    let key = |row: &BatchRow| -> Option<u64> {
        match by {
            BatchColumn::Batch => Some(row.id.0.into()),
            BatchColumn::Time => row.time_ms,
            BatchColumn::Input => Some(row.records),
            BatchColumn::Delay => row.delay_ns,
            BatchColumn::Processing => row.processing_ns,
            BatchColumn::Total => row.total_ns(),
            BatchColumn::Tasks => Some(row.tasks),
            BatchColumn::Again => Some(row.computed_again),
            BatchColumn::ReadBack => Some(row.read_back),
            BatchColumn::Status => Some(row.status as u64),
        }
    };
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|&i| {
        let row = &rows[i];
        let value = key(row);
        let ranked = value.map_or((1, 0), |v| (0, if descending { u64::MAX - v } else { v }));
        (!row.status.is_open(), ranked, Reverse(row.id))
    });
    order
}
