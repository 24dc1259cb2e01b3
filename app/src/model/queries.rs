//! Questions that views ask. Each costs no more than the answer is long.

use super::{BlockCopy, JobState, Model};
use faultline_engine::event::{DependencyKind, TaskInfo};
use faultline_engine::ids::*;
use faultline_engine::lineage::{BlockSummary, LineageGraph};
use imbl::{OrdMap, Vector};
use std::collections::{BTreeMap, HashSet};

/// Jobs before the last one of a shared stage among which a task's own is looked for.
const JOBS_SEARCHED: usize = 64;

impl Model {
    /// The batch that made an RDD.
    pub fn batch_of(&self, rdd: RddId) -> Option<BatchId> {
        self.rdds.get(&rdd)?.info.op.batch
    }

    /// The earliest batch that started and has not completed.
    pub fn running_batch(&self) -> Option<BatchId> {
        self.index.running_batches.get_min().copied()
    }

    /// The last batch submitted.
    pub fn latest_batch(&self) -> Option<BatchId> {
        self.batches.get_max().map(|&(id, _)| id)
    }

    /// The earliest job that started and has not ended.
    pub fn running_job(&self) -> Option<JobId> {
        self.index.running_jobs.get_min().copied()
    }

    /// Grows with every change of which RDDs there are, how they hang together, or which are kept. At
    /// the same number two moments of one run have the same lineage.
    pub const fn structure(&self) -> u64 {
        self.index.structure
    }

    /// For tests that put a model together by hand.
    #[cfg(test)]
    pub fn restructured(&mut self) {
        self.index.structure += 1;
    }

    /// Whether any running task is shown to compute something.
    pub fn is_computing(&self) -> bool {
        !self.index.computing.is_empty()
    }

    /// How many RDDs the lineage of `root` has, itself included, and how many shuffles.
    pub fn lineage_size(&self, root: RddId) -> (usize, usize) {
        let (mut seen, mut shuffles) = (HashSet::new(), 0);
        let mut todo = vec![root];
        while let Some(id) = todo.pop() {
            let Some(rdd) = self.rdds.get(&id) else { continue };
            if seen.insert(id) {
                shuffles +=
                    rdd.info.parents.iter().filter(|p| matches!(p.kind, DependencyKind::Shuffle { .. })).count();
                todo.extend(rdd.info.parents.iter().map(|p| p.rdd));
            }
        }
        (seen.len(), shuffles)
    }

    /// The jobs that started and have not ended, in order.
    pub fn running_jobs(&self) -> impl Iterator<Item = &JobState> {
        self.index.running_jobs.iter().filter_map(|id| self.jobs.get(id)).map(|job| &**job)
    }

    /// The job for which a task was launched; a stage may be shared with earlier jobs.
    pub fn job_of_task(&self, task: &TaskInfo) -> Option<&JobState> {
        let stage = task.stage.stage;
        let latest = self.jobs.get(self.index.stage_job.get(&stage)?)?;
        if latest.started <= task.launched {
            return Some(latest);
        }
        let earlier = self.jobs.range(..latest.id).rev().take(JOBS_SEARCHED).map(|(_, job)| &**job);
        earlier.into_iter().find(|job| job.started <= task.launched && job.stages.contains(&stage))
    }

    /// The job that a stage runs for: the first unfinished one that announced it.
    pub fn job_of(&self, stage: StageId) -> Option<&JobState> {
        self.jobs.get(self.index.stage_job.get(&stage)?).map(|job| &**job)
    }

    /// The partitions that a running task is shown to compute, and whether each is computed again.
    pub fn computing_of(&self, task: TaskId) -> impl Iterator<Item = (BlockId, bool)> {
        let blocks = self.index.computing.get(&task).map(|blocks| blocks.as_slice()).unwrap_or_default();
        blocks.iter().map(|&block| {
            let partition = self.rdds.get(&block.rdd).and_then(|rdd| rdd.partition(block.partition));
            (block, partition.is_some_and(|p| p.computing_again))
        })
    }

    /// Whether an operator of the template reads its own earlier batches.
    pub fn is_stateful(&self, operator: &OperatorName) -> bool {
        self.index.stateful.contains(operator)
    }

    /// As [`Model::lineage_graph`], with the first `limit` RDDs only, in the order of `toDebugString`: its
    /// first `limit` lines are the same.
    pub fn lineage_graph_near(&self, root: RddId, limit: usize) -> LineageGraph {
        let mut reached = BTreeMap::new();
        let mut todo = vec![root];
        while let Some(id) = todo.pop() {
            let Some(rdd) = self.rdds.get(&id) else { continue };
            // Those without parents first, so that an RDD that reads a checkpoint, which is younger
            // than the RDD it feeds, is there when the edge to it is added.
            let key = (!rdd.info.parents.is_empty(), id);
            if reached.len() < limit && reached.insert(key, &rdd.info).is_none() {
                todo.extend(rdd.info.parents.iter().rev().map(|p| p.rdd));
            }
        }
        let mut graph = LineageGraph::default();
        for info in reached.into_values() {
            graph.insert(info.clone());
        }
        graph
    }

    /// An RDD and everything that it can be computed from, as the lineage is now: a cut ends it.
    pub fn lineage_graph(&self, root: RddId) -> LineageGraph {
        self.lineage_graph_near(root, usize::MAX)
    }

    /// What executors hold of an RDD: partitions once, bytes of every copy.
    pub fn block_summary(&self, rdd: RddId) -> BlockSummary {
        let mut summary = BlockSummary::default();
        let Some(rdd) = self.rdds.get(&rdd) else { return summary };
        summary.marked = rdd.checkpoint_marked && rdd.checkpoint_path.is_none();
        for partition in &rdd.partitions {
            summary.cached_partitions += u32::from(!partition.copies.is_empty());
            for copy in partition.copies.values() {
                summary.memory_bytes = summary.memory_bytes.saturating_add(copy.memory_bytes);
                summary.disk_bytes = summary.disk_bytes.saturating_add(copy.disk_bytes);
            }
        }
        summary
    }

    /// What an executor holds, by RDD and partition.
    pub fn executor_holdings(&self, executor: ExecutorId) -> Vec<(RddId, PartitionId, BlockCopy)> {
        let Some(state) = self.executors.get(&executor) else { return Vec::new() };
        let copy_of = |block: &BlockId| {
            let copy = self.rdds.get(&block.rdd)?.partition(block.partition)?.copies.get(&executor)?;
            Some((block.rdd, block.partition, *copy))
        };
        state.blocks.iter().filter_map(copy_of).collect()
    }

    /// The RDDs of an operator by batch, in order of creation; the last one of a batch is its result.
    pub fn operator_instances(&self, operator: &OperatorName) -> Option<&OrdMap<Option<BatchId>, Vector<RddId>>> {
        self.operators.get(operator)
    }

    /// Whether a job announced a stage and ended without submitting it, because all of its outputs
    /// were there (R2.4). A stage shared with an earlier job may have attempts from then.
    pub fn is_skipped(&self, job: JobId, stage: StageId) -> bool {
        let (Some(job), Some(stage)) = (self.jobs.get(&job), self.stages.get(&stage)) else { return false };
        let Some(ended) = job.ended else { return false };
        !stage.attempts.iter().any(|a| a.submitted >= job.started && a.submitted <= ended)
    }
}
