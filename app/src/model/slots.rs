//! Which task ran in which slot of which executor, and when anything ran at all.
//!
//! An executor names no slots to its tasks, so they are given here: the lowest slot that is free at
//! launch. Views find what they show by binary search, without a look at other tasks.

use super::retention::{MAX_BUSY_PERIODS, MAX_SLOTS};
use super::{Model, judge};
use faultline_engine::event::{TaskEndReason, TaskInfo, TaskMetrics};
use faultline_engine::ids::*;
use imbl::{OrdMap, Vector};
use std::sync::Arc;

/// A pause shorter than this is none, in nanoseconds: it would only add to the list of periods.
const PAUSE_MIN_NS: u64 = 5_000_000;

/// What a far view says of a task without a look at what it did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TaskMarks {
    /// Some of its work exists because something was lost.
    pub again: bool,
    /// It ended without success, and not because it was killed.
    pub failed: bool,
    /// The scheduler killed it, for example because another attempt succeeded.
    pub killed: bool,
    /// It is a further attempt of a task that is slow (R6.2).
    pub speculative: bool,
    /// It belongs to the second job of a checkpoint.
    pub checkpoint_job: bool,
}

/// A task in its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotTask {
    /// The task.
    pub task: TaskId,
    /// From when.
    pub launched: Timestamp,
    /// Until when; `None` while it runs.
    pub finished: Option<Timestamp>,
    /// What it was, in short.
    pub marks: TaskMarks,
}

/// The slots of one executor.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExecutorSlots {
    /// Tasks by slot, in order of their launch; those of one slot never overlap.
    pub slots: Vector<Vector<SlotTask>>,
    /// When the driver learned that the executor is gone.
    pub lost: Option<Timestamp>,
}

/// A period in which at least one task ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BusyPeriod {
    /// From when.
    pub from: Timestamp,
    /// Until when; `None` while tasks run.
    pub to: Option<Timestamp>,
}

/// The slots of all executors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Slots {
    /// By executor, those without a task too.
    pub executors: OrdMap<ExecutorId, Arc<ExecutorSlots>>,
    /// Periods in which tasks ran, in order, bounded.
    pub busy: Vector<BusyPeriod>,
    /// Tasks that run.
    running: u32,
}

impl ExecutorSlots {
    /// The slot of a task that runs or was the last in its slot.
    fn slot_of(&self, task: TaskId) -> Option<usize> {
        self.slots.iter().position(|slot| slot.last().is_some_and(|last| last.task == task))
    }

    /// The lowest slot that is free at the launch; `None` when there are absurdly many.
    fn free_slot(&mut self, launched: Timestamp) -> Option<usize> {
        let is_free = |slot: &Vector<SlotTask>| {
            slot.last().is_none_or(|last| last.finished.is_some_and(|finished| finished <= launched))
        };
        if let Some(slot) = self.slots.iter().position(is_free) {
            return Some(slot);
        }
        if self.slots.len() == MAX_SLOTS {
            return None;
        }
        self.slots.push_back(Vector::new());
        Some(self.slots.len() - 1)
    }

    fn last_mut(&mut self, slot: usize) -> Option<&mut SlotTask> {
        self.slots.get_mut(slot)?.back_mut()
    }
}

impl Slots {
    fn executor_mut(&mut self, executor: ExecutorId) -> &mut ExecutorSlots {
        Arc::make_mut(self.executors.entry(executor).or_default())
    }

    fn begin(&mut self, at: Timestamp) {
        self.running += 1;
        if self.running > 1 {
            return;
        }
        match self.busy.back_mut() {
            Some(last) if last.to.is_none_or(|to| at.ns_since(to) < PAUSE_MIN_NS) => last.to = None,
            _ => self.busy.push_back(BusyPeriod { from: at, to: None }),
        }
        if self.busy.len() > MAX_BUSY_PERIODS {
            self.busy.pop_front();
        }
    }

    fn end(&mut self, at: Timestamp) {
        self.running = self.running.saturating_sub(1);
        if self.running == 0
            && let Some(last) = self.busy.back_mut()
        {
            last.to = Some(at.max(last.from));
        }
    }
}

impl Model {
    pub(super) fn slot_taken(&mut self, task: &TaskInfo) {
        let checkpoint_job = self.job_of(task.stage.stage).is_some_and(|job| job.origin.checkpoint_of.is_some());
        let executor = self.slots.executor_mut(task.executor);
        if executor.slot_of(task.id).is_some() {
            return;
        }
        let Some(slot) = executor.free_slot(task.launched) else { return };
        let marks = TaskMarks { checkpoint_job, speculative: task.speculative, ..TaskMarks::default() };
        let entry = SlotTask { task: task.id, launched: task.launched, finished: None, marks };
        executor.slots[slot].push_back(entry);
        self.slots.begin(task.launched);
    }

    pub(super) fn slot_left(&mut self, task: &TaskInfo, reason: &TaskEndReason, metrics: &TaskMetrics) {
        // A log that was cut may begin with the end of a task.
        self.slot_taken(task);
        let again = judge(metrics).iter().any(|row| row.because_of_loss);
        let rewrites = metrics.rerun_cause.is_some_and(|cause| cause.is_loss());
        let executor = self.slots.executor_mut(task.executor);
        let Some(slot) = executor.slot_of(task.id) else { return };
        let Some(entry) = executor.last_mut(slot) else { return };
        let finished = task.finished.max(entry.launched);
        let ran = entry.finished.replace(finished).is_none();
        entry.marks.again = again || rewrites;
        entry.marks.killed = matches!(reason, TaskEndReason::TaskKilled { .. });
        entry.marks.failed = !reason.is_success() && !entry.marks.killed;
        if ran {
            self.slots.end(finished);
        }
    }

    pub(super) fn slots_added(&mut self, executor: ExecutorId) {
        self.slots.executor_mut(executor).lost = None;
    }

    /// What still ran there ended now, whether or not the log says so.
    pub(super) fn slots_lost(&mut self, executor: ExecutorId) {
        let now = self.now;
        let state = self.slots.executor_mut(executor);
        state.lost.get_or_insert(now);
        let mut ended = 0;
        for slot in 0..state.slots.len() {
            if let Some(last) = state.last_mut(slot).filter(|last| last.finished.is_none()) {
                last.finished = Some(now.max(last.launched));
                last.marks.failed = true;
                ended += 1;
            }
        }
        (0..ended).for_each(|_| self.slots.end(now));
    }

    /// Forgets a task that the model forgot, with those before it in its slot.
    pub(super) fn forget_in_slots(&mut self, executor: ExecutorId, task: TaskId) {
        let state = self.slots.executor_mut(executor);
        for slot in 0..state.slots.len() {
            while state.slots[slot].front().is_some_and(|first| first.task <= task && first.finished.is_some()) {
                state.slots[slot].pop_front();
            }
        }
    }
}
