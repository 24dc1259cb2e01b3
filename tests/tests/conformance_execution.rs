//! Failing tasks, lost executors, cache levels: Spark's distributed and failure suites, run for real.

use faultline_engine::config::EngineConfig;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use faultline_engine::rdd::{Rdd, SparkContext};
use faultline_tests::quiet::silence_deliberate_panics;
use faultline_tests::{Loop, in_batches, log, run, settings};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

fn numbers(sc: &SparkContext, count: u32, partitions: u32) -> Rdd<u32> {
    sc.parallelize((0..count).collect(), partitions)
}

/// `rdd` mapped to itself, and how often that was done.
fn counted(rdd: &Rdd<u32>) -> (Rdd<u32>, Arc<AtomicU32>) {
    let calls = Arc::new(AtomicU32::new(0));
    let inside = Arc::clone(&calls);
    let mapped = rdd.map(move |v| {
        inside.fetch_add(1, Ordering::Relaxed);
        v
    });
    (mapped, calls)
}

fn sorted<T: Ord>(mut values: Vec<T>) -> Vec<T> {
    values.sort();
    values
}

/// Rows of one RDD in a log.
fn rows(log: &[Envelope], rdd: RddId) -> Vec<ReadRow> {
    log::task_ends(log).flat_map(|(_, _, m)| &m.reads).filter(|row| row.rdd == rdd).cloned().collect()
}

/// Without it a wrong partition number would reach the scheduler.
#[test]
fn l03_a_partition_that_does_not_exist() {
    for &loop_ in Loop::ALL {
        let (result, log) = run(loop_, settings(0, &[]), |sc| {
            let wrong = numbers(sc, 12, 3).run_on(&[3], |values| values.len());
            Ok(wrong.expect_err("there are partitions 0 to 2").to_string())
        });
        let text = "Attempting to access a non-existent partition: 3. Total number of partitions: 3";
        assert_eq!(result.as_deref(), Ok(text), "{loop_:?}");
        assert!(log::jobs(&log).is_empty(), "{loop_:?}");
    }
}

/// Without it a task that always fails would be tried too often or too seldom, or take the context
/// with it.
#[test]
fn t01_a_repeatedly_failing_task_fails_its_job_only() {
    silence_deliberate_panics();
    for &loop_ in Loop::ALL {
        let (result, log) = run(loop_, settings(0, &[]), |sc| {
            let bad = numbers(sc, 12, 3).map(|v| if v == 5 { panic!("deliberate: five") } else { v });
            let error = bad.count().expect_err("it always fails").to_string();
            Ok((error, numbers(sc, 12, 3).count()?))
        });
        let (error, count) = result.expect("the program goes on");
        assert!(error.contains("failed 4 times") && error.contains("deliberate: five"), "{loop_:?}: {error}");
        assert_eq!(count, 12, "{loop_:?}");
        let failed = log::task_ends(&log).filter(|(_, r, _)| matches!(r, TaskEndReason::ExceptionFailure { .. }));
        assert_eq!(failed.count(), 4, "{loop_:?}");
    }
}

/// Without it one failure in a second stage would fail the job, or repeat more than the failed task.
#[test]
fn t03_a_failure_in_a_two_stage_job_repeats_one_task() {
    silence_deliberate_panics();
    for &loop_ in Loop::ALL {
        let config = EngineConfig { executors: 1, cores: 1, task_max_failures: 2, ..settings(0, &[]) };
        let runs = Arc::new(AtomicU32::new(0));
        let inside = Arc::clone(&runs);
        let (result, _) = run(loop_, config, move |sc| {
            let groups = numbers(sc, 3, 3).map(|v| (v, v)).group_by_key_in(3);
            let squares = groups.map_partitions(move |records| {
                let first = inside.fetch_add(1, Ordering::Relaxed) == 0;
                assert!(!first, "deliberate: the first run");
                records
                    .into_iter()
                    .map(|(k, values)| (k, values.iter().map(|v| v * v).sum::<u32>()))
                    .collect::<Vec<_>>()
            });
            squares.collect()
        });
        assert_eq!(sorted(result.expect("the retry succeeds")), [(0, 0), (1, 1), (2, 4)], "{loop_:?}");
        assert_eq!(runs.load(Ordering::Relaxed), 4, "{loop_:?}");
    }
}

/// Without it a map stage that fails would leave a result that the second job takes for finished.
#[test]
fn t04_a_failing_map_stage_fails_every_job() {
    silence_deliberate_panics();
    for &loop_ in Loop::ALL {
        let (result, _) = run(loop_, settings(0, &[]), |sc| {
            let bad = numbers(sc, 4, 2).map(|v| if v < 9 { panic!("deliberate") } else { (v, v) });
            let grouped = bad.group_by_key_in(2);
            Ok((grouped.count().is_err(), grouped.count().is_err()))
        });
        assert_eq!(result, Ok((true, true)), "{loop_:?}");
    }
}

/// Without it replicas would be copies that nobody reads.
#[test]
fn f17_replicated_blocks_survive_lost_executors() {
    let faults = [
        "kill:executor=1@batch=2",
        "restart:executor=1@batch=3",
        "kill:executor=2@batch=4",
        "restart:executor=2@batch=5",
        "kill:executor=3@batch=6",
    ];
    for &loop_ in Loop::ALL {
        let (result, log) = run(loop_, settings(7, &faults), |sc| {
            let kept = numbers(sc, 4, 4).map(|v| v).persist(StorageLevel::MEMORY_ONLY_2)?;
            let again = kept.map(|v| v + 1).persist(StorageLevel::MEMORY_ONLY_2)?;
            let id = kept.id();
            kept.count()?;
            let (whole, inside) = (kept.to_debug_string(), sc.clone());
            in_batches(sc, move |batch| {
                assert_eq!(sorted(kept.collect()?), [0, 1, 2, 3], "batch {batch}");
                // Copies are made beside the program: the next executor dies when there are two of each again.
                for _ in 0..10_000 {
                    if kept.to_debug_string() == whole {
                        break;
                    }
                    inside.parallelize(vec![1u32], 1).count()?;
                }
                if batch == 7 {
                    assert_eq!(again.count()?, 4);
                    assert_eq!(again.count()?, 4);
                }
                Ok(())
            })?;
            Ok(id)
        });
        let kept = result.expect("no data is lost");
        let computed = rows(&log, kept).iter().filter(|r| r.tier == ReadTier::Computed).count();
        assert_eq!(computed, 4, "{loop_:?}: a surviving copy is read, nothing is computed twice");
    }
}

/// Without it a shuffle would not survive the loss of executors while it is written or read.
#[test]
fn f18_executors_lost_during_map_and_reduce() {
    // Round r has stages 2r (map) and 2r + 1 (reduce).
    for faults in [
        ["kill:executor=1@stage=0.task=0", "kill:executor=2@stage=2.task=1", "kill:executor=3@stage=4.task=2"],
        ["kill:executor=1@stage=1.task=0", "kill:executor=2@stage=3.task=1", "kill:executor=3@stage=5.task=2"],
    ] {
        for &loop_ in Loop::ALL {
            let config = EngineConfig { executors: 4, ..settings(0, &faults) };
            let (result, log) = run(loop_, config, |sc| {
                let pairs = numbers(sc, 1000, 8).map(|v| (v % 10, v));
                let first = pairs.group_by_key_in(8).count()?;
                let second = pairs.reduce_by_key_in(8, |a, b| a + b).count()?;
                let third: u64 = pairs.group_by_key_in(8).collect()?.iter().map(|(_, v)| v.len() as u64).sum();
                Ok((first, second, third))
            });
            assert_eq!(result, Ok((10, 10, 1000)), "{loop_:?} {faults:?}");
            let lost = log.iter().filter(|e| matches!(e.event, Event::ExecutorRemoved { .. })).count();
            assert!(lost >= 2, "{loop_:?}: the faults struck");
        }
    }
}

/// Without it a partition that fits nowhere would fail the task, or be stored in part.
#[test]
fn b10_nothing_fits() {
    for &loop_ in Loop::ALL {
        let config = EngineConfig { memory: 2000, ..settings(0, &[]) };
        let (result, log) = run(loop_, config, |sc| {
            let kept = numbers(sc, 10_000, 2).map(|v| v).cache()?;
            Ok([kept.count()?, kept.count()?, kept.count()?])
        });
        assert_eq!(result, Ok([10_000; 3]), "{loop_:?}");
        assert!(log::stored(&log).is_empty(), "{loop_:?}");
    }
}

/// Without it partial caching would lose partitions, or compute the stored ones again.
#[test]
fn b11_some_partitions_fit() {
    for &loop_ in Loop::ALL {
        let config = EngineConfig { memory: 10_000, executors: 2, ..settings(0, &[]) };
        let (result, log) = run(loop_, config, |sc| {
            let (mapped, calls) = counted(&numbers(sc, 10_000, 20));
            let kept = mapped.cache()?;
            let mut seen = Vec::new();
            for _ in 0..3 {
                assert_eq!(kept.count()?, 10_000);
                seen.push(calls.load(Ordering::Relaxed));
            }
            // The handle lives until the log is read: a dropped RDD frees its blocks.
            Ok((kept, seen))
        });
        let (_kept, calls) = result.expect("no error");
        let cached: BTreeSet<BlockId> = log::stored(&log).into_iter().map(|(block, _)| block).collect();
        assert!(!cached.is_empty() && cached.len() < 20, "{loop_:?}: {} cached", cached.len());
        let repeated = 500 * (20 - cached.len() as u32);
        let again = [calls[1] - calls[0], calls[2] - calls[1]];
        if loop_ == Loop::Sim {
            assert_eq!((calls[0], again), (10_000, [repeated; 2]), "{loop_:?}");
        }
        // On threads a task may wait too long for its executor and find room on the other one, later too.
        assert!(calls[0] == 10_000 && again[0] < 10_000, "{loop_:?}: {calls:?}");
        assert!(again[0] >= again[1] && again[1] >= repeated, "{loop_:?}: {calls:?}, {repeated} not kept at the end");
    }
}

/// Without it unpersisted blocks would occupy memory, or be read although they were given up.
#[test]
fn b14_unpersist_empties_storage_and_later_reads_recompute() {
    for &loop_ in Loop::ALL {
        let (result, log) = run(loop_, settings(0, &[]), |sc| {
            let (mapped, calls) = counted(&numbers(sc, 100, 4));
            let kept = mapped.persist(StorageLevel::MEMORY_ONLY_2)?;
            kept.count()?;
            assert!(kept.to_debug_string().contains("CachedPartitions: 4"), "{}", kept.to_debug_string());
            kept.unpersist_and_wait();
            let now = kept.to_debug_string();
            assert!(!now.contains("CachedPartitions") && !now.contains("Replicated"), "nothing is left: {now}");
            kept.count()?;
            Ok((calls.load(Ordering::Relaxed), kept))
        });
        assert_eq!(result.map(|(calls, _)| calls), Ok(200), "{loop_:?}");
        assert!(log::stored(&log).is_empty(), "{loop_:?}");
        assert!(log.iter().any(|e| matches!(e.event, Event::UnpersistRdd { .. })));
    }
}

/// Without it blocks of RDDs that nothing refers to would fill the memory of executors (R8.17).
#[test]
fn blocks_of_a_dropped_rdd_are_removed() {
    for &loop_ in Loop::ALL {
        let (result, log) = run(loop_, settings(0, &[]), |sc| {
            numbers(sc, 100, 4).map(|v| v).cache()?.count()?;
            numbers(sc, 10, 2).count()
        });
        assert_eq!(result, Ok(10), "{loop_:?}");
        assert!(log::stored(&log).is_empty(), "{loop_:?}: {:?}", log::stored(&log));
    }
}

/// Without it a block on another executor would be computed again, or copied at every read.
#[test]
fn b15_a_remote_block_is_used_and_not_copied() {
    for &loop_ in Loop::ALL {
        let config = EngineConfig { executors: 2, cores: 1, locality_wait: Millis(0), ..settings(0, &[]) };
        let (result, log) = run(loop_, config, |sc| {
            let (mapped, calls) = counted(&numbers(sc, 50, 1));
            let kept = mapped.cache()?;
            kept.count()?;
            let readers = vec![kept.clone(); 6];
            assert_eq!(sc.union(&readers).count()?, 300);
            Ok((kept.id(), calls.load(Ordering::Relaxed), kept))
        });
        let (kept, calls, _handle) = result.expect("no error");
        assert_eq!(calls, 50, "{loop_:?}");
        let holders: Vec<ExecutorId> = log::stored(&log).into_iter().map(|(_, at)| at).collect();
        let [holder] = holders[..] else { panic!("{loop_:?}: one copy, not {holders:?}") };
        let rows = rows(&log, kept);
        let remote = rows.iter().filter(|r| r.tier == ReadTier::Remote { executor: holder }).count();
        assert!(remote > 0, "{loop_:?}: {rows:?}");
    }
}

/// Without it a level would keep fewer copies than it promises.
#[test]
fn b12_every_level_keeps_what_it_promises() {
    for &loop_ in Loop::ALL {
        for (name, level) in StorageLevel::NAMED.iter().filter(|(_, level)| level.is_valid()) {
            let level = *level;
            let (result, log) = run(loop_, settings(0, &[]), move |sc| {
                let kept = numbers(sc, 1000, 10).map(|v| v).persist(level)?;
                assert_eq!((kept.count()?, kept.count()?), (1000, 1000));
                Ok(kept)
            });
            let kept = result.expect("no error");
            let stored = log::stored(&log);
            for partition in 0..10 {
                let copies =
                    stored.iter().filter(|(b, _)| *b == BlockId::new(kept.id(), PartitionId(partition))).count();
                assert_eq!(copies, usize::from(level.replication), "{loop_:?} {name} partition {partition}");
            }
            // Each copy is the data: all others die, and nothing is computed again.
            let die: Vec<String> = (1..level.replication).map(|e| format!("kill:executor={e}@batch=2")).collect();
            let die: Vec<&str> = die.iter().map(String::as_str).collect();
            let config = EngineConfig { proactive_replication: false, ..settings(2, &die) };
            let (result, _) = run(loop_, config, move |sc| {
                let (mapped, calls) = counted(&numbers(sc, 1000, 10));
                let kept = mapped.persist(level)?;
                in_batches(sc, move |_| {
                    assert_eq!(sorted(kept.collect()?), (0..1000).collect::<Vec<_>>());
                    Ok(())
                })?;
                Ok(calls.load(Ordering::Relaxed))
            });
            assert_eq!(result, Ok(1000), "{loop_:?} {name}");
        }
    }
}
