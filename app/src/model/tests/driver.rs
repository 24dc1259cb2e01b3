//! The driver is lost and comes back.

use super::*;

/// Without it the window would show executors, blocks and tasks of a driver that is gone, or a batch that runs again
/// as one that is over.
#[test]
fn nothing_of_a_lost_driver_stays() {
    let mut log = Log::default();
    log.executors([1]).rdd(rdd_info(0, "map", None, &[])).streaming().batch(1).batch(2);
    log.event(Event::DriverEpochTaken { dir: "checkpoint".into(), epoch: 3, continues: true });
    let (batch, after, path) = (BatchId(2), CheckpointedAfter::Generation, "checkpoint/checkpoint-2000".to_owned());
    let checkpoint = GraphCheckpointInfo { batch, after, path, bytes: 9, pending: 1, epoch: 3 };
    log.event(Event::GraphCheckpointWritten { checkpoint });
    assert_eq!(log.model.driver.checkpoint.as_ref().map(|c| (c.batch, c.pending)), Some((BatchId(2), 1)));
    log.event(Event::DriverLost { attempt: 1, reason: "killed".into() });
    let model = &log.model;
    assert!(model.driver.lost.is_some() && model.running_jobs().next().is_none());
    assert!(!model.rdds.is_empty() && model.rdds.values().all(|rdd| rdd.released));
    assert_eq!(model.backlog(), 0);
    log.event(Event::DriverStarted { attempt: 2, delay: Millis(1000) });
    assert_eq!((log.model.driver.restarts, &log.model.driver.lost), (1, &None));
    let info = BatchInfo { id: BatchId(2), time: VIRTUAL_EPOCH, records: 7, output_ops: Vec::new(), inputs: [].into() };
    log.event(Event::BatchSubmitted { batch: info });
    let again = &log.model.batches[&BatchId(2)];
    assert_eq!((again.completed, again.info.records, again.after_restarts), (None, 7, 1));
}
