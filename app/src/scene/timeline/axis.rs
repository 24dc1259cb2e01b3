//! Time as it is shown: nanoseconds since the first task, with idle time cut short.

use crate::model::Model;
use faultline_engine::ids::Timestamp;

/// Idle time of a program without batches is shown for at most so long, in nanoseconds.
const IDLE_NS: f64 = 100e6;
/// Idle time of a stream is shown for at most this share of its interval.
const IDLE_OF_INTERVAL: f64 = 0.06;

/// What becomes of time in which no task runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Idle {
    /// It takes its time.
    Shown,
    /// Long idle time is cut short.
    Skipped,
}

/// Idle time that is cut short.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IdleCut {
    /// From when, and until when.
    pub real: (Timestamp, Timestamp),
    /// The same in shown nanoseconds.
    pub shown: (f64, f64),
}

/// From times to shown nanoseconds and back; both directions never decrease.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Axis {
    origin: Timestamp,
    end: f64,
    cuts: Vec<IdleCut>,
}

impl Axis {
    /// The axis of everything up to now.
    pub fn new(model: &Model, idle: Idle) -> Self {
        let origin = model.slots.busy.front().map_or(model.now, |first| first.from);
        let mut axis = Self { origin, end: 0.0, cuts: Vec::new() };
        if idle == Idle::Skipped {
            let interval_ns = model.streams.interval.0 as f64 * 1e6;
            axis.skip_idle(model, if interval_ns > 0.0 { interval_ns * IDLE_OF_INTERVAL } else { IDLE_NS });
        }
        axis.end = axis.shown(model.now);
        axis
    }

    fn skip_idle(&mut self, model: &Model, longest: f64) {
        let mut skipped = 0.0;
        let nexts = model.slots.busy.iter().skip(1).map(|period| period.from).chain([model.now]);
        for (period, next) in model.slots.busy.iter().zip(nexts) {
            let Some(from) = period.to else { continue };
            let idle = next.ns_since(from) as f64;
            if idle > longest {
                let start = from.ns_since(self.origin) as f64 - skipped;
                skipped += idle - longest;
                self.cuts.push(IdleCut { real: (from, next), shown: (start, start + longest) });
            }
        }
    }

    /// Where a time is shown; before the first task everything is at 0.
    pub fn shown(&self, at: Timestamp) -> f64 {
        let Some(cut) = self.cuts[..self.cuts.partition_point(|cut| cut.real.0 <= at)].last() else {
            return at.ns_since(self.origin) as f64;
        };
        let (from, to) = cut.real;
        if at >= to {
            return cut.shown.1 + at.ns_since(to) as f64;
        }
        let share = at.ns_since(from) as f64 / to.ns_since(from) as f64;
        cut.shown.0 + share * (cut.shown.1 - cut.shown.0)
    }

    /// The time shown there.
    pub fn time(&self, shown: f64) -> Timestamp {
        let after = |at: Timestamp, ns: f64| Timestamp(at.0.saturating_add(ns.max(0.0) as u64));
        let Some(cut) = self.cuts[..self.cuts.partition_point(|cut| cut.shown.0 <= shown)].last() else {
            return after(self.origin, shown);
        };
        let (from, to) = cut.shown;
        if shown >= to {
            return after(cut.real.1, shown - to);
        }
        after(cut.real.0, (shown - from) / (to - from) * cut.real.1.ns_since(cut.real.0) as f64)
    }

    /// Where now is shown.
    pub const fn end(&self) -> f64 {
        self.end
    }

    /// The cuts between two places.
    pub fn cuts(&self, from: f64, to: f64) -> &[IdleCut] {
        let first = self.cuts.partition_point(|cut| cut.shown.1 < from);
        let last = self.cuts.partition_point(|cut| cut.shown.0 <= to);
        self.cuts.get(first..last).unwrap_or_default()
    }
}
