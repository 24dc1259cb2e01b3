//! Files of checkpoints: of every kind of RDD, damaged, opened again, deleted.

use super::faulty_store::FaultyStore;
use super::{calls, checkpoint_jobs, counted, failures, files_in, findings, part_key};
use faultline_engine::checkpoint::format::{Manifest, manifest_key, part_name, read_manifest};
use faultline_engine::config::EngineConfig;
use faultline_engine::error::{EngineError, Result};
use faultline_engine::event::*;
use faultline_engine::ids::*;
use faultline_engine::object_store::{LogWriter, MemoryObjectStore, ObjectStore, PutMode, PutOutcome, StoreError};
use faultline_engine::rdd::partitioner::HashPartitioner;
use faultline_engine::rdd::{Rdd, Replacement, SparkContext};
use faultline_engine::runtime::SystemFiles;
use faultline_engine::sim::Environment;
use faultline_engine::storage::Data;
use faultline_tests::lab::environment;
use faultline_tests::quiet::silence_deliberate_panics;
use faultline_tests::{Loop, log, run, run_on, settings};
use std::fmt::Debug;
use std::sync::Arc;

/// Checkpoints one RDD and holds what comes of it against what it was: parents, partitions, data before
/// and after, a child, and the files read by another RDD.
fn check<T: Data + Ord + Debug>(sc: &SparkContext, kind: &str, rdd: &Rdd<T>) -> Result<()> {
    let (parents, partitions) = (rdd.info().parents, rdd.num_partitions());
    let lineage = rdd.lineage_len();
    let child = rdd.filter(|_| true);
    rdd.checkpoint()?;
    let mut before = child.collect()?;
    assert!(rdd.is_checkpointed(), "{kind}: a job on a descendant writes it");
    assert_ne!(rdd.info().parents, parents, "{kind}");
    assert_eq!((rdd.num_partitions(), rdd.lineage_len()), (partitions, 2), "{kind}, of {lineage} RDDs");
    let (mut after, mut again) = (rdd.collect()?, child.collect()?);
    let path = rdd.checkpoint_file().expect("written");
    let opened = sc.checkpoint_file::<T>(&path)?;
    assert_eq!((opened.num_partitions(), opened.lineage_len()), (partitions, 1), "{kind}");
    let mut read = opened.collect()?;
    for values in [&mut before, &mut after, &mut again, &mut read] {
        values.sort();
    }
    assert_eq!(before, after, "{kind}");
    assert_eq!(before, again, "{kind}: a child made before the cut");
    assert_eq!(before, read, "{kind}: from the files");
    Ok(())
}

/// Without it some kind of RDD would lose its data, its partitions or its children to a checkpoint.
#[test]
fn k03_every_kind_of_rdd() {
    for &loop_ in Loop::ALL {
        let (result, _) = run(loop_, settings(0, &[]), |sc| {
            sc.set_checkpoint_dir("checkpoints");
            let numbers = || sc.parallelize((0..20u32).collect(), 4);
            let pairs = || numbers().map(|v| (v % 5, v));
            check(sc, "parallelize", &numbers())?;
            check(sc, "map", &numbers().map(|v| v.to_string()))?;
            check(sc, "flatMap", &numbers().flat_map(|v| vec![v; (v % 3) as usize]))?;
            check(sc, "filter", &numbers().filter(|v| v % 2 == 0))?;
            check(sc, "mapPartitions", &numbers().map_partitions(|values| vec![values.into_iter().sum::<u32>()]))?;
            check(sc, "glom", &numbers().glom())?;
            check(sc, "sample", &numbers().sample(Replacement::Without, 0.5, 7)?)?;
            check(sc, "cartesian", &numbers().cartesian(&numbers()))?;
            check(sc, "coalesce", &numbers().coalesce(2)?)?;
            check(sc, "repartition", &numbers().repartition(3)?)?;
            check(sc, "zip", &numbers().zip(&numbers().map(|v| v + 1))?)?;
            check(sc, "distinct", &pairs().map(|(k, _)| k).distinct())?;
            check(sc, "partitionBy", &pairs().partition_by(HashPartitioner::new(3)))?;
            check(sc, "reduceByKey and mapValues", &pairs().reduce_by_key(|a, b| a + b).map_values(|v| v + 1))?;
            check(sc, "groupByKey", &pairs().group_by_key().map_values(|v| v.len()))?;
            check(sc, "union", &numbers().union(&numbers()))?;
            check(sc, "pipe", &numbers().pipe("cat"))?;
            let placed = || pairs().partition_by(HashPartitioner::new(3));
            let aware = placed().union(&placed());
            assert_eq!((aware.info().class.as_str(), aware.num_partitions()), ("PartitionerAwareUnionRDD", 3));
            check(sc, "union of equally partitioned", &aware)?;
            check(sc, "cogroup", &pairs().cogroup(&pairs()).map_values(|(a, b)| (a.len(), b.len())))?;
            check(sc, "join", &pairs().join(&pairs()))?;
            Ok(())
        });
        assert_eq!(result, Ok(()), "{loop_:?}");
    }
}

/// Without it the children of a checkpointed RDD would still read what it was computed from.
#[test]
fn k04_children_read_the_checkpoints_of_their_parents() {
    for &loop_ in Loop::ALL {
        let (result, log) = run(loop_, settings(0, &[]), |sc| {
            sc.set_checkpoint_dir("checkpoints");
            let (left, left_calls) = counted(sc);
            let (right, right_calls) = counted(sc);
            left.checkpoint()?;
            right.checkpoint()?;
            let union = left.union(&right);
            let keyed = |rdd: &Rdd<u32>| rdd.map(|v| (v % 3, v));
            let joined = keyed(&left).cogroup(&keyed(&right)).map_values(|(a, b)| (a.len(), b.len()));
            let (crossed, merged, zipped) = (left.cartesian(&right), left.coalesce(2)?, left.zip(&right)?);
            let collect =
                || Ok((union.collect()?, joined.collect()?, crossed.collect()?, merged.collect()?, zipped.collect()?));
            let first: Result<_> = collect();
            let first = first?;
            let (before, is) = (calls(&left_calls) + calls(&right_calls), |rdd: &Rdd<u32>| rdd.is_checkpointed());
            assert!(is(&left) && is(&right));
            let second: Result<_> = collect();
            assert_eq!(first, second?);
            assert_eq!(calls(&left_calls) + calls(&right_calls), before, "read from files");
            Ok((left.id(), right.id()))
        });
        let (left, right) = result.expect("no error");
        let second =
            log::since(&log, |e| matches!(e, Event::CheckpointCompleted { rdd, .. } if *rdd == right.max(left)));
        let tiers = log::task_ends(second).flat_map(|(_, _, m)| &m.reads).filter(|r| r.rdd == left || r.rdd == right);
        let tiers: Vec<ReadTier> = tiers.map(|r| r.tier).collect();
        assert!(!tiers.is_empty() && tiers.iter().all(|t| *t == ReadTier::Checkpoint), "{loop_:?}: {tiers:?}");
    }
}

/// Without it keys would be shuffled again after a restart, or a lost partitioner would cost the data.
#[test]
fn k12_the_partitioner_comes_back_and_is_not_needed() {
    for &loop_ in Loop::ALL {
        let environment = environment();
        let written = run_on(loop_, settings(0, &[]), &environment, |sc| {
            sc.set_checkpoint_dir("checkpoints");
            let sums = sc.parallelize((0..20u32).map(|v| (v % 5, v)).collect(), 4).reduce_by_key_in(3, |a, b| a + b);
            sums.checkpoint()?;
            let values = sums.collect()?;
            Ok((sums.checkpoint_file().expect("written"), values, sums.info().partitioner))
        });
        let (path, values, partitioner) = written.0.expect("no error");
        assert!(partitioner.is_some());
        let read = |path: String| {
            run_on(loop_, settings(0, &[]), &environment, move |sc| {
                let opened = sc.checkpoint_file::<(u32, u32)>(&path)?;
                let again = opened.reduce_by_key_in(3, |a, b| a + b);
                Ok((opened.collect()?, opened.info().partitioner, again.collect()?, again.info().parents))
            })
        };
        let (opened, log) = read(path.clone());
        let (same, known, mut again, parents) = opened.expect("no error");
        assert_eq!((&same, &known), (&values, &partitioner), "{loop_:?}");
        assert_eq!(parents[0].kind, DependencyKind::OneToOne, "{loop_:?}: no second shuffle");
        assert_eq!(findings(&log), [], "{loop_:?}");
        again.sort_unstable();

        // As if another version had hashed the keys: the records count, the partitioner does not.
        let mut manifest = read_manifest(&*environment.store, &path).expect("sound");
        manifest.partitioner.as_mut().expect("known").hash_version = 99;
        put_manifest(&*environment.store, &path, &manifest);
        let (opened, log) = read(path);
        let (same, unknown, mut shuffled, parents) = opened.expect("no error");
        shuffled.sort_unstable();
        assert_eq!((&same, unknown, &shuffled), (&values, None, &again), "{loop_:?}");
        assert!(matches!(parents[0].kind, DependencyKind::Shuffle { .. }), "{loop_:?}");
        assert_eq!(findings(&log)[0].0, "checkpoint-partitioner-unusable", "{loop_:?}");
    }
}

fn put_manifest(store: &dyn ObjectStore, dir: &str, manifest: &Manifest) {
    store.put(&manifest_key(dir), &manifest.encode(), PutMode::Replace).expect("the store takes it");
}

/// Without it what an attempt left behind would block its successor or be mixed into the checkpoint.
#[test]
fn k13_a_retry_replaces_what_a_failed_attempt_left() {
    for &loop_ in Loop::ALL {
        let store = FaultyStore::new();
        let inside = store.clone();
        let (result, log) = run_on(loop_, settings(0, &[]), &store.environment(), move |sc| {
            sc.set_checkpoint_dir("checkpoints");
            let rdd = sc.parallelize((1..=200u32).map(|v| (v, v)).collect(), 4).partition_by(HashPartitioner::new(1));
            let values = rdd.map(|(_, v)| v);
            values.checkpoint()?;
            let dir = format!("{}/rdd-{}", sc.checkpoint_dir().expect("set"), values.id());
            for left in [0, 7] {
                let key = format!("{dir}/{}", part_name(PartitionId(left), Some(TaskId(999))));
                inside.put(&key, b"left behind", PutMode::Replace).expect("written");
            }
            inside.refuse("part-00000", 1);
            let mut first = values.collect()?;
            assert!(values.is_checkpointed());
            let mut second = values.collect()?;
            first.sort_unstable();
            second.sort_unstable();
            Ok((first, second))
        });
        let (first, second) = result.expect("no error");
        assert_eq!(first, (1..=200).collect::<Vec<_>>(), "{loop_:?}");
        assert_eq!(first, second, "{loop_:?}");
        let failed: Vec<&TaskEndReason> =
            log::task_ends(&log).map(|(_, reason, _)| reason).filter(|r| !r.is_success()).collect();
        assert_eq!(failed.len(), 1, "{loop_:?}: one attempt failed: {failed:?}");
        assert!(format!("{failed:?}").contains("Checkpoint failed: no space left on device"), "{failed:?}");
    }
}

/// Without it a checkpoint with a part missing, or one too many, would take the lineage's place (R9.10).
#[test]
fn k15_parts_that_do_not_fit_leave_the_lineage_alone() {
    for &loop_ in Loop::ALL {
        for (change, expected) in [("lose", "different number of partitions"), ("add", "Invalid checkpoint file")] {
            let store = Tampering::new(change);
            let (result, log) = run_on(loop_, settings(0, &[]), &store.environment(), |sc| {
                sc.set_checkpoint_dir("checkpoints");
                let (rdd, _) = counted(sc);
                let parents = rdd.info().parents;
                rdd.checkpoint()?;
                let values = rdd.collect()?;
                assert_eq!((values.len(), rdd.is_checkpointed()), (16, false));
                assert_eq!(rdd.info().parents, parents, "the lineage is whole");
                Ok(rdd.id())
            });
            let id = result.expect("the result of the action counts");
            let told = failures(&log);
            assert_eq!(told.len(), 1, "{loop_:?} {change}");
            assert!(told[0].0 == id && told[0].1.contains(expected), "{loop_:?}: {told:?}");
            if change == "lose" {
                let ids = format!(
                    "Original RDD [ID: {id}, num of partitions: 4]; Checkpoint RDD [ID: 2, num of partitions: 3]"
                );
                assert!(told[0].1.contains(&ids), "{loop_:?}: {told:?}");
            }
        }
    }
}

/// A store in which the last part gets lost, or a stranger appears, before the files are counted.
#[derive(Debug)]
struct Tampering {
    inner: MemoryObjectStore,
    change: &'static str,
}

impl Tampering {
    fn new(change: &'static str) -> Self {
        Self { inner: MemoryObjectStore::new(), change }
    }

    fn environment(self) -> Environment {
        let files = Arc::new(SystemFiles);
        Environment { files, store: Arc::new(self) }
    }
}

impl ObjectStore for Tampering {
    fn put(&self, key: &str, bytes: &[u8], mode: PutMode) -> std::result::Result<PutOutcome, StoreError> {
        if let Some(dir) = key.strip_suffix("/_manifest") {
            match self.change {
                "lose" => {
                    self.inner.list(&format!("{dir}/part-00003"))?.iter().try_for_each(|key| self.inner.delete(key))?
                }
                _ => drop(self.inner.put(&format!("{dir}/notes.txt"), b"a stranger", PutMode::Replace)?),
            }
        }
        self.inner.put(key, bytes, mode)
    }

    fn get(&self, key: &str) -> std::result::Result<Vec<u8>, StoreError> {
        self.inner.get(key)
    }

    fn list(&self, prefix: &str) -> std::result::Result<Vec<String>, StoreError> {
        self.inner.list(prefix)
    }

    fn delete(&self, key: &str) -> std::result::Result<(), StoreError> {
        self.inner.delete(key)
    }

    fn open_log(&self, key: &str) -> std::result::Result<Box<dyn LogWriter>, StoreError> {
        self.inner.open_log(key)
    }
}

/// Without it one failed write would cost the result of the action, or the checkpoint for ever.
#[test]
fn a_failed_write_costs_neither_the_result_nor_the_next_try() {
    for &loop_ in Loop::ALL {
        for place in ["part-00002", "_manifest"] {
            let store = FaultyStore::new();
            // Every attempt of the task, or the one try of the manifest.
            store.refuse(place, if place == "_manifest" { 1 } else { 4 });
            let (result, log) = run_on(loop_, settings(0, &[]), &store.environment(), |sc| {
                sc.set_checkpoint_dir("checkpoints");
                let (rdd, _) = counted(sc);
                rdd.checkpoint()?;
                let first = rdd.count()?;
                let cut_after_first = rdd.is_checkpointed();
                let second = rdd.map(|v| v + 1).count()?;
                Ok((first, cut_after_first, second, rdd.is_checkpointed()))
            });
            assert_eq!(result, Ok((16, false, 16, true)), "{loop_:?} {place}");
            let told = failures(&log);
            assert_eq!(told.len(), 1, "{loop_:?} {place}");
            assert!(told[0].1.contains("no space left on device"), "{loop_:?}: {told:?}");
            assert_eq!(checkpoint_jobs(&log), 2, "{loop_:?} {place}");
        }
    }
}

/// Without it a directory that is not there, or not whole, would be read as fewer records (R9.17).
#[test]
fn a_directory_that_is_not_whole_is_not_opened() {
    for &loop_ in Loop::ALL {
        let environment = environment();
        let (written, _) = run_on(loop_, settings(0, &[]), &environment, |sc| {
            sc.set_checkpoint_dir("checkpoints");
            let (rdd, _) = counted(sc);
            rdd.checkpoint()?;
            rdd.count()?;
            Ok(rdd.checkpoint_file().expect("written"))
        });
        let path = written.expect("no error");
        let open = |path: String| {
            let opened =
                run_on(loop_, settings(0, &[]), &environment, move |sc| sc.checkpoint_file::<u32>(&path).map(|_| ()));
            opened.0.expect_err("it is refused")
        };
        let missing = EngineError::IllegalArgument("Checkpoint directory does not exist: checkpoints/nowhere".into());
        assert_eq!(open("checkpoints/nowhere".into()), missing, "{loop_:?}");
        let last = part_key(&*environment.store, &path, 3);
        let bytes = environment.store.get(&last).expect("written");
        environment.store.delete(&last).expect("deleted");
        let text = open(path.clone()).to_string();
        assert!(text.contains("num of partitions: 4]") && text.contains("num of partitions: 3]"), "{loop_:?}: {text}");
        // A part of another partition: the listing is whole, and reading notices.
        let other = environment.store.get(&part_key(&*environment.store, &path, 0)).expect("written");
        assert_ne!(bytes, other);
        environment.store.put(&last, &other, PutMode::Replace).expect("written");
        silence_deliberate_panics();
        let read = run_on(loop_, settings(0, &[]), &environment, {
            let path = path.clone();
            move |sc| sc.checkpoint_file::<u32>(&path)?.collect()
        });
        let text = read.0.expect_err("it is not the part that was written").to_string();
        assert!(
            text.contains("/part-00003") && text.contains(": the part is not the one of its manifest"),
            "{loop_:?}: {text}"
        );
        // Without its manifest nobody can say what the directory should hold.
        environment.store.put(&last, &bytes, PutMode::Replace).expect("written");
        environment.store.delete(&manifest_key(&path)).expect("deleted");
        assert!(open(path).to_string().contains("_manifest"), "{loop_:?}");
    }
}

/// Without it a lost file would fall back to a lineage that is gone, or go unnoticed (R9.14).
#[test]
fn a_file_deleted_later_fails_the_job() {
    for &loop_ in Loop::ALL {
        let environment = environment();
        let store = Arc::clone(&environment.store);
        let (result, _) = run_on(loop_, settings(0, &[]), &environment, move |sc| {
            sc.set_checkpoint_dir("checkpoints");
            let (rdd, _) = counted(sc);
            rdd.checkpoint()?;
            rdd.count()?;
            let key = part_key(&*store, &rdd.checkpoint_file().expect("written"), 1);
            store.delete(&key).expect("deleted");
            Ok(rdd.count().expect_err("its lineage is gone").to_string())
        });
        let text = result.expect("no error");
        assert!(text.contains("failed 4 times") && text.contains("object does not exist"), "{loop_:?}: {text}");
    }
}

/// Jobs after which files that should go are there for good.
const PATIENCE: u32 = 10_000;

/// Without it files would go although somebody reads them, or stay although the settings say otherwise.
#[test]
fn k23_files_go_with_their_rdd_when_the_settings_say_so() {
    for &loop_ in Loop::ALL {
        for clean in [false, true] {
            let environment = environment();
            let (store, kept) = (Arc::clone(&environment.store), Arc::clone(&environment.store));
            let config = EngineConfig { clean_checkpoints: clean, ..settings(0, &[]) };
            let (result, log) = run_on(loop_, config, &environment, move |sc| {
                sc.set_checkpoint_dir("checkpoints");
                let (rdd, _) = counted(sc);
                rdd.checkpoint()?;
                rdd.count()?;
                let child = rdd.map(|v| v + 1);
                drop(rdd);
                assert_eq!(child.count()?, 16, "while a child refers to it, its files stay");
                drop(child);
                // The driver looks at what was dropped when the program waits; on threads a task that is
                // done holds its RDD a moment longer, and the files go beside the driver.
                for _ in 0..PATIENCE {
                    sc.parallelize(vec![1u32], 1).count()?;
                    if !clean || files_in(&*store).is_empty() {
                        break;
                    }
                }
                for _ in 0..50 {
                    sc.parallelize(vec![1u32], 1).count()?;
                }
                Ok(())
            });
            result.expect("no error");
            let files = files_in(&*kept).len();
            let deleted = log.iter().filter(|e| matches!(e.event, Event::CheckpointDeleted { .. })).count();
            assert_eq!((files == 0, deleted == 1), (clean, clean), "{loop_:?}: {files} files");
        }
    }
}

/// Without it the directory of the settings would not count (R9.2).
#[test]
fn k25_the_directory_of_the_settings() {
    for &loop_ in Loop::ALL {
        let mut config = settings(0, &[]);
        config.assign("spark.checkpoint.dir=elsewhere").expect("a setting");
        let (result, _) = run(loop_, config, |sc| {
            let (rdd, _) = counted(sc);
            rdd.checkpoint()?;
            rdd.count()?;
            let by_settings = rdd.checkpoint_file().expect("written");
            sc.set_checkpoint_dir("elsewhere");
            Ok((by_settings, format!("{}/rdd-{}", sc.checkpoint_dir().expect("set"), rdd.id())))
        });
        let (by_settings, by_program) = result.expect("no error");
        assert_eq!(by_settings, by_program, "{loop_:?}");
    }
}

/// Without it the text would name another line than the action that wrote the files, as Spark's does not.
#[test]
fn the_reader_names_the_action() {
    let (result, log) = run(Loop::Sim, settings(0, &[]), |sc| {
        sc.set_checkpoint_dir("checkpoints");
        let rdd = counted(sc).0.set_name("squares");
        rdd.checkpoint()?;
        rdd.count()?;
        Ok(rdd.to_debug_string())
    });
    let text = result.expect("no error");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("(4) squares MapPartitionsRDD[1] at map at main.rs:"), "{text}");
    assert!(lines[1].starts_with(" |  ReliableCheckpointRDD[2] at count at files.rs:"), "{text}");
    let named =
        log.iter().any(|e| matches!(&e.event, Event::RddRegistered { rdd } if rdd.name.as_deref() == Some("squares")));
    assert!(named, "the name is announced");
}

/// Without it the case of failed writes could be blind for what it is there for (D-04).
#[cfg(feature = "seeded-bugs")]
#[test]
fn the_cases_catch_a_checkpoint_that_is_given_up() {
    use faultline_engine::seeded::SeededBug;
    faultline_tests::seeded::caught(
        SeededBug::FailedCheckpointStays,
        a_failed_write_costs_neither_the_result_nor_the_next_try,
    );
}
