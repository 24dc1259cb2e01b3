//! Which batch was given which block, over the death of the driver: the driver by hand, with a real log.

use super::life::{LOG, Life, STREAM, block, handle, store};
use faultline_engine::driver::{DriverInput, ReceivedLogOp, ReceivedRecord, ReceiverOp, SlotId};
use faultline_engine::ids::*;
use faultline_engine::object_store::{Harm, HostileStore, ObjectStore, PutMode, segments_of};
use faultline_engine::receiver::{Clients, ReceivedBlock};
use faultline_engine::write_ahead::{LogSettings, LogStart, WriteAheadLog, read_all};
use faultline_tests::scripted::findings;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the log says, in short.
fn logged(store: &HostileStore) -> Vec<String> {
    let contents = read_all(store, LOG).expect("the log can be read");
    let words = |record: &[u8]| match serde_json::from_slice(record).expect("a record of the driver") {
        ReceivedRecord::BlockAdded { block } => format!("add {}", block.id.number),
        ReceivedRecord::BatchAllocated { batch, blocks } => {
            let numbers: Vec<u64> = blocks.values().flatten().map(|block| block.id.number).collect();
            format!("batch {batch} {numbers:?}")
        }
        ReceivedRecord::BatchesCleaned { batches, .. } => format!("clean {batches:?}"),
    };
    contents.records.iter().map(|record| words(&record.bytes)).collect()
}

/// Without it a record would be in two batches or in none, or the log would tell another story than happened.
#[test]
fn r05_each_block_is_in_exactly_one_batch_and_in_the_log() {
    let store = store();
    let mut life = Life::new(&store);
    life.add(1..=5);
    assert_eq!(life.allocate(1), [1, 2, 3, 4, 5]);
    life.add(6..=10);
    assert_eq!(life.allocate(2), [6, 7, 8, 9, 10]);
    assert_eq!(life.allocate(3), [0; 0], "the queue is empty");
    assert_eq!(life.allocate(2), [6, 7, 8, 9, 10], "a batch that is generated again has the same input");
    assert_eq!(life.answers().len(), 10);
    let log = logged(&store);
    assert_eq!((log[5].as_str(), log[11].as_str()), ("batch 1 [1, 2, 3, 4, 5]", "batch 2 [6, 7, 8, 9, 10]"));
    assert_eq!(log.len(), 13);
    life.lab.check();
}

/// SPARK-23438. Without it a driver that recovers would lose what no batch had yet.
#[test]
pub fn r06_recovery_gives_a_batch_exactly_its_own_blocks() {
    let store = store();
    let logged = |number: u64| ReceivedBlock { handle: Some(handle(number)), ..block(number) };
    let mut records: Vec<ReceivedRecord> =
        (1..=10).map(|number| ReceivedRecord::BlockAdded { block: logged(number) }).collect();
    let blocks = BTreeMap::from([(STREAM, (1..=5).map(logged).collect())]);
    records.push(ReceivedRecord::BatchAllocated { batch: BatchId(1), blocks });
    let bytes: Vec<Vec<u8>> = records.iter().map(|record| serde_json::to_vec(record).unwrap()).collect();
    let bytes: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
    let mut log = WriteAheadLog::new(Arc::new(store.clone()), LOG, 0, LogStart::New, LogSettings::default());
    log.append(Timestamp(0), &bytes).unwrap();
    let mut life = Life::recover(&store);
    assert_eq!(life.allocate(1), [1, 2, 3, 4, 5]);
    let given = life.lab.received[0][&STREAM].clone();
    assert!(given.iter().all(|block| block.recovered), "no block manager is asked for them");
    assert_eq!(life.allocate(2), [6, 7, 8, 9, 10], "they are not lost");
    assert_eq!(life.allocate(3), [0; 0]);
}

/// SPARK-5233. Without it blocks that were received before a crash would be in a later batch than those that
/// were received after it, or beside them.
#[test]
pub fn unallocated_blocks_go_to_the_first_batch_that_is_run_again() {
    let store = store();
    let mut life = Life::new(&store);
    life.add(1..=2);
    assert_eq!(life.allocate(1), [1, 2]);
    life.add(3..=4);
    drop(life);
    // R15.13: batch 1 is run again, then batch 2, for which the former driver had allocated nothing.
    let mut life = Life::recover(&store);
    assert_eq!(life.allocate(1), [1, 2]);
    assert_eq!(life.allocate(2), [3, 4]);
    life.add(5..=5);
    assert_eq!(life.allocate(3), [5]);
}

/// SPARK-23991. Without it blocks would be gone when the log cannot be written for a moment.
#[test]
pub fn r07_blocks_whose_allocation_fails_wait_for_the_next_batch() {
    let store = store();
    let mut life = Life::new(&store);
    life.add(1..=3);
    store.harm(store.operations()..u64::MAX, Harm::FailsBefore);
    assert_eq!(life.allocate(1), [0; 0]);
    let told = findings(&life.lab.log, "allocation-failed");
    assert!(told.len() == 1 && told[0].starts_with("its 3 received blocks could not be allocated"), "{told:?}");
    store.harm(0..0, Harm::FailsBefore);
    assert_eq!(life.allocate(2), [1, 2, 3]);
    drop(life);
    let mut life = Life::recover(&store);
    assert_eq!(life.allocate(1), [0; 0]);
    assert_eq!(life.allocate(2), [1, 2, 3], "and the same after recovery");
}

/// Without it a source would be told that a block arrived which nobody will find after a crash (R18.4).
#[test]
fn a_block_that_cannot_be_logged_is_refused() {
    for harm in [Harm::FailsBefore, Harm::FailsAfter, Harm::Torn] {
        let store = store();
        let mut life = Life::new(&store);
        life.add(1..=1);
        store.harm(store.operations()..u64::MAX, harm);
        life.add(2..=2);
        store.harm(0..0, harm);
        life.add(3..=3);
        assert_eq!(life.answers(), [(1, true), (2, false), (3, true)], "{harm:?}");
        let told = findings(&life.lab.log, "received-blocks-refused");
        assert!(told.len() == 1 && told[0].starts_with("1 received blocks with 1 records"), "{harm:?}: {told:?}");
        assert_eq!(life.allocate(1), [1, 3], "{harm:?}");
        drop(life);
        assert_eq!(Life::recover(&store).allocate(1), [1, 3], "{harm:?}: what was refused does not come back");
    }
}

/// R18.8. Without it every block would wait for a sync of its own, or an answer would come before the sync.
#[test]
fn what_waits_for_the_log_shares_a_write_and_is_answered_after_it() {
    let store = store();
    let mut life = Life::new(&store);
    let writer = life.lab.log_writer.take();
    life.add(1..=3);
    life.ask(1);
    life.add(4..=5);
    assert!(life.answers().is_empty() && life.lab.received.is_empty(), "nothing is synced");
    assert_eq!(life.lab.log_operations.len(), 1, "one write is under way");
    life.lab.log_writer = writer;
    let mut writes = Vec::new();
    while let Some(ReceivedLogOp::Append { records, .. }) = life.lab.log_operations.front() {
        writes.push(records.len());
        life.lab.write_log_once();
    }
    assert_eq!(writes, [1, 2, 1, 2], "the first, those that waited for it, the allocation, those behind it");
    assert_eq!(life.answers(), [1, 2, 3, 4, 5].map(|n| (n, true)));
    let given: Vec<u64> = life.lab.received[0][&STREAM].iter().map(|block| block.id.number).collect();
    assert_eq!(given, [1, 2, 3], "what arrived before the batch was generated");
}

/// R16. Without it a receiver that stops would wait for ever for blocks that nobody logs any more.
#[test]
fn r16_what_waits_for_a_log_that_is_closed_is_refused() {
    let store = store();
    let mut life = Life::new(&store);
    drop(life.lab.log_writer.take());
    life.add(1..=3);
    life.lab.input(DriverInput::SlotEnded { slot: SlotId(0), result: Ok(()) });
    assert_eq!(life.answers(), [(2, false), (3, false)], "the first is being written, and may be there");
}

/// Without it a line would be taken twice after the driver died, or once more after its block was cleaned.
#[test]
fn a_recovered_receiver_knows_how_far_its_clients_are() {
    let store = store();
    let mut life = Life::new(&store);
    for (number, last) in [(1, 10), (2, 20)] {
        let clients = Clients::from([("feed".to_owned(), last)]);
        life.add_block(ReceivedBlock { clients, handle: Some(handle(number)), ..block(number) });
    }
    assert_eq!(life.allocate(1), [1, 2]);
    let started = |life: &Life| {
        let mut starts = life.lab.receiver_operations.iter().filter_map(|op| match op {
            ReceiverOp::Start { clients, numbers_after, .. } => Some((clients.get("feed").copied(), *numbers_after)),
            _ => None,
        });
        starts.next_back().expect("the receiver is started")
    };
    drop(life);
    let mut life = Life::recover(&store);
    assert_eq!(started(&life), (Some(20), 2));
    // Batches succeed and are cleaned, over several segments.
    for batch in 2..=6 {
        life.lab.pass(1000);
        life.add([u64::from(batch) * 10]);
        life.allocate(batch);
        life.succeed(batch);
    }
    assert!(!logged(&store).contains(&"add 2".to_owned()), "{:?}", logged(&store));
    drop(life);
    assert_eq!(started(&Life::recover(&store)).0, Some(20));
}

/// Without it a log would grow for ever, or what is cleaned would come back, or what is needed would go (D-29).
#[test]
fn r08_recovery_and_cleaning() {
    let store = store();
    let mut life = Life::new(&store);
    life.add(1..=5);
    drop(life);
    let mut life = Life::recover(&store);
    assert_eq!(life.allocate(1), [1, 2, 3, 4, 5]);
    assert!(life.lab.received[0][&STREAM].iter().all(|block| block.recovered));
    life.lab.pass(1500);
    life.add(6..=10);
    assert_eq!(life.allocate(2), [6, 7, 8, 9, 10]);
    let before = segments_of(&store, LOG).unwrap();
    life.succeed(1);
    life.lab.pass(1500);
    life.succeed(2);
    life.lab.pass(1500);
    life.add(11..=11);
    let after = segments_of(&store, LOG).unwrap();
    assert!(before.iter().any(|number| !after.contains(number)), "an old segment is deleted: {before:?} {after:?}");
    drop(life);
    let mut life = Life::recover(&store);
    assert_eq!(life.allocate(1), [0; 0], "it is cleaned");
    assert_eq!(life.allocate(2), [6, 7, 8, 9, 10], "it is not");
    assert_eq!(life.allocate(3), [11]);
}

/// SPARK-6222. Without it what a batch needs that has not succeeded would go because later ones have.
#[test]
pub fn v19_metadata_of_a_batch_that_never_completes_stays() {
    let store = store();
    let mut life = Life::new(&store);
    for batch in 1..=10u32 {
        life.add([u64::from(batch) * 10]);
        assert_eq!(life.allocate(batch), [u64::from(batch) * 10]);
        life.lab.pass(1000);
        if batch != 3 {
            life.succeed(batch);
        }
    }
    drop(life);
    let mut life = Life::recover(&store);
    assert_eq!(life.allocate(3), [30]);
    assert_eq!(life.allocate(1), [0; 0], "that of others is cleaned");
}

/// Without it what was logged and then damaged would be gone without a word (D-26, I12).
#[test]
fn damage_is_told_and_kept() {
    let store = store();
    let mut life = Life::new(&store);
    life.add(1..=3);
    drop(life);
    let key = format!("{LOG}/log-0000000001");
    let mut bytes = store.get(&key).unwrap();
    let at = read_all(&store, LOG).unwrap().records[1].handle.offset as usize;
    bytes[at + 30] ^= 1;
    store.put(&key, &bytes, PutMode::Replace).unwrap();
    let mut life = Life::recover(&store);
    assert_eq!(life.allocate(1), [1, 3]);
    let told = findings(&life.lab.log, "write-ahead-log-damaged");
    assert_eq!(told.len(), 1);
    let copy = format!("{LOG}/quarantine/log-0000000001");
    assert!(told[0].contains(&format!("{key} is damaged at byte {at}")) && told[0].ends_with(&copy), "{}", told[0]);
    assert_eq!(store.get(&copy).unwrap(), bytes);
}

/// Without it a program that starts over in an old directory would be given the blocks of another life later.
#[test]
fn a_program_that_starts_anew_replays_nothing() {
    let store = store();
    let mut life = Life::new(&store);
    life.add(1..=3);
    drop(life);
    let mut life = Life::new(&store);
    assert_eq!(life.allocate(1), [0; 0]);
    life.add(4..=4);
    drop(life);
    assert_eq!(Life::recover(&store).allocate(2), [4]);
}

/// Without it a store that does not answer would count as one without a log, and everything as never received.
#[test]
fn a_log_that_cannot_be_read_refuses_the_start() {
    let store = store();
    store.put(&format!("{LOG}/log-0000000001"), &newer_header(), PutMode::Create).unwrap();
    let life = Life::recover(&store);
    let error = life.lab.done[0].as_ref().expect_err("the stream does not start").to_string();
    assert!(error.contains("has version 9, this program reads 1; use the program that wrote it"), "{error}");
    assert!(life.lab.receiver_operations.is_empty());
}

/// The header of a segment of format 9, sound.
fn newer_header() -> Vec<u8> {
    let mut header = b"FLWL\x09\x00\x00\x00".to_vec();
    header.extend_from_slice(&[0; 24]);
    header.extend_from_slice(&crc32c(&header).to_le_bytes());
    header
}

/// By its definition, bit by bit.
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0x82F6_3B78 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}
