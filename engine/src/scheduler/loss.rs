//! Fetch failures, lost executors, resubmission (R3, R5).

use super::Scheduler;
use super::stage::Stage;
use super::task::{Outbox, ReplicaOrder};
use crate::event::*;
use crate::ids::*;
use crate::task_context::BlockPolicy;
use std::collections::BTreeSet;

type FailedFetch = (Option<ExecutorId>, ShuffleId, Option<PartitionId>, PartitionId);

impl Scheduler {
    /// A reducer could not fetch a map output (R3.1–R3.6). Never counts against the task.
    pub(super) fn fetch_failed(
        &mut self,
        now: Timestamp,
        task: TaskId,
        (executor, shuffle, map, reduce): FailedFetch,
        metrics: TaskMetrics,
        out: &mut Outbox,
    ) {
        let message = match executor {
            Some(e) => format!("org.apache.spark.shuffle.FetchFailedException: Failed to connect to executor {e}"),
            None => format!(
                "org.apache.spark.shuffle.MetadataFetchFailedException: Missing an output location for shuffle {shuffle} partition {reduce}"
            ),
        };
        let reason = TaskEndReason::FetchFailed { executor, shuffle, map, reduce, message: message.clone() };
        let Some(running) = self.end_task(task, reason, metrics, out) else { return };
        let id = running.info.stage;
        if let Some(set) = self.task_sets.get_mut(&id) {
            set.settle(running.info.index);
            set.zombie = true;
            set.pending.clear();
        }
        let Some(stage) = self.stages.get_mut(&id.stage) else { return };
        if stage.latest_attempt() != id {
            return;
        }
        stage.failed_attempts.insert(id.attempt);
        let attempts = stage.failed_attempts.len() as u32;
        let kind = if stage.shuffle_id().is_some() { "ShuffleMapStage" } else { "ResultStage" };
        let name = format!("{kind} {} ({})", stage.id, stage.rdd.core().info().callsite);
        let was_running = self.running.remove(&id.stage);
        if was_running {
            self.complete_stage(id, Some(message.clone()), out);
        }
        let map_stage = self.shuffle_stages.get(&shuffle).copied();
        let limit = self.config.stage_max_consecutive_attempts;
        if attempts >= limit {
            let text = format!(
                "{name} has failed the maximum allowable number of times: {limit}. Most recent failure reason:\n{message}"
            );
            self.abort_stage(id.stage, &text, out);
        } else if was_running {
            self.failed.insert(id.stage);
            self.failed.extend(map_stage);
            map_stage.into_iter().for_each(|id| self.roll_back(id, out));
            self.resubmit_at.get_or_insert(now.plus(self.config.resubmit_delay));
        }
        let Some(executor) = executor else { return };
        if let Some(map) = map
            && self.outputs.unregister(shuffle, map, executor)
        {
            self.history.output_lost(shuffle, map, RecomputeCause::FetchFailure);
            let rdd = self.outputs.status(shuffle).map(|s| s.rdd).unwrap_or_default();
            out.events.push(Event::MapOutputsLost { shuffle, rdd, maps: vec![map], executor });
        }
        self.forget_holdings(executor, Some(running.epoch), out);
    }

    /// R3.4, R5.2: the driver forgets what an executor holds, once per epoch. A living executor is
    /// asked to report its blocks again (R8.12).
    fn forget_holdings(&mut self, executor: ExecutorId, seen_at: Option<u64>, out: &mut Outbox) {
        let seen_at = seen_at.unwrap_or_else(|| self.outputs.epoch());
        if self.failure_epoch.get(&executor).is_some_and(|known| *known >= seen_at) {
            return;
        }
        self.failure_epoch.insert(executor, seen_at);
        let under_replicated = self.under_replicated(executor);
        self.inputs.forget_executor(executor);
        let held: Vec<BlockId> =
            self.blocks.iter().filter(|(_, at)| at.contains(&executor)).map(|(id, _)| *id).collect();
        let mut gone = Vec::new();
        for id in held {
            let left: imbl::Vector<ExecutorId> =
                self.blocks.get(&id).into_iter().flatten().copied().filter(|e| *e != executor).collect();
            if left.is_empty() {
                self.blocks.remove(&id);
                self.history.block_lost(id, executor);
                gone.push(id);
            } else {
                self.blocks.insert(id, left);
            }
        }
        self.tell_lost_checkpoint(&gone, out);
        if self.block_managers.remove(&executor) {
            out.events.push(Event::BlockManagerRemoved { executor });
        }
        for (shuffle, (rdd, maps)) in self.outputs.remove_executor(executor) {
            for map in &maps {
                self.history.output_lost(shuffle, *map, RecomputeCause::MapOutputLost(executor));
            }
            out.events.push(Event::MapOutputsLost { shuffle, rdd, maps, executor });
        }
        if self.executors.contains_key(&executor) {
            out.report_blocks.push(executor);
        }
        if self.config.proactive_replication {
            self.order_replicas(executor, under_replicated, out);
        }
    }

    /// R3.3: failed stages run again, in the order of their first job.
    pub(super) fn resubmit_failed_stages(&mut self, now: Timestamp, out: &mut Outbox) {
        let failed = std::mem::take(&mut self.failed);
        let mut order: Vec<(JobId, StageId)> = failed
            .into_iter()
            .filter_map(|id| self.stages.get(&id).map(|s| (s.jobs.first().copied().unwrap_or_default(), id)))
            .collect();
        order.sort_unstable();
        for (_, id) in order {
            // A map stage that zombies made whole meanwhile has nothing to resubmit: its children go on.
            let whole =
                self.stages.get(&id).and_then(|s| s.shuffle_id()).is_some_and(|s| self.outputs.missing(s).is_empty());
            if whole {
                self.submit_children(now, id, out);
            } else {
                self.submit_stage(now, id, out);
            }
        }
    }

    /// The driver learned that an executor is gone (R5.2).
    pub fn executor_lost(&mut self, now: Timestamp, executor: ExecutorId, reason: &str, out: &mut Outbox) {
        if self.executors.remove(&executor).is_none() {
            return;
        }
        self.leaving.remove(&executor);
        self.reported.retain(|(_, at), _| *at != executor);
        self.inputs.forget_reports(executor);
        out.events.push(Event::ExecutorRemoved { executor, reason: reason.to_owned() });
        self.resubmit_finished_map_tasks(executor, out);
        let running: Vec<TaskId> =
            self.tasks.iter().filter(|(_, t)| t.info.executor == executor).map(|(id, _)| *id).collect();
        for task in running {
            let end = TaskEndReason::ExecutorLostFailure { executor, reason: reason.to_owned() };
            let message = format!(
                "ExecutorLostFailure (executor {executor} exited caused by one of the running tasks) Reason: {reason}"
            );
            self.attempt_failed(task, end, &message, TaskMetrics::default(), out);
        }
        let now_epoch = self.outputs.epoch();
        self.forget_holdings(executor, Some(now_epoch), out);
        self.offer(now, out);
    }

    /// R5.2 (1): finished tasks of running map stages whose output was there go back to pending.
    fn resubmit_finished_map_tasks(&mut self, executor: ExecutorId, out: &mut Outbox) {
        for (id, set) in &mut self.task_sets {
            let is_map = matches!(set.work, super::TaskWork::WriteShuffle(_));
            if set.zombie || !is_map {
                continue;
            }
            // What a decommissioned executor handed on is not lost with it.
            let shuffle = self.stages.get(&id.stage).and_then(Stage::shuffle_id);
            let still_there = |map| {
                let at = shuffle.and_then(|shuffle| self.outputs.location(shuffle, map));
                at.is_none_or(|at| at == executor)
            };
            let lost: Vec<(u32, TaskInfo)> = set
                .tasks
                .iter()
                .zip(0..)
                .filter_map(|(slot, index)| slot.done.clone().map(|done| (index, done)))
                .filter(|(_, done)| done.executor == executor && still_there(done.partition))
                .collect();
            for (index, done) in lost {
                set.requeue(index);
                if let Some(stage) = self.stages.get_mut(&id.stage) {
                    stage.pending.insert(done.partition);
                }
                let metrics = TaskMetrics::default();
                out.events.push(Event::TaskEnd { task: done, reason: TaskEndReason::Resubmitted, metrics });
            }
        }
    }

    fn under_replicated(&self, lost: ExecutorId) -> Vec<BlockId> {
        let held = self.blocks.iter().filter(|(_, at)| at.contains(&lost) && at.len() > 1);
        held.map(|(id, _)| *id).collect()
    }

    /// R8.14: one survivor copies each block that lost a replica to one new peer.
    fn order_replicas(&self, lost: ExecutorId, blocks: Vec<BlockId>, out: &mut Outbox) {
        for block in blocks {
            let level = self.levels.get(&block.rdd).copied().unwrap_or_default();
            let holders: BTreeSet<ExecutorId> = self.blocks.get(&block).into_iter().flatten().copied().collect();
            if !level.is_valid() || holders.len() >= usize::from(level.replication) {
                continue;
            }
            let mut candidates: Vec<ExecutorId> = self
                .executors
                .keys()
                .copied()
                .filter(|e| *e != lost && self.takes_work(*e) && !holders.contains(e))
                .collect();
            let Some(&from) = holders.first() else { continue };
            if !candidates.is_empty() {
                let first = block.partition.0 as usize % candidates.len();
                candidates.rotate_left(first);
                let generation = self.generations.get(&block.rdd).copied().unwrap_or(0);
                let policy = BlockPolicy { level, generation };
                out.replicas.push(ReplicaOrder { block, from, candidates, policy });
            }
        }
    }

    /// An executor that the driver had forgotten reports what it still holds.
    pub fn executor_reported(&mut self, executor: ExecutorId, out: &mut Outbox) -> bool {
        let known = self.executors.contains_key(&executor);
        if known && self.block_managers.insert(executor) {
            out.events.push(Event::BlockManagerAdded { executor, max_memory: self.config.storage_memory() });
        }
        known
    }
}
