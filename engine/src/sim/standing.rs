//! What stands still: an executor, or the process of the driver while its executors and receivers go on.

use super::calendar::Scheduled;
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
    /// What tasks of an executor would still do waits until it goes on.
    pub(super) fn pause(&mut self, executor: ExecutorId) {
        let calendar = std::mem::take(&mut self.calendar).into_vec();
        let there = |item: &Scheduled| self.place_of(&item.item) == Some(executor);
        let (held, others): (Vec<_>, Vec<_>) = calendar.into_iter().partition(there);
        self.calendar = others.into();
        self.held.pause(executor, self.now, held.into_iter().map(|s| (s.at, s.order, s.item)).collect());
    }

    pub(super) fn resume_executor(&mut self, executor: ExecutorId) {
        for (at, item) in self.held.resume(executor, self.now) {
            self.schedule(at, item);
        }
    }

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
