//! One suite for every store, and for every wrapper of one.

use super::*;
use std::sync::{Arc, Barrier};

/// Runs a check on a fresh store of each kind.
fn for_each_store(check: impl Fn(&dyn ObjectStore)) {
    check(&MemoryObjectStore::new());
    let dir = tempfile::tempdir().unwrap();
    check(&LocalObjectStore::new(dir.path().join("not/yet/there")));
    let simulated = || LocalObjectStore::with_ops("/not/yet/there", Arc::new(SimulatedDisk::new()));
    check(&simulated());
    check(&HostileStore::new(Arc::new(MemoryObjectStore::new())));
    check(&HostileStore::new(Arc::new(simulated())));
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

/// What a log holds, segment by segment.
fn segments(store: &dyn ObjectStore, log: &str) -> Vec<(u64, Vec<u8>)> {
    let numbers = segments_of(store, log).unwrap();
    numbers.into_iter().map(|number| (number, store.get(&segment_key(log, number)).unwrap())).collect()
}

#[test]
fn a_log_that_is_opened_again_goes_on_in_a_new_segment() {
    // Without it a restarted driver would write behind the torn end of its predecessor's last segment, where
    // no reader looks, or a store without appends could not hold a log.
    for_each_store(|store| {
        for round in ["one ", "two "] {
            let mut log = store.open_log("app/wal").unwrap();
            log.append(round.as_bytes()).unwrap();
            log.append(b"more ").unwrap();
            log.sync().unwrap();
        }
        let expected = [(1, b"one more ".to_vec()), (2, b"two more ".to_vec())];
        assert_eq!(segments(store, "app/wal"), expected);
        assert_eq!(store.list("app/").unwrap(), ["app/wal/log-0000000001", "app/wal/log-0000000002"]);
        // What lies beside the segments is none.
        put(store, "app/wal/log-3", "x", PutMode::Create);
        put(store, "app/wal/quarantine/log-0000000009", "x", PutMode::Create);
        assert_eq!(segments_of(store, "app/wal").unwrap(), [1, 2]);
        assert_eq!(segments_of(store, "app/wa").unwrap(), [0; 0]);
    });
}

#[test]
fn rolling_begins_the_next_segment_that_nobody_has() {
    // Without it two drivers on one directory, an old and a new one, would write into one file.
    for_each_store(|store| {
        let (mut old, mut new) = (store.open_log("wal").unwrap(), store.open_log("wal").unwrap());
        assert_eq!((old.segment(), new.segment()), (1, 2));
        old.append(b"a").unwrap();
        old.roll().unwrap();
        new.append(b"b").unwrap();
        old.append(b"c").unwrap();
        new.roll().unwrap();
        new.append(b"d").unwrap();
        old.sync().and_then(|()| new.sync()).unwrap();
        assert_eq!((old.segment(), new.segment()), (3, 4));
        let expected = [(1, b"a".to_vec()), (2, b"b".to_vec()), (3, b"c".to_vec()), (4, b"d".to_vec())];
        assert_eq!(segments(store, "wal"), expected);
        // A deleted one is not made again while a later one is there.
        store.delete(&segment_key("wal", 1)).unwrap();
        assert_eq!(store.open_log("wal").unwrap().segment(), 5);
    });
}

#[test]
fn a_part_of_an_object_can_be_read() {
    // Without it one block of a log would cost the reading of everything that was written beside it.
    for_each_store(|store| {
        let mut log = store.open_log("wal").unwrap();
        log.append(b"0123456789").unwrap();
        log.sync().unwrap();
        let key = segment_key("wal", 1);
        for (range, expect) in [(0..10, "0123456789"), (3..5, "34"), (10..10, ""), (9..10, "9")] {
            assert_eq!(store.get_range(&key, range).unwrap(), expect.as_bytes());
        }
        for range in [0..11, 10..12, 100..200, 3..u64::MAX] {
            let error = store.get_range(&key, range.clone()).unwrap_err();
            assert_eq!(error.to_string(), format!("the object ends before byte {}: {key}", range.end));
        }
        assert_eq!(store.get_range("wal/none", 0..1), Err(StoreError::NotFound { key: "wal/none".to_owned() }));
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
