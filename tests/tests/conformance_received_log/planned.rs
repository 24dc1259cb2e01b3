//! What a checkpoint says that batches were given, held against the log of received blocks.

use super::life::{Life, block, store};
use faultline_engine::driver::ReceivedRecord;
use faultline_engine::event::{InputPlan, PlannedBlock};
use faultline_engine::ids::*;
use faultline_engine::object_store::{Harm, HostileStore, ObjectStore};
use faultline_engine::recovery::{BatchPlan, StreamingCheckpoint};
use faultline_engine::write_ahead::{LogSettings, LogStart, WriteAheadLog};
use faultline_tests::scripted::findings;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The checkpoint of the last of these batches: which of them are pending, and the blocks that each was given.
pub fn checkpoint(pending: &[u32], batches: &[(u32, &[u64])]) -> StreamingCheckpoint {
    let mut checkpoint: StreamingCheckpoint = serde_json::from_value(serde_json::json!({
        "application": "lab", "application_id": "lab", "epoch": 1, "interval": 1000,
        "time": VIRTUAL_EPOCH, "zero": VIRTUAL_EPOCH, "graph": { "streams": [], "outputs": [] },
        "properties": {}, "pending": [], "batches": {}, "saved": {}, "next_rdd": 0,
    }))
    .expect("a checkpoint");
    checkpoint.pending = pending.iter().copied().map(BatchId).collect();
    for (batch, numbers) in batches {
        let blocks = numbers.iter().map(|number| PlannedBlock { id: block(*number).id, records: 1 }).collect();
        let inputs = BTreeMap::from([(StreamId(0), InputPlan::Blocks { blocks })]);
        checkpoint.batches.insert(BatchId(*batch), BatchPlan { records: numbers.len() as u64, inputs });
        checkpoint.time = VIRTUAL_EPOCH.plus(Millis(u64::from(*batch) * 1000));
    }
    checkpoint
}

/// A log with these records, as a former driver left it.
fn write_log(store: &HostileStore, records: &[ReceivedRecord]) {
    let bytes: Vec<Vec<u8>> = records.iter().map(|record| serde_json::to_vec(record).expect("a record")).collect();
    let bytes: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
    let log = "app/receivedBlockMetadata";
    let mut log = WriteAheadLog::new(Arc::new(store.clone()), log, 0, LogStart::New, LogSettings::default());
    log.append(VIRTUAL_EPOCH, &bytes).expect("it can be written");
}

/// I1. Without it a batch that ran without blocks, because they could not be allocated to it, would be given them
/// when it runs again, and whoever knows that it is written already would drop them.
#[test]
fn a_batch_that_ran_without_blocks_does_so_again() {
    // The last write of the driver is not there, or it is although nobody heard so.
    for harm in [Harm::FailsBefore, Harm::FailsAfter] {
        let store = store();
        let mut life = Life::new(&store);
        life.add(1..=3);
        store.harm(store.operations()..u64::MAX, harm);
        assert_eq!(life.allocate(1), [0; 0], "{harm:?}");
        store.harm(0..0, harm);
        drop(life);
        let mut life = Life::go_on(&store, checkpoint(&[1], &[(1, &[])]));
        assert_eq!(life.allocate(1), [0; 0], "{harm:?}: as before");
        drop(life);
        // Also when the checkpoint does not know the batch any more.
        let mut life = Life::go_on(&store, checkpoint(&[], &[(2, &[])]));
        assert_eq!(life.allocate(1), [0; 0], "{harm:?}: as before");
        assert_eq!(life.allocate(3), [1, 2, 3], "{harm:?}: nothing is lost");
    }
}

/// I1. Without it blocks that a batch ran without would be gone with the driver after the next: the one between knew
/// from its checkpoint that the log says too much, could not write that down, and forgot it.
#[test]
fn what_is_planned_is_logged_later_when_it_could_not_be_at_once() {
    // What the second driver did in the store when it began, if this operation of it failed, and what the third gives.
    let lives = |fails: Option<u64>| {
        let store = store();
        let mut life = Life::new(&store);
        life.add(1..=3);
        store.harm(store.operations()..u64::MAX, Harm::FailsAfter);
        assert_eq!(life.allocate(1), [0; 0]);
        let before = store.operations();
        store.harm(fails.map_or(0..0, |nth| before + nth..u64::MAX), Harm::FailsBefore);
        drop(life);
        let mut life = Life::go_on(&store, checkpoint(&[], &[(1, &[])]));
        let began = store.operations() - before;
        store.harm(0..0, Harm::FailsBefore);
        life.add([4]);
        assert_eq!(life.answers(), [(4, true)]);
        drop(life);
        // The batch was completed, so no checkpoint knows it any more.
        let mut life = Life::go_on(&store, checkpoint(&[], &[(2, &[])]));
        (began, life.allocate(1), life.allocate(3))
    };
    let (operations, ..) = lives(None);
    // Its last two: it appends and syncs.
    for nth in operations - 2..operations {
        let (_, first, third) = lives(Some(nth));
        assert_eq!((first, third), (vec![], vec![1, 2, 3, 4]), "operation {nth} fails");
    }
}

/// I5. Without it a batch would run again without what it had read, and its old result would be replaced by less.
#[test]
fn a_batch_whose_blocks_are_gone_fails_and_says_so() {
    let store = store();
    let mut life = Life::new(&store);
    life.add(1..=2);
    assert_eq!(life.allocate(1), [1, 2]);
    drop(life);
    store.delete("app/receivedBlockMetadata/log-0000000001").expect("it can be deleted");
    let mut life = Life::go_on(&store, checkpoint(&[1], &[(1, &[1, 2])]));
    let error = life.refused(1);
    assert!(error.contains("nothing of 2 blocks with 2 records of stream 0 that it was given before"), "{error}");
    assert!(error.contains("onBatchFailure=skip"), "{error}");
    life.add(3..=3);
    assert_eq!(life.allocate(2), [3], "what is there is given");
}

/// Without it blocks whose allocation the log lost would be in a second batch.
#[test]
fn what_the_log_lost_of_an_allocation_the_checkpoint_knows() {
    let store = store();
    let logged: Vec<ReceivedRecord> =
        (1..=3).map(|number| ReceivedRecord::BlockAdded { block: Life::logged(number) }).collect();
    write_log(&store, &logged);
    let mut life = Life::go_on(&store, checkpoint(&[1], &[(1, &[1]), (2, &[2])]));
    assert_eq!(life.allocate(2), [2]);
    assert_eq!(life.allocate(1), [1]);
    assert_eq!(life.allocate(3), [3]);
    drop(life);
    let mut life = Life::recover(&store);
    let again: Vec<Vec<u64>> = (1..=4).map(|batch| life.allocate(batch)).collect();
    assert_eq!(again, [vec![1], vec![2], vec![3], vec![]], "it is in the log from now on");
}

/// Without it a batch that succeeded while a checkpoint was written that calls it pending would run again empty.
#[test]
fn what_a_checkpoint_calls_pending_is_not_cleaned_after_it() {
    let store = store();
    let mut life = Life::with_checkpoints(&store);
    for batch in 1..=2 {
        life.add([u64::from(batch)]);
        assert_eq!(life.allocate(batch), [u64::from(batch)]);
        life.generate(batch);
        life.verify();
    }
    life.finish(2);
    life.clear(2);
    life.finish(1);
    let written = life.verify();
    assert_eq!(written.pending, [BatchId(1)].into(), "it is from before");
    drop(life);
    let mut life = Life::go_on(&store, written);
    assert_eq!(life.allocate(1), [1]);
}

/// Without it a driver would wait for hours, and nobody would know for what.
#[test]
fn a_clock_that_was_set_back_is_told() {
    let life = Life::go_on(&store(), checkpoint(&[], &[(90, &[])]));
    let told = findings(&life.lab.log, "clock-behind-checkpoint");
    assert!(told.len() == 1 && told[0].contains("it is 90000 ms behind the checkpoint"), "{told:?}");
}
