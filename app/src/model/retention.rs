//! What is forgotten so that a run of days keeps its size: named limits, the oldest first.
//!
//! Only what ended goes, one entry per event, so that no event pays for a sweep. Of the past, the
//! [`Timeline`](super::Timeline) forgets the oldest segment when another one begins.

use super::Model;
use faultline_engine::ids::*;

/// Envelopes kept, to go back to any moment among them.
pub const MAX_ENVELOPES: usize = 1 << 20;
/// Task attempts kept.
pub const MAX_TASKS: usize = 120_000;
/// Slots of one executor that are followed.
pub const MAX_SLOTS: usize = 512;
/// Periods kept in which tasks ran.
pub const MAX_BUSY_PERIODS: usize = 20_000;
/// Periods kept in which something was special about one executor.
pub const MAX_CONDITION_PERIODS: usize = 256;
/// Files of graph checkpoints kept; the driver keeps ten.
pub const MAX_GRAPH_FILES: usize = 64;
/// Lives of the driver kept.
pub const MAX_DRIVER_LIVES: usize = 256;
/// Jobs kept, with their stages.
pub const MAX_JOBS: usize = 5_000;
/// Batches kept.
pub const MAX_BATCHES: usize = 5_000;
/// Released RDDs kept, to be drawn as ghosts.
pub const MAX_RELEASED_RDDS: usize = 5_000;
/// Removed shuffles kept.
pub const MAX_REMOVED_SHUFFLES: usize = 5_000;
/// Finished checkpoints kept.
pub const MAX_CHECKPOINTS: usize = 1_000;
/// Lines of output kept.
pub const MAX_OUTPUT_LINES: usize = 2_000;
/// Findings kept.
pub const MAX_FINDINGS: usize = 1_000;
/// Refused commands kept.
pub const MAX_REFUSALS: usize = 100;
/// Faults kept.
pub const MAX_FAULTS: usize = 1_000;
/// Kinds of unknown events counted.
pub const MAX_UNKNOWN_KINDS: usize = 200;
/// Partitions of one RDD, and map outputs of one shuffle, that are followed.
pub const MAX_PARTITIONS: u32 = 1 << 16;
/// Partitions that one task is shown to compute.
pub const MAX_COMPUTING_PARTITIONS: usize = 10_000;

impl Model {
    pub(super) fn retain(&mut self) {
        if self.tasks.len() > MAX_TASKS
            && let Some((id, task)) = self.tasks.get_min().filter(|(_, t)| t.end.is_some())
        {
            let (id, executor) = (*id, task.info.executor);
            self.tasks.remove(&id);
            self.forget_in_slots(executor, id);
        }
        if self.jobs.len() > MAX_JOBS
            && let Some(&(id, _)) = self.jobs.get_min().filter(|(_, j)| j.ended.is_some())
        {
            self.forget_job(id);
        }
        if self.batches.len() > MAX_BATCHES
            && let Some(&(id, _)) = self.batches.get_min().filter(|(_, b)| b.completed.is_some())
        {
            self.batches.remove(&id);
            self.index.repaired_batches.remove(&id);
        }
        if self.checkpoints.len() > MAX_CHECKPOINTS
            && let Some(&(id, _)) = self.checkpoints.get_min()
        {
            self.checkpoints.remove(&id);
        }
        if self.index.released.len() > MAX_RELEASED_RDDS
            && let Some(id) = self.index.released.pop_front()
        {
            self.forget_rdd(id);
        }
        if self.index.removed_shuffles.len() > MAX_REMOVED_SHUFFLES
            && let Some(id) = self.index.removed_shuffles.pop_front()
        {
            self.shuffles.remove(&id);
        }
        self.retain_words();
    }

    fn retain_words(&mut self) {
        while self.index.output_lines > MAX_OUTPUT_LINES
            && let Some(oldest) = self.output.pop_front()
        {
            self.index.output_lines = self.index.output_lines.saturating_sub(oldest.lines.len());
        }
        if self.findings.len() > MAX_FINDINGS {
            self.findings.pop_front();
        }
        if self.refusals.len() > MAX_REFUSALS {
            self.refusals.pop_front();
        }
        if self.faults.len() > MAX_FAULTS {
            self.faults.pop_front();
        }
    }

    /// Forgets a job and those of its stages that no later job needs.
    fn forget_job(&mut self, id: JobId) {
        let Some(job) = self.jobs.remove(&id) else { return };
        self.index.repaired_jobs.remove(&id);
        for stage in &job.stages {
            if self.index.stage_job.get(stage) == Some(&id) {
                self.index.stage_job.remove(stage);
                self.stages.remove(stage);
            }
        }
    }

    fn forget_rdd(&mut self, id: RddId) {
        self.forget_copies(id);
        let Some(rdd) = self.rdds.remove(&id) else { return };
        self.index.structure += 1;
        self.forget_reach(id);
        for partition in (0..rdd.info.num_partitions.min(MAX_PARTITIONS)).map(PartitionId) {
            self.index.marked.remove(&BlockId::new(id, partition));
        }
        let op = &rdd.info.op;
        let Some(batches) = self.operators.get_mut(&op.operator) else { return };
        if let Some(instances) = batches.get_mut(&op.batch) {
            instances.retain(|&r| r != id);
            if instances.is_empty() {
                batches.remove(&op.batch);
            }
        }
        if batches.is_empty() {
            self.operators.remove(&op.operator);
        }
    }
}
