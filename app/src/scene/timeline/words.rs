//! Tasks in words: for assistive technology, and for what is shown under the pointer.

use super::{Doing, Segment, segments};
use crate::model::{Model, TaskState};
use faultline_engine::event::TaskEndReason;
use std::collections::BTreeMap;

/// `Task 41, executor 1, batch 8, read back 1 partition, computed again 3 partitions`.
pub fn task_words(model: &Model, task: &TaskState) -> String {
    let info = &task.info;
    let mut words = format!("{}, executor {}", task_name(task), info.executor);
    if info.speculative {
        words.push_str(", speculative");
    }
    if let Some(job) = model.job_of(info.stage.stage) {
        if let Some(batch) = job.origin.batch {
            words.push_str(&format!(", batch {batch}"));
        }
        if job.origin.checkpoint_of.is_some() {
            words.push_str(", checkpoint job");
        }
    }
    match &task.end {
        None => {
            let (mut all, mut again) = (0u64, 0u64);
            for (_, is_again) in model.computing_of(info.id) {
                all += 1;
                again += u64::from(is_again);
            }
            words.push_str(", running");
            if all > again {
                words.push_str(&format!(", computing {}", partitions(all - again)));
            }
            if again > 0 {
                words.push_str(&format!(", computing again {}", partitions(again)));
            }
        }
        Some(TaskEndReason::Success | TaskEndReason::Resubmitted) => {}
        Some(TaskEndReason::TaskKilled { .. }) => words.push_str(", killed"),
        Some(_) => words.push_str(", failed"),
    }
    // What is done again comes before what is done first, as in the bar.
    let mut counts: BTreeMap<(Doing, std::cmp::Reverse<bool>), u64> = BTreeMap::new();
    for segment in segments(model, task).list {
        *counts.entry((segment.doing, std::cmp::Reverse(segment.again))).or_default() += segment.partitions;
    }
    for ((doing, std::cmp::Reverse(again)), count) in counts {
        match (doing, count) {
            (Doing::Around | Doing::Unknown, _) => {}
            (Doing::Computed, _) if !again => words.push_str(&format!(", computed {}", partitions(count))),
            (Doing::Fetched, _) if again => words.push_str(", fetched map outputs again"),
            (Doing::Fetched, _) => words.push_str(", fetched map outputs"),
            (_, 0) => words.push_str(&format!(", {}", verb(doing, again))),
            _ => words.push_str(&format!(", {} {}", verb(doing, again), partitions(count))),
        }
    }
    words
}

/// `Task 41`.
pub fn task_name(task: &TaskState) -> String {
    format!("Task {}", task.info.id)
}

/// `computed again updateStateByKey, batch 6`.
pub fn segment_words(segment: &Segment) -> String {
    let verb = match (segment.doing, segment.again, segment.cause) {
        // Never kept, so computed for every job: that is no loss.
        (Doing::Computed, false, Some(_)) => "computed once more",
        (doing, again, _) => verb(doing, again),
    };
    match &segment.of {
        Some((operator, Some(batch))) => format!("{verb} {operator}, batch {batch}"),
        Some((operator, None)) => format!("{verb} {operator}"),
        None => verb.to_owned(),
    }
}

const fn verb(doing: Doing, again: bool) -> &'static str {
    match (doing, again) {
        (Doing::Around, _) => "start and result",
        (Doing::Unknown, _) => "not in the log",
        (Doing::ReadBack, _) => "read back",
        (Doing::ReadMemory, _) => "read from memory",
        (Doing::ReadDisk, _) => "read from disk",
        (Doing::Fetched, false) => "fetched map outputs for",
        (Doing::Fetched, true) => "fetched map outputs again for",
        (Doing::Computed, false) => "computed first",
        (Doing::Computed, true) => "computed again",
        (Doing::Written, false) => "wrote map output",
        (Doing::Written, true) => "wrote map output again",
        (Doing::WrittenCheckpoint, _) => "wrote a checkpoint part",
    }
}

fn partitions(count: u64) -> String {
    if count == 1 { "1 partition".to_owned() } else { format!("{count} partitions") }
}
