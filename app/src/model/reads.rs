//! What the rows of a finished task say about partitions: computed, computed again, read back.

use super::{Model, PartitionState};
use faultline_engine::event::{ReadRow, ReadTier, TaskInfo, TaskKind, TaskMetrics};
use faultline_engine::ids::*;

/// A row of a task, judged.
#[derive(Clone, Copy, Debug)]
pub struct JudgedRow<'a> {
    /// The row.
    pub row: &'a ReadRow,
    /// The work exists because something was lost.
    pub because_of_loss: bool,
}

/// Judges every row. A row repeats work because of a loss when its own cause says so, or when it
/// repeats work for a row, or for a map output, that does.
pub fn judge(metrics: &TaskMetrics) -> Vec<JudgedRow<'_>> {
    let rerun = metrics.rerun_cause.is_some_and(|c| c.is_loss());
    let mut judged: Vec<JudgedRow<'_>> = Vec::with_capacity(metrics.reads.len());
    for row in &metrics.reads {
        let needed = match row.needed_by {
            None => rerun,
            Some(asker) => judged.get(asker as usize).is_some_and(|a| a.because_of_loss),
        };
        let because_of_loss = row.cause.is_some_and(|c| c.is_loss() || needed);
        judged.push(JudgedRow { row, because_of_loss });
    }
    judged
}

/// Whether a row that reads checkpoint files does so for nobody who was checkpointed: a driver that went on opened
/// what an earlier life had saved. Else the row of the RDD that was checkpointed says it.
pub(super) fn is_restored(rows: &[ReadRow], row: &ReadRow) -> bool {
    let asker = row.needed_by.and_then(|asker| rows.get(asker as usize));
    asker.is_none_or(|asker| asker.tier != ReadTier::Checkpoint)
}

impl Model {
    /// Folds the rows of a successful task. `rewrites`: its map output had been written before.
    pub(super) fn rows_read(&mut self, task: &TaskInfo, metrics: &TaskMetrics, rewrites: bool) {
        let judged = judge(metrics);
        for judged_row in &judged {
            let JudgedRow { row, because_of_loss } = *judged_row;
            let Some(rdd) = self.rdds.get(&row.rdd) else { continue };
            let block = BlockId::new(row.rdd, row.partition);
            if rdd.reads_checkpoint_files() {
                if is_restored(&metrics.reads, row) {
                    self.row_read_back(block, row.tier, task.id);
                }
                continue;
            }
            match row.tier {
                ReadTier::Computed => {
                    let in_map_task = rewrites && task.kind == TaskKind::ShuffleMapTask;
                    self.row_computed(block, task.id, judged_row);
                    if because_of_loss {
                        self.stage_repairs(task.stage.stage);
                        self.story_computed_again(block, in_map_task);
                    }
                }
                ReadTier::Checkpoint => {
                    // Where nothing is kept in memory, reading the checkpoint is how every batch works.
                    if self.story.is_recovering() && self.story.lost_partitions > 0 {
                        self.stage_repairs(task.stage.stage);
                    }
                    self.row_read_back(block, row.tier, task.id);
                }
                // What memory had no room for is looked for there, too.
                ReadTier::WriteAheadLog => {
                    if self.story.is_recovering() && self.story.lost_inputs > 0 {
                        self.stage_repairs(task.stage.stage);
                    }
                    self.row_read_back(block, row.tier, task.id);
                }
                ReadTier::LocalMemory | ReadTier::LocalDisk | ReadTier::Remote { .. } => {
                    let asker = row.needed_by.and_then(|a| judged.get(a as usize));
                    if asker.is_some_and(|a| a.because_of_loss) {
                        self.story_on_path(row.rdd);
                    }
                }
            }
        }
    }

    /// A log without rows: what the task was shown to compute counts as computed.
    pub(super) fn computed_as_shown(&mut self, task: TaskId, blocks: &[BlockId]) {
        for &block in blocks {
            if let Some(partition) = self.partition_mut(block) {
                partition.computed_by(task);
            }
        }
    }

    fn row_computed(&mut self, block: BlockId, task: TaskId, judged: &JudgedRow<'_>) {
        let Some(partition) = self.partition_mut(block) else { return };
        partition.computed_by(task);
        if judged.row.cause.is_some() {
            partition.last_cause = judged.row.cause;
        }
        if judged.because_of_loss {
            partition.recomputed = true;
            self.index.marked.insert(block);
        }
    }

    /// From the checkpoint, or from the write-ahead log.
    fn row_read_back(&mut self, block: BlockId, tier: ReadTier, task: TaskId) {
        let Some(partition) = self.partition_mut(block) else { return };
        partition.read_back_by = Some(task);
        if !std::mem::replace(&mut partition.read_back, true) {
            self.index.marked.insert(block);
            self.story_read_back(block.rdd, tier);
        }
    }
}

impl PartitionState {
    fn computed_by(&mut self, task: TaskId) {
        self.computed = self.computed.saturating_add(1);
        self.last_task = Some(task);
    }
}
