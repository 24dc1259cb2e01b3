//! Wishes about the race of the policies.

use crate::race::{LaneRun, Policy};
use faultline_engine::sim::faults::PlannedFault;

/// One wish.
#[derive(Clone, Debug, PartialEq)]
pub enum RaceCommand {
    /// Race this fault.
    Start {
        /// The fault of every lane.
        fault: PlannedFault,
    },
    /// Show the race of the last fault of the live run.
    OfLastFault,
    /// Break the race off.
    Cancel,
    /// Open a run of a lane in place of the live run.
    OpenLane {
        /// Its policy.
        policy: Policy,
        /// Which of its runs.
        run: LaneRun,
    },
    /// Show the live run again.
    BackToRun,
}
