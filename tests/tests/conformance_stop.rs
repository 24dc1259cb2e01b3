//! Stopping a stream: gracefully, at once, twice, before it began (R22).

use faultline_engine::command::StopMode;
use faultline_engine::config::{BatchFailurePolicy, EngineConfig};
use faultline_engine::driver::{DriverInput, ReceiverNews, ReceiverOp, Request, SlotId, StreamingPlan};
use faultline_engine::error::EngineError;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use faultline_engine::receiver::{Arrival, Arrived, Receiver, ReceiverContext, ReceiverPlan, ReceiverSource};
use faultline_engine::streaming::{DStream, StreamingContext};
use faultline_tests::{DriverLab, Loop, run, settings};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};

const INTERVAL: Millis = Millis(50);

fn config() -> EngineConfig {
    let graceful_stop_timeout = Millis(60_000);
    EngineConfig { max_batches: None, block_interval: Millis(20), graceful_stop_timeout, ..settings(0, &[]) }
}

/// Counts the records of all batches.
fn counting(stream: &DStream<u64>) -> Arc<AtomicU64> {
    let total = Arc::new(AtomicU64::new(0));
    let inside = Arc::clone(&total);
    stream.for_each_rdd(move |rdd, _| {
        inside.fetch_add(rdd.count()?, Ordering::Relaxed);
        Ok(())
    });
    total
}

fn received(log: &[Envelope]) -> u64 {
    let records = log.iter().map(|e| match &e.event {
        Event::ReceivedBlockAdded(added) => added.records,
        _ => 0,
    });
    records.sum()
}

fn completed(log: &[Envelope]) -> Vec<u32> {
    let completed = log.iter().filter_map(|e| match &e.event {
        Event::BatchCompleted { batch, .. } => Some(batch.0),
        _ => None,
    });
    completed.collect()
}

fn submitted(log: &[Envelope]) -> Vec<(u32, Timestamp)> {
    let submitted = log.iter().filter_map(|e| match &e.event {
        Event::BatchSubmitted { batch } => Some((batch.id.0, batch.time)),
        _ => None,
    });
    submitted.collect()
}

fn when(log: &[Envelope], is: impl Fn(&Event) -> bool) -> Timestamp {
    log.iter().find(|e| is(&e.event)).map(|e| e.at).expect("it is in the log")
}

fn late(log: &[Envelope]) -> Vec<String> {
    let late = log.iter().filter_map(|e| match &e.event {
        Event::FindingReported { finding } if finding.kind == "graceful-stop-timeout" => Some(finding.message.clone()),
        _ => None,
    });
    late.collect()
}

/// G01, R22.4. Without it what a receiver had when the stream was stopped would be lost.
#[test]
fn g01_a_graceful_stop_processes_what_was_received() {
    for &loop_ in Loop::ALL {
        for round in 1..=4u64 {
            let (result, log) = run(loop_, config(), move |sc| {
                let ssc = StreamingContext::new(sc, INTERVAL);
                let every = |n: u64| Some(Arrival { at: Millis(n * 3), what: Arrived::Records(vec![n; 2]) });
                let total = counting(&ssc.scripted_stream(every, StorageLevel::MEMORY_ONLY));
                ssc.start()?;
                // Under the wall clock nobody knows when the receiver begins.
                let silent = || loop_ == Loop::Threads && total.load(Ordering::Relaxed) == 0;
                while silent() && !ssc.await_termination_or_timeout(Millis(5))? {}
                let ended = ssc.await_termination_or_timeout(Millis(70 * round + 7))?;
                assert!(!ended, "nobody stopped it");
                ssc.stop(StopMode::Graceful)?;
                // The context of its RDDs goes on.
                assert_eq!(sc.parallelize(vec![1, 2, 3], 2).count()?, 3);
                Ok(total.load(Ordering::Relaxed))
            });
            let processed = result.expect("the stream ends well");
            assert_eq!(processed, received(&log), "{loop_:?} round {round}");
            assert!(processed > 0, "{loop_:?} round {round}");
            assert_eq!(late(&log), Vec::<String>::new(), "{loop_:?} round {round}");
            let batches: Vec<u32> = submitted(&log).into_iter().map(|(batch, _)| batch).collect();
            assert_eq!(completed(&log), batches, "{loop_:?}: every batch is processed");
        }
    }
}

/// Without it Ctrl-C would do nothing while a program prepares its stream, and the stream would go on for ever.
#[test]
fn a_stop_before_the_stream_has_started_stops_it() {
    for &loop_ in Loop::ALL {
        for mode in ["graceful", "immediate"] {
            let faults = vec![format!("stop:{mode}@event=ExecutorAdded#1").parse().expect("a fault")];
            let (result, log) = run(loop_, EngineConfig { faults, ..config() }, move |sc| {
                let ssc = StreamingContext::new(sc, INTERVAL);
                counting(&ssc.scripted_stream(|_| None, StorageLevel::MEMORY_ONLY));
                ssc.start()?;
                ssc.await_termination()
            });
            assert_eq!(result, Ok(()), "{loop_:?} {mode}");
            assert!(log.iter().any(|e| matches!(e.event, Event::StreamingStarted { .. })), "{loop_:?} {mode}");
            assert!(completed(&log).len() < 3, "{loop_:?} {mode}");
        }
    }
}

/// Stores five records, and ten more while it is being stopped.
struct Slow {
    progress: Arc<(Mutex<Progress>, Condvar)>,
}

#[derive(Default)]
struct Progress {
    stored: u64,
    stopping: bool,
}

impl Receiver<u64> for Slow {
    fn name(&self) -> String {
        "SlowTestReceiver".into()
    }

    fn on_start(&self, context: ReceiverContext<u64>) {
        let progress = Arc::clone(&self.progress);
        std::thread::spawn(move || {
            let (progress, changed) = &*progress;
            for n in 0..15 {
                let waits = |progress: &mut Progress| n >= 5 && !progress.stopping;
                drop(changed.wait_while(progress.lock().expect("no test thread panicked"), waits));
                context.store(n).expect("the generator is open until on_stop returns");
                progress.lock().expect("no test thread panicked").stored = n + 1;
                changed.notify_all();
            }
        });
    }

    fn on_stop(&self) {
        let (progress, changed) = &*self.progress;
        let mut progress = progress.lock().expect("no test thread panicked");
        progress.stopping = true;
        changed.notify_all();
        drop(changed.wait_while(progress, |progress| progress.stored < 15).expect("no test thread panicked"));
    }
}

/// G02. Without it a receiver that takes its time to stop would lose what it receives meanwhile.
#[test]
fn g02_a_slow_receiver_is_waited_for() {
    let (result, log) = run(Loop::Threads, config(), |sc| {
        let ssc = StreamingContext::new(sc, INTERVAL);
        let receiver = Slow { progress: Arc::default() };
        let total = counting(&ssc.receiver_stream(receiver, StorageLevel::MEMORY_ONLY));
        ssc.start()?;
        while total.load(Ordering::Relaxed) == 0 && !ssc.await_termination_or_timeout(Millis(5))? {}
        ssc.stop(StopMode::Graceful)?;
        Ok(total.load(Ordering::Relaxed))
    });
    assert_eq!(result.expect("the stream ends well"), 15);
    assert_eq!(received(&log), 15);
}

/// A driver that runs one receiver.
fn lab_with_a_receiver(config: EngineConfig) -> DriverLab {
    let mut lab = DriverLab::with_config(config);
    let plan = ReceiverPlan {
        stream: StreamId(0),
        source: ReceiverSource::scripted("DummyReceiver", |_| None::<Arrival<u8>>),
        level: StorageLevel::MEMORY_ONLY,
    };
    let request = Request::StartStreaming(StreamingPlan {
        interval: Millis(1000),
        streams: Vec::new(),
        outputs: Vec::new(),
        receivers: vec![plan],
        checkpoint: None,
        received_log: None,
        slots: Vec::new(),
    });
    lab.input(DriverInput::Request { slot: SlotId(0), request });
    lab.input(DriverInput::Receiver { stream: StreamId(0), attempt: 1, news: ReceiverNews::Started });
    lab
}

/// G03. Without it a receiver that does not hear that it should stop would keep the stream for ever.
#[test]
fn g03_a_receiver_that_misses_the_stop_is_left_behind() {
    let mut lab = lab_with_a_receiver(EngineConfig { receiver_stop_timeout: Millis(5000), ..EngineConfig::default() });
    // The generator waits for work, and answers each instruction at once with an empty batch.
    lab.input(DriverInput::Request { slot: SlotId(1), request: Request::NextInstruction });
    lab.input(DriverInput::Request { slot: SlotId(0), request: Request::StopStreaming(StopMode::Graceful) });
    let told = |lab: &DriverLab| {
        let stops =
            lab.receiver_operations.iter().filter(|op| matches!(op, ReceiverOp::Stop { mode: StopMode::Graceful, .. }));
        stops.count()
    };
    assert_eq!(told(&lab), 1);
    lab.pass(4000);
    assert!(late(&lab.log).is_empty(), "it waits");
    lab.pass(30_000);
    let late = late(&lab.log);
    assert!(late[0].contains("streams 0 did not stop within 5000 ms"), "{late:?}");
    assert!(lab.log.iter().any(|e| matches!(e.event, Event::ReceiverStopped { .. })));
    assert!(late.len() == 2 && late[1].contains("Timed out while stopping the job generator"), "{late:?}");
    lab.check();
}

/// G05. Without it the timer would tick for ever, or not once more: records of the last interval would be in no
/// batch.
#[test]
fn g05_one_more_tick_after_the_stop() {
    let (result, log) = run(Loop::Sim, config(), |sc| {
        let ssc = StreamingContext::new(sc, INTERVAL);
        let _total = counting(&ssc.prepared_stream(vec![Some(vec![1u64]); 40], 1));
        ssc.start()?;
        assert!(!ssc.await_termination_or_timeout(Millis(120))?);
        ssc.stop(StopMode::Graceful)?;
        // Whoever waits now does not wait.
        assert!(ssc.await_termination_or_timeout(Millis(10_000))?);
        ssc.await_termination()
    });
    result.expect("the stream ends well");
    let times: Vec<u64> = submitted(&log).iter().map(|(_, time)| (time.0 - VIRTUAL_EPOCH.0) / 1_000_000).collect();
    assert_eq!(times, [50, 100, 150], "the stop came at 120 ms");
    let stopped = when(&log, |e| matches!(e, Event::StreamingStopped { mode: StopMode::Graceful }));
    assert!(stopped.ns_since(VIRTUAL_EPOCH) < 200_000_000, "and took no longer than its last batch");
    assert_eq!(completed(&log), [1, 2, 3]);
}

/// G06, R11.2, R22.3. Without it a second stop would hang or fail, and a stopped context would start again.
#[test]
fn g06_stops_can_be_repeated_and_are_final() {
    for &loop_ in Loop::ALL {
        let (result, _) = run(loop_, config(), |sc| {
            let never_started = StreamingContext::new(sc, INTERVAL);
            let _total = counting(&never_started.prepared_stream(vec![Some(vec![1u64])], 1));
            never_started.stop(StopMode::Graceful)?;
            never_started.stop(StopMode::Immediate)?;
            let refused = never_started.start();

            let ssc = StreamingContext::new(sc, INTERVAL);
            let total = counting(&ssc.prepared_stream(vec![Some(vec![1u64]); 100], 1));
            ssc.start()?;
            ssc.start()?;
            assert!(!ssc.await_termination_or_timeout(Millis(60))?);
            ssc.stop(StopMode::Graceful)?;
            ssc.stop(StopMode::Graceful)?;
            ssc.stop(StopMode::Immediate)?;
            ssc.await_termination()?;
            let processed = total.load(Ordering::Relaxed);
            assert_eq!(sc.parallelize(vec![1, 2, 3], 2).count()?, 3, "the SparkContext is kept");
            assert_eq!(total.load(Ordering::Relaxed), processed, "no batch runs after the stop");
            let next = StreamingContext::new(sc, INTERVAL);
            let _total = counting(&next.prepared_stream(vec![Some(vec![1u64])], 1));
            Ok([refused, ssc.start(), next.start(), next.start()])
        });
        let refusals = [
            "StreamingContext has already been stopped",
            "StreamingContext has already been stopped",
            "Only one StreamingContext may be started in this application, also after it was stopped; start another run for another stream",
            "StreamingContext has already been stopped",
        ];
        let refusals = refusals.map(|text| Err(EngineError::IllegalState(text.to_owned())));
        assert_eq!(result, Ok(refusals), "{loop_:?}");
    }
}

/// G10, R23. Without it the times that a user reads off a batch would contradict each other.
#[test]
fn g10_what_is_said_of_batches_and_tasks_is_consistent() {
    for &loop_ in Loop::ALL {
        let (result, log) = run(loop_, EngineConfig { max_batches: Some(5), ..config() }, |sc| {
            let ssc = StreamingContext::new(sc, INTERVAL);
            let words = ssc.prepared_stream(vec![Some((0..20u64).collect()); 5], 3);
            let total = counting(&words.map(|n| (n % 3, 1u64)).reduce_by_key(|a, b| a + b).map(|(key, _)| key));
            ssc.start()?;
            ssc.await_termination()?;
            Ok(total.load(Ordering::Relaxed))
        });
        assert_eq!(result, Ok(15), "{loop_:?}");
        for n in 1..=5 {
            let id = BatchId(n);
            let submitted = when(&log, |e| matches!(e, Event::BatchSubmitted { batch } if batch.id == id));
            let started = when(&log, |e| matches!(e, Event::BatchStarted { batch } if *batch == id));
            let completed = when(&log, |e| matches!(e, Event::BatchCompleted { batch, .. } if *batch == id));
            assert!(submitted <= started && started <= completed, "{loop_:?} batch {n}");
            let delays = log.iter().find_map(|e| match &e.event {
                Event::BatchCompleted { batch, scheduling_delay_ns, processing_ns, failure: None } if *batch == id => {
                    Some((*scheduling_delay_ns, *processing_ns))
                }
                _ => None,
            });
            assert_eq!(delays, Some((started.ns_since(submitted), completed.ns_since(started))), "{loop_:?} batch {n}");
            let outputs = log.iter().filter(|e| match &e.event {
                Event::OutputOperationStarted { batch, .. } | Event::OutputOperationCompleted { batch, .. } => {
                    *batch == id && e.at >= started && e.at <= completed
                }
                _ => false,
            });
            assert_eq!(outputs.count(), 2, "{loop_:?} batch {n}");
        }
        let starts = log.iter().filter(|e| matches!(e.event, Event::TaskStart { .. })).count();
        let ends = log.iter().filter(|e| matches!(e.event, Event::TaskEnd { .. })).count();
        assert_eq!(starts, ends, "{loop_:?}: one end per attempt");
    }
}

/// D-16. Without it a graceful stop would wait for its whole timeout when the last tick has no job, or its batch
/// failed: nothing is processed at that time.
#[test]
fn a_graceful_stop_does_not_wait_for_a_batch_that_never_comes() {
    // Windows of three intervals: two of three ticks have no job.
    let (result, log) = run(Loop::Sim, config(), |sc| {
        let ssc = StreamingContext::new(sc, INTERVAL);
        let numbers = ssc.prepared_stream(vec![Some(vec![1u64]); 40], 1);
        let _total = counting(&numbers.window(Millis(150), Millis(150))?);
        ssc.start()?;
        assert!(!ssc.await_termination_or_timeout(Millis(160))?);
        ssc.stop(StopMode::Graceful)
    });
    result.expect("the stream ends well");
    let stopping = when(&log, |e| matches!(e, Event::StreamingStopping { .. }));
    let stopped = when(&log, |e| matches!(e, Event::StreamingStopped { .. }));
    assert!(stopped.ns_since(stopping) <= 60_000_000, "one tick and no more");
    assert_eq!(completed(&log), [3]);
    assert!(late(&log).is_empty());

    for policy in [BatchFailurePolicy::Stop, BatchFailurePolicy::Skip, BatchFailurePolicy::Continue] {
        let config = EngineConfig { on_batch_failure: policy, ..config() };
        let (result, log) = run(Loop::Sim, config, |sc| {
            let ssc = StreamingContext::new(sc, INTERVAL);
            ssc.prepared_stream(vec![Some(vec![1u64]); 40], 1).for_each_rdd(|_, tick| match tick.batch.0 {
                3 => Err(EngineError::IllegalState("no".into())),
                _ => Ok(()),
            });
            ssc.start()?;
            assert!(!ssc.await_termination_or_timeout(Millis(120))?);
            ssc.stop(StopMode::Graceful)
        });
        result.expect("a stop tells no errors of batches");
        let stopped = when(&log, |e| matches!(e, Event::StreamingStopped { .. }));
        assert!(stopped.ns_since(VIRTUAL_EPOCH) < 200_000_000, "{policy:?}");
        assert!(late(&log).is_empty(), "{policy:?}");
    }
}

/// R22.2. Without it a stop at once would wait for a backlog, or a running job would hold it up.
#[test]
fn an_immediate_stop_drops_what_waits_and_cancels_what_runs() {
    // One executor, a thousand times slower from batch 2 on: each job takes seconds.
    let config = EngineConfig {
        executors: 1,
        faults: vec!["slow:executor=1,factor=1000@batch=2".parse().expect("a fault")],
        ..config()
    };
    let (result, log) = run(Loop::Sim, config, |sc| {
        let ssc = StreamingContext::new(sc, INTERVAL);
        let _total = counting(&ssc.prepared_stream(vec![Some(vec![1u64]); 400], 1));
        ssc.start()?;
        assert!(!ssc.await_termination_or_timeout(Millis(1020))?);
        ssc.stop(StopMode::Immediate)
    });
    result.expect("what was cancelled on purpose is no error");
    assert!(submitted(&log).len() >= 19, "a backlog was there");
    assert_eq!(completed(&log), [1, 2], "batch 2 is cancelled, the others never ran");
    let failure = log.iter().rev().find_map(|e| match &e.event {
        Event::BatchCompleted { failure, .. } => failure.clone(),
        _ => None,
    });
    assert!(failure.is_some_and(|text| text.contains("the StreamingContext was stopped")));
    let stopping = when(&log, |e| matches!(e, Event::StreamingStopping { mode: StopMode::Immediate }));
    let stopped = when(&log, |e| matches!(e, Event::StreamingStopped { .. }));
    assert_eq!(stopped, stopping, "nothing is waited for");
}

/// Without it an output operation that stops its own stream would wait for itself for ever.
#[test]
fn an_output_operation_cannot_stop_its_stream() {
    for &loop_ in Loop::ALL {
        let refused = Arc::new(AtomicBool::new(false));
        let inside = Arc::clone(&refused);
        let (result, _) = run(loop_, EngineConfig { max_batches: Some(2), ..config() }, move |sc| {
            let ssc = StreamingContext::new(sc, INTERVAL);
            let own = ssc.clone();
            ssc.prepared_stream(vec![Some(vec![1u64]); 2], 1).for_each_rdd(move |_, _| {
                let text = own.stop(StopMode::Graceful).expect_err("it would wait for itself").to_string();
                inside.store(text.contains("within an output operation"), Ordering::Relaxed);
                Ok(())
            });
            ssc.start()?;
            ssc.await_termination()
        });
        result.expect("the stream ends well");
        assert!(refused.load(Ordering::Relaxed), "{loop_:?}");
    }
}

/// Without it a stop could not be planned as a fault is, and Ctrl-C could not stop a run gracefully.
#[test]
fn a_planned_stop_ends_the_run_in_order() {
    for &loop_ in Loop::ALL {
        let config = EngineConfig { faults: vec!["stop:graceful@batch=3".parse().expect("a stop")], ..config() };
        let (result, log) = run(loop_, config, |sc| {
            let ssc = StreamingContext::new(sc, INTERVAL);
            let every = |n: u64| Some(Arrival { at: Millis(n * 3), what: Arrived::Records(vec![n]) });
            let total = counting(&ssc.scripted_stream(every, StorageLevel::MEMORY_ONLY));
            ssc.start()?;
            ssc.await_termination()?;
            Ok(total.load(Ordering::Relaxed))
        });
        assert_eq!(result.expect("the stream ends well"), received(&log), "{loop_:?}");
        let last = completed(&log).last().copied().expect("batches ran");
        assert!((4..=6).contains(&last) || loop_ == Loop::Threads, "{loop_:?} {last}");
        assert!(late(&log).is_empty(), "{loop_:?}");
    }
}
