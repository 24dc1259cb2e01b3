//! Segments, handles, failures of the store, and threads that write at once.

use super::*;
use crate::object_store::{Harm, HostileStore, LocalObjectStore, SimulatedDisk, StoreError};

#[test]
fn records_come_back_in_order_and_one_by_one() {
    // Without it a restarted driver would know other blocks than the one before, or a block would be read from
    // the place of another.
    let disk =
        || -> Arc<dyn ObjectStore> { Arc::new(LocalObjectStore::with_ops("/store", Arc::new(SimulatedDisk::new()))) };
    for store in [memory(), disk()] {
        let mut log = log_on(&store, LogStart::New);
        let mut handles = write(&mut log, &["one", "", "three"]);
        handles.extend(log.append(at(1), &[b"four", b"five"]).unwrap());
        log.roll();
        handles.extend(write(&mut log, &["six"]));
        let contents = read(&store);
        assert_eq!(texts(&contents), ["one", "", "three", "four", "five", "six"]);
        assert_eq!((contents.damage.len(), contents.segments.clone(), contents.next), (0, vec![1, 2], 7));
        let sequences: Vec<u64> = contents.records.iter().map(|record| record.sequence).collect();
        assert_eq!(sequences, [1, 2, 3, 4, 5, 6]);
        for (record, handle) in contents.records.iter().zip(&handles) {
            assert_eq!(&record.handle, handle);
            assert_eq!(read_record(&*store, handle).unwrap(), record.bytes);
        }
        // Whoever goes on, goes on behind it.
        let mut next = log_on(&store, LogStart::After { next: contents.next });
        write(&mut next, &["seven"]);
        assert_eq!(read(&store).records.last().map(|record| record.sequence), Some(7));
        assert_eq!((read(&store).segments, next.current()), (vec![1, 2, 3], Some(3)));
    }
}

#[test]
fn a_log_that_begins_anew_hides_what_was_there() {
    // Without it a program that starts over in an old directory would later recover the blocks of another life.
    let store = memory();
    write(&mut log_on(&store, LogStart::New), &["old", "older"]);
    let mut log = log_on(&store, LogStart::New);
    write(&mut log, &["new"]);
    log.roll();
    write(&mut log, &["newer"]);
    let contents = read(&store);
    assert_eq!((texts(&contents), contents.segments.clone()), (vec!["new".into(), "newer".into()], vec![1, 2, 3]));
    assert!(contents.damage.is_empty(), "{:?}", contents.damage);
}

#[test]
fn r14_segments_end_by_age_and_by_size_and_are_deleted_by_number() {
    // Without it a log would never end a file, so that nothing could ever be deleted, or a wrong clock would
    // delete what is still needed (D-29).
    let store = memory();
    let settings = LogSettings { roll_every: Millis(1000), segment_bytes: 100, ..LogSettings::default() };
    let mut log = WriteAheadLog::new(Arc::clone(&store), LOG, 1, LogStart::New, settings);
    let mut append = |ms: u64, bytes: usize| {
        log.append(Timestamp(ms * 1_000_000), &[&vec![b'x'; bytes]]).unwrap();
        log.current().unwrap()
    };
    assert_eq!([append(0, 1), append(999, 1), append(1000, 1)], [1, 1, 2]);
    assert_eq!([append(1001, 90), append(1002, 1), append(500, 1)], [2, 3, 3], "a clock that goes back ends nothing");
    assert_eq!(texts(&read(&store)).len(), 6);
    delete_segments(&*store, LOG, &[2, 1]).unwrap();
    assert_eq!(segments_of(&*store, LOG).unwrap(), [3]);
    let contents = read(&store);
    assert_eq!((texts(&contents).len(), contents.damage.len()), (2, 0), "what was deleted is not missed");

    let settings = LogSettings { close_after_write: true, ..LogSettings::default() };
    let mut log = WriteAheadLog::new(Arc::clone(&store), "app/each", 1, LogStart::New, settings);
    (0..3).for_each(|_| drop(log.append(at(0), &[b"a", b"b"]).unwrap()));
    assert_eq!(segments_of(&*store, "app/each").unwrap(), [1, 2, 3]);
    assert_eq!(read_all(&*store, "app/each").unwrap().records.len(), 6);
}

#[test]
fn a_write_that_fails_ends_its_segment() {
    // Without it a record would be written behind a torn one, where no reader looks, or one failure of the
    // store would lose a block (R18.2).
    for harm in [Harm::FailsBefore, Harm::FailsAfter, Harm::Torn] {
        for failures in 1..=4 {
            let hostile = HostileStore::new(memory());
            let store: Arc<dyn ObjectStore> = Arc::new(hostile.clone());
            let mut log = log_on(&store, LogStart::New);
            write(&mut log, &["one"]);
            // Each try is a roll, an append and a sync; the first one has its segment.
            let next = hostile.operations();
            let last = match failures {
                1 => next + 1,
                2 => next + 2,
                3 => next + 3,
                _ => u64::MAX,
            };
            hostile.harm(next..last, harm);
            let written = log.append(at(0), &[b"two", b"three"]);
            hostile.harm(0..0, harm);
            match &written {
                Ok(handles) => {
                    assert!(failures < 3, "{harm:?} {failures}");
                    assert_eq!(read_record(&*store, &handles[1]).unwrap(), b"three");
                }
                Err(WriteAheadError::GaveUp { failures: 3, last: StoreError::Io { .. } }) => {
                    assert!(failures >= 3, "{harm:?} {failures}");
                }
                Err(error) => panic!("{error}"),
            }
            write(&mut log, &["four"]);
            let contents = read(&store);
            let expected: &[&str] = if written.is_ok() { &["one", "two", "three", "four"] } else { &["one", "four"] };
            assert_eq!(texts(&contents), expected, "{harm:?} {failures}: what was refused is not there");
            assert!(contents.damage.iter().all(Damage::is_ordinary), "{:?}", contents.damage);
        }
    }
}

#[test]
fn records_that_are_too_large_are_refused() {
    // Without it one block could make a log that nobody can read.
    let store = memory();
    let mut log = log_on(&store, LogStart::New);
    let large = vec![0; MAX_RECORD_BYTES + 1];
    let refused = log.append(at(0), &[b"small", &large]);
    assert_eq!(refused, Err(WriteAheadError::TooLarge { bytes: 67_108_865, max: 67_108_864 }));
    assert_eq!(segments_of(&*store, LOG).unwrap(), [0; 0]);
    let shared = GroupCommit::new(log);
    assert!(matches!(shared.append(at(0), large), Err(WriteAheadError::TooLarge { .. })));
    assert!(shared.append(at(0), b"small".to_vec()).is_ok());
}

/// Threads append `texts`, one each, while the store is held after the first; then `then` happens.
fn at_once(
    hostile: &HostileStore,
    shared: &GroupCommit,
    then: impl FnOnce(),
) -> Vec<Result<RecordHandle, WriteAheadError>> {
    hostile.hold();
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        for n in 0..5u8 {
            threads.push(scope.spawn(move || shared.append(at(0), vec![b'a' + n])));
            // The first one writes, and the others wait for it.
            while if n == 0 { hostile.waiting() == 0 } else { shared.queued() < usize::from(n) } {
                std::thread::yield_now();
            }
        }
        then();
        hostile.release();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn what_a_replaced_write_left_is_named_so_that_it_goes_first() {
    // Without it a segment was deleted that had replaced a write of unknown outcome, and that write came back.
    let hostile = HostileStore::new(memory());
    let store: Arc<dyn ObjectStore> = Arc::new(hostile.clone());
    let mut log = log_on(&store, LogStart::New);
    write(&mut log, &["one"]);
    let next = hostile.operations();
    hostile.harm(next..u64::MAX, Harm::FailsAfter);
    log.append(at(0), &[b"two"]).unwrap_err();
    hostile.harm(0..0, Harm::FailsAfter);
    assert_eq!(texts(&read(&store)), ["one", "two"], "nobody heard of two, and it is there");
    write(&mut log, &["three"]);
    let (contents, doubtful) = (read(&store), log.take_doubtful());
    assert_eq!((texts(&contents), doubtful.clone()), (vec!["one".into(), "three".into()], vec![1]));
    assert_eq!(contents.superseded, doubtful.into_iter().collect());
    assert_eq!(log.take_doubtful(), [0; 0], "each is named once");
}

#[test]
fn r15_records_that_wait_share_one_sync() {
    // Without it each of a hundred blocks would wait for a sync of its own.
    let hostile = HostileStore::new(memory());
    let store: Arc<dyn ObjectStore> = Arc::new(hostile.clone());
    let shared = GroupCommit::new(log_on(&store, LogStart::New));
    let handles = at_once(&hostile, &shared, || {});
    // Open, append and sync of the first; append and sync of the four others together.
    assert_eq!(hostile.operations(), 5);
    assert_eq!(texts(&read(&store)), ["a", "b", "c", "d", "e"]);
    for (n, handle) in handles.into_iter().enumerate() {
        assert_eq!(read_record(&*store, &handle.unwrap()).unwrap(), [b'a' + n as u8], "each hears of its own");
    }
}

#[test]
fn r16_closing_fails_what_waits() {
    // Without it a thread would wait for ever for a log that nobody writes any more.
    let hostile = HostileStore::new(memory());
    let store: Arc<dyn ObjectStore> = Arc::new(hostile.clone());
    let shared = GroupCommit::new(log_on(&store, LogStart::New));
    let results = at_once(&hostile, &shared, || shared.close());
    assert!(results[0].is_ok(), "it was being written");
    assert!(results[1..].iter().all(|result| *result == Err(WriteAheadError::Closed)), "{results:?}");
    assert_eq!(shared.append(at(0), b"late".to_vec()), Err(WriteAheadError::Closed));
    assert_eq!(texts(&read(&store)), ["a"]);
}
