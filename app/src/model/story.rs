//! The story of the moment: what just happened and what follows from it, in numbers.
//!
//! ```text
//! Waiting ─▶ Running ◀──▶ Checkpointed          Failed, Ended: from anywhere
//!               │ ▲
//!         fault ▼ │ next batch or job
//!          Recovering ─▶ Recovered
//! ```
//! While recovering, only the recovery is told; the words are in `sentences.rs`. A driver that is lost and comes
//! back has the floor in the same way: see `driver_story.rs`.

use super::sentences::{self, FaultKind, Tense};
use super::{FaultRecord, LostWithDriver, Model};
use faultline_engine::command::{Command, StopMode};
use faultline_engine::event::{JobResult, ReadTier};
use faultline_engine::ids::*;
use imbl::OrdSet;

/// Where in the story we are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoryPhase {
    /// Nothing runs yet.
    #[default]
    Waiting,
    /// Batches or jobs run.
    Running,
    /// A checkpoint was just written.
    Checkpointed,
    /// A fault struck, and what it costs is being paid.
    Recovering,
    /// The batch or job that paid for the last fault is done.
    Recovered,
    /// The driver is gone.
    DriverLost,
    /// It came back, and what its earlier life left runs again.
    DriverRecovering,
    /// A batch or job failed.
    Failed,
    /// The application ended.
    Ended,
}

/// What happened since the last fault, in numbers and in words.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Story {
    /// The sentence: what just happened.
    pub headline: String,
    /// What follows from it, with numbers.
    pub detail: String,
    /// The executor struck by the last fault.
    pub struck: Option<ExecutorId>,
    /// Batch in which the recovery of the last fault runs; `None` once it completed.
    pub recovering: Option<BatchId>,
    /// Stored partitions lost by the last fault.
    pub lost_partitions: u32,
    /// Received blocks of which no executor has a copy any more.
    pub lost_inputs: u32,
    /// Map outputs lost by the last fault.
    pub lost_map_outputs: u32,
    /// (operator, batch, partition) computed again since.
    pub computed_again: u32,
    /// Map outputs written again since.
    pub map_outputs_rewritten: u32,
    /// Checkpoint partitions read since.
    pub read_back: u32,
    /// Received blocks read from the write-ahead log since.
    pub blocks_read_back: u32,
    /// RDDs on the way back since the last fault: computed again, or where the walk ended.
    pub path: OrdSet<RddId>,
    /// Where in the story we are.
    pub phase: StoryPhase,
    /// Batch that ran, or came next, when the fault struck.
    pub struck_in: Option<BatchId>,
    /// Of `computed_again`, partitions of stateful operators.
    pub state_computed_again: u32,
    /// Of `computed_again`, partitions of other operators, computed only to write map outputs again.
    /// The sentence counts the map outputs instead.
    pub computed_again_for_map_outputs: u32,
    /// The sentence with which the last recovery ended; empty before the first.
    pub closing: String,
    /// What went with the driver, when it was lost last.
    pub lost_with_driver: LostWithDriver,
}

impl Story {
    /// Whether anything was lost by the last fault.
    pub fn lost_anything(&self) -> bool {
        self.lost_partitions + self.lost_inputs + self.lost_map_outputs > 0
    }

    /// Whether the recovery has done any work.
    pub fn repaired_anything(&self) -> bool {
        self.computed_again + self.map_outputs_rewritten + self.read_back + self.blocks_read_back > 0
    }

    /// Whether a recovery runs.
    pub fn is_recovering(&self) -> bool {
        self.phase == StoryPhase::Recovering
    }

    /// Whether something is told that nothing else interrupts.
    const fn has_the_floor(&self) -> bool {
        matches!(self.phase, StoryPhase::Recovering | StoryPhase::DriverLost | StoryPhase::DriverRecovering)
    }

    /// Whether what is done again is counted.
    const fn counts_repairs(&self) -> bool {
        matches!(self.phase, StoryPhase::Recovering | StoryPhase::DriverRecovering)
    }

    fn tell(&mut self, phase: StoryPhase, headline: String, detail: String) {
        (self.phase, self.headline, self.detail) = (phase, headline, detail);
    }

    /// The end of the last recovery stays told until something else has to be said.
    fn closing_or(&self, detail: impl FnOnce() -> String) -> String {
        if self.closing.is_empty() { detail() } else { self.closing.clone() }
    }

    fn close_recovery(&mut self, subject: &str) {
        self.closing = sentences::closing(self, subject);
        self.detail.clone_from(&self.closing);
        self.recovering = None;
        self.phase = StoryPhase::Recovered;
    }
}

impl Model {
    pub(super) fn tell_application_started(&mut self) {
        if self.story.headline.is_empty() {
            let name = self.application.name.clone();
            self.story.tell(StoryPhase::Waiting, "The application has started.".to_owned(), name);
        }
    }

    pub(super) fn tell_application_ended(&mut self) {
        if self.story.is_recovering() {
            self.story.close_recovery("The application");
        }
        let batches = self.index.completed_batches;
        let detail = self.story.closing_or(|| sentences::batches_completed(batches));
        self.story.tell(StoryPhase::Ended, "The application has ended.".to_owned(), detail);
    }

    pub(super) fn tell_streaming_started(&mut self) {
        let goes_on = self.story.phase == StoryPhase::DriverRecovering && self.driver.recovery.is_some();
        if !self.story.is_recovering() && !goes_on {
            let detail = self.story.closing.clone();
            self.story.tell(StoryPhase::Waiting, "Waiting for the first batch.".to_owned(), detail);
        }
    }

    pub(super) fn tell_streaming_stopping(&mut self, mode: StopMode) {
        if !self.story.has_the_floor() {
            let (headline, detail) = sentences::stopping(mode);
            self.story.tell(StoryPhase::Running, headline.to_owned(), detail.to_owned());
        }
    }

    pub(super) fn tell_batch_started(&mut self, id: BatchId) {
        if self.story.has_the_floor() {
            return;
        }
        let records = self.batches.get(&id).map_or(0, |b| b.info.records);
        let detail = self.story.closing_or(|| sentences::records_came_in(records));
        self.story.tell(StoryPhase::Running, format!("Batch {id} is running."), detail);
    }

    pub(super) fn tell_batch_completed(&mut self, id: BatchId) {
        let Some(batch) = self.batches.get(&id) else { return };
        if let Some(error) = &batch.failure {
            let detail = sentences::first_line(error);
            self.story.recovering = None;
            self.story.tell(StoryPhase::Failed, format!("Batch {id} failed."), detail);
            return;
        }
        match self.story.phase {
            StoryPhase::Recovering if self.story.recovering.is_some_and(|r| id >= r) => self.batch_recovered(id),
            StoryPhase::Waiting | StoryPhase::Running | StoryPhase::Failed => {
                let ns = batch.processing_ns.unwrap_or_default();
                let detail = self.story.closing_or(|| sentences::it_took(ns));
                self.story.tell(StoryPhase::Running, format!("Batch {id} is complete."), detail);
            }
            StoryPhase::Recovering
            | StoryPhase::DriverLost
            | StoryPhase::DriverRecovering
            | StoryPhase::Checkpointed
            | StoryPhase::Recovered
            | StoryPhase::Ended => {}
        }
    }

    /// A fault may strike when its batch has read all it needs; then the next batch pays for it.
    fn batch_recovered(&mut self, id: BatchId) {
        if self.recovery_outstanding() && self.story.struck_in.is_some_and(|b| id <= b) {
            self.story.recovering = Some(BatchId(id.0.saturating_add(1)));
        } else {
            self.story.close_recovery(&format!("Batch {id}"));
        }
    }

    /// Whether something is lost, or is about to be, and nobody has needed it so far.
    fn recovery_outstanding(&self) -> bool {
        let story = &self.story;
        let killed = |e: ExecutorId| {
            self.faults.back().is_some_and(|f| f.executor == Some(e) && FaultKind::of(&f.fault) == FaultKind::Kill)
        };
        let unnoticed = |e: ExecutorId| killed(e) && self.executors.get(&e).is_some_and(|s| s.alive);
        !story.repaired_anything() && (story.lost_anything() || story.struck.is_some_and(unnoticed))
    }

    pub(super) fn tell_job_started(&mut self, id: JobId) {
        if self.streams.zero.is_some() || self.story.is_recovering() {
            return;
        }
        let Some(job) = self.jobs.get(&id) else { return };
        let writes = job.origin.checkpoint_of.is_some();
        let headline = if writes { format!("Job {id} writes a checkpoint.") } else { format!("Job {id} is running.") };
        let detail = self.story.closing_or(|| job.origin.callsite.clone());
        self.story.tell(StoryPhase::Running, headline, detail);
    }

    pub(super) fn tell_job_ended(&mut self, id: JobId) {
        if self.streams.zero.is_some() || self.story.phase == StoryPhase::DriverLost {
            return;
        }
        let Some(job) = self.jobs.get(&id) else { return };
        match &job.result {
            Some(JobResult::Failed { error }) => {
                let detail = sentences::first_line(error);
                self.story.tell(StoryPhase::Failed, format!("Job {id} failed."), detail);
            }
            // What is lost may be needed by a later job, and then that one pays.
            _ if self.story.is_recovering() && !self.recovery_outstanding() => {
                self.story.close_recovery(&format!("Job {id}"));
            }
            _ if self.story.phase == StoryPhase::Running => {
                self.story.headline = format!("Job {id} is done.");
            }
            _ => {}
        }
    }

    pub(super) fn tell_checkpoint_completed(&mut self, rdd: RddId, parts: usize, second_job: bool) {
        if self.story.has_the_floor() {
            return;
        }
        let Some(op) = self.rdds.get(&rdd).map(|r| &r.info.op) else { return };
        let stateful = self.index.stateful.contains(&op.operator);
        let headline = sentences::checkpointed(op, stateful);
        let detail = sentences::checkpoint_written(parts, second_job);
        self.story.closing.clear();
        self.story.tell(StoryPhase::Checkpointed, headline, detail);
    }

    pub(super) fn tell_checkpoint_failed(&mut self, error: &str) {
        if !self.story.has_the_floor() {
            let detail = sentences::first_line(error);
            self.story.tell(StoryPhase::Failed, "A checkpoint could not be written.".to_owned(), detail);
        }
    }

    pub(super) fn tell_fault(&mut self, fault: &FaultRecord) {
        // The loss of the driver itself is told next.
        if fault.fault == Command::KillDriver.to_string() {
            return;
        }
        let moment = self.moment(fault.batch);
        let headline = sentences::fault(FaultKind::of(&fault.fault), fault, &moment);
        self.begin_recovery(headline, fault.executor, fault.batch);
    }

    pub(super) fn tell_decommission_started(&mut self, id: ExecutorId) {
        if !self.story.has_the_floor() {
            let headline = format!("Executor {id} is being decommissioned.");
            let detail = "It gets no new tasks, and what it holds moves to others.".to_owned();
            self.story.tell(StoryPhase::Running, headline, detail);
        }
    }

    /// Nothing was lost: what it held is elsewhere.
    fn tell_executor_left(&mut self, id: ExecutorId) {
        let leaving = self.executors.get(&id).and_then(|e| e.standing.leaving).unwrap_or_default();
        if !self.story.has_the_floor() {
            let headline = format!("Executor {id} has left.");
            self.story.tell(StoryPhase::Running, headline, sentences::moved(&leaving));
        }
    }

    /// An executor that no injected fault announced is a fault all the same.
    pub(super) fn tell_executor_removed(&mut self, id: ExecutorId) {
        if self.driver.lost.is_some() {
            return;
        }
        if self.left_in_order(id) {
            self.tell_executor_left(id);
        } else if !self.fault_struck(id) && self.application.ended.is_none() {
            let batch = self.running_or_next_batch();
            let headline = format!("Executor {id} was lost{}.", self.moment(batch));
            self.clear_marks();
            self.begin_recovery(headline, Some(id), batch);
        }
        self.tell_recovery();
    }

    fn begin_recovery(&mut self, headline: String, struck: Option<ExecutorId>, batch: Option<BatchId>) {
        self.story = Story {
            headline,
            struck,
            struck_in: batch,
            recovering: batch,
            phase: StoryPhase::Recovering,
            ..Story::default()
        };
        self.tell_recovery();
    }

    /// When a fault strikes: ` in batch 8`, ` before batch 8`, ` in job 3`, or nothing.
    pub(super) fn moment(&self, batch: Option<BatchId>) -> String {
        match (batch, self.running_job()) {
            (Some(batch), _) if self.running_batch() == Some(batch) => format!(" in batch {batch}"),
            (Some(batch), _) => format!(" before batch {batch}"),
            (None, Some(job)) => format!(" in job {job}"),
            (None, None) => String::new(),
        }
    }

    /// Brings the numbers of a running recovery up to date.
    pub(super) fn tell_recovery(&mut self) {
        if !self.story.is_recovering() {
            return;
        }
        let story = &self.story;
        let gone = story.struck.is_some_and(|e| self.executors.get(&e).is_none_or(|s| !s.alive));
        self.story.detail = if story.repaired_anything() {
            sentences::repair(story, Tense::Present)
        } else if gone || story.lost_anything() {
            sentences::losses(story)
        } else {
            String::new()
        };
    }

    pub(super) fn story_partition_lost(&mut self) {
        if self.story.is_recovering() {
            self.story.lost_partitions += 1;
        }
    }

    pub(super) fn story_input_lost(&mut self) {
        if self.story.is_recovering() {
            self.story.lost_inputs += 1;
        }
    }

    pub(super) fn story_map_outputs_lost(&mut self, outputs: u32) {
        if self.story.is_recovering() {
            self.story.lost_map_outputs = self.story.lost_map_outputs.saturating_add(outputs);
            self.tell_recovery();
        }
    }

    pub(super) fn story_on_path(&mut self, rdd: RddId) {
        if self.story.is_recovering() {
            self.story.path.insert(rdd);
        }
    }

    pub(super) fn story_map_output_rewritten(&mut self) {
        if self.story.counts_repairs() {
            self.story.map_outputs_rewritten += 1;
        }
    }

    pub(super) fn story_read_back(&mut self, rdd: RddId, tier: ReadTier) {
        // A block that memory had no room for is read from there, too.
        let evicted = tier == ReadTier::WriteAheadLog && self.story.is_recovering() && self.story.lost_inputs == 0;
        if self.story.counts_repairs() && !evicted {
            match tier {
                ReadTier::WriteAheadLog => self.story.blocks_read_back += 1,
                _ => self.story.read_back += 1,
            }
            self.story.path.insert(rdd);
        }
    }

    /// Counts (operator, batch, partition), as drawn: the RDDs of one operator count once.
    pub(super) fn story_computed_again(&mut self, block: BlockId, in_map_task: bool) {
        if !self.story.counts_repairs() {
            return;
        }
        let Some(op) = self.rdds.get(&block.rdd).map(|r| r.info.op.clone()) else { return };
        self.story.path.insert(block.rdd);
        let stateful = self.index.stateful.contains(&op.operator);
        if self.index.recovered.insert((op.operator, op.batch, block.partition)).is_none() {
            self.story.computed_again += 1;
            self.story.state_computed_again += u32::from(stateful);
            self.story.computed_again_for_map_outputs += u32::from(in_map_task && !stateful);
        }
    }
}
