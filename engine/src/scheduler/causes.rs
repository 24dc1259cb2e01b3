//! What had been computed before, and why it is computed again.

use super::Scheduler;
use super::stage::StageKind;
use crate::event::{BlockRemoval, ReadTier, RecomputeCause, TaskMetrics};
use crate::ids::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What the driver remembers of partitions, blocks and map outputs.
#[derive(Default)]
pub(super) struct History {
    /// What was computed, and whether its RDD was persistent then.
    computed: BTreeMap<(RddId, PartitionId), bool>,
    /// Why a block left. Kept until a task that computed the partition again has ended: that task's
    /// put is announced before its end.
    lost_blocks: BTreeMap<BlockId, RecomputeCause>,
    written_outputs: BTreeSet<(ShuffleId, PartitionId)>,
    lost_outputs: BTreeMap<(ShuffleId, PartitionId), RecomputeCause>,
    /// Released RDDs, each with the first task that cannot reach it any more: older ones may still read it,
    /// when another job cut the lineage meanwhile.
    released: VecDeque<(TaskId, RddId)>,
}

impl History {
    pub fn block_lost(&mut self, id: BlockId, executor: ExecutorId) {
        self.lost_blocks.insert(id, RecomputeCause::LostWithExecutor(executor));
    }

    pub fn block_left(&mut self, id: BlockId, removal: Option<BlockRemoval>) {
        let cause = match removal {
            Some(BlockRemoval::Dropped | BlockRemoval::Unreadable) => RecomputeCause::Dropped,
            Some(BlockRemoval::Unpersisted) => RecomputeCause::NeverPersisted,
            Some(BlockRemoval::Evicted) | None => RecomputeCause::Evicted,
        };
        self.lost_blocks.insert(id, cause);
    }

    pub fn output_written(&mut self, shuffle: ShuffleId, map: PartitionId) {
        self.written_outputs.insert((shuffle, map));
        self.lost_outputs.remove(&(shuffle, map));
    }

    pub fn output_lost(&mut self, shuffle: ShuffleId, map: PartitionId, cause: RecomputeCause) {
        // A fetch failure that led to the loss of the whole executor is that loss.
        let known = self.lost_outputs.entry((shuffle, map)).or_insert(cause);
        if *known == RecomputeCause::FetchFailure {
            *known = cause;
        }
    }

    /// How many partitions and blocks are remembered, and RDDs that are gone.
    pub fn remembered(&self) -> usize {
        self.computed.len() + self.lost_blocks.len() + self.released.len()
    }

    /// An RDD is unreachable for `next` and all later tasks; its history goes once no older task runs.
    pub fn release(&mut self, rdd: RddId, next: TaskId) {
        self.released.push_back((next, rdd));
    }

    /// Forgets what the oldest running task cannot reach.
    pub fn forget_released(&mut self, oldest: Option<TaskId>) {
        while let Some((_, rdd)) = self.released.pop_front_if(|(next, _)| oldest.is_none_or(|task| task >= *next)) {
            self.forget_rdd(rdd);
        }
    }

    fn forget_rdd(&mut self, rdd: RddId) {
        let ends = (PartitionId(0), PartitionId(u32::MAX));
        let computed: Vec<_> = self.computed.range((rdd, ends.0)..=(rdd, ends.1)).map(|(key, _)| *key).collect();
        for key in &computed {
            self.computed.remove(key);
        }
        let range = BlockId::new(rdd, ends.0)..=BlockId::new(rdd, ends.1);
        let lost: Vec<_> = self.lost_blocks.range(range).map(|(id, _)| *id).collect();
        for id in &lost {
            self.lost_blocks.remove(id);
        }
    }

    pub fn forget_shuffle(&mut self, shuffle: ShuffleId) {
        let range = (shuffle, PartitionId(0))..=(shuffle, PartitionId(u32::MAX));
        let written: Vec<_> = self.written_outputs.range(range.clone()).copied().collect();
        for key in &written {
            self.written_outputs.remove(key);
        }
        let lost: Vec<_> = self.lost_outputs.range(range).map(|(key, _)| *key).collect();
        for key in &lost {
            self.lost_outputs.remove(key);
        }
    }
}

impl Scheduler {
    /// Marks in a finished task's rows what had been computed before, each with its cause: that of the
    /// partition's own block when its RDD is kept, else that of the row that asked for it, else why
    /// the task itself runs again.
    pub(super) fn explain(&mut self, task: TaskId, metrics: &mut TaskMetrics) {
        let Some(running) = self.tasks.get(&task) else { return };
        let partition = running.info.partition;
        let Some(stage) = self.stages.get(&running.info.stage.stage) else { return };
        let is_checkpoint_job =
            stage.jobs.iter().any(|job| self.jobs.get(job).is_some_and(|j| j.spec.origin.checkpoint_of.is_some()));
        if let StageKind::Map(shuffle) = &stage.kind {
            let key = (shuffle.id(), partition);
            metrics.rerun_cause = self.history.lost_outputs.get(&key).copied().or_else(|| {
                // Written twice without a recorded loss: an older attempt's late twin.
                self.history.written_outputs.contains(&key).then_some(RecomputeCause::Retry)
            });
        }
        let otherwise = metrics.rerun_cause.unwrap_or(if is_checkpoint_job {
            RecomputeCause::CheckpointJob
        } else {
            RecomputeCause::NeverPersisted
        });
        for i in 0..metrics.reads.len() {
            let row = &metrics.reads[i];
            if row.tier != ReadTier::Computed {
                continue;
            }
            let block = BlockId::new(row.rdd, row.partition);
            let kept = self.levels.get(&row.rdd).is_some_and(|level| level.is_valid());
            let Some(was_kept) = self.history.computed.insert((row.rdd, row.partition), kept) else { continue };
            let left = self.history.lost_blocks.get(&block).copied();
            // Stored when the task was launched, and still computed: its holder is gone, heard of or not.
            let unreachable = running.blocks.get(&block).and_then(|at| at.front().copied());
            let own = left.or_else(|| unreachable.filter(|_| kept).map(RecomputeCause::LostWithExecutor));
            let asked = row.needed_by.and_then(|n| metrics.reads.get(n as usize)).and_then(|r| r.cause);
            let because = asked.unwrap_or(otherwise);
            let never_fitted = (kept && was_kept).then_some(RecomputeCause::Evicted);
            let loss = Some(because).filter(|cause| cause.is_loss());
            metrics.reads[i].cause = own.or(loss).or(never_fitted).or(Some(because));
            if self.blocks.contains_key(&block) {
                self.history.lost_blocks.remove(&block);
            }
        }
    }
}
