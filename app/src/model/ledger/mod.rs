//! The record-fate ledger: what became of everything that was received, by block, file or range, because the records
//! of one share their fate: received, stored where, logged, given to which batch, computed and output how often.
//!
//! It is a fold of [`LedgerFact`]s, which are made of events ([`facts`]), or read from a file that several lives of a
//! driver wrote. An output counts when its batch put it out: where the program has a sink, when the sink holds what
//! the batch was given; else each time an output operation of the batch ended well. For a window that is the batch
//! that was given the records, not the later ones that look back at them.

mod facts;
mod fold;
mod judge;
mod reads;
mod units;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod total;

pub use facts::{ComputedUnit, LedgerFact};
pub use units::{Count, Fate, InputUnit, LedgerUnit, Totals};

use faultline_engine::event::InputPlan;
use faultline_engine::ids::*;
use imbl::{OrdMap, OrdSet, Vector};
use reads::Reads;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Units that the ledger of a window follows; the totals count all.
pub const MAX_LEDGER_UNITS: usize = 20_000;
/// Batches that it follows.
const MAX_LEDGER_BATCHES: usize = 10_000;

/// Which stream of a history: one that begins anew numbers its blocks and batches again.
pub(super) type Beginning = u32;

/// A unit, and of which beginning it is.
type UnitKey = (Beginning, InputUnit);

/// What is known of a batch, as far as the fate of its input depends on it.
#[derive(Clone, Debug, Default, PartialEq)]
struct LedgerBatch {
    /// What it was given last.
    inputs: BTreeMap<StreamId, InputPlan>,
    /// Everything that it was ever given, or was to be given.
    units: OrdSet<InputUnit>,
    /// Its output operations.
    outputs: Vec<OutputOpId>,
    /// Drivers under which an output operation ended well, once for each time.
    done: OrdMap<OutputOpId, Vector<u64>>,
    /// The driver whose rows of it the sink holds, if that is known.
    held: OrdMap<OutputOpId, Option<u64>>,
    /// Its error, while nothing better is known.
    failure: Option<Arc<str>>,
    /// Nobody will run it again.
    skipped: bool,
}

/// What became of everything that was received.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ledger {
    beginning: Beginning,
    /// The epoch of the driver; 0 where there is none.
    driver: u64,
    /// Whether what is logged outlives the driver.
    checkpointed: bool,
    units: OrdMap<UnitKey, Arc<LedgerUnit>>,
    batches: OrdMap<(Beginning, BatchId), Arc<LedgerBatch>>,
    /// Oldest first.
    order: Vector<UnitKey>,
    /// Output operations that put batches into a sink.
    sinks: OrdSet<OutputOpId>,
    totals: Totals,
    reads: Reads,
    /// Whether everything is kept.
    unlimited: bool,
    /// What the last event said.
    news: Vector<Arc<LedgerFact>>,
}

impl Ledger {
    /// One that forgets nothing: for a file that is told as a whole.
    pub fn unlimited() -> Self {
        Self { unlimited: true, ..Self::default() }
    }

    /// How much was received, and what became of it.
    pub const fn totals(&self) -> &Totals {
        &self.totals
    }

    /// How many units are followed.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether nothing was received.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The units that are followed, newest first.
    pub fn newest(&self, at: usize) -> Option<&LedgerUnit> {
        let key = self.order.get(self.order.len().checked_sub(at + 1)?)?;
        self.units.get(key).map(|unit| &**unit)
    }

    /// The units that are followed, oldest first.
    pub fn units(&self) -> impl Iterator<Item = &LedgerUnit> {
        self.order.iter().filter_map(|key| self.units.get(key)).map(|unit| &**unit)
    }

    /// What the last event said that was about the fate of records.
    pub fn news(&self) -> impl Iterator<Item = &LedgerFact> {
        self.news.iter().map(|fact| &**fact)
    }

    /// Forgets the oldest units, one for each that is new, and their batches.
    fn retain(&mut self) {
        if self.unlimited {
            return;
        }
        if self.order.len() > MAX_LEDGER_UNITS
            && let Some(oldest) = self.order.pop_front()
        {
            self.units.remove(&oldest);
        }
        if self.batches.len() > MAX_LEDGER_BATCHES
            && let Some((&oldest, _)) = self.batches.get_min().map(|(key, batch)| (key, batch))
        {
            self.batches.remove(&oldest);
        }
    }
}
