//! Streams that cannot keep up, or whose batches fail: rates, back-pressure, backlogs, policies.

use faultline_engine::command::StopMode;
use faultline_engine::config::{BatchFailurePolicy, EngineConfig};
use faultline_engine::error::EngineError;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use faultline_engine::receiver::{Arrival, Arrived};
use faultline_engine::streaming::StreamingContext;
use faultline_tests::lab::INTERVAL;
use faultline_tests::scripted::{collect, findings, receiving, scripted, taken, ticking};
use faultline_tests::{Loop, run, settings};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// R17.13. Without it a limit would not hold, or would hold back what is stored as whole blocks.
#[test]
fn a_rate_limit_holds_for_single_records_only() {
    let single = |n: u64| (n == 0).then(|| Arrival { at: Millis(0), what: Arrived::Records((0..1000).collect()) });
    let block = |n: u64| (n == 0).then(|| Arrival { at: Millis(0), what: Arrived::Block((0..1000).collect()) });
    let count = |batches: &[(u32, Vec<u64>)]| batches.iter().map(|(_, values)| values.len()).sum::<usize>();
    let limited = || EngineConfig { receiver_max_rate: Some(200), ..receiving(11, &[]) };
    // Ten batches and half of the next block: 1.05 seconds at 200 a second.
    let (batches, _) = scripted(Loop::Sim, limited(), single);
    assert!((200..=211).contains(&count(&batches)), "{}", count(&batches));
    assert!(batches.iter().all(|(_, values)| values.len() <= 21), "evenly");
    assert_eq!(count(&scripted(Loop::Sim, receiving(11, &[]), single).0), 1000, "without a limit");
    assert_eq!(count(&scripted(Loop::Sim, limited(), block).0), 1000, "a block is not limited");
}

/// Scheduling delays of completed batches in milliseconds.
fn delays(log: &[Envelope]) -> Vec<u64> {
    let delays = log.iter().filter_map(|e| match &e.event {
        Event::BatchCompleted { scheduling_delay_ns, .. } => Some(scheduling_delay_ns / 1_000_000),
        _ => None,
    });
    delays.collect()
}

/// R17.14. Without it an input that is faster than its batches would build up an endless backlog, or the rate
/// would change and nobody could see it.
#[test]
fn back_pressure_holds_the_input_to_what_batches_can_do() {
    let flood = |n: u64| Some(Arrival { at: Millis(n * 10), what: Arrived::Records(vec![n; 1000]) });
    let (_, free) = scripted(Loop::Sim, receiving(20, &[]), flood);
    let config = EngineConfig { backpressure: true, ..receiving(60, &[]) };
    let (_, held) = scripted(Loop::Sim, config, flood);
    let (free_delays, held_delays) = (delays(&free), delays(&held));
    assert!(free_delays.last() > Some(&1000), "the backlog grows: {free_delays:?}");
    assert!(held_delays.last() < Some(&100), "it goes away: {held_delays:?}");
    let rates: Vec<u64> = held
        .iter()
        .filter_map(|e| match &e.event {
            Event::ReceiverRateUpdated { stream: StreamId(0), rate } => Some(*rate),
            _ => None,
        })
        .collect();
    assert!(rates.len() > 10 && rates.iter().all(|rate| *rate >= 100), "{rates:?}");
    assert!(!free.iter().any(|e| matches!(e.event, Event::ReceiverRateUpdated { .. })), "off by default");
}

/// Without it batches that are slower than their interval would be lost, run out of order, or fill the memory
/// while they wait (R11.6).
#[test]
fn a_backlog_runs_in_order_and_is_bounded() {
    let config = EngineConfig { max_queued_batches: 3, ..settings(30, &["slow:executor=1,factor=20@batch=1"]) };
    let (result, log) = run(Loop::Sim, EngineConfig { executors: 1, ..config }, |sc| {
        let ssc = StreamingContext::new(sc, INTERVAL);
        let outputs = collect(&ssc.prepared_stream((0..30u32).map(|n| Some(vec![n])).collect(), 1));
        ssc.start()?;
        ssc.await_termination()?;
        Ok(taken(&outputs))
    });
    let expected: Vec<(u32, Vec<u32>)> = (0..30).map(|n| (n + 1, vec![n])).collect();
    assert_eq!(result.expect("the stream ends well"), expected);
    let (mut waiting, mut most) = (0usize, 0);
    for e in &log {
        match &e.event {
            Event::BatchSubmitted { .. } => waiting += 1,
            Event::BatchStarted { .. } => waiting -= 1,
            _ => {}
        }
        most = most.max(waiting);
    }
    assert_eq!(most, 3, "generated batches wait");
    assert!(delays(&log).iter().skip(5).all(|delay| *delay > INTERVAL.0), "{:?}", delays(&log));
}

/// Output operations of a run whose second batch fails `failures` times under `policy`: result, batches
/// completed with whether they failed, and how often the body ran.
fn failing(
    loop_: Loop,
    policy: BatchFailurePolicy,
    failures: u32,
) -> (Result<bool, EngineError>, Vec<(u32, bool)>, u32, Vec<Envelope>) {
    let graceful_stop_timeout = Millis(60_000);
    let config =
        EngineConfig { on_batch_failure: policy, batch_max_failures: 3, graceful_stop_timeout, ..settings(5, &[]) };
    let failed = Arc::new(Mutex::new(0));
    let count = Arc::clone(&failed);
    let (result, log) = run(loop_, config, move |sc| {
        let ssc = StreamingContext::new(sc, INTERVAL);
        ssc.prepared_stream(vec![Some(vec![1u32]); 5], 1).for_each_rdd(move |rdd, tick| {
            let mut failed = count.lock().expect("no test thread panicked");
            if tick.batch.0 == 2 && *failed < failures {
                *failed += 1;
                return Err(EngineError::IllegalState("the sink is full".into()));
            }
            rdd.count().map(|_| ())
        });
        ssc.start()?;
        match ssc.await_termination() {
            // A program that carries on.
            Err(error) if policy == BatchFailurePolicy::Continue => {
                ssc.stop(StopMode::Graceful)?;
                assert_eq!(error, EngineError::IllegalState("the sink is full".into()));
                Ok(false)
            }
            result => result.map(|()| true),
        }
    });
    let completed = log.iter().filter_map(|e| match &e.event {
        Event::BatchCompleted { batch, failure, .. } => Some((batch.0, failure.is_some())),
        _ => None,
    });
    let completed = completed.collect();
    let failed = *failed.lock().expect("no test thread panicked");
    (result, completed, failed, log)
}

/// Without it a failed batch would end the stream although the user chose otherwise, or would be passed over
/// although nobody did (R11.7).
#[test]
fn a_failed_batch_is_treated_by_its_policy() {
    let error = Err(EngineError::IllegalState("the sink is full".into()));
    let well = |batches: std::ops::RangeInclusive<u32>| batches.map(|n| (n, false)).collect::<Vec<_>>();
    for &loop_ in Loop::ALL {
        let (result, completed, _, _) = failing(loop_, BatchFailurePolicy::Stop, 1);
        assert_eq!((result, completed), (error.clone(), vec![(1, false), (2, true)]), "{loop_:?} stop");

        let (result, completed, tries, log) = failing(loop_, BatchFailurePolicy::Retry, 2);
        assert_eq!((result, completed, tries), (Ok(true), well(1..=5), 2), "{loop_:?} retry");
        let told = findings(&log, "batch-retried");
        assert_eq!(told.len(), 2);
        assert_eq!(told[0], "it failed 1 of 3 times and is run again: the sink is full");

        let (result, completed, tries, _) = failing(loop_, BatchFailurePolicy::Retry, 99);
        assert_eq!(
            (result, completed, tries),
            (error.clone(), vec![(1, false), (2, true)], 3),
            "{loop_:?} retries end"
        );

        let (result, completed, _, log) = failing(loop_, BatchFailurePolicy::Skip, 99);
        let expected: Vec<(u32, bool)> = (1..=5).map(|n| (n, n == 2)).collect();
        assert_eq!((result, completed), (Ok(true), expected), "{loop_:?} skip");
        let told = findings(&log, "batch-skipped");
        assert_eq!(told, ["it is skipped, its input can be read again from where it came: the sink is full"]);

        let (result, completed, _, _) = failing(loop_, BatchFailurePolicy::Continue, 99);
        assert_eq!(result, Ok(false), "{loop_:?} continue: the error comes at once");
        assert!(completed.len() > 2 && completed[2..].iter().all(|(_, failed)| !failed), "{loop_:?} {completed:?}");
    }
}

/// Without it the input of a skipped batch would be cleaned with the batches around it, and could not be looked
/// at any more.
#[test]
fn a_skipped_batch_keeps_its_received_blocks() {
    let kept_after = |policy| {
        let config = EngineConfig { on_batch_failure: policy, ..receiving(8, &[]) };
        let (result, log) = run(Loop::Sim, config, move |sc| {
            let ssc = StreamingContext::new(sc, Millis(100));
            let stream = ssc.scripted_stream(ticking(60, 10), StorageLevel::MEMORY_AND_DISK_SER_2);
            stream.for_each_rdd(move |rdd, tick| match rdd.count()? {
                _ if tick.batch.0 == 2 && policy == BatchFailurePolicy::Skip => {
                    Err(EngineError::IllegalState("no".into()))
                }
                _ => Ok(()),
            });
            ssc.start()?;
            ssc.await_termination()
        });
        result.expect("the stream ends well");
        let mut stored = BTreeSet::new();
        for e in &log {
            if let Event::InputBlockUpdated { executor, block, level, .. } = &e.event {
                if level.is_valid() {
                    stored.insert((block.number - VIRTUAL_EPOCH.as_millis(), *executor));
                } else {
                    stored.remove(&(block.number - VIRTUAL_EPOCH.as_millis(), *executor));
                }
            }
        }
        let numbers: BTreeSet<u64> = stored.into_iter().map(|(number, _)| number).collect();
        (numbers, findings(&log, "batch-skipped"))
    };
    let (without, none) = kept_after(BatchFailurePolicy::Stop);
    let (with, told) = kept_after(BatchFailurePolicy::Skip);
    assert!(none.is_empty());
    let more: Vec<u64> = with.difference(&without).copied().collect();
    assert_eq!(more, [100, 150], "the blocks of batch 2 stay");
    assert_eq!(told, ["it is skipped, its 2 received blocks with 10 records are kept: no"]);
}

/// R11.6. Without it `spark.streaming.concurrentJobs` would do nothing, or output operations would overlap that
/// must not.
#[test]
fn output_operations_overlap_when_asked_to() {
    let overlaps = |concurrent_jobs| {
        let config = EngineConfig { concurrent_jobs, ..settings(4, &[]) };
        let (result, log) = run(Loop::Sim, config, |sc| {
            let ssc = StreamingContext::new(sc, INTERVAL);
            let numbers = ssc.prepared_stream(vec![Some(vec![1u32, 2]); 4], 2);
            let outputs = [collect(&numbers), collect(&numbers.map(|n| n + 1))];
            ssc.start()?;
            ssc.await_termination()?;
            Ok(outputs.map(|outputs| taken(&outputs).len()))
        });
        assert_eq!(result.expect("the stream ends well"), [4, 4]);
        let (mut running, mut most) = (0u32, 0);
        for e in &log {
            match e.event {
                Event::OutputOperationStarted { .. } => running += 1,
                Event::OutputOperationCompleted { .. } => running -= 1,
                _ => {}
            }
            most = most.max(running);
        }
        most
    };
    assert_eq!(overlaps(1), 1);
    assert_eq!(overlaps(2), 2);
}
