//! Tasks as bars, and tasks too short for bars as heaps.

use super::{Axis, Doing, Lit, Request, segments};
use crate::model::{Model, SlotTask, TaskState};
use faultline_engine::ids::*;
use imbl::Vector;
use std::sync::Arc;

/// A task narrower than this is heaped with its neighbours, in points.
const BAR_MIN: f32 = 3.0;
/// Width of a heap, in points.
const HEAP: f32 = 3.0;
/// A bar narrower than this shows one piece, in points.
const PIECES_MIN: f32 = 8.0;
/// A piece narrower than this is drawn as part of the one before it, in points.
const PIECE_MIN: f32 = 1.0;

/// How a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BarState {
    /// It runs, until now.
    Running,
    /// It succeeded.
    Succeeded,
    /// It failed.
    Failed,
    /// The scheduler killed it: its work is not needed any more.
    Killed,
}

/// A piece of a bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Piece {
    /// What.
    pub doing: Doing,
    /// It exists because something was lost.
    pub again: bool,
    /// From where to where.
    pub x: (f32, f32),
}

/// A task.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// Its row.
    pub row: usize,
    /// Which.
    pub task: TaskId,
    /// From where to where; beyond the edges when it is.
    pub x: (f32, f32),
    /// How it stands.
    pub state: BarState,
    /// It belongs to the second job of a checkpoint.
    pub checkpoint_job: bool,
    /// It is a further attempt of a task that is slow.
    pub speculative: bool,
    /// What it did; empty while it runs.
    pub pieces: Vec<Piece>,
    /// It computed what is selected.
    pub lit: bool,
    /// It is selected itself.
    pub selected: bool,
}

/// Tasks that share a few points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heap {
    /// Their row.
    pub row: usize,
    /// From where to where.
    pub x: (f32, f32),
    /// The first of them.
    pub first: TaskId,
    /// How many.
    pub tasks: u32,
    /// How many of them did work that exists because something was lost.
    pub again: u32,
    /// How many of them failed.
    pub failed: u32,
    /// How many of them belong to second jobs of checkpoints.
    pub checkpoint_jobs: u32,
    /// One of them is selected itself.
    pub selected: bool,
}

/// One row that is asked for.
pub(super) struct Line<'a> {
    pub model: &'a Model,
    pub axis: &'a Axis,
    pub request: &'a Request,
    pub lit: &'a Lit,
    pub row: usize,
}

impl Line<'_> {
    /// Adds the visible tasks of a slot.
    pub fn add(&self, slot: &Vector<SlotTask>, bars: &mut Vec<Bar>, heaps: &mut Vec<Heap>) {
        let (from, to) = (self.axis.time(self.request.span.from), self.axis.time(self.request.span.to));
        // The first that ends in view; one that runs ends in the future.
        let ends_before = |task: &SlotTask| task.finished.is_some_and(|finished| finished < from);
        let order =
            |task: &SlotTask| if ends_before(task) { std::cmp::Ordering::Less } else { std::cmp::Ordering::Greater };
        let first = slot.binary_search_by(order).unwrap_or_else(|at| at);
        let heaps_before = heaps.len();
        for task in slot.focus().narrow(first..) {
            if task.launched > to {
                break;
            }
            self.add_task(task, bars, heaps, heaps_before);
        }
    }

    fn add_task(&self, task: &SlotTask, bars: &mut Vec<Bar>, heaps: &mut Vec<Heap>, heaps_before: usize) {
        let shown = |at| self.request.x(self.axis.shown(at));
        let x = (shown(task.launched), shown(task.finished.unwrap_or(self.model.now.max(task.launched))));
        let selected = self.lit.task == Some(task.task);
        let state = self.model.tasks.get(&task.task);
        if (x.1 - x.0 >= BAR_MIN || task.finished.is_none())
            && let Some(state) = state
        {
            bars.push(self.bar(task, state, x, selected));
            return;
        }
        // Buckets stand on the axis, not on the view, so that they keep their tasks while it moves.
        let scale = f64::from(self.request.width) / self.request.span.length();
        let bucket = (self.axis.shown(task.launched) * scale / f64::from(HEAP)).floor();
        let left = self.request.x(bucket * f64::from(HEAP) / scale);
        let again = u32::from(task.marks.again);
        let failed = u32::from(task.marks.failed);
        let checkpoint_jobs = u32::from(task.marks.checkpoint_job);
        if let Some(heap) = heaps[heaps_before..].last_mut().filter(|heap| heap.x.0 == left) {
            heap.tasks += 1;
            heap.again += again;
            heap.failed += failed;
            heap.checkpoint_jobs += checkpoint_jobs;
            heap.selected |= selected;
            return;
        }
        let x = (left, left + HEAP);
        let (row, first) = (self.row, task.task);
        heaps.push(Heap { row, x, first, tasks: 1, again, failed, checkpoint_jobs, selected });
    }

    fn bar(&self, task: &SlotTask, state: &Arc<TaskState>, x: (f32, f32), selected: bool) -> Bar {
        Bar {
            row: self.row,
            task: task.task,
            x,
            state: match task.finished {
                None => BarState::Running,
                Some(_) if task.marks.failed => BarState::Failed,
                Some(_) if task.marks.killed => BarState::Killed,
                Some(_) => BarState::Succeeded,
            },
            checkpoint_job: task.marks.checkpoint_job,
            speculative: task.marks.speculative,
            pieces: self.pieces(task, state, x),
            lit: self.lit.includes(self.model, state),
            selected,
        }
    }

    /// The segments where they are drawn. What is too narrow joins what is left of it, except that the
    /// first orange one is always to be seen.
    fn pieces(&self, task: &SlotTask, state: &TaskState, x: (f32, f32)) -> Vec<Piece> {
        let length = task.finished.map_or(0, |finished| finished.ns_since(task.launched));
        if length == 0 {
            return Vec::new();
        }
        let segments = segments(self.model, state).list;
        let at = |ns: u64| x.0 + (x.1 - x.0) * (ns as f64 / length as f64) as f32;
        if x.1 - x.0 < PIECES_MIN {
            let again: u64 = segments.iter().filter(|s| s.again).map(|s| s.ns.1 - s.ns.0).sum();
            let split = if task.marks.again { at(again).max(x.0 + PIECE_MIN) } else { x.0 };
            let parts = [(true, (x.0, split)), (false, (split, x.1))];
            let parts = parts.into_iter().filter(|(_, x)| x.1 > x.0);
            return parts.map(|(again, x)| Piece { doing: Doing::Computed, again, x }).collect();
        }
        let mut pieces: Vec<Piece> = Vec::with_capacity(segments.len());
        for segment in &segments {
            let piece = Piece { doing: segment.doing, again: segment.again, x: (at(segment.ns.0), at(segment.ns.1)) };
            match pieces.last_mut() {
                // First-time work is one calm piece; what is done again shows each of its steps.
                Some(last) if !last.again && (last.doing, last.again) == (piece.doing, piece.again) => {
                    last.x.1 = piece.x.1;
                }
                Some(last) if piece.x.1 - piece.x.0 < PIECE_MIN && (last.again || !piece.again) => last.x.1 = piece.x.1,
                Some(last) if last.x.1 - last.x.0 < PIECE_MIN && (piece.again || !last.again) => {
                    *last = Piece { x: (last.x.0, piece.x.1), ..piece };
                }
                _ => pieces.push(piece),
            }
        }
        pieces
    }
}
