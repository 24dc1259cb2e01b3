//! RDD checkpoints: Spark's checkpoint suites, run for real.

use faultline_engine::event::*;
use faultline_engine::rdd::{Rdd, SparkContext};
use faultline_tests::lab::environment;
use faultline_tests::{Loop, in_batches, log, run, run_on, settings};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Sixteen numbers in four partitions through a counting map, with a checkpoint directory set.
fn counted(sc: &SparkContext) -> (Rdd<u32>, Arc<AtomicU32>) {
    sc.set_checkpoint_dir("checkpoints");
    let calls = Arc::new(AtomicU32::new(0));
    let inside = Arc::clone(&calls);
    let mapped = sc.parallelize((0..16u32).collect(), 4).map(move |v| {
        inside.fetch_add(1, Ordering::Relaxed);
        v
    });
    (mapped, calls)
}

fn calls(counter: &AtomicU32) -> u32 {
    counter.load(Ordering::Relaxed)
}

/// Without it a program without a directory would fail later, at an action far from the cause.
#[test]
fn k01_no_checkpoint_directory() {
    for &loop_ in Loop::ALL {
        let (result, _) = run(loop_, settings(0, &[]), |sc| {
            Ok(sc.parallelize(vec![1u32], 1).checkpoint().expect_err("there is no directory").to_string())
        });
        assert_eq!(result.as_deref(), Ok("Checkpoint directory has not been set in the SparkContext"), "{loop_:?}");
    }
}

/// Without it the lineage would be cut too early, never, or to something else than was computed.
#[test]
fn k02_the_action_cuts_the_lineage() {
    for &loop_ in Loop::ALL {
        let (result, _) = run(loop_, settings(0, &[]), |sc| {
            sc.set_checkpoint_dir("checkpoints");
            let source = sc.parallelize(vec![1u32, 2, 3, 4], 2);
            let flat = source.flat_map(|v| 1..=v);
            flat.checkpoint()?;
            assert!(!flat.is_checkpointed());
            assert_eq!(flat.info().parents[0].rdd, source.id());
            let first = flat.collect()?;
            assert!(flat.is_checkpointed() && flat.checkpoint_file().is_some());
            assert_eq!(flat.info().parents.len(), 1);
            assert_ne!(flat.info().parents[0].rdd, source.id());
            Ok((first, flat.collect()?))
        });
        let (first, second) = result.expect("no error");
        assert_eq!(first, [1, 1, 2, 1, 2, 3, 1, 2, 3, 4], "{loop_:?}");
        assert_eq!(first, second, "{loop_:?}");
    }
}

/// Without it the price of a checkpoint that nobody cached for would be hidden (R9.6).
#[test]
fn k05_an_uncached_checkpoint_computes_twice() {
    for &loop_ in Loop::ALL {
        let (result, log) = run(loop_, settings(0, &[]), |sc| {
            let (rdd, counter) = counted(sc);
            rdd.checkpoint()?;
            rdd.count()?;
            Ok(calls(&counter))
        });
        assert_eq!(result, Ok(32), "{loop_:?}");
        assert_eq!(log::jobs(&log).len(), 2, "{loop_:?}");
        let causes: Vec<RecomputeCause> =
            log::task_ends(&log).flat_map(|(_, _, m)| &m.reads).filter_map(|r| r.cause).collect();
        assert!(
            !causes.is_empty() && causes.iter().all(|c| *c == RecomputeCause::CheckpointJob),
            "{loop_:?}: {causes:?}"
        );
    }
}

/// Without it caching before a checkpoint would not save the second computation.
#[test]
fn k06_a_cached_checkpoint_computes_once() {
    for &loop_ in Loop::ALL {
        let (result, log) = run(loop_, settings(0, &[]), |sc| {
            let (rdd, counter) = counted(sc);
            let rdd = rdd.cache()?;
            rdd.checkpoint()?;
            rdd.count()?;
            Ok(calls(&counter))
        });
        assert_eq!(result, Ok(16), "{loop_:?}");
        assert_eq!(log::jobs(&log).len(), 2, "{loop_:?}");
    }
}

/// Without it a checkpoint would hold only the partitions that the action touched.
#[test]
fn k08_an_action_on_one_partition_writes_all() {
    for &loop_ in Loop::ALL {
        let environment = environment();
        let (result, log) = run_on(loop_, settings(0, &[]), &environment, |sc| {
            let (rdd, _) = counted(sc);
            rdd.checkpoint()?;
            rdd.take(1)?;
            Ok(rdd.checkpoint_file().expect("written"))
        });
        let dir = result.expect("no error");
        let parts = log.iter().find_map(|e| match &e.event {
            Event::CheckpointCompleted { parts, .. } => Some(parts.clone()),
            _ => None,
        });
        let parts = parts.expect("announced");
        assert_eq!(parts.len(), 4, "{loop_:?}");
        for part in parts {
            let bytes = environment.store.get(&format!("{dir}/{}", part.file)).expect("the file exists");
            assert_eq!(bytes.len() as u64, part.bytes, "{loop_:?} {}", part.file);
        }
    }
}

/// Without it two marks on one path would be written when one is enough (R9.4).
#[test]
fn k09_only_the_nearest_mark_is_written() {
    for &loop_ in Loop::ALL {
        let (result, _) = run(loop_, settings(0, &[]), |sc| {
            let (first, _) = counted(sc);
            let second = first.map(|v| v + 1);
            first.checkpoint()?;
            second.checkpoint()?;
            second.count()?;
            Ok((first.is_checkpointed(), second.is_checkpointed()))
        });
        assert_eq!(result, Ok((false, true)), "{loop_:?}");
    }
}

/// Without it a stream would leave marked ancestors unwritten, and its lineage would grow (R9.4).
#[test]
fn k09_jobs_of_a_stream_write_every_mark() {
    for &loop_ in Loop::ALL {
        let (result, _) = run(loop_, settings(1, &[]), |sc| {
            let (first, _) = counted(sc);
            let second = first.map(|v| v + 1);
            let (a, b) = (first.clone(), second.clone());
            in_batches(sc, move |_| {
                a.checkpoint()?;
                b.checkpoint()?;
                b.count()?;
                Ok(())
            })?;
            Ok((first.is_checkpointed(), second.is_checkpointed()))
        });
        assert_eq!(result, Ok((true, true)), "{loop_:?}");
    }
}

/// Without it an empty RDD could not be checkpointed.
#[test]
fn k11_a_checkpoint_without_partitions() {
    for &loop_ in Loop::ALL {
        let (result, _) = run(loop_, settings(0, &[]), |sc| {
            sc.set_checkpoint_dir("checkpoints");
            let empty = sc.empty_rdd::<u32>();
            empty.checkpoint()?;
            assert!(!empty.is_checkpointed(), "no job has run");
            let count = empty.count()?;
            Ok((count, empty.is_checkpointed()))
        });
        assert_eq!(result, Ok((0, true)), "{loop_:?}");
    }
}

/// Without it the loss of every executor would cost the lineage behind a checkpoint.
#[test]
fn k16_all_executors_lost_reads_files() {
    let mut faults = Vec::new();
    for executor in 1..=3 {
        faults.push(format!("kill:executor={executor}@batch=2"));
        faults.push(format!("restart:executor={executor}@batch=2"));
    }
    let faults: Vec<&str> = faults.iter().map(String::as_str).collect();
    for &loop_ in Loop::ALL {
        let (result, log) = run(loop_, settings(2, &faults), |sc| {
            let (rdd, counter) = counted(sc);
            let kept = rdd.cache()?;
            kept.checkpoint()?;
            let inside = kept.clone();
            in_batches(sc, move |_| {
                assert_eq!(inside.collect()?, (0..16).collect::<Vec<u32>>());
                Ok(())
            })?;
            Ok((kept, calls(&counter)))
        });
        let (kept, calls) = result.expect("no error");
        assert_eq!(calls, 16, "{loop_:?}: upstream is not called again");
        let reads: Vec<ReadTier> = log::task_ends(&log)
            .flat_map(|(_, _, m)| &m.reads)
            .filter(|row| row.rdd == kept.id() && row.tier == ReadTier::Checkpoint)
            .map(|row| row.tier)
            .collect();
        assert_eq!(reads.len(), 4, "{loop_:?}: each partition from its file");
        assert_eq!(log::stored(&log).len(), 4, "{loop_:?}: and cached again");
    }
}

/// Without it unpersisting after a checkpoint would lose the data.
#[test]
fn k17_unpersist_after_checkpoint_reads_files() {
    for &loop_ in Loop::ALL {
        let (result, _) = run(loop_, settings(0, &[]), |sc| {
            let (rdd, counter) = counted(sc);
            let kept = rdd.cache()?;
            kept.checkpoint()?;
            let before = kept.collect()?;
            kept.unpersist();
            assert_eq!(kept.collect()?, before);
            Ok(calls(&counter))
        });
        assert_eq!(result, Ok(16), "{loop_:?}");
    }
}
