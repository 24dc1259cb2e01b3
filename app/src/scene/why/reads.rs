//! What a task read: as it recorded it, or, while it runs, as the lineage and the stored blocks tell.

use super::names::Tense;
use crate::model::{Model, judge, narrow_parents};
use faultline_engine::event::{ReadTier, RecomputeCause};
use faultline_engine::ids::*;
use std::collections::BTreeSet;

/// Rows looked at; a longer record is cut short, which the chain says.
const MAX_ROWS: usize = 20_000;
/// Partitions derived for a running task.
const MAX_DERIVED: usize = 4_096;

/// Where a partition came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Memory of an executor.
    Memory(ExecutorId),
    /// Disk of an executor.
    Disk(ExecutorId),
    /// Another executor, which says not from which of the two.
    Remote(ExecutorId),
    /// A checkpoint file.
    Checkpoint,
    /// The write-ahead log of its receiver.
    WriteAheadLog,
    /// Its parents or its source.
    Computed,
}

/// One partition that a task read or computed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read {
    pub block: BlockId,
    pub origin: Origin,
    /// The row that asked for it.
    pub needed_by: Option<usize>,
    /// Why it was computed again, as recorded.
    pub cause: Option<RecomputeCause>,
    /// It had been computed before.
    pub repeats: bool,
    /// The work exists because something was lost.
    pub loss: bool,
    /// Records delivered, once known.
    pub records: Option<u64>,
}

/// What one task read, in the order in which it asked, parents of a row behind it.
#[derive(Debug)]
pub(super) struct Reads {
    pub rows: Vec<Read>,
    pub task: Option<TaskId>,
    /// When the task was launched; a fact of later cannot explain what it read.
    pub launched: Timestamp,
    pub tense: Tense,
    /// There are more rows than are looked at.
    pub cut_short: bool,
}

impl Reads {
    /// The rows of a task, as recorded or, as long as it runs, derived. `None` when neither is there.
    pub(super) fn of_task(model: &Model, task: TaskId) -> Option<Self> {
        let state = model.tasks.get(&task)?;
        if state.end.is_some() {
            return Self::recorded(model, task);
        }
        let stage = model.stages.get(&state.info.stage.stage)?;
        let output =
            stage.info.shuffle.and_then(|s| model.shuffles.get(&s)?.outputs.get(state.info.partition.0 as usize));
        let rewrites = output.is_some_and(|o| o.executor.is_none() && o.lost_with.is_some());
        let root = BlockId::new(stage.info.rdd, state.info.partition);
        let mut reads = Self::derived(model, root, rewrites);
        (reads.task, reads.launched) = (Some(task), state.info.launched);
        Some(reads)
    }

    fn recorded(model: &Model, task: TaskId) -> Option<Self> {
        let state = model.tasks.get(&task)?;
        let metrics = &state.metrics;
        if metrics.reads.is_empty() {
            return None;
        }
        let own = state.info.executor;
        let read = |judged: crate::model::JudgedRow<'_>| Read {
            block: BlockId::new(judged.row.rdd, judged.row.partition),
            origin: match judged.row.tier {
                ReadTier::LocalMemory => Origin::Memory(own),
                ReadTier::LocalDisk => Origin::Disk(own),
                ReadTier::Remote { executor } => Origin::Remote(executor),
                ReadTier::Checkpoint => Origin::Checkpoint,
                ReadTier::WriteAheadLog => Origin::WriteAheadLog,
                ReadTier::Computed => Origin::Computed,
            },
            needed_by: judged.row.needed_by.map(|n| n as usize),
            cause: judged.row.cause,
            repeats: judged.row.cause.is_some(),
            loss: judged.because_of_loss,
            records: Some(judged.row.records),
        };
        Some(Self {
            rows: judge(metrics).into_iter().take(MAX_ROWS).map(read).collect(),
            task: Some(task),
            launched: state.info.launched,
            tense: Tense::Then,
            cut_short: metrics.reads.len() > MAX_ROWS,
        })
    }

    /// What computing `root` reads now, depth first, up to where a block or a checkpoint ends the walk.
    pub(super) fn derived(model: &Model, root: BlockId, rewrites: bool) -> Self {
        let mut reads = Self { rows: Vec::new(), task: None, launched: model.now, tense: Tense::Now, cut_short: false };
        let mut seen = BTreeSet::new();
        let mut todo = vec![(root, None::<usize>, rewrites)];
        while let Some((block, needed_by, needed_again)) = todo.pop() {
            if reads.rows.len() == MAX_DERIVED {
                reads.cut_short = true;
                break;
            }
            let Some(rdd) = model.rdds.get(&block.rdd) else { continue };
            let Some(state) = rdd.partition(block.partition) else { continue };
            if !seen.insert(block) {
                continue;
            }
            let origin = match state.copies.iter().next() {
                Some((executor, copy)) if copy.in_memory() => Origin::Memory(*executor),
                Some((executor, _)) => Origin::Disk(*executor),
                None if rdd.checkpoint_path.is_some() || rdd.reads_checkpoint_files() => Origin::Checkpoint,
                None => Origin::Computed,
            };
            let gone = state.lost_with.is_some() || state.evicted;
            let repeats = state.computed > 0;
            let loss = origin == Origin::Computed && repeats && (needed_again || gone);
            let row = reads.rows.len();
            reads.rows.push(Read { block, origin, needed_by, cause: None, repeats, loss, records: None });
            if origin == Origin::Computed {
                let parents = rdd.info.parents.iter().rev();
                let narrow =
                    parents.flat_map(|p| narrow_parents(p.kind, block.partition).rev().map(|n| BlockId::new(p.rdd, n)));
                todo.extend(narrow.map(|parent| (parent, Some(row), loss)));
            }
        }
        reads
    }

    /// The row of a block.
    pub(super) fn find(&self, block: BlockId) -> Option<usize> {
        self.rows.iter().position(|row| row.block == block)
    }
}
