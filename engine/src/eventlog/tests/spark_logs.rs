//! Logs that Apache Spark wrote.

use super::{lines, read_all, write};
use crate::event::*;
use crate::ids::*;
use std::collections::{BTreeMap, BTreeSet};

/// Trimmed logs of Apache Spark 3.5.9, by name.
pub const LOGS: [(&str, &str); 3] = [
    ("batch-local", include_str!("../../../../tests/logs/spark-3.5-batch-local.json")),
    ("faults-cluster", include_str!("../../../../tests/logs/spark-3.5-faults-cluster.json")),
    ("stateful-stream", include_str!("../../../../tests/logs/spark-3.5-stateful-stream.json")),
];

fn log(name: &str) -> Vec<Envelope> {
    let (_, text) = LOGS.iter().find(|(n, _)| *n == name).expect("the log is listed");
    read_all(text.as_bytes())
}

/// How often each kind occurs, by the name of its variant, or of the unknown event.
fn counts(log: &[Envelope]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for envelope in log {
        let name = match &envelope.event {
            Event::Unknown { name, .. } => name.clone(),
            Event::TaskEnd { reason, .. } => format!("{reason:?}"),
            event => format!("{event:?}"),
        };
        let name = name.split([' ', '{']).next().unwrap_or_default().to_owned();
        *counts.entry(name).or_default() += 1;
    }
    counts
}

#[test]
fn every_line_of_a_real_log_is_an_event() {
    // Without it a log that Spark wrote could not be opened, or would be shown with holes.
    let check = |name: &str, expect: &[(&str, usize)]| {
        let log = log(name);
        let counts = counts(&log);
        for (kind, count) in expect {
            assert_eq!(counts.get(*kind), Some(count), "{name}: {kind} in {counts:?}");
        }
        let seqs: Vec<u64> = log.iter().map(|envelope| envelope.seq).collect();
        assert_eq!(seqs, (0..log.len() as u64).collect::<Vec<_>>(), "{name}: numbered without gaps");
        assert!(
            log.iter().all(|envelope| envelope.at > Timestamp(1_790_000_000_000_000_000)),
            "{name}: all have times"
        );
    };
    let batch = [("JobStart", 8), ("StageSubmitted", 12), ("StageCompleted", 12), ("TaskStart", 67), ("Success", 67)];
    check("batch-local", &batch);
    check(
        "batch-local",
        &[("ExecutorAdded", 1), ("UnpersistRdd", 2), ("ApplicationEnd", 1), ("CheckpointCompleted", 1)],
    );
    let faults = [("ExecutorAdded", 6), ("ExecutorRemoved", 4), ("FetchFailed", 11), ("ExecutorLostFailure", 2)];
    check("faults-cluster", &faults);
    check("faults-cluster", &[("TaskKilled", 1), ("Success", 89), ("JobStart", 7), ("StageSubmitted", 22)]);
    check("stateful-stream", &[("JobStart", 9), ("JobEnd", 8), ("TaskStart", 32), ("Success", 30)]);
}

#[test]
fn rdds_are_announced_before_they_are_named() {
    // Without it the lineage of a Spark log would have edges to nowhere.
    for (name, _) in LOGS {
        let mut known = BTreeSet::new();
        for Envelope { event, .. } in log(name) {
            match event {
                Event::RddRegistered { rdd } => {
                    assert!(rdd.parents.iter().all(|p| known.contains(&p.rdd)), "{name}: parents of {rdd:?}");
                    known.insert(rdd.id);
                }
                Event::CheckpointCompleted { rdd, checkpoint_rdd, .. } => {
                    assert!(known.contains(&rdd) && known.contains(&checkpoint_rdd.id), "{name}: {rdd}");
                }
                Event::JobStart { stages, .. } => {
                    assert!(stages.is_sorted_by_key(|s| s.id.stage), "{name}: parents first");
                    assert!(stages.iter().flat_map(|s| &s.rdds).all(|rdd| known.contains(rdd)), "{name}");
                }
                _ => {}
            }
        }
    }
}

/// The RDDs as they are announced first.
fn rdds(log: &[Envelope]) -> BTreeMap<RddId, RddInfo> {
    let mut rdds = BTreeMap::new();
    for envelope in log {
        if let Event::RddRegistered { rdd } = &envelope.event {
            rdds.entry(rdd.id).or_insert_with(|| rdd.clone());
        }
    }
    rdds
}

#[test]
fn shuffles_have_the_ids_that_spark_gave_them() {
    // Without it a FetchFailed would point at another shuffle than the stage that has to run again.
    let log = log("batch-local");
    let rdds = rdds(&log);
    let shuffle = |child: u32| {
        rdds[&RddId(child)].parents.iter().find_map(|p| match p.kind {
            DependencyKind::Shuffle { shuffle } => Some((p.rdd, shuffle)),
            _ => None,
        })
    };
    assert_eq!(shuffle(3), Some((RddId(2), ShuffleId(1))));
    assert_eq!(shuffle(6), Some((RddId(5), ShuffleId(0))));
    assert_eq!(shuffle(5), None, "narrow");
    let stages = log.iter().find_map(|e| match &e.event {
        Event::JobStart { stages, .. } => Some(stages.iter().map(|s| s.shuffle).collect::<Vec<_>>()),
        _ => None,
    });
    assert_eq!(stages, Some(vec![Some(ShuffleId(1)), Some(ShuffleId(0)), None]));
}

#[test]
fn a_failed_fetch_names_a_shuffle_that_its_stage_reads() {
    // Without it a part of a log, whose shuffles are numbered anew, would blame the wrong stage.
    let log = log("faults-cluster");
    let rdds = rdds(&log);
    let mut reads = BTreeMap::new();
    for Envelope { event, .. } in &log {
        match event {
            Event::StageSubmitted { stage } => {
                let parents = stage.rdds.iter().flat_map(|id| &rdds[id].parents);
                let shuffles = parents.filter_map(|p| match p.kind {
                    DependencyKind::Shuffle { shuffle } => Some(shuffle),
                    _ => None,
                });
                reads.insert(stage.id, shuffles.collect::<BTreeSet<_>>());
            }
            Event::TaskEnd { task, reason: TaskEndReason::FetchFailed { shuffle, .. }, .. } => {
                assert!(reads[&task.stage].contains(shuffle), "{} {shuffle}", task.stage);
            }
            _ => {}
        }
    }
}

#[test]
fn a_checkpoint_is_found() {
    // Without it the lesson's main picture, the cut lineage, would not show for a Spark log.
    for (name, rdd, checkpoint) in [("batch-local", 7, 13), ("faults-cluster", 7, 13), ("stateful-stream", 48, 49)] {
        let log = log(name);
        let job = log.iter().position(
            |e| matches!(&e.event, Event::JobStart { origin, .. } if origin.checkpoint_of == Some(RddId(rdd))),
        );
        let cut = log.iter().position(|e| match &e.event {
            Event::CheckpointCompleted { rdd: cut, checkpoint_rdd, .. } => {
                (cut.0, checkpoint_rdd.id.0, checkpoint_rdd.class.as_str())
                    == (rdd, checkpoint, "ReliableCheckpointRDD")
            }
            _ => false,
        });
        assert!(job.is_some() && cut > job, "{name}: job {job:?}, cut {cut:?}");
    }
}

#[test]
fn operators_come_from_scopes() {
    // Without it the RDDs of one operator in different batches would have nothing in common.
    let log = log("stateful-stream");
    let rdds = rdds(&log);
    let named: BTreeSet<&str> = rdds.values().map(|rdd| rdd.op.operator.as_str()).collect();
    assert!(named.contains("updateStateByKey") && named.contains("flatMap"), "{named:?}");
    assert!(named.iter().all(|name| !name.contains('@')), "{named:?}");
    let keys: BTreeSet<&OpKey> = rdds.values().map(|rdd| &rdd.op).collect();
    assert_eq!(keys.len(), rdds.len(), "each RDD has a key of its own");
    let state = rdds.values().find(|rdd| rdd.op.operator.as_str() == "updateStateByKey").expect("it is there");
    assert_eq!(state.scope.as_deref(), Some("batch 07:56:04.500"));
    let origins = log.iter().filter_map(|e| match &e.event {
        Event::JobStart { origin, .. } => Some((origin.batch, origin.batch_time_ms, origin.output_op)),
        _ => None,
    });
    assert_eq!(origins.take(1).collect::<Vec<_>>(), [(None, Some(1_795_334_164_500), Some(OutputOpId(0)))]);
}

#[test]
fn the_driver_is_an_executor_only_under_a_local_master() {
    // Without it the cluster's driver would appear as an executor that runs no tasks.
    let executors = |name: &str| {
        let log = log(name);
        let ids = log.iter().filter_map(|e| match &e.event {
            Event::ExecutorAdded { executor, .. } | Event::BlockManagerAdded { executor, .. } => Some(executor.0),
            _ => None,
        });
        ids.collect::<BTreeSet<u32>>()
    };
    assert_eq!(executors("batch-local"), [0].into());
    assert_eq!(executors("faults-cluster"), (0..6).collect());
}

#[test]
fn tasks_have_kinds_and_reasons_from_the_start() {
    // Without it a running result task would be drawn as a map task until it ends.
    for (name, _) in LOGS {
        let mut started = BTreeMap::new();
        for Envelope { event, .. } in log(name) {
            match event {
                Event::TaskStart { task } => {
                    started.insert(task.id, task.kind);
                }
                Event::TaskEnd { task, .. } => assert_eq!(started.get(&task.id), Some(&task.kind), "{name}: {task:?}"),
                _ => {}
            }
        }
    }
}

#[test]
fn levels_follow_the_infos() {
    // Without it an RDD persisted after its first job would look as if it were not cached.
    let text = LOGS[0].1;
    let rdds = rdds(&read_all(text.as_bytes()));
    assert_eq!(rdds[&RddId(6)].level, StorageLevel::MEMORY_ONLY);
    let submitted = lines(text.as_bytes()).into_iter().find(|line| line.contains("StageSubmitted")).unwrap();
    let again = submitted.replace(
        r#""Use Memory":false,"Use Off Heap":false,"Deserialized":false"#,
        r#""Use Memory":true,"Use Off Heap":false,"Deserialized":true"#,
    );
    let log = read_all(format!("{submitted}\n{again}\n").as_bytes());
    let changed = log.iter().filter_map(|e| match e.event {
        Event::PersistChanged { rdd, level } => Some((rdd.0, level)),
        _ => None,
    });
    assert_eq!(changed.collect::<Vec<_>>(), [2, 1, 0].map(|id| (id, StorageLevel::MEMORY_ONLY)).to_vec());
}

#[test]
fn a_spark_log_saved_by_us_reads_the_same() {
    // Without it saving an opened Spark log would lose what we do not understand.
    for (name, _) in LOGS {
        let log = log(name);
        assert_eq!(read_all(&write(&log)), log, "{name}");
    }
}
