//! The calendar of a simulation: what happens when.

use super::receivers::Storing;
use crate::driver::DriverInput;
use crate::executor::ScriptEntry;
use crate::ids::*;
use crate::scheduler::TaskReport;

/// What the calendar holds.
pub(super) enum Item {
    /// An effect of a task.
    Entry(TaskId, ScriptEntry),
    /// The end of a task.
    End(TaskReport),
    /// The end of a task that was killed: its executor answers. One that never arrived, or whose end got
    /// lost on the way, is nowhere.
    Killed(Option<ExecutorId>, TaskId),
    /// A block of a receiver arrives in the stores.
    Storing(Storing),
    /// The driver hears that its log is synced.
    Logged(DriverInput),
}

/// An entry of the calendar: earliest first, then in order of entry.
pub(super) struct Scheduled {
    pub at: Timestamp,
    pub order: u64,
    pub item: Item,
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}
impl Eq for Scheduled {}
impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (other.at, other.order).cmp(&(self.at, self.order))
    }
}
