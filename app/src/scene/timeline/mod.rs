//! The timeline as plain data: tasks in the slots of executors, and what happened around them.
//!
//! Only what is in view is looked at. x is in points from the left edge; rows are numbered from the top.

mod axis;
mod bars;
mod driver;
mod lit;
mod marks;
mod segments;
mod view;
mod walk;
mod words;

pub use axis::{Axis, Idle, IdleCut};
pub use bars::{Bar, BarState, Heap, Piece};
pub use driver::{DriverSpan, Stretch};
pub use lit::Lit;
pub use marks::{Band, FaultLine, Lost, Start};
pub use segments::{Doing, Segment, Segments, Widths, segments};
pub use view::{Mode, Span};
pub use walk::{Step, neighbour, place_of};
pub use words::{segment_words, task_name, task_words};

use crate::model::Model;
use faultline_engine::ids::*;
use std::collections::BTreeSet;
use std::ops::Range;

/// Rows of an executor that has no tasks yet: not more than this.
const IDLE_ROWS_MAX: usize = 64;

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The time.
    pub span: Span,
    /// Its width in points.
    pub width: f32,
    /// The rows, by number.
    pub rows: Range<usize>,
}

impl Request {
    /// Where a place of the axis is.
    pub fn x(&self, shown: f64) -> f32 {
        ((shown - self.span.from) / self.span.length() * f64::from(self.width)) as f32
    }
}

/// One executor and its rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Lane {
    /// Who.
    pub executor: ExecutorId,
    /// One row per slot.
    pub rows: Range<usize>,
    /// Whether it is gone, with what it held.
    pub lost: bool,
}

/// What is drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    /// Every executor, in view or not.
    pub lanes: Vec<Lane>,
    /// Tasks, row by row, from left to right.
    pub bars: Vec<Bar>,
    /// Tasks too short to be drawn each, row by row, from left to right.
    pub heaps: Vec<Heap>,
    /// Where batches, or jobs of a program without batches, start; from left to right.
    pub starts: Vec<Start>,
    /// Faults.
    pub faults: Vec<FaultLine>,
    /// Time in which executors are gone.
    pub lost: Vec<Lost>,
    /// Time in which executors leave, stand still, are slow or excluded.
    pub bands: Vec<Band>,
    /// How the driver stood.
    pub driver: Vec<DriverSpan>,
    /// Where idle time is cut short.
    pub cuts: Vec<f32>,
}

/// Every executor with its rows: those of the newest life of the driver first, because the others compute nothing
/// any more.
pub fn lanes(model: &Model) -> Vec<Lane> {
    let ids: BTreeSet<ExecutorId> = model.executors.keys().chain(model.slots.executors.keys()).copied().collect();
    let mut ids: Vec<ExecutorId> = ids.into_iter().collect();
    ids.sort_by_key(|id| std::cmp::Reverse(model.executors.get(id).map_or(1, |e| e.life)));
    let mut next = 0;
    let lane = |executor| {
        let state = model.executors.get(&executor);
        let slots = model.slots.executors.get(&executor);
        let cores = state.map_or(0, |e| e.cores as usize).min(IDLE_ROWS_MAX);
        let rows = slots.map_or(0, |s| s.slots.len()).max(cores).max(1);
        let start = next;
        next += rows;
        Lane { executor, rows: start..next, lost: state.is_some_and(|e| !e.alive) && !model.left_in_order(executor) }
    };
    ids.into_iter().map(lane).collect()
}

/// The part of the timeline that was asked for; `lit` says which tasks stand out.
pub fn timeline(model: &Model, axis: &Axis, request: &Request, lit: &Lit) -> Timeline {
    let mut timeline = Timeline { lanes: lanes(model), ..Timeline::default() };
    for lane in &timeline.lanes {
        let Some(executor) = model.slots.executors.get(&lane.executor) else { continue };
        for (row, slot) in lane.rows.clone().zip(&executor.slots).filter(|(row, _)| request.rows.contains(row)) {
            let line = bars::Line { model, axis, request, lit, row };
            line.add(slot, &mut timeline.bars, &mut timeline.heaps);
        }
    }
    timeline.starts = marks::starts(model, axis, request);
    timeline.faults = marks::faults(model, axis, request);
    timeline.lost = marks::lost(model, axis, request, &timeline.lanes);
    timeline.driver = driver::spans(model, axis, request);
    timeline.bands = marks::bands(model, axis, request, &timeline.lanes);
    let cuts = axis.cuts(request.span.from, request.span.to).iter();
    timeline.cuts = cuts.map(|cut| request.x((cut.shown.0 + cut.shown.1) / 2.0)).collect();
    timeline
}
