//! Moments of a run by which one finds the way back: batches, faults, checkpoints.

use super::Timeline;
use faultline_engine::event::Event;
use faultline_engine::ids::*;

/// What happened at a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkKind {
    /// The first job of a batch started.
    BatchStarted(BatchId),
    /// All output operations of a batch ended.
    BatchCompleted(BatchId),
    /// A job ended.
    JobEnded(JobId),
    /// Something was made to fail.
    Fault,
    /// A checkpoint was written, and the lineage cut.
    Checkpoint,
}

/// A moment worth a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Envelopes up to and including the one that says it.
    pub position: usize,
    /// Busy time up to then, as [`Timeline::busy_ns_at`] tells it.
    pub busy_ns: u64,
    /// What happened.
    pub what: MarkKind,
}

/// The mark that an event makes.
pub(super) fn mark_of(event: &Event) -> Option<MarkKind> {
    Some(match event {
        Event::BatchStarted { batch } => MarkKind::BatchStarted(*batch),
        Event::BatchCompleted { batch, .. } => MarkKind::BatchCompleted(*batch),
        Event::JobEnd { job, .. } => MarkKind::JobEnded(*job),
        Event::FaultInjected { .. } => MarkKind::Fault,
        Event::CheckpointCompleted { .. } => MarkKind::Checkpoint,
        _ => return None,
    })
}

/// How far one step through a run goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stride {
    /// To the next event.
    Event,
    /// To the next end of a task.
    Task,
    /// To the next end of a stage.
    Stage,
    /// To the next end of a batch, or of a job in a program without batches.
    Batch,
}

/// Which way a step through a run goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Towards the beginning.
    Back,
    /// Towards the end.
    Forward,
}

impl Timeline {
    /// Where a step from `position` ends: the earliest moment or the end when nothing lies between.
    pub fn stride(&self, position: usize, stride: Stride, way: Way) -> usize {
        let position = position.max(self.first());
        let ends = |wanted: fn(&Event) -> bool| match way {
            Way::Forward => {
                let after = self.envelopes_from(position).position(|e| wanted(&e.event));
                after.map_or(self.len(), |offset| position + offset + 1)
            }
            Way::Back => {
                let mut before = (self.first() + 1..position).rev();
                before.find(|&n| self.envelope(n - 1).is_some_and(|e| wanted(&e.event))).unwrap_or(self.first())
            }
        };
        match stride {
            Stride::Event => match way {
                Way::Forward => (position + 1).min(self.len()),
                Way::Back => position.saturating_sub(1).max(self.first()),
            },
            Stride::Task => ends(|e| matches!(e, Event::TaskEnd { .. })),
            Stride::Stage => ends(|e| matches!(e, Event::StageCompleted { .. })),
            Stride::Batch => self.batch_stride(position, way),
        }
    }

    fn batch_stride(&self, position: usize, way: Way) -> usize {
        let has_batches = !self.live().batches.is_empty();
        let ends = |mark: &&Mark| match mark.what {
            MarkKind::BatchCompleted(_) => has_batches,
            MarkKind::JobEnded(_) => !has_batches,
            _ => false,
        };
        let marks = self.marks();
        match way {
            Way::Forward => {
                let next = marks.partition_point(|m| m.position <= position);
                marks[next..].iter().find(ends).map_or(self.len(), |m| m.position)
            }
            Way::Back => {
                let next = marks.partition_point(|m| m.position < position);
                let mut before = marks[..next].iter().rev().filter(ends);
                // What follows the end of a batch, as its graph checkpoint, is still that moment.
                let begun = |event: &Event| {
                    matches!(event, Event::BatchSubmitted { .. } | Event::JobStart { .. } | Event::FaultInjected { .. })
                };
                let is_here = |mark: &Mark| {
                    let mut since = self.envelopes_from(mark.position).take(position - mark.position);
                    has_batches && !since.any(|e| begun(&e.event))
                };
                before.find(|mark| !is_here(mark)).map_or(self.first(), |m| m.position)
            }
        }
    }

    /// The batch that ran after the first `position` envelopes, else the last one before.
    pub fn batch_at(&self, position: usize) -> Option<BatchId> {
        let next = self.marks().partition_point(|m| m.position <= position);
        self.marks()[..next].iter().rev().find_map(|m| match m.what {
            MarkKind::BatchStarted(batch) | MarkKind::BatchCompleted(batch) => Some(batch),
            _ => None,
        })
    }
}
