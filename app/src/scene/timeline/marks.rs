//! What stands beside the tasks: starts of batches, faults, executors that are gone.

use super::{Axis, Lane, Request};
use crate::model::{ConditionPeriod, Model};
use faultline_engine::ids::{ExecutorId, Timestamp};
use std::ops::Range;

/// Lines closer than this are left out, in points.
const LINES_APART: f32 = 8.0;

/// Where a batch or a job starts.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    /// Where.
    pub x: f32,
    /// `batch 8`, `job 3`.
    pub title: String,
    /// It runs now.
    pub running: bool,
}

/// A fault.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultLine {
    /// Where.
    pub x: f32,
    /// When.
    pub at: Timestamp,
    /// In the words of the command line.
    pub fault: String,
}

/// Time in which an executor is gone.
#[derive(Clone, Debug, PartialEq)]
pub struct Lost {
    /// Its rows.
    pub rows: Range<usize>,
    /// From where to where, within the view.
    pub x: (f32, f32),
    /// It left in order: nothing was lost with it.
    pub in_order: bool,
}

/// Time in which something is special about an executor.
#[derive(Clone, Debug, PartialEq)]
pub struct Band {
    /// Who.
    pub executor: ExecutorId,
    /// Its rows in view.
    pub rows: Range<usize>,
    /// From where to where, within the view.
    pub x: (f32, f32),
    /// What, from when, until when.
    pub period: ConditionPeriod,
}

/// The starts in view, and the one before the left edge. From the newest back, so that the past costs
/// nothing.
pub(super) fn starts(model: &Model, axis: &Axis, request: &Request) -> Vec<Start> {
    let mut starts: Vec<Start> = Vec::new();
    let mut add = |at: Timestamp, running: bool, title: &dyn Fn() -> String| {
        let x = request.x(axis.shown(at));
        let crowded = starts.last().is_some_and(|next| next.x - x < LINES_APART);
        if x <= request.width && !crowded {
            starts.push(Start { x, title: title(), running });
        }
        x > 0.0
    };
    if model.streams.streams.is_empty() && model.batches.is_empty() {
        for (id, job) in model.jobs.iter().rev() {
            if !add(job.started, job.ended.is_none(), &|| format!("job {id}")) {
                break;
            }
        }
    } else {
        for (id, batch) in model.batches.iter().rev() {
            let started = batch.started;
            if !started.is_none_or(|at| add(at, batch.completed.is_none(), &|| format!("batch {id}"))) {
                break;
            }
        }
    }
    starts.reverse();
    starts
}

pub(super) fn faults(model: &Model, axis: &Axis, request: &Request) -> Vec<FaultLine> {
    let line = |at: Timestamp, fault: &str| FaultLine { x: request.x(axis.shown(at)), at, fault: fault.to_owned() };
    let lines = model.faults.iter().map(|fault| line(fault.at, &fault.fault));
    lines.filter(|line| (0.0..=request.width).contains(&line.x)).collect()
}

pub(super) fn lost(model: &Model, axis: &Axis, request: &Request, lanes: &[Lane]) -> Vec<Lost> {
    let span = |lane: &Lane| {
        let at = model.slots.executors.get(&lane.executor)?.lost?;
        let x = request.x(axis.shown(at)).max(0.0);
        let rows = lane.rows.start.max(request.rows.start)..lane.rows.end.min(request.rows.end);
        (x < request.width && !rows.is_empty()).then(|| Lost {
            rows,
            x: (x, request.width),
            in_order: model.left_in_order(lane.executor),
        })
    };
    lanes.iter().filter_map(span).collect()
}

/// The gravest last, so that it is painted above the others.
pub(super) fn bands(model: &Model, axis: &Axis, request: &Request, lanes: &[Lane]) -> Vec<Band> {
    let mut bands = Vec::new();
    for lane in lanes {
        let rows = lane.rows.start.max(request.rows.start)..lane.rows.end.min(request.rows.end);
        let Some(executor) = model.executors.get(&lane.executor).filter(|_| !rows.is_empty()) else { continue };
        for &period in &executor.standing.periods {
            let place = |at: Timestamp| request.x(axis.shown(at)).clamp(0.0, request.width);
            let x = (place(period.from), place(period.to.unwrap_or(model.now)));
            if x.1 > x.0 {
                bands.push(Band { executor: lane.executor, rows: rows.clone(), x, period });
            }
        }
    }
    bands.sort_by_key(|band| std::cmp::Reverse(band.period.condition));
    bands
}
