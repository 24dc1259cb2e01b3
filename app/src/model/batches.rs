//! Batches: submitted, started, completed, and what their jobs did.

use super::{Model, Tally};
use faultline_engine::event::{BatchInfo, Finding};
use faultline_engine::ids::*;
use imbl::Vector;
use std::sync::Arc;

/// One batch.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchState {
    /// As submitted.
    pub info: BatchInfo,
    /// When submitted.
    pub submitted: Timestamp,
    /// When its first job started.
    pub started: Option<Timestamp>,
    /// When it completed.
    pub completed: Option<Timestamp>,
    /// Scheduling delay in nanoseconds.
    pub scheduling_delay_ns: Option<u64>,
    /// Processing time in nanoseconds.
    pub processing_ns: Option<u64>,
    /// Error.
    pub failure: Option<String>,
    /// How often it failed and was run again (R11.7).
    pub retries: u32,
    /// It failed and the stream goes on without it (R11.7).
    pub skipped: bool,
    /// Jobs in order.
    pub jobs: Vector<JobId>,
    /// What its jobs did.
    pub tally: Tally,
    /// Restarts of the driver before it was submitted, the last time.
    pub after_restarts: u32,
}

impl Model {
    pub(super) fn batch_submitted(&mut self, info: &BatchInfo) {
        // After a restart of the driver a batch may run again.
        let restarts = self.driver.restarts;
        if self.batches.get(&info.id).is_some_and(|batch| batch.after_restarts >= restarts) {
            return;
        }
        let batch = BatchState {
            info: info.clone(),
            submitted: self.now,
            started: None,
            completed: None,
            scheduling_delay_ns: None,
            processing_ns: None,
            failure: None,
            retries: 0,
            skipped: false,
            jobs: Vector::new(),
            tally: Tally::default(),
            after_restarts: restarts,
        };
        self.batches.insert(info.id, Arc::new(batch));
        self.index.waiting_batches.insert(info.id);
    }

    pub(super) fn batch_started(&mut self, id: BatchId) {
        let now = self.now;
        let Some(batch) = self.batch_mut(id) else { return };
        batch.started.get_or_insert(now);
        if batch.completed.is_none() {
            self.index.waiting_batches.remove(&id);
            self.index.running_batches.insert(id);
            self.tell_batch_started(id);
        }
    }

    pub(super) fn batch_completed(&mut self, id: BatchId, delay_ns: u64, processing_ns: u64, failure: Option<&str>) {
        let now = self.now;
        let Some(batch) = self.batch_mut(id) else { return };
        batch.completed = Some(now);
        batch.scheduling_delay_ns = Some(delay_ns);
        batch.processing_ns = Some(processing_ns);
        batch.failure = failure.map(str::to_owned);
        batch.tally.time_ms = processing_ns / 1_000_000;
        self.index.waiting_batches.remove(&id);
        self.index.running_batches.remove(&id);
        self.index.completed_batches += 1;
        self.tell_batch_completed(id);
        if failure.is_none() {
            self.batch_ran_again(id);
        }
    }

    /// The driver is gone: what waited or ran is done with, until the next driver submits it again.
    pub(super) fn batches_lost(&mut self) {
        self.index.waiting_batches.clear();
        self.index.running_batches.clear();
    }

    /// What the policy for failed batches did with one is told by a finding about it.
    pub(super) fn batch_reported(&mut self, finding: &Finding) {
        let Some(batch) = batch_of_place(&finding.place).and_then(|id| self.batch_mut(id)) else { return };
        match finding.kind.as_str() {
            "batch-retried" => batch.retries = batch.retries.saturating_add(1),
            "batch-skipped" => batch.skipped = true,
            _ => {}
        }
    }

    /// The batch that runs, else the one that comes next; `None` when the program has no batches.
    pub(super) fn running_or_next_batch(&self) -> Option<BatchId> {
        self.streams.zero?;
        let next = self.latest_batch().map_or(1, |b| b.0.saturating_add(1));
        let waiting = self.index.waiting_batches.get_min().copied();
        self.running_batch().or(waiting).or(Some(BatchId(next)))
    }

    pub(super) fn batch_mut(&mut self, id: BatchId) -> Option<&mut BatchState> {
        self.batches.get_mut(&id).map(Arc::make_mut)
    }
}

/// The batch that a finding is about.
pub(super) fn batch_of_place(place: &str) -> Option<BatchId> {
    place.strip_prefix("batch ").and_then(|number| number.parse().ok()).map(BatchId)
}
