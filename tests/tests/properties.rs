//! What holds for every program, every seed and every fault: results, logs, and why work is repeated.

mod common;

use common::{Expected, Shape, lineage, predict, program};
use faultline_engine::config::EngineConfig;
use faultline_engine::event::*;
use faultline_engine::eventlog::LogWriter;
use faultline_engine::ids::*;
use faultline_tests::{Loop, in_batches, log, plans, run, settings};
use std::collections::BTreeSet;

const BATCHES: u32 = 6;
const EXECUTORS: u32 = 3;
const OPERATORS: [&str; 5] = ["map", "reduceByKey", "updateStateByKey", "window", "reduceByKey#2"];

/// `count` seeds from `first`; `FAULTLINE_SEEDS=10` takes ten times as many, `FAULTLINE_SEED=7` only 7.
fn seeds(first: u64, count: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("FAULTLINE_SEED") {
        Some(seed) => seed..seed + 1,
        None => first..first + count * number("FAULTLINE_SEEDS").unwrap_or(1),
    }
}

/// Runs the program of a seed under the fault plan of that seed, and compares with the sequential fold.
fn results_equal_a_fold(loop_: Loop, seed: u64) -> Vec<Envelope> {
    let shape = Shape::of(seed);
    let faults = plans::faults(seed, EXECUTORS, BATCHES, &OPERATORS, shape.partitions);
    let plan = plans::words(&faults);
    let config = EngineConfig {
        seed,
        faults,
        executors: EXECUTORS,
        partitions: shape.partitions,
        memory: shape.memory,
        ..settings(BATCHES, &[])
    };
    let expected = Expected::of(&shape, BATCHES);
    let told = format!("{loop_:?} seed {seed}\n{shape:?}\nfaults: {plan}");
    let caught = std::panic::catch_unwind({
        let shape = shape.clone();
        move || run(loop_, config, move |sc| program(sc, &shape))
    });
    let (result, log) = caught.unwrap_or_else(|_| panic!("the run panicked: {told}"));
    let outputs = result.unwrap_or_else(|error| panic!("{error}\n{told}"));
    assert_eq!(outputs, expected, "{told}");
    log
}

/// Without it a lost executor, a dropped block or a slow machine could change a result.
#[test]
fn results_equal_a_sequential_fold_in_the_simulator() {
    for seed in seeds(0, 200) {
        results_equal_a_fold(Loop::Sim, seed);
    }
}

/// Without it what holds under the virtual clock could fail on threads.
#[test]
fn results_equal_a_sequential_fold_on_threads() {
    for seed in seeds(100_000, 60) {
        results_equal_a_fold(Loop::Threads, seed);
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
                let config = EngineConfig {
                    executors: EXECUTORS,
                    partitions: shape.partitions,
                    memory: shape.memory,
                    ..settings(BATCHES, &[])
                };
                let expected = Expected::of(&shape, BATCHES);
                let told = format!("{loop_:?} seed {seed} variant {variant} {shape:?}");
                let (result, _) = run(loop_, config, move |sc| program(sc, &shape));
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
    for seed in seeds(0, 30) {
        let one = bytes(&results_equal_a_fold(Loop::Sim, seed));
        let two = bytes(&results_equal_a_fold(Loop::Sim, seed));
        let differs = one.iter().zip(&two).position(|(a, b)| a != b);
        let around = |text: &[u8], at: usize| {
            String::from_utf8_lossy(&text[at.saturating_sub(300)..text.len().min(at + 100)]).into_owned()
        };
        if let Some(at) = differs {
            panic!("seed {seed} differs at byte {at}:\n{}\n----\n{}", around(&one, at), around(&two, at));
        }
        assert_eq!(one.len(), two.len(), "seed {seed}");
    }
}

/// Without it the window would paint work as caused by a loss that was not, or miss some that was.
#[test]
fn work_blamed_on_a_loss_is_what_the_lineage_predicts() {
    for seed in seeds(0, 150) {
        let loop_ = if seed % 5 == 4 { Loop::Threads } else { Loop::Sim };
        let config = EngineConfig { seed, ..settings(2, &["kill:executor=2@batch=2"]) };
        let (result, log) = run(loop_, config, move |sc| {
            let last = lineage(sc, seed)?;
            let id = last.id();
            // The handle goes with the program, so that nothing is released before its end.
            let inside = last.clone();
            in_batches(sc, move |_| inside.count().map(|_| ()))?;
            Ok((id, last))
        });
        let (last, _handle) = result.unwrap_or_else(|error| panic!("{loop_:?} seed {seed}: {error}"));
        let after = log::since(&log, |e| matches!(e, Event::FaultInjected { .. }));
        let before = &log[..log.len() - after.len()];
        let actual: BTreeSet<(RddId, PartitionId)> = log::task_ends(after)
            .filter(|(_, reason, _)| reason.is_success())
            .flat_map(|(_, _, metrics)| &metrics.reads)
            .filter(|row| row.cause.is_some_and(RecomputeCause::is_loss))
            .map(|row| (row.rdd, row.partition))
            .collect();
        let predicted = predict(before, last, ExecutorId(2));
        if actual != predicted {
            log.iter().for_each(|e| println!("{:?}", e.event));
        }
        assert_eq!(actual, predicted, "{loop_:?} seed {seed}: recomputed because of the loss, against predicted");
    }
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
            let log = results_equal_a_fold(loop_, seed);
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
        let log = results_equal_a_fold(Loop::Sim, 7);
        let mut timeline = Timeline::new();
        log.iter().cloned().for_each(|envelope| timeline.push(envelope));
        let step = (log.len() / 40).max(1);
        for n in (0..=log.len()).step_by(step).chain([log.len()]) {
            assert!(timeline.seek(n) == fold(&log[..n]), "after {n} of {} envelopes", log.len());
        }
    }
}
