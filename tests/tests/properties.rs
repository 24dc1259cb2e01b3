//! What holds for every program, every seed and every fault: results, logs, and why work is repeated.
//!
//! A failure prints its seed; `FAULTLINE_SEED=7` runs just that one, and in the simulator it fails in exactly
//! the same way. `FAULTLINE_SEEDS=10` tries ten times as many; `tests/examples/soak.rs` is for long runs.

use faultline_engine::config::EngineConfig;
use faultline_engine::event::*;
use faultline_engine::eventlog::LogWriter;
use faultline_engine::ids::*;
use faultline_tests::properties::{BATCHES, EXECUTORS, NAMED, Property};
use faultline_tests::random::batch::{Losses, Program};
use faultline_tests::random::streams::{self, Expected, Shape};
use faultline_tests::random::{self, Pipeline, predict};
use faultline_tests::{Loop, in_batches, log, run, settings};
use std::collections::BTreeSet;

fn seeds(first: u64, count: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("FAULTLINE_SEED") {
        Some(seed) => seed..seed + 1,
        None => first..first + count * number("FAULTLINE_SEEDS").unwrap_or(1),
    }
}

fn named(name: &str) -> Property {
    let (_, property) = NAMED.into_iter().find(|(n, _)| *n == name).expect("a property of this name");
    property
}

/// Tries a property under many seeds of one loop; the first that fails is told with how to try it again.
fn hold(name: &str, loop_: Loop, count: u64) {
    for seed in seeds(0, count) {
        let tried = std::panic::catch_unwind(|| named(name)(loop_, seed));
        assert!(tried.is_ok(), "{name} under {loop_:?} fails with FAULTLINE_SEED={seed}");
    }
}

/// Without it an operator, a level, a checkpoint or a fault could change what a lineage gives, or work could
/// be repeated without a reason that anybody can see.
#[test]
fn lineages_equal_their_model_in_the_simulator() {
    hold("lineages", Loop::Sim, 400);
}

/// Without it what holds under the virtual clock could fail on threads.
#[test]
fn lineages_equal_their_model_on_threads() {
    hold("lineages", Loop::Threads, 100);
}

/// Without it the same could happen to streams: state, windows, and what they remember.
#[test]
fn pipelines_equal_their_model_in_the_simulator() {
    hold("pipelines", Loop::Sim, 300);
}

/// As above, on threads.
#[test]
fn pipelines_equal_their_model_on_threads() {
    hold("pipelines", Loop::Threads, 60);
}

/// Without it batches without an RDD could break state and windows after a loss.
#[test]
fn streams_equal_their_model_in_the_simulator() {
    hold("streams", Loop::Sim, 200);
}

/// As above, on threads.
#[test]
fn streams_equal_their_model_on_threads() {
    hold("streams", Loop::Threads, 40);
}

/// Without it a cut whose data is in blocks only could change results although no block got lost.
#[test]
fn local_checkpoints_equal_their_model() {
    hold("local-checkpoints", Loop::Sim, 150);
    hold("local-checkpoints", Loop::Threads, 30);
}

/// Without it all of the above could hold because nothing happens: each kind of fault strikes, each kind of
/// cause is among those of repeated work, each operator is in a program.
#[test]
fn random_programs_meet_everything() {
    let mut met: BTreeSet<String> = BTreeSet::new();
    for seed in 0..120 {
        for (_, property) in NAMED {
            met.extend(property(Loop::Sim, seed).iter().flat_map(|envelope| words_of(&envelope.event)));
        }
        let operators = Program::of(seed, BATCHES, Losses::Possible).operators();
        met.extend(operators.into_iter().chain(Pipeline::of(seed, BATCHES).operators()).map(str::to_owned));
    }
    let faults = ["kill", "slow", "drop", "corrupt", "fail:task", "fail:store", "slow:store", "fill:store", "lose"];
    let commands = ["restart", "decommission", "pause", "resume", "persist", "unpersist", "checkpoint"];
    let ends =
        ["FetchFailed", "ExecutorLostFailure", "Resubmitted", "TaskResultLost", "ExceptionFailure", "TaskKilled"];
    let causes =
        ["LostWithExecutor", "MapOutputLost", "FetchFailure", "Dropped", "Evicted", "CheckpointJob", "RolledBack"];
    let others = ["speculative copy", "checkpoint", "checkpoint by tee", "local checkpoint", "migration"];
    let mut wanted: Vec<String> = others.map(str::to_owned).into();
    wanted.extend(faults.map(|fault| format!("fault {fault}")));
    wanted.extend(commands.map(|command| format!("command {command}")));
    wanted.extend(ends.map(|end| format!("end {end}")));
    wanted.extend(causes.map(|cause| format!("cause {cause}")));
    wanted.extend(random::Operator::NAMED.iter().map(|(_, name)| (*name).to_owned()));
    wanted.extend(random::pipeline::Operator::NAMED.iter().map(|(_, name)| (*name).to_owned()));
    let missed: Vec<&String> = wanted.iter().filter(|word| !met.contains(*word)).collect();
    assert!(missed.is_empty(), "never met: {missed:?}");
}

/// What an event is an instance of.
fn words_of(event: &Event) -> Vec<String> {
    let variant = |value: &dyn std::fmt::Debug| {
        let text = format!("{value:?}");
        text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned()
    };
    match event {
        Event::FaultInjected { fault, .. } => {
            let action = fault.split(':').next().unwrap_or_default();
            vec![format!("fault {action}"), format!("fault {}", fault.split([',', '=']).next().unwrap_or_default())]
        }
        Event::CommandApplied { command, .. } => {
            vec![format!("command {}", command.to_string().split(':').next().unwrap_or_default())]
        }
        Event::TaskEnd { task, reason, metrics } => {
            let causes = metrics.reads.iter().filter_map(|row| row.cause).chain(metrics.rerun_cause);
            let mut words: Vec<String> = causes.map(|cause| format!("cause {}", variant(&cause))).collect();
            words.push(format!("end {}", variant(reason)));
            words.extend(task.speculative.then(|| "speculative copy".to_owned()));
            words
        }
        Event::CheckpointCompleted { path, .. } if path.is_empty() => vec!["local checkpoint".to_owned()],
        Event::CheckpointCompleted { teed, .. } if *teed > 0 => vec!["checkpoint by tee".to_owned()],
        Event::CheckpointCompleted { .. } => vec!["checkpoint".to_owned()],
        Event::MapOutputsMigrated { .. } | Event::BlocksMigrated { .. } => vec!["migration".to_owned()],
        _ => Vec::new(),
    }
}

/// Without it a level or a checkpoint could change a result instead of its price.
#[test]
fn keeping_never_changes_results() {
    for seed in seeds(200_000, 60) {
        for &loop_ in Loop::ALL {
            // The same input, kept in three ways under the same seed of faults.
            for variant in 0..3 {
                if loop_ == Loop::Threads && variant > 0 {
                    continue;
                }
                let shape = Shape::of(2000).keep(seed * 10 + variant);
                let batches = shape.batches.len() as u32;
                let config = EngineConfig {
                    executors: EXECUTORS,
                    partitions: shape.partitions,
                    memory: shape.memory,
                    ..settings(batches, &[])
                };
                let expected = Expected::of(&shape, batches);
                let told = format!("{loop_:?} seed {seed} variant {variant} {shape:?}");
                let (result, _) = run(loop_, config, move |sc| streams::program(sc, &shape));
                assert_eq!(result.unwrap_or_else(|e| panic!("{e}\n{told}")), expected, "{told}");
            }
        }
    }
}

fn bytes(log: &[Envelope]) -> Vec<u8> {
    let mut writer = LogWriter::new(Vec::new());
    log.iter().for_each(|envelope| writer.write(envelope).expect("a Vec takes everything"));
    writer.finish().expect("a Vec takes everything")
}

/// Without it a failure found by a seed could not be looked at again.
#[test]
fn the_same_seed_gives_the_same_bytes() {
    for seed in seeds(0, 60) {
        let (name, property) = NAMED[seed as usize % NAMED.len()];
        let [one, two] = [0, 1].map(|_| bytes(&property(Loop::Sim, seed)));
        let differs = one.iter().zip(&two).position(|(a, b)| a != b);
        let around = |text: &[u8], at: usize| {
            String::from_utf8_lossy(&text[at.saturating_sub(300)..text.len().min(at + 100)]).into_owned()
        };
        if let Some(at) = differs {
            panic!("{name} seed {seed} differs at byte {at}:\n{}\n----\n{}", around(&one, at), around(&two, at));
        }
        assert_eq!(one.len(), two.len(), "{name} seed {seed}");
    }
}

/// Without it the window would paint work as caused by a loss that was not, or miss some that was.
#[test]
fn work_blamed_on_a_loss_is_what_the_lineage_predicts() {
    let mut lost_something = 0;
    for seed in seeds(0, 300) {
        let loop_ = if seed % 5 == 4 { Loop::Threads } else { Loop::Sim };
        let program = Program::of(seed, BATCHES, Losses::Possible);
        let told = format!("{loop_:?} seed {seed} {program:?}");
        let config = EngineConfig { seed, ..settings(2, &["kill:executor=2@batch=2"]) };
        let (result, log) = run(loop_, config, move |sc| {
            let rdds = program.build(sc)?;
            let last = rdds[rdds.len() - 1].clone();
            let inside = last.clone();
            in_batches(sc, move |_| inside.count().map(|_| ()))?;
            // The handles go with the program, so that nothing is released before its end.
            Ok((last.id(), rdds))
        });
        let (last, _handles) = result.unwrap_or_else(|error| panic!("{error}\n{told}"));
        let after = log::since(&log, |e| matches!(e, Event::FaultInjected { .. }));
        let before = &log[..log.len() - after.len()];
        let actual: BTreeSet<(RddId, PartitionId)> = log::task_ends(after)
            .filter(|(_, reason, _)| reason.is_success())
            .flat_map(|(_, _, metrics)| &metrics.reads)
            .filter(|row| row.cause.is_some_and(RecomputeCause::is_loss))
            .map(|row| (row.rdd, row.partition))
            .collect();
        let predicted = predict(before, last, ExecutorId(2));
        lost_something += u32::from(!predicted.is_empty());
        if actual != predicted {
            log.iter().for_each(|e| println!("{:?}", e.event));
        }
        assert_eq!(actual, predicted, "recomputed because of the loss, against predicted: {told}");
    }
    assert!(lost_something > 0, "no seed lost anything");
}

/// What the window folds from a log.
#[cfg(feature = "window")]
mod folded {
    use super::*;
    use faultline::model::{Model, Timeline};
    use faultline_engine::eventlog::LogReader;

    fn fold(log: &[Envelope]) -> Model {
        let mut model = Model::default();
        log.iter().for_each(|envelope| model.apply(envelope));
        model
    }

    /// Without it an opened log would show something else than the run that wrote it.
    #[test]
    fn a_written_log_folds_to_the_same_model() {
        for (loop_, seed) in (0..20).map(|s| (Loop::Sim, s)).chain((0..5).map(|s| (Loop::Threads, s))) {
            let log = NAMED[seed as usize % NAMED.len()].1(loop_, seed);
            let text = bytes(&log);
            let read: Result<Vec<Envelope>, _> = LogReader::new(text.as_slice()).collect();
            let read = read.expect("our own log can be read");
            let differs = log.iter().zip(&read).find(|(a, b)| a != b);
            assert!(differs.is_none(), "{loop_:?} seed {seed}: {differs:?}");
            assert_eq!(log.len(), read.len(), "{loop_:?} seed {seed}");
            assert!(fold(&log) == fold(&read), "{loop_:?} seed {seed}");
        }
    }

    /// Without it going back in time would show a state that never was.
    #[test]
    fn seek_equals_fold() {
        let log = named("streams")(Loop::Sim, 7);
        let mut timeline = Timeline::new();
        log.iter().cloned().for_each(|envelope| timeline.push(envelope));
        let step = (log.len() / 40).max(1);
        for n in (0..=log.len()).step_by(step).chain([log.len()]) {
            assert!(timeline.seek(n) == fold(&log[..n]), "after {n} of {} envelopes", log.len());
        }
    }
}
