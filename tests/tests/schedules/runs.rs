//! Runs of whole programs over the loop on threads, with somebody who interferes.

use faultline_engine::command::Command;
use faultline_engine::config::EngineConfig;
use faultline_engine::error::Result;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use faultline_engine::rdd::SparkContext;
use faultline_engine::runtime::run_controlled;
use faultline_engine::sim::Control;
use faultline_engine::sync::channel::unbounded;
use faultline_tests::{checker, lab};
use shuttle::rand::{Rng, thread_rng};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

/// Turns that pass before a command, at most: about as many as there are in a small job.
const WAIT_MAX: u32 = 600;

/// Runs `program` to its end while commands arrive, each at a moment that the schedule chooses. The log obeys
/// the grammar of events, or this panics.
pub fn run<R: Send + 'static>(
    config: EngineConfig,
    commands: Vec<Command>,
    program: impl FnOnce(&SparkContext) -> Result<R> + Send + 'static,
) -> (Result<R>, Vec<Envelope>) {
    let value = Arc::new(Mutex::new(None));
    let slot = Arc::clone(&value);
    let body = lab::once(move |sc: &SparkContext| {
        let result = program(sc)?;
        *slot.lock().expect("no thread panicked") = Some(result);
        Ok(())
    });
    let (sender, controls) = unbounded();
    let (to_loop, done) = (sender.clone(), sender);
    let user = shuttle::thread::spawn(move || {
        for command in commands {
            let wait = thread_rng().gen_range(0..=WAIT_MAX);
            (0..wait).for_each(|_| shuttle::thread::yield_now());
            // The loop may be over by now.
            drop(to_loop.send(Control::Command(command)));
        }
    });
    let mut log = Vec::new();
    let outcome =
        run_controlled(config, &lab::environment(), body, controls, &mut |events| log.extend_from_slice(events));
    drop(done);
    user.join().expect("no thread panicked");
    let broken = checker::check(&log);
    assert!(broken.is_empty(), "the log breaks its grammar:\n{}\n{}", broken.join("\n"), told(&log));
    let value = value.lock().expect("no thread panicked").take();
    (outcome.result.map(|()| value.expect("a program that succeeds leaves its value")), log)
}

/// The log, one event a line.
pub fn told(log: &[Envelope]) -> String {
    log.iter().map(|envelope| format!("{:?}\n", envelope.event)).collect()
}

/// Tasks that ended well, with what they read.
pub fn successes(log: &[Envelope]) -> impl Iterator<Item = (&TaskInfo, &TaskMetrics)> {
    log.iter().filter_map(|envelope| match &envelope.event {
        Event::TaskEnd { task, reason, metrics } if reason.is_success() => Some((task, metrics)),
        _ => None,
    })
}

/// How tasks and executors ended, in words: what came between them and success.
pub fn ends(log: &[Envelope]) -> BTreeSet<&'static str> {
    let end = |envelope: &Envelope| match &envelope.event {
        Event::ExecutorRemoved { .. } => Some("executor removed"),
        Event::TaskEnd { reason, .. } => Some(match reason {
            TaskEndReason::Success => "success",
            TaskEndReason::FetchFailed { .. } => "fetch failed",
            TaskEndReason::ExecutorLostFailure { .. } => "executor lost",
            TaskEndReason::TaskKilled { .. } => "killed",
            TaskEndReason::Resubmitted => "resubmitted",
            _ => "failed",
        }),
        _ => None,
    };
    log.iter().filter_map(end).collect()
}

/// Times that tasks which ended well computed a partition of an RDD.
pub fn computed(log: &[Envelope], rdd: RddId) -> usize {
    let rows = successes(log).flat_map(|(_, metrics)| &metrics.reads);
    rows.filter(|row| row.rdd == rdd && row.tier == ReadTier::Computed).count()
}

/// Where each block is at the end, as the log says.
pub fn stored(log: &[Envelope]) -> BTreeMap<BlockId, BTreeSet<ExecutorId>> {
    let mut stored: BTreeMap<BlockId, BTreeSet<ExecutorId>> = BTreeMap::new();
    for envelope in log {
        match &envelope.event {
            Event::BlockUpdated { executor, block, level, .. } if level.is_valid() => {
                stored.entry(*block).or_default().insert(*executor);
            }
            Event::BlockUpdated { executor, block, .. } => {
                stored.entry(*block).or_default().remove(executor);
            }
            Event::BlockManagerRemoved { executor } => {
                stored.values_mut().for_each(|executors| executors.retain(|e| e != executor));
            }
            _ => {}
        }
    }
    stored.retain(|_, executors| !executors.is_empty());
    stored
}

/// Whether a block left for this reason.
pub fn removed(log: &[Envelope], why: BlockRemoval) -> bool {
    log.iter().any(|e| matches!(&e.event, Event::BlockUpdated { removal: Some(removal), .. } if *removal == why))
}
