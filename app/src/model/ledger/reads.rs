//! Which RDDs read the input of batches, and how often tasks computed their partitions since that was told last.

use super::Ledger;
use super::facts::ComputedUnit;
use super::units::InputUnit;
use faultline_engine::event::{InputPlan, RddInfo, ReadRow};
use faultline_engine::ids::*;
use imbl::OrdMap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Classes of RDDs whose partitions are blocks.
const OF_BLOCKS: [&str; 2] = ["BlockRDD", "WriteAheadLogBackedBlockRDD"];
/// The class of an RDD that reads one file of a directory.
const OF_FILE: &str = "NewHadoopRDD";
/// The class of an RDD that reads a range.
const OF_RANGE: &str = "TextReplayRDD";

/// What an RDD reads.
#[derive(Clone, Debug, PartialEq)]
enum InputOf {
    Blocks(StreamId),
    Unit(InputUnit),
}

/// Of an input of a batch, how often each partition was computed, with its records.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Read {
    batch: BatchId,
    input: InputOf,
    partitions: BTreeMap<PartitionId, (u64, u64)>,
}

/// What tasks read of the input of batches.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Reads {
    rdds: OrdMap<RddId, Arc<(BatchId, InputOf)>>,
    /// What was not told yet.
    untold: OrdMap<RddId, Arc<Read>>,
    /// The epoch that the driver took before its stream started, and whether it goes on.
    pub took: Option<(u64, bool)>,
}

impl Reads {
    /// An RDD was announced; `stream` is the input stream of an operator, if it is one.
    pub fn registered(&mut self, rdd: &RddInfo, stream: impl Fn(&OperatorName) -> Option<StreamId>) {
        let Some(batch) = rdd.op.batch else { return };
        let input = match rdd.class.as_str() {
            class if OF_BLOCKS.contains(&class) => stream(&rdd.op.operator).map(InputOf::Blocks),
            OF_FILE => stream(&rdd.op.operator)
                .zip(rdd.name.clone())
                .map(|(stream, path)| InputOf::Unit(InputUnit::File { stream, path })),
            OF_RANGE => stream(&rdd.op.operator).map(|stream| InputOf::Unit(InputUnit::Range { stream, batch })),
            _ => None,
        };
        if let Some(input) = input {
            self.rdds.insert(rdd.id, Arc::new((batch, input)));
        }
    }

    /// An RDD can no longer be read.
    pub fn released(&mut self, rdd: RddId) {
        self.rdds.remove(&rdd);
    }

    /// A task did what its rows say.
    pub fn task_ended(&mut self, rows: &[ReadRow]) {
        if self.rdds.is_empty() {
            return;
        }
        for row in rows {
            let Some(of) = self.rdds.get(&row.rdd) else { continue };
            let new = || Arc::new(Read { batch: of.0, input: of.1.clone(), partitions: BTreeMap::new() });
            let read = Arc::make_mut(self.untold.entry(row.rdd).or_insert_with(new));
            let (times, records) = read.partitions.entry(row.partition).or_default();
            *times += 1;
            *records = row.records;
        }
    }

    /// What was computed since the last time, by batch.
    pub fn take(&mut self) -> BTreeMap<BatchId, Vec<Arc<Read>>> {
        let mut batches: BTreeMap<BatchId, Vec<Arc<Read>>> = BTreeMap::new();
        for (_, read) in std::mem::take(&mut self.untold) {
            batches.entry(read.batch).or_default().push(read);
        }
        batches
    }

    /// The driver is gone, and its RDDs with it.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}

impl Ledger {
    /// What of the input of a batch was computed. A file or a range counts as often as its part that was computed
    /// most often.
    pub(super) fn computed_units(&self, batch: BatchId, read: &[Arc<Read>]) -> Vec<ComputedUnit> {
        let known = self.batches.get(&(self.beginning, batch));
        let mut units = Vec::new();
        for read in read {
            let partitions = &read.partitions;
            match &read.input {
                InputOf::Unit(unit) => {
                    let times = partitions.values().map(|(times, _)| *times).max().unwrap_or(0);
                    let records = partitions.values().fold(0_u64, |sum, (_, records)| sum.saturating_add(*records));
                    units.push(ComputedUnit { unit: unit.clone(), times, records });
                }
                InputOf::Blocks(stream) => {
                    let plan = known.and_then(|batch| batch.inputs.get(stream));
                    let Some(InputPlan::Blocks { blocks }) = plan else { continue };
                    for (partition, (times, records)) in partitions {
                        let Some(block) = blocks.get(partition.0 as usize) else { continue };
                        let (unit, times, records) = (InputUnit::Block(block.id), *times, *records);
                        units.push(ComputedUnit { unit, times, records });
                    }
                }
            }
        }
        units
    }
}
