//! Speculation (R6): one more copy of a task that takes much longer than the others of its set.
//!
//! Only durations decide. Spark's efficiency mode asks for processing rates that executors send with
//! their heartbeats; there are none here.

use super::Scheduler;
use super::settings::SchedulerConfig;
use super::task::Outbox;
use super::task_set::TaskSet;
use crate::event::Event;
use crate::ids::*;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Durations of the successful tasks of a set, with their median at hand.
#[derive(Debug, Default)]
pub(super) struct Durations {
    /// The lower half, its largest first; as many as in the upper half, or one more.
    lower: BinaryHeap<u64>,
    upper: BinaryHeap<Reverse<u64>>,
}

impl Durations {
    pub fn insert(&mut self, ns: u64) {
        if self.lower.peek().is_none_or(|middle| ns <= *middle) {
            self.lower.push(ns);
        } else {
            self.upper.push(Reverse(ns));
        }
        if self.lower.len() > self.upper.len() + 1 {
            self.upper.extend(self.lower.pop().map(Reverse));
        } else if self.upper.len() > self.lower.len() {
            self.lower.extend(self.upper.pop().map(|Reverse(ns)| ns));
        }
    }

    pub fn len(&self) -> usize {
        self.lower.len() + self.upper.len()
    }

    /// The middle one, or the mean of the two in the middle; 0 of none.
    pub fn median(&self) -> u64 {
        let low = self.lower.peek().copied().unwrap_or(0);
        match self.upper.peek() {
            Some(Reverse(high)) if self.upper.len() == self.lower.len() => low.midpoint(*high),
            _ => low,
        }
    }
}

impl TaskSet {
    /// R6.3: whether copies of its tasks can ever be made.
    pub fn may_speculate(&self, config: &SchedulerConfig) -> bool {
        !self.zombie && (self.tasks.len() > 1 || config.speculation_threshold.is_some())
    }

    /// R6.1, R6.2: how long, in nanoseconds, an attempt runs before it counts as slow.
    fn slow_after(&self, config: &SchedulerConfig, cores: u32) -> Option<u64> {
        let needed = (config.speculation_quantile * self.tasks.len() as f64).floor().max(1.0) as usize;
        if self.durations.len() >= needed {
            let by_median = (config.speculation_multiplier * self.durations.median() as f64) as u64;
            return Some(by_median.max(config.speculation_min_runtime.0 * 1_000_000));
        }
        let fits = self.tasks.len() as u64 <= u64::from(cores);
        config.speculation_threshold.filter(|_| fits).map(|threshold| threshold.0 * 1_000_000)
    }
}

impl Scheduler {
    /// After a launch: when slow tasks are looked for.
    pub(super) fn arm_speculation(&mut self, now: Timestamp, stage: StageAttempt) {
        let config = &self.config.scheduler;
        let worthwhile = config.speculation && self.task_sets.get(&stage).is_some_and(|set| set.may_speculate(config));
        if worthwhile && self.speculate_at.is_none() {
            self.speculate_at = Some(now.plus(config.speculation_interval));
        }
    }

    /// Looks for slow attempts; the copies are launched like any task.
    pub(super) fn speculate(&mut self, now: Timestamp, out: &mut Outbox) {
        let config = &self.config.scheduler;
        let mut running = false;
        for task in self.tasks.values() {
            let info = &task.info;
            let Some(set) = self.task_sets.get_mut(&info.stage) else { continue };
            if !set.may_speculate(config) {
                continue;
            }
            running = true;
            let Some(slow_after) = set.slow_after(config, self.config.cores) else { continue };
            let slot = &set.tasks[info.index as usize];
            let alone = slot.running.len() == 1 && !slot.settled && !set.speculatable.contains(info.index);
            if alone && now.ns_since(info.launched) > slow_after {
                set.speculatable.insert(info.index, &slot.preference, &self.places);
                let (stage, index, partition) = (info.stage, info.index, info.partition);
                out.events.push(Event::SpeculativeTaskSubmitted { stage, index, partition });
            }
        }
        self.speculate_at = running.then(|| now.plus(config.speculation_interval));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tasks would be compared with something else than the median.
    #[test]
    fn medians_are_those_of_the_sorted_list() {
        let mut durations = Durations::default();
        let mut all = Vec::new();
        assert_eq!(durations.median(), 0);
        for ns in [5u64, 9, 1, 1, 30, 2, 7, 8, 100, 4] {
            durations.insert(ns);
            all.push(ns);
            all.sort_unstable();
            let (low, high) = (all[(all.len() - 1) / 2], all[all.len() / 2]);
            assert_eq!(durations.median(), low.midpoint(high), "{all:?}");
            assert_eq!(durations.len(), all.len());
        }
    }
}
