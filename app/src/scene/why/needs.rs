//! Who needed it: action, batch or checkpoint, then the stage and the task, then the way down.

use super::names::{Tense, asker, partition_name};
use super::reads::{Origin, Reads};
use super::tiers::is_kept;
use super::{Focus, MAX_FOLDED, Step};
use crate::model::{JobState, Model, Sign, TaskState};

/// Stops between the task's own partition and the one in question that are shown one by one.
const SHOWN: usize = 2;

/// The first steps of a chain about the row at `focus`.
pub(super) fn steps(model: &Model, reads: &Reads, focus: usize, job: Option<&JobState>, sign: Sign) -> Vec<Step> {
    let verb = reads.tense.of("needs", "needed");
    let who = job.map_or_else(|| "an unknown job".to_owned(), |job| asker(model, job));
    let (row, root) = (&reads.rows[focus], reads.rows[0].block);
    let first = row.origin == Origin::Computed && !row.repeats;
    let when = if first { " for the first time" } else { "" };
    let task = reads.task.and_then(|id| model.tasks.get(&id));
    let mut steps = Vec::new();
    if focus == 0 {
        steps.push(Step::new(sign, format!("{who} {verb} it{when}")));
        steps.extend(task.map(|task| place(job, task)));
        return steps;
    }
    steps.push(Step::new(sign, format!("{who} {verb} {}", partition_name(model, root))).to(Focus::Partition(root)));
    steps.extend(task.map(|task| place(job, task)));
    steps.extend(way(model, reads, focus));
    steps.push(Step::new(None, format!("which {verb} this one{when}")));
    steps
}

/// `collect at word_count.rs:44, stage 34, task 104`.
pub(super) fn place(job: Option<&JobState>, task: &TaskState) -> Step {
    let info = &task.info;
    let action = job.map(|job| job.origin.callsite.as_str()).filter(|c| !c.is_empty());
    let action = action.map_or_else(String::new, |action| format!("{action}, "));
    Step::new(None, format!("{action}stage {}, task {}", info.stage.stage, info.id)).to(Focus::Task(info.id))
}

/// The stops between the task's own partition and the one in question.
fn way(model: &Model, reads: &Reads, focus: usize) -> Vec<Step> {
    let verb = reads.tense.of("needs", "needed");
    let mut stops: Vec<Step> = Vec::new();
    let mut more = 0usize;
    let mut at = reads.rows[focus].needed_by;
    // Bounded: a row is asked for by an earlier one, else the record is damaged and the walk ends.
    let mut before = focus;
    while let Some(row) = at.filter(|&row| row > 0 && row < before) {
        let read = &reads.rows[row];
        let stop = model.rdds.get(&read.block.rdd).is_some_and(|rdd| is_kept(rdd, read.block.partition));
        if stop && stops.len() < SHOWN + MAX_FOLDED {
            let words = format!("which {verb} {}", partition_name(model, read.block));
            stops.push(Step::new(None, words).to(Focus::Partition(read.block)));
        } else if stop {
            more += 1;
        }
        (before, at) = (row, read.needed_by);
    }
    stops.reverse();
    if stops.len() <= SHOWN {
        return stops;
    }
    let nearest = stops.split_off(stops.len() - 1);
    let words = format!("through {} stored partitions", stops.len() + more);
    let mut steps = vec![Step::new(None, words).with(stops)];
    steps.extend(nearest);
    steps
}

/// The tense of a task.
pub(super) fn tense(task: &TaskState) -> Tense {
    if task.end.is_some() { Tense::Then } else { Tense::Now }
}
