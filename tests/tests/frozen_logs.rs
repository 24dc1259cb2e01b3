//! Logs of every schema version that was ever released, and of real Spark: they open for ever.

use faultline::model::Model;
use faultline_engine::event::{Envelope, Event};
use faultline_engine::eventlog::LogReader;
use faultline_engine::ids::*;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

fn read(name: &str) -> Vec<Envelope> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("logs").join(name);
    let file = File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    LogReader::new(BufReader::new(file)).map(|line| line.expect("every line is understood")).collect()
}

fn fold(events: &[Envelope]) -> Model {
    let mut model = Model::default();
    events.iter().for_each(|e| model.apply(e));
    model
}

/// A log that a user saved with version 0.1 would no longer open, or say something else.
#[test]
fn faultline_0_1() {
    let events = read("faultline-0.1.jsonl");
    assert!(events.iter().enumerate().all(|(i, e)| e.seq == i as u64), "seq is gapless");
    assert!(!events.iter().any(|e| matches!(e.event, Event::Unknown { .. })));
    let model = fold(&events);
    assert_eq!(model.application.name, "word-count");
    assert_eq!(model.batches.len(), 6);
    assert_eq!(model.checkpoints.len(), 1);
    assert_eq!(model.faults.len(), 1);
    let struck = model.batches[&BatchId(6)].tally;
    assert_eq!(struck.checkpoint_partitions_read, 1, "{struck:?}");
    assert_eq!(model.run_tally().tasks, 26);
}

/// Spark's own logs would no longer open.
#[test]
fn spark_3_5() {
    for (name, at_least_jobs, removed) in [
        ("spark-3.5-batch-local.json", 1, 0),
        ("spark-3.5-faults-cluster.json", 1, 1),
        ("spark-3.5-stateful-stream.json", 1, 0),
    ] {
        let events = read(name);
        let model = fold(&events);
        assert!(model.jobs.len() >= at_least_jobs, "{name}: {} jobs", model.jobs.len());
        assert!(!model.rdds.is_empty() && !model.tasks.is_empty(), "{name}");
        let dead = model.executors.values().filter(|e| !e.alive).count();
        assert!(dead >= removed, "{name}: {dead} executors died");
    }
}
