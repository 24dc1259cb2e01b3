//! Which part of the time is visible, and how it moves.

use super::Axis;
use crate::model::Model;

/// Batches that are visible while the view follows.
const BATCHES: usize = 4;
/// Batches from whose length the room for the running one is guessed.
const MEASURED: usize = 9;
/// Room beside everything, as a share of it.
const MARGIN: f64 = 0.02;
/// The least that can be shown, in nanoseconds.
const SPAN_MIN: f64 = 1e4;

/// What part of the axis the width of the view shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// Shown nanoseconds at the left edge.
    pub from: f64,
    /// Shown nanoseconds at the right edge.
    pub to: f64,
}

/// How the span follows the run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mode {
    /// It ends now; its length is what the user chose, or what shows the last batches.
    Follow {
        /// Shown nanoseconds.
        length: Option<f64>,
    },
    /// Everything, always.
    All,
    /// Where the user left it.
    Fixed(Span),
}

impl Default for Mode {
    fn default() -> Self {
        Self::Follow { length: None }
    }
}

impl Span {
    /// Everything.
    pub fn all(axis: &Axis) -> Self {
        let end = axis.end().max(SPAN_MIN);
        Self { from: -end * MARGIN, to: end * (1.0 + MARGIN) }
    }

    /// The last batches with room for the rest of the running one; everything when there are none.
    ///
    /// The left edge stands on a batch, so that nothing moves before the next one starts.
    pub fn newest(model: &Model, axis: &Axis) -> Self {
        let all = Self::all(axis);
        let newest = model.batches.iter().rev().filter_map(|(_, batch)| batch.started).take(MEASURED);
        let mut starts: Vec<f64> = newest.map(|at| axis.shown(at)).collect();
        starts.reverse();
        let Some(&last) = starts.last() else { return all };
        let mut lengths: Vec<f64> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
        lengths.sort_by(f64::total_cmp);
        let usual = lengths.get(lengths.len() / 2).copied().unwrap_or(axis.end() - last);
        let first = starts[starts.len().saturating_sub(BATCHES)];
        let to = axis.end().max(last + usual);
        let margin = (to - first).max(SPAN_MIN) * MARGIN;
        Self { from: first - margin, to: to + margin }
    }

    /// How much is shown.
    pub fn length(self) -> f64 {
        (self.to - self.from).max(SPAN_MIN)
    }

    /// The span of a mode.
    pub fn of(mode: Mode, model: &Model, axis: &Axis) -> Self {
        match mode {
            Mode::Follow { length: None } => Self::newest(model, axis),
            Mode::Follow { length: Some(length) } => {
                let to = Self::newest(model, axis).to.min(axis.end() + length * 0.1);
                Self { from: to - length, to }
            }
            Mode::All => Self::all(axis),
            Mode::Fixed(span) => span,
        }
    }

    /// The span after a zoom by `factor` around the place at `share` of the width.
    #[must_use]
    pub fn zoomed(self, factor: f64, share: f64, axis: &Axis) -> Self {
        let longest = Self::all(axis).length().max(SPAN_MIN);
        let length = (self.length() / factor).clamp(SPAN_MIN, longest);
        let at = self.from + share * self.length();
        Self { from: at - share * length, to: at + (1.0 - share) * length }.kept(axis)
    }

    /// The span moved, but never away from everything.
    #[must_use]
    pub fn moved(self, by: f64, axis: &Axis) -> Self {
        Self { from: self.from + by, to: self.to + by }.kept(axis)
    }

    /// The span moved until it shows a place, when it does not.
    #[must_use]
    pub fn revealing(self, from: f64, to: f64, axis: &Axis) -> Self {
        if from >= self.from && to <= self.to {
            return self;
        }
        self.moved((from + to) / 2.0 - (self.from + self.to) / 2.0, axis)
    }

    fn kept(self, axis: &Axis) -> Self {
        let length = self.length();
        let from = self.from.clamp(-0.5 * length, (axis.end() - 0.5 * length).max(-0.5 * length));
        Self { from, to: from + length }
    }
}
