//! Stored partitions: operator and batch by executor, and by checkpoint. A cell says what is there; the
//! row says what was meant to be there.

use super::{ExecutorColumn, columns, recovering};
use crate::model::{BlockCopy, Cell, Model, PartitionState, RddState, Sign};
use faultline_engine::event::StorageLevel;
use faultline_engine::ids::*;
use std::collections::{BTreeMap, BTreeSet};

/// The table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matrix {
    /// Executors.
    pub executors: Vec<ExecutorColumn>,
    /// Operators that keep data, the one that stored last on top.
    pub operators: Vec<OperatorStorage>,
}

/// One operator.
#[derive(Clone, Debug, PartialEq)]
pub struct OperatorStorage {
    /// Its name.
    pub operator: OperatorName,
    /// Its RDDs that keep data, newest first.
    pub rdds: Vec<RddStorage>,
}

/// One RDD: intent, and fact by place.
#[derive(Clone, Debug, PartialEq)]
pub struct RddStorage {
    /// Which.
    pub rdd: RddId,
    /// The batch that made it.
    pub batch: Option<BatchId>,
    /// The level that the program set.
    pub level: StorageLevel,
    /// Partitions.
    pub partitions: u32,
    /// Of these, with a copy in some executor.
    pub cached: u32,
    /// With fewer copies than the level asks for, but at least one.
    pub under_replicated: u32,
    /// Lost and not replaced.
    pub lost: u32,
    /// Evicted and not replaced.
    pub evicted: u32,
    /// Bytes in memory, all copies.
    pub memory_bytes: u64,
    /// Bytes on disk, all copies.
    pub disk_bytes: u64,
    /// How far its checkpoint is.
    pub checkpoint: CheckpointFact,
    /// By executor column, in partition order.
    pub cells: Vec<Vec<MatrixCell>>,
    /// In the reliable store.
    pub checkpointed: Vec<MatrixCell>,
}

/// How far the checkpoint of an RDD is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckpointFact {
    /// Nobody asked for one.
    None,
    /// Asked for, not begun.
    Marked,
    /// Its job runs.
    Writing,
    /// There.
    Written,
}

/// Where a cell of the table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The column of this index.
    Executor(usize),
    /// The reliable store.
    Checkpoint,
}

/// One partition in one place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MatrixCell {
    /// What it shows there.
    pub cell: Cell,
    /// How much is there.
    pub copy: BlockCopy,
}

impl RddStorage {
    /// The cells of a place.
    pub fn at(&self, place: Place) -> &[MatrixCell] {
        match place {
            Place::Executor(column) => self.cells.get(column).map_or(&[], Vec::as_slice),
            Place::Checkpoint => &self.checkpointed,
        }
    }
}

impl OperatorStorage {
    /// How many partitions of all its RDDs show each sign in a place.
    pub fn counts(&self, place: Place) -> Vec<(Sign, u32)> {
        cell_counts(self.rdds.iter().flat_map(|r| r.at(place)))
    }

    /// The level of its newest RDD: what the program asks for now.
    pub fn level(&self) -> StorageLevel {
        self.rdds.first().map_or(StorageLevel::NONE, |r| r.level)
    }

    /// A sum over its RDDs.
    pub fn sum(&self, of: impl Fn(&RddStorage) -> u32) -> u32 {
        self.rdds.iter().map(of).fold(0, u32::saturating_add)
    }
}

/// How many cells show each sign, in alphabet order.
pub fn cell_counts<'a>(cells: impl IntoIterator<Item = &'a MatrixCell>) -> Vec<(Sign, u32)> {
    let mut counts = BTreeMap::new();
    for cell in cells {
        *counts.entry(cell.cell.sign).or_insert(0) += 1;
    }
    counts.into_iter().collect()
}

/// The table of every RDD that keeps data, was meant to, or lost some.
pub fn matrix(model: &Model) -> Matrix {
    let shown: Vec<&RddState> = model.rdds.values().map(AsRef::as_ref).filter(|r| keeps(r)).collect();
    let lost: BTreeSet<ExecutorId> =
        shown.iter().flat_map(|r| &r.partitions).filter(|p| is_lost(p)).filter_map(|p| p.lost_with).collect();
    let executors = columns(model, |id| lost.contains(&id) || recovering(model, id));
    let mut operators: BTreeMap<&OperatorName, Vec<RddStorage>> = BTreeMap::new();
    // Newest first, within each operator.
    for rdd in shown.into_iter().rev() {
        operators.entry(&rdd.info.op.operator).or_default().push(rdd_storage(model, rdd, &executors));
    }
    let mut operators: Vec<OperatorStorage> =
        operators.into_iter().map(|(name, rdds)| OperatorStorage { operator: name.clone(), rdds }).collect();
    operators.sort_by_key(|o| std::cmp::Reverse(o.rdds.first().map(|r| r.rdd)));
    Matrix { executors, operators }
}

/// Whether the table has a row for it. Released RDDs only while executors still hold something.
fn keeps(rdd: &RddState) -> bool {
    if rdd.reads_checkpoint_files() {
        return false;
    }
    if rdd.released {
        return rdd.info.level.is_valid() && rdd.partitions.iter().any(|p| !p.copies.is_empty());
    }
    rdd.info.level.is_valid() || rdd.checkpoint_marked || rdd.checkpoint_writing || rdd.checkpoint_path.is_some()
}

fn is_lost(partition: &PartitionState) -> bool {
    partition.copies.is_empty() && partition.lost_with.is_some()
}

fn rdd_storage(model: &Model, rdd: &RddState, executors: &[ExecutorColumn]) -> RddStorage {
    let column = |id: ExecutorId| executors.iter().position(|e| e.id == id);
    let written = rdd.checkpoint_path.is_some();
    let mut row = RddStorage {
        rdd: rdd.info.id,
        batch: rdd.info.op.batch,
        level: rdd.info.level,
        partitions: rdd.info.num_partitions,
        cached: 0,
        under_replicated: 0,
        lost: 0,
        evicted: 0,
        memory_bytes: 0,
        disk_bytes: 0,
        checkpoint: match (written, rdd.checkpoint_writing, rdd.checkpoint_marked) {
            (true, _, _) => CheckpointFact::Written,
            (_, true, _) => CheckpointFact::Writing,
            (_, _, true) => CheckpointFact::Marked,
            _ => CheckpointFact::None,
        },
        cells: vec![Vec::new(); executors.len()],
        checkpointed: Vec::new(),
    };
    let parts = model.checkpoints.get(&rdd.info.id).map(|c| c.parts.as_slice()).unwrap_or_default();
    for (id, state) in (0..).map(PartitionId).zip(&rdd.partitions) {
        let cell = rdd.cell(id);
        row.count(rdd, state, cell);
        for (at, copy) in &state.copies {
            let sign = if copy.in_memory() { Sign::InMemory } else { Sign::OnDisk };
            if let Some(column) = column(*at) {
                row.cells[column].push(MatrixCell { cell: Cell { sign, ..cell }, copy: *copy });
            }
        }
        if let Some(column) = state.lost_with.filter(|_| state.copies.is_empty()).and_then(column) {
            let lost = Cell { sign: Sign::Lost, copies: 0, recomputed: false, ..cell };
            row.cells[column].push(MatrixCell { cell: lost, copy: BlockCopy::default() });
        }
        if state.copies.is_empty() {
            for task in &state.computing {
                let at = model.tasks.get(task).and_then(|t| column(t.info.executor));
                if let Some(column) = at {
                    row.cells[column].push(MatrixCell { cell, copy: BlockCopy::default() });
                }
            }
        }
        if written {
            let sign = if state.read_back { Sign::ReadBack } else { Sign::CheckpointPart };
            let part = Cell { partition: id, sign, copies: 0, checkpointed: true, recomputed: false };
            let bytes = parts.get(id.0 as usize).map_or(0, |p| p.bytes);
            row.checkpointed.push(MatrixCell { cell: part, copy: BlockCopy { memory_bytes: 0, disk_bytes: bytes } });
        }
    }
    row
}

impl RddStorage {
    fn count(&mut self, rdd: &RddState, state: &PartitionState, cell: Cell) {
        let copies = state.copies.len();
        self.cached += u32::from(copies > 0);
        self.under_replicated += u32::from(copies > 0 && copies < usize::from(rdd.info.level.replication));
        self.lost += u32::from(is_lost(state));
        self.evicted += u32::from(cell.sign == Sign::Evicted);
        for copy in state.copies.values() {
            self.memory_bytes = self.memory_bytes.saturating_add(copy.memory_bytes);
            self.disk_bytes = self.disk_bytes.saturating_add(copy.disk_bytes);
        }
    }
}
