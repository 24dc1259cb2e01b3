//! How long things take under the virtual clock: records and bytes times a cost, plus seeded jitter.
//!
//! The numbers are of the order of a small cluster of JVM executors, scaled so that a batch of the
//! demo takes a fifth of its interval; only their ratios matter.

use crate::event::{ReadTier, StorageLevel};
use std::cell::Cell;

/// Costs in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CostTable {
    /// Launching a task and returning its result.
    pub task: u64,
    /// Computing one record in one operator.
    pub record: u64,
    /// Reading one record of a stored block.
    pub stored_record: u64,
    /// Opening a block of another executor.
    pub remote_block: u64,
    /// Moving a byte over the network.
    pub network_byte: u64,
    /// Reading or writing a byte on the executor's disk.
    pub disk_byte: u64,
    /// Serializing a record.
    pub encode_record: u64,
    /// Opening or creating a file of the reliable store.
    pub store_file: u64,
    /// Syncing a log of the reliable store.
    pub store_sync: u64,
    /// Moving a byte to or from the reliable store.
    pub store_byte: u64,
    /// Decoding a record of a checkpoint.
    pub decode_record: u64,
}

impl Default for CostTable {
    fn default() -> Self {
        Self {
            task: 6_000_000,
            record: 60_000,
            stored_record: 4_000,
            remote_block: 1_500_000,
            network_byte: 20,
            disk_byte: 10,
            encode_record: 6_000,
            store_file: 15_000_000,
            store_sync: 4_000_000,
            store_byte: 50,
            decode_record: 12_000,
        }
    }
}

impl CostTable {
    /// With a reliable store that is so many times slower.
    #[must_use]
    pub fn with_slow_store(mut self, factor: f64) -> Self {
        let slower = |cost: u64| (cost as f64 * factor) as u64;
        self.store_file = slower(self.store_file);
        self.store_sync = slower(self.store_sync);
        self.store_byte = slower(self.store_byte);
        self
    }

    /// One synced write of so many bytes to a log of the reliable store.
    pub const fn log_write(&self, bytes: u64) -> u64 {
        self.store_sync.saturating_add(bytes.saturating_mul(self.store_byte))
    }

    /// One file of so many bytes of the reliable store. Only its costs are multiplied without a limit.
    const fn store(&self, bytes: u64) -> u64 {
        self.store_file.saturating_add(bytes.saturating_mul(self.store_byte))
    }
}

/// The time that a task has used: modelled, or measured by whoever has a clock.
pub struct CostMeter {
    table: Option<CostTable>,
    measure: Option<Box<dyn Fn() -> u64>>,
    /// Slowness of the executor times jitter of the task.
    factor: f64,
    spent: Cell<u64>,
}

impl CostMeter {
    /// Stands still.
    pub const fn idle() -> Self {
        Self { table: None, measure: None, factor: 1.0, spent: Cell::new(0) }
    }

    /// Models nothing; `measure` gives the nanoseconds since launch.
    pub fn measured(measure: Box<dyn Fn() -> u64>) -> Self {
        Self { measure: Some(measure), ..Self::idle() }
    }

    /// Adds up modelled costs; `factor` multiplies each.
    pub fn modelled(table: CostTable, factor: f64) -> Self {
        let meter = Self { table: Some(table), factor, ..Self::idle() };
        meter.add(|t| t.task);
        meter
    }

    /// Modelled nanoseconds since launch; 0 when durations are measured.
    pub fn now(&self) -> u64 {
        self.spent.get()
    }

    /// Nanoseconds since launch, modelled or measured.
    pub fn elapsed(&self) -> u64 {
        self.measure.as_ref().map_or_else(|| self.spent.get(), |measure| measure())
    }

    fn add(&self, cost: impl Fn(&CostTable) -> u64) {
        if let Some(table) = &self.table {
            let more = (cost(table) as f64 * self.factor) as u64;
            self.spent.set(self.spent.get().saturating_add(more));
        }
    }

    pub(crate) fn wait_until(&self, ready_ns: u64) {
        if self.table.is_some() {
            self.spent.set(self.spent.get().max(ready_ns));
        }
    }

    pub(crate) fn read(&self, tier: ReadTier, bytes: u64) {
        match tier {
            ReadTier::LocalDisk => self.add(|t| bytes * t.disk_byte),
            ReadTier::Remote { .. } => self.add(|t| t.remote_block + bytes * t.network_byte),
            ReadTier::LocalMemory | ReadTier::Checkpoint | ReadTier::WriteAheadLog | ReadTier::Computed => {}
        }
    }

    pub(crate) fn records(&self, tier: ReadTier, records: u64) {
        match tier {
            ReadTier::Computed => self.add(|t| records * t.record),
            // The reading RDD and the RDD it replaces both pass the boundary; half each.
            ReadTier::Checkpoint => self.add(|t| records * t.decode_record / 2),
            ReadTier::WriteAheadLog => self.add(|t| records * t.decode_record),
            ReadTier::LocalMemory | ReadTier::LocalDisk | ReadTier::Remote { .. } => {
                self.add(|t| records * t.stored_record);
            }
        }
    }

    pub(crate) fn put(&self, level: StorageLevel, bytes: u64, records: u64) {
        if !level.deserialized {
            self.add(|t| records * t.encode_record);
        }
        if level.use_disk && !level.use_memory {
            self.add(|t| bytes * t.disk_byte);
        }
    }

    pub(crate) fn replicate(&self, bytes: u64) {
        self.add(|t| t.remote_block + bytes * t.network_byte);
    }

    pub(crate) fn fetch(&self, remote: bool, bytes: u64, records: u64) {
        self.add(|t| records * t.stored_record + if remote { t.remote_block + bytes * t.network_byte } else { 0 });
    }

    pub(crate) fn shuffle_write(&self, bytes: u64, records: u64) {
        self.add(|t| records * t.encode_record + bytes * t.disk_byte);
    }

    pub(crate) fn checkpoint_write(&self, bytes: u64, records: u64) {
        self.add(|t| t.store(bytes).saturating_add(records * t.encode_record));
    }

    pub(crate) fn log_read(&self, bytes: u64) {
        self.add(|t| t.store(bytes));
    }

    pub(crate) fn checkpoint_read(&self, bytes: u64) {
        self.add(|t| t.store(bytes));
    }
}
