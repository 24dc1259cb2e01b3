//! Which partitions a running task computes, as far as the lineage tells.
//!
//! No event says it while the task runs: it is derived by walking the narrow dependencies of the
//! stage's last RDD, up to where a block or a checkpoint ends the walk. The rows of `TaskEnd` are exact.

use super::Model;
use super::retention::MAX_COMPUTING_PARTITIONS;
use faultline_engine::event::{DependencyKind, TaskInfo};
use faultline_engine::ids::*;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A partition on the walk, and whether it is computed again because something was lost.
struct Step {
    block: BlockId,
    again: bool,
}

impl Model {
    /// Shows what a started task computes.
    pub(super) fn mark_computing(&mut self, task: &TaskInfo) {
        self.unmark_computing(task.id);
        let steps = self.walk(task);
        for step in &steps {
            if let Some(partition) = self.partition_mut(step.block) {
                partition.computing.insert(task.id);
                partition.computing_again |= step.again;
            }
            if step.again {
                self.story_on_path(step.block.rdd);
            }
        }
        if !steps.is_empty() {
            self.index.computing.insert(task.id, Arc::new(steps.into_iter().map(|s| s.block).collect()));
        }
    }

    /// Takes the marks of an ended task away and says where they were.
    pub(super) fn unmark_computing(&mut self, task: TaskId) -> Arc<Vec<BlockId>> {
        let blocks = self.index.computing.remove(&task).unwrap_or_default();
        for &block in blocks.iter() {
            if let Some(partition) = self.partition_mut(block) {
                partition.computing.remove(&task);
                if partition.computing.is_empty() {
                    partition.computing_again = false;
                }
            }
        }
        blocks
    }

    /// A partition is computed again because of a loss when it had been computed and either was lost
    /// or evicted itself, or is needed by one that is.
    fn walk(&self, task: &TaskInfo) -> Vec<Step> {
        let Some(stage) = self.stages.get(&task.stage.stage) else { return Vec::new() };
        let output = stage.info.shuffle.and_then(|s| self.shuffles.get(&s)?.outputs.get(task.partition.0 as usize));
        let rewrite = output.is_some_and(|o| o.executor.is_none() && o.lost_with.is_some());
        let mut steps = Vec::new();
        let mut seen = BTreeSet::new();
        let mut todo = vec![Step { block: BlockId::new(stage.info.rdd, task.partition), again: rewrite }];
        while let Some(Step { block, again: needed_again }) = todo.pop() {
            if steps.len() == MAX_COMPUTING_PARTITIONS {
                break;
            }
            let Some(rdd) = self.rdds.get(&block.rdd) else { continue };
            let Some(state) = rdd.partition(block.partition) else { continue };
            let readable = !state.copies.is_empty() || rdd.checkpoint_path.is_some() || rdd.reads_checkpoint_files();
            if readable || !seen.insert(block) {
                continue;
            }
            let lost = state.lost_with.is_some() || state.evicted;
            let again = state.computed > 0 && (needed_again || lost);
            for parent in &rdd.info.parents {
                let parents = narrow_parents(parent.kind, block.partition);
                todo.extend(parents.map(|p| Step { block: BlockId::new(parent.rdd, p), again }));
            }
            steps.push(Step { block, again });
        }
        steps
    }
}

/// The parent partitions that a partition reads, no more than a walk takes: a log may claim any number.
pub fn narrow_parents(kind: DependencyKind, partition: PartitionId) -> impl DoubleEndedIterator<Item = PartitionId> {
    let parents = kind.narrow_parents(partition);
    let last = parents.end.min(parents.start.saturating_add(MAX_COMPUTING_PARTITIONS as u32));
    (parents.start..last).map(PartitionId)
}
