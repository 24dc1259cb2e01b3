//! Why a life of the driver began, what it went on from, and what it did with that.

use super::{Focus, MAX_FOLDED, Step, Why};
use crate::model::{DriverLife, Model, Sign};
use faultline_engine::event::{RecoveryInfo, SavedState};
use faultline_engine::ids::BatchId;

pub(super) fn why(model: &Model, number: u32) -> Why {
    let Some(life) = model.life_of_driver(number) else {
        return Why { question: format!("Life {number} of the driver is no longer kept"), ..Why::default() };
    };
    let question = match number {
        1 => "How did driver 1 begin?".to_owned(),
        number => format!("Why did driver {number} begin, and from what?"),
    };
    let mut steps = Vec::new();
    if let Some(before) = model.life_of_driver(number.saturating_sub(1)) {
        let words = format!("driver {} was lost: {}", before.number, before.reason);
        steps.push(Step::new(Sign::Lost, words).to(Focus::Driver(before.number)));
    }
    match &life.from_checkpoint {
        Some(recovery) => steps.extend(from_checkpoint(life, recovery)),
        None => steps.push(Step::new(None, "it went on from nothing: no checkpoint was read")),
    }
    if life.lost.is_some() {
        steps.push(Step::new(Sign::Lost, format!("it was lost itself: {}", life.reason)));
    }
    Why { question, steps, served: None }
}

fn from_checkpoint(life: &DriverLife, recovery: &RecoveryInfo) -> Vec<Step> {
    let RecoveryInfo { path, batch, epoch, states, damaged, .. } = recovery;
    let mut steps = Vec::new();
    for file in damaged.iter().take(MAX_FOLDED) {
        steps.push(Step::new(Sign::Lost, format!("{} could not be used", name(file))));
    }
    let read = format!("it read {}, of batch {batch}, written in epoch {epoch}", name(path));
    steps.push(Step::new(Sign::ReadBack, read));
    let state = |saved: &SavedState| {
        let SavedState { operator, batch, dir } = saved;
        Step::new(Sign::CheckpointPart, format!("{operator} of batch {batch} from {}", name(dir)))
    };
    match states.as_slice() {
        [] if recovery.saved.is_empty() => steps.push(Step::new(None, "which names no saved state")),
        [] => steps.push(Step::new(Sign::CheckpointPart, format!("which names {} saved RDDs", recovery.saved.len()))),
        [only] => steps.push(state(only)),
        [first, others @ ..] => {
            let folded = others.iter().take(MAX_FOLDED).map(state).collect();
            steps.push(state(first).with(folded));
        }
    }
    steps.push(Step::new(Sign::ComputingAgain, ran_again(life, recovery)));
    steps
}

/// `batches 7 – 8 run again, 1 has so far`.
fn ran_again(life: &DriverLife, recovery: &RecoveryInfo) -> String {
    let mut batches: Vec<u32> = (recovery.batch.0.max(1)..recovery.restart.0).collect();
    batches.extend(recovery.pending.iter().map(|batch| batch.0));
    batches.sort_unstable();
    batches.dedup();
    let done = life.ran_again.len();
    match batches.as_slice() {
        [] => "no batch had to run again".to_owned(),
        [only] if done > 0 => format!("batch {only} ran again"),
        [only] => format!("batch {only} runs again"),
        all => {
            let which = list(all);
            let left = all.len() - done.min(all.len());
            if left == 0 {
                format!("{which} ran again")
            } else {
                format!("{which} run again, {done} of {} so far", all.len())
            }
        }
    }
}

/// `batches 7 – 9`, or with gaps `batches 3, 7, 8`.
fn list(batches: &[u32]) -> String {
    let (first, last) = (batches[0], batches[batches.len() - 1]);
    if (last - first) as usize + 1 == batches.len() {
        return format!("batches {first} – {last}");
    }
    let words: Vec<String> = batches.iter().take(MAX_FOLDED).map(|batch| BatchId(*batch).to_string()).collect();
    let more = if batches.len() > MAX_FOLDED { ", …" } else { "" };
    format!("batches {}{more}", words.join(", "))
}

/// The last name of a path.
pub(super) fn name(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}
