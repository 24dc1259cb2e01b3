//! What is received in the log of its stream: under both loops, with a store that can be looked at.

use faultline_engine::config::{BatchFailurePolicy, EngineConfig, ReceiverLogSettings};
use faultline_engine::driver::ReceivedRecord;
use faultline_engine::error::Result;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use faultline_engine::object_store::{Harm, HostileStore, MemoryObjectStore, ObjectStore};
use faultline_engine::receiver::{Arrival, Arrived, ReceivedBlock};
use faultline_engine::runtime::SystemFiles;
use faultline_engine::sim::Environment;
use faultline_engine::storage::{codec_of, values_of};
use faultline_engine::streaming::StreamingContext;
use faultline_engine::write_ahead::{LogSettings, read_all, read_record};
use faultline_tests::Loop;
use faultline_tests::lab::run_on;
use faultline_tests::scripted::{collect, received, receiving, taken, ticking};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Records by batch.
type Batches = Vec<(u32, Vec<u64>)>;

/// With a log, in segments of a second.
pub fn logging(batches: u32, faults: &[&str]) -> EngineConfig {
    let settings = LogSettings { roll_every: Millis(1000), ..LogSettings::default() };
    EngineConfig {
        checkpoint_dir: Some("app".to_owned()),
        receiver_log: ReceiverLogSettings {
            enabled: true,
            blocks: settings,
            metadata: settings,
            ..ReceiverLogSettings::default()
        },
        ..receiving(batches, faults)
    }
}

/// Runs a stream of a script with a store for some batches of 100 ms.
pub fn streamed(
    loop_: Loop,
    config: EngineConfig,
    store: &Arc<dyn ObjectStore>,
    level: StorageLevel,
    script: impl Fn(u64) -> Option<Arrival<u64>> + Send + Sync + 'static,
) -> (Result<Batches>, Vec<Envelope>) {
    let environment = Environment { files: Arc::new(SystemFiles), store: Arc::clone(store) };
    run_on(loop_, config, &environment, move |sc| {
        let ssc = StreamingContext::new(sc, Millis(100));
        if let Some(dir) = &sc.config().checkpoint_dir {
            ssc.checkpoint(dir);
        }
        let outputs = collect(&ssc.scripted_stream(script, level));
        ssc.start()?;
        ssc.await_termination()?;
        Ok(taken(&outputs))
    })
}

fn memory() -> Arc<dyn ObjectStore> {
    Arc::new(MemoryObjectStore::new())
}

/// The directory of a log, by the end of its name.
fn log_of(store: &dyn ObjectStore, end: &str) -> String {
    let keys = store.list("").expect("the store can be listed");
    let mut logs = keys.iter().filter_map(|key| key.rsplit_once('/')).map(|(log, _)| log);
    logs.find(|log| log.ends_with(end)).expect("there is such a log").to_owned()
}

/// Blocks that the driver logged.
fn blocks(store: &dyn ObjectStore) -> Vec<ReceivedBlock> {
    let contents = read_all(store, &log_of(store, "receivedBlockMetadata")).expect("the log can be read");
    assert!(contents.damage.is_empty(), "{:?}", contents.damage);
    let records =
        contents.records.iter().map(|record| serde_json::from_slice(&record.bytes).expect("a record of the driver"));
    let added = records.filter_map(|record| match record {
        ReceivedRecord::BlockAdded { block } => Some(block),
        _ => None,
    });
    added.collect()
}

/// The records of a block by its handle.
fn logged_records(store: &dyn ObjectStore, block: &ReceivedBlock) -> Vec<u64> {
    let bytes = read_record(store, block.handle.as_ref().expect("it is logged")).expect("the handle is right");
    let stored = codec_of::<u64>().wrap(bytes.into()).expect("it is a block");
    values_of::<u64>(&*stored).expect("of this type").into_vec()
}

/// Tiers from which input blocks were read.
fn tiers(log: &[Envelope]) -> Vec<ReadTier> {
    let ends = log.iter().filter_map(|e| match &e.event {
        Event::TaskEnd { metrics, .. } => Some(metrics.reads.iter().map(|row| row.tier)),
        _ => None,
    });
    ends.flatten().collect()
}

fn all(batches: &Batches) -> Vec<u64> {
    batches.iter().flat_map(|(_, values)| values.clone()).collect()
}

/// Under the wall clock a busy machine hears its records late.
fn batches_for(loop_: Loop, batches: u32) -> u32 {
    if loop_ == Loop::Threads { 40 } else { batches }
}

/// Without it a block would be acknowledged that is in memory only, or kept twice although it is logged.
#[test]
fn r10_what_is_received_is_stored_once_and_logged() {
    for &loop_ in Loop::ALL {
        let store = memory();
        let level = StorageLevel::MEMORY_AND_DISK_2;
        // One segment each, which is never deleted.
        let receiver_log = ReceiverLogSettings { enabled: true, ..ReceiverLogSettings::default() };
        let config = EngineConfig { receiver_log, ..logging(batches_for(loop_, 12), &[]) };
        let (batches, log) = streamed(loop_, config, &store, level, ticking(40, 10));
        let got: BTreeSet<u64> = all(&batches.expect("the stream ends well")).into_iter().collect();
        assert_eq!(got, (0..40).collect(), "{loop_:?}");
        let mut holders: Vec<(InputBlockId, ExecutorId)> = Vec::new();
        for e in &log {
            if let Event::InputBlockUpdated { executor, block, level, .. } = &e.event
                && level.is_valid()
            {
                assert_eq!((level.deserialized, level.replication), (false, 1), "{loop_:?}: R18.3");
                holders.push((*block, *executor));
            }
        }
        assert_eq!(holders.len(), received(&log).len(), "{loop_:?}: one copy each");
        let logged: BTreeSet<u64> = blocks(&*store).iter().flat_map(|block| logged_records(&*store, block)).collect();
        assert_eq!(logged, got, "{loop_:?}: the log has the same");
        assert!(!tiers(&log).contains(&ReadTier::WriteAheadLog), "{loop_:?}: blocks are read where they are stored");
    }
    let run = || streamed(Loop::Sim, logging(12, &[]), &memory(), StorageLevel::MEMORY_ONLY, ticking(40, 10)).1;
    assert_eq!(run(), run(), "the same script gives the same log");
}

/// Without it the loss of one executor would lose what its receiver had stored and acknowledged.
#[test]
fn r17_blocks_that_are_lost_are_read_from_the_log() {
    for &loop_ in Loop::ALL {
        let store = memory();
        let config = logging(batches_for(loop_, 14), &["kill:executor=1@batch=3"]);
        let level = StorageLevel::MEMORY_ONLY;
        let (batches, log) = streamed(loop_, config, &store, level, ticking(60, 10));
        let got = all(&batches.unwrap_or_else(|error| panic!("{loop_:?}: {error}")));
        let unique: BTreeSet<u64> = got.iter().copied().collect();
        assert_eq!(unique.len(), got.len(), "{loop_:?}: each once");
        let accepted: u64 = received(&log).iter().map(|(_, records)| records).sum();
        assert_eq!(got.len() as u64, accepted, "{loop_:?}: everything that was accepted is there");
        let read = tiers(&log);
        assert!(read.contains(&ReadTier::WriteAheadLog), "{loop_:?}: the log is read where nothing else is left");
        let names = log.iter().filter_map(|e| match &e.event {
            Event::RddRegistered { rdd } if rdd.class.ends_with("BlockRDD") => Some(rdd.class.clone()),
            _ => None,
        });
        assert_eq!(names.collect::<BTreeSet<_>>(), BTreeSet::from(["WriteAheadLogBackedBlockRDD".to_owned()]));
    }
}

/// Without it a source would be told that records arrived which are stored nowhere.
#[test]
fn r11_a_block_that_cannot_be_stored_is_not_acknowledged() {
    let told = |log: &[Envelope]| {
        let stops = log.iter().filter_map(|e| match &e.event {
            Event::ReceiverStopped { receiver } => Some(receiver.last_error_message.clone()),
            _ => None,
        });
        stops.filter(|message| message.contains("could not be stored")).count()
    };
    // The directory of the log cannot be written, from the moment when the stream runs.
    let run = |from: u64| {
        let hostile = HostileStore::new(memory());
        hostile.harm(from..u64::MAX, Harm::FailsBefore);
        let store: Arc<dyn ObjectStore> = Arc::new(hostile);
        let config = EngineConfig { on_batch_failure: BatchFailurePolicy::Continue, ..logging(8, &[]) };
        streamed(Loop::Sim, config, &store, StorageLevel::MEMORY_ONLY, ticking(40, 10))
    };
    let runs = |log: &[Envelope]| log.iter().any(|e| matches!(e.event, Event::ReceiverStarted { .. }));
    let (batches, log) = (1..).map(run).find(|(_, log)| runs(log)).expect("a stream that runs");
    assert_eq!(all(&batches.unwrap_or_default()), [0; 0]);
    assert!(received(&log).is_empty() && told(&log) > 1, "each time it is started again, it fails again");
    let held = log.iter().rev().find_map(|e| match &e.event {
        Event::InputBlockUpdated { level, .. } => Some(level.is_valid()),
        _ => None,
    });
    assert_eq!(held, Some(false), "what was stored before the log failed goes");
    // The block manager has no room.
    let config = EngineConfig { memory: 16, ..logging(8, &[]) };
    let (_, log) = streamed(Loop::Sim, config, &memory(), StorageLevel::MEMORY_ONLY, ticking(40, 10));
    assert!(received(&log).is_empty() && told(&log) > 1);
}

/// Without it one failure of the store would stop a receiver for good (D-14).
#[test]
pub fn one_failure_of_the_store_does_not_end_the_receiver() {
    let hostile = HostileStore::new(memory());
    hostile.harm(20..40, Harm::FailsBefore);
    let store: Arc<dyn ObjectStore> = Arc::new(hostile);
    // Blocks wait while the store fails: as many as the queue has.
    let config =
        EngineConfig { block_queue_size: 1, on_batch_failure: BatchFailurePolicy::Continue, ..logging(30, &[]) };
    let (batches, log) = streamed(Loop::Sim, config, &store, StorageLevel::MEMORY_ONLY, ticking(250, 10));
    let got = all(&batches.expect("the stream ends well"));
    assert!(got.contains(&240), "it goes on: {got:?}");
    let accepted: u64 = received(&log).iter().map(|(_, records)| records).sum();
    assert_eq!(got.len() as u64, accepted, "and what it was told is true");
}

/// Without it a program would believe that its input is logged.
#[test]
fn r19_a_log_without_a_checkpoint_directory_is_refused() {
    for &loop_ in Loop::ALL {
        let config = EngineConfig { checkpoint_dir: None, ..logging(3, &[]) };
        let (batches, _) = streamed(loop_, config, &memory(), StorageLevel::MEMORY_ONLY, ticking(5, 10));
        let error = batches.expect_err("it does not start").to_string();
        let expected = "Cannot enable receiver write-ahead log without checkpoint directory set. \
                        Please use streamingContext.checkpoint() to set the checkpoint directory";
        assert!(error.starts_with(expected), "{loop_:?}: {error}");
    }
}

/// Without it the logs of a stream that runs for days would fill every disk.
#[test]
fn r20_old_segments_are_deleted_and_needed_ones_are_not() {
    let store = memory();
    let environment = Environment { files: Arc::new(SystemFiles), store: Arc::clone(&store) };
    let (result, _) = run_on(Loop::Sim, logging(100, &[]), &environment, |sc| {
        let ssc = StreamingContext::new(sc, Millis(100));
        if let Some(dir) = &sc.config().checkpoint_dir {
            ssc.checkpoint(dir);
        }
        let level = StorageLevel::MEMORY_ONLY;
        let plain = collect(&ssc.scripted_stream(ticking(950, 10), level));
        let windowed = ssc.scripted_stream(ticking(950, 10), level).window(Millis(3000), Millis(100))?;
        let windowed = collect(&windowed);
        ssc.start()?;
        ssc.await_termination()?;
        Ok((taken(&plain), taken(&windowed)))
    });
    let (plain, _) = result.expect("the stream ends well");
    assert_eq!(all(&plain), (0..950).collect::<Vec<u64>>());
    for (end, least) in [("receivedData/0", 1), ("receivedData/1", 3), ("receivedBlockMetadata", 3)] {
        let log = log_of(&*store, end);
        let left = faultline_engine::object_store::segments_of(&*store, &log).unwrap();
        // Ten seconds, a segment each.
        let (first, last) = (left[0], left[left.len() - 1]);
        assert!(last >= 8 && first > 1, "{end}: {left:?}");
        assert!(left.len() >= least && left.len() <= 6, "{end}: {left:?}");
    }
}

/// Without it an overdue receiver of a script would hide what a block costs that is logged.
#[test]
fn a_slow_store_delays_blocks_under_the_virtual_clock() {
    let first = |slowness: &[&str]| {
        let script = |n: u64| (n == 0).then(|| Arrival { at: Millis(150), what: Arrived::Block(vec![1]) });
        let (_, log) = streamed(Loop::Sim, logging(30, slowness), &memory(), StorageLevel::MEMORY_ONLY, script);
        let added = log.iter().find(|e| matches!(e.event, Event::ReceivedBlockAdded(_)));
        added.expect("the block is accepted").at
    };
    let (fast, slow) = (first(&[]), first(&["slow:store,factor=100@batch=1"]));
    assert!(slow.ns_since(fast) > 200_000_000, "{fast:?} {slow:?}");
}

/// R18.3. Without it a store that hangs would hold a receiver for ever, which has no answer and no reason to start
/// again.
#[test]
fn r18_3_a_block_that_takes_longer_than_30_s_to_store_has_failed() {
    let script = |n: u64| (n == 0).then(|| Arrival { at: Millis(250), what: Arrived::Block(vec![1]) });
    let run = |slowness: &str| {
        let faults = [format!("slow:store,factor={slowness}@batch=1")];
        let faults: Vec<&str> = faults.iter().map(String::as_str).collect();
        let mut config = logging(3, &faults);
        // Batches wait for their log, so that the stream still runs by then.
        config.receiver_log.metadata_timeout = Millis(600_000);
        streamed(Loop::Sim, config, &memory(), StorageLevel::MEMORY_ONLY, script).1
    };
    let stop = |log: &[Envelope]| {
        log.iter().find_map(|e| match &e.event {
            Event::ReceiverStopped { receiver } if receiver.last_error_message.contains("could not be stored") => {
                Some((e.at.ns_since(VIRTUAL_EPOCH) / 1_000_000_000, receiver.last_error.clone()))
            }
            _ => None,
        })
    };
    let (at, error) = stop(&run("100000")).expect("it fails");
    assert_eq!(at, 30, "after 30 s and not when the store is done");
    assert!(error.contains("longer than 30000 ms, which is spark.streaming.receiver.blockStoreTimeout"), "{error}");
    assert_eq!(stop(&run("100")), None, "a store that is slow is waited for");
}
