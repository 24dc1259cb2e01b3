//! The end of an action: what is marked is written before the action returns (R9.3, R9.4, R10.2).
//!
//! As Spark does it, a second job writes every partition after the action's job (R9.6). With
//! `faultline.checkpoint.write` = `tee` the tasks of the action's job write the partitions that they
//! compute, and the second job is left with those that nobody computed.

use super::action::{origin, unexpected_output};
use super::context::{CheckpointCommit, CheckpointProgress, JobSpec, Notice, TaskOutput, callsite, job_local};
use super::node::{AnyRdd, CheckpointKind, CheckpointState, CutTo};
use super::{Dependency, TaskError};
use crate::config::CheckpointWriting;
use crate::error::{EngineError, Result};
use crate::event::{CheckpointPart, Event};
use crate::ids::*;
use crate::seeded::{SeededBug, seeded};
use crate::task_context::TaskContext;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::Location;
use std::sync::Arc;

/// Runs the job of an action, then writes what is marked. A failed write does not fail the action: it is
/// announced, the mark stays, and the next job tries again.
pub(super) fn run_job(spec: JobSpec, action: &str, at: &Location<'_>) -> Result<Vec<TaskOutput>> {
    let last = Arc::clone(&spec.rdd);
    let runner = Arc::clone(&last.core().context().0.runner);
    let tees = Tees::open(&last);
    let outputs = runner.run_job(spec);
    drop(tees);
    let outputs = outputs?;
    write_marked(&last, &callsite(action, at));
    Ok(outputs)
}

/// The RDDs whose partitions the tasks of one job write while they compute them.
struct Tees(Vec<Arc<dyn AnyRdd>>);

impl Tees {
    fn open(last: &Arc<dyn AnyRdd>) -> Self {
        let ctx = last.core().context();
        if ctx.config().checkpoint_write != CheckpointWriting::Tee {
            return Self(Vec::new());
        }
        let mut seen = BTreeSet::new();
        let mut marked =
            marked_on_the_way(last, |rdd| !rdd.core().was_visited_by_a_job() && seen.insert(rdd.core().id()));
        marked.retain(|rdd| rdd.core().checkpoint_state() == CheckpointState::Marked(CheckpointKind::Reliable));
        for rdd in &marked {
            // A store that refuses is asked again, and the error told, when the checkpoint is written.
            rdd.core().set_tee(directory_of(rdd).ok().map(Arc::from));
        }
        Self(marked)
    }
}

impl Drop for Tees {
    fn drop(&mut self) {
        self.0.iter().for_each(|rdd| rdd.core().set_tee(None));
    }
}

fn write_marked(last: &Arc<dyn AnyRdd>, callsite: &str) {
    let mut visited = Vec::new();
    // Each RDD is visited once in its life (R9.4).
    let marked = marked_on_the_way(last, |rdd| {
        let new = !rdd.core().enter_do_checkpoint();
        if new {
            visited.push(Arc::clone(rdd));
        }
        new
    });
    for rdd in marked {
        let core = rdd.core();
        let Some(kind) = core.begin_writing() else { continue };
        let written = match kind {
            CheckpointKind::Reliable => write_files(&rdd, callsite),
            CheckpointKind::Local => keep_blocks(&rdd, callsite),
        };
        if let Err(error) = written {
            if !seeded(SeededBug::FailedCheckpointStays) {
                core.set_checkpoint_state(CheckpointState::Marked(kind));
                // The next job finds its way here again.
                visited.iter().for_each(|rdd| rdd.core().leave_do_checkpoint());
            }
            core.context().tell(Notice::CheckpointFailed(core.id(), error.to_string()));
        }
    }
}

/// The marked RDDs that a job reaches, ancestors first, as far as `enter` allows. Without "all marked
/// ancestors" a path ends at its first marked RDD (R9.4).
fn marked_on_the_way(last: &Arc<dyn AnyRdd>, mut enter: impl FnMut(&Arc<dyn AnyRdd>) -> bool) -> Vec<Arc<dyn AnyRdd>> {
    let all = job_local().all_marked_ancestors;
    let mut marked = Vec::new();
    let mut todo = vec![Arc::clone(last)];
    while let Some(rdd) = todo.pop() {
        if !enter(&rdd) {
            continue;
        }
        let is_marked = matches!(rdd.core().checkpoint_state(), CheckpointState::Marked(_));
        if is_marked {
            marked.push(Arc::clone(&rdd));
        }
        if all || !is_marked {
            todo.extend(rdd.core().dependencies().iter().map(Dependency::parent));
        }
    }
    marked.sort_by_key(|rdd| rdd.core().id());
    marked
}

fn directory_of(rdd: &Arc<dyn AnyRdd>) -> Result<String> {
    let core = rdd.core();
    let root = core.context().own_checkpoint_dir()?;
    root.map(|root| crate::checkpoint::format::rdd_directory(&root, core.id()))
        .ok_or_else(|| EngineError::IllegalState(super::marks::NO_DIRECTORY.into()))
}

/// A job over some partitions of `rdd` for its checkpoint.
fn job<U: Send + 'static>(
    rdd: &Arc<dyn AnyRdd>,
    partitions: Vec<PartitionId>,
    callsite: &str,
    f: impl Fn(Arc<dyn AnyRdd>, PartitionId, &TaskContext) -> std::result::Result<U, TaskError> + Send + Sync + 'static,
) -> Result<Vec<U>> {
    let core = rdd.core();
    let target = Arc::clone(rdd);
    let spec = JobSpec {
        rdd: Arc::clone(rdd),
        partitions,
        func: Arc::new(move |part, task| f(Arc::clone(&target), part, task).map(|p| Box::new(p) as TaskOutput)),
        origin: origin(callsite.to_owned(), Some(core.id())),
    };
    let outputs = core.context().0.runner.run_job(spec)?;
    outputs.into_iter().map(|p| p.downcast().map(|p| *p).map_err(|_| unexpected_output())).collect()
}

/// R9.6–R9.11: a part for every partition, then the manifest, then the cut.
fn write_files(rdd: &Arc<dyn AnyRdd>, callsite: &str) -> Result<()> {
    let core = rdd.core();
    let ctx = core.context();
    let dir = directory_of(rdd)?;
    ctx.tell(Notice::Fact(Event::CheckpointStarted { rdd: core.id(), path: dir.clone() }));
    let all = || (0..core.num_partitions()).map(PartitionId);
    let mut parts: BTreeMap<PartitionId, CheckpointPart> = BTreeMap::new();
    if ctx.config().checkpoint_write == CheckpointWriting::Tee {
        let CheckpointProgress { written, .. } = ctx.0.runner.checkpoint_progress(core.id())?;
        parts.extend(written);
    }
    let teed = parts.len() as u32;
    let missing: Vec<PartitionId> = all().filter(|p| !parts.contains_key(p)).collect();
    if !missing.is_empty() || teed == 0 {
        let to = dir.clone();
        let written =
            job(rdd, missing.clone(), callsite, move |rdd, part, task| rdd.write_checkpoint_part(part, &to, task))?;
        parts.extend(missing.into_iter().zip(written));
    }
    let to = CutTo::Files { dir, parts: parts.into_values().collect() };
    commit(rdd, to, callsite, teed)
}

/// R10.2: only partitions that no executor holds are computed; then the lineage is cut.
fn keep_blocks(rdd: &Arc<dyn AnyRdd>, callsite: &str) -> Result<()> {
    let core = rdd.core();
    let level = core.level();
    if !level.use_disk {
        // Eviction would be the loss of the only copy.
        let text = format!("Storage level {level} is not appropriate for local checkpointing");
        return Err(EngineError::IllegalState(text));
    }
    core.context().tell(Notice::Fact(Event::CheckpointStarted { rdd: core.id(), path: String::new() }));
    let CheckpointProgress { stored, .. } = core.context().0.runner.checkpoint_progress(core.id())?;
    let all = (0..core.num_partitions()).map(PartitionId);
    let missing: Vec<PartitionId> = all.filter(|p| !stored.contains(p)).collect();
    if !missing.is_empty() {
        job(rdd, missing, callsite, |rdd, part, task| rdd.materialize(part, task))?;
    }
    commit(rdd, CutTo::Blocks, callsite, 0)
}

fn commit(rdd: &Arc<dyn AnyRdd>, to: CutTo, callsite: &str, teed: u32) -> Result<()> {
    let cut = Arc::clone(rdd).prepare_cut(to.clone(), callsite.to_owned());
    let commit = CheckpointCommit { rdd: Arc::clone(rdd), cut, to, teed };
    rdd.core().context().0.runner.commit_checkpoint(commit)
}
