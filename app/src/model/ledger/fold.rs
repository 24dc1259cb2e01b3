//! The fold of the ledger: one small function per fact. It fails on none.

use super::units::{Count, Fate, InputUnit, LedgerUnit};
use super::{Ledger, LedgerBatch, LedgerFact};
use faultline_engine::event::*;
use faultline_engine::ids::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Why a block is gone that a former driver held in its executors.
const WITH_THE_DRIVER: &str = "the driver was lost, and with it the executors that held it; no log has it";
/// Why something is lost that nobody looks at any more.
const BEGAN_ANEW: &str = "the stream began anew, without what was received before";
/// The same at the end.
const RUN_ENDED: &str = "the run ended before it was put out, and no log has it";

impl Ledger {
    /// Folds one fact.
    pub fn fold(&mut self, fact: &LedgerFact) {
        match fact {
            LedgerFact::LifeBegan { .. } | LedgerFact::Totals(_) => {}
            LedgerFact::StreamStarted { epoch, continues } => self.stream_started(*epoch, *continues),
            LedgerFact::Received { block, holders } => self.received(block, holders),
            LedgerFact::Recovered { blocks } => blocks.iter().for_each(|block| self.recovered(block)),
            LedgerFact::Given { batch, outputs, inputs } => self.given(*batch, outputs, inputs),
            LedgerFact::Gone(lost) => self.gone(lost),
            LedgerFact::Refused(refused) => self.refused(refused),
            LedgerFact::Dropped(lost) => self.dropped(lost),
            LedgerFact::Computed { batch: _, units } => {
                for computed in units {
                    self.change(&computed.unit, |unit| {
                        unit.computed = unit.computed.saturating_add(computed.times);
                        unit.records.get_or_insert(computed.records);
                    });
                }
            }
            LedgerFact::OutputDone { batch, output_op } => {
                let driver = self.driver;
                self.change_batch(*batch, |batch| batch.done.entry(*output_op).or_default().push_back(driver));
            }
            LedgerFact::Committed { batch, output_op, written_by } => {
                let is_new = self.sinks.insert(*output_op).is_none();
                self.change_batch(*batch, |batch| {
                    batch.held.insert(*output_op, *written_by);
                });
                if is_new {
                    self.judge_batches();
                }
            }
            LedgerFact::BatchFailed { batch, error } => {
                self.change_batch(*batch, |batch| batch.failure = Some(format!("its batch failed: {error}").into()));
            }
            LedgerFact::BatchSkipped { batch, reason } => self.change_batch(*batch, |batch| {
                batch.failure = Some(format!("its batch failed: {reason}").into());
                batch.skipped = true;
            }),
            LedgerFact::Ended => self.ended(),
        }
    }

    /// The unit, which counts from now on if it did not.
    pub(super) fn change(&mut self, unit: &InputUnit, change: impl FnOnce(&mut LedgerUnit)) {
        let key = (self.beginning, unit.clone());
        if !self.units.contains_key(&key) {
            self.order.push_back(key.clone());
            self.units.insert(key.clone(), Arc::new(LedgerUnit::new(unit.clone(), None)));
            let one = Count { units: 1, records: 0 };
            self.totals.received += one;
            self.totals.pending += one;
            self.retain();
        }
        let Some(state) = self.units.get_mut(&key).map(Arc::make_mut) else { return };
        let (before, fate) = (state.count(), state.fate);
        change(state);
        let after = state.count();
        self.totals.received -= before;
        self.totals.received += after;
        *self.totals.of_mut(fate) -= before;
        *self.totals.of_mut(fate) += after;
        self.judge(&key);
    }

    /// The batch, and then what it says about the fate of its input.
    pub(super) fn change_batch(&mut self, id: BatchId, change: impl FnOnce(&mut LedgerBatch)) {
        let batch = Arc::make_mut(self.batches.entry((self.beginning, id)).or_default());
        change(batch);
        let units = batch.units.clone();
        for unit in units {
            self.judge(&(self.beginning, unit));
        }
    }

    fn stream_started(&mut self, epoch: Option<u64>, continues: bool) {
        if !(continues && epoch.is_some_and(|epoch| epoch > 1)) {
            self.close(BEGAN_ANEW, |_| true);
            self.beginning = self.beginning.saturating_add(1);
            self.sinks.clear();
        }
        self.driver = epoch.unwrap_or(0);
        self.checkpointed = epoch.is_some();
    }

    fn received(&mut self, block: &AddedBlock, holders: &[ExecutorId]) {
        self.totals.dropped_again = self.totals.dropped_again.saturating_add(block.duplicates);
        self.change(&InputUnit::Block(block.block), |unit| {
            unit.records = Some(block.records);
            unit.executor = Some(block.executor);
            unit.holders = holders.to_vec();
            unit.segment = block.segment;
            unit.clients.clone_from(&block.clients);
        });
    }

    fn recovered(&mut self, block: &RecoveredBlock) {
        let unit = InputUnit::Block(block.id);
        if let Some(batch) = block.batch {
            self.belongs(&unit, batch);
        }
        self.change(&unit, |unit| {
            unit.records = Some(block.records);
            unit.batch = block.batch.or(unit.batch);
            unit.gone = (!block.logged).then(|| WITH_THE_DRIVER.into());
        });
    }

    fn belongs(&mut self, unit: &InputUnit, batch: BatchId) {
        let batch = self.batches.entry((self.beginning, batch)).or_default();
        Arc::make_mut(batch).units.insert(unit.clone());
    }

    fn given(&mut self, id: BatchId, outputs: &[OutputOpId], inputs: &BTreeMap<StreamId, InputPlan>) {
        let driver = self.driver;
        let units: Vec<(InputUnit, Option<u64>)> =
            inputs.iter().flat_map(|(stream, plan)| InputUnit::of_plan(*stream, id, plan)).collect();
        for (unit, records) in &units {
            self.belongs(unit, id);
            self.change(unit, |unit| {
                unit.records = unit.records.or(*records);
                unit.batch = Some(id);
                unit.gone = None;
                if !unit.given_by.contains(&driver) {
                    unit.given_by.push(driver);
                }
            });
        }
        self.change_batch(id, |batch| {
            batch.inputs.clone_from(inputs);
            batch.outputs = outputs.to_vec();
            batch.failure = None;
            batch.skipped = false;
        });
    }

    fn gone(&mut self, lost: &LostBlocks) {
        let reason: Arc<str> = lost.reason.as_str().into();
        for block in &lost.blocks {
            let unit = InputUnit::Block(block.id);
            self.belongs(&unit, lost.batch);
            self.change(&unit, |unit| {
                unit.records = Some(block.records);
                unit.batch = Some(lost.batch);
                unit.gone = Some(Arc::clone(&reason));
            });
        }
    }

    fn refused(&mut self, refused: &RefusedBlock) {
        if refused.resent {
            self.totals.refused = self.totals.refused.saturating_add(refused.records);
            return;
        }
        self.change(&InputUnit::Block(refused.block), |unit| {
            unit.records = Some(refused.records);
            unit.gone = Some(format!("it was not accepted: {}", refused.reason).into());
        });
    }

    fn dropped(&mut self, lost: &LostRecords) {
        // Every unit has a number of its own.
        let number = self.totals.received.units;
        self.change(&InputUnit::Gathered { stream: lost.stream, number }, |unit| {
            unit.records = Some(lost.records);
            unit.executor = Some(lost.executor);
            unit.gone = Some(lost.reason.as_str().into());
        });
    }

    /// Blocks went with their executors; what is logged, and what others keep, waits for the next start.
    fn ended(&mut self) {
        let checkpointed = self.checkpointed;
        self.close(RUN_ENDED, |unit| {
            let kept = unit.segment.is_some() && checkpointed;
            matches!(unit.unit, InputUnit::Block(_)) && !kept
        });
    }

    /// What is pending and ends like that is lost.
    fn close(&mut self, reason: &str, ends: impl Fn(&LedgerUnit) -> bool) {
        let reason: Arc<str> = reason.into();
        let first = (self.beginning, InputUnit::Block(InputBlockId { stream: StreamId(0), number: 0 }));
        let pending = self.units.range(first..).filter(|(_, unit)| unit.fate == Fate::Pending && ends(unit));
        let pending: Vec<InputUnit> = pending.map(|((_, unit), _)| unit.clone()).collect();
        for unit in &pending {
            self.change(unit, |unit| unit.gone = Some(Arc::clone(&reason)));
        }
    }
}
