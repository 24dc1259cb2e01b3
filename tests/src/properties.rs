//! What holds for every random program under every random plan of faults, by name: for tests with few seeds
//! and for long runs with many.

use crate::lab::{Loop, run};
use crate::plans::{self, Targets};
use crate::random::batch::{Losses, Program};
use crate::random::streams::{self, Expected, Shape};
use crate::random::{Pipeline, settings};
use crate::reruns;
use faultline_engine::config::EngineConfig;
use faultline_engine::error::Result;
use faultline_engine::event::Envelope;
use faultline_engine::rdd::SparkContext;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Batches of each program.
pub const BATCHES: u32 = 5;
/// Executors at the start.
pub const EXECUTORS: u32 = 3;

/// A property of one seed under one loop. It panics when it does not hold; the log is for further questions.
pub type Property = fn(Loop, u64) -> Vec<Envelope>;

/// Every property with its name.
pub const NAMED: [(&str, Property); 4] = [
    ("lineages", lineages),
    ("pipelines", pipelines),
    ("streams", kept_streams),
    ("local-checkpoints", local_checkpoints),
];

/// Runs a program of a seed and compares with its model; whatever fails is told with all that is random.
fn equals_model<R: Debug + PartialEq + Send + 'static>(
    loop_: Loop,
    config: EngineConfig,
    program: &impl Debug,
    body: impl FnOnce(&SparkContext) -> Result<R> + Send + 'static,
    model: &R,
) -> Vec<Envelope> {
    let (seed, faults) = (config.seed, plans::words(&config.faults));
    let told = format!("{loop_:?} seed {seed}\n{program:?}\nfaults: {faults}");
    let caught = catch_unwind(AssertUnwindSafe(|| run(loop_, config, body)));
    let (result, log) = caught.unwrap_or_else(|panic| {
        eprintln!("the run panicked: {told}");
        resume_unwind(panic)
    });
    let given = result.unwrap_or_else(|error| panic!("{error}\n{told}"));
    assert!(given == *model, "given, and then the model:\n{given:?}\n{model:?}\n{told}");
    let unexplained = reruns::unexplained(&log);
    assert!(unexplained.is_empty(), "tasks ran twice without a cause:\n{}\n{told}", unexplained.join("\n"));
    log
}

/// A lineage of any operators, kept in any way, on which batches run actions while anything fails.
fn lineages(loop_: Loop, seed: u64) -> Vec<Envelope> {
    let program = Program::of(seed, BATCHES, Losses::Possible);
    let operators = program.operators();
    let targets = Targets { executors: EXECUTORS, batches: BATCHES, operators: &operators, partitions: 5 };
    let config = EngineConfig { faults: plans::faults(seed, &targets), ..settings::of(seed, BATCHES, EXECUTORS) };
    let (model, inside) = (program.model(), program.clone());
    equals_model(loop_, config, &program, move |sc| inside.run(sc), &model)
}

/// The same with local checkpoints, while nothing that is stored gets lost.
fn local_checkpoints(loop_: Loop, seed: u64) -> Vec<Envelope> {
    let program = Program::of(seed, BATCHES, Losses::Impossible);
    let operators = program.operators();
    let targets = Targets { executors: EXECUTORS, batches: BATCHES, operators: &operators, partitions: 5 };
    let faults = plans::harmless_faults(seed, &targets);
    let config = EngineConfig { faults, ..settings::of(seed, BATCHES, EXECUTORS) };
    let (model, inside) = (program.model(), program.clone());
    equals_model(loop_, config, &program, move |sc| inside.run(sc), &model)
}

/// A template of any streams, kept in any way, while anything fails.
fn pipelines(loop_: Loop, seed: u64) -> Vec<Envelope> {
    let program = Pipeline::of(seed, BATCHES);
    let operators = program.operators();
    let targets = Targets { executors: EXECUTORS, batches: BATCHES, operators: &operators, partitions: 4 };
    let config = EngineConfig { faults: plans::faults(seed, &targets), ..settings::of(seed, BATCHES, EXECUTORS) };
    let (model, inside) = (program.model(), program.clone());
    equals_model(loop_, config, &program, move |sc| inside.run(sc), &model)
}

/// One template with state and windows, whose batches may have no RDD at all, kept in any way.
fn kept_streams(loop_: Loop, seed: u64) -> Vec<Envelope> {
    let shape = Shape::of(seed);
    let operators = ["map", "reduceByKey", "updateStateByKey", "window", "reduceByKey#2"];
    let batches = shape.batches.len() as u32;
    let targets = Targets { executors: EXECUTORS, batches, operators: &operators, partitions: shape.partitions };
    let config = EngineConfig {
        faults: plans::faults(seed, &targets),
        partitions: shape.partitions,
        memory: shape.memory,
        ..settings::of(seed, batches, EXECUTORS)
    };
    let (model, inside) = (Expected::of(&shape, batches), shape.clone());
    equals_model(loop_, config, &shape, move |sc| streams::program(sc, &inside), &model)
}
