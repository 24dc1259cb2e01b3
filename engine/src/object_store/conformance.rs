//! One suite for every store, and what only the directory has to prove.

use super::*;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};

/// Runs a check on a fresh store of each kind.
fn for_each_store(check: impl Fn(&dyn ObjectStore)) {
    check(&MemoryObjectStore::new());
    let dir = tempfile::tempdir().unwrap();
    check(&LocalObjectStore::new(dir.path().join("not/yet/there")));
}

fn put(store: &dyn ObjectStore, key: &str, text: &str, mode: PutMode) -> PutOutcome {
    store.put(key, text.as_bytes(), mode).unwrap()
}

#[test]
fn create_keeps_and_replace_replaces() {
    // Without it a second driver would overwrite the epoch of the first, and nobody would be fenced.
    for_each_store(|store| {
        assert_eq!(put(store, "a/b", "one", PutMode::Create), PutOutcome::Created);
        assert_eq!(put(store, "a/b", "two", PutMode::Create), PutOutcome::AlreadyExists);
        assert_eq!(store.get("a/b").unwrap(), b"one");
        assert_eq!(put(store, "a/b", "two", PutMode::Replace), PutOutcome::Created);
        assert_eq!(put(store, "a/c", "", PutMode::Replace), PutOutcome::Created);
        assert_eq!((store.get("a/b").unwrap(), store.get("a/c").unwrap()), (b"two".to_vec(), Vec::new()));
    });
}

#[test]
fn missing_objects_are_named() {
    // Without it a lost part would be an error that does not say which file to look for.
    for_each_store(|store| {
        for key in ["a", "a/b/c"] {
            let error = store.get(key).unwrap_err();
            assert_eq!(error, StoreError::NotFound { key: key.to_owned() });
            assert_eq!((error.key(), error.to_string()), (key, format!("object does not exist: {key}")));
            store.delete(key).unwrap();
        }
        assert_eq!(store.list("").unwrap(), [""; 0]);
        assert_eq!(store.list("a/").unwrap(), [""; 0]);
        put(store, "a", "x", PutMode::Create);
        store.delete("a").unwrap();
        assert!(store.get("a").is_err());
    });
}

#[test]
fn listings_are_sorted_and_match_the_prefix() {
    // Without it recovery would see parts in the order of a hash table, or those of another RDD.
    for_each_store(|store| {
        for key in ["rdd-1/part-00001", "rdd-1/part-00000", "rdd-10/part-00000", "rdd-1/sub/x", "rdd", "z"] {
            put(store, key, key, PutMode::Create);
        }
        for (prefix, expect) in [
            ("rdd-1/", vec!["rdd-1/part-00000", "rdd-1/part-00001", "rdd-1/sub/x"]),
            ("rdd-1", vec!["rdd-1/part-00000", "rdd-1/part-00001", "rdd-1/sub/x", "rdd-10/part-00000"]),
            ("rdd-1/part-", vec!["rdd-1/part-00000", "rdd-1/part-00001"]),
            ("rdd-1/part-00001", vec!["rdd-1/part-00001"]),
            ("rdd/", vec![]),
            ("y", vec![]),
        ] {
            assert_eq!(store.list(prefix).unwrap(), expect, "{prefix}");
        }
        assert_eq!(store.list("").unwrap().len(), 6);
    });
}

#[test]
fn keys_cannot_leave_the_store() {
    // Without it a name from a program could read or overwrite any file of the user.
    let long = "x".repeat(MAX_SEGMENT_BYTES + 1);
    let deep = "abcdefg/".repeat(MAX_KEY_BYTES / 8) + "x";
    let bad =
        ["", "/a", "a/", "a//b", "..", "a/../b", "./a", "a/.tmp-0", "a\\b", "c:d", "a b", "ä", "a\0", &long, &deep];
    for_each_store(|store| {
        for key in bad {
            let refused = |error: StoreError| matches!(error, StoreError::InvalidKey { .. });
            assert!(refused(store.put(key, b"", PutMode::Replace).unwrap_err()), "{key:?}");
            assert!(refused(store.get(key).unwrap_err()) && refused(store.delete(key).unwrap_err()));
            assert!(refused(store.open_log(key).unwrap_err()));
        }
        for prefix in ["/", "..", "a//", "../a", "a/.", &long] {
            assert!(store.list(prefix).is_err(), "{prefix:?}");
        }
    });
}

#[test]
fn logs_grow_and_can_be_continued() {
    // Without it a restarted driver would lose the write-ahead log of its predecessor.
    for_each_store(|store| {
        for round in ["one ", "two "] {
            let mut log = store.open_log("wal/log-1").unwrap();
            log.append(round.as_bytes()).unwrap();
            log.append(b"more ").unwrap();
            log.sync().unwrap();
        }
        assert_eq!(store.get("wal/log-1").unwrap(), b"one more two more ");
        assert_eq!(store.list("wal/").unwrap(), ["wal/log-1"]);
    });
}

#[test]
fn one_of_many_creators_wins() {
    // Without it two drivers could both believe that the checkpoint directory is theirs.
    let dir = tempfile::tempdir().unwrap();
    let memory = MemoryObjectStore::new();
    let memories: Vec<Arc<dyn ObjectStore>> = (0..4).map(|_| Arc::new(memory.clone()) as _).collect();
    let locals: Vec<Arc<dyn ObjectStore>> = (0..4).map(|_| Arc::new(LocalObjectStore::new(dir.path())) as _).collect();
    for stores in [memories, locals] {
        for round in 0..20 {
            let key = format!("epoch-{round}");
            let start = Barrier::new(stores.len());
            let race = |writer: usize| {
                start.wait();
                put(stores[writer].as_ref(), &key, &format!("writer {writer}"), PutMode::Create)
            };
            let outcomes: Vec<PutOutcome> = std::thread::scope(|scope| {
                let race = &race;
                let threads: Vec<_> = (0..stores.len()).map(|writer| scope.spawn(move || race(writer))).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            let winner = outcomes.iter().position(|o| *o == PutOutcome::Created).unwrap();
            assert_eq!(stores[0].get(&key).unwrap(), format!("writer {winner}").into_bytes());
            assert_eq!(outcomes.iter().filter(|o| **o == PutOutcome::Created).count(), 1, "round {round}");
        }
    }
}

#[test]
fn foreign_and_temporary_files_are_not_objects() {
    // Without it the leftovers of a crash would be taken for parts, or block later writers.
    let dir = tempfile::tempdir().unwrap();
    let store = LocalObjectStore::new(dir.path());
    for name in [".tmp-0", ".tmp-1", ".hidden", "with space"] {
        std::fs::write(dir.path().join(name), "leftover").unwrap();
    }
    put(&store, "a", "x", PutMode::Create);
    put(&store, "b", "y", PutMode::Replace);
    assert_eq!(store.list("").unwrap(), ["a", "b"]);
    assert_eq!(std::fs::read(dir.path().join(".tmp-1")).unwrap(), b"leftover");
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

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn OpenFile>> {
        self.step()?;
        Ok(Box::new(FailingFile(Arc::clone(self), StdFileOps.open_append(path)?)))
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
    assert_eq!(store.get("a/log").unwrap(), b"y");
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
fn puts_and_deletes_in_one_directory_do_not_fail_each_other() {
    // Without it a put would find its directory removed with the object that another thread deletes.
    let dir = tempfile::tempdir().unwrap();
    let store = LocalObjectStore::new(dir.path());
    let work = |name: usize| {
        for _ in 0..200 {
            let key = format!("a/b/{name}");
            put(&store, &key, "x", PutMode::Create);
            store.delete(&key).unwrap();
        }
    };
    std::thread::scope(|scope| (0..2).for_each(|name| drop(scope.spawn(move || work(name)))));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
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
fn a_log_that_failed_takes_nothing_more() {
    // Without it a second sync could report records as durable that the system has already dropped.
    let dir = tempfile::tempdir().unwrap();
    // The operations are: create_dir and its sync_dir, open and its sync_dir, write, sync.
    for n in [4, 5] {
        let (store, ops) = failing_store(dir.path().to_owned(), n..n + 1);
        let mut log = store.open_log("log").unwrap();
        let written = log.append(b"record").and_then(|()| log.sync());
        assert!(matches!(written, Err(StoreError::Io { .. })), "{:?}", ops.operations);
        assert_eq!(log.sync(), Err(StoreError::LogFailed { key: "log".to_owned() }));
        assert_eq!(log.append(b"x"), Err(StoreError::LogFailed { key: "log".to_owned() }));
    }
}
