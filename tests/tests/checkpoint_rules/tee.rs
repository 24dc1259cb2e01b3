//! Writing partitions while the action's job computes them (D-01): as many files, the same bytes, fewer
//! computations.

use super::faulty_store::FaultyStore;
use super::{calls, checkpoint_jobs, counted, failures};
use faultline_engine::checkpoint::format::Manifest;
use faultline_engine::config::{CheckpointWriting, EngineConfig};
use faultline_engine::error::Result;
use faultline_engine::event::*;
use faultline_engine::rdd::SparkContext;
use faultline_tests::lab::environment;
use faultline_tests::{Loop, in_batches, log, run_on, settings};
use std::collections::BTreeMap;

fn writing(write: CheckpointWriting, config: EngineConfig) -> EngineConfig {
    EngineConfig { checkpoint_write: write, ..config }
}

/// How many partitions of each completed checkpoint were written while they were computed.
fn teed(log: &[Envelope]) -> Vec<u32> {
    let all = log.iter().filter_map(|e| match &e.event {
        Event::CheckpointCompleted { teed, .. } => Some(*teed),
        _ => None,
    });
    all.collect()
}

/// A file under a name that does not tell who wrote it; a manifest without the names of those that it lists.
fn without_attempts(key: &str, bytes: Vec<u8>) -> (String, Vec<u8>) {
    let strip = |name: &str| name.split("-attempt-").next().unwrap_or_default().to_owned();
    let bytes = match Manifest::decode(&bytes) {
        Ok(mut manifest) => {
            manifest.partitions.iter_mut().for_each(|part| part.file = strip(&part.file));
            manifest.encode()
        }
        Err(_) => bytes,
    };
    (strip(key), bytes)
}

/// The result of a program, and every file it left, under both ways of writing.
fn both_ways<R: Send + PartialEq + std::fmt::Debug + 'static>(
    loop_: Loop,
    config: &EngineConfig,
    program: fn(&SparkContext) -> Result<R>,
) -> [(R, BTreeMap<String, Vec<u8>>, Vec<Envelope>); 2] {
    [CheckpointWriting::SecondJob, CheckpointWriting::Tee].map(|write| {
        let environment = environment();
        let (result, log) = run_on(loop_, writing(write, config.clone()), &environment, program);
        let keys = super::files_in(&*environment.store);
        let files = keys.into_iter().map(|key| {
            let bytes = environment.store.get(&key).expect("read");
            without_attempts(&key, bytes)
        });
        let files = files.collect();
        (result.expect("no error"), files, log)
    })
}

/// Without it the better way of writing would compute as often as Spark's, or write something else.
#[test]
fn each_record_is_computed_once_and_the_files_are_the_same() {
    for &loop_ in Loop::ALL {
        let [(twice, second_job, _), (once, tee, log)] = both_ways(loop_, &settings(0, &[]), |sc| {
            sc.set_checkpoint_dir("checkpoints");
            let (rdd, counter) = counted(sc);
            rdd.checkpoint()?;
            assert_eq!(rdd.map(|v| v + 1).collect()?, (1..=16).collect::<Vec<_>>());
            assert!(rdd.is_checkpointed());
            assert_eq!(rdd.collect()?, (0..16).collect::<Vec<_>>());
            Ok(calls(&counter))
        });
        assert_eq!((twice, once), (32, 16), "{loop_:?}");
        assert_eq!(second_job, tee, "{loop_:?}");
        assert_eq!(tee.len(), 5, "{loop_:?}: four parts and the manifest");
        assert_eq!((checkpoint_jobs(&log), teed(&log)), (0, vec![4]), "{loop_:?}");
        let causes = log::task_ends(&log).flat_map(|(_, _, m)| &m.reads).filter_map(|r| r.cause).count();
        assert_eq!(causes, 0, "{loop_:?}: nothing is computed again");
    }
}

/// Without it an action that does not read everything would leave parts out, or count half a part as whole.
#[test]
fn a_job_writes_what_the_action_did_not_compute() {
    for &loop_ in Loop::ALL {
        let [(_, second_job, _), (_, tee, log)] = both_ways(loop_, &settings(0, &[]), |sc| {
            sc.set_checkpoint_dir("checkpoints");
            let (rdd, _) = counted(sc);
            rdd.checkpoint()?;
            let one_partition = rdd.run_on(&[2], |values| values)?;
            let (half, _) = counted(sc);
            half.checkpoint()?;
            Ok((one_partition, half.take(2)?))
        });
        assert_eq!(second_job, tee, "{loop_:?}");
        assert_eq!((checkpoint_jobs(&log), teed(&log)), (2, vec![1, 0]), "{loop_:?}");
        let second = log::of_job(&log, 1);
        assert_eq!(log::task_ends(second).count(), 3, "{loop_:?}: partition 2 was written already");
    }
}

/// Without it a marked RDD behind a shuffle, or kept in memory, would be written by nobody.
#[test]
fn map_sides_and_kept_rdds_are_written_too() {
    for &loop_ in Loop::ALL {
        let [(_, second_job, _), (computed, tee, log)] = both_ways(loop_, &settings(0, &[]), |sc| {
            sc.set_checkpoint_dir("checkpoints");
            let (rdd, counter) = counted(sc);
            let kept = rdd.cache()?;
            kept.checkpoint()?;
            let mut sums = kept.map(|v| (v % 3, v)).reduce_by_key_in(2, |a, b| a + b).collect()?;
            sums.sort_unstable();
            assert_eq!(sums, [(0, 45), (1, 35), (2, 40)]);
            Ok(calls(&counter))
        });
        assert_eq!(computed, 16, "{loop_:?}");
        assert_eq!(second_job, tee, "{loop_:?}");
        assert_eq!((checkpoint_jobs(&log), teed(&log)), (0, vec![4]), "{loop_:?}");
    }
}

/// Without it a fault between a written part and the end of its task would make a wrong checkpoint.
#[test]
fn faults_change_neither_results_nor_files() {
    for &loop_ in Loop::ALL {
        for fault in ["kill:executor=1@stage=0.task=0", "kill:executor=2@stage=0.task=3", "kill:executor=1@batch=2"] {
            let [(twice, second_job, _), (once, tee, _)] = both_ways(loop_, &settings(3, &[fault]), |sc| {
                sc.set_checkpoint_dir("checkpoints");
                let counts = counted(sc).0.map(|v| (v % 3, 1u32)).reduce_by_key_in(3, |a, b| a + b);
                counts.checkpoint()?;
                let inside = counts.clone();
                in_batches(sc, move |_| {
                    let mut values = inside.collect()?;
                    values.sort_unstable();
                    assert_eq!(values, [(0, 6), (1, 5), (2, 5)]);
                    Ok(())
                })?;
                assert!(counts.is_checkpointed());
                counts.collect()
            });
            assert_eq!(twice, once, "{loop_:?} {fault}");
            assert_eq!(second_job, tee, "{loop_:?} {fault}");
        }
    }
}

/// Without it a store that refuses a part would fail the action, although nothing of the action is lost.
#[test]
fn a_part_that_cannot_be_written_is_left_to_the_job() {
    for &loop_ in Loop::ALL {
        let store = FaultyStore::new();
        store.refuse("part-00001", 1);
        let config = writing(CheckpointWriting::Tee, settings(0, &[]));
        let (result, log) = run_on(loop_, config, &store.environment(), |sc| {
            sc.set_checkpoint_dir("checkpoints");
            let (rdd, _) = counted(sc);
            rdd.checkpoint()?;
            Ok((rdd.count()?, rdd.is_checkpointed()))
        });
        assert_eq!(result, Ok((16, true)), "{loop_:?}");
        let failed = log::task_ends(&log).filter(|(_, reason, _)| !reason.is_success()).count();
        assert_eq!((failed, failures(&log).len(), teed(&log)), (0, 0, vec![3]), "{loop_:?}");
        assert_eq!(log::task_ends(log::of_job(&log, 1)).count(), 1, "{loop_:?}: one part by a second job");
    }
}
