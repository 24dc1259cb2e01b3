//! What of the log of received blocks goes, although nobody says so batch by batch.

use super::life::{Life, store};
use super::planned::checkpoint;
use faultline_engine::driver::DriverInput;
use faultline_engine::ids::*;
use faultline_tests::scripted::findings;

/// Without it every restart of a windowed or stateful program would keep what its first batch read for ever.
#[test]
fn what_a_window_reads_again_goes_when_the_window_is_past() {
    let store = store();
    let mut life = Life::new(&store);
    for batch in 1..=3 {
        life.add([u64::from(batch) * 10]);
        life.allocate(batch);
        life.lab.pass(1000);
    }
    drop(life);
    let mut life = Life::recover(&store);
    // Batch 3 runs again, and its window reads the two before.
    assert_eq!([3, 2, 1].map(|batch| life.allocate(batch)), [[30], [20], [10]]);
    life.succeed(3);
    for batch in 4..=6 {
        life.add([u64::from(batch) * 10]);
        life.allocate(batch);
        life.lab.pass(1000);
        life.succeed(batch);
    }
    drop(life);
    let mut life = Life::recover(&store);
    assert_eq!([1, 2].map(|batch| life.allocate(batch)), [[0; 0], [0; 0]], "they are cleaned");
    assert_eq!(life.allocate(6), [60], "the last one is not");
}

/// D-10. Without it a store that takes longer than an interval would keep everything for ever: what is written
/// last follows a generation each time.
#[test]
fn what_completed_is_cleaned_though_its_own_checkpoint_was_passed_over() {
    let store = store();
    let mut life = Life::with_checkpoints(&store);
    for batch in 1..=4 {
        life.add([u64::from(batch)]);
        life.allocate(batch);
    }
    life.generate(1);
    life.verify();
    life.finish(1);
    life.clear(1);
    life.verify();
    life.generate(2);
    life.verify();
    life.generate(3);
    life.finish(2);
    life.clear(2);
    life.generate(4);
    assert_eq!(life.verify().batch(), BatchId(3), "the completion of batch 2 waits");
    assert_eq!(life.verify().batch(), BatchId(4), "and the generation of batch 4 took its place");
    drop(life);
    let mut life = Life::recover(&store);
    assert_eq!([life.allocate(1), life.allocate(2)], [vec![], vec![2]]);
}

/// Without it a batch that runs again after later ones completed would send the next driver back behind those,
/// whose blocks are cleaned.
#[test]
fn the_time_of_a_checkpoint_does_not_go_back() {
    let store = store();
    let mut life = Life::go_on(&store, checkpoint(&[1], &[(1, &[]), (2, &[]), (3, &[])]));
    life.generate(1);
    let written = life.verify();
    assert_eq!((written.batch(), written.pending), (BatchId(3), [BatchId(1)].into()));
}

/// I12. Without it a directory that cannot be cleaned would grow until its disk is full, and nobody would know why.
#[test]
fn what_cannot_be_cleaned_is_told_once() {
    let mut life = Life::new(&store());
    let failed = || DriverInput::ReceivedLogDeleted { segments: vec![1, 2], result: Err("it is read-only".to_owned()) };
    life.lab.input(failed());
    life.lab.input(failed());
    let told = findings(&life.lab.log, "write-ahead-log-not-cleaned");
    assert!(told.len() == 1 && told[0].starts_with("2 segments") && told[0].ends_with("it is read-only"), "{told:?}");
    life.lab.input(DriverInput::ReceivedLogDeleted { segments: vec![1, 2], result: Ok(()) });
    life.lab.input(failed());
    assert_eq!(findings(&life.lab.log, "write-ahead-log-not-cleaned").len(), 2, "and again when it had gone well");
    // The same of the log of the blocks themselves.
    for (result, told) in
        [(Err("full".to_owned()), 3), (Err("full".to_owned()), 3), (Ok(()), 3), (Err(String::new()), 4)]
    {
        life.lab.input(DriverInput::BlockLogCleaned { stream: StreamId(0), result });
        assert_eq!(findings(&life.lab.log, "write-ahead-log-not-cleaned").len(), told);
    }
}
