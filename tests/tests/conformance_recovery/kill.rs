//! The driver is killed while it works, and a supervised one comes back in the same log.

use super::lab::*;
use faultline_engine::config::EngineConfig;
use faultline_engine::error::EngineError;
use faultline_engine::event::{Envelope, Event};
use faultline_engine::eventlog::LogWriter;
use faultline_engine::ids::*;
use faultline_engine::programs::{self, ProgramInput};
use faultline_engine::rdd::SparkContext;
use faultline_engine::rng::Seed;
use faultline_engine::runtime;
use faultline_engine::sim::simulate;
use faultline_engine::streaming::StreamingContext;
use faultline_tests::{Loop, checker, settings as quick};
use std::collections::{BTreeMap, BTreeSet};

/// Digests of what each output operation of a batch gave; one that ran again gave the same.
fn digests(log: &[Envelope]) -> BTreeMap<(u32, OutputOpId), String> {
    let mut digests = BTreeMap::new();
    for envelope in log {
        if let Event::OutputDigest { batch: Some(batch), output_op: Some(output), sha256, .. } = &envelope.event {
            let before = digests.insert((batch.0, *output), sha256.clone());
            assert!(
                before.is_none_or(|before| before == *sha256),
                "batch {batch} gave something else when it ran again"
            );
        }
    }
    digests
}

/// Runs a built-in program for 12 batches under faults, supervised.
fn built_in(name: &str, seed: u64, faults: &[String]) -> Vec<Envelope> {
    let program = programs::find(name).expect("it is built in");
    let text = program.sample(7).unwrap_or_else(text);
    let input = ProgramInput::replay(text, 3);
    let faults = faults.iter().map(|spec| spec.parse().expect("a fault")).collect();
    let config = EngineConfig { faults, seed, supervise: true, max_batches: Some(12), ..EngineConfig::default() };
    let mut log = Vec::new();
    let body = Box::new(move |sc: &SparkContext| program.run(sc, &input));
    let outcome = simulate(config, &memory(), body, &mut |events| log.extend_from_slice(events));
    let broken = checker::check(&log);
    assert!(broken.is_empty(), "the log breaks its grammar:\n{}", broken.join("\n"));
    assert_eq!(outcome.result, Ok(()));
    log
}

fn count(log: &[Envelope], which: impl Fn(&Event) -> bool) -> usize {
    log.iter().filter(|e| which(&e.event)).count()
}

/// Batches that were submitted by each run of the driver.
fn submitted(log: &[Envelope]) -> Vec<Vec<u32>> {
    let mut runs = vec![Vec::new()];
    for envelope in log {
        match &envelope.event {
            Event::DriverStarted { .. } => runs.push(Vec::new()),
            Event::BatchSubmitted { batch } => runs.last_mut().expect("there is one").push(batch.id.0),
            _ => {}
        }
    }
    runs
}

/// Column D. Without it a killed driver would cost results, or give some of them twice with another content; or
/// more would run again than the checkpoint's batch and what was pending (R15.11).
#[test]
fn the_driver_is_killed_at_every_batch() {
    for program in ["word-count", "windowed-counts", "join-streams", "log-sessions"] {
        let whole = digests(&built_in(program, 1, &[]));
        assert_eq!(whole.keys().map(|(batch, _)| *batch).collect::<BTreeSet<_>>().len(), 12);
        for batch in 1..=12 {
            let log = built_in(program, 1, &[format!("kill:driver@batch={batch}")]);
            assert_eq!(digests(&log), whole, "{program}, killed at batch {batch}");
            assert_eq!(count(&log, |e| matches!(e, Event::DriverLost { .. })), 1);
            let runs = submitted(&log);
            assert_eq!(runs[0], (1..=batch).collect::<Vec<_>>());
            // The batch was planned and did not run: it is pending, and the first to run again.
            assert_eq!(runs[1], (batch..=12).collect::<Vec<_>>(), "{program}, killed at batch {batch}");
        }
    }
}

/// The same at any moment, several times, also while it recovers; and the same seed gives the same bytes.
#[test]
fn the_driver_is_killed_at_any_moment() {
    let events = [
        "TaskStart",
        "TaskEnd",
        "JobStart",
        "JobEnd",
        "BatchSubmitted",
        "GraphCheckpointWritten",
        "CheckpointStarted",
        "CheckpointCompleted",
        "BatchCompleted",
        "OutputOperationCompleted",
        "BlockUpdated",
        "StreamingRecovered",
        "DriverEpochTaken",
        "ExecutorAdded",
        "StageSubmitted",
    ];
    let whole = digests(&built_in("word-count", 1, &[]));
    for seed in 0..60 {
        let mut rng = Seed(seed).fork("moments of death").rng();
        let kills = 1 + rng.below(4);
        let faults: Vec<String> = (0..kills)
            .map(|_| {
                let event = events[rng.below(events.len() as u64) as usize];
                format!("kill:driver@event={event}#{}", 1 + rng.below(12))
            })
            .collect();
        let log = built_in("word-count", 1, &faults);
        assert_eq!(digests(&log), whole, "seed {seed}: {faults:?}");
        if seed % 10 == 0 {
            let bytes = |log: &[Envelope]| {
                let mut writer = LogWriter::new(Vec::new());
                log.iter().for_each(|e| writer.write(e).expect("memory takes everything"));
                writer.finish().expect("memory takes everything")
            };
            let again = built_in("word-count", 1, &faults);
            assert!(bytes(&log) == bytes(&again), "seed {seed}: the same run gave other bytes");
        }
    }
}

/// R16.1. Without it a driver that dies again and again would be started as fast as it dies, or its waits would
/// grow although it completes batches.
#[test]
fn restarts_wait() {
    let delays = |faults: &[&str]| -> Vec<u64> {
        let faults: Vec<String> = faults.iter().map(|&fault| fault.to_owned()).collect();
        let log = built_in("word-count", 1, &faults);
        let delay = |e: &Envelope| match e.event {
            Event::DriverStarted { delay, .. } => Some(delay.0),
            _ => None,
        };
        log.iter().filter_map(delay).collect()
    };
    assert_eq!(delays(&["kill:driver@event=ExecutorAdded#2", "kill:driver@event=ExecutorAdded#5"]), [1000, 2000]);
    assert_eq!(delays(&["kill:driver@batch=2", "kill:driver@batch=3"]), [1000, 1000]);
}

/// In both loops: executors, blocks and threads go with the driver, and the next one goes on. Without it one loop
/// would recover and the other would not.
#[test]
fn both_loops_start_the_driver_again() {
    for &loop_ in Loop::ALL {
        let (given, oracle) = (Given::default(), Given::default());
        let program = |given: &Given<(faultline_engine::rdd::Line, u64)>| {
            let given = given.clone();
            move |sc: &SparkContext| {
                let given = given.clone();
                let ssc = StreamingContext::get_or_create(sc, DIR, |sc| {
                    let ssc = StreamingContext::new(sc, faultline_tests::lab::INTERVAL);
                    ssc.checkpoint(DIR);
                    gather(&super::lab::count_every(&ssc.text_replay_stream(text(), 2), Millis(100))?, &given);
                    Ok(ssc)
                })?;
                ssc.start()?;
                ssc.await_termination()
            }
        };
        let run =
            |config: EngineConfig,
             body: Box<dyn Fn(&SparkContext) -> faultline_engine::error::Result<()> + Send + Sync>| {
                let mut log: Vec<Envelope> = Vec::new();
                let mut sink = |events: &[Envelope]| log.extend_from_slice(events);
                let outcome = match loop_ {
                    Loop::Sim => simulate(config, &memory(), body, &mut sink),
                    Loop::Threads => runtime::run(config, &memory(), body, &mut sink),
                };
                let broken = checker::check(&log);
                assert!(broken.is_empty(), "{loop_:?}: the log breaks its grammar:\n{}", broken.join("\n"));
                (outcome.result, log)
            };
        run(quick(70, &[]), Box::new(program(&oracle))).0.expect("nothing fails");
        let config = EngineConfig { supervise: true, ..quick(70, &["kill:driver@batch=12"]) };
        let (result, log) = run(config, Box::new(program(&given)));
        assert_eq!(result, Ok(()), "{loop_:?}");
        assert_eq!(by_batch(&given), by_batch(&oracle), "{loop_:?}");
        // Executors of the former driver are gone, and none of their ids is used again.
        let removed: Vec<u32> = log
            .iter()
            .filter_map(|e| match e.event {
                Event::ExecutorRemoved { executor, .. } => Some(executor.0),
                _ => None,
            })
            .collect();
        let added: Vec<u32> = log
            .iter()
            .filter_map(|e| match e.event {
                Event::ExecutorAdded { executor, .. } => Some(executor.0),
                _ => None,
            })
            .collect();
        assert_eq!((removed, added), (vec![1, 2, 3], vec![1, 2, 3, 4, 5, 6]), "{loop_:?}");
        assert_eq!(count(&log, |e| matches!(e, Event::StreamingRecovered { .. })), 1, "{loop_:?}");

        // Nobody supervises it: it stays away.
        let (result, log) = run(quick(9, &["kill:driver@batch=3"]), Box::new(program(&Given::default())));
        assert_eq!(result, Err(EngineError::DriverLost), "{loop_:?}");
        assert_eq!(count(&log, |e| matches!(e, Event::DriverStarted { .. } | Event::ApplicationEnd)), 0, "{loop_:?}");
    }
}
