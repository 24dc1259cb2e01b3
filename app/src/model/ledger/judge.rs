//! The judgement of the ledger: what became of a unit, from what is known of it and of its batch.

use super::units::{Fate, LedgerUnit};
use super::{Beginning, Ledger, LedgerBatch, UnitKey};
use faultline_engine::ids::*;
use std::sync::Arc;

impl Ledger {
    /// Judges a unit again.
    pub(super) fn judge(&mut self, key: &UnitKey) {
        let Some(unit) = self.units.get(key) else { return };
        let batch = unit.batch.and_then(|batch| self.batches.get(&(key.0, batch)));
        let (least, most) = batch.map_or((0, 0), |batch| self.outputs(unit, batch));
        let (fate, reason) = match (least, most) {
            (0, _) => why_absent(unit, batch.map(|batch| &**batch)),
            (_, 1) => (Fate::Once, None),
            _ => (Fate::Duplicated, Some(format!("an output operation put it out {most} times").into())),
        };
        if (unit.fate, unit.outputs, &unit.reason) == (fate, most, &reason) {
            return;
        }
        let (before, count) = (unit.fate, unit.count());
        *self.totals.of_mut(before) -= count;
        *self.totals.of_mut(fate) += count;
        if let Some(unit) = self.units.get_mut(key).map(Arc::make_mut) {
            unit.fate = fate;
            unit.outputs = most;
            unit.reason = reason;
        }
    }

    /// Which output operations count is known better now.
    pub(super) fn judge_batches(&mut self) {
        let beginning: Beginning = self.beginning;
        let keys: Vec<UnitKey> = self
            .batches
            .range((beginning, BatchId(0))..)
            .flat_map(|(_, batch)| batch.units.iter().map(|unit| (beginning, unit.clone())))
            .collect();
        keys.iter().for_each(|key| self.judge(key));
    }

    /// How often the output operations that count put it out: the one that did so least often, and the one that did
    /// so most often.
    fn outputs(&self, unit: &LedgerUnit, batch: &LedgerBatch) -> (u64, u64) {
        let into_sinks = || batch.outputs.iter().filter(|op| self.sinks.contains(*op));
        let times: Vec<u64> = if into_sinks().next().is_some() {
            into_sinks().map(|op| held(unit, batch.held.get(op))).collect()
        } else {
            let ended = |op| batch.done.get(op).into_iter().flatten();
            let counts = |op| ended(op).filter(|driver| unit.given_by.contains(driver)).count() as u64;
            batch.outputs.iter().map(counts).collect()
        };
        (times.iter().copied().min().unwrap_or(0), times.iter().copied().max().unwrap_or(0))
    }
}

/// Whether a sink holds it: when the driver whose rows it holds had it.
fn held(unit: &LedgerUnit, by: Option<&Option<u64>>) -> u64 {
    match by {
        None => 0,
        Some(Some(driver)) => u64::from(unit.given_by.contains(driver)),
        Some(None) => u64::from(!unit.given_by.is_empty()),
    }
}

fn why_absent(unit: &LedgerUnit, batch: Option<&LedgerBatch>) -> (Fate, Option<Arc<str>>) {
    let failure = batch.and_then(|batch| batch.failure.clone());
    match &unit.gone {
        Some(gone) => (Fate::Lost, Some(Arc::clone(gone))),
        None if batch.is_some_and(|batch| batch.skipped) => (Fate::Lost, failure),
        None => (Fate::Pending, failure),
    }
}
