//! Questions to a log.

use faultline_engine::event::*;
use faultline_engine::ids::*;
use std::collections::BTreeSet;

/// Task ends, in order.
pub fn task_ends(log: &[Envelope]) -> impl Iterator<Item = (&TaskInfo, &TaskEndReason, &TaskMetrics)> {
    log.iter().filter_map(|e| match &e.event {
        Event::TaskEnd { task, reason, metrics } => Some((task, reason, metrics)),
        _ => None,
    })
}

/// How many tasks succeeded.
pub fn successes(log: &[Envelope]) -> usize {
    task_ends(log).filter(|(_, reason, _)| reason.is_success()).count()
}

/// How many tasks failed to fetch.
pub fn fetch_failures(log: &[Envelope]) -> usize {
    task_ends(log).filter(|(_, reason, _)| matches!(reason, TaskEndReason::FetchFailed { .. })).count()
}

/// Submitted stage attempts with their task counts, in order.
pub fn stages(log: &[Envelope]) -> Vec<(StageAttempt, u32)> {
    let submitted = log.iter().filter_map(|e| match &e.event {
        Event::StageSubmitted { stage } => Some((stage.id, stage.num_tasks)),
        _ => None,
    });
    submitted.collect()
}

/// Started jobs with what they are for, in order.
pub fn jobs(log: &[Envelope]) -> Vec<(JobId, JobOrigin)> {
    let started = log.iter().filter_map(|e| match &e.event {
        Event::JobStart { job, origin, .. } => Some((*job, origin.clone())),
        _ => None,
    });
    started.collect()
}

/// Blocks that are stored at the end of the log, with the executors that hold them.
pub fn stored(log: &[Envelope]) -> BTreeSet<(BlockId, ExecutorId)> {
    let mut blocks = BTreeSet::new();
    for e in log {
        match &e.event {
            Event::BlockUpdated { executor, block, level, .. } if level.is_valid() => {
                blocks.insert((*block, *executor));
            }
            Event::BlockUpdated { executor, block, .. } => {
                blocks.remove(&(*block, *executor));
            }
            Event::BlockManagerRemoved { executor } => blocks.retain(|(_, at)| at != executor),
            _ => {}
        }
    }
    blocks
}

/// Part of the log from the first event for which `from` holds.
pub fn since(log: &[Envelope], from: impl Fn(&Event) -> bool) -> &[Envelope] {
    let at = log.iter().position(|e| from(&e.event)).unwrap_or(log.len());
    &log[at..]
}

/// Part of the log that begins with the `n`-th job (from 0) and ends with its end.
pub fn of_job(log: &[Envelope], n: u32) -> &[Envelope] {
    let started = since(log, |e| matches!(e, Event::JobStart { job, .. } if job.0 == n));
    let end = started.iter().position(|e| matches!(&e.event, Event::JobEnd { job, .. } if job.0 == n));
    &started[..end.map_or(started.len(), |at| at + 1)]
}
