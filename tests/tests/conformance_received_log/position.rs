//! How far the log of received blocks was written when a checkpoint was: a log that ends earlier is told.

use super::life::{Life, store};
use super::planned::checkpoint;
use faultline_engine::object_store::ObjectStore;
use faultline_tests::scripted::findings;

/// I12. Without it a log that lost its end would be believed, and blocks would be gone without a word.
#[test]
fn a_log_that_ends_before_the_checkpoint_is_told() {
    let store = store();
    let mut life = Life::with_checkpoints(&store);
    let mut position = None;
    for batch in 1..=3 {
        life.add([u64::from(batch)]);
        // Each allocation begins another segment.
        life.lab.pass(1500);
        assert_eq!(life.allocate(batch), [u64::from(batch)]);
        life.generate(batch);
        position = life.verify().log;
    }
    drop(life);
    let at = position.expect("the log was written");
    assert_eq!((at.segment, at.record), (4, 6));
    let mut left = checkpoint(&[1, 2, 3], &[(1, &[1]), (2, &[2]), (3, &[3])]);
    left.log = position;
    let told = |life: &Life| findings(&life.lab.log, "write-ahead-log-behind-checkpoint");
    let life = Life::go_on(&store, left.clone());
    assert_eq!(told(&life).len(), 0, "everything is there");
    drop(life);
    for segment in [3, 4] {
        store.delete(&format!("app/receivedBlockMetadata/log-{segment:010}")).expect("it can be deleted");
    }
    let mut life = Life::go_on(&store, left);
    let told = told(&life);
    assert_eq!(told.len(), 1, "{told:?}");
    for part in [
        "written up to record 6 in segment 4",
        "it ends with record 3 in segment 2",
        "3 records are missing",
        "batch 3 lacks 1 blocks with 1 records, the first is input-0-3",
        "put its segments back",
    ] {
        assert!(told[0].contains(part), "{part}: {told:?}");
    }
    assert_eq!([1, 2].map(|batch| life.allocate(batch)), [[1], [2]], "what is there is used");
    life.refused(3);
}
