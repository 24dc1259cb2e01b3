//! The life of the driver as a lane: when it was up, when it was gone, and when it went on with what it had left.

use super::{Axis, Request};
use crate::model::{DriverLife, DriverPhase, Model};
use faultline_engine::ids::{BatchId, Timestamp};

/// How the driver stood for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stretch {
    /// It ran.
    Up,
    /// It ran, and batches that the life before had left ran again.
    Recovering {
        /// The batch of the checkpoint from which it went on.
        checkpoint: BatchId,
    },
    /// It was gone.
    Down,
}

/// A while in which the driver stood in one way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DriverSpan {
    /// From where to where, within the view.
    pub x: (f32, f32),
    /// How it stood.
    pub stretch: Stretch,
    /// Which life of it this was, or was before it was gone, from 1.
    pub life: u32,
    /// From when.
    pub from: Timestamp,
    /// Until when; `None` while it lasts.
    pub to: Option<Timestamp>,
}

/// The spans in view, from left to right.
pub(super) fn spans(model: &Model, axis: &Axis, request: &Request) -> Vec<DriverSpan> {
    let place = |at: Timestamp| request.x(axis.shown(at)).clamp(0.0, request.width);
    let ended = model.application.ended;
    let mut spans = Vec::new();
    let mut add = |life: &DriverLife, stretch: Stretch, from: Timestamp, to: Option<Timestamp>| {
        let x = (place(from), place(to.unwrap_or(model.now)));
        // A driver that was started again at once was gone all the same.
        let died = stretch == Stretch::Down && (0.0..request.width).contains(&x.0);
        if x.1 > x.0 || died {
            spans.push(DriverSpan { x, stretch, life: life.number, from, to });
        }
    };
    let nexts = model.driver.lives.iter().skip(1).map(|life| Some(life.from)).chain([None]);
    for (life, next) in model.driver.lives.iter().zip(nexts) {
        let end = life.lost.or(ended);
        let recovered = life.recovered.or(end);
        // The last life is still at it, or has nothing to go on with.
        let recovering = next.is_none() && model.driver_phase() == DriverPhase::Recovering;
        match life.checkpoint {
            Some(checkpoint) if recovering || recovered.is_some() => {
                add(life, Stretch::Recovering { checkpoint }, life.from, recovered);
                if let Some(recovered) = life.recovered {
                    add(life, Stretch::Up, recovered, end);
                }
            }
            _ => add(life, Stretch::Up, life.from, end),
        }
        if let Some(lost) = life.lost {
            add(life, Stretch::Down, lost, next.or(ended));
        }
    }
    spans
}
