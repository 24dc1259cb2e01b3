//! Wishes to see another moment of the run.

use crate::model::{Stride, Way};

/// Which moment to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scrub {
    /// The one after so many envelopes; the newest one when there are not more.
    To(usize),
    /// The newest one, whatever comes.
    Live,
    /// One that is a step away from what is shown.
    Step {
        /// How far.
        stride: Stride,
        /// Which way.
        way: Way,
    },
}
