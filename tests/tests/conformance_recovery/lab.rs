//! Programs that are run, broken off and run again over the same store.

use faultline_engine::config::EngineConfig;
use faultline_engine::error::Result;
use faultline_engine::event::{Envelope, Event};
use faultline_engine::ids::*;
use faultline_engine::object_store::{LocalObjectStore, MemoryObjectStore};
use faultline_engine::rdd::{Line, ReplayText, SparkContext};
use faultline_engine::runtime::SystemFiles;
use faultline_engine::sim::{Environment, simulate_while};
use faultline_engine::storage::Data;
use faultline_engine::streaming::{DStream, StreamingContext};
use faultline_tests::checker;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

/// The interval of all these streams.
pub const INTERVAL: Millis = Millis(1000);
/// Where their checkpoints go.
pub const DIR: &str = "checkpoints";

/// What output operations gave, batch by batch, in the order of their end.
pub type Given<T> = Arc<Mutex<Vec<(u32, Vec<T>)>>>;

/// What `given` holds, by batch; whatever a batch gave, it gave the same each time.
pub fn by_batch<T: Clone + PartialEq + std::fmt::Debug>(given: &Given<T>) -> BTreeMap<u32, Vec<T>> {
    let mut batches = BTreeMap::new();
    for (batch, records) in &*given.lock().unwrap_or_else(PoisonError::into_inner) {
        let before = batches.insert(*batch, records.clone());
        assert!(before.is_none_or(|before| before == *records), "batch {batch} gave something else when it ran again");
    }
    batches
}

/// The batches that gave something, in the order of their end.
pub fn order<T>(given: &Given<T>) -> Vec<u32> {
    given.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|(batch, _)| *batch).collect()
}

/// Gathers what a stream gives.
pub fn gather<T: Data + Ord>(stream: &DStream<T>, given: &Given<T>) {
    let given = Arc::clone(given);
    stream.for_each_rdd(move |rdd, tick| {
        let mut records = rdd.collect()?;
        records.sort();
        given.lock().unwrap_or_else(PoisonError::into_inner).push((tick.batch.0, records));
        Ok(())
    });
}

/// Both kinds of stores.
pub fn environments() -> Vec<(Environment, Option<tempfile::TempDir>)> {
    let dir = tempfile::tempdir().expect("a directory for a store");
    let local = Environment { files: Arc::new(SystemFiles), store: Arc::new(LocalObjectStore::new(dir.path())) };
    vec![(memory(), None), (local, Some(dir))]
}

/// A store in memory.
pub fn memory() -> Environment {
    Environment { files: Arc::new(SystemFiles), store: Arc::new(MemoryObjectStore::new()) }
}

/// Lines of words, `word-<line> word-<line mod 3>`.
pub fn text() -> ReplayText {
    let lines: Vec<String> = (0..40).map(|line| format!("w{line} m{}", line % 3)).collect();
    ReplayText::from_text("lines", &lines.join("\n"))
}

/// Settings of a run of `batches` batches that finds the time `start` after the epoch.
pub fn settings(batches: u32, start: Millis) -> EngineConfig {
    EngineConfig { max_batches: Some(batches), virtual_start: start, ..EngineConfig::default() }
}

/// How a run ended, and its log.
pub struct Ran {
    /// The program's result; that the driver is lost when it was broken off.
    pub result: Result<()>,
    /// Every event.
    pub log: Vec<Envelope>,
}

impl Ran {
    /// What `pick` makes of events.
    pub fn all<R>(&self, pick: impl Fn(&Event) -> Option<R>) -> Vec<R> {
        self.log.iter().filter_map(|e| pick(&e.event)).collect()
    }

    /// Whether some event is so.
    pub fn has(&self, which: impl Fn(&Event) -> bool) -> bool {
        self.log.iter().any(|e| which(&e.event))
    }
}

/// Runs any program until `crash` holds for an event.
fn run_any(
    config: EngineConfig,
    environment: &Environment,
    program: impl Fn(&SparkContext) -> Result<()> + Send + Sync + 'static,
    crash: &mut dyn FnMut(&Event) -> bool,
) -> Ran {
    let mut log = Vec::new();
    let outcome = simulate_while(config, environment, Box::new(program), &mut |events| {
        log.extend_from_slice(events);
        let crashed = events.iter().any(|e| crash(&e.event));
        if crashed { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let broken = checker::check(&log);
    assert!(broken.is_empty(), "the log breaks its grammar:\n{}", broken.join("\n"));
    Ran { result: outcome.result, log }
}

/// Runs any program to its end.
pub fn run_program(
    config: EngineConfig,
    environment: &Environment,
    program: impl Fn(&SparkContext) -> Result<()> + Send + Sync + 'static,
) -> Ran {
    run_any(config, environment, program, &mut |_| false)
}

/// Goes on in `DIR` with what `create` makes, to the end of the stream.
fn going_on(
    create: impl Fn(&SparkContext) -> Result<StreamingContext> + Send + Sync + 'static,
) -> impl Fn(&SparkContext) -> Result<()> + Send + Sync + 'static {
    move |sc| {
        let ssc = StreamingContext::get_or_create(sc, DIR, &create)?;
        ssc.start()?;
        ssc.await_termination()
    }
}

/// Runs a stream until `crash` holds for an event, as if the machine had lost its power then.
pub fn run_until(
    config: EngineConfig,
    environment: &Environment,
    create: impl Fn(&SparkContext) -> Result<StreamingContext> + Send + Sync + 'static,
    crash: impl Fn(&Event) -> bool,
) -> Ran {
    run_any(config, environment, going_on(create), &mut |event| crash(event))
}

/// Runs a stream to its end; `see` sees each event as it is announced.
pub fn run_watched(
    config: EngineConfig,
    environment: &Environment,
    create: impl Fn(&SparkContext) -> Result<StreamingContext> + Send + Sync + 'static,
    see: impl Fn(&Event),
) -> Ran {
    run_until(config, environment, create, |event| {
        see(event);
        false
    })
}

/// Runs a stream to its end.
pub fn run(
    config: EngineConfig,
    environment: &Environment,
    create: impl Fn(&SparkContext) -> Result<StreamingContext> + Send + Sync + 'static,
) -> Ran {
    run_until(config, environment, create, |_| false)
}

/// That a batch completed.
pub fn completed(number: u32) -> impl Fn(&Event) -> bool {
    move |event| matches!(event, Event::BatchCompleted { batch, .. } if batch.0 == number)
}

/// How often each word of all lines so far was there; the state is saved every two batches.
pub fn count(lines: &DStream<Line>) -> Result<DStream<(Line, u64)>> {
    count_every(lines, Millis(2000))
}

/// The same, with another interval of checkpoints.
pub fn count_every(lines: &DStream<Line>, every: Millis) -> Result<DStream<(Line, u64)>> {
    lines
        .flat_map(|line: Line| line.split(' ').collect::<Vec<_>>())
        .map(|word| (word, 1u64))
        .update_state_by_key(|_, new: Vec<u64>, old: Option<u64>| Some(old.unwrap_or(0) + new.iter().sum::<u64>()))
        .checkpoint(every)
}

/// A stream with state, of which every batch is gathered.
pub fn counting(
    given: &Given<(Line, u64)>,
) -> impl Fn(&SparkContext) -> Result<StreamingContext> + Send + Sync + 'static {
    let given = Arc::clone(given);
    move |sc| {
        let ssc = StreamingContext::new(sc, INTERVAL);
        ssc.checkpoint(DIR);
        gather(&count(&ssc.text_replay_stream(text(), 2))?, &given);
        Ok(ssc)
    }
}

/// What [`counting`] gives when nothing fails.
pub fn whole(batches: u32) -> Given<(Line, u64)> {
    let given = Given::default();
    run(settings(batches, Millis(0)), &memory(), counting(&given)).result.expect("nothing fails");
    given
}
