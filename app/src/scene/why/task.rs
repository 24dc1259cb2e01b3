//! Why a task ran.

use super::chain::Chain;
use super::names::{asker, partition_name};
use super::needs::{place, tense};
use super::reads::Reads;
use super::shuffles::{MapTasks, rerun_cause};
use super::{Focus, Step, Why};
use crate::model::{JobState, Model, Sign, TaskState};
use faultline_engine::event::{RecomputeCause, StageOutcome, TaskEndReason, TaskKind};
use faultline_engine::ids::*;

/// Tasks before this one among which earlier attempts are looked for, and attempts shown.
const TASKS_SEARCHED: usize = 4_096;
const ATTEMPTS_SHOWN: usize = 4;

pub(super) fn why(model: &Model, id: TaskId) -> Why {
    let Some(task) = model.tasks.get(&id) else {
        return Why { question: format!("Task {id} is no longer kept"), ..Why::default() };
    };
    let tense = tense(task);
    let job = model.job_of_task(&task.info);
    let question = format!("Why {} task {id} run?", tense.of("does", "did"));
    let mut why = Why { question, ..Why::default() };
    let again = rerun_cause(model, task).is_some_and(RecomputeCause::is_loss);
    let sign = if again { Sign::ComputingAgain } else { tense.of_sign(Sign::Computing, Sign::ComputedNotKept) };
    let who = job.map_or_else(|| "an unknown job".to_owned(), |job| asker(model, job));
    let verb = tense.of("needs", "needed");
    if let Some(stage) = model.stages.get(&task.info.stage.stage) {
        let root = BlockId::new(stage.info.rdd, task.info.partition);
        let of = partition_name(model, root);
        let what = if task.info.kind == TaskKind::ShuffleMapTask { format!("the map output of {of}") } else { of };
        why.steps.push(Step::new(sign, format!("{who} {verb} {what}")).to(Focus::Partition(root)));
    } else {
        why.steps.push(Step::new(sign, format!("{who} {verb} it")));
    }
    why.steps.push(Step { link: None, ..place(job, task) });
    why.steps.extend(earlier_stage_attempt(model, task));
    why.steps.extend(earlier_attempts(model, job, task));
    why.steps.extend(rerun(model, task));
    let Some(reads) = Reads::of_task(model, id).filter(|reads| !reads.rows.is_empty()) else {
        return why;
    };
    let chain = Chain { model, reads: &reads, tasks: MapTasks::of(model, job, Some(id)) };
    let explained = chain.explain(0);
    if let Some(first) = why.steps.first_mut() {
        first.folded = explained.narrow;
    }
    why.steps.extend(explained.steps);
    why
}

/// Why a map task repeats work.
pub(super) fn rerun(model: &Model, task: &TaskState) -> Option<Step> {
    let verb = tense(task).of("runs", "ran");
    let (sign, words) = match rerun_cause(model, task)? {
        RecomputeCause::MapOutputLost(executor) | RecomputeCause::LostWithExecutor(executor) => {
            (Sign::Lost, format!("its map output was lost with executor {executor}, so it {verb} again"))
        }
        RecomputeCause::FetchFailure => {
            (Sign::Lost, format!("a reducer could not fetch its map output, so it {verb} again"))
        }
        other => (Sign::ComputedNotKept, format!("its map output had been written before: {other}")),
    };
    Some(Step::new(sign, words))
}

/// The stage attempt before the task's own, when that one failed.
fn earlier_stage_attempt(model: &Model, task: &TaskState) -> Option<Step> {
    let stage = model.stages.get(&task.info.stage.stage)?;
    let before = task.info.stage.attempt.checked_sub(1)?;
    let attempt = stage.attempts.iter().find(|a| a.info.id.attempt == before)?;
    let Some(StageOutcome::Failed { reason }) = &attempt.outcome else { return None };
    let reason = reason.lines().next().unwrap_or_default();
    Some(Step::new(Sign::Lost, format!("attempt {before} of the stage failed: {reason}")))
}

/// Tasks of the same stage and partition that ended badly before this one.
fn earlier_attempts(model: &Model, job: Option<&JobState>, task: &TaskState) -> Vec<Step> {
    let since = job.map_or(Timestamp(0), |job| job.started);
    let before = model.tasks.range(..task.info.id).rev().take(TASKS_SEARCHED).map(|(_, t)| t);
    let same = |t: &&std::sync::Arc<TaskState>| {
        t.info.stage.stage == task.info.stage.stage && t.info.partition == task.info.partition
    };
    let mut steps: Vec<Step> = before
        .into_iter()
        .take_while(|t| t.info.launched >= since)
        .filter(same)
        .filter_map(|t| Some(failed(t)?.to(Focus::Task(t.info.id))))
        .take(ATTEMPTS_SHOWN)
        .collect();
    steps.reverse();
    steps
}

/// How an attempt ended badly.
fn failed(task: &TaskState) -> Option<Step> {
    let id = task.info.id;
    Some(match task.end.as_ref()? {
        TaskEndReason::Success | TaskEndReason::Resubmitted => return None,
        TaskEndReason::ExceptionFailure { message } => {
            Step::new(None, format!("task {id} failed: {}", message.lines().next().unwrap_or_default()))
        }
        TaskEndReason::FetchFailed { executor: Some(executor), .. } => {
            Step::new(Sign::Lost, format!("task {id} could not fetch a map output from executor {executor}"))
        }
        TaskEndReason::FetchFailed { executor: None, .. } => {
            Step::new(Sign::Lost, format!("task {id} could not find a map output"))
        }
        TaskEndReason::ExecutorLostFailure { executor, .. } => {
            Step::new(Sign::Lost, format!("task {id} died with executor {executor}"))
        }
        TaskEndReason::TaskResultLost => Step::new(None, format!("the result of task {id} was lost on the way")),
        TaskEndReason::TaskCommitDenied { .. } => {
            Step::new(None, format!("task {id} may not commit: another attempt of the partition does"))
        }
        TaskEndReason::TaskKilled { reason } => Step::new(None, format!("task {id} was killed: {reason}")),
    })
}
