//! Why a partition was computed, or why it is where it is.

use super::chain::Chain;
use super::names::{asker, partition_name};
use super::reads::{Origin, Reads};
use super::shuffles::MapTasks;
use super::{Focus, Served, Step, Why, needs, task};
use crate::model::{JobState, Model, PartitionState, RddState, Sign};
use faultline_engine::ids::*;

/// Running jobs that are asked whether they wait for a partition.
const JOBS_ASKED: usize = 8;

pub(super) fn why(model: &Model, block: BlockId) -> Why {
    let Some(rdd) = model.rdds.get(&block.rdd) else {
        return Why { question: format!("RDD {} is no longer kept", block.rdd), ..Why::default() };
    };
    let Some(state) = rdd.partition(block.partition) else {
        return Why { question: format!("Partition {} is not followed", block.partition), ..Why::default() };
    };
    let sign = rdd.cell(block.partition).sign;
    let mut why = Why { question: question(block.partition, sign, state), ..Why::default() };
    if state.computing.is_empty() {
        why.steps.extend(fate(model, rdd, state, sign));
    }
    let Some(reads) = reads_of(model, block, state) else {
        why.steps.extend(untold(model, rdd, block, state));
        return why;
    };
    let Some(focus) = reads.find(block) else {
        why.steps.push(Step::new(None, "the task that computed it asked for more than is followed"));
        return why;
    };
    let task = reads.task.and_then(|id| model.tasks.get(&id));
    let job = task.and_then(|task| model.job_of_task(&task.info));
    // While it is lost or gone, the sign tells that first; how it came to be comes after.
    let sign = if why.steps.is_empty() { sign } else { Sign::ComputedNotKept };
    let mut who = needs::steps(model, &reads, focus, job, sign);
    if let Some(task) = task {
        who.extend(task::rerun(model, task));
    }
    let chain = Chain { model, reads: &reads, tasks: MapTasks::of(model, job, reads.task) };
    let explained = chain.explain(focus);
    if let Some(first) = who.first_mut() {
        first.folded = explained.narrow;
    }
    why.steps.extend(who);
    why.steps.extend(explained.steps);
    why.served = Some(match reads.rows[focus].origin {
        Origin::Memory(_) | Origin::Disk(_) | Origin::Remote(_) => Served::Memory,
        Origin::Checkpoint => Served::Checkpoint,
        Origin::WriteAheadLog => Served::WriteAheadLog,
        Origin::Computed => Served::Lineage,
    });
    why
}

fn question(partition: PartitionId, sign: Sign, state: &PartitionState) -> String {
    match sign {
        Sign::Computing => format!("Why is partition {partition} computed now?"),
        Sign::ComputingAgain => format!("Why is partition {partition} computed again?"),
        Sign::Lost => format!("Why is partition {partition} lost?"),
        Sign::Evicted => format!("Why is partition {partition} evicted?"),
        Sign::NeverComputed => format!("Why is partition {partition} not computed?"),
        Sign::ReadBack => format!("Why was partition {partition} read back?"),
        Sign::CheckpointPart => format!("Why is partition {partition} in a checkpoint?"),
        _ if state.read_back_by > state.last_task => format!("Why was partition {partition} read back?"),
        _ if state.recomputed => format!("Why was partition {partition} computed again?"),
        Sign::ComputedNotKept if state.computed == 0 => format!("Why is partition {partition} not computed?"),
        Sign::ComputedNotKept | Sign::InMemory | Sign::OnDisk => format!("Why was partition {partition} computed?"),
    }
}

/// The rows of the task that computes it, else of the last one that computed it or read it back.
fn reads_of(model: &Model, block: BlockId, state: &PartitionState) -> Option<Reads> {
    if let Some(task) = state.computing.last() {
        let of_task = Reads::of_task(model, *task).filter(|reads| reads.find(block).is_some());
        return Some(of_task.unwrap_or_else(|| Reads::derived(model, block, state.computing_again)));
    }
    Reads::of_task(model, state.last_task.max(state.read_back_by)?)
}

/// What became of it after it was computed.
fn fate(model: &Model, rdd: &RddState, state: &PartitionState, sign: Sign) -> Vec<Step> {
    let mut steps = Vec::new();
    match (sign, state.lost_with, state.left) {
        (Sign::Lost, Some(executor), _) => {
            let dropped = state.left.is_some_and(|left| left.removal.is_some());
            let words = if dropped { "dropped on" } else { "lost with" };
            steps.push(Step::new(Sign::Lost, format!("its last copy was {words} executor {executor}")));
            let waits = waiting(model, rdd);
            let nobody = waits.is_empty().then(|| Step::new(None, "nothing has needed it since"));
            steps.extend(nobody.into_iter().chain(waits));
        }
        (Sign::Evicted, _, Some(left)) => {
            let words = format!("its last copy made room for another block on executor {}", left.executor);
            steps.push(Step::new(Sign::Evicted, words));
            steps.extend(waiting(model, rdd));
        }
        _ => {}
    }
    if rdd.ghost {
        steps.push(Step::new(Sign::CheckpointPart, "a checkpoint cut it off, nothing needs it any more"));
    }
    steps
}

/// When no task is known that computed it.
fn untold(model: &Model, rdd: &RddState, block: BlockId, state: &PartitionState) -> Vec<Step> {
    if let Some(saved) = model.checkpoints.values().find(|c| c.checkpoint_rdd == block.rdd) {
        let of = BlockId::new(saved.rdd, block.partition);
        let words = format!("part {} of the checkpoint of {}", block.partition, partition_name(model, of));
        return vec![Step::new(Sign::CheckpointPart, words).to(Focus::Partition(of))];
    }
    if state.computed > 0 || state.last_task.is_some() {
        let of = state.last_task.filter(|id| model.tasks.contains_key(id));
        let words = match of {
            Some(id) => format!("task {id} computed it; the log does not say what it read"),
            None => "the task that computed it is no longer kept".to_owned(),
        };
        return vec![Step { link: of.map(Focus::Task), ..Step::new(Sign::ComputedNotKept, words) }];
    }
    if let Some(executor) = state.copies.keys().next() {
        let words = format!("in memory on executor {executor}; no task is known that computed it");
        return vec![Step::new(Sign::InMemory, words)];
    }
    let waits = waiting(model, rdd);
    if waits.is_empty() && !rdd.ghost && state.lost_with.is_none() {
        return vec![Step::new(Sign::NeverComputed, "no task has needed it so far")];
    }
    waits
}

/// The running jobs whose stages will compute it and have not started.
fn waiting(model: &Model, rdd: &RddState) -> Vec<Step> {
    let id = rdd.info.id;
    let of_job = |job: &JobState| {
        let stages = job.stages.iter().filter_map(|stage| model.stages.get(stage));
        let waits = stages.into_iter().find(|stage| stage.info.rdds.contains(&id))?;
        let started = waits.attempts.iter().any(|a| a.submitted >= job.started);
        let stage = waits.info.id.stage;
        let words = if started {
            format!("{} needs stage {stage}, which runs; the task has not been launched", asker(model, job))
        } else {
            format!("{} needs it: stage {stage} waits until its parent stages are done", asker(model, job))
        };
        Some(Step::new(None, words))
    };
    model.running_jobs().take(JOBS_ASKED).filter_map(of_job).collect()
}
