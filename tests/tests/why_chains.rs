//! The chain "why", over real runs: what it says is what the run recorded.

use faultline::model::{Model, Sign};
use faultline::opening::{LINES_PER_BATCH, default_text};
use faultline::scene::Focus;
use faultline::scene::why::{MAX_FOLDED, MAX_STEPS, Served, Step, Why, why};
use faultline_engine::config::EngineConfig;
use faultline_engine::event::{Envelope, Event, StorageLevel};
use faultline_engine::ids::*;
use faultline_engine::programs::{self, ProgramInput};
use faultline_tests::{Loop, run};

fn program(name: &str, config: EngineConfig) -> Vec<Envelope> {
    let program = programs::find(name).expect("a built-in program");
    let input = ProgramInput::replay(default_text(&program, config.seed), LINES_PER_BATCH);
    let (result, log) = run(Loop::Sim, config, move |sc| program.run(sc, &input));
    result.expect("the program succeeds");
    log
}

/// Word count, executor 2 killed before batch 8.
fn demo(change: impl FnOnce(&mut EngineConfig)) -> Vec<Envelope> {
    let mut config = EngineConfig {
        max_batches: Some(8),
        faults: vec!["kill:executor=2@batch=8".parse().expect("a fault")],
        ..EngineConfig::default()
    };
    change(&mut config);
    program("word-count", config)
}

#[test]
fn look() {
    let log = demo(|_| {});
    let mut model = Model::default();
    let mut last = String::new();
    for envelope in &log {
        model.apply(envelope);
        let Some(state) =
            model.operators.get(&OperatorName::from("updateStateByKey")).and_then(|o| o.get(&Some(BatchId(8))))
        else {
            continue;
        };
        for id in [state.back().unwrap(), &RddId(41), &RddId(32), &RddId(28)] {
            let text = why(&model, Focus::Partition(BlockId::new(*id, PartitionId(1)))).text();
            if text != last {
                println!("--- {id} after {}\n{text}", envelope.seq);
            }
            last = text;
        }
    }
    for task in [90, 99, 104] {
        println!("---\n{}", why(&model, Focus::Task(TaskId(task))).text());
    }
    let log = demo(|c| {
        c.checkpoint.insert("updateStateByKey".into(), 0);
        c.max_batches = Some(12);
        c.faults = vec!["kill:executor=2@batch=12".parse().expect("a fault")];
    });
    let mut model = Model::default();
    log.iter().for_each(|e| model.apply(e));
    let state = model.operators[&OperatorName::from("updateStateByKey")][&Some(BatchId(12))].back().copied().unwrap();
    println!("---\n{}", why(&model, Focus::Partition(BlockId::new(state, PartitionId(1)))).text());
    let log = program(
        "page-rank",
        EngineConfig {
            faults: vec![
                "kill:executor=2@job=1".parse().unwrap_or("kill:executor=2@stage=9,task=1".parse().expect("f")),
            ],
            ..EngineConfig::default()
        },
    );
    let mut model = Model::default();
    log.iter().for_each(|e| model.apply(e));
    let last = model.rdds.values().rfind(|r| r.partitions.iter().any(|p| p.computed > 0)).unwrap();
    println!("---\n{}", why(&model, Focus::Partition(BlockId::new(last.info.id, PartitionId(1)))).text());
    for r in model.rdds.values().rev().filter(|r| r.partitions.iter().any(|p| p.recomputed)).take(6) {
        let p = r.partitions.iter().position(|p| p.recomputed).unwrap();
        println!(
            "---{}\n{}",
            r.info.callsite,
            why(&model, Focus::Partition(BlockId::new(r.info.id, PartitionId(p as u32)))).text()
        );
    }
}
