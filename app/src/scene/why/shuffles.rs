//! Map outputs on the way: there, written for the first time, or lost so that map tasks run again.

use super::names::{Tense, count, rdd_name};
use super::reads::Reads;
use super::{Focus, MAX_FOLDED, Step};
use crate::model::{JobState, Model, Sign, TaskState};
use faultline_engine::event::RecomputeCause;
use faultline_engine::ids::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Tasks of a job that are looked at, the last ones before the task in question.
const MAX_TASKS: usize = 4_096;

/// The map tasks that a job ran, by the shuffle that they write.
pub(super) struct MapTasks<'a> {
    by_shuffle: BTreeMap<ShuffleId, Vec<&'a Arc<TaskState>>>,
}

impl<'a> MapTasks<'a> {
    /// Of the job, those launched no later than `last`.
    pub(super) fn of(model: &'a Model, job: Option<&JobState>, last: Option<TaskId>) -> Self {
        let mut by_shuffle: BTreeMap<ShuffleId, Vec<_>> = BTreeMap::new();
        let Some(job) = job else { return Self { by_shuffle } };
        let writes = |id: &StageId| Some((*id, model.stages.get(id)?.info.shuffle?));
        let shuffles: BTreeMap<StageId, ShuffleId> = job.stages.iter().filter_map(writes).collect();
        let last = last.unwrap_or(TaskId(u64::MAX));
        for (_, task) in model.tasks.range(..=last).rev().take(MAX_TASKS) {
            if task.info.launched < job.started {
                break;
            }
            if let Some(shuffle) = shuffles.get(&task.info.stage.stage) {
                by_shuffle.entry(*shuffle).or_default().push(task);
            }
        }
        by_shuffle.values_mut().for_each(|tasks| tasks.reverse());
        Self { by_shuffle }
    }
}

/// Why a map task runs, or ran, again; `None` for the first time.
pub(super) fn rerun_cause(model: &Model, task: &TaskState) -> Option<RecomputeCause> {
    if task.end.is_some() {
        return task.metrics.rerun_cause;
    }
    let shuffle = model.stages.get(&task.info.stage.stage)?.info.shuffle?;
    let output = model.shuffles.get(&shuffle)?.outputs.get(task.info.partition.0 as usize)?;
    output.lost_with.filter(|_| output.executor.is_none()).map(RecomputeCause::MapOutputLost)
}

/// What became of the map outputs that a partition reads: a heading, and what was done.
pub(super) fn steps(model: &Model, tasks: &MapTasks<'_>, reads: &Reads, shuffle: ShuffleId, maps: RddId) -> Vec<Step> {
    let name = rdd_name(model, maps);
    let ran = tasks.by_shuffle.get(&shuffle).map(Vec::as_slice).unwrap_or_default();
    let again: Vec<_> = ran.iter().filter_map(|t| Some((rerun_cause(model, t)?, *t))).collect();
    let outputs = model.shuffles.get(&shuffle).map(|s| &s.outputs);
    if let Some((cause, first)) = again.first() {
        let to = Focus::Task(first.info.id);
        let verb = tense(again.iter().map(|(_, task)| *task)).of("run", "ran");
        let words = format!("{}, so {} {verb} again", lost(*cause), count(again.len(), "map task"));
        return vec![
            Step::new(None, format!("map outputs of {name}")).to(partition_of(maps, first)),
            Step::new(Sign::ComputingAgain, words).to(to).with(listed(&again)),
        ];
    }
    let lost_now = outputs.into_iter().flatten().find_map(|o| o.lost_with.filter(|_| o.executor.is_none()));
    if let Some(executor) = lost_now.filter(|_| reads.tense == Tense::Now) {
        let lost = outputs.into_iter().flatten().filter(|o| o.executor.is_none() && o.lost_with.is_some()).count();
        let words = format!("{} of {name} lost with executor {executor}", count(lost, "map output"));
        return vec![Step::new(Sign::Lost, words)];
    }
    let total = outputs.map_or(0, |outputs| outputs.len());
    let words = if !ran.is_empty() {
        let verb = tense(ran.iter().copied()).of("write", "wrote");
        format!("{} {verb} the outputs of {name}", count(ran.len(), "map task"))
    } else if total == 0 {
        format!("map outputs of {name}")
    } else if reads.tense == Tense::Then {
        format!("{} of {name} were there", count(total, "map output"))
    } else {
        let there = outputs.into_iter().flatten().filter(|o| o.executor.is_some()).count();
        format!("{there} of {} of {name} {} there", count(total, "map output"), if there == 1 { "is" } else { "are" })
    };
    let link = ran.first().map(|first| Focus::Task(first.info.id));
    vec![Step { link, ..Step::new(None, words) }]
}

fn tense<'a>(mut tasks: impl Iterator<Item = &'a Arc<TaskState>>) -> Tense {
    if tasks.all(|task| task.end.is_some()) { Tense::Then } else { Tense::Now }
}

fn partition_of(maps: RddId, task: &TaskState) -> Focus {
    Focus::Partition(BlockId::new(maps, task.info.partition))
}

fn lost(cause: RecomputeCause) -> String {
    match cause {
        RecomputeCause::MapOutputLost(executor) | RecomputeCause::LostWithExecutor(executor) => {
            format!("lost with executor {executor}")
        }
        RecomputeCause::FetchFailure => "could not be fetched".to_owned(),
        other => other.to_string(),
    }
}

/// Each of the tasks, with a link.
fn listed(again: &[(RecomputeCause, &Arc<TaskState>)]) -> Vec<Step> {
    let step = |(_, task): &(RecomputeCause, &Arc<TaskState>)| {
        let info = &task.info;
        let words = format!("task {}, partition {}, on executor {}", info.id, info.partition, info.executor);
        Step::new(None, words).to(Focus::Task(info.id))
    };
    let mut steps: Vec<Step> = again.iter().take(MAX_FOLDED).map(step).collect();
    if again.len() > MAX_FOLDED {
        steps.push(Step::new(None, format!("and {} more", again.len() - MAX_FOLDED)));
    }
    steps
}
