//! What only the directory has to prove: that failures of the file system and of its power leave whole objects.

use super::*;
use crate::rng::Seed;
use crate::sync::atomic::{AtomicU64, Ordering};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn put(store: &dyn ObjectStore, key: &str, text: &str, mode: PutMode) -> PutOutcome {
    store.put(key, text.as_bytes(), mode).unwrap()
}

#[test]
fn foreign_and_temporary_files_are_not_objects() {
    // Without it the leftovers of a crash would be taken for parts, or block later writers.
    let dir = tempfile::tempdir().unwrap();
    let store = LocalObjectStore::new(dir.path());
    for name in [".tmp-0", ".tmp-1", ".hidden", "with space"] {
        std::fs::write(dir.path().join(name), "leftover").unwrap();
    }
    assert_eq!(store.list("").unwrap(), Vec::<String>::new());
    put(&store, "a", "x", PutMode::Create);
    put(&store, "b", "y", PutMode::Replace);
    assert_eq!(store.list("").unwrap(), ["a", "b"]);
    assert_eq!(std::fs::read(dir.path().join(".hidden")).unwrap(), b"leftover");
}

#[test]
fn the_temporary_files_of_dead_writers_go_and_those_of_living_ones_stay() {
    // Without it every crash leaves a file for ever, or a sweep takes the file that somebody is writing.
    let dir = tempfile::tempdir().unwrap();
    let below = dir.path().join("app");
    std::fs::create_dir(&below).unwrap();
    let living: PathBuf = below.join(".tmp-77-1");
    let mut writer = StdFileOps.create_new(&living).unwrap();
    assert!(writer.hold(&living));
    (0..200).for_each(|n| std::fs::write(below.join(format!(".tmp-77-dead-{n}")), "leftover").unwrap());
    put(&LocalObjectStore::new(dir.path()), "app/a", "x", PutMode::Create);
    let left = || std::fs::read_dir(&below).unwrap().map(|e| e.unwrap().file_name()).collect::<Vec<_>>();
    assert_eq!(left().len(), 2, "{:?}", left());
    assert!(living.exists());
    drop(writer);
    put(&LocalObjectStore::new(dir.path()), "app/b", "y", PutMode::Create);
    assert!(!living.exists());
}

#[test]
fn a_file_that_was_swept_before_it_was_held_is_no_longer_its_writers() {
    // Without it the writer would publish, under its own name, what another one wrote to the same path since.
    let dir = tempfile::tempdir().unwrap();
    for another_wrote in [false, true] {
        let path = dir.path().join(format!(".tmp-77-{another_wrote}"));
        let mut swept = StdFileOps.create_new(&path).unwrap();
        assert!(StdFileOps.remove_abandoned(&path).unwrap());
        if another_wrote {
            let mut other = StdFileOps.create_new(&path).unwrap();
            assert!(!swept.hold(&path), "its name is another file's");
            assert!(other.hold(&path));
            assert!(!StdFileOps.remove_abandoned(&path).unwrap());
            assert!(path.exists());
        } else {
            assert!(!swept.hold(&path), "it has no name");
        }
    }
}

/// Real files, of whose operations some fail.
#[derive(Debug)]
struct FailingOps {
    operations: AtomicU64,
    failing: std::ops::Range<u64>,
}

impl FailingOps {
    fn new(failing: std::ops::Range<u64>) -> Arc<Self> {
        Arc::new(Self { operations: AtomicU64::new(0), failing })
    }

    fn step(&self) -> io::Result<()> {
        let n = self.operations.fetch_add(1, Ordering::Relaxed);
        if self.failing.contains(&n) { Err(io::Error::other(format!("operation {n} fails"))) } else { Ok(()) }
    }
}

#[derive(Debug)]
struct FailingFile(Arc<FailingOps>, Box<dyn OpenFile>);

impl OpenFile for FailingFile {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (first, rest) = bytes.split_at(bytes.len() / 2);
        self.1.write_all(first)?;
        self.0.step()?;
        self.1.write_all(rest)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.step()?;
        self.1.sync()
    }
}

impl FileOps for Arc<FailingOps> {
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn OpenFile>> {
        self.step()?;
        Ok(Box::new(FailingFile(Arc::clone(self), StdFileOps.create_new(path)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step()?;
        StdFileOps.rename(from, to)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step()?;
        StdFileOps.rename_new(from, to)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        StdFileOps.sync_dir(path)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        StdFileOps.create_dir(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        StdFileOps.remove_dir(path)
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        StdFileOps.unlink(path)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        StdFileOps.read(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<DirectoryEntry>> {
        StdFileOps.list(path)
    }
}

fn failing_store(root: PathBuf, failing: std::ops::Range<u64>) -> (LocalObjectStore, Arc<FailingOps>) {
    let ops = FailingOps::new(failing);
    (LocalObjectStore::with_ops(root, Arc::new(Arc::clone(&ops))), ops)
}

#[test]
fn a_put_that_fails_anywhere_leaves_the_old_object_or_the_new() {
    // Without it an error of the disk would leave half an object under its final name.
    let dir = tempfile::tempdir().unwrap();
    let mut failed = 0;
    for (n, last) in (0..20).flat_map(|n| [(n, n + 1), (n, u64::MAX)]) {
        for mode in [PutMode::Create, PutMode::Replace] {
            let root = dir.path().join(format!("{n}-{last}-{mode:?}"));
            let clean = LocalObjectStore::new(&root);
            if mode == PutMode::Replace {
                put(&clean, "a/b", "old", PutMode::Create);
            }
            let (store, _) = failing_store(root, n..last);
            let outcome = store.put("a/b", b"new", mode);
            failed += u64::from(outcome.is_err());
            let found = clean.get("a/b").ok();
            match &outcome {
                Ok(_) => assert_eq!(found.as_deref(), Some(&b"new"[..])),
                Err(error) => {
                    assert_eq!(error.key(), "a/b");
                    let old = (mode == PutMode::Replace).then_some(&b"old"[..]);
                    assert!(found.as_deref() == old || found.as_deref() == Some(b"new"), "{n}: {found:?}");
                }
            }
            assert!(clean.list("").unwrap().len() <= 1);
            put(&clean, "a/b", "again", PutMode::Replace);
            assert_eq!(clean.get("a/b").unwrap(), b"again");
        }
    }
    assert!(failed > 20, "the operations of a put were reached");
}

#[test]
fn a_directory_that_vanishes_is_made_again() {
    // Without it one cleaned-up directory would fail every later checkpoint of a running program.
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    let store = LocalObjectStore::new(&root);
    put(&store, "a/b", "x", PutMode::Create);
    std::fs::remove_dir_all(&root).unwrap();
    put(&store, "a/b", "z", PutMode::Create);
    assert_eq!(store.get("a/b").unwrap(), b"z");
    std::fs::remove_dir_all(&root).unwrap();
    store.open_log("a/log").unwrap().append(b"y").unwrap();
    assert_eq!(store.get("a/log/log-0000000001").unwrap(), b"y");
}

#[test]
fn directories_go_with_their_last_object() {
    // Without it a stream that runs for days would leave an empty directory per checkpoint, and remember it.
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    let store = LocalObjectStore::new(&root);
    for key in ["app/rdd-1/part-0", "app/rdd-1/part-1", "app/rdd-2/part-0"] {
        put(&store, key, "x", PutMode::Create);
    }
    store.delete("app/rdd-1/part-0").unwrap();
    assert!(root.join("app/rdd-1").exists());
    store.delete("app/rdd-1/part-1").unwrap();
    assert!(!root.join("app/rdd-1").exists() && root.join("app/rdd-2").exists());
    store.delete("app/rdd-2/part-0").unwrap();
    assert!(!root.join("app").exists() && root.exists());
    // Somebody died before it removed the directory.
    std::fs::create_dir_all(root.join("app/rdd-3")).unwrap();
    store.delete("app/rdd-3/part-0").unwrap();
    assert!(!root.join("app").exists());
    put(&store, "app/rdd-1/part-0", "y", PutMode::Create);
    assert_eq!(store.get("app/rdd-1/part-0").unwrap(), b"y");
}

#[test]
fn what_a_crash_left_costs_the_next_run_nothing() {
    // Without it every put would try one by one the names that runs before it left, and the name of an
    // object that was deleted would come back after a crash.
    let dir = tempfile::tempdir().unwrap();
    let mut counts = Vec::new();
    for left in [0, 100] {
        let root = dir.path().join(format!("{left}"));
        std::fs::create_dir(&root).unwrap();
        (0..left).for_each(|n| std::fs::write(root.join(format!(".tmp-{n}")), "leftover").unwrap());
        let (store, ops) = failing_store(root, 0..0);
        put(&store, "a", "x", PutMode::Create);
        counts.push(ops.operations.load(Ordering::Relaxed));
    }
    assert_eq!(counts[0], counts[1]);
    // The directory is synced although there is nothing to delete.
    let (store, _) = failing_store(dir.path().to_owned(), 1..2);
    assert!(store.delete("gone").is_err());
}

#[test]
fn a_log_that_failed_takes_nothing_more_until_it_rolls() {
    // Without it a second sync could report records as durable that the system has already dropped.
    let root = Path::new("/store");
    for n in 0..2 {
        let disk = SimulatedDisk::new();
        let store = LocalObjectStore::with_ops(root, Arc::new(disk.clone()));
        let mut log = store.open_log("log").unwrap();
        let next = disk.operations() + n;
        disk.fail(next..next + 1);
        let written = log.append(b"record").and_then(|()| log.sync());
        assert!(matches!(written, Err(StoreError::Io { .. })), "{written:?}");
        let failed = Err(StoreError::LogFailed { key: "log/log-0000000001".to_owned() });
        assert_eq!((log.sync(), log.append(b"x")), (failed.clone(), failed.clone()));
        // A roll that fails leaves it as it is.
        disk.fail(disk.operations()..u64::MAX);
        assert!(log.roll().is_err());
        assert_eq!(log.append(b"x"), failed);
        disk.restart();
        log.roll().unwrap();
        log.append(b"again").and_then(|()| log.sync()).unwrap();
        disk.lose_power(PowerLoss::Lost);
        let key = segment_key("log", log.segment());
        assert_eq!(LocalObjectStore::with_ops(root, Arc::new(disk)).get(&key).unwrap(), b"again");
    }
}

/// Ways to lose power, enough to tear and reorder.
fn power_losses() -> impl Iterator<Item = PowerLoss> {
    let whole = [PowerLoss::Lost, PowerLoss::Kept, PowerLoss::Zeros];
    let torn = (0..8).map(PowerLoss::TornAt);
    whole.into_iter().chain(torn).chain((0..24).map(|seed| PowerLoss::Sectors(Seed(seed))))
}

#[test]
fn what_was_answered_survives_a_loss_of_power() {
    // Without it a synced record, a new segment or a put would be gone after a failure of the machine, or an
    // object would be there in part.
    let mut lost = 0;
    for how in power_losses() {
        for killed_at in 0.. {
            let disk = SimulatedDisk::new();
            let store = LocalObjectStore::with_ops("/store", Arc::new(disk.clone()));
            disk.fail(killed_at..u64::MAX);
            let mut synced = Vec::new();
            let mut work = || -> Result<(), StoreError> {
                let mut log = store.open_log("app/wal")?;
                for record in ["one", "two", "three"] {
                    log.append(record.as_bytes())?;
                    log.sync()?;
                    synced.push(record);
                    store.put("app/now", record.as_bytes(), PutMode::Replace)?;
                    log.roll()?;
                }
                Ok(())
            };
            let done = work();
            disk.lose_power(how);
            let store = LocalObjectStore::with_ops("/store", Arc::new(disk));
            let found: Vec<Vec<u8>> = segments_of(&store, "app/wal")
                .unwrap()
                .into_iter()
                .map(|number| store.get(&segment_key("app/wal", number)).unwrap())
                .collect();
            for (at, record) in synced.iter().enumerate() {
                assert_eq!(found.get(at).map(Vec::as_slice), Some(record.as_bytes()), "{how:?} after {killed_at}");
            }
            lost += found.len() - synced.len().min(found.len());
            match store.get("app/now") {
                Ok(put) => assert!(["one", "two", "three"].map(str::as_bytes).contains(&&put[..]), "{put:?}"),
                Err(error) => assert!(synced.len() < 2, "{how:?} after {killed_at}: {error}"),
            }
            if done.is_ok() {
                assert!(killed_at > 20, "the operations were reached");
                break;
            }
        }
    }
    assert!(lost > 0, "segments that nobody had synced were met, too");
}

#[test]
fn a_sync_that_lies_is_noticed_after_the_power_is_lost() {
    // Without it the disk would not lose what the tests of logs have to notice.
    let disk = SimulatedDisk::new();
    let store = LocalObjectStore::with_ops("/store", Arc::new(disk.clone()));
    let mut log = store.open_log("wal").unwrap();
    log.append(b"true").and_then(|()| log.sync()).unwrap();
    disk.lie();
    log.append(b"lie").and_then(|()| log.sync()).unwrap();
    disk.lose_power(PowerLoss::Lost);
    assert_eq!(store.get(&segment_key("wal", 1)).unwrap(), b"true");
}
