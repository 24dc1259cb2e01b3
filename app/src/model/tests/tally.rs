use super::*;

const RESULT: TaskKind = TaskKind::ResultTask;

/// Batch 1 with a state of three RDDs over a map, and batch 2 that reads batch 1.
fn two_batches() -> Log {
    let mut log = Log::default();
    log.executors(1..=2).streaming();
    for batch in 1..=2 {
        let id = batch * 10;
        log.rdd(rdd_info(id, "map", Some(batch), &[]));
        log.rdd(rdd_info(id + 1, STATE, Some(batch), &[id]));
        log.rdd(nth(1, rdd_info(id + 2, STATE, Some(batch), &[id + 1])));
        log.rdd(nth(2, rdd_info(id + 3, STATE, Some(batch), &[id + 2])));
    }
    log
}

fn records(records: u64, row: ReadRow) -> ReadRow {
    ReadRow { records, ..row }
}

// Without this the compare tables count an operator's inner RDDs, or the records between them.
#[test]
fn the_rdds_of_an_operator_count_as_one() {
    let mut log = two_batches();
    log.batch(1).job(0, Some(1), stage(0, 13, None));
    let rows = vec![
        records(7, row(13, 0, ReadTier::Computed, None)),
        records(30, row(12, 0, ReadTier::Computed, Some(0))),
        records(40, row(11, 0, ReadTier::Computed, Some(1))),
        records(50, row(10, 0, ReadTier::Computed, Some(2))),
    ];
    log.ran(&task(1, 0, 0, 1, RESULT), rows);
    let tally = log.model.batches[&BatchId(1)].tally;
    assert_eq!((tally.tasks, tally.computed_partitions, tally.computed_again), (1, 2, 0));
    assert_eq!(tally.computed_records, 7 + 50, "of the result RDD of each operator");
}

// Without this a repeated partition is counted once per run and not once per task, or per RDD.
#[test]
fn again_is_counted_per_task() {
    let mut log = two_batches();
    log.batch(1).job(0, Some(1), stage(0, 13, None));
    let rows = || {
        vec![
            row(13, 0, ReadTier::Computed, None),
            again(12, 0, RecomputeCause::NeverPersisted, Some(0)),
            again(11, 0, RecomputeCause::NeverPersisted, Some(1)),
        ]
    };
    log.ran(&task(1, 0, 0, 1, RESULT), rows()).ran(&task(2, 0, 0, 1, RESULT), rows());
    let tally = log.model.run_tally();
    assert_eq!((tally.computed_partitions, tally.computed_again), (2, 2));
}

// Without this a checkpoint read counts twice, on the RDD and on the one that reads its files.
#[test]
fn stored_partitions_count_where_they_were_read() {
    let mut log = two_batches();
    log.checkpoint(13, 40, 4, &[10]).batch(2).job(0, Some(2), stage(0, 23, None));
    let rows = vec![
        row(23, 0, ReadTier::Computed, None),
        row(13, 0, ReadTier::Checkpoint, Some(0)),
        row(40, 0, ReadTier::Computed, Some(1)),
        row(40, 1, ReadTier::Checkpoint, Some(1)),
        row(20, 0, ReadTier::LocalMemory, Some(0)),
        row(20, 1, ReadTier::LocalDisk, Some(0)),
        row(20, 2, ReadTier::Remote { executor: ExecutorId(2) }, Some(0)),
        row(99, 0, ReadTier::Computed, Some(0)),
    ];
    log.ran(&task(1, 0, 0, 1, RESULT), rows);
    let tally = log.model.batches[&BatchId(2)].tally;
    assert_eq!((tally.checkpoint_partitions_read, tally.cached_partitions_read), (1, 3));
    assert_eq!(tally.computed_partitions, 1, "neither the reader of files nor an unknown RDD");
}

// Without this the bytes of failed tasks vanish, or their half-done partitions count as computed.
#[test]
fn a_failed_task_moved_bytes_and_computed_nothing() {
    let mut log = two_batches();
    log.batch(1).job(0, Some(1), stage(0, 13, None));
    let metrics = TaskMetrics {
        source_records: 5,
        checkpoint_bytes_read: 100,
        checkpoint_bytes_written: 30,
        shuffle_read: ShuffleMetrics { bytes: 64, ..ShuffleMetrics::default() },
        reads: vec![row(13, 0, ReadTier::Computed, None)],
        ..TaskMetrics::default()
    };
    let failed = task(1, 0, 0, 1, RESULT);
    let reason = TaskEndReason::ExceptionFailure { message: "boom".into() };
    log.start(&failed).event(Event::TaskEnd { task: failed, reason, metrics });
    let expect = Tally {
        tasks: 1,
        checkpoint_bytes_read: 100,
        shuffle_bytes_read: 64,
        source_records_read: 5,
        ..Tally::default()
    };
    assert_eq!(log.model.batches[&BatchId(1)].tally, expect);
    assert_eq!(log.model.upkeep.checkpoint_bytes_written, 30);
    assert_eq!(log.sign(13, 0), Sign::NeverComputed);
}

// Without this work outside of batches is charged to a batch, or times are wrong by a unit.
#[test]
fn run_and_batch_are_counted_apart() {
    let mut log = two_batches();
    log.batch(1).job(0, Some(1), stage(0, 13, None)).start(&task(1, 0, 0, 1, RESULT));
    log.job_end(0).batch_end(1, None);
    log.job(1, None, stage(1, 13, None)).start(&task(2, 1, 0, 1, RESULT));
    let batch = log.model.batches[&BatchId(1)].tally;
    assert_eq!((batch.tasks, batch.time_ms), (1, 412));
    let run = log.model.run_tally();
    assert_eq!((run.tasks, run.time_ms), (2, log.envelopes.len() as u64 - 1));
}
