//! Inputs from outside: directories and sockets of this machine, under the loops that can read them.

mod inputs_lab;

use faultline_engine::command::Command;
use faultline_engine::config::EngineConfig;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use faultline_engine::programs::{self, InputSource, ProgramInput};
use faultline_engine::rdd::{Line, ReplayText};
use faultline_engine::streaming::{DStream, StreamingContext};
use faultline_tests::lab::INTERVAL;
use faultline_tests::{Loop, log, run, settings};
use inputs_lab::{Feeder, Live, file_at, put_file, sequential_counts};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

type Batches = Arc<Mutex<Vec<(u32, Vec<String>)>>>;

/// The lines of each batch that has any, sorted.
fn collect(lines: &DStream<Line>) -> Batches {
    let batches = Batches::default();
    let inside = Arc::clone(&batches);
    lines.for_each_rdd(move |rdd, tick| {
        let mut values: Vec<String> = rdd.collect()?.iter().map(ToString::to_string).collect();
        values.sort();
        if !values.is_empty() {
            inside.lock().expect("no test thread panicked").push((tick.batch.0, values));
        }
        Ok(())
    });
    batches
}

/// What the batches of a file stream on `directory` hold, under the virtual clock: files carry times of it.
fn batches_of(
    directory: &std::path::Path,
    batches: u32,
    new_files_only: bool,
) -> (Vec<(u32, Vec<String>)>, Vec<Envelope>) {
    let directory = directory.to_str().expect("a path of this test is Unicode").to_owned();
    let (result, events) = run(Loop::Sim, settings(batches, &[]), move |sc| {
        let ssc = StreamingContext::new(sc, INTERVAL);
        let collected = collect(&ssc.text_file_stream_from(&directory, new_files_only));
        ssc.start()?;
        ssc.await_termination()?;
        let collected = std::mem::take(&mut *collected.lock().expect("no test thread panicked"));
        Ok(collected)
    });
    (result.expect("the stream ends well"), events)
}

/// Half an interval before batch `n`, in virtual time.
fn before_batch(n: u64) -> Timestamp {
    Timestamp(VIRTUAL_EPOCH.0 + n * INTERVAL.0 * 1_000_000 - INTERVAL.0 * 500_000)
}

/// Without it a file would be read twice, or not at all, or in a batch that depends on who looked when.
#[test]
fn s01_new_files_are_read_once() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    file_at(directory.path(), "0.txt", "zero\n", Timestamp(VIRTUAL_EPOCH.0 - 10_000_000_000));
    (1..=5).for_each(|n| file_at(directory.path(), &format!("{n}.txt"), &format!("file {n}\n"), before_batch(n)));
    let expected: Vec<(u32, Vec<String>)> = (1..=5).map(|n| (n, vec![format!("file {n}")])).collect();
    let (found, events) = batches_of(directory.path(), 7, true);
    assert_eq!(found, expected);
    let finding = events.iter().find_map(|e| match &e.event {
        Event::FindingReported { finding } => Some(finding.message.clone()),
        _ => None,
    });
    let told = "1 file is older than the stream and not read: 0.txt; change or copy them while the stream runs";
    assert_eq!(finding.as_deref(), Some(told), "what is not read is said, once");
    let records = events.iter().filter_map(|e| match &e.event {
        Event::BatchSubmitted { batch } => Some(batch.records),
        _ => None,
    });
    assert_eq!(records.collect::<Vec<_>>(), [1, 1, 1, 1, 1, 0, 0]);
    let (found, _) = batches_of(directory.path(), 7, false);
    let mut expected = expected;
    expected[0].1.push("zero".into());
    assert_eq!(found, expected, "with older files");
}

/// Without it a file that is still being written would be read in part.
#[test]
fn s05_hidden_names_are_not_read_until_renamed() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for name in [".half.txt", "_SUCCESS"] {
        file_at(directory.path(), name, "half", before_batch(1));
    }
    file_at(directory.path(), "two.txt", "a\r\nb", before_batch(2));
    let (path, place) = (directory.path().display().to_string(), directory.path().to_owned());
    let (result, _) = run(Loop::Sim, settings(5, &[]), move |sc| {
        let ssc = StreamingContext::new(sc, INTERVAL);
        let collected = collect(&ssc.text_file_stream(&path));
        // While batch 3 runs the rest is written, and the file gets its name.
        ssc.prepared_stream(vec![Some(vec![0u8]); 5], 1).for_each_rdd(move |_, tick| {
            if tick.batch.0 == 3 {
                file_at(&place, ".half.txt", "half\nand whole", before_batch(3));
                std::fs::rename(place.join(".half.txt"), place.join("half.txt")).expect("a file can be renamed");
            }
            Ok(())
        });
        ssc.start()?;
        ssc.await_termination()?;
        let collected = std::mem::take(&mut *collected.lock().expect("no test thread panicked"));
        Ok(collected)
    });
    let lines = |texts: [&str; 2]| texts.map(str::to_owned).to_vec();
    assert_eq!(result.expect("the stream ends well"), [(2, lines(["a", "b"])), (4, lines(["and whole", "half"]))]);
}

/// Without it one failure to list a directory would end the stream, or lose the files that came meanwhile.
#[test]
fn s06_a_listing_that_fails_is_an_empty_batch() {
    let parent = tempfile::tempdir().expect("a temporary directory");
    let directory = parent.path().join("later");
    let path = directory.to_str().expect("a path of this test is Unicode").to_owned();
    let (result, events) = run(Loop::Sim, settings(5, &[]), move |sc| {
        let ssc = StreamingContext::new(sc, INTERVAL);
        let collected = collect(&ssc.text_file_stream(&path));
        // The directory appears while batch 2 runs, with a file of the time of batch 1.
        ssc.prepared_stream(vec![Some(vec![0u8]); 5], 1).for_each_rdd(move |_, tick| {
            if tick.batch.0 == 2 {
                std::fs::create_dir(&directory).expect("a directory can be made");
                file_at(&directory, "a.txt", "late but whole", before_batch(1));
            }
            Ok(())
        });
        ssc.start()?;
        ssc.await_termination()?;
        let collected = std::mem::take(&mut *collected.lock().expect("no test thread panicked"));
        Ok(collected)
    });
    assert_eq!(result.expect("the stream ends well"), [(3, vec!["late but whole".to_owned()])]);
    let failures = events
        .iter()
        .filter(|e| matches!(&e.event, Event::FindingReported { finding } if finding.kind == "file-listing-failed"));
    assert_eq!(failures.count(), 1, "it is said once");
}

/// Without it a window over files would read other files when it is computed again, or the same file in two
/// batches: the RDDs of a batch are those of its files.
#[test]
fn windows_over_files_see_the_same_files_again() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    (1..=4).for_each(|n| file_at(directory.path(), &format!("{n}.txt"), &format!("{n}\n"), before_batch(n)));
    let path = directory.path().to_str().expect("a path of this test is Unicode").to_owned();
    let config = settings(4, &["kill:executor=1@batch=3", "restart:executor=1@batch=3"]);
    let (result, events) = run(Loop::Sim, config, move |sc| {
        let ssc = StreamingContext::new(sc, INTERVAL);
        let window = ssc.text_file_stream(&path).window(Millis(2 * INTERVAL.0), Millis(2 * INTERVAL.0))?;
        let collected = collect(&window);
        ssc.start()?;
        ssc.await_termination()?;
        let collected = std::mem::take(&mut *collected.lock().expect("no test thread panicked"));
        Ok(collected)
    });
    let lines = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
    assert_eq!(result.expect("the stream ends well"), [(2, lines(&["1", "2"])), (4, lines(&["3", "4"]))]);
    let classes: Vec<&str> = events
        .iter()
        .filter_map(|e| match &e.event {
            Event::RddRegistered { rdd } => Some(rdd.class.as_str()),
            _ => None,
        })
        .collect();
    assert!(classes.contains(&"NewHadoopRDD") && classes.contains(&"UnionRDD"), "{classes:?}");
}

/// Without it the program of the first window could not read a directory, or would count wrongly: files are
/// renamed into it while it runs, and the counts are those of one pass over all of them.
#[test]
fn word_count_counts_files_as_they_appear() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let source = InputSource::Directory(directory.path().to_str().expect("a path of this test is Unicode").to_owned());
    let program = programs::find("word-count").expect("it is built in");
    let input = ProgramInput::replay(ReplayText::from_text("none", "unused"), 1).from_source(source);
    let mut live = Live::start(EngineConfig::default(), move |sc| program.run(sc, &input));
    // A file that is older than the stream is not read: the first comes when a batch was there.
    live.until(|log| log.iter().any(|e| matches!(e.event, Event::BatchSubmitted { .. })));
    let texts = ["the cat sat\non the mat\n", "the dog\nsat on the cat", "a cat"];
    let mut read = 0;
    for (n, text) in texts.iter().enumerate() {
        put_file(directory.path(), &format!("{n}.txt"), text);
        read += text.lines().count() as u64;
        live.until(|log| submitted_records(log) == read);
    }
    let last = live.log.iter().rev().find_map(|e| match &e.event {
        Event::BatchSubmitted { batch } => Some(batch.id),
        _ => None,
    });
    live.until(|log| log.iter().any(|e| matches!(e.event, Event::BatchCompleted { batch, .. } if Some(batch) == last)));
    let events = live.stop();
    let printed = events.iter().rev().find_map(|e| match &e.event {
        Event::OutputPrinted { lines, .. } => Some(lines.clone()),
        _ => None,
    });
    let mut all: Vec<(String, u64)> = sequential_counts(&texts).into_iter().collect();
    all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let expected: Vec<String> = all.iter().take(5).map(|(word, count)| format!("('{word}', {count})")).collect();
    assert_eq!(printed, Some(expected));
}

fn submitted_records(log: &[Envelope]) -> u64 {
    let records = log.iter().map(|e| match &e.event {
        Event::BatchSubmitted { batch } => batch.records,
        _ => 0,
    });
    records.sum()
}

fn received_records(log: &[Envelope]) -> u64 {
    let records = log.iter().map(|e| match &e.event {
        Event::ReceivedBlockAdded(added) => added.records,
        _ => 0,
    });
    records.sum()
}

/// Where receivers were started, in order.
fn starts(log: &[Envelope]) -> Vec<ExecutorId> {
    let started = log.iter().filter_map(|e| match &e.event {
        Event::ReceiverStarted { receiver } => receiver.executor,
        _ => None,
    });
    started.collect()
}

/// Executors that hold a copy of the block that arrived last.
fn holders_of_last(log: &[Envelope]) -> Vec<ExecutorId> {
    let last = log.iter().rev().find_map(|e| match &e.event {
        Event::ReceivedBlockAdded(added) => Some(added.block),
        _ => None,
    });
    let stored = log.iter().filter_map(|e| match &e.event {
        Event::InputBlockUpdated { executor, block, level, .. } if Some(*block) == last && level.is_valid() => {
            Some(*executor)
        }
        _ => None,
    });
    stored.collect()
}

/// A program that counts the words of a socket over all batches, and keeps the counts of the last batch.
struct SocketCounts {
    live: Live,
    counts: Arc<Mutex<BTreeMap<String, u64>>>,
}

impl SocketCounts {
    /// Batches of `interval`: long enough for a test to strike before the next one is generated.
    fn start(feeder: &Feeder, interval: Millis) -> Self {
        let config = EngineConfig {
            block_interval: Millis(20),
            receiver_restart_delay: Millis(50),
            loss_detection: Millis(20),
            locality_wait: Millis(20),
            ..EngineConfig::default()
        };
        let counts = Arc::new(Mutex::new(BTreeMap::new()));
        let (inside, port) = (Arc::clone(&counts), feeder.port());
        let live = Live::start(config, move |sc| {
            let ssc = StreamingContext::new(sc, interval);
            ssc.checkpoint("checkpoint");
            let state = ssc
                .socket_text_stream("127.0.0.1", port)
                .flat_map(|line: Line| line.as_str().split_whitespace().map(str::to_owned).collect::<Vec<_>>())
                .map(|word| (word, 1u64))
                .update_state_by_key(|_, new: Vec<u64>, old: Option<u64>| {
                    Some(old.unwrap_or(0) + new.iter().sum::<u64>())
                });
            state.for_each_rdd(move |rdd, _| {
                *inside.lock().expect("no test thread panicked") = rdd.collect()?.into_iter().collect();
                Ok(())
            });
            ssc.start()?;
            ssc.await_termination()
        });
        Self { live, counts }
    }

    /// Writes lines, and waits until the driver has all of them in blocks.
    fn feed(&mut self, feeder: &Feeder, lines: &[String]) {
        let before = received_records(&self.live.log);
        feeder.write(lines);
        self.live.until(|log| received_records(log) == before + lines.len() as u64);
    }

    /// Waits until every received record is in a completed batch, stops, and gives log and counts.
    fn finish(mut self) -> (Vec<Envelope>, BTreeMap<String, u64>) {
        self.live.until(|log| {
            let completed =
                |id| log.iter().any(|e| matches!(e.event, Event::BatchCompleted { batch, .. } if batch == id));
            let done = log.iter().map(|e| match &e.event {
                Event::BatchSubmitted { batch } if completed(batch.id) => batch.records,
                _ => 0,
            });
            done.sum::<u64>() == received_records(log)
        });
        let events = self.live.stop();
        let counts = std::mem::take(&mut *self.counts.lock().expect("no test thread panicked"));
        (events, counts)
    }
}

fn some_lines(from: usize, count: usize) -> Vec<String> {
    (from..from + count).map(|n| format!("line {} of {} words", n % 7, n % 3)).collect()
}

fn counts_of(lines: &[String]) -> BTreeMap<String, u64> {
    sequential_counts(&lines.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Without it what somebody writes to a socket would be counted twice or not at all, or would be kept on
/// one executor only, or for ever.
#[test]
fn a_socket_is_counted_as_one_pass_over_its_lines() {
    let feeder = Feeder::new();
    let mut program = SocketCounts::start(&feeder, Millis(100));
    let lines = some_lines(0, 300);
    lines.chunks(60).for_each(|piece| program.feed(&feeder, piece));
    let (events, counts) = program.finish();
    assert_eq!(counts, counts_of(&lines));
    assert_eq!(submitted_records(&events), 300);
    let mut copies: BTreeMap<InputBlockId, Vec<ExecutorId>> = BTreeMap::new();
    for e in &events {
        if let Event::InputBlockUpdated { executor, block, level, .. } = &e.event
            && level.is_valid()
        {
            copies.entry(*block).or_default().push(*executor);
        }
    }
    assert!(!copies.is_empty());
    for (block, at) in copies {
        assert_eq!(at.len(), 2, "{block} is kept on {at:?}");
        assert_ne!(at[0], at[1], "{block}");
    }
    assert!(events.iter().any(|e| matches!(&e.event, Event::RddRegistered { rdd } if rdd.class == "BlockRDD")));
    let stopped = events.iter().filter(|e| matches!(e.event, Event::ReceiverStopped { .. }));
    assert_eq!(stopped.count(), 1, "it stops with the application");
}

/// Without it a batch would be lost with the executor that holds one copy of its blocks.
#[test]
fn the_other_copy_serves_when_one_executor_dies() {
    let feeder = Feeder::new();
    let mut program = SocketCounts::start(&feeder, Millis(1000));
    let lines = some_lines(0, 40);
    program.feed(&feeder, &lines);
    let receiver = starts(&program.live.log)[0];
    let copy = holders_of_last(&program.live.log).into_iter().find(|e| *e != receiver).expect("a second copy");
    program.live.command(Command::KillExecutor { executor: copy });
    let (events, counts) = program.finish();
    assert_eq!(counts, counts_of(&lines));
    assert!(events.iter().any(|e| matches!(e.event, Event::ExecutorRemoved { executor, .. } if executor == copy)));
    assert_eq!(starts(&events), [receiver], "the receiver was not on it");
}

/// R21. Without it the death of the executor of a receiver would end the input for ever.
#[test]
fn r21_a_receiver_starts_again_on_another_executor() {
    let feeder = Feeder::new();
    let mut program = SocketCounts::start(&feeder, Millis(500));
    let first = some_lines(0, 40);
    program.feed(&feeder, &first);
    let died = starts(&program.live.log)[0];
    program.live.command(Command::KillExecutor { executor: died });
    program.live.until(|log| starts(log).len() == 2);
    feeder.wait_for_connections(2);
    let second = some_lines(40, 25);
    program.feed(&feeder, &second);
    let (events, counts) = program.finish();
    assert_eq!(counts, counts_of(&[first, second].concat()), "what was stored before is kept on the other executor");
    let started = starts(&events);
    assert_eq!(started[0], died);
    assert_ne!(started[1], died);
    let stopped = log::since(&events, |e| matches!(e, Event::ReceiverStopped { .. }));
    let Some(Event::ReceiverStopped { receiver }) = stopped.first().map(|e| &e.event) else {
        panic!("the loss of the receiver is announced")
    };
    assert_eq!((receiver.active, receiver.executor), (false, Some(died)));
    assert!(receiver.last_error_message.contains("is gone"), "{}", receiver.last_error_message);
}

/// Without it a socket that is closed, or that nobody listens on yet, would end the input, or would be
/// silent about why nothing comes.
#[test]
fn a_receiver_connects_again_when_the_socket_was_closed() {
    let feeder = Feeder::new();
    let mut program = SocketCounts::start(&feeder, Millis(100));
    let first = some_lines(0, 10);
    program.feed(&feeder, &first);
    feeder.write_raw("and the rest");
    feeder.hang_up();
    program.live.until(|log| starts(log).len() >= 2);
    feeder.wait_for_connections(2);
    let second = some_lines(10, 10);
    feeder.write(&second);
    let mut all = first;
    all.push("and the rest".to_owned());
    all.extend(second);
    let wanted = all.len() as u64;
    program.live.until(|log| received_records(log) == wanted);
    let (events, counts) = program.finish();
    assert_eq!(counts, counts_of(&all));
    let told = events.iter().find_map(|e| match &e.event {
        Event::ReceiverStopped { receiver } => Some(receiver.last_error_message.clone()),
        _ => None,
    });
    assert_eq!(told.as_deref(), Some("Restarting receiver with delay 50 ms: Socket data stream had no more data"));
}

/// S08. Without it a quiet socket would have no batches, or batches that fail.
#[test]
fn s08_a_quiet_socket_has_empty_batches() {
    let feeder = Feeder::new();
    let mut program = SocketCounts::start(&feeder, Millis(50));
    let completed = |log: &[Envelope]| {
        log.iter().filter(|e| matches!(e.event, Event::BatchCompleted { failure: None, .. })).count()
    };
    program.live.until(|log| completed(log) >= 3);
    let events = program.live.stop();
    let empty = events.iter().find_map(|e| match &e.event {
        Event::RddRegistered { rdd } if rdd.class == "BlockRDD" => Some(rdd.num_partitions),
        _ => None,
    });
    assert_eq!(empty, Some(0));
}

/// Without it a program would wait for ever for a socket that the virtual clock cannot hear.
#[test]
fn sockets_are_refused_under_the_virtual_clock() {
    let (result, _) = run(Loop::Sim, settings(2, &[]), |sc| {
        let ssc = StreamingContext::new(sc, INTERVAL);
        ssc.socket_text_stream("localhost", 9999).print(3);
        ssc.start()
    });
    let error = result.expect_err("it cannot run").to_string();
    assert!(error.contains("localhost:9999 cannot be read under the virtual clock"), "{error}");
}

/// Without it the window could not hold a run on threads still, and a command would not reach it.
#[test]
fn a_run_on_threads_pauses_between_two_inputs() {
    let feeder = Feeder::new();
    let mut program = SocketCounts::start(&feeder, Millis(50));
    program.live.until(|log| log.iter().any(|e| matches!(e.event, Event::BatchCompleted { .. })));
    program.live.pause();
    let held = program.live.settle();
    program.live.command(Command::KillExecutor { executor: ExecutorId(3) });
    program.live.until(|log| log.iter().any(|e| matches!(e.event, Event::FaultInjected { .. })));
    let batches = |log: &[Envelope]| log.iter().filter(|e| matches!(e.event, Event::BatchSubmitted { .. })).count();
    assert_eq!(batches(&program.live.log), batches(&held), "a command is heard, and nothing else");
    program.live.resume();
    let before = batches(&held);
    program.live.until(|log| batches(log) > before);
    let _ = program.live.stop();
}
