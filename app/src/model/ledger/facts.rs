//! What the ledger is folded from: of the events, those about the fate of records, and of them what matters for it.

use super::units::{InputUnit, Totals};
use crate::model::Model;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How often tasks computed a unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComputedUnit {
    /// Which.
    pub unit: InputUnit,
    /// So many times more than was told before.
    pub times: u64,
    /// Records in it.
    pub records: u64,
}

/// One fact about the fate of records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum LedgerFact {
    /// A process began to write.
    LifeBegan {
        /// Which life of the driver it is.
        life: u32,
        /// What it runs.
        program: String,
    },
    /// A stream began.
    StreamStarted {
        /// The epoch of its driver; none without a checkpoint directory.
        epoch: Option<u64>,
        /// Whether it goes on with what a former driver left.
        continues: bool,
    },
    /// A block counts.
    Received {
        /// The block.
        block: AddedBlock,
        /// Who holds it.
        holders: Vec<ExecutorId>,
    },
    /// What a former driver had accepted.
    Recovered {
        /// Its blocks.
        blocks: Vec<RecoveredBlock>,
    },
    /// A batch was given its input.
    Given {
        /// The batch.
        batch: BatchId,
        /// Its output operations.
        outputs: Vec<OutputOpId>,
        /// The input.
        inputs: BTreeMap<StreamId, InputPlan>,
    },
    /// Blocks of a batch are gone.
    Gone(LostBlocks),
    /// A block does not count.
    Refused(RefusedBlock),
    /// What was gathered is stored nowhere.
    Dropped(LostRecords),
    /// Tasks computed the input of a batch.
    Computed {
        /// The batch.
        batch: BatchId,
        /// What of it.
        units: Vec<ComputedUnit>,
    },
    /// An output operation ended well.
    OutputDone {
        /// Batch.
        batch: BatchId,
        /// Output operation.
        output_op: OutputOpId,
    },
    /// A sink holds an output operation of a batch.
    Committed {
        /// Batch.
        batch: BatchId,
        /// Output operation.
        output_op: OutputOpId,
        /// The epoch whose rows it holds; unknown in older logs.
        written_by: Option<u64>,
    },
    /// A batch failed.
    BatchFailed {
        /// Batch.
        batch: BatchId,
        /// Its error.
        error: String,
    },
    /// A batch failed, and the stream goes on without it.
    BatchSkipped {
        /// Batch.
        batch: BatchId,
        /// Why.
        reason: String,
    },
    /// The application ended.
    Ended,
    /// What all facts before it come to. Says nothing new.
    Totals(Totals),
}

impl Model {
    /// Folds what an event says about the fate of records.
    pub(in crate::model) fn ledger_saw(&mut self, event: &Event) {
        if !self.ledger.news.is_empty() {
            self.ledger.news.clear();
        }
        match event {
            Event::TaskEnd { reason, metrics, .. } if reason.is_success() => {
                self.ledger.reads.task_ended(&metrics.reads);
            }
            Event::RddRegistered { rdd } => {
                let streams = &self.streams;
                self.ledger.reads.registered(rdd, |operator| streams.input_stream(operator));
            }
            Event::RddReleased { rdd } => self.ledger.reads.released(*rdd),
            Event::DriverEpochTaken { epoch, continues, .. } => self.ledger.reads.took = Some((*epoch, *continues)),
            Event::BatchCompleted { .. } | Event::DriverLost { .. } => {
                for (batch, read) in self.ledger.reads.take() {
                    let units = self.ledger.computed_units(batch, &read);
                    self.ledger_fact(LedgerFact::Computed { batch, units });
                }
            }
            _ => {}
        }
        if let Some(fact) = self.fact_of(event) {
            self.ledger_fact(fact);
        }
        if matches!(event, Event::DriverLost { .. }) {
            self.ledger.reads.forget();
        }
    }

    fn ledger_fact(&mut self, fact: LedgerFact) {
        self.ledger.fold(&fact);
        self.ledger.news.push_back(Arc::new(fact));
    }

    fn fact_of(&mut self, event: &Event) -> Option<LedgerFact> {
        Some(match event {
            Event::StreamingStarted { .. } => {
                let took = self.ledger.reads.took.take();
                let (epoch, continues) = took.map_or((None, false), |(epoch, continues)| (Some(epoch), continues));
                LedgerFact::StreamStarted { epoch, continues }
            }
            Event::ReceivedBlockAdded(block) => {
                let holds = self.executors.values().filter(|executor| executor.inputs.contains_key(&block.block));
                LedgerFact::Received { block: block.clone(), holders: holds.map(|executor| executor.id).collect() }
            }
            Event::ReceivedBlocksRecovered(RecoveredBlocks { blocks }) => {
                LedgerFact::Recovered { blocks: blocks.clone() }
            }
            Event::ReceivedBlocksLost(lost) => LedgerFact::Gone(lost.clone()),
            Event::ReceivedBlockRefused(refused) => LedgerFact::Refused(refused.clone()),
            Event::ReceivedRecordsLost(lost) => LedgerFact::Dropped(lost.clone()),
            Event::BatchSubmitted { batch } => {
                let (outputs, inputs) = (batch.output_ops.clone(), batch.inputs.clone());
                LedgerFact::Given { batch: batch.id, outputs, inputs }
            }
            Event::OutputOperationCompleted { batch, output_op, failure: None } => {
                LedgerFact::OutputDone { batch: *batch, output_op: *output_op }
            }
            Event::OutputCommitted { output } => {
                let CommittedOutput { batch, output_op, written_by, outcome, epoch, .. } = output;
                let own = (*outcome != SinkOutcome::AlreadyThere).then_some(*epoch);
                LedgerFact::Committed { batch: *batch, output_op: *output_op, written_by: written_by.or(own) }
            }
            Event::BatchCompleted { batch, failure: Some(error), .. } => {
                LedgerFact::BatchFailed { batch: *batch, error: error.lines().next().unwrap_or_default().to_owned() }
            }
            Event::FindingReported { finding } if finding.kind == "batch-skipped" => {
                let batch = finding.place.strip_prefix("batch ")?.parse().ok()?;
                LedgerFact::BatchSkipped { batch: BatchId(batch), reason: finding.message.clone() }
            }
            Event::ApplicationEnd if self.streams.zero.is_some() => LedgerFact::Ended,
            _ => return None,
        })
    }
}
