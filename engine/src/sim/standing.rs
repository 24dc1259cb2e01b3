//! A driver whose process stands still, while its executors and receivers go on.

use super::run::Simulation;
use crate::driver::DriverInput;
use crate::ids::*;
use std::collections::VecDeque;

/// How long it stands still, and what reached it meanwhile.
pub(super) struct Standing {
    pub until: Timestamp,
    pub inputs: VecDeque<DriverInput>,
}

impl Simulation<'_> {
    pub(super) fn stand_still(&mut self, time: Millis) {
        let until = self.now.plus(time);
        let standing = self.standing.get_or_insert_with(|| Standing { until, inputs: VecDeque::new() });
        standing.until = standing.until.max(until);
    }

    /// It hears what it missed, in order. One of these inputs may let it stand still again.
    pub(super) fn go_on(&mut self) {
        let inputs = self.standing.take().map(|standing| standing.inputs).unwrap_or_default();
        inputs.into_iter().for_each(|input| self.input(input));
    }
}
