//! How an executor stands, in words.

use crate::model::{Condition, ExecutorState};
use crate::theme::format;

/// The word beside the sign; short, because the card is narrow.
pub(super) const fn word(condition: Condition) -> &'static str {
    match condition {
        Condition::Decommissioning => "leaving",
        Condition::Paused => "paused",
        Condition::Excluded => "excluded",
        Condition::ExcludedFromStage => "no tasks",
        Condition::Slow => "slow",
    }
}

/// What a condition means for this executor now.
pub(super) fn line(condition: Condition, executor: &ExecutorState) -> String {
    let standing = &executor.standing;
    match condition {
        Condition::Decommissioning => decommissioning(executor),
        Condition::Paused => "Stands still, reports nothing".to_owned(),
        Condition::Excluded => "Too many tasks failed here, gets none".to_owned(),
        Condition::ExcludedFromStage => {
            let stages: Vec<String> = standing.excluded_from.iter().map(|s| s.stage.to_string()).collect();
            let noun = if stages.len() == 1 { "stage" } else { "stages" };
            format!("Excluded from {noun} {}", stages.join(", "))
        }
        Condition::Slow => {
            let factor = format::factor(standing.slow_factor.unwrap_or(1.0));
            format!("Its tasks take {factor} as long")
        }
    }
}

/// It finishes what it runs, then everything moves at once, then it waits until nobody reads from it.
fn decommissioning(executor: &ExecutorState) -> String {
    let leaving = executor.standing.leaving.unwrap_or_default();
    let Some(left) = leaving.left else {
        let running = executor.running.len() as u64;
        let held = executor.blocks.len() as u64 + u64::from(executor.map_outputs);
        return match (running, held) {
            (0, held) => format!("0 of {} moved", format::count(held, "block")),
            (running, _) => format!("Finishes {}, then moves {}", format::count(running, "task"), held),
        };
    };
    let moved = leaving.blocks_moved + leaving.outputs_moved;
    let all = moved + left + executor.map_outputs;
    format!("{} of {} moved", format::number(moved.into()), format::count(all.into(), "block"))
}
