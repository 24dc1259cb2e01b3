//! One run of one cell: a stream of numbered records, one failure at a moment that the seed chooses, and what is in
//! the batches at the end.

use super::table::{Cell, Failure, Mode, Source};
use faultline_engine::config::{BatchFailurePolicy, EngineConfig, ReceiverLogSettings, StorageSettings};
use faultline_engine::error::{EngineError, Result};
use faultline_engine::event::{Envelope, Event, Finding, StorageLevel};
use faultline_engine::ids::*;
use faultline_engine::object_store::MemoryObjectStore;
use faultline_engine::rdd::{Line, ReplayText, SparkContext};
use faultline_engine::receiver::{Arrival, Arrived, Delivery, ScriptedSource};
use faultline_engine::rng::{Rng, Seed};
use faultline_engine::runtime::SystemFiles;
use faultline_engine::sim::{Environment, simulate};
use faultline_engine::sinks::FileSink;
use faultline_engine::streaming::{DStream, Dequeue, RddQueue, StreamingContext};
use faultline_tests::quiet::DELIBERATE;
use faultline_tests::scripted::receiving;
use faultline_tests::{checker, lab};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

/// Interval of the batches.
pub const INTERVAL: Millis = Millis(100);
/// Where checkpoints go.
const DIR: &str = "app";
/// Batches of each life of a program that is not lost.
const BATCHES: u32 = 26;
/// Until when sources send, in milliseconds.
const SENDS_FOR: u64 = 700;
/// Records of an arrival, file or queued RDD are numbered from ten times its own number on.
pub const TEN: u64 = 10;
/// Lines of a batch of a replayed text.
const LINES: usize = 3;

/// The records of a batch, as one run of its output operation gave them.
#[derive(Clone, Debug)]
pub struct Output {
    /// Which run of the program gave them, from 1.
    pub life: u32,
    pub batch: u32,
    pub records: Vec<u64>,
}

/// How many records the state has seen after a batch, and their sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    pub life: u32,
    pub batch: u32,
    pub count: u64,
    pub sum: u64,
}

/// How a run differs from what its cell says.
#[derive(Clone, Debug)]
pub struct Twist {
    /// Faults instead of the one of the cell.
    pub faults: Option<Vec<String>>,
    pub executors: u32,
    /// A batch whose tasks fail while the program runs for the first time.
    pub broken: Option<u32>,
    pub policy: BatchFailurePolicy,
    /// Where a sink puts the records, too.
    pub sink: Option<PathBuf>,
}

impl Default for Twist {
    fn default() -> Self {
        // A batch whose input is gone fails, and later ones go on.
        Self { faults: None, executors: 3, broken: None, policy: BatchFailurePolicy::Skip, sink: None }
    }
}

/// What is outside of the programs.
struct World {
    cell: Cell,
    twist: Twist,
    lives: AtomicU32,
    source: Arc<ScriptedSource<u64>>,
    directory: tempfile::TempDir,
    outputs: Mutex<Vec<Output>>,
    totals: Mutex<Vec<Total>>,
}

/// What was seen of a run.
pub struct Ran {
    /// The log of each process.
    pub logs: Vec<Vec<Envelope>>,
    /// How the last one ended.
    pub result: Result<()>,
    pub outputs: Vec<Output>,
    pub totals: Vec<Total>,
    /// When each record came, if anybody was there: those of a receiver when it took them.
    pub came: BTreeMap<u64, Timestamp>,
    /// Which records each block holds.
    pub blocks: BTreeMap<InputBlockId, Vec<u64>>,
    /// What the source offered.
    pub sent: BTreeMap<u64, Timestamp>,
    /// What the source was told to be stored.
    pub acknowledged: BTreeSet<u64>,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A moment of the virtual clock.
pub fn at_ms(ms: u64) -> Timestamp {
    VIRTUAL_EPOCH.plus(Millis(ms))
}

/// How records come in this run: every so many milliseconds, so many at once.
#[derive(Clone, Copy)]
struct Rhythm {
    every: u64,
    records: u64,
}

impl Rhythm {
    fn arrivals(self) -> u64 {
        SENDS_FOR / self.every
    }

    fn records_of(self, n: u64) -> Vec<u64> {
        (n * TEN..n * TEN + self.records).collect()
    }
}

fn rhythm(cell: &Cell, rng: &mut Rng) -> Rhythm {
    match cell.source {
        Source::Files { .. } => Rhythm { every: 20, records: 2 },
        Source::Receiver { delivery: Delivery::Once, .. } => Rhythm { every: 4 + rng.below(6), records: 1 },
        Source::Receiver { .. } => Rhythm { every: 11 + rng.below(15), records: 1 + rng.below(3) },
        Source::Queue => Rhythm { every: 70, records: 4 },
        Source::Replay => Rhythm { every: 100, records: 0 },
    }
}

fn source(cell: &Cell, rhythm: Rhythm) -> Arc<ScriptedSource<u64>> {
    let delivery = match cell.source {
        Source::Receiver { delivery, .. } => delivery,
        Source::Files { .. } | Source::Replay | Source::Queue => Delivery::Once,
    };
    ScriptedSource::new(delivery, move |n| {
        let records = rhythm.records_of(n);
        // A reliable receiver stores what it acknowledges together (R17.7).
        let what = if delivery == Delivery::Once { Arrived::Records(records) } else { Arrived::Block(records) };
        (n < rhythm.arrivals()).then_some(Arrival { at: Millis(n * rhythm.every), what })
    })
}

/// Files that appear one after the other, by the clock of the simulation.
fn put_files(directory: &std::path::Path, rhythm: Rhythm) {
    for n in 0..rhythm.arrivals() {
        let path = directory.join(format!("{n:03}.txt"));
        let lines: Vec<String> = rhythm.records_of(n).iter().map(u64::to_string).collect();
        fs::write(&path, lines.join("\n")).expect("a file can be written");
        let file = File::options().write(true).open(&path).expect("the file is there");
        let at = UNIX_EPOCH + Duration::from_nanos(at_ms(1 + n * rhythm.every).0);
        file.set_modified(at).expect("a file can be dated");
    }
}

fn numbers(lines: &DStream<Line>) -> DStream<u64> {
    lines.map(|line: Line| line.parse::<u64>().expect("a line of this test is a number"))
}

/// The lines of a replayed text: the first record of each is its number.
fn text() -> ReplayText {
    let lines: Vec<String> = (0..BATCHES as usize * LINES).map(|n| n.to_string()).collect();
    ReplayText::from_text("lines", &lines.join("\n"))
}

impl World {
    fn stream(&self, ssc: &StreamingContext, life: u32, rhythm: Rhythm) -> DStream<u64> {
        let directory = self.directory.path().to_str().expect("a path of this test is Unicode");
        match self.cell.source {
            Source::Files { new_files_only } => numbers(&ssc.text_file_stream_from(directory, new_files_only)),
            Source::Receiver { copies, .. } => {
                let level = StorageLevel { replication: copies, ..StorageLevel::MEMORY_AND_DISK_SER };
                ssc.scripted_source_stream(&self.source, level)
            }
            Source::Replay => numbers(&ssc.text_replay_stream(text(), LINES)),
            Source::Queue => {
                let sc = ssc.spark_context();
                // What came once is not there again because a program starts again.
                let queued = if life == 1 { rhythm.arrivals() } else { 0 };
                let queue: RddQueue<u64> = (0..queued).map(|n| sc.parallelize(rhythm.records_of(n), 2)).collect();
                ssc.queue_stream(&queue, Dequeue::OneAtATime)
            }
        }
    }

    fn context(self: &Arc<Self>, sc: &SparkContext, life: u32, rhythm: Rhythm) -> Result<StreamingContext> {
        let ssc = StreamingContext::new(sc, INTERVAL);
        if self.cell.mode != Mode::Plain {
            ssc.checkpoint(DIR);
        }
        let records = self.stream(&ssc, life, rhythm);
        if let Some(path) = &self.twist.sink {
            records.map(|record| (record, record)).save_to(Arc::new(FileSink::new(path)));
        }
        let world = Arc::clone(self);
        records.for_each_rdd(move |rdd, tick| {
            let breaks = life == 1 && world.twist.broken == Some(tick.batch.0);
            let mut records = rdd
                .map(move |record| {
                    assert!(!breaks, "{DELIBERATE}");
                    record
                })
                .collect()?;
            records.sort_unstable();
            locked(&world.outputs).push(Output { life, batch: tick.batch.0, records });
            Ok(())
        });
        if self.cell.mode != Mode::Plain {
            let seen = records.map(|record| (record % 2, record)).update_state_by_key(
                |_, new: Vec<u64>, old: Option<(u64, u64)>| {
                    let (count, sum) = old.unwrap_or_default();
                    Some((count + new.len() as u64, sum + new.iter().sum::<u64>()))
                },
            );
            let world = Arc::clone(self);
            seen.checkpoint(Millis(300))?.for_each_rdd(move |rdd, tick| {
                let totals = rdd.collect()?;
                let (count, sum) = totals.iter().fold((0, 0), |all, (_, of)| (all.0 + of.0, all.1 + of.1));
                locked(&world.totals).push(Total { life, batch: tick.batch.0, count, sum });
                Ok(())
            });
        }
        Ok(ssc)
    }

    fn program(self: &Arc<Self>, rhythm: Rhythm) -> Box<dyn Fn(&SparkContext) -> Result<()> + Send + Sync> {
        let world = Arc::clone(self);
        Box::new(move |sc| {
            let life = world.lives.fetch_add(1, Ordering::Relaxed) + 1;
            let create = |sc: &SparkContext| world.context(sc, life, rhythm);
            let ssc = match world.cell.mode {
                Mode::Plain => create(sc)?,
                Mode::Checkpoint | Mode::Logged => StreamingContext::get_or_create(sc, DIR, create)?,
            };
            ssc.start()?;
            let ended = ssc.await_termination();
            if world.twist.policy != BatchFailurePolicy::Continue || ended.is_ok() {
                return ended;
            }
            // Later batches go on; something else keeps the program busy.
            while locked(&world.outputs).last().is_some_and(|output| output.batch < BATCHES) {
                sc.parallelize(vec![0u8], 1).count()?;
            }
            ended
        })
    }
}

/// When it strikes: at a time, or right after something happened.
fn moment(cell: &Cell, rng: &mut Rng) -> String {
    let received = matches!(cell.source, Source::Receiver { .. });
    match rng.below(8) {
        0 => format!("event=TaskStart#{}", 3 + rng.below(8)),
        1 => format!("event=BatchSubmitted#{}", 2 + rng.below(4)),
        2 if received => format!("event=ReceivedBlockAdded#{}", 3 + rng.below(8)),
        3 => format!("event=BatchStarted#{}", 2 + rng.below(4)),
        4 => format!("event=JobEnd#{}", 3 + rng.below(4)),
        // It is stored, and perhaps not logged.
        5 if received => format!("event=InputBlockUpdated#{}", 4 + rng.below(12)),
        _ => format!("time={}ms", 150 + rng.below(400)),
    }
}

fn fault(cell: &Cell, rng: &mut Rng) -> String {
    let received = matches!(cell.source, Source::Receiver { .. });
    let moment = moment(cell, rng);
    match cell.failure {
        // The receiver is started on the first executor; it leaves it only when that one is decommissioned.
        Failure::E if matches!(cell.source, Source::Receiver { copies: 1, .. }) => {
            format!("decommission:executor=1@{moment}")
        }
        Failure::E if received => format!("kill:executor={}@{moment}", 2 + rng.below(2)),
        Failure::E => format!("kill:executor={}@{moment}", 1 + rng.below(3)),
        Failure::Re => format!("kill:executor=1@{moment}"),
        Failure::D | Failure::De | Failure::DeWithStore => format!("kill:driver@{moment}"),
    }
}

fn config(cell: &Cell, twist: &Twist, seed: u64, rng: &mut Rng) -> EngineConfig {
    let faults = twist.faults.clone().unwrap_or_else(|| vec![fault(cell, rng)]);
    let faults: Vec<&str> = faults.iter().map(String::as_str).collect();
    let logged = ReceiverLogSettings { enabled: cell.mode == Mode::Logged, ..ReceiverLogSettings::default() };
    EngineConfig {
        seed,
        supervise: cell.failure == Failure::D,
        receiver_log: logged,
        executors: twist.executors,
        on_batch_failure: twist.policy,
        storage: StorageSettings { decommission_rdd_blocks: false, ..StorageSettings::default() },
        previews: false,
        ..receiving(BATCHES, &faults)
    }
}

fn process(
    config: EngineConfig,
    environment: &Environment,
    world: &Arc<World>,
    rhythm: Rhythm,
) -> (Result<()>, Vec<Envelope>) {
    let mut log = Vec::new();
    let outcome = simulate(config, environment, world.program(rhythm), &mut |events| log.extend_from_slice(events));
    let broken = checker::check(&log);
    assert!(broken.is_empty(), "the log breaks its grammar:\n{}", broken.join("\n"));
    (outcome.result, log)
}

/// Runs a cell once.
pub fn run(cell: &Cell, seed: u64) -> Ran {
    run_twisted(cell, seed, Twist::default())
}

/// Runs something like a cell once.
pub fn run_twisted(cell: &Cell, seed: u64, twist: Twist) -> Ran {
    let mut rng = Seed(seed).fork("guarantees").rng();
    let rhythm = rhythm(cell, &mut rng);
    let world = Arc::new(World {
        cell: *cell,
        twist,
        lives: AtomicU32::new(0),
        source: source(cell, rhythm),
        directory: tempfile::tempdir().expect("a directory for files"),
        outputs: Mutex::default(),
        totals: Mutex::default(),
    });
    if matches!(cell.source, Source::Files { .. }) {
        put_files(world.directory.path(), rhythm);
    }
    let config = config(cell, &world.twist, seed, &mut rng);
    let environment = lab::environment();
    let (mut result, log) = process(config.clone(), &environment, &world, rhythm);
    let mut logs = vec![log];
    if matches!(cell.failure, Failure::De | Failure::DeWithStore) {
        assert_eq!(result, Err(EngineError::DriverLost), "the first process is gone");
        let end = logs[0].last().map_or(VIRTUAL_EPOCH, |last| last.at);
        let later = Millis(end.ns_since(VIRTUAL_EPOCH) / 1_000_000 + 300 + rng.below(700));
        let environment = match cell.failure {
            Failure::DeWithStore => {
                Environment { files: Arc::new(SystemFiles), store: Arc::new(MemoryObjectStore::new()) }
            }
            _ => environment,
        };
        let config = EngineConfig { virtual_start: later, faults: Vec::new(), ..config };
        let (again, log) = process(config, &environment, &world, rhythm);
        result = again;
        logs.push(log);
    }
    observed(&world, rhythm, logs, result)
}

fn observed(world: &World, rhythm: Rhythm, logs: Vec<Vec<Envelope>>, result: Result<()>) -> Ran {
    let numbered = |n: u64, at: Timestamp| rhythm.records_of(n).into_iter().map(move |record| (record, at));
    let sent: BTreeMap<u64, Timestamp> = match world.cell.source {
        Source::Files { .. } => (0..rhythm.arrivals()).flat_map(|n| numbered(n, at_ms(1 + n * rhythm.every))).collect(),
        Source::Receiver { .. } => (0..rhythm.arrivals()).flat_map(|n| numbered(n, at_ms(n * rhythm.every))).collect(),
        // Batch n reads it, if there is one.
        Source::Replay => {
            (0..u64::from(BATCHES) * LINES as u64).map(|line| (line, at_ms((line / LINES as u64) * 100))).collect()
        }
        Source::Queue => (0..rhythm.arrivals()).flat_map(|n| numbered(n, at_ms(0))).collect(),
    };
    let mut came = sent.clone();
    if matches!(world.cell.source, Source::Receiver { .. }) {
        came.clear();
        for (n, at) in world.source.heard() {
            for record in rhythm.records_of(n) {
                came.entry(record).or_insert(at);
            }
        }
    }
    let blocks = world.source.blocks().into_iter();
    let blocks = blocks.map(|(id, arrivals)| (id, arrivals.into_iter().flat_map(|n| rhythm.records_of(n)).collect()));
    Ran {
        logs,
        result,
        outputs: locked(&world.outputs).clone(),
        totals: locked(&world.totals).clone(),
        came,
        blocks: blocks.collect(),
        sent,
        acknowledged: world.source.acknowledged().into_iter().flat_map(|n| rhythm.records_of(n)).collect(),
    }
}

impl Ran {
    /// Every event with its time, process by process.
    pub fn events(&self) -> impl Iterator<Item = (Timestamp, &Event)> {
        self.logs.iter().flatten().map(|e| (e.at, &e.event))
    }

    /// The events before the failure, and when it was noticed.
    ///
    /// # Panics
    /// When nothing failed.
    pub fn before_failure(&self) -> (Timestamp, &[Envelope]) {
        let failure = |e: &Envelope| matches!(e.event, Event::ExecutorRemoved { .. } | Event::DriverLost { .. });
        let at = self.logs[0].iter().position(failure).expect("something fails");
        (self.logs[0][at].at, &self.logs[0][..at])
    }

    /// Every record that a batch gave.
    pub fn given(&self) -> BTreeSet<u64> {
        self.outputs.iter().flat_map(|output| output.records.iter().copied()).collect()
    }

    /// Findings of a kind.
    pub fn findings<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Finding> {
        self.events().filter_map(move |(_, event)| match event {
            Event::FindingReported { finding } if finding.kind == kind => Some(finding),
            _ => None,
        })
    }

    /// Records of batches that were completed before the failure.
    pub fn processed(&self) -> BTreeSet<u64> {
        let (_, before) = self.before_failure();
        let completed: BTreeSet<u32> = before
            .iter()
            .filter_map(|e| match &e.event {
                Event::BatchCompleted { batch, failure: None, .. } => Some(batch.0),
                _ => None,
            })
            .collect();
        let first = self.outputs.iter().filter(|output| output.life == 1 && completed.contains(&output.batch));
        first.flat_map(|output| output.records.iter().copied()).collect()
    }
}
