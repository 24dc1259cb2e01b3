//! Local checkpoints: Spark's `LocalCheckpointSuite`, and what the loss of an executor does (R10).

use super::{calls, checkpoint_jobs, counted, failures, findings};
use faultline_engine::event::*;
use faultline_engine::ids::*;
use faultline_tests::{Loop, in_batches, log, run, settings};
use std::sync::{Arc, Mutex};

/// Without it the lineage would be cut too early, never, or to something else than was computed.
#[test]
fn k02_a_local_checkpoint_cuts_the_lineage() {
    for &loop_ in Loop::ALL {
        let (result, log) = run(loop_, settings(0, &[]), |sc| {
            let source = sc.parallelize(vec![1u32, 2, 3, 4], 2);
            let flat = source.flat_map(|v| 1..=v).local_checkpoint();
            assert!(!flat.is_checkpointed());
            assert_eq!(flat.info().parents[0].rdd, source.id());
            let first = flat.collect()?;
            assert!(flat.is_checkpointed() && flat.checkpoint_file().is_none());
            assert_eq!((flat.info().parents.len(), flat.lineage_len()), (1, 2));
            let text = flat.to_debug_string();
            Ok((first, flat.collect()?, text))
        });
        let (first, second, text) = result.expect("no error");
        assert_eq!(first, [1, 1, 2, 1, 2, 3, 1, 2, 3, 4], "{loop_:?}");
        assert_eq!(first, second, "{loop_:?}");
        let lines: Vec<&str> = text.lines().collect();
        let level = "[Disk Memory Deserialized 1x Replicated]";
        assert!(lines[0].starts_with("(2) MapPartitionsRDD[1] at flatMap at local.rs:"), "{text}");
        assert!(lines[1].starts_with(" |       CachedPartitions: 2; MemorySize: "), "{text}");
        assert!(lines[2].starts_with(" |  LocalCheckpointRDD[2] at collect at local.rs:"), "{text}");
        assert!(lines.len() == 3 && [lines[0], lines[2]].iter().all(|line| line.ends_with(level)), "{text}");
        let marked = log.iter().any(|e| matches!(e.event, Event::CheckpointMarked { local: true, .. }));
        assert!(marked && checkpoint_jobs(&log) == 0, "{loop_:?}: the action computed every partition");
    }
}

/// Without it an action that touched one partition would leave the others without lineage and without data.
#[test]
fn k08_only_missing_partitions_are_computed() {
    for &loop_ in Loop::ALL {
        let (result, log) = run(loop_, settings(0, &[]), |sc| {
            let (rdd, counter) = counted(sc);
            let rdd = rdd.local_checkpoint();
            rdd.run_on(&[0], |values| values.len())?;
            assert!(rdd.is_checkpointed());
            let after_first = calls(&counter);
            assert_eq!(rdd.collect()?, (0..16).collect::<Vec<_>>());
            Ok((after_first, calls(&counter)))
        });
        assert_eq!(result, Ok((16, 16)), "{loop_:?}: each record once");
        let jobs = log::jobs(&log);
        assert_eq!((jobs.len(), checkpoint_jobs(&log)), (3, 1), "{loop_:?}");
        let tasks = log::task_ends(log::of_job(&log, 1)).count();
        assert_eq!(tasks, 3, "{loop_:?}: partition 0 was there");
        assert_eq!(log::stored(&log).len(), 4, "{loop_:?}");
    }
}

/// Without it a local checkpoint could be evicted, and be gone.
#[test]
fn k19_the_level_gets_a_disk() {
    let disk = |level: StorageLevel| StorageLevel { use_disk: true, ..level };
    for &loop_ in Loop::ALL {
        let levels = [StorageLevel::MEMORY_ONLY, StorageLevel::MEMORY_ONLY_SER_2, StorageLevel::DISK_ONLY];
        for asked in std::iter::once(None).chain(levels.map(Some)) {
            for before in [true, false] {
                let (result, log) = run(loop_, settings(0, &[]), move |sc| {
                    let (mut rdd, _) = counted(sc);
                    if let Some(level) = asked.filter(|_| before) {
                        rdd = rdd.persist(level)?;
                    }
                    rdd = rdd.local_checkpoint();
                    if let Some(level) = asked.filter(|_| !before) {
                        rdd = rdd.persist(level)?;
                    }
                    let level = rdd.info().level;
                    rdd.collect()?;
                    assert!(rdd.is_checkpointed());
                    Ok((rdd.id(), level))
                });
                let (id, level) = result.expect("no error");
                assert_eq!(level, asked.map_or(StorageLevel::MEMORY_AND_DISK, disk), "{loop_:?} {asked:?} {before}");
                let held = log::stored(&log);
                let blocks = (0..4).filter(|p| held.iter().any(|(b, _)| *b == BlockId::new(id, PartitionId(*p))));
                assert_eq!(blocks.count(), 4, "{loop_:?} {asked:?} {before}");
            }
        }
    }
}

const TEXT: &str = "not found! Either the executor that originally checkpointed this partition is no longer alive, or the \
                    original RDD is unpersisted. If this problem persists, you may consider using `rdd.checkpoint()` \
                    instead, which is slower than local checkpointing but more fault-tolerant.";

/// Without it the loss of a block would be explained by nothing, or by a wrong result.
#[test]
fn k20_a_missing_block_fails_and_says_so() {
    for &loop_ in Loop::ALL {
        let faults = ["drop:block=map/2@batch=2"];
        let (result, log) = run(loop_, settings(3, &faults), |sc| {
            let (rdd, _) = counted(sc);
            let (rdd, kept) = (rdd.local_checkpoint(), Arc::new(Mutex::new(Vec::new())));
            let (inside, ends) = (rdd.clone(), Arc::clone(&kept));
            in_batches(sc, move |_| {
                let end = inside.collect().map(|v| v.len()).map_err(|e| e.to_string());
                ends.lock().expect("no test panics while it holds this").push(end);
                Ok(())
            })?;
            let ends = kept.lock().expect("no test panics while it holds this").clone();
            Ok((rdd.id(), ends))
        });
        let (id, ends) = result.expect("no error");
        assert_eq!(ends[0], Ok(16), "{loop_:?}");
        for end in &ends[1..] {
            let text = end.as_ref().expect_err("the block is gone");
            assert!(
                text.contains("failed 4 times") && text.contains(&format!("Checkpoint block rdd_{id}_2 {TEXT}")),
                "{text}"
            );
        }
        let told = findings(&log);
        assert_eq!(told.iter().filter(|(kind, _)| kind == "local-checkpoint-lost").count(), 1, "{loop_:?}: {told:?}");
        assert!(told[0].1.starts_with(&format!("partition 2 of MapPartitionsRDD[{id}] is lost")), "{told:?}");
    }
}

/// Without it the price of a local checkpoint would be hidden: an executor dies, and the data with it.
#[test]
fn a_lost_executor_loses_the_checkpoint_unless_it_was_replicated() {
    for &loop_ in Loop::ALL {
        for copies in [1, 2] {
            let (result, log) = run(loop_, settings(2, &["kill:executor=1@batch=2"]), move |sc| {
                let (rdd, counter) = counted(sc);
                if copies == 2 {
                    rdd.persist(StorageLevel::MEMORY_AND_DISK_2)?;
                }
                let rdd = rdd.local_checkpoint();
                let ends = Arc::new(Mutex::new(Vec::new()));
                let inside = Arc::clone(&ends);
                in_batches(sc, move |_| {
                    inside.lock().expect("no test panics while it holds this").push(rdd.collect().is_ok());
                    Ok(())
                })?;
                let ends = ends.lock().expect("no test panics while it holds this").clone();
                Ok((ends, calls(&counter)))
            });
            let (ends, calls) = result.expect("no error");
            assert_eq!((ends, calls), (vec![true, copies == 2], 16), "{loop_:?}, {copies} copies");
            let lost = findings(&log).iter().any(|(kind, _)| kind == "local-checkpoint-lost");
            assert_eq!(lost, copies == 1, "{loop_:?}");
        }
    }
}

/// Without it a local checkpoint above another would leave one of them uncut.
#[test]
fn k21_marked_children_of_marked_parents() {
    for &loop_ in Loop::ALL {
        let (result, _) = run(loop_, settings(1, &[]), |sc| {
            sc.set_checkpoint_dir("checkpoints");
            let parent = counted(sc).0.local_checkpoint();
            let child = parent.map(|v| v + 1);
            child.checkpoint()?;
            let grandchild = child.map(|v| v * 2).local_checkpoint();
            let (a, b, c) = (parent.clone(), child.clone(), grandchild.clone());
            in_batches(sc, move |_| {
                assert_eq!(c.collect()?, (0..16).map(|v| (v + 1) * 2).collect::<Vec<_>>());
                assert!(a.is_checkpointed() && b.is_checkpointed());
                Ok(())
            })?;
            assert_eq!(child.collect()?, (1..=16).collect::<Vec<_>>());
            Ok([parent.lineage_len(), child.lineage_len(), grandchild.lineage_len()])
        });
        assert_eq!(result, Ok([2, 2, 2]), "{loop_:?}: each on its reader");
    }
}

/// Without it a mark would silently replace another, or data be thrown away without a word (R10.4).
#[test]
fn marks_that_meet_are_warned_of() {
    for &loop_ in Loop::ALL {
        let (result, log) = run(loop_, settings(0, &[]), |sc| {
            sc.set_checkpoint_dir("checkpoints");
            let overridden = counted(sc).0;
            overridden.checkpoint()?;
            overridden.local_checkpoint().count()?;
            assert!(overridden.is_checkpointed() && overridden.checkpoint_file().is_none());
            overridden.checkpoint()?;
            let reliable = counted(sc).0;
            reliable.checkpoint()?;
            reliable.count()?;
            let file = reliable.checkpoint_file();
            reliable.local_checkpoint().count()?;
            assert_eq!(reliable.checkpoint_file(), file);
            overridden.unpersist();
            let error = overridden.count().expect_err("its only copy is gone").to_string();
            assert!(error.contains(TEXT), "{error}");
            Ok(overridden.id())
        });
        let id = result.expect("no error");
        let expected = [
            "RDD was already marked for reliable checkpointing: overriding with local checkpoint.".to_owned(),
            "Not marking RDD for local checkpoint because it was already checkpointed and materialized".to_owned(),
            format!(
                "RDD {id} was locally checkpointed, its lineage has been truncated and cannot be recomputed after unpersisting"
            ),
        ];
        let told: Vec<String> = findings(&log).into_iter().map(|(_, message)| message).collect();
        assert_eq!(told, expected, "{loop_:?}");
    }
}

/// Without it blocks that eviction may take would stand in for a lineage.
#[test]
fn without_a_level_the_lineage_stays() {
    for &loop_ in Loop::ALL {
        let (result, log) = run(loop_, settings(0, &[]), |sc| {
            let rdd = counted(sc).0.local_checkpoint();
            rdd.unpersist();
            rdd.count()?;
            let cut = rdd.is_checkpointed();
            rdd.cache()?;
            rdd.map(|v| v + 1).count()?;
            Ok((cut, rdd.is_checkpointed(), rdd.info().level))
        });
        assert_eq!(result, Ok((false, true, StorageLevel::MEMORY_AND_DISK)), "{loop_:?}");
        let told = failures(&log);
        assert!(told.len() == 1 && told[0].1.contains("Storage level NONE is not appropriate"), "{loop_:?}: {told:?}");
    }
}
