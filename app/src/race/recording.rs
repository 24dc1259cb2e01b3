//! A run as tables and races remember it: the folded model, and what each batch and job had cost when
//! it began or ended.

use super::OutputHash;
use crate::model::{DriverPhase, Model, Tally};
use faultline_engine::command::Command;
use faultline_engine::event::{Envelope, Event, ReadTier};
use faultline_engine::ids::*;
use std::collections::BTreeMap;

/// One completed batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchRow {
    /// Input records.
    pub records: u64,
    /// Start minus submission.
    pub scheduling_delay_ms: u64,
    /// End minus start.
    pub processing_ms: u64,
    /// What its jobs did.
    pub tally: Tally,
}

/// The part of a run that pays for a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Struck {
    /// The batch that ran or came next when the fault struck.
    Batch(BatchId),
    /// Programs without batches: from the start of the job that ran when the fault struck, to the end
    /// of the run. Up to that start the runs with and without the fault are equal.
    FromJob(JobId),
    /// The driver was lost: the whole run, because batches before the one that it died in run again.
    DriverLoss,
}

/// What the driver answered to a planned command.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The command.
    pub command: Command,
    /// Why it was refused, if it was.
    pub refused: Option<String>,
}

/// What the first fault took, and how far its repair reached, in the struck part of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WayBack {
    /// Stored partitions lost.
    pub lost_partitions: u32,
    /// Map outputs lost.
    pub lost_map_outputs: u32,
    /// The earliest batch of which something was computed again or read back.
    pub earliest: Option<BatchId>,
}

/// Everything that is kept of a run.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// The events, folded.
    pub model: Model,
    /// What was written.
    pub output: OutputHash,
    /// Completed batches; unlike the model's, never forgotten.
    pub batches: BTreeMap<BatchId, BatchRow>,
    /// Answers to commands, in order.
    pub answers: Vec<Answer>,
    /// The first fault that struck.
    pub struck: Option<Struck>,
    /// What it took, once the struck batch is complete; nothing in programs without batches.
    pub way_back: WayBack,
    /// Every event, if they are kept.
    pub events: Option<Vec<Envelope>>,
    at_job_start: BTreeMap<JobId, Tally>,
}

impl Recording {
    /// A recording that keeps every event.
    pub fn keeping_events() -> Self {
        Self { events: Some(Vec::new()), ..Self::default() }
    }

    /// Folds one envelope.
    pub fn see(&mut self, envelope: &Envelope) {
        self.model.apply(envelope);
        self.output.see(&envelope.event);
        if let Some(events) = &mut self.events {
            events.push(envelope.clone());
        }
        match &envelope.event {
            Event::JobStart { job, .. } => {
                self.at_job_start.insert(*job, self.model.run_tally());
            }
            Event::BatchCompleted { batch, scheduling_delay_ns, processing_ns, .. } => {
                let Some(state) = self.model.batches.get(batch) else { return };
                let row = BatchRow {
                    records: state.info.records,
                    scheduling_delay_ms: scheduling_delay_ns / 1_000_000,
                    processing_ms: processing_ns / 1_000_000,
                    tally: state.tally,
                };
                self.batches.insert(*batch, row);
                if self.struck == Some(Struck::Batch(*batch)) {
                    self.way_back = self.now_way_back();
                }
            }
            Event::FaultInjected { fault, .. } if self.struck.is_none() => self.struck = self.now_struck(fault),
            Event::DriverLost { .. } if self.struck == Some(Struck::DriverLoss) && self.model.driver.restarts == 0 => {
                self.way_back.lost_partitions = self.model.story.lost_with_driver.partitions;
            }
            Event::TaskEnd { metrics, .. } if self.model.driver_phase() == DriverPhase::Recovering => {
                let computed = metrics.reads.iter().filter(|row| row.tier == ReadTier::Computed);
                let batches = computed.filter_map(|row| self.model.batch_of(row.rdd));
                self.way_back.earliest = batches.chain(self.way_back.earliest).min();
            }
            Event::CommandApplied { command, .. } => {
                self.answers.push(Answer { command: command.clone(), refused: None });
            }
            Event::CommandRejected { command, reason } => {
                self.answers.push(Answer { command: command.clone(), refused: Some(reason.clone()) });
            }
            _ => {}
        }
    }

    fn now_struck(&self, fault: &str) -> Option<Struck> {
        if fault == Command::KillDriver.to_string() {
            return Some(Struck::DriverLoss);
        }
        let batch = self.model.faults.back().and_then(|fault| fault.batch).map(Struck::Batch);
        batch.or_else(|| self.model.running_job().map(Struck::FromJob))
    }

    fn now_way_back(&self) -> WayBack {
        let story = &self.model.story;
        let of_path = story.path.iter().filter_map(|rdd| self.model.rdds.get(rdd)?.info.op.batch);
        WayBack {
            lost_partitions: story.lost_partitions,
            lost_map_outputs: story.lost_map_outputs,
            earliest: of_path.min(),
        }
    }

    /// What was done in that part of this run; nothing when this run has no such part.
    pub fn tally(&self, part: Struck) -> Tally {
        match part {
            Struck::Batch(batch) => self.batches.get(&batch).map(|row| row.tally).unwrap_or_default(),
            Struck::DriverLoss => self.model.run_tally(),
            Struck::FromJob(job) => {
                let run = self.model.run_tally();
                self.at_job_start.get(&job).map(|start| difference(&run, start)).unwrap_or_default()
            }
        }
    }
}

/// What was done between two moments of one run.
fn difference(later: &Tally, earlier: &Tally) -> Tally {
    Tally {
        tasks: later.tasks - earlier.tasks,
        computed_partitions: later.computed_partitions - earlier.computed_partitions,
        computed_again: later.computed_again - earlier.computed_again,
        computed_records: later.computed_records - earlier.computed_records,
        cached_partitions_read: later.cached_partitions_read - earlier.cached_partitions_read,
        checkpoint_partitions_read: later.checkpoint_partitions_read - earlier.checkpoint_partitions_read,
        checkpoint_bytes_read: later.checkpoint_bytes_read - earlier.checkpoint_bytes_read,
        map_outputs_rewritten: later.map_outputs_rewritten - earlier.map_outputs_rewritten,
        shuffle_bytes_read: later.shuffle_bytes_read - earlier.shuffle_bytes_read,
        source_records_read: later.source_records_read - earlier.source_records_read,
        time_ms: later.time_ms - earlier.time_ms,
    }
}
