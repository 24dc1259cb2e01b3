//! What was done, as counted in compare tables.

use super::Model;
use super::reads::is_restored;
use faultline_engine::event::{ReadRow, ReadTier, TaskMetrics};
use faultline_engine::ids::*;
use std::collections::BTreeMap;

/// What was done, as counted in compare tables. Partitions are counted as (operator, batch, partition).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Tally {
    /// Task attempts started.
    pub tasks: u64,
    /// Distinct-per-task (operator, batch, partition) computed from lineage.
    pub computed_partitions: u64,
    /// Of these, computed before in this application.
    pub computed_again: u64,
    /// Records delivered by computed partitions (result RDD of each operator).
    pub computed_records: u64,
    /// Partitions read from a stored block.
    pub cached_partitions_read: u64,
    /// Partitions read from a checkpoint.
    pub checkpoint_partitions_read: u64,
    /// Bytes read from checkpoints.
    pub checkpoint_bytes_read: u64,
    /// Map outputs written although they had been written before.
    pub map_outputs_rewritten: u64,
    /// Shuffle bytes fetched.
    pub shuffle_bytes_read: u64,
    /// Records read from sources.
    pub source_records_read: u64,
    /// Batch: processing time. Run: first to last event. Milliseconds, rounded down.
    pub time_ms: u64,
}

/// The price of persistence and checkpoints, paid also when nothing fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Upkeep {
    /// Bytes that executors hold now, in memory and on disk, all copies.
    pub cached_bytes: u64,
    /// The most they held at once.
    pub cached_bytes_peak: u64,
    /// Bytes of checkpoint parts written.
    pub checkpoint_bytes_written: u64,
}

/// What one task computed of one operator's partition. The operator's RDDs count as one.
struct Computed {
    ordinal: u32,
    records: u64,
    again: bool,
}

impl Tally {
    /// Adds what another tally counts; times do not add up and stay.
    pub fn add(&mut self, other: &Self) {
        let Self {
            tasks,
            computed_partitions,
            computed_again,
            computed_records,
            cached_partitions_read,
            checkpoint_partitions_read,
            checkpoint_bytes_read,
            map_outputs_rewritten,
            shuffle_bytes_read,
            source_records_read,
            time_ms: _,
        } = *other;
        let sums = [
            (&mut self.tasks, tasks),
            (&mut self.computed_partitions, computed_partitions),
            (&mut self.computed_again, computed_again),
            (&mut self.computed_records, computed_records),
            (&mut self.cached_partitions_read, cached_partitions_read),
            (&mut self.checkpoint_partitions_read, checkpoint_partitions_read),
            (&mut self.checkpoint_bytes_read, checkpoint_bytes_read),
            (&mut self.map_outputs_rewritten, map_outputs_rewritten),
            (&mut self.shuffle_bytes_read, shuffle_bytes_read),
            (&mut self.source_records_read, source_records_read),
        ];
        for (sum, more) in sums {
            *sum = sum.saturating_add(more);
        }
    }

    /// Bytes and records that a task moved, whether it succeeded or not.
    pub(super) fn of_traffic(metrics: &TaskMetrics) -> Self {
        Self {
            checkpoint_bytes_read: metrics.checkpoint_bytes_read,
            shuffle_bytes_read: metrics.shuffle_read.bytes,
            source_records_read: metrics.source_records,
            ..Self::default()
        }
    }
}

impl Model {
    /// What the whole run did, from the first event to the last.
    pub fn run_tally(&self) -> Tally {
        self.run
    }

    /// Adds work of a stage to the run and to the batch for which the stage runs.
    pub(super) fn count(&mut self, stage: StageId, done: &Tally) {
        self.run.add(done);
        if let Some(batch) = self.batch_of_stage(stage).and_then(|b| self.batch_mut(b)) {
            batch.tally.add(done);
        }
    }

    /// Counts the rows of one task. RDDs that read checkpoint files belong to no operator: what is read through them
    /// counts once, on the RDD that was checkpointed, or here where an earlier life of the driver had saved it.
    pub(super) fn tally_of_rows(&self, rows: &[ReadRow]) -> Tally {
        let mut tally = Tally::default();
        let mut computed: BTreeMap<(&OperatorName, Option<BatchId>, PartitionId), Computed> = BTreeMap::new();
        for row in rows {
            let Some(rdd) = self.rdds.get(&row.rdd) else { continue };
            if rdd.reads_checkpoint_files() {
                tally.checkpoint_partitions_read += u64::from(is_restored(rows, row));
                continue;
            }
            match row.tier {
                // What a source gave, from where it was stored: nothing was cached, and nothing computed.
                ReadTier::WriteAheadLog => {}
                ReadTier::LocalMemory | ReadTier::LocalDisk | ReadTier::Remote { .. } => {
                    tally.cached_partitions_read += 1;
                }
                ReadTier::Checkpoint => tally.checkpoint_partitions_read += 1,
                ReadTier::Computed => {
                    let op = &rdd.info.op;
                    let new = Computed { ordinal: op.ordinal, records: row.records, again: false };
                    let key = (&op.operator, op.batch, row.partition);
                    let entry = computed.entry(key).or_insert(new);
                    if op.ordinal > entry.ordinal {
                        (entry.ordinal, entry.records) = (op.ordinal, row.records);
                    }
                    entry.again |= row.cause.is_some();
                }
            }
        }
        for Computed { records, again, .. } in computed.into_values() {
            tally.computed_partitions += 1;
            tally.computed_again += u64::from(again);
            tally.computed_records = tally.computed_records.saturating_add(records);
        }
        tally
    }
}
