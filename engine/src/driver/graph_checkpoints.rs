//! Graph checkpoints: what is written of a stream, when, and what may be cleaned then (R15.2 to R15.5).
//!
//! Written twice for each batch: when it is generated, before its jobs start, so that what it reads is durable
//! before anybody sees a result of it (D-22); and when it completed. One write is under way at a time, and of
//! those that wait only the newest counts (D-10). Cleaning follows a write that says that a batch completed, never
//! its generation alone (SPARK-6222).

use super::Driver;
use super::effects::{Effect, Effects, GraphWrite, StoreOp};
use super::input::{BatchTick, SavedStreams};
use crate::config::BatchFailurePolicy;
use crate::error::EngineError;
use crate::event::{CheckpointedAfter, Event, Finding, GraphCheckpointInfo};
use crate::ids::*;
use crate::recovery::{BatchPlan, CheckpointName, KEPT_FILES, SavedStreamRdd, StreamingCheckpoint, Written};
use crate::scheduler::Outbox;
use std::collections::{BTreeMap, BTreeSet};

/// How often a write is tried before it counts as failed (R15.3).
const ATTEMPTS: u32 = 3;

/// What is written of a started stream, and how far that is.
pub(super) struct GraphCheckpoints {
    pub dir: String,
    /// The description as it is now; its time is that of the write.
    pub now: StreamingCheckpoint,
    /// Latest batch time that was written of.
    latest: Timestamp,
    /// The last batch that completed, as long as no write that is under way or done says so.
    completed: Option<BatchId>,
    /// The last batch of which the write under way is the first to say that it completed.
    telling: Option<BatchId>,
    /// Batches whose plan no verified checkpoint holds: they do not start.
    unplanned: BTreeSet<BatchId>,
    /// The write that the store has not answered.
    writing: Option<Writing>,
    /// It counts as failed for good, and nobody waits for it.
    given_up: bool,
    /// The newest write that waits for the one under way.
    waiting: Option<Wanted>,
    /// Saved RDDs whose files are not deleted, by their directory.
    known: BTreeMap<String, RddId>,
    /// Directories that each checkpoint names which the store keeps.
    named: BTreeMap<CheckpointName, BTreeSet<String>>,
    /// The first batch that ran without blocks which the log may yet give to it: only its plan says that it had none.
    doubted_from: Option<BatchId>,
    /// Another driver took over.
    fenced: bool,
}

/// A write that is under way.
#[derive(Clone, Copy)]
struct Writing {
    wanted: Wanted,
    /// The batch of what is written.
    batch: BatchId,
    /// When its attempt began.
    since: Timestamp,
}

/// A write that is wanted.
#[derive(Clone, Copy)]
struct Wanted {
    time: Timestamp,
    after: CheckpointedAfter,
    attempt: u32,
}

impl GraphCheckpoints {
    /// Of a stream that starts; `now` is what is known of it before its first batch.
    pub fn new(dir: String, now: StreamingCheckpoint, before: BTreeMap<CheckpointName, Vec<SavedStreamRdd>>) -> Self {
        let mut graph = Self {
            dir,
            latest: now.time,
            now,
            completed: None,
            telling: None,
            unplanned: BTreeSet::new(),
            writing: None,
            doubted_from: None,
            given_up: false,
            waiting: None,
            known: BTreeMap::new(),
            named: BTreeMap::new(),
            fenced: false,
        };
        for (name, rdds) in before {
            graph.known.extend(rdds.iter().map(|(_, _, saved)| (saved.dir.clone(), saved.rdd)));
            graph.named.insert(name, rdds.into_iter().map(|(_, _, saved)| saved.dir).collect());
        }
        graph
    }

    /// Whether a batch may start.
    pub fn allows(&self, batch: BatchId) -> bool {
        !self.unplanned.contains(&batch)
    }

    /// Whether the files of a saved RDD are looked after here.
    pub fn knows(&self, dir: &str) -> bool {
        self.known.contains_key(dir)
    }

    /// Which driver of the directory this is.
    pub const fn epoch(&self) -> u64 {
        self.now.epoch
    }

    /// Whether everything that was wanted is written, or is not going to be.
    pub const fn is_idle(&self) -> bool {
        self.given_up || self.writing.is_none() && self.waiting.is_none()
    }

    /// A checkpoint stands: what stood under its name is the backup, and only so many files are kept.
    fn note_written(&mut self, name: CheckpointName, checkpoint: &StreamingCheckpoint) {
        let dirs = checkpoint.saved_rdds().map(|(_, _, saved)| saved.dir).collect();
        if let Some(before) = self.named.insert(name, dirs) {
            self.named.insert(name.backup(), before);
        }
        while self.named.len() > KEPT_FILES {
            self.named.pop_first();
        }
    }

    /// R12.9: what is saved now; a stream of which nothing is remembered keeps what it had.
    fn note_saved(&mut self, saved: SavedStreams) {
        self.now.next_rdd = self.now.next_rdd.max(saved.next_rdd);
        let rdds = saved.rdds.values().flat_map(BTreeMap::values);
        self.known.extend(rdds.map(|rdd| (rdd.dir.clone(), rdd.rdd)));
        self.now.saved.extend(saved.rdds);
    }

    /// The first batch whose input `batch` may need when it runs, if inputs are remembered for so many batches. State
    /// that was not saved in time reaches further back.
    pub fn reads_from(&self, batch: BatchId, remembered: u32) -> BatchId {
        let by_age = batch.0.saturating_sub(remembered);
        // Of state that was never saved every batch is needed.
        let since_saved = |stream: StreamId| {
            let before = self.now.saved.get(&stream).and_then(|saved| saved.range(..batch).next_back());
            before.map_or(0, |(before, _)| before.0 + 1)
        };
        let states = self.now.graph.saved_states().map(since_saved).min();
        BatchId(states.map_or(by_age, |from| from.min(by_age)))
    }

    /// A batch runs without the blocks that the log may say it was given: its write failed, and what of it is there
    /// is not known.
    pub fn doubt_allocation(&mut self, batch: BatchId) {
        self.doubted_from = Some(self.doubted_from.map_or(batch, |from| from.min(batch)));
    }

    /// Another write took the place of what may be there.
    pub const fn allocations_are_certain(&mut self) {
        self.doubted_from = None;
    }

    /// Plans of batches whose input nobody needs any more: neither a batch that is not completed, nor the next one.
    fn forget_plans(&mut self, completed: BatchId) {
        let remembered = self.now.graph.input_remember().0 / self.now.interval.0.max(1);
        let remembered = u32::try_from(remembered).unwrap_or(u32::MAX);
        let next = BatchId(completed.0.saturating_add(1));
        let wanted = self.now.pending.iter().copied().chain([next]);
        let wanted = wanted.map(|batch| self.reads_from(batch, remembered));
        let first = wanted.chain(self.doubted_from).min().unwrap_or(next);
        self.now.batches = self.now.batches.split_off(&first);
    }

    fn send(&mut self, now: Timestamp, wanted: Wanted, fx: &mut Effects) {
        let Wanted { time, after, attempt } = wanted;
        self.telling = self.telling.max(self.completed.take());
        // It never goes back, or a batch would run again of which nothing is left; earlier ones may be pending.
        let checkpoint = StreamingCheckpoint { time: time.max(self.now.time), ..self.now.clone() };
        self.writing = Some(Writing { wanted, batch: checkpoint.batch(), since: now });
        let write = GraphWrite { dir: self.dir.clone(), latest: self.latest, checkpoint, after, attempt };
        fx.push(Effect::Store(StoreOp::WriteGraph(Box::new(write))));
    }

    fn want(&mut self, now: Timestamp, tick: BatchTick, after: CheckpointedAfter, fx: &mut Effects) {
        if self.fenced {
            return;
        }
        self.latest = self.latest.max(tick.time);
        let wanted = Wanted { time: tick.time, after, attempt: 1 };
        if self.writing.is_some() {
            self.waiting = Some(wanted);
        } else {
            self.send(now, wanted, fx);
        }
    }

    /// R12.9: saved RDDs that no kept checkpoint names, and the next one will not.
    fn unneeded(&mut self) -> Vec<(RddId, String)> {
        let next = self.now.saved_rdds().map(|(_, _, saved)| saved.dir);
        let wanted: BTreeSet<String> = self.named.values().flatten().cloned().chain(next).collect();
        let old = self.known.extract_if(.., |dir, _| !wanted.contains(dir));
        old.map(|(dir, rdd)| (rdd, dir)).collect()
    }
}

impl Driver {
    /// A batch has jobs: they start when what it reads is durable.
    pub(super) fn describe_generated(
        &mut self,
        now: Timestamp,
        tick: BatchTick,
        plan: BatchPlan,
        saved: SavedStreams,
        fx: &mut Effects,
    ) {
        let Some(graph) = &mut self.graph else { return };
        graph.note_saved(saved);
        graph.now.batches.insert(tick.batch, plan);
        graph.now.pending.insert(tick.batch);
        graph.unplanned.insert(tick.batch);
        graph.want(now, tick, CheckpointedAfter::Generation, fx);
    }

    /// A batch time has no jobs, or none could be made (R11.4, R11.8).
    pub(super) fn describe_without_jobs(&mut self, now: Timestamp, tick: BatchTick, fx: &mut Effects) {
        if let Some(graph) = &mut self.graph {
            graph.want(now, tick, CheckpointedAfter::Generation, fx);
        }
    }

    /// A batch completed without an error, or is given up on purpose.
    pub(super) fn no_longer_pending(&mut self, batch: BatchId) {
        if let Some(graph) = &mut self.graph {
            graph.now.pending.remove(&batch);
            graph.now.skipped.remove(&batch);
        }
    }

    /// A completed batch is cleared: now the second checkpoint is written.
    pub(super) fn describe_completed(
        &mut self,
        now: Timestamp,
        tick: BatchTick,
        saved: SavedStreams,
        fx: &mut Effects,
    ) {
        let Some(graph) = &mut self.graph else { return };
        graph.note_saved(saved);
        graph.forget_plans(tick.batch);
        graph.now.time = graph.now.time.max(tick.time);
        graph.completed = graph.completed.max(Some(tick.batch));
        graph.want(now, tick, CheckpointedAfter::Completion, fx);
    }

    /// The store answered.
    pub(super) fn graph_written(
        &mut self,
        now: Timestamp,
        write: GraphWrite,
        result: Result<Written, String>,
        out: &mut Outbox,
        fx: &mut Effects,
    ) {
        let Some(graph) = self.graph.as_mut().filter(|_| !self.ended) else { return };
        let GraphWrite { latest, checkpoint, after, attempt, .. } = write;
        let attempt = graph.writing.take().map_or(attempt, |writing| writing.wanted.attempt);
        let given_up = std::mem::take(&mut graph.given_up);
        match result {
            Ok(Written::Verified { key, bytes, backup, deleted }) => {
                graph.unplanned.retain(|batch| !checkpoint.batches.contains_key(batch));
                graph.note_written(CheckpointName::main(latest), &checkpoint);
                // Whatever it follows: one of the other kind may have taken the place of that which waited.
                let completed = graph.telling.take();
                let old = if completed.is_some() { graph.unneeded() } else { Vec::new() };
                let (batch, pending) = (checkpoint.batch(), checkpoint.pending.len() as u64);
                let epoch = checkpoint.epoch;
                let written = GraphCheckpointInfo { batch, after, path: key, bytes, pending, epoch, backup, deleted };
                self.emit(now, fx, Event::GraphCheckpointWritten { checkpoint: written });
                for (rdd, dir) in old {
                    fx.push(Effect::Store(StoreOp::Delete { rdd, dir }));
                }
                if let Some(completed) = completed {
                    self.clean_received(now, completed, &checkpoint.pending, fx);
                }
            }
            Ok(Written::TakenOver { by }) => self.taken_over(now, by, out, fx),
            // That it failed was told when it had not been answered in time.
            Err(_) if given_up => {}
            Err(error) => {
                self.graph_write_failed(now, checkpoint.batch(), (checkpoint.time, after, attempt), &error, fx)
            }
        }
        let idle = |graph: &&mut GraphCheckpoints| graph.writing.is_none() && !graph.fenced;
        let Some(graph) = self.graph.as_mut().filter(idle) else { return };
        if let Some(wanted) = graph.waiting.take() {
            graph.send(now, wanted, fx);
        }
    }

    /// D-17: there is another driver, and what this one still does must not count.
    pub(super) fn taken_over(&mut self, now: Timestamp, by: u64, out: &mut Outbox, fx: &mut Effects) {
        let Some(graph) = &mut self.graph else { return };
        graph.fenced = true;
        graph.waiting = None;
        let (dir, epoch) = (graph.dir.clone(), graph.now.epoch);
        let text = format!(
            "driver epoch {epoch} was taken over by epoch {by} on the checkpoint directory {dir}: this driver stops, the newer one goes on"
        );
        let error = EngineError::IllegalState(text);
        // No source may hear from here that something is stored, and no further output operation begins.
        drop(self.stop_receivers(now, fx));
        for running in self.streaming.iter_mut().flat_map(|s| &mut s.running) {
            running.batch.outputs.clear();
            running.failure.get_or_insert_with(|| error.clone());
        }
        self.fail_streaming(error);
        self.scheduler.cancel_all("because another driver took over", out);
    }

    fn graph_write_failed(
        &mut self,
        now: Timestamp,
        batch: BatchId,
        (time, after, attempt): (Timestamp, CheckpointedAfter, u32),
        error: &str,
        fx: &mut Effects,
    ) {
        self.emit(now, fx, Event::GraphCheckpointFailed { batch, after, attempt, error: error.to_owned() });
        let Some(graph) = &mut self.graph else { return };
        if attempt < ATTEMPTS {
            let newest = graph.waiting.take().unwrap_or(Wanted { time, after, attempt });
            graph.send(now, Wanted { attempt: attempt + 1, ..newest }, fx);
            return;
        }
        self.run_all_unplanned(now, batch, error, fx);
    }

    /// A description could not be written as often as that may be tried.
    fn run_all_unplanned(&mut self, now: Timestamp, batch: BatchId, error: &str, fx: &mut Effects) {
        let Some(graph) = &mut self.graph else { return };
        let unplanned = std::mem::take(&mut graph.unplanned);
        let error = EngineError::Store {
            message: format!(
                "what batch {batch} reads could not be written down before it runs, {ATTEMPTS} attempts failed, the last with: {error}"
            ),
            path: graph.dir.clone(),
        };
        for batch in unplanned {
            self.run_unplanned(now, batch, &error, fx);
        }
    }

    /// When the store has taken too long for a description.
    pub(super) fn graph_write_overdue_at(&self) -> Option<Timestamp> {
        let graph = self.graph.as_ref().filter(|graph| !self.ended && !graph.fenced)?;
        let since = graph.writing?.since;
        (!graph.given_up || !graph.unplanned.is_empty()).then(|| since.plus(self.config.graph_write_timeout))
    }

    /// The store does not answer: each limit counts as an attempt that failed. Another write would wait behind this
    /// one, so none is sent; and if it ends well after all, what it wrote stands and counts.
    pub(super) fn give_up_on_graph_write(&mut self, now: Timestamp, fx: &mut Effects) {
        if self.graph_write_overdue_at().is_none_or(|at| at > now) {
            return;
        }
        let limit = self.config.graph_write_timeout;
        let Some(graph) = &mut self.graph else { return };
        let Some(Writing { wanted, batch, since }) = &mut graph.writing else { return };
        let (batch, after, attempt) = (*batch, wanted.after, wanted.attempt);
        (wanted.attempt, *since) = (ATTEMPTS.min(attempt + 1), now);
        graph.given_up = attempt >= ATTEMPTS;
        let given_up = graph.given_up;
        let error =
            format!("the store did not answer within {limit} ms, which is faultline.streaming.checkpointWriteTimeout");
        self.emit(now, fx, Event::GraphCheckpointFailed { batch, after, attempt, error: error.clone() });
        if given_up {
            self.run_all_unplanned(now, batch, &error, fx);
        }
    }

    /// What becomes of a batch whose input nobody could write down, by the policy for failed batches.
    fn run_unplanned(&mut self, now: Timestamp, batch: BatchId, error: &EngineError, fx: &mut Effects) {
        match self.config.on_batch_failure {
            // As Spark, which writes afterwards and lets a failure be.
            BatchFailurePolicy::Continue => {
                let message = format!("it runs although {error}; after a crash it may read something else");
                let kind = "batch-not-planned".to_owned();
                let finding = Finding { kind, message, place: format!("batch {batch}") };
                self.emit(now, fx, Event::FindingReported { finding });
            }
            BatchFailurePolicy::Skip => {
                if let Some(s) = &mut self.streaming {
                    s.queue.retain(|waiting| waiting.tick.batch != batch);
                }
                let blocks = self.receivers.tracker.batch_done(batch);
                self.batch_failed(now, batch, error.clone(), &blocks, fx);
            }
            BatchFailurePolicy::Stop | BatchFailurePolicy::Retry => self.fail_streaming(error.clone()),
        }
    }
}
