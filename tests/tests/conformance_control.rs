//! Inputs and their control: queues, patterns of directories, custom and scripted receivers, rates, backlogs,
//! and what becomes of a batch that fails.

#[path = "inputs_lab/files.rs"]
mod files;

use faultline_engine::command::StopMode;
use faultline_engine::config::{BatchFailurePolicy, EngineConfig};
use faultline_engine::error::EngineError;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use faultline_engine::rdd::Line;
use faultline_engine::receiver::{Arrival, Arrived, Receiver, ReceiverContext};
use faultline_engine::storage::Data;
use faultline_engine::streaming::{DStream, Dequeue, RddQueue, StreamingContext};
use faultline_tests::lab::INTERVAL;
use faultline_tests::{Loop, run, settings};
use files::file_at;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

type Outputs<T> = Arc<Mutex<Vec<(u32, Vec<T>)>>>;

/// What `stream` gives, batch by batch, sorted; batches without records are left out.
fn collect<T: Data + Ord>(stream: &DStream<T>) -> Outputs<T> {
    let outputs = Outputs::default();
    let inside = Arc::clone(&outputs);
    stream.for_each_rdd(move |rdd, tick| {
        let mut values = rdd.collect()?;
        values.sort();
        if !values.is_empty() {
            inside.lock().expect("no test thread panicked").push((tick.batch.0, values));
        }
        Ok(())
    });
    outputs
}

fn taken<T>(outputs: &Mutex<Vec<T>>) -> Vec<T> {
    std::mem::take(&mut *outputs.lock().expect("no test thread panicked"))
}

/// S07. Without it an RDD of the queue would be in two batches or in none, or a batch without one would fail.
#[test]
fn s07_a_queue_gives_one_rdd_a_batch_or_all_of_them() {
    let one = vec![(1, vec![1, 10]), (2, vec![2, 20]), (3, vec![3, 30])];
    let all = vec![(1, vec![1, 2, 3, 10, 20, 30])];
    for &loop_ in Loop::ALL {
        for (dequeue, expected) in [(Dequeue::OneAtATime, &one), (Dequeue::All, &all)] {
            let (result, log) = run(loop_, settings(5, &[]), move |sc| {
                let ssc = StreamingContext::new(sc, INTERVAL);
                let queue: RddQueue<u32> = (1..=3).map(|n| sc.parallelize(vec![n, n * 10], 2)).collect();
                let outputs = collect(&ssc.queue_stream(&queue, dequeue));
                ssc.start()?;
                ssc.await_termination()?;
                assert!(queue.is_empty());
                Ok(taken(&outputs))
            });
            assert_eq!(&result.expect("the stream ends well"), expected, "{loop_:?} {dequeue:?}");
            let completed = log.iter().filter(|e| matches!(e.event, Event::BatchCompleted { failure: None, .. }));
            assert_eq!(completed.count(), 5, "then batches are empty");
        }
    }
}

/// Without it a queue would be empty although its program named an RDD for that case (R20.1).
#[test]
fn a_queue_that_is_empty_gives_its_default() {
    let (result, _) = run(Loop::Sim, settings(3, &[]), |sc| {
        let ssc = StreamingContext::new(sc, INTERVAL);
        let queue = RddQueue::default();
        queue.push(sc.parallelize(vec![1u32], 1));
        let default = sc.parallelize(vec![7u32, 8], 1);
        let outputs = collect(&ssc.queue_stream_or(&queue, Dequeue::All, default));
        ssc.start()?;
        ssc.await_termination()?;
        Ok(taken(&outputs))
    });
    assert_eq!(result.expect("the stream ends well"), [(1, vec![1]), (2, vec![7, 8]), (3, vec![7, 8])]);
}

/// Half an interval before batch `n`, in virtual time.
fn before_batch(n: u64) -> Timestamp {
    Timestamp(VIRTUAL_EPOCH.0 + n * INTERVAL.0 * 1_000_000 - INTERVAL.0 * 500_000)
}

/// What a file stream on `pattern` gives in four batches; `meanwhile` runs while a batch does.
fn files_of(
    pattern: String,
    meanwhile: impl Fn(u32) + Send + Sync + 'static,
) -> (Vec<(u32, Vec<String>)>, Vec<Envelope>) {
    let (result, log) = run(Loop::Sim, settings(4, &[]), move |sc| {
        let ssc = StreamingContext::new(sc, INTERVAL);
        let outputs = collect(&ssc.text_file_stream(&pattern).map(|line: Line| line.to_string()));
        ssc.prepared_stream(vec![Some(vec![0u8]); 4], 1).for_each_rdd(move |_, tick| {
            meanwhile(tick.batch.0);
            Ok(())
        });
        ssc.start()?;
        ssc.await_termination()?;
        Ok(taken(&outputs))
    });
    (result.expect("the stream ends well"), log)
}

/// S02. Without it a pattern would name no directory, or files below the directories would be read.
#[test]
fn s02_a_pattern_of_directories_is_read() {
    let parent = tempfile::tempdir().expect("a temporary directory");
    for directory in ["a-1", "a-2", "b-1", "a-1/deeper"] {
        std::fs::create_dir(parent.path().join(directory)).expect("a directory can be made");
    }
    file_at(&parent.path().join("a-1"), "x.txt", "one", before_batch(1));
    file_at(&parent.path().join("a-2"), "x.txt", "two", before_batch(2));
    file_at(&parent.path().join("b-1"), "x.txt", "other", before_batch(1));
    file_at(&parent.path().join("a-1/deeper"), "y.txt", "deeper", before_batch(1));
    file_at(parent.path(), "a-3", "a file is no directory", before_batch(1));
    let (found, log) = files_of(format!("{}/a-*", parent.path().display()), |_| {});
    assert_eq!(found, [(1, vec!["one".to_owned()]), (2, vec!["two".to_owned()])]);
    assert!(!log.iter().any(|e| matches!(e.event, Event::FindingReported { .. })), "nothing went wrong");
}

/// S03. Without it a directory that is renamed into place would bring files from long ago, or hide new ones.
#[test]
fn s03_a_directory_renamed_under_the_pattern_brings_its_fresh_files() {
    let parent = tempfile::tempdir().expect("a temporary directory");
    let hidden = parent.path().join("hidden");
    std::fs::create_dir(&hidden).expect("a directory can be made");
    file_at(&hidden, "old.txt", "old", Timestamp(VIRTUAL_EPOCH.0 - 120_000_000_000));
    file_at(&hidden, "fresh.txt", "fresh", before_batch(2));
    let visible = parent.path().join("day-1");
    let pattern = format!("{}/day-*", parent.path().display());
    let (found, _) = files_of(pattern, move |batch| {
        if batch == 2 {
            std::fs::rename(&hidden, &visible).expect("a directory can be renamed");
        }
    });
    assert_eq!(found, [(3, vec!["fresh".to_owned()])]);
}

/// Without it a link to a file would be no input, and nobody would hear of it.
#[cfg(unix)]
#[test]
fn links_to_files_are_files() {
    let parent = tempfile::tempdir().expect("a temporary directory");
    let directory = parent.path().join("in");
    std::fs::create_dir(&directory).expect("a directory can be made");
    file_at(parent.path(), "target", "linked", before_batch(1));
    std::os::unix::fs::symlink(parent.path().join("target"), directory.join("link")).expect("a link can be made");
    std::os::unix::fs::symlink(parent.path().join("nowhere"), directory.join("broken")).expect("so can a broken one");
    let (found, log) = files_of(directory.display().to_string(), |_| {});
    assert_eq!(found, [(1, vec!["linked".to_owned()])]);
    assert!(!log.iter().any(|e| matches!(e.event, Event::FindingReported { .. })));
}

/// Records `0..count`, one every `every` milliseconds.
fn ticking(count: u64, every: u64) -> impl Fn(u64) -> Option<Arrival<u64>> + Send + Sync + 'static {
    move |n| (n < count).then(|| Arrival { at: Millis(n * every), what: Arrived::Records(vec![n]) })
}

fn receiving(batches: u32, faults: &[&str]) -> EngineConfig {
    EngineConfig { block_interval: Millis(50), receiver_restart_delay: Millis(100), ..settings(batches, faults) }
}

/// Runs a stream of a script for some batches of 100 ms.
fn scripted(
    loop_: Loop,
    config: EngineConfig,
    script: impl Fn(u64) -> Option<Arrival<u64>> + Send + Sync + 'static,
) -> (Vec<(u32, Vec<u64>)>, Vec<Envelope>) {
    let (result, log) = run(loop_, config, move |sc| {
        let ssc = StreamingContext::new(sc, Millis(100));
        let outputs = collect(&ssc.scripted_stream(script, StorageLevel::MEMORY_AND_DISK_SER_2));
        ssc.start()?;
        ssc.await_termination()?;
        Ok(taken(&outputs))
    });
    (result.expect("the stream ends well"), log)
}

fn received(log: &[Envelope]) -> Vec<(InputBlockId, u64)> {
    let added = log.iter().filter_map(|e| match &e.event {
        Event::ReceivedBlockAdded { block, records, .. } => Some((*block, *records)),
        _ => None,
    });
    added.collect()
}

fn findings(log: &[Envelope], kind: &str) -> Vec<String> {
    let found = log.iter().filter_map(|e| match &e.event {
        Event::FindingReported { finding } if finding.kind == kind => Some(finding.message.clone()),
        _ => None,
    });
    found.collect()
}

/// R02 under the virtual clock. Without it a program with receivers could not be simulated: blocks would not be
/// of their intervals, kept on two executors, and in the batch after their arrival, each time alike.
#[test]
fn scripted_receivers_make_blocks_under_the_virtual_clock() {
    let simulate = || scripted(Loop::Sim, receiving(6, &[]), ticking(40, 10));
    let (batches, log) = simulate();
    let all: Vec<u64> = batches.iter().flat_map(|(_, values)| values.clone()).collect();
    assert_eq!(all, (0..40).collect::<Vec<u64>>(), "in order, each once");
    assert_eq!(batches[0], (1, (0..5).collect()), "the block of 50 ms is there at 100 ms, that of 100 ms is not");
    assert_eq!(batches[1], (2, (5..15).collect()));
    let blocks = received(&log);
    assert_eq!(blocks.iter().map(|(_, records)| *records).collect::<Vec<_>>(), [5; 8]);
    let zero = VIRTUAL_EPOCH.as_millis();
    let numbers: Vec<u64> = blocks.iter().map(|(block, _)| block.number - zero).collect();
    assert_eq!(numbers, (1..=8).map(|n| n * 50).collect::<Vec<_>>());
    let mut copies: BTreeMap<InputBlockId, BTreeSet<ExecutorId>> = BTreeMap::new();
    for e in &log {
        if let Event::InputBlockUpdated { executor, block, level, .. } = &e.event
            && level.is_valid()
        {
            copies.entry(*block).or_default().insert(*executor);
        }
    }
    assert!(copies.len() == 8 && copies.values().all(|at| at.len() == 2), "{copies:?}");
    assert_eq!(simulate().1, log, "the same script gives the same log");
    let (batches, _) = scripted(Loop::Threads, receiving(12, &[]), ticking(40, 10));
    let all: BTreeSet<u64> = batches.into_iter().flat_map(|(_, values)| values).collect();
    assert_eq!(all, (0..40).collect(), "and on threads the same records");
}

/// R21. Without it the simulator would hide what the death of a receiver's executor costs: what is stored is
/// kept on the peer, what is gathered is lost, and the receiver goes on elsewhere.
#[test]
fn a_simulated_receiver_loses_its_buffer_with_its_executor() {
    // The first job of batch 2 starts when batch 2 is generated, at 200 ms.
    let config = EngineConfig { loss_detection: Millis(30), ..receiving(8, &["kill:executor=1@batch=2"]) };
    let (batches, log) = scripted(Loop::Sim, config, ticking(60, 10));
    let got: Vec<u64> = batches.into_iter().flat_map(|(_, values)| values).collect();
    let lost: Vec<u64> = (0..60).filter(|n| !got.contains(n)).collect();
    assert!(!lost.is_empty() && lost.windows(2).all(|pair| pair[1] == pair[0] + 1), "one gap: {lost:?}");
    assert!(lost[0] >= 15 && lost.len() <= 10, "what was stored before is kept: {lost:?}");
    let starts: Vec<Option<ExecutorId>> = log
        .iter()
        .filter_map(|e| match &e.event {
            Event::ReceiverStarted { receiver } => Some(receiver.executor),
            _ => None,
        })
        .collect();
    assert!(starts.len() == 2 && starts[0] == Some(ExecutorId(1)) && starts[1] != starts[0], "{starts:?}");
    let mut ids: Vec<InputBlockId> = received(&log).into_iter().map(|(block, _)| block).collect();
    let all = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), all, "no block id is given twice");
}

/// Without it an error, a restart or a stop of a receiver could not be simulated, or would end the input
/// (R17.3, R17.4).
#[test]
fn a_simulated_receiver_restarts_and_stops() {
    let script = |n: u64| {
        let (at, what) = match n {
            0 => (10, Arrived::Records(vec![1])),
            1 => (20, Arrived::Error { message: "odd".into() }),
            2 => (60, Arrived::Restart { message: "broken".into(), delay: Some(Millis(30)) }),
            // It is down: nobody hears this one.
            3 => (70, Arrived::Records(vec![2])),
            4 => (100, Arrived::Records(vec![3])),
            5 => (160, Arrived::Stop { message: "enough".into() }),
            6 => (270, Arrived::Block(vec![4, 5])),
            _ => return None,
        };
        Some(Arrival { at: Millis(at), what })
    };
    let (batches, log) = scripted(Loop::Sim, receiving(6, &[]), script);
    let got: Vec<u64> = batches.into_iter().flat_map(|(_, values)| values).collect();
    assert_eq!(got, [1, 3, 4, 5]);
    let told: Vec<(u64, &str, String)> = log
        .iter()
        .filter_map(|e| {
            let at = (e.at.0 - VIRTUAL_EPOCH.0) / 1_000_000;
            match &e.event {
                Event::ReceiverStarted { .. } => Some((at, "started", String::new())),
                Event::ReceiverError { receiver } => Some((at, "error", receiver.last_error_message.clone())),
                Event::ReceiverStopped { receiver } => Some((at, "stopped", receiver.last_error_message.clone())),
                _ => None,
            }
        })
        .collect();
    let expected = [
        (0, "started", ""),
        (20, "error", "odd"),
        (60, "stopped", "Restarting receiver with delay 30 ms: broken"),
        (90, "started", ""),
    ];
    for (told, (at, what, message)) in told.iter().zip(expected) {
        assert_eq!((told.0, told.1, told.2.as_str()), (at, what, message));
    }
    // It ends once its last block is stored; the driver starts it again after the delay.
    assert_eq!((told[4].1, told[4].2.as_str(), told[5].1), ("stopped", "enough", "started"), "{told:?}");
    assert!(told[4].0 >= 160 && told[5].0 >= told[4].0 + 100, "{told:?}");
}

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
    let config = EngineConfig { on_batch_failure: policy, batch_max_failures: 3, ..settings(5, &[]) };
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

/// Ten threads, each with a thousand records.
struct Crowd;

impl Receiver<u32> for Crowd {
    fn name(&self) -> String {
        "MultiThreadTestReceiver".into()
    }

    fn on_start(&self, context: ReceiverContext<u32>) {
        for thread in 0..10 {
            let context = context.clone();
            std::thread::spawn(move || {
                for n in 0..1000 {
                    if context.store(thread * 1000 + n).is_err() {
                        return;
                    }
                }
            });
        }
    }
}

/// S09. Without it records of threads that store at the same time would be lost or doubled.
#[test]
fn s09_ten_threads_store_a_thousand_records_each() {
    let config = EngineConfig { max_batches: None, ..receiving(0, &[]) };
    let (result, _) = run(Loop::Threads, config, |sc| {
        let ssc = StreamingContext::new(sc, Millis(50));
        let outputs = collect(&ssc.receiver_stream(Crowd, StorageLevel::MEMORY_ONLY));
        ssc.start()?;
        let count = || {
            let outputs = outputs.lock().expect("no test thread panicked");
            outputs.iter().map(|(_, values)| values.len()).sum::<usize>()
        };
        while count() < 10_000 && !ssc.await_termination_or_timeout(Millis(20))? {}
        ssc.stop(StopMode::Graceful)?;
        let mut all: Vec<u32> = taken(&outputs).into_iter().flat_map(|(_, values)| values).collect();
        all.sort_unstable();
        Ok(all)
    });
    assert_eq!(result.expect("the stream ends well"), (0..10_000).collect::<Vec<u32>>());
}

/// What a receiver was asked and told, in order.
type Diary = Arc<Mutex<Vec<String>>>;

/// Stores in every way, reports, restarts after 100 ms, and stops itself at its second start.
struct Lively {
    diary: Diary,
    starts: Mutex<u32>,
}

impl Lively {
    fn write(&self, text: String) {
        self.diary.lock().expect("no test thread panicked").push(text);
    }
}

impl Receiver<u32> for Lively {
    fn name(&self) -> String {
        "FakeReceiver".into()
    }

    fn on_start(&self, context: ReceiverContext<u32>) {
        let mut starts = self.starts.lock().expect("no test thread panicked");
        *starts += 1;
        self.write(format!("start {starts}"));
        let (start, diary) = (*starts, Arc::clone(&self.diary));
        std::thread::spawn(move || {
            match start {
                1 => {
                    context.store(1).expect("it runs");
                    context.store_all(vec![2, 3]).expect("it runs");
                    let block = context.store_many(vec![4, 5, 6]).expect("it is acknowledged").expect("it has records");
                    assert_eq!(block.records, 3);
                    assert_eq!(context.store_many(Vec::new()), Ok(None));
                    context.report_error("odd", "very");
                    assert!(!context.is_stopped());
                    context.restart_after("again", "", Millis(100));
                }
                2 => {
                    context.store(7).expect("it runs");
                    context.stop("enough");
                }
                _ => context.store(8).expect("it runs"),
            }
            while !context.is_stopped() {
                std::thread::yield_now();
            }
            diary.lock().expect("no test thread panicked").push(format!("thread {start} ends"));
        });
    }

    fn on_stop(&self) {
        self.write("stop".into());
    }

    fn on_add_data(&self, record: &u32) {
        self.write(format!("add {record}"));
    }

    fn on_generate_block(&self, block: InputBlockId) {
        self.write(format!("generate {}", block.number));
    }

    fn on_push_block(&self, block: InputBlockId, result: Result<(), &str>) {
        self.write(format!("push {} {result:?}", block.number));
    }
}

/// R01, R02, R17.4. Without it a custom receiver could not store, report, restart or stop as Spark's can, or its
/// calls would come in another order.
#[test]
fn r01_the_life_of_a_custom_receiver() {
    let diary = Diary::default();
    let inside = Arc::clone(&diary);
    let config = EngineConfig { max_batches: None, ..receiving(0, &[]) };
    let (result, log) = run(Loop::Threads, config, move |sc| {
        let ssc = StreamingContext::new(sc, Millis(50));
        let receiver = Lively { diary: Arc::clone(&inside), starts: Mutex::new(0) };
        let outputs = collect(&ssc.receiver_stream(receiver, StorageLevel::MEMORY_ONLY));
        ssc.start()?;
        let wants_more = || !inside.lock().expect("no test thread panicked").iter().any(|entry| entry == "add 8");
        while wants_more() && !ssc.await_termination_or_timeout(Millis(20))? {}
        ssc.stop(StopMode::Graceful)?;
        let mut all: Vec<u32> = taken(&outputs).into_iter().flat_map(|(_, values)| values).collect();
        all.sort_unstable();
        Ok(all)
    });
    assert_eq!(result.expect("the stream ends well"), (1..=8).collect::<Vec<u32>>());
    let diary = taken(&diary);
    let lives: Vec<&String> = diary.iter().filter(|entry| entry.starts_with("st")).collect();
    assert_eq!(lives, ["start 1", "stop", "start 2", "stop", "start 3", "stop"], "{diary:?}");
    // Blocks of the generator: what was added since the last one, then the block, then its answer.
    let at = |text: &str| diary.iter().position(|entry| entry == text).unwrap_or_else(|| panic!("{text}: {diary:?}"));
    assert!(at("add 1") < at("add 2") && at("add 3") < at("add 7"));
    let generated: Vec<String> =
        diary.iter().filter_map(|entry| entry.strip_prefix("generate ").map(str::to_owned)).collect();
    assert!((2..=3).contains(&generated.len()), "{diary:?}");
    for block in &generated {
        assert!(at(&format!("generate {block}")) < at(&format!("push {block} Ok(())")), "{diary:?}");
    }
    let stopped = log.iter().find_map(|e| match &e.event {
        Event::ReceiverStopped { receiver } => Some((e.at, receiver.last_error_message.clone())),
        _ => None,
    });
    let (stopped_at, message) = stopped.expect("the restart is announced");
    assert_eq!(message, "Restarting receiver with delay 100 ms: again");
    let again = log.iter().find(|e| e.at > stopped_at && matches!(e.event, Event::ReceiverStarted { .. }));
    assert!(again.expect("it starts again").at.ns_since(stopped_at) >= 100_000_000);
    let error = log.iter().find_map(|e| match &e.event {
        Event::ReceiverError { receiver } => Some((receiver.last_error_message.clone(), receiver.last_error.clone())),
        _ => None,
    });
    assert_eq!(error, Some(("odd".into(), "very".into())));
}

/// Panics when it is first started.
struct Clumsy(Mutex<bool>);

impl Receiver<u32> for Clumsy {
    fn name(&self) -> String {
        "ClumsyReceiver".into()
    }

    fn on_start(&self, context: ReceiverContext<u32>) {
        let panics = std::mem::replace(&mut *self.0.lock().expect("it panics outside of the lock"), false);
        assert!(!panics, "deliberate: no such host");
        context.store(1).expect("it runs");
    }
}

/// Without it a receiver that panics would end the engine, or its input for ever.
#[test]
fn a_receiver_that_panics_is_started_again() {
    faultline_tests::quiet::silence_deliberate_panics();
    let config = EngineConfig { max_batches: None, ..receiving(0, &[]) };
    let (result, log) = run(Loop::Threads, config, |sc| {
        let ssc = StreamingContext::new(sc, Millis(50));
        let stream = ssc.receiver_stream(Clumsy(Mutex::new(true)), StorageLevel::MEMORY_ONLY);
        let outputs = collect(&stream);
        ssc.start()?;
        let empty = || outputs.lock().expect("no test thread panicked").is_empty();
        while empty() && !ssc.await_termination_or_timeout(Millis(20))? {}
        ssc.stop(StopMode::Graceful)
    });
    result.expect("the stream ends well");
    let stopped = log.iter().find_map(|e| match &e.event {
        Event::ReceiverStopped { receiver } => Some((receiver.last_error_message.clone(), receiver.last_error.clone())),
        _ => None,
    });
    let (message, error) = stopped.expect("the failure is announced");
    assert_eq!(message, "Error starting receiver");
    assert!(error.contains("no such host"), "{error}");
}
