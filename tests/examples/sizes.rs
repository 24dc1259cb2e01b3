//! Runs of a size that continuous integration has no time for:
//! `cargo run -p faultline-tests --no-default-features --release --example sizes -- --events 10000000 --partitions 100000`.
//!
//! `--partitions N` runs jobs over N partitions, with a shuffle of N map outputs and an executor that dies in
//! it; `--events N` runs a stream with state until its log has N events, writes the log as it is made and reads
//! it back. Each prints the time per unit at a tenth of the size and at all of it, and ends with exit code 1
//! when the second is more than four times the first: then some cost grows with the square.

use faultline_engine::config::EngineConfig;
use faultline_engine::error::Result;
use faultline_engine::event::{Envelope, StorageLevel};
use faultline_engine::eventlog::{LogReader, LogWriter};
use faultline_engine::ids::Millis;
use faultline_engine::rdd::SparkContext;
use faultline_engine::sim::simulate;
use faultline_engine::streaming::StreamingContext;
use faultline_tests::lab::{INTERVAL, environment};
use std::io::BufReader;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How many times more a unit may cost at ten times the size: caches miss, trees get deeper.
const GROWTH_MAX: f64 = 4.0;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str| {
        let text = args.iter().position(|a| a == name).and_then(|at| args.get(at + 1));
        text.and_then(|text| text.parse::<u32>().ok())
    };
    let (partitions, events) = (number("--partitions"), number("--events"));
    if partitions.is_none() && events.is_none() {
        eprintln!("nothing to do; say --partitions 100000, --events 10000000, or both");
        return ExitCode::FAILURE;
    }
    let mut linear = true;
    if let Some(n) = partitions {
        linear &= grows_evenly("partition", n, &over_partitions);
    }
    if let Some(n) = events {
        linear &= grows_evenly("event", n, &stream_of_events);
    }
    if linear { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs a tenth and the whole.
fn grows_evenly(unit: &str, n: u32, run: &dyn Fn(u32) -> Duration) -> bool {
    let [tenth, whole] = [n / 10, n].map(|n| {
        let time = run(n);
        let each = time.as_secs_f64() * 1e6 / f64::from(n.max(1));
        println!("{n:>9} {unit}s: {:>7.1} s, {each:.2} µs per {unit}", time.as_secs_f64());
        each
    });
    let evenly = whole <= tenth * GROWTH_MAX;
    if !evenly {
        println!("a {unit} costs {:.1} times as much at ten times the size", whole / tenth);
    }
    evenly
}

/// Runs a program in the simulator, its events go to `sink`.
fn run(config: EngineConfig, sink: &mut dyn FnMut(&[Envelope]), body: fn(&SparkContext, u32) -> Result<()>, n: u32) {
    let outcome = simulate(config, &environment(), Box::new(move |sc: &SparkContext| body(sc, n)), sink);
    assert_eq!(outcome.result, Ok(()), "the program of size {n}");
}

fn over_partitions(n: u32) -> Duration {
    let fault = format!("kill:executor=2@event=TaskEnd#{}", u64::from(n) * 5 / 2);
    let config = EngineConfig {
        previews: false,
        memory: 1 << 30,
        faults: vec![fault.parse().expect("a fault as the command line spells it")],
        ..EngineConfig::default()
    };
    let started = Instant::now();
    let mut tasks = 0u64;
    let mut count = |events: &[Envelope]| tasks += events.iter().filter(|e| e.event.name() == "TaskEnd").count() as u64;
    run(config, &mut count, jobs_over_partitions, n);
    let time = started.elapsed();
    // Twice to count, a shuffle, some of both again.
    assert!(tasks > u64::from(n) * 3, "{tasks} tasks ran");
    time
}

fn jobs_over_partitions(sc: &SparkContext, n: u32) -> Result<()> {
    let numbers = sc.parallelize((0..u64::from(n)).collect(), n).map(|v| (v % 100, 1u64));
    numbers.persist(StorageLevel::MEMORY_ONLY)?;
    for _ in 0..2 {
        assert_eq!(numbers.count()?, u64::from(n));
    }
    // The executor dies in the middle of the map stage.
    let sums = numbers.reduce_by_key_in(4, |a, b| a + b).collect()?;
    assert_eq!(sums.iter().map(|(_, count)| count).sum::<u64>(), u64::from(n));
    Ok(())
}

/// Runs a stream whose log has about `n` events, through a pipe to a reader of logs.
fn stream_of_events(n: u32) -> Duration {
    // What a batch costs in events is learnt from a few of them.
    let mut few = 0;
    run(streaming(50), &mut |events| few += events.len(), stateful_stream, 50);
    let batches = n / u32::try_from(few / 50).unwrap_or(1).max(1);
    let (from, to) = std::io::pipe().expect("a pipe");
    let started = Instant::now();
    let reading = std::thread::Builder::new().name("reader".into()).spawn(move || {
        let mut last = None;
        for (read, seq) in LogReader::new(BufReader::new(from)).zip(0u64..) {
            let envelope = read.unwrap_or_else(|error| panic!("our own log cannot be read: {error}"));
            assert_eq!(envelope.seq, seq, "after {last:?}");
            last = Some(envelope);
        }
        last
    });
    let reading = reading.expect("a thread");
    let mut writer = LogWriter::new(to);
    let (mut written, mut last) = (0u64, None);
    let mut write = |events: &[Envelope]| {
        written += events.len() as u64;
        events.iter().for_each(|envelope| writer.write(envelope).expect("somebody reads"));
        last = events.last().cloned().or(last.take());
    };
    run(streaming(batches), &mut write, stateful_stream, batches);
    drop(writer.finish().expect("somebody reads"));
    let read = reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    assert_eq!(read, last, "what was read last is what was written last");
    println!("{written:>9} events in {batches} batches were written and read back");
    started.elapsed()
}

fn streaming(batches: u32) -> EngineConfig {
    EngineConfig { max_batches: Some(batches), clean_checkpoints: true, ..EngineConfig::default() }
}

fn stateful_stream(sc: &SparkContext, batches: u32) -> Result<()> {
    let ssc = StreamingContext::new(sc, INTERVAL);
    ssc.checkpoint("checkpoints");
    let input = (0..batches).map(|batch| Some(vec![(batch % 7, 1u64), (batch % 11, 1)])).collect();
    let state = ssc.prepared_stream(input, 2).update_state_by_key(|_, new: Vec<u64>, old: Option<u64>| {
        Some(old.unwrap_or(0) + new.into_iter().sum::<u64>())
    });
    state.checkpoint(Millis(INTERVAL.0 * 5))?;
    state.for_each_rdd(|rdd, tick| {
        let sum: u64 = rdd.values().fold(0, |a, b| a + b)?;
        assert_eq!(sum, u64::from(tick.batch.0) * 2);
        Ok(())
    });
    ssc.start()?;
    ssc.await_termination()
}
