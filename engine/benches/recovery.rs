//! A driver that goes on from ten checkpoints and a log of 10⁵ received blocks, on a real directory, against
//! reading and parsing the same files by plain calls.
//!
//! The directory is what a simulated driver left that died when its window still needed every block. The next
//! driver is timed from its first call: until it says from where it goes on, and until its first batch completed,
//! whose blocks are read back from the receivers' log.

mod rounds;

use faultline_engine::config::{EngineConfig, ReceiverLogSettings};
use faultline_engine::error::Result;
use faultline_engine::event::{Event, StorageLevel};
use faultline_engine::ids::{Millis, VIRTUAL_EPOCH};
use faultline_engine::object_store::{LocalObjectStore, MemoryObjectStore, ObjectStore, PutMode};
use faultline_engine::rdd::SparkContext;
use faultline_engine::receiver::{Arrival, Arrived, Delivery, ScriptedSource};
use faultline_engine::runtime::SystemFiles;
use faultline_engine::sim::{Environment, simulate_while};
use faultline_engine::streaming::StreamingContext;
use rounds::{contest, entry, rounds_asked, scaled};
use std::fs;
use std::hint::black_box;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const BLOCKS: usize = 100_000;
const BATCHES: u64 = 20;
const ROUNDS: usize = 5;
const DIR: &str = "app";
const INTERVAL: Millis = Millis(10_000);

/// A program that counts what it received, of each batch and of all batches together.
fn program(sc: &SparkContext, source: &Arc<ScriptedSource<u64>>) -> Result<()> {
    let ssc = StreamingContext::get_or_create(sc, DIR, |sc| {
        let ssc = StreamingContext::new(sc, INTERVAL);
        ssc.checkpoint(DIR);
        let records = ssc.scripted_source_stream(source, StorageLevel::MEMORY_AND_DISK_SER);
        records.for_each_rdd(|rdd, _| rdd.count().map(|_| ()));
        let all = Millis(INTERVAL.0 * BATCHES);
        records.window(all, all)?.for_each_rdd(|rdd, _| rdd.count().map(|_| ()));
        Ok(ssc)
    })?;
    ssc.start()?;
    ssc.await_termination()
}

fn config(start: Millis) -> EngineConfig {
    let receiver_log = ReceiverLogSettings { enabled: true, ..ReceiverLogSettings::default() };
    EngineConfig { receiver_log, virtual_start: start, ..EngineConfig::default() }
}

/// One life on `store` from `start`, until an event ends it. Returns the virtual milliseconds since the beginning at that
/// event.
fn live(store: &Arc<dyn ObjectStore>, start: Millis, each: Millis, ends: impl Fn(&Event) -> bool) -> u64 {
    let records = move |n: u64| Some(Arrival { at: Millis(each.0 * (n + 1)), what: Arrived::Block(vec![n]) });
    let source = ScriptedSource::new(Delivery::Once, records);
    let environment = Environment { files: Arc::new(SystemFiles), store: Arc::clone(store) };
    let mut at = 0;
    let inside = Box::new(move |sc: &SparkContext| program(sc, &source));
    let outcome = simulate_while(config(start), &environment, inside, &mut |events| match events
        .iter()
        .find(|envelope| ends(&envelope.event))
    {
        Some(envelope) => {
            at = envelope.at.ns_since(VIRTUAL_EPOCH) / 1_000_000;
            ControlFlow::Break(())
        }
        None => ControlFlow::Continue(()),
    });
    assert!(at > 0, "it ended before: {:?}", outcome.result.err().map(|error| error.to_string()));
    at
}

/// What a driver left that died after `blocks` blocks.
fn left_behind(blocks: u64) -> (Arc<dyn ObjectStore>, Millis) {
    let store: Arc<dyn ObjectStore> = Arc::new(MemoryObjectStore::new());
    let each = Millis((INTERVAL.0 * (BATCHES - 2) / blocks).max(1));
    let received = AtomicU64::new(0);
    let at = live(&store, Millis(0), each, |event| {
        let added = u64::from(matches!(event, Event::ReceivedBlockAdded { .. }));
        received.fetch_add(added, Ordering::Relaxed) + added == blocks
    });
    (store, Millis(at))
}

fn copy(from: &dyn ObjectStore, root: &Path) -> Arc<dyn ObjectStore> {
    let to = LocalObjectStore::new(root);
    for key in from.list("").expect("it can be listed") {
        let bytes = from.get(&key).expect("it was listed");
        to.put(&key, &bytes, PutMode::Create).expect("the disk takes it");
    }
    Arc::new(to)
}

/// Reads every file below a directory, and parses what is JSON in it; the sum of all lengths.
fn read_plainly(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).expect("a directory");
    let each = entries.map(|entry| {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            return read_plainly(&path);
        }
        let bytes = fs::read(&path).expect("a file");
        for piece in bytes.split(|byte| *byte < 0x20 || *byte > 0x7e).filter(|piece| piece.starts_with(b"{")) {
            black_box(serde_json::from_slice::<serde_json::Value>(piece).ok());
        }
        bytes.len() as u64
    });
    each.sum()
}

fn main() {
    let blocks = scaled(BLOCKS, 400) as u64;
    let (left, at) = left_behind(blocks);
    let root = tempfile::tempdir().expect("a directory can be made");
    let keys = left.list("").expect("it can be listed");
    let checkpoints = keys.iter().filter(|key| key.contains("/checkpoint-")).count();
    // A driver changes what it goes on from, so each has a copy of its own.
    let copies = 2 * (rounds_asked(ROUNDS) + 1);
    let mut fresh = (0..copies).map(|n| copy(&*left, &root.path().join(n.to_string()))).collect::<Vec<_>>();
    let mut second = fresh.split_off(copies / 2);
    copy(&*left, &root.path().join("plain"));
    let plain = root.path().join("plain");
    contest(
        &format!("going on from {checkpoints} checkpoints and {blocks} received blocks"),
        ROUNDS,
        vec![
            entry("until the first batch completed", || {
                let store = fresh.pop().expect("one for each round");
                live(&store, at, Millis(1000), |event| matches!(event, Event::BatchCompleted { .. }))
            }),
            entry("until it says from where", || {
                let store = second.pop().expect("one for each round");
                live(&store, at, Millis(1000), |event| matches!(event, Event::StreamingRecovered { .. }))
            }),
            entry("the same files read and parsed", || read_plainly(&plain)),
        ],
    );
}
