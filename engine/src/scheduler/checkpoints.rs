//! What the scheduler remembers for checkpoints: parts that tasks wrote beside their work, blocks that
//! nothing can replace, and generations of RDDs that are gone.

use super::{Outbox, Scheduler};
use crate::event::{CheckpointPart, Event, Finding};
use crate::ids::*;
use crate::rdd::{AnyRdd, CheckpointProgress};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

type Parts = BTreeMap<PartitionId, CheckpointPart>;

#[derive(Default)]
pub(super) struct Checkpoints {
    /// Parts written by attempts that succeeded.
    parts: BTreeMap<RddId, Parts>,
    /// Parts written by attempts that run: another attempt may write another content.
    unsettled: BTreeMap<TaskId, Vec<(RddId, PartitionId, CheckpointPart)>>,
    /// RDDs whose blocks are their only copy.
    local: BTreeSet<RddId>,
    /// RDDs that are gone, and whose generation the executors still remember; each with the first task that
    /// was launched when it was gone already, and so can put nothing of it.
    old_generations: VecDeque<(TaskId, RddId)>,
}

impl Checkpoints {
    /// A failed attempt's parts do not count.
    pub fn task_ended(&mut self, task: TaskId, succeeded: bool) {
        let written = self.unsettled.remove(&task).into_iter().flatten();
        for (rdd, partition, part) in written.filter(|_| succeeded) {
            self.parts.entry(rdd).or_default().insert(partition, part);
        }
    }

    pub fn forget_local(&mut self, rdd: RddId) {
        self.local.remove(&rdd);
    }

    /// An RDD is gone; `next` is the task launched next, if executors were told of a generation.
    pub fn forget(&mut self, rdd: RddId, next: Option<TaskId>) {
        self.parts.remove(&rdd);
        self.local.remove(&rdd);
        self.old_generations.extend(next.map(|next| (next, rdd)));
    }

    pub fn old_generations(&self) -> usize {
        self.old_generations.len()
    }
}

impl Scheduler {
    /// A running attempt wrote a part beside its own work.
    pub fn part_written(&mut self, task: TaskId, rdd: RddId, partition: PartitionId, part: CheckpointPart) {
        if self.tasks.contains_key(&task) {
            self.checkpoints.unsettled.entry(task).or_default().push((rdd, partition, part));
        }
    }

    /// What of an RDD's checkpoint is there already.
    pub fn checkpoint_progress(&self, rdd: RddId) -> CheckpointProgress {
        let all = BlockId::new(rdd, PartitionId(0))..=BlockId::new(rdd, PartitionId(u32::MAX));
        CheckpointProgress {
            stored: self.blocks.range(all).map(|(block, _)| block.partition).collect(),
            written: self.checkpoints.parts.get(&rdd).cloned().unwrap_or_default(),
        }
    }

    /// A checkpoint of this RDD was written, or failed.
    pub fn forget_parts(&mut self, rdd: RddId) {
        self.checkpoints.parts.remove(&rdd);
    }

    /// The blocks of this RDD are its only copy from now on.
    pub fn checkpointed_locally(&mut self, rdd: RddId) {
        self.checkpoints.local.insert(rdd);
    }

    /// Blocks that no executor holds any more; those of local checkpoints are lost for good (R10.3).
    pub(super) fn tell_lost_checkpoint(&self, gone: &[BlockId], out: &mut Outbox) {
        if self.checkpoints.local.is_empty() {
            return;
        }
        let mut lost: BTreeMap<RddId, Vec<String>> = BTreeMap::new();
        for block in gone.iter().filter(|block| self.checkpoints.local.contains(&block.rdd)) {
            lost.entry(block.rdd).or_default().push(block.partition.to_string());
        }
        for (rdd, partitions) in lost {
            let Some(info) = self.lineage.get(rdd) else { continue };
            let message = format!(
                "partition {} of {}[{rdd}] is lost: it was locally checkpointed, so nothing can compute it again and every \
                 job that reads it fails; checkpoint() instead of localCheckpoint() survives the loss of executors",
                partitions.join(", "),
                info.display_name()
            );
            let finding = Finding { kind: "local-checkpoint-lost".into(), message, place: info.callsite.clone() };
            out.events.push(Event::FindingReported { finding });
        }
    }

    /// Forgets what only older tasks could ask of RDDs that are gone, when those tasks are over. Returns the RDDs
    /// whose generations executors may forget. A task that waits holds the RDDs that it reads, so that none of
    /// them is gone; an attempt that was given up may still put blocks.
    pub fn forget_idle(&mut self) -> Vec<RddId> {
        let oldest = self.tasks.keys().next().copied();
        self.history.forget_released(oldest);
        let oldest = oldest.into_iter().chain(self.given_up.keys().next().copied()).min();
        let old = &mut self.checkpoints.old_generations;
        let idle = old.partition_point(|(next, _)| oldest.is_none_or(|task| *next <= task));
        old.drain(..idle).map(|(_, rdd)| rdd).collect()
    }

    /// An announced RDD that the program still holds.
    pub fn handle(&self, rdd: RddId) -> Option<Arc<dyn AnyRdd>> {
        self.handles.get(&rdd)?.upgrade()
    }
}
