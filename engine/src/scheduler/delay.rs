//! Delay scheduling (R7): how far from its data a task set may go, and when.

use super::settings::SchedulerConfig;
use crate::event::Locality;
use crate::ids::*;

/// How long to stay at each level.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waits {
    process: Millis,
    node: Millis,
}

impl Waits {
    pub fn new(base: Millis, config: &SchedulerConfig) -> Self {
        Self { process: config.locality_wait_process.unwrap_or(base), node: config.locality_wait_node.unwrap_or(base) }
    }

    /// R7.2: tasks without a preference, and the last level, wait for nothing.
    const fn at(self, level: Locality) -> Millis {
        match level {
            Locality::ProcessLocal => self.process,
            Locality::NodeLocal => self.node,
            Locality::NoPref | Locality::Any => Millis(0),
        }
    }
}

/// The level of one task set.
#[derive(Debug)]
pub(super) struct Delay {
    levels: Vec<Locality>,
    current: usize,
    /// Since when it is at the current level.
    since: Timestamp,
}

impl Delay {
    pub const fn new(levels: Vec<Locality>, now: Timestamp) -> Self {
        Self { levels, current: 0, since: now }
    }

    /// Levels at which tasks of the set may run, the most local one first.
    pub fn levels(&self) -> &[Locality] {
        &self.levels
    }

    fn level(&self) -> Locality {
        self.levels.get(self.current).copied().unwrap_or(Locality::Any)
    }

    /// The first level that is no more local than `level`.
    fn index_of(&self, level: Locality) -> usize {
        self.levels.iter().position(|l| *l >= level).unwrap_or(self.levels.len() - 1)
    }

    /// The least local level allowed now. Levels at which nothing waits are left at once.
    pub fn allowed(&mut self, now: Timestamp, waits: Waits, waits_at: impl Fn(Locality) -> bool) -> Locality {
        while self.current + 1 < self.levels.len() {
            let level = self.level();
            let until = self.since.plus(waits.at(level));
            if !waits_at(level) {
                self.since = now;
            } else if until <= now {
                self.since = until;
            } else {
                break;
            }
            self.current += 1;
        }
        self.level()
    }

    /// Everything that was offered was taken: the wait begins anew, at the level of the launch (R7.3).
    pub fn reset(&mut self, now: Timestamp, launched_at: Locality) {
        self.since = now;
        self.current = self.index_of(launched_at);
    }

    /// Executors came or went (R7.1). A level that is new and more local than the current one is tried
    /// first.
    pub fn recompute(&mut self, levels: Vec<Locality>) {
        let (index_before, level_before) = (self.current, self.level());
        let before = std::mem::replace(&mut self.levels, levels);
        self.current = self.index_of(level_before);
        if self.current > index_before
            && let Some(new) = self.levels.iter().find(|level| !before.contains(level))
        {
            self.current = self.index_of(*new);
        }
    }

    /// When the next level is allowed; `None` at the last one.
    pub fn next_level_at(&self, waits: Waits) -> Option<Timestamp> {
        (self.current + 1 < self.levels.len()).then(|| self.since.plus(waits.at(self.level())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEVELS: [Locality; 3] = [Locality::ProcessLocal, Locality::NodeLocal, Locality::Any];

    fn waits() -> Waits {
        Waits::new(Millis(3000), &SchedulerConfig::default())
    }

    fn at(ms: u64) -> Timestamp {
        Timestamp(0).plus(Millis(ms))
    }

    /// A set would go anywhere at once, or never.
    #[test]
    fn each_level_waits_for_its_time() {
        let mut delay = Delay::new(LEVELS.to_vec(), at(0));
        assert_eq!(delay.allowed(at(2999), waits(), |_| true), Locality::ProcessLocal);
        assert_eq!(delay.allowed(at(3000), waits(), |_| true), Locality::NodeLocal);
        assert_eq!(delay.allowed(at(5999), waits(), |_| true), Locality::NodeLocal);
        assert_eq!(delay.allowed(at(6000), waits(), |_| true), Locality::Any);
    }

    /// A set would wait for a level at which nothing can run.
    #[test]
    fn levels_at_which_nothing_waits_are_left_at_once() {
        let mut delay = Delay::new(LEVELS.to_vec(), at(0));
        assert_eq!(delay.allowed(at(1), waits(), |level| level == Locality::NodeLocal), Locality::NodeLocal);
        assert_eq!(delay.next_level_at(waits()), Some(at(3001)));
    }

    /// After an executor came, the set would go on as if there were nothing more local (SPARK-31837).
    #[test]
    fn a_new_more_local_level_is_tried_first() {
        let mut delay = Delay::new(vec![Locality::NoPref, Locality::Any], at(0));
        assert_eq!(delay.allowed(at(0), waits(), |level| level == Locality::Any), Locality::Any);
        delay.recompute(vec![Locality::ProcessLocal, Locality::NodeLocal, Locality::NoPref, Locality::Any]);
        assert_eq!(delay.level(), Locality::ProcessLocal);
    }
}
