//! The record-fate ledger against a count of its own: what scripted receivers sent, and what a sink holds.

use faultline::model::{Fate, InputUnit, Ledger, Model, Totals};
use faultline_engine::config::{BatchFailurePolicy, EngineConfig, ReceiverLogSettings};
use faultline_engine::event::*;
use faultline_engine::eventlog::{LogReader, LogWriter};
use faultline_engine::ids::*;
use faultline_engine::object_store::MemoryObjectStore;
use faultline_engine::rdd::SparkContext;
use faultline_engine::receiver::{Arrival, Arrived};
use faultline_engine::runtime::SystemFiles;
use faultline_engine::sim::{Environment, simulate};
use faultline_engine::sinks::FileSink;
use faultline_engine::streaming::StreamingContext;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What is kept of what was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    /// Nothing outlives the run.
    Nowhere,
    /// Checkpoints, and which blocks there were.
    Checkpoints,
    /// Checkpoints, and the blocks.
    Log,
}

/// A row of the guarantees, and whether it loses or doubles anything.
struct Case {
    name: &'static str,
    kept: Kept,
    level: StorageLevel,
    faults: &'static [&'static str],
    loses: bool,
    /// Without a sink: what an output operation did counts each time.
    sink: bool,
    doubles: bool,
}

const ONE_COPY: StorageLevel = StorageLevel::MEMORY_ONLY_SER;
const TWO_COPIES: StorageLevel = StorageLevel::MEMORY_AND_DISK_SER_2;

const CASES: &[Case] = &[
    Case { name: "nothing fails", ..quiet() },
    Case {
        name: "a receiver's executor dies, two copies",
        faults: &["kill:executor=1@batch=4"],
        loses: true,
        ..quiet()
    },
    Case {
        name: "a receiver's executor dies, one copy",
        level: ONE_COPY,
        faults: &["kill:executor=1@batch=4"],
        loses: true,
        ..quiet()
    },
    Case {
        name: "the driver dies, blocks in memory",
        kept: Kept::Checkpoints,
        faults: &["kill:driver@batch=4"],
        loses: true,
        ..quiet()
    },
    Case {
        name: "the driver dies after a commit, blocks in memory",
        kept: Kept::Checkpoints,
        faults: &["kill:driver@event=OutputCommitted#4"],
        loses: true,
        ..quiet()
    },
    Case { name: "the driver dies, blocks logged", kept: Kept::Log, faults: &["kill:driver@batch=4"], ..quiet() },
    Case {
        name: "the driver dies after a commit, blocks logged",
        kept: Kept::Log,
        faults: &["kill:driver@event=OutputCommitted#4", "kill:driver@batch=9"],
        ..quiet()
    },
    Case { name: "the driver dies and nothing is kept", faults: &["kill:driver@batch=4"], loses: true, ..quiet() },
    Case {
        name: "an output without a sink is done again",
        kept: Kept::Log,
        faults: &["kill:driver@event=OutputOperationCompleted#4"],
        sink: false,
        doubles: true,
        ..quiet()
    },
];

const fn quiet() -> Case {
    Case { name: "", kept: Kept::Nowhere, level: TWO_COPIES, faults: &[], loses: false, sink: true, doubles: false }
}

/// Runs a case for some batches of 100 ms, with a record every 10 ms and blocks of 50 ms.
fn run(case: &Case, out: &Path) -> Vec<Envelope> {
    let log = ReceiverLogSettings { enabled: case.kept == Kept::Log, ..ReceiverLogSettings::default() };
    let config = EngineConfig {
        max_batches: Some(40),
        block_interval: Millis(50),
        receiver_restart_delay: Millis(100),
        supervise: true,
        on_batch_failure: BatchFailurePolicy::Skip,
        receiver_log: log,
        faults: case.faults.iter().map(|fault| fault.parse().expect("a fault")).collect(),
        ..EngineConfig::default()
    };
    let (sink, level, kept) = (Arc::new(FileSink::new(out)), case.level, case.kept);
    let (into_sink, lives) = (case.sink, Arc::new(AtomicU64::new(0)));
    let program = Box::new(move |sc: &SparkContext| {
        let sink = Arc::clone(&sink);
        // A script begins again with its driver; no record is sent twice.
        let first = lives.fetch_add(1, Ordering::Relaxed) * 1000;
        let create = move |sc: &SparkContext| {
            let ssc = StreamingContext::new(sc, Millis(100));
            let script =
                move |n| (n < 100).then(|| Arrival { at: Millis(n * 10), what: Arrived::Records(vec![first + n]) });
            let records = ssc.scripted_stream(script, level);
            if into_sink {
                records.map(|n| (n, 0_u64)).save_to(sink);
            }
            records.for_each_rdd(|rdd, _| rdd.collect().map(drop));
            Ok(ssc)
        };
        let ssc = match kept {
            Kept::Nowhere => create(sc)?,
            Kept::Checkpoints | Kept::Log => StreamingContext::get_or_create(sc, "cp", create)?,
        };
        ssc.start()?;
        ssc.await_termination()
    });
    let environment = Environment { files: Arc::new(SystemFiles), store: Arc::new(MemoryObjectStore::new()) };
    let mut log = Vec::new();
    let outcome = simulate(config, &environment, program, &mut |events| log.extend_from_slice(events));
    assert_eq!(outcome.result, Ok(()), "{}", case.name);
    log
}

/// The records in the sink, and how often.
fn held(out: &Path) -> BTreeMap<u64, u64> {
    let mut held = BTreeMap::new();
    let batches = fs::read_dir(out).into_iter().flatten().map(|entry| entry.expect("it is listed").path());
    for batch in batches.filter(|path| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("batch-"))) {
        let parts =
            fs::read_dir(&batch).expect("a batch is a directory").map(|entry| entry.expect("it is listed").path());
        for part in parts.filter(|path| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("part-"))) {
            for line in fs::read_to_string(part).expect("a part is text").lines() {
                let key = line.split('\t').next().and_then(|key| key.parse().ok()).expect("a key");
                *held.entry(key).or_insert(0) += 1;
            }
        }
    }
    held
}

/// What is in each block, as it was stored. A stream that begins anew may use a name again: then both count.
fn contents(log: &[Envelope]) -> BTreeMap<InputBlockId, BTreeSet<u64>> {
    let mut contents: BTreeMap<InputBlockId, BTreeSet<u64>> = BTreeMap::new();
    for envelope in log {
        if let Event::InputBlockUpdated { block, preview: Some(preview), .. } = &envelope.event {
            assert!(preview.total <= 8, "a preview holds all of it");
            let records = preview.records.iter().map(|text| text.parse::<u64>().expect("a number"));
            contents.entry(*block).or_default().extend(records);
        }
    }
    contents
}

fn fold(log: &[Envelope]) -> Model {
    let mut model = Model::default();
    log.iter().for_each(|envelope| model.apply(envelope));
    model
}

/// The totals are the sums over the units.
fn check_sums(ledger: &Ledger, name: &str) {
    let mut sums = Totals { dropped_again: ledger.totals().dropped_again, ..Totals::default() };
    for unit in ledger.units() {
        let records = unit.records.expect("blocks know their records");
        let of_fate = match unit.fate {
            Fate::Once => &mut sums.once,
            Fate::Duplicated => &mut sums.duplicated,
            Fate::Lost => &mut sums.lost,
            Fate::Pending => &mut sums.pending,
        };
        for count in [&mut sums.received, of_fate] {
            count.units += 1;
            count.records += records;
        }
    }
    assert_eq!(&sums, ledger.totals(), "{name}");
}

/// The rows of the guarantees with receivers that acknowledge nothing. Without it the ledger would call something lost
/// that is in the sink, or not say that something is missing.
#[test]
fn what_the_ledger_says_is_what_the_sink_holds() {
    for case in CASES {
        let directory = tempfile::tempdir().expect("a directory");
        let out = directory.path().join("out");
        let log = run(case, &out);
        let (held, contents, model) = (held(&out), contents(&log), fold(&log));
        let (ledger, name) = (&model.ledger, case.name);
        check_sums(ledger, name);
        let totals = ledger.totals();
        let mut by_fate: BTreeMap<Fate, BTreeSet<u64>> = BTreeMap::new();
        for unit in ledger.units() {
            assert_ne!((unit.fate, unit.reason.is_none()), (Fate::Lost, true), "{name}: {unit:?} says why");
            if let InputUnit::Block(block) = &unit.unit {
                assert!(unit.computed > 0 || unit.fate != Fate::Once, "{name}: {unit:?} was computed");
                let records = &contents[block];
                assert_eq!(unit.records, Some(records.len() as u64), "{name}: {block}");
                by_fate.entry(unit.fate).or_default().extend(records);
            }
        }
        let of = |fate| by_fate.get(&fate).cloned().unwrap_or_default();
        assert_eq!(totals.lost.units > 0, case.loses, "{name}: {totals:?}");
        assert_eq!(totals.duplicated.units > 0, case.doubles, "{name}: {totals:?}");
        assert_eq!(totals.pending.units, 0, "{name}: the run has ended");
        if case.sink {
            assert!(held.values().all(|times| *times == 1), "{name}: {held:?}");
            let held: BTreeSet<u64> = held.into_keys().collect();
            assert!(held.len() > 20, "{name}: {held:?}");
            assert_eq!(of(Fate::Once), held, "{name}");
            assert!(of(Fate::Lost).is_disjoint(&held), "{name}");
        }
        // The log says the same when it is read back.
        let mut bytes = LogWriter::new(Vec::new());
        log.iter().for_each(|envelope| bytes.write(envelope).expect("into memory"));
        let bytes = bytes.finish().expect("into memory");
        let read: Vec<Envelope> =
            LogReader::new(bytes.as_slice()).map(|envelope| envelope.expect("it was just written")).collect();
        assert_eq!(&fold(&read).ledger, ledger, "{name}");
    }
}
