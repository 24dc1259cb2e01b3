//! A lineage of 100 000 narrow RDDs: the loop of a program that forgot to checkpoint.

use faultline::model::Model;
use faultline::scene::{self, Filter, SceneCache};
use faultline_engine::config::EngineConfig;
use faultline_engine::event::{Envelope, Event};
use faultline_engine::lineage::to_debug_string;
use faultline_engine::rdd::{Rdd, SparkContext};
use faultline_tests::lab::{Loop, run};

/// As many as the issue names.
const DEPTH: u32 = 100_000;

fn chain(sc: &SparkContext) -> Rdd<u64> {
    let mut rdd = sc.parallelize((0..8u64).collect(), 2);
    for _ in 0..DEPTH {
        rdd = rdd.map(|x| x + 1);
    }
    rdd
}

fn settings() -> EngineConfig {
    EngineConfig { executors: 2, ..EngineConfig::default() }
}

/// Runs the chain and drops it before the end.
fn logged(loop_: Loop) -> Vec<Envelope> {
    let (result, log) = run(loop_, settings(), |sc| {
        let rdd = chain(sc);
        let numbers = rdd.collect()?;
        let lines = rdd.to_debug_string().lines().count();
        drop(rdd);
        // Another job, after which the driver looks at what was released.
        let rest = sc.parallelize(vec![1u64], 1).count()?;
        Ok((numbers, lines, rest))
    });
    let (numbers, lines, rest) = result.expect("the chain is computed");
    assert_eq!(numbers, (0..8u64).map(|x| x + u64::from(DEPTH)).collect::<Vec<_>>());
    assert!(lines >= DEPTH as usize, "{lines} lines");
    assert_eq!(rest, 1);
    let released = log.iter().filter(|e| matches!(e.event, Event::RddReleased { .. })).count();
    assert!(released > DEPTH as usize, "{released} RDDs are released");
    log
}

/// The stack would overflow while the chain is computed, told, walked or dropped; or its cost would
/// grow with the square of its length and this test never end.
#[test]
fn a_chain_of_100_000_rdds_runs_under_the_virtual_clock() {
    let log = logged(Loop::Sim);
    let mut model = Model::default();
    let mut scenes = SceneCache::default();
    let mut drawn = 0;
    for envelope in &log {
        model.apply(envelope);
        if matches!(envelope.event, Event::JobEnd { .. }) && drawn == 0 {
            let scene = scenes.get(&model, &Filter::default());
            drawn = scene.nodes.len();
            let folded = scene.nodes.iter().find(|n| n.rdds.len() > 1000).expect("the chain is folded");
            assert_eq!(folded.title, "parallelize · map ×100\u{202f}000");
            assert_eq!(folded.subtitle, "100\u{202f}001 RDDs");
            let last = folded.rdds[folded.rdds.len() - 1];
            let text = to_debug_string(
                &model.lineage_graph(last),
                last,
                Default::default(),
                |id| model.block_summary(id),
                200,
            );
            assert_eq!(text.lines().count(), 201);
        }
    }
    assert!(drawn > 0 && drawn < 5, "{drawn} nodes");
    assert!(scene::build(&model, &Filter::default()).nodes.len() < 10);
}

/// The same on threads, whose stacks are smaller than that of main.
#[test]
fn a_chain_of_100_000_rdds_runs_on_threads() {
    logged(Loop::Threads);
}
