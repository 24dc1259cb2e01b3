//! What is special about an executor for a while: it leaves, stands still, is slow, or gets no tasks.

use super::Model;
use super::retention::MAX_CONDITION_PERIODS;
use faultline_engine::command::Command;
use faultline_engine::ids::*;
use imbl::{OrdSet, Vector};

/// What is special about an executor for a while; the first in this order is what a card says first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// It gets no new tasks, and what it holds moves, before it leaves.
    Decommissioning,
    /// It stands still and reports nothing.
    Paused,
    /// Too many tasks failed there: it gets none of the application (R4.8).
    Excluded,
    /// The same for a stage attempt (R4.8).
    ExcludedFromStage,
    /// Its tasks take longer.
    Slow,
}

impl Condition {
    /// Every condition.
    pub const ALL: [Self; 5] =
        [Self::Decommissioning, Self::Paused, Self::Excluded, Self::ExcludedFromStage, Self::Slow];

    /// Its word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Decommissioning => "decommissioning",
            Self::Paused => "paused",
            Self::Excluded => "excluded",
            Self::ExcludedFromStage => "excluded from a stage",
            Self::Slow => "slow",
        }
    }
}

/// When a condition held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConditionPeriod {
    /// Which.
    pub condition: Condition,
    /// From when.
    pub from: Timestamp,
    /// Until when; `None` while it holds.
    pub to: Option<Timestamp>,
}

/// How far an executor is on its way out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leaving {
    /// Stored partitions that moved.
    pub blocks_moved: u32,
    /// Map outputs that moved.
    pub outputs_moved: u32,
    /// Stored partitions for which nobody had room; `None` until what could move has moved.
    pub left: Option<u32>,
}

/// Everything special about one executor, now and before.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    /// Set once it is being decommissioned; stays when it is gone.
    pub leaving: Option<Leaving>,
    /// How many times slower it is, while it is.
    pub slow_factor: Option<f64>,
    /// Stage attempts of which it gets no tasks.
    pub excluded_from: OrdSet<StageAttempt>,
    /// When each condition held, in order of their beginning, bounded.
    pub periods: Vector<ConditionPeriod>,
}

impl Standing {
    /// Whether a condition holds.
    pub fn is(&self, condition: Condition) -> bool {
        self.periods.iter().any(|period| period.condition == condition && period.to.is_none())
    }

    /// The conditions that hold, the gravest first.
    pub fn conditions(&self) -> impl Iterator<Item = Condition> {
        Condition::ALL.into_iter().filter(|condition| self.is(*condition))
    }

    fn begin(&mut self, condition: Condition, from: Timestamp) {
        if self.is(condition) {
            return;
        }
        self.periods.push_back(ConditionPeriod { condition, from, to: None });
        if self.periods.len() > MAX_CONDITION_PERIODS {
            self.periods.pop_front();
        }
    }

    fn end(&mut self, condition: Condition, at: Timestamp) {
        for period in self.periods.iter_mut().filter(|p| p.condition == condition && p.to.is_none()) {
            period.to = Some(at);
        }
    }

    /// The executor is gone, and with it everything that held.
    pub(super) fn end_all(&mut self, at: Timestamp) {
        Condition::ALL.into_iter().for_each(|condition| self.end(condition, at));
        self.slow_factor = None;
        self.excluded_from.clear();
    }
}

impl Model {
    /// Whether an executor left as it was asked to, and nothing was lost with it.
    pub fn left_in_order(&self, id: ExecutorId) -> bool {
        let Some(executor) = self.executors.get(&id) else { return false };
        let moved = executor.standing.leaving.is_some_and(|leaving| leaving.left == Some(0));
        moved && (executor.map_outputs == 0 && executor.lost_map_outputs == 0 || self.shuffle_service())
    }

    /// Whether map outputs outlive their executor (R5.2).
    pub fn shuffle_service(&self) -> bool {
        self.application.properties.get("spark.shuffle.service.enabled").is_some_and(|on| on == "true")
    }

    pub(super) fn decommission_started(&mut self, id: ExecutorId) {
        let now = self.now;
        let Some(executor) = self.executor_mut(id) else { return };
        executor.standing.begin(Condition::Decommissioning, now);
        executor.standing.leaving.get_or_insert_default();
        self.tell_decommission_started(id);
    }

    pub(super) fn blocks_migrated(&mut self, id: ExecutorId, moved: usize, left: usize) {
        if let Some(leaving) = self.executor_mut(id).and_then(|e| e.standing.leaving.as_mut()) {
            leaving.blocks_moved = leaving.blocks_moved.saturating_add(moved as u32);
            leaving.left = Some(left as u32);
        }
    }

    pub(super) fn outputs_left(&mut self, from: ExecutorId, maps: usize) {
        if let Some(leaving) = self.executor_mut(from).and_then(|e| e.standing.leaving.as_mut()) {
            leaving.outputs_moved = leaving.outputs_moved.saturating_add(maps as u32);
        }
    }

    pub(super) fn executor_excluded(&mut self, id: ExecutorId, stage: Option<StageAttempt>) {
        let now = self.now;
        let Some(executor) = self.executor_mut(id) else { return };
        match stage {
            Some(stage) => {
                executor.standing.excluded_from.insert(stage);
                executor.standing.begin(Condition::ExcludedFromStage, now);
            }
            None => executor.standing.begin(Condition::Excluded, now),
        }
    }

    pub(super) fn executor_unexcluded(&mut self, id: ExecutorId) {
        let now = self.now;
        if let Some(executor) = self.executor_mut(id) {
            executor.standing.end(Condition::Excluded, now);
        }
    }

    /// Who was excluded from a stage attempt gets tasks again when it ends.
    pub(super) fn exclusions_end_with(&mut self, stage: StageAttempt) {
        let now = self.now;
        let excluded = |(id, executor): (&ExecutorId, &std::sync::Arc<super::ExecutorState>)| {
            executor.standing.excluded_from.contains(&stage).then_some(*id)
        };
        let ids: Vec<ExecutorId> = self.executors.iter().filter_map(excluded).collect();
        for id in ids {
            let Some(executor) = self.executor_mut(id) else { continue };
            executor.standing.excluded_from.remove(&stage);
            if executor.standing.excluded_from.is_empty() {
                executor.standing.end(Condition::ExcludedFromStage, now);
            }
        }
    }

    /// What holds only because it was asked for, and is announced by no other event.
    pub(super) fn command_applied(&mut self, command: &Command) {
        let now = self.now;
        self.index.refused_last = false;
        match *command {
            Command::PauseExecutor { executor } => {
                if let Some(executor) = self.executor_mut(executor) {
                    executor.standing.begin(Condition::Paused, now);
                }
            }
            Command::ResumeExecutor { executor } => {
                if let Some(executor) = self.executor_mut(executor) {
                    executor.standing.end(Condition::Paused, now);
                }
            }
            Command::SlowExecutor { executor, factor } => {
                let Some(executor) = self.executor_mut(executor) else { return };
                let slower = factor != 1.0;
                executor.standing.slow_factor = slower.then_some(factor);
                if slower {
                    executor.standing.begin(Condition::Slow, now);
                } else {
                    executor.standing.end(Condition::Slow, now);
                }
            }
            _ => self.driver_commanded(command),
        }
    }
}
