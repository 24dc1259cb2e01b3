//! The driver: which life of it this is, its epoch, what it wrote down last, and what went with it.
//!
//! ```text
//! Starting ─▶ Running ◀───────── Recovering          Ended: from anywhere but Lost
//!                │   ▲                ▲
//!           lost ▼   │ from nothing   │ from a checkpoint
//!            Waiting / Lost ──────────┘
//! ```
//! A driver that is lost waits for its supervisor, or, without one, for somebody who starts it.

use super::Model;
use super::batches::batch_of_place;
use super::retention::{MAX_DRIVER_LIVES, MAX_GRAPH_FILES};
use faultline_engine::command::{Command, SuperviseMode};
use faultline_engine::event::*;
use faultline_engine::ids::*;
use imbl::{OrdMap, OrdSet, Vector};
use std::sync::Arc;

/// How the driver stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DriverPhase {
    /// The application has not begun.
    Starting,
    /// It runs.
    Running,
    /// It runs, and batches that an earlier life of it left run again.
    Recovering,
    /// It is gone, and its supervisor starts it again.
    Waiting,
    /// It is gone, and nobody starts it but the user.
    Lost,
    /// The application ended.
    Ended,
}

/// What is known of the driver.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DriverState {
    /// Which run of it this is: 0 for the first, one more after each restart.
    pub restarts: u32,
    /// Since when there is none, and why; nothing while it runs.
    pub lost: Option<(Timestamp, String)>,
    /// When its supervisor starts it again; nothing while it runs.
    pub starts_at: Option<Timestamp>,
    /// Whether it is started again when it crashes.
    pub supervised: SuperviseMode,
    /// Its epoch on its checkpoint directory, once it has one.
    pub epoch: Option<u64>,
    /// The newest graph checkpoint.
    pub checkpoint: Option<GraphCheckpointState>,
    /// Attempts to write one that failed.
    pub failed_writes: u32,
    /// The graph checkpoint from which it went on, if it did.
    pub recovered_from: Option<Arc<str>>,
    /// How far it is with what an earlier life left; nothing before the first loss, and after one without a
    /// checkpoint.
    pub recovery: Option<DriverRecovery>,
    /// The files of graph checkpoints in the store, by path.
    pub files: OrdMap<Arc<str>, GraphFile>,
    /// Its lives, oldest first, bounded.
    pub lives: Vector<DriverLife>,
}

/// A graph checkpoint that was written.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphCheckpointState {
    /// The batch that it is about.
    pub batch: BatchId,
    /// When it was written.
    pub at: Timestamp,
    /// Where.
    pub path: Arc<str>,
    /// Batches in it that were generated and not completed.
    pub pending: u64,
}

/// A file of a graph checkpoint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GraphFile {
    /// What was written; nothing of a file that only an earlier process knows.
    pub written: Option<GraphFileInfo>,
    /// A driver that went on could not use it.
    pub damaged: bool,
}

/// What is known of a file that was written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GraphFileInfo {
    /// The batch that it is about.
    pub batch: BatchId,
    /// What it follows.
    pub after: CheckpointedAfter,
    /// Its length.
    pub bytes: u64,
    /// Epoch of the driver.
    pub epoch: u64,
    /// When it was verified.
    pub at: Timestamp,
}

/// Going on from a graph checkpoint: which batches run again, and how many have (R15.11).
#[derive(Clone, Debug, PartialEq)]
pub struct DriverRecovery {
    /// The batch of the checkpoint: it and every later one before `until` run again.
    pub batch: BatchId,
    /// The first batch whose time had not come.
    pub until: BatchId,
    /// Batches before `batch` that were not completed.
    pub pending: OrdSet<BatchId>,
    /// Directories of saved RDDs that the checkpoint names.
    pub saved: usize,
    /// Checkpoint files that could not be used.
    pub damaged: usize,
    /// Batches that have run again.
    pub done: u32,
    /// Batches that ran again without blocks that nobody had any more.
    pub incomplete: OrdSet<BatchId>,
}

impl DriverRecovery {
    /// How many batches run again.
    pub fn of(&self) -> u32 {
        (self.pending.len() as u32).saturating_add(self.until.0.saturating_sub(self.batch.0))
    }

    /// Whether all of them have.
    pub fn is_over(&self) -> bool {
        self.done >= self.of()
    }

    fn includes(&self, batch: BatchId) -> bool {
        (self.batch..self.until).contains(&batch) || self.pending.contains(&batch)
    }
}

/// One life of the driver.
#[derive(Clone, Debug, PartialEq)]
pub struct DriverLife {
    /// Its number, from 1.
    pub number: u32,
    /// From when.
    pub from: Timestamp,
    /// The batch of the checkpoint from which it went on.
    pub checkpoint: Option<BatchId>,
    /// What that one said.
    pub from_checkpoint: Option<Arc<RecoveryInfo>>,
    /// Its epoch on its checkpoint directory, once it has one.
    pub epoch: Option<u64>,
    /// Batches of earlier lives that ran again in it.
    pub ran_again: OrdSet<BatchId>,
    /// When everything that the life before left had run again.
    pub recovered: Option<Timestamp>,
    /// When it was lost.
    pub lost: Option<Timestamp>,
    /// Why it was lost; empty until then.
    pub reason: String,
}

impl Model {
    /// How the driver stands.
    pub fn driver_phase(&self) -> DriverPhase {
        let driver = &self.driver;
        match (self.application.started, self.application.ended, &driver.lost) {
            (_, Some(_), _) => DriverPhase::Ended,
            (None, None, None) => DriverPhase::Starting,
            (_, None, Some(_)) if driver.supervised == SuperviseMode::On || driver.starts_at.is_some() => {
                DriverPhase::Waiting
            }
            (_, None, Some(_)) => DriverPhase::Lost,
            (Some(_), None, None) if driver.recovery.as_ref().is_some_and(|r| !r.is_over()) => DriverPhase::Recovering,
            (Some(_), None, None) => DriverPhase::Running,
        }
    }

    /// Which life of the driver this is, or was the last, from 1.
    pub const fn driver_life(&self) -> u32 {
        self.driver.restarts.saturating_add(1)
    }

    /// How many batches were generated since the newest graph checkpoint; `None` without one.
    pub fn checkpoint_age(&self) -> Option<u32> {
        let batch = self.driver.checkpoint.as_ref()?.batch;
        Some(self.latest_batch().map_or(0, |latest| latest.0.saturating_sub(batch.0)))
    }

    /// Whether an executor went with an earlier life of the driver: no driver knows it any more.
    pub fn of_former_life(&self, executor: &super::ExecutorState) -> bool {
        executor.life < self.driver_life() || self.driver.lost.is_some()
    }

    pub(super) fn driver_began(&mut self) {
        if self.driver.lives.is_empty() {
            self.driver_lives(1);
        }
    }

    pub(super) fn driver_epoch_taken(&mut self, epoch: u64) {
        self.driver_began();
        self.driver.epoch = Some(epoch);
        if let Some(life) = self.driver.lives.back_mut() {
            life.epoch = Some(epoch);
        }
    }

    /// A life of the driver that is kept.
    pub fn life_of_driver(&self, number: u32) -> Option<&DriverLife> {
        self.driver.lives.iter().find(|life| life.number == number)
    }

    /// Where an RDD that reads checkpoint files has them from, and which life of the driver found them in its graph
    /// checkpoint: state of a batch that an earlier life saved.
    pub fn saved_before(&self, rdd: RddId) -> Option<(&DriverLife, &SavedState)> {
        let rdd = self.rdds.get(&rdd)?;
        // What this life saved itself has a parent that it stands in for.
        if self.checkpoints.values().any(|checkpoint| checkpoint.checkpoint_rdd == rdd.info.id) {
            return None;
        }
        let op = &rdd.info.op;
        let life = self.driver.lives.back()?;
        let states = &life.from_checkpoint.as_ref()?.states;
        let found = states.iter().find(|saved| saved.operator == op.operator && Some(saved.batch) == op.batch)?;
        rdd.reads_checkpoint_files().then_some((life, found))
    }

    fn driver_lives(&mut self, number: u32) {
        let life = DriverLife {
            number,
            from: self.now,
            checkpoint: None,
            from_checkpoint: None,
            epoch: None,
            ran_again: OrdSet::new(),
            recovered: None,
            lost: None,
            reason: String::new(),
        };
        self.driver.lives.push_back(life);
        if self.driver.lives.len() > MAX_DRIVER_LIVES {
            self.driver.lives.pop_front();
        }
    }

    /// Executors are told of one by one; everything else of the driver goes here.
    pub(super) fn driver_lost(&mut self, reason: &str) {
        self.driver_began();
        self.driver.lost = Some((self.now, reason.to_owned()));
        self.driver.recovery = None;
        let now = self.now;
        if let Some(life) = self.driver.lives.back_mut() {
            life.lost = Some(now);
            reason.clone_into(&mut life.reason);
        }
        self.tell_driver_lost();
        let failed = JobResult::Failed { error: format!("the driver was lost: {reason}") };
        for job in self.index.running_jobs.clone() {
            self.job_ended(job, &failed);
        }
        let running: Vec<TaskInfo> = self
            .executors
            .values()
            .flat_map(|e| &e.running)
            .filter_map(|id| Some(self.tasks.get(id)?.info.clone()))
            .collect();
        for task in running {
            let reason = TaskEndReason::TaskKilled { reason: "the driver was lost".to_owned() };
            self.task_ended(&TaskInfo { finished: self.now, ..task }, &reason, &TaskMetrics::default());
        }
        let shuffles: Vec<ShuffleId> = self.shuffles.keys().copied().collect();
        shuffles.into_iter().for_each(|shuffle| self.shuffle_removed(shuffle));
        let rdds: Vec<RddId> = self.rdds.keys().copied().collect();
        self.index.former_rdds = RddId(rdds.last().map_or(0, |last| last.0.saturating_add(1)));
        rdds.into_iter().for_each(|rdd| self.rdd_released(rdd));
        self.batches_lost();
        self.receivers_lost();
    }

    pub(super) fn driver_restart_scheduled(&mut self, at: Timestamp) {
        self.driver.starts_at = Some(at);
        self.tell_driver_waits();
    }

    /// The switch was moved; what waits for a supervisor waits in vain when there is none any more.
    pub(super) fn driver_commanded(&mut self, command: &Command) {
        let Command::SuperviseDriver { mode } = *command else { return };
        self.driver.supervised = mode;
        if mode == SuperviseMode::Off {
            self.driver.starts_at = None;
        }
        self.tell_driver_waits();
    }

    pub(super) fn driver_started(&mut self, delay: Millis) {
        self.driver_began();
        self.driver.lost = None;
        self.driver.starts_at = None;
        self.driver.restarts = self.driver.restarts.saturating_add(1);
        self.driver_lives(self.driver_life());
        self.tell_driver_started(delay);
    }

    pub(super) fn streaming_recovered(&mut self, recovery: &RecoveryInfo) {
        let RecoveryInfo { path, batch, pending, restart, saved, damaged, .. } = recovery;
        self.driver.recovered_from = Some(path.as_str().into());
        let pending: OrdSet<BatchId> = pending.iter().copied().filter(|p| p < batch).collect();
        self.driver.recovery = Some(DriverRecovery {
            // There is no batch 0: the checkpoint of a start runs nothing again.
            batch: BatchId(batch.0.max(1)),
            until: *restart,
            pending,
            saved: saved.len(),
            damaged: damaged.len(),
            done: 0,
            incomplete: OrdSet::new(),
        });
        for path in damaged {
            let file =
                self.driver.files.entry(path.as_str().into()).or_insert(GraphFile { written: None, damaged: true });
            file.damaged = true;
        }
        self.driver_began();
        if let Some(life) = self.driver.lives.back_mut() {
            life.checkpoint = Some(*batch);
            life.from_checkpoint = Some(Arc::new(recovery.clone()));
        }
        self.tell_driver_recovers();
        self.driver_recovered();
    }

    /// A batch that an earlier life left has run again.
    pub(super) fn batch_ran_again(&mut self, id: BatchId) {
        let Some(recovery) = &mut self.driver.recovery else { return };
        if recovery.is_over() || !recovery.includes(id) {
            return;
        }
        recovery.done += 1;
        if let Some(life) = self.driver.lives.back_mut() {
            life.ran_again.insert(id);
        }
        self.tell_driver_recovers();
        self.driver_recovered();
    }

    /// The finding that a batch misses blocks of receivers.
    pub(super) fn batch_incomplete(&mut self, finding: &Finding) {
        let batch = batch_of_place(&finding.place);
        let recovery = self.driver.recovery.as_mut().filter(|r| !r.is_over());
        let (Some(recovery), Some(batch), "received-blocks-lost") = (recovery, batch, finding.kind.as_str()) else {
            return;
        };
        recovery.incomplete.insert(batch);
        self.tell_driver_recovers();
    }

    fn driver_recovered(&mut self) {
        if !self.driver.recovery.as_ref().is_some_and(DriverRecovery::is_over) {
            return;
        }
        let now = self.now;
        if let Some(life) = self.driver.lives.back_mut() {
            life.recovered = Some(now);
        }
        self.tell_driver_recovered();
    }

    pub(super) fn graph_checkpoint_written(&mut self, checkpoint: &GraphCheckpointInfo) {
        let GraphCheckpointInfo { batch, path, pending, .. } = checkpoint;
        let path: Arc<str> = path.as_str().into();
        let files = &mut self.driver.files;
        if let (Some(backup), Some(before)) = (&checkpoint.backup, files.get(&path).copied()) {
            files.insert(backup.as_str().into(), before);
        }
        let GraphCheckpointInfo { after, bytes, epoch, .. } = *checkpoint;
        let written = GraphFileInfo { batch: *batch, after, bytes, epoch, at: self.now };
        files.insert(Arc::clone(&path), GraphFile { written: Some(written), damaged: false });
        for deleted in &checkpoint.deleted {
            files.remove(deleted.as_str());
        }
        while files.len() > MAX_GRAPH_FILES {
            files.remove_with_key(&files.get_min().map(|(path, _)| Arc::clone(path)).unwrap_or_default());
        }
        self.driver.checkpoint = Some(GraphCheckpointState { batch: *batch, at: self.now, path, pending: *pending });
    }
}
