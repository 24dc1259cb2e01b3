//! Map outputs: shuffle by executor, one tick per output as on the loom.

use super::{ExecutorColumn, columns, recovering};
use crate::model::{MapOutputSign, Model, ShuffleState};
use crate::scene::Tick;
use faultline_engine::ids::*;
use std::collections::BTreeSet;

/// Shuffles listed; older ones are counted.
pub const MAX_SHUFFLES: usize = 500;

/// The table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MapOutputs {
    /// Executors.
    pub executors: Vec<ExecutorColumn>,
    /// Shuffles that are not removed, newest first.
    pub rows: Vec<MapOutputRow>,
    /// Older shuffles that have no row.
    pub hidden: usize,
}

/// One shuffle.
#[derive(Clone, Debug, PartialEq)]
pub struct MapOutputRow {
    /// Which.
    pub shuffle: ShuffleId,
    /// The map-side RDD.
    pub rdd: RddId,
    /// Its operator and batch.
    pub op: Option<OpKey>,
    /// Outputs expected.
    pub expected: usize,
    /// Of these, there now.
    pub present: usize,
    /// Of those, written again since the last fault.
    pub rewritten: usize,
    /// Lost and not replaced.
    pub lost: usize,
    /// Map partition and its tick, by executor column.
    pub cells: Vec<Vec<(PartitionId, Tick)>>,
}

/// The table of all shuffles that somebody may still read.
pub fn map_outputs(model: &Model) -> MapOutputs {
    let live = || model.shuffles.iter().rev().filter(|(_, s)| !s.removed);
    let shown: Vec<_> = live().take(MAX_SHUFFLES).collect();
    let lost: BTreeSet<ExecutorId> =
        shown.iter().flat_map(|(_, s)| s.outputs.iter()).filter_map(|o| o.lost_with).collect();
    let executors = columns(model, |id| lost.contains(&id) || recovering(model, id));
    let rows = shown.iter().map(|(id, state)| row(model, **id, state, &executors)).collect();
    MapOutputs { rows, hidden: live().count().saturating_sub(MAX_SHUFFLES), executors }
}

fn row(model: &Model, shuffle: ShuffleId, state: &ShuffleState, executors: &[ExecutorColumn]) -> MapOutputRow {
    let mut row = MapOutputRow {
        shuffle,
        rdd: state.rdd,
        op: model.rdds.get(&state.rdd).map(|r| r.info.op.clone()),
        expected: state.outputs.len(),
        present: 0,
        rewritten: 0,
        lost: 0,
        cells: vec![Vec::new(); executors.len()],
    };
    for (map, output) in (0..).map(PartitionId).zip(&state.outputs) {
        let tick = match output.sign() {
            MapOutputSign::Absent => continue,
            MapOutputSign::Present => Tick::Present,
            MapOutputSign::Rewritten => Tick::Rewritten,
            MapOutputSign::Lost => Tick::Lost,
        };
        row.lost += usize::from(tick == Tick::Lost);
        row.rewritten += usize::from(tick == Tick::Rewritten);
        row.present += usize::from(tick != Tick::Lost);
        let at = output.executor.or(output.lost_with);
        if let Some(column) = executors.iter().position(|e| Some(e.id) == at) {
            row.cells[column].push((map, tick));
        }
    }
    row
}
