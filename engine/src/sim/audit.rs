//! What only the simulator can see: whether what the driver believes of its executors is so, and whether they hold
//! anything for tasks that are over.

use super::calendar::Item;
use super::run::Simulation;
use crate::ids::*;

/// What is wrong while no task runs and nothing is on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// When it was looked at.
    pub at: Timestamp,
    /// Blocks of executors that the driver takes for stored there, and that are not.
    pub absent: Vec<(StoredId, ExecutorId)>,
    /// Locks, memory and productions of tasks that are over, by executor.
    pub left: Vec<(ExecutorId, String)>,
}

impl Simulation<'_> {
    /// Whether nothing happens beside what the driver waits for.
    fn is_at_rest(&self) -> bool {
        let quiet = |item: &Item| matches!(item, Item::Logged(_));
        let heard = self.standing.is_none() && !self.driver.awaits_late_messages();
        heard
            && self.running.is_empty()
            && self.held.is_empty()
            && self.calendar.iter().all(|planned| quiet(&planned.item))
    }

    /// What can be told at rest; nothing before.
    pub(super) fn audit(&self) -> Option<Audit> {
        if !self.is_at_rest() {
            return None;
        }
        let scheduler = self.driver.scheduler();
        let rdds = scheduler.blocks().iter().map(|(id, at)| (StoredId::from(*id), at.iter().copied().collect()));
        let inputs = scheduler.input_locations();
        let inputs = inputs.iter().map(|(id, at)| (StoredId::from(*id), at.iter().copied().collect()));
        let believed =
            rdds.chain(inputs).flat_map(|(id, at): (StoredId, Vec<_>)| at.into_iter().map(move |at| (id, at)));
        // The driver hears of a death later, and until then it believes what it believed.
        let absent =
            believed.filter(|(id, at)| self.executors.stores(*at).is_some_and(|stores| !stores.holds_block(*id)));
        let living = scheduler.executors().filter_map(|at| Some((at, self.executors.stores(at)?)));
        let left = living.flat_map(|(at, stores)| stores.left_by_tasks().into_iter().map(move |what| (at, what)));
        Some(Audit { at: self.now, absent: absent.collect(), left: left.collect() })
    }
}
