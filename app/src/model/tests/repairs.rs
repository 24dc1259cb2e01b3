use super::*;

const RESULT: TaskKind = TaskKind::ResultTask;

/// One batch with one task that reads these rows, after executor 2 died with partition 1 when `lost`.
fn batch_with(rows: Vec<ReadRow>, lost: bool) -> Log {
    let mut log = Log::default();
    log.executors(1..=2).streaming();
    log.rdd(rdd_info(1, "map", Some(1), &[])).rdd(rdd_info(2, STATE, Some(1), &[1]));
    log.store(2, 2, 1, 100);
    if lost {
        log.fault(2).gone(2);
    }
    log.batch(1).job(0, Some(1), stage(0, 2, None)).ran(&task(1, 0, 1, 1, RESULT), rows);
    log
}

// Without this every batch of a program that keeps nothing, and every batch with a checkpoint, is
// painted as if it had repaired something.
#[test]
fn only_work_because_of_a_loss_is_a_repair() {
    let check = |what: &str, rows: Vec<ReadRow>, lost: bool, expect: bool| {
        let log = batch_with(rows, lost);
        assert_eq!(log.model.batch_repaired(BatchId(1)), expect, "{what}: the batch");
        assert_eq!(log.model.job_repaired(JobId(0)), expect, "{what}: its job");
    };
    let first = || vec![row(2, 1, ReadTier::Computed, None)];
    check("first time", first(), false, false);
    check("first time, after a fault", first(), true, false);
    check("never persisted", vec![again(2, 1, RecomputeCause::NeverPersisted, None)], true, false);
    check("second job", vec![again(2, 1, RecomputeCause::CheckpointJob, None)], false, false);
    check("lost", vec![again(2, 1, RecomputeCause::LostWithExecutor(ExecutorId(2)), None)], true, true);
    check("read back, nothing lost", vec![row(2, 1, ReadTier::Checkpoint, None)], false, false);
    check("read back after a loss", vec![row(2, 1, ReadTier::Checkpoint, None)], true, true);
}

// Without this a block that memory had no room for looks as if the last fault had cost it, or one that died with its
// executor as if nothing had.
#[test]
fn a_received_block_is_read_back_because_of_a_loss_only() {
    for holds in [false, true] {
        let mut log = Log::default();
        log.executors(1..=2).streaming().rdd(rdd_info(1, "map", Some(1), &[]));
        if holds {
            log.event(receivers::input(2, 200, 30));
        }
        log.fault(2).gone(2);
        log.batch(1).job(0, Some(1), stage(0, 1, None));
        assert_eq!(log.model.story.lost_inputs, u32::from(holds));
        assert_eq!(log.model.story.detail.starts_with("1 received block is lost"), holds, "{}", log.model.story.detail);
        log.ran(&task(1, 0, 1, 1, RESULT), vec![row(1, 1, ReadTier::WriteAheadLog, None)]);
        assert_eq!(log.model.batch_repaired(BatchId(1)), holds);
        assert_eq!(log.model.story.blocks_read_back, u32::from(holds));
    }
}

// Without this a batch that only writes lost map outputs again looks as if nothing had happened.
#[test]
fn a_map_output_written_again_is_a_repair() {
    let mut log = Log::default();
    log.executors(1..=2).streaming();
    log.rdd(rdd_info(1, "map", Some(1), &[])).rdd(shuffled(2, STATE, Some(1), 1, 0));
    log.batch(1).job(0, Some(1), stage(0, 1, Some(0)));
    let map = |id| task(id, 0, 0, 1, TaskKind::ShuffleMapTask);
    log.ran(&map(1), vec![]);
    assert!(!log.model.batch_repaired(BatchId(1)));
    log.event(maps_lost(0, 1, &[0], 1)).ran(&map(2), vec![]);
    assert!(log.model.batch_repaired(BatchId(1)));
}
