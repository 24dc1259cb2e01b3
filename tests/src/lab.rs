//! Runs a program under a loop, and holds every log against the grammar of events.

use crate::checker;
use faultline_engine::config::{EngineConfig, SchedulerConfig};
use faultline_engine::error::{EngineError, Result};
use faultline_engine::event::Envelope;
use faultline_engine::ids::Millis;
use faultline_engine::object_store::MemoryObjectStore;
use faultline_engine::rdd::SparkContext;
use faultline_engine::runtime::{self, SystemFiles};
use faultline_engine::sim::{Environment, Program, simulate};
use faultline_engine::streaming::StreamingContext;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

/// Which loop runs the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loop {
    /// One input at a time under a virtual clock.
    Sim,
    /// Threads under the wall clock.
    Threads,
}

impl Loop {
    /// Every loop there is.
    pub const ALL: &[Self] = &[Self::Sim, Self::Threads];
}

/// An environment with an empty store in memory.
pub fn environment() -> Environment {
    Environment { files: Arc::new(SystemFiles), store: Arc::new(MemoryObjectStore::new()) }
}

/// A program that cannot be run again: for runs whose driver is not killed.
pub fn once(program: impl FnOnce(&SparkContext) -> Result<()> + Send + 'static) -> Program {
    let program = Mutex::new(Some(program));
    Box::new(move |sc| {
        let program = program.lock().unwrap_or_else(PoisonError::into_inner).take();
        program.expect("only a driver that is killed runs it again")(sc)
    })
}

/// Runs `program` to its end. The log is complete and obeys the grammar of events, or this panics.
pub fn run<R: Send + 'static>(
    loop_: Loop,
    config: EngineConfig,
    program: impl FnOnce(&SparkContext) -> Result<R> + Send + 'static,
) -> (Result<R>, Vec<Envelope>) {
    run_on(loop_, config, &environment(), program)
}

/// As [`run`], on a given environment.
pub fn run_on<R: Send + 'static>(
    loop_: Loop,
    config: EngineConfig,
    environment: &Environment,
    program: impl FnOnce(&SparkContext) -> Result<R> + Send + 'static,
) -> (Result<R>, Vec<Envelope>) {
    let value = Arc::new(Mutex::new(None));
    let slot = Arc::clone(&value);
    let body = once(move |sc: &SparkContext| {
        let value = program(sc)?;
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
        Ok(())
    });
    let mut log = Vec::new();
    let mut sink = |events: &[Envelope]| log.extend_from_slice(events);
    let outcome = match loop_ {
        Loop::Sim => simulate(config.clone(), environment, body, &mut sink),
        Loop::Threads => runtime::run(config.clone(), environment, body, &mut sink),
    };
    let broken = checker::check(&log);
    assert!(broken.is_empty(), "{loop_:?} {config:?}\nthe log breaks its grammar:\n{}", broken.join("\n"));
    let value = value.lock().unwrap_or_else(PoisonError::into_inner).take();
    let result = outcome.result.map(|()| value.expect("a program that succeeds leaves its value"));
    (result, log)
}

/// Batch interval of test programs: short, because threads wait for it.
pub const INTERVAL: Millis = Millis(20);

/// Settings for `batches` batches, with waits that threads can afford, and faults as the command line
/// spells them.
pub fn settings(batches: u32, faults: &[&str]) -> EngineConfig {
    EngineConfig {
        max_batches: Some(batches),
        faults: faults.iter().map(|spec| spec.parse().expect("a fault as the command line spells it")).collect(),
        loss_detection: Millis(20),
        resubmit_delay: Millis(20),
        locality_wait: Millis(20),
        scheduler: SchedulerConfig {
            heartbeat_interval: Millis(20),
            network_timeout: Millis(60),
            ..SchedulerConfig::default()
        },
        ..EngineConfig::default()
    }
}

/// Calls `body` once per batch, so that faults planned for a batch strike between two calls and the
/// driver knows of them at once. Ends after the last batch of the settings.
///
/// # Errors
/// That of the first call that fails.
pub fn in_batches(sc: &SparkContext, body: impl Fn(u32) -> Result<()> + Send + Sync + 'static) -> Result<()> {
    let batches = sc.config().max_batches.expect("the settings say how many batches there are") as usize;
    let ssc = StreamingContext::new(sc, INTERVAL);
    ssc.prepared_stream(vec![Some(vec![0u8]); batches], 1).for_each_rdd(move |_, tick| body(tick.batch.0));
    ssc.start()?;
    ssc.await_termination()
}

/// `program` gives `expect` under both loops.
///
/// # Panics
/// When it gives something else.
pub fn returns<R: PartialEq + Debug + Send + 'static>(
    program: impl Fn(&SparkContext) -> Result<R> + Clone + Send + 'static,
    expect: Result<R>,
) {
    for &loop_ in Loop::ALL {
        assert_eq!(run(loop_, settings(0, &[]), program.clone()).0, expect, "{loop_:?}");
    }
}

/// What a program gives that asks for what there is not.
///
/// # Errors
/// Always.
pub fn refusal<T>(text: &str) -> Result<T> {
    Err(EngineError::IllegalArgument(text.into()))
}
