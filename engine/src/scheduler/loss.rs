//! Fetch failures, lost executors, resubmission (R3, R5).

use super::Scheduler;
use super::stage::Stage;
use super::task::{Outbox, ReplicaOrder};
use crate::event::*;
use crate::ids::*;
use crate::task_context::BlockPolicy;
use std::collections::BTreeSet;

/// How an executor was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Spark's wording, for example `Command exited with code 137`.
    pub reason: String,
    /// Whether a task may be to blame: then those that ran there failed (R4.2).
    pub caused_by_app: bool,
    /// Since when nobody heard of it, if that is how the loss was noticed: what was launched later never
    /// reached it, and did not fail (R4.2).
    pub silent_since: Option<Timestamp>,
    /// Whether its host is gone too: then nothing of it survives, whoever keeps it (R5.7).
    pub with_host: bool,
}

impl Loss {
    /// A process that ended: perhaps one of its tasks is to blame.
    pub fn exited(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), caused_by_app: true, silent_since: None, with_host: false }
    }

    /// The end of its host.
    pub fn of_host(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), caused_by_app: false, silent_since: None, with_host: true }
    }
}

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
            set.retire();
        }
        let Some(stage) = self.stages.get_mut(&id.stage) else { return };
        if stage.latest_attempt() != id {
            return;
        }
        stage.failed_attempts.insert(id.attempt);
        let attempts = stage.failed_attempts.len() as u32;
        let name = format!("{} ({})", stage.title(), stage.rdd.core().info().callsite);
        if self.running.remove(&id.stage) {
            self.complete_stage(id, Some(message.clone()), out);
        }
        let map_stage = self.shuffle_stages.get(&shuffle).copied();
        let limit = self.config.stage_max_consecutive_attempts;
        if attempts >= limit {
            let text = format!(
                "{name} has failed the maximum allowable number of times: {limit}. Most recent failure reason:\n{message}"
            );
            self.abort_stage(id.stage, &text, out);
        } else {
            // Also while the stage waits for another parent: this one is to be made whole as well.
            self.failed.extend(map_stage);
            if self.failed.insert(id.stage) {
                map_stage.into_iter().for_each(|id| self.roll_back(now, id, out));
                self.resubmit_at.get_or_insert(now.plus(self.config.resubmit_delay));
            }
        }
        let Some(executor) = executor else { return };
        if let Some(map) = map
            && self.outputs.unregister(shuffle, map, executor)
        {
            self.history.output_lost(shuffle, map, RecomputeCause::FetchFailure);
            let rdd = self.outputs.status(shuffle).map(|s| s.rdd).unwrap_or_default();
            out.events.push(Event::MapOutputsLost { shuffle, rdd, maps: vec![map], executor });
        }
        let settings = &self.config.scheduler;
        let host =
            self.places.host_of(executor).filter(|_| settings.shuffle_service && settings.unregister_output_on_host);
        // With the shuffle service the outputs are forgotten too, or the failed stage would fail again.
        match host {
            Some(host) => {
                self.forget_blocks(executor, running.epoch, out);
                self.places.ever_on(host).into_iter().for_each(|e| self.give_up_outputs(e, running.epoch, out));
            }
            None => {
                self.forget_blocks(executor, running.epoch, out);
                self.give_up_outputs(executor, running.epoch, out);
            }
        }
    }

    /// R3.4, R5.2: the driver forgets the blocks of an executor, once per epoch (R5.6). A living executor
    /// is asked to report its blocks again (R8.12).
    fn forget_blocks(&mut self, executor: ExecutorId, seen_at: u64, out: &mut Outbox) {
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
                if self.lineage.contains(id.rdd) {
                    self.history.block_lost(id, executor);
                    gone.push(id);
                }
            } else {
                self.blocks.insert(id, left);
            }
        }
        self.tell_lost_checkpoint(&gone, out);
        if self.block_managers.remove(&executor) {
            out.events.push(Event::BlockManagerRemoved { executor });
        }
        if self.places.contains(executor) {
            out.report_blocks.push(executor);
        }
        if self.config.proactive_replication {
            self.order_replicas(executor, under_replicated, out);
        }
    }

    /// R3.4, R5.2: the driver forgets the map outputs of an executor, once per epoch, which then rises.
    fn give_up_outputs(&mut self, executor: ExecutorId, seen_at: u64, out: &mut Outbox) {
        if self.outputs_lost_epoch.get(&executor).is_some_and(|known| *known >= seen_at) {
            return;
        }
        self.outputs_lost_epoch.insert(executor, seen_at);
        for (shuffle, (rdd, maps)) in self.outputs.remove_executor(executor) {
            for map in &maps {
                self.history.output_lost(shuffle, *map, RecomputeCause::MapOutputLost(executor));
            }
            out.events.push(Event::MapOutputsLost { shuffle, rdd, maps, executor });
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
            // A map stage that zombies made whole meanwhile gets an attempt without tasks.
            self.submit_stage(now, id, out);
        }
    }

    /// The driver learned that an executor is gone (R5.2). With the external shuffle service its map
    /// outputs are still there, unless its host is gone too.
    pub fn executor_lost(&mut self, now: Timestamp, executor: ExecutorId, loss: &Loss, out: &mut Outbox) {
        let Loss { reason, silent_since, with_host, .. } = loss;
        let host = self.places.host_of(executor);
        if !self.places.remove(executor) {
            return;
        }
        if let Some(host) = host {
            self.task_sets.values_mut().for_each(|set| set.places_changed(host, &self.places));
        }
        self.leaving.remove(&executor);
        self.given_up.retain(|_, at| *at != executor);
        self.reported.retain(|(_, at), _| *at != executor);
        self.inputs.forget_reports(executor);
        out.events.push(Event::ExecutorRemoved { executor, reason: reason.clone() });
        let outputs_lost = *with_host || !self.config.scheduler.shuffle_service;
        if outputs_lost {
            self.resubmit_finished_map_tasks(executor, out);
        }
        let ran_there = self.tasks.iter().filter(|(_, t)| t.info.executor == executor);
        let running: Vec<(TaskId, Timestamp)> = ran_there.map(|(id, t)| (*id, t.info.launched)).collect();
        for (task, launched) in running {
            let reason = reason.clone();
            let caused_by_app = loss.caused_by_app && silent_since.is_none_or(|since| launched < since);
            let end = TaskEndReason::ExecutorLostFailure { executor, reason, caused_by_app };
            if !caused_by_app {
                self.retry(task, end, TaskMetrics::default(), out);
                continue;
            }
            let message = format!(
                "ExecutorLostFailure (executor {executor} exited caused by one of the running tasks) Reason: {}",
                loss.reason
            );
            self.attempt_failed(now, task, (end, &message), TaskMetrics::default(), out);
        }
        let epoch = self.outputs.epoch();
        self.forget_blocks(executor, epoch, out);
        if outputs_lost {
            self.give_up_outputs(executor, epoch, out);
        }
        self.offer(now, out);
    }

    /// A host is gone with everybody on it, and with what an external shuffle service kept there (R5.7).
    pub fn host_lost(&mut self, now: Timestamp, host: HostId, reason: &str, out: &mut Outbox) {
        let loss = Loss::of_host(reason);
        for executor in self.places.executors_on(host).collect::<Vec<_>>() {
            self.executor_lost(now, executor, &loss, out);
        }
        for executor in self.places.ever_on(host) {
            self.give_up_outputs(executor, self.outputs.epoch(), out);
        }
    }

    /// Executors that are or were on a host.
    pub fn ever_on(&self, host: HostId) -> Vec<ExecutorId> {
        self.places.ever_on(host)
    }

    /// Living executors of a host.
    pub fn executors_on(&self, host: HostId) -> impl Iterator<Item = ExecutorId> + '_ {
        self.places.executors_on(host)
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
                set.requeue(index, &self.places);
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
            let mut candidates: Vec<ExecutorId> =
                self.places.ids().filter(|e| *e != lost && self.takes_work(*e) && !holders.contains(e)).collect();
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
        let known = self.places.contains(executor);
        if known && self.block_managers.insert(executor) {
            out.events.push(Event::BlockManagerAdded { executor, max_memory: self.config.storage_memory() });
        }
        known
    }
}
