//! Inputs of a program: queues of RDDs, patterns of directories, receivers of its own.

#[path = "inputs_lab/files.rs"]
mod files;

use faultline_engine::command::StopMode;
use faultline_engine::config::EngineConfig;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use faultline_engine::rdd::Line;
use faultline_engine::receiver::{Clients, Numbering, Receiver, ReceiverContext};
use faultline_engine::streaming::{Dequeue, RddQueue, StreamingContext};
use faultline_tests::lab::INTERVAL;
use faultline_tests::scripted::{collect, receiving, taken};
use faultline_tests::{Loop, run, settings};
use files::file_at;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

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

/// S07. Without it RDDs of the queue that are partitioned alike would be read side by side, where Spark puts one
/// behind the other.
#[test]
fn s07_all_rdds_of_a_queue_lie_one_behind_the_other() {
    let (result, _) = run(Loop::Sim, settings(2, &[]), |sc| {
        let ssc = StreamingContext::new(sc, INTERVAL);
        let queue: RddQueue<(u32, u32)> =
            (0..2).map(|n| sc.parallelize(vec![(n, n)], 2).reduce_by_key_in(2, |a, _| a)).collect();
        let shapes = Arc::new(Mutex::new(Vec::new()));
        let inside = Arc::clone(&shapes);
        ssc.queue_stream(&queue, Dequeue::All).for_each_rdd(move |rdd, _| {
            let info = rdd.info();
            inside.lock().unwrap().push((info.class, info.num_partitions));
            Ok(())
        });
        ssc.start()?;
        ssc.await_termination()?;
        let shapes = shapes.lock().unwrap().clone();
        Ok(shapes)
    });
    let shape = |class: &str, partitions: u32| (class.to_owned(), partitions);
    assert_eq!(result, Ok(vec![shape("UnionRDD", 4), shape("EmptyRDD", 0)]));
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
    // R19.1: what it knows of read files it remembers, and so do its RDDs stay.
    let streams = log.iter().find_map(|e| match &e.event {
        Event::StreamGraphDefined { streams, .. } => Some(streams.clone()),
        _ => None,
    });
    let files = streams.into_iter().flatten().find(|stream| stream.class == "FileInputDStream");
    let window = Millis(60_000u64.div_ceil(INTERVAL.0) * INTERVAL.0);
    assert_eq!(files.expect("it is announced").remember, Some(window));
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
    let config = EngineConfig { max_batches: None, graceful_stop_timeout: Millis(60_000), ..receiving(0, &[]) };
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
    assert!((2..=4).contains(&generated.len()), "{diary:?}");
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
    assert!(again.expect("it starts again").at.ns_since(stopped_at) >= 50_000_000);
    let error = log.iter().find_map(|e| match &e.event {
        Event::ReceiverError { receiver } => Some((receiver.last_error_message.clone(), receiver.last_error.clone())),
        _ => None,
    });
    assert_eq!(error, Some(("odd".into(), "very".into())));
}

/// Stores two numbered lines of a client, is started again, and notes at each start what is known of the client.
struct Numbered {
    known: Arc<Mutex<Vec<Clients>>>,
}

impl Receiver<u32> for Numbered {
    fn name(&self) -> String {
        "NumberedReceiver".into()
    }

    fn on_start(&self, context: ReceiverContext<u32>) {
        let known = Arc::clone(&self.known);
        std::thread::spawn(move || {
            let clients = context.clients();
            let mut starts = known.lock().expect("no test thread panicked");
            starts.push(clients);
            if starts.len() == 1 {
                let numbering = Numbering { clients: Clients::from([("a".to_owned(), 2)]), duplicates: 0 };
                context.store_numbered(vec![1, 2], numbering).expect("it is accepted");
                context.restart_after("again", "", Millis(1));
            }
        });
    }
}

/// Without it a receiver that its executor starts again would take lines that it has stored for new ones.
#[test]
fn a_receiver_that_is_started_again_knows_what_it_stored() {
    let config = EngineConfig { max_batches: None, ..receiving(0, &[]) };
    let (result, _) = run(Loop::Threads, config, |sc| {
        let ssc = StreamingContext::new(sc, Millis(50));
        let known = Arc::new(Mutex::new(Vec::new()));
        let stream = ssc.receiver_stream(Numbered { known: Arc::clone(&known) }, StorageLevel::MEMORY_ONLY);
        drop(collect(&stream));
        ssc.start()?;
        let starts = || known.lock().expect("no test thread panicked").len();
        while starts() < 2 && !ssc.await_termination_or_timeout(Millis(20))? {}
        ssc.stop(StopMode::Graceful)?;
        let known = known.lock().expect("no test thread panicked").clone();
        Ok(known)
    });
    let after_two = Clients::from([("a".to_owned(), 2)]);
    assert_eq!(result.expect("the stream ends well"), [Clients::new(), after_two]);
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

/// Panics in a hook that is called where its blocks are made, as long as it is told to.
struct Fragile {
    hook: &'static str,
    panics: AtomicBool,
    starts: Arc<AtomicU32>,
}

impl Fragile {
    fn called(&self, hook: &str) {
        assert!(self.hook != hook || !self.panics.swap(false, Ordering::SeqCst), "deliberate: {hook} is broken");
    }
}

impl Receiver<u32> for Fragile {
    fn name(&self) -> String {
        "FragileReceiver".into()
    }

    fn on_start(&self, context: ReceiverContext<u32>) {
        self.starts.fetch_add(1, Ordering::SeqCst);
        context.store(1).expect("it runs");
    }

    fn on_generate_block(&self, _: InputBlockId) {
        self.called("on_generate_block");
    }

    fn on_push_block(&self, _: InputBlockId, _: Result<(), &str>) {
        self.called("on_push_block");
    }
}

/// Without it a hook that panics would end the input in silence: the driver would believe that the receiver
/// runs, and what its threads add would fill the memory.
#[test]
fn a_receiver_whose_hook_panics_is_started_again() {
    faultline_tests::quiet::silence_deliberate_panics();
    for hook in ["on_generate_block", "on_push_block"] {
        let config = EngineConfig { max_batches: None, ..receiving(0, &[]) };
        let (result, log) = run(Loop::Threads, config, move |sc| {
            let ssc = StreamingContext::new(sc, Millis(50));
            let starts = Arc::new(AtomicU32::new(0));
            let receiver = Fragile { hook, panics: AtomicBool::new(true), starts: Arc::clone(&starts) };
            let stream = ssc.receiver_stream(receiver, StorageLevel::MEMORY_ONLY);
            let outputs = collect(&stream);
            ssc.start()?;
            let again =
                || starts.load(Ordering::SeqCst) > 1 && !outputs.lock().expect("no test thread panicked").is_empty();
            let mut patience = 0..6000;
            while !again() && patience.next().is_some() && !ssc.await_termination_or_timeout(Millis(20))? {}
            assert!(again(), "{hook}: it was started again");
            ssc.stop(StopMode::Graceful)
        });
        result.expect("the stream ends well");
        let stopped = log.iter().find_map(|e| match &e.event {
            Event::ReceiverStopped { receiver } => {
                Some((receiver.last_error_message.clone(), receiver.last_error.clone()))
            }
            _ => None,
        });
        let told = ("Error in the receiver's blocks".to_owned(), format!("deliberate: {hook} is broken"));
        assert_eq!(stopped, Some(told));
    }
}
