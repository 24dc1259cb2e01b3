//! Blocks: what is kept, how it is read, and what happens to it when executors leave, in both loops.

use faultline_engine::command::Command;
use faultline_engine::config::{EngineConfig, StorageSettings};
use faultline_engine::driver::{ClusterOp, DriverInput};
use faultline_engine::event::*;
use faultline_engine::ids::*;
use faultline_engine::rdd::{Rdd, SparkContext};
use faultline_tests::quiet::silence_deliberate_panics;
use faultline_tests::{DriverLab, Loop, in_batches, log, run, settings};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// `bytes` of text in records of 100 bytes, in one partition, and how often a record was computed.
fn text(sc: &SparkContext, bytes: u32) -> (Rdd<String>, Arc<AtomicU32>) {
    let calls = Arc::new(AtomicU32::new(0));
    let inside = Arc::clone(&calls);
    let rdd = sc.parallelize((0..bytes / 100).collect(), 1).map(move |n| {
        inside.fetch_add(1, Ordering::Relaxed);
        format!("{n:076}")
    });
    (rdd, calls)
}

fn expected(bytes: u32) -> Vec<String> {
    (0..bytes / 100).map(|n| format!("{n:076}")).collect()
}

/// How each block is kept at the end of the log, in memory and on disk, summed over executors.
fn kept(log: &[Envelope]) -> BTreeMap<BlockId, (u64, u64)> {
    let mut kept: BTreeMap<(BlockId, ExecutorId), (u64, u64)> = BTreeMap::new();
    for e in log {
        match &e.event {
            Event::BlockUpdated { executor, block, memory_bytes, disk_bytes, .. } => {
                kept.insert((*block, *executor), (*memory_bytes, *disk_bytes));
            }
            Event::BlockManagerRemoved { executor } => kept.retain(|(_, at), _| at != executor),
            _ => {}
        }
    }
    let mut sums = BTreeMap::new();
    for ((block, _), (memory, disk)) in kept.into_iter().filter(|(_, bytes)| *bytes != (0, 0)) {
        let sum: &mut (u64, u64) = sums.entry(block).or_default();
        *sum = (sum.0 + memory, sum.1 + disk);
    }
    sums
}

fn block(rdd: &Rdd<String>) -> BlockId {
    BlockId::new(rdd.id(), PartitionId(0))
}

fn one_executor(memory: u64) -> EngineConfig {
    EngineConfig { executors: 1, cores: 1, memory, chunk_len: 8, ..settings(0, &[]) }
}

/// Without it a task that panics while it reads would keep what it read in memory for ever.
#[test]
fn b08_a_task_that_panics_gives_its_locks_back() {
    silence_deliberate_panics();
    for &loop_ in Loop::ALL {
        let (result, log) = run(loop_, one_executor(6000), |sc| {
            let (first, _) = text(sc, 4000);
            let (second, _) = text(sc, 4000);
            let (first, second) = (first.cache()?, second.cache()?);
            first.count()?;
            let broken = first.map(|_| -> u32 { panic!("deliberate") });
            assert!(broken.count().is_err());
            // A reader that stops early has not read to the end either.
            assert_eq!(first.take(3)?, expected(300));
            second.count()?;
            Ok((first, second))
        });
        let (first, second) = result.expect("no error");
        let kept = kept(&log);
        assert!(!kept.contains_key(&block(&first)) && kept.contains_key(&block(&second)), "{loop_:?}: {kept:?}");
    }
}

/// Without it a partition larger than memory would be computed twice, lose records, or never be kept.
#[test]
fn b09_what_cannot_be_unrolled_goes_to_disk() {
    for level in [StorageLevel::MEMORY_AND_DISK, StorageLevel::MEMORY_AND_DISK_SER] {
        for &loop_ in Loop::ALL {
            let (result, log) = run(loop_, one_executor(12_000), move |sc| {
                let rdds: Vec<(Rdd<String>, Arc<AtomicU32>)> =
                    [3000, 3000, 3000, 40_000].map(|bytes| text(sc, bytes)).into();
                for (rdd, _) in &rdds {
                    rdd.persist(level)?.count()?;
                }
                let large = &rdds[3];
                assert_eq!(large.0.collect()?, expected(40_000), "each record once, in order");
                assert_eq!(large.1.load(Ordering::Relaxed), 400, "each record is computed once");
                Ok(rdds.into_iter().map(|(rdd, _)| rdd).collect::<Vec<_>>())
            });
            let rdds = result.unwrap_or_else(|e| panic!("{loop_:?} {level}: {e}"));
            let kept = kept(&log);
            let of = |n: usize| kept.get(&block(&rdds[n])).copied().unwrap_or_default();
            let (memory, disk) = of(3);
            assert!(memory == 0 && disk > 30_000, "{loop_:?} {level}: {kept:?}");
            assert!(of(0).0 == 0 && of(0).1 > 2000, "{loop_:?} {level}: the oldest made room: {kept:?}");
        }
    }
}

/// Without it a partition that does not fit would be computed twice, or fail a task.
#[test]
fn b09_without_a_disk_the_records_stream_on() {
    for level in [StorageLevel::MEMORY_ONLY, StorageLevel::MEMORY_ONLY_SER] {
        for &loop_ in Loop::ALL {
            let (result, log) = run(loop_, one_executor(12_000), move |sc| {
                let (large, calls) = text(sc, 40_000);
                let large = large.persist(level)?;
                assert_eq!(large.collect()?, expected(40_000));
                assert_eq!(calls.load(Ordering::Relaxed), 400);
                assert_eq!(large.collect()?, expected(40_000));
                assert_eq!(calls.load(Ordering::Relaxed), 800, "it is not kept");
                let (small, calls) = text(sc, 3000);
                let small = small.persist(level)?;
                assert_eq!((small.count()?, small.count()?), (30, 30));
                assert_eq!(calls.load(Ordering::Relaxed), 30, "the memory set aside is free again");
                Ok((large, small))
            });
            let (large, small) = result.unwrap_or_else(|e| panic!("{loop_:?} {level}: {e}"));
            let kept = kept(&log);
            assert!(!kept.contains_key(&block(&large)) && kept.contains_key(&block(&small)), "{loop_:?}: {kept:?}");
        }
    }
}

/// Without it a serialised level would be counted as if it held values.
#[test]
fn serialised_levels_hold_bytes() {
    for &loop_ in Loop::ALL {
        let size = |level: StorageLevel, off_heap_memory: u64| {
            let storage = StorageSettings { off_heap_memory, ..StorageSettings::default() };
            let config = EngineConfig { storage, ..one_executor(1 << 20) };
            let (result, log) = run(loop_, config, move |sc| {
                let rdd = sc.parallelize((0..1000u64).collect(), 1).map(|n| n % 100).persist(level)?;
                assert_eq!((rdd.count()?, rdd.count()?), (1000, 1000));
                Ok(rdd)
            });
            let rdd = result.expect("no error");
            kept(&log)[&BlockId::new(rdd.id(), PartitionId(0))]
        };
        // A header of 32 bytes and one byte a record; as values eight bytes more each.
        assert_eq!(size(StorageLevel::MEMORY_ONLY, 0), (9000, 0), "{loop_:?}");
        for level in [StorageLevel::MEMORY_ONLY_SER, StorageLevel::MEMORY_AND_DISK_SER] {
            assert_eq!(size(level, 0), (1032, 0), "{loop_:?} {level}");
        }
        assert_eq!(size(StorageLevel::DISK_ONLY, 0), (0, 1032), "{loop_:?}");
        assert_eq!(size(StorageLevel::OFF_HEAP, 0), (0, 1032), "{loop_:?}: no memory outside of the heap");
        assert_eq!(size(StorageLevel::OFF_HEAP, 1 << 20), (1032, 0), "{loop_:?}");
    }
}

/// Without it a block could be asked for in more copies than there are executors and fail, or fewer
/// would be kept than there is room for.
#[test]
fn b19_copies_are_as_many_as_asked_or_as_there_are_executors() {
    for &loop_ in Loop::ALL {
        for (executors, copies) in [(1, 3), (2, 3), (3, 3), (5, 4), (5, 5)] {
            let config = EngineConfig { executors, ..settings(0, &[]) };
            let (result, log) = run(loop_, config, move |sc| {
                let level = StorageLevel::MEMORY_ONLY.with_copies(copies).expect("fewer than 40");
                let rdd = sc.parallelize((0..100u32).collect(), 4).map(|n| n).persist(level)?;
                assert_eq!(rdd.count()?, 100);
                Ok(rdd)
            });
            let rdd = result.expect("a shortfall is no error");
            for partition in 0..4 {
                let id = BlockId::new(rdd.id(), PartitionId(partition));
                let holders = log::stored(&log).iter().filter(|(b, _)| *b == id).count();
                assert_eq!(holders, executors.min(copies.into()) as usize, "{loop_:?} {executors} {copies}");
            }
        }
    }
}

/// How many more records cannot be decoded.
static UNDECODABLE: AtomicU32 = AtomicU32::new(0);

/// A number that cannot be decoded while a test says so.
#[derive(Clone, Debug, serde::Serialize)]
struct Fragile(u32);

impl<'de> serde::Deserialize<'de> for Fragile {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let number = u32::deserialize(from)?;
        let spoilt = UNDECODABLE.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
        if spoilt.is_ok() { Err(serde::de::Error::custom("deliberate")) } else { Ok(Self(number)) }
    }
}

/// Without it a block that cannot be read would fail every attempt of every task, or fail none and be
/// taken for data (R8.9).
#[test]
fn b13_a_block_that_cannot_be_read_fails_its_reader_once() {
    for &loop_ in Loop::ALL {
        for level in [StorageLevel::DISK_ONLY, StorageLevel::MEMORY_ONLY_SER] {
            let (result, log) = run(loop_, settings(0, &[]), move |sc| {
                let calls = Arc::new(AtomicU32::new(0));
                let inside = Arc::clone(&calls);
                let rdd = sc.parallelize((0..40u32).collect(), 4).map(move |n| {
                    inside.fetch_add(1, Ordering::Relaxed);
                    Fragile(n)
                });
                let rdd = rdd.persist(level)?;
                assert_eq!(rdd.count()?, 40);
                // The next reader of a block fails at its first record.
                UNDECODABLE.store(1, Ordering::Relaxed);
                let numbers: Vec<u32> = rdd.collect()?.into_iter().map(|n| n.0).collect();
                assert_eq!(numbers, (0..40).collect::<Vec<_>>());
                assert_eq!(calls.load(Ordering::Relaxed), 50, "one partition is computed again");
                assert_eq!(rdd.count()?, 40);
                assert_eq!(calls.load(Ordering::Relaxed), 50, "and kept again");
                Ok(rdd)
            });
            let _handle = result.unwrap_or_else(|e| panic!("{loop_:?} {level}: {e}"));
            let failures: Vec<&str> = log::task_ends(&log)
                .filter_map(|(_, reason, _)| match reason {
                    TaskEndReason::ExceptionFailure { message } => Some(message.as_str()),
                    _ => None,
                })
                .collect();
            assert_eq!(failures.len(), 1, "{loop_:?} {level}: its reader fails once: {failures:?}");
            assert!(failures.iter().all(|m| m.contains("could not be read: record 0 is not a ")), "{failures:?}");
            let unreadable = log
                .iter()
                .filter(|e| matches!(e.event, Event::BlockUpdated { removal: Some(BlockRemoval::Unreadable), .. }));
            assert_eq!(unreadable.count(), 1, "{loop_:?} {level}: the driver is told");
            assert_eq!(kept(&log).len(), 4, "{loop_:?} {level}");
        }
    }
}

/// Without it a level could be changed under blocks that are stored at another one.
#[test]
fn b24_a_level_is_set_once() {
    for &loop_ in Loop::ALL {
        let (result, _) = run(loop_, settings(0, &[]), |sc| {
            let rdd = sc.parallelize(vec![1u32], 1).persist(StorageLevel::MEMORY_ONLY)?;
            let again = rdd.persist(StorageLevel::DISK_ONLY).map(drop).expect_err("another level").to_string();
            rdd.persist(StorageLevel::MEMORY_ONLY)?;
            rdd.unpersist();
            rdd.persist(StorageLevel::DISK_ONLY_3)?;
            rdd.unpersist();
            let many = StorageLevel { replication: 40, ..StorageLevel::MEMORY_ONLY };
            let many = rdd.persist(many).map(drop).expect_err("too many copies").to_string();
            rdd.persist(StorageLevel { replication: 39, ..StorageLevel::MEMORY_ONLY })?;
            Ok((again, many))
        });
        let (again, many) = result.expect("no other error");
        let text = "Cannot change storage level of an RDD after it was already assigned a level";
        assert!(again.contains(text), "{loop_:?}: {again}");
        let text = "Replication restricted to be less than 40 for calculating hash codes";
        assert!(many.contains(text), "{loop_:?}: {many}");
    }
}

/// Without it a living executor that a failed fetch made the driver forget would hold blocks that nobody
/// reads, or a dead one would be listed again (R8.12).
#[test]
fn a_forgotten_executor_that_lives_registers_again() {
    let mut lab = DriverLab::new(3, 1);
    let sc = SparkContext::detached(Arc::new(EngineConfig::default()));
    let maps = sc.parallelize((0..6u32).collect(), 2).map(|v| (v, v)).reduce_by_key_in(2, |a, b| a + b);
    let _slot = lab.submit(maps.erased());
    let (first, second) = (lab.task(0, 0, 0), lab.task(0, 0, 1));
    lab.succeed(&first);
    lab.succeed(&second);
    let reduce = lab.task(1, 0, 0);
    let registered = |lab: &DriverLab, id: ExecutorId| {
        let mut at = false;
        for e in &lab.log {
            match e.event {
                Event::BlockManagerAdded { executor, .. } if executor == id => at = true,
                Event::BlockManagerRemoved { executor } if executor == id => at = false,
                _ => {}
            }
        }
        at
    };
    lab.fail_fetch(&reduce, 0, 0, first.executor);
    assert!(!registered(&lab, first.executor), "the driver forgets what it holds");
    assert!(lab.operations.contains(&ClusterOp::ReportBlocks { executor: first.executor }));
    let reported = |executor| DriverInput::BlocksReported { executor, reports: Vec::new() };
    lab.input(reported(first.executor));
    assert!(registered(&lab, first.executor));
    lab.lose(first.executor);
    lab.input(reported(first.executor));
    assert!(!registered(&lab, first.executor), "a dead one is refused");
    lab.check();
}

/// Runs small jobs until something happened that happens beside the program, or for good.
fn until(sc: &SparkContext, happened: impl Fn() -> bool) -> faultline_engine::error::Result<()> {
    for _ in 0..10_000 {
        if happened() {
            break;
        }
        sc.parallelize(vec![1u32], 1).count()?;
    }
    Ok(())
}

/// Without it a block that lost a replica would be one loss away from being lost, and one that lost its
/// last would be looked for (R8.14).
#[test]
fn lost_replicas_are_replaced_while_one_survives() {
    for &loop_ in Loop::ALL {
        for proactive in [true, false] {
            let config = EngineConfig {
                executors: 4,
                proactive_replication: proactive,
                ..settings(2, &["kill:executor=2@batch=2"])
            };
            let (result, log) = run(loop_, config, move |sc| {
                let twice = sc.parallelize((0..80u32).collect(), 8).map(|n| n).persist(StorageLevel::MEMORY_ONLY_2)?;
                let once = sc.parallelize((0..80u32).collect(), 8).map(|n| n).cache()?;
                twice.count()?;
                let whole = twice.to_debug_string();
                let inside = once.clone();
                in_batches(sc, move |batch| if batch == 1 { inside.count().map(drop) } else { Ok(()) })?;
                // Copies are made beside the program.
                until(sc, || !proactive || twice.to_debug_string() == whole)?;
                Ok((twice, once))
            });
            let (twice, once) = result.expect("no error");
            let stored = log::stored(&log);
            let copies = |rdd: RddId, partition| {
                stored.iter().filter(|(b, _)| *b == BlockId::new(rdd, PartitionId(partition))).count()
            };
            let of = |rdd: RddId| (0..8).map(|p| copies(rdd, p)).collect::<Vec<_>>();
            assert_eq!(of(twice.id()).iter().all(|n| *n == 2), proactive, "{loop_:?}: {:?}", of(twice.id()));
            assert!(of(once.id()).contains(&0), "{loop_:?}: a single copy is gone with its executor");
        }
    }
}

fn leaves(log: &[Envelope], executor: ExecutorId) -> Option<&str> {
    log.iter().find_map(|e| match &e.event {
        Event::ExecutorRemoved { executor: gone, reason } if *gone == executor => Some(reason.as_str()),
        _ => None,
    })
}

/// Without it taking an executor out of service would cost as much as its crash.
#[test]
fn a_decommissioned_executor_loses_nothing() {
    for &loop_ in Loop::ALL {
        let (result, log) = run(loop_, settings(12, &["decommission:executor=2@batch=2"]), |sc| {
            let calls = Arc::new(AtomicU32::new(0));
            let inside = Arc::clone(&calls);
            let mapped = sc.parallelize((0..600u32).collect(), 6).map(move |n| {
                inside.fetch_add(1, Ordering::Relaxed);
                (n % 10, 1u32)
            });
            let kept = mapped.cache()?;
            let counts = kept.reduce_by_key_in(6, |a, b| a + b);
            in_batches(sc, move |batch| {
                let mut sums = counts.map(|(key, n)| (key, n)).collect()?;
                sums.sort_unstable();
                assert_eq!(sums, (0..10).map(|key| (key, 60)).collect::<Vec<_>>(), "batch {batch}");
                assert_eq!(kept.count()?, 600);
                assert_eq!(calls.load(Ordering::Relaxed), 600, "batch {batch}: nothing is computed twice");
                Ok(())
            })
        });
        result.unwrap_or_else(|e| panic!("{loop_:?}: {e}"));
        let leaving = ExecutorId(2);
        assert_eq!(leaves(&log, leaving), Some("Executor decommission: Finished decommissioning"), "{loop_:?}");
        let failed = log::task_ends(&log).filter(|(_, reason, _)| !reason.is_success()).count();
        assert_eq!((failed, log::fetch_failures(&log)), (0, 0), "{loop_:?}");
        let lost = log.iter().filter(|e| matches!(e.event, Event::MapOutputsLost { .. })).count();
        assert_eq!(lost, 0, "{loop_:?}");
        let after = log::since(&log, |e| matches!(e, Event::DecommissionStarted { .. }));
        let late = after.iter().filter(|e| matches!(&e.event, Event::TaskStart { task } if task.executor == leaving));
        assert_eq!(late.count(), 0, "{loop_:?}: no task starts there");
        let (mut blocks, mut maps) = (0, 0);
        for e in after {
            match &e.event {
                Event::BlocksMigrated { executor, blocks: moved, left } => {
                    assert!(*executor == leaving && left.is_empty() && moved.iter().all(|m| m.to != leaving));
                    blocks += moved.len();
                }
                Event::MapOutputsMigrated { from, to, maps: moved, .. } => {
                    assert!(*from == leaving && *to != leaving);
                    maps += moved.len();
                }
                _ => {}
            }
        }
        assert!(blocks > 0 && maps > 0, "{loop_:?}: {blocks} blocks and {maps} map outputs moved");
        let causes: BTreeSet<RecomputeCause> =
            log::task_ends(&log).flat_map(|(_, _, m)| &m.reads).filter_map(|row| row.cause).collect();
        assert!(!causes.iter().any(|c| c.is_loss()), "{loop_:?}: {causes:?}");
    }
}

/// Without it tasks that run on a leaving executor would be killed, or it would leave under readers.
#[test]
fn running_tasks_end_before_their_executor_leaves() {
    for &loop_ in Loop::ALL {
        // The first reduce task runs, and reads from all executors, when executor 1 is told to leave.
        let faults = ["decommission:executor=1@stage=1.task=0", "decommission:executor=3@stage=0.task=2"];
        for fault in faults {
            let (result, log) = run(loop_, settings(0, &[fault]), |sc| {
                let sums =
                    sc.parallelize((0..90u32).collect(), 9).map(|n| (n % 9, n)).reduce_by_key_in(9, |a, b| a + b);
                sums.count()
            });
            assert_eq!(result, Ok(9), "{loop_:?} {fault}");
            let failed = log::task_ends(&log).filter(|(_, reason, _)| !reason.is_success()).count();
            assert_eq!(failed, 0, "{loop_:?} {fault}");
            assert_eq!(log::successes(&log), 18, "{loop_:?} {fault}: nothing runs twice");
        }
    }
}

/// Without it switching off the migration would do nothing.
#[test]
fn what_is_not_handed_on_is_lost_with_the_executor() {
    for &loop_ in Loop::ALL {
        let storage = StorageSettings {
            decommission_rdd_blocks: false,
            decommission_shuffle_blocks: false,
            ..StorageSettings::default()
        };
        let config = EngineConfig { storage, ..settings(2, &["decommission:executor=2@batch=2"]) };
        let (result, log) = run(loop_, config, |sc| {
            let kept = sc.parallelize((0..60u32).collect(), 6).map(|n| (n % 6, n)).cache()?;
            let sums = kept.reduce_by_key_in(6, |a, b| a + b);
            let inside = kept.clone();
            in_batches(sc, move |_| {
                assert_eq!((inside.count()?, sums.count()?), (60, 6));
                Ok(())
            })?;
            // It leaves beside the program.
            until(sc, || !kept.to_debug_string().contains("CachedPartitions: 6;"))
        });
        assert_eq!(result, Ok(()), "{loop_:?}");
        let lost = log.iter().filter(|e| matches!(e.event, Event::MapOutputsLost { .. })).count();
        assert!(lost > 0, "{loop_:?}");
        let left = log.iter().find_map(|e| match &e.event {
            Event::BlocksMigrated { blocks, left, .. } => Some((blocks.len(), left.len())),
            _ => None,
        });
        assert!(matches!(left, Some((0, n)) if n > 0), "{loop_:?}: {left:?}");
        // Who was about to fetch what went with it fails to, as in Spark; nobody fails because it left.
        let failed = log::task_ends(&log).map(|(_, reason, _)| reason).filter(|reason| {
            use TaskEndReason::{FetchFailed, Resubmitted, Success};
            !matches!(reason, Success | Resubmitted | FetchFailed { .. })
        });
        let failed: Vec<_> = failed.collect();
        assert!(failed.is_empty(), "{loop_:?}: leaving is no failure: {failed:?}");
    }
}

/// Without it the last executor could be told to leave, and the program would wait for ever.
#[test]
fn commands_that_cannot_be_obeyed_are_refused() {
    let mut lab = DriverLab::new(2, 1);
    let leave = |id| DriverInput::Command(Command::DecommissionExecutor { executor: ExecutorId(id) });
    let refusal = |lab: &DriverLab| match &lab.log.last().expect("an answer").event {
        Event::CommandRejected { reason, .. } => reason.clone(),
        other => format!("{other:?}"),
    };
    lab.input(leave(7));
    assert_eq!(refusal(&lab), "executor 7 is not alive; living executors: 1, 2");
    // A task runs on executor 1, so it cannot leave at once.
    let sc = SparkContext::detached(Arc::new(EngineConfig::default()));
    let rdd = sc.parallelize(vec![1u32], 1);
    let slot = lab.submit(rdd.erased());
    let task = lab.running[0].clone();
    lab.input(leave(task.executor.0));
    lab.input(leave(task.executor.0));
    assert_eq!(refusal(&lab), format!("executor {} is being decommissioned already", task.executor));
    let other = if task.executor.0 == 1 { 2 } else { 1 };
    lab.input(leave(other));
    let text = format!("nobody could take what executor {other} holds; restart another executor first");
    assert_eq!(refusal(&lab), text);
    lab.succeed(&task);
    assert_eq!(lab.result(slot), Some(&Ok(vec![42])));
    let migrates = |op: &ClusterOp| matches!(op, ClusterOp::Migrate(order) if order.executor == task.executor);
    assert!(lab.operations.iter().any(migrates), "nothing runs there any more");
    lab.input(DriverInput::Migrated { executor: task.executor, migration: Default::default() });
    assert!(leaves(&lab.log, task.executor).is_some());
    lab.check();
}
