use super::*;

fn checkpointed() -> Log {
    let mut log = Log::default();
    log.executors(1..=2);
    log.rdd(rdd_info(1, "map", None, &[])).rdd(rdd_info(2, "ranks", None, &[1])).rdd(rdd_info(3, "map#2", None, &[2]));
    log.store(1, 2, 0, 10).store(2, 2, 1, 10);
    log.event(Event::CheckpointMarked { rdd: RddId(2), local: false });
    log.event(Event::CheckpointStarted { rdd: RddId(2), path: "rdd-2".into() });
    log
}

// Without this the cut, the ghosts behind it and the file in the store are not drawn.
#[test]
fn a_checkpoint_cuts_the_lineage() {
    let mut log = checkpointed();
    let marked = &log.model.rdds[&RddId(2)];
    assert!(marked.checkpoint_marked && marked.checkpoint_writing && marked.checkpoint_path.is_none());
    log.checkpoint(2, 9, 4, &[1]);
    let rdd = &log.model.rdds[&RddId(2)];
    assert_eq!(rdd.info.parents[0].rdd, RddId(9));
    assert_eq!(rdd.cut_parents[0].rdd, RddId(1));
    assert!(!rdd.checkpoint_writing && log.model.rdds[&RddId(1)].ghost && !rdd.ghost);
    assert_eq!(rdd.checkpoint_path.as_deref(), Some("rdd-2"));
    assert_eq!(log.model.checkpoints[&RddId(2)].parts.len(), 4);
    assert_eq!(log.sign(9, 3), Sign::CheckpointPart);
    assert!(log.model.cell(RddId(2), PartitionId(0)).checkpointed);
    log.checkpoint(2, 9, 4, &[1]);
    assert_eq!(log.model.rdds[&RddId(2)].cut_parents[0].rdd, RddId(1), "told twice, cut once");
}

// Without this a lost block of a checkpointed RDD is drawn as lost for good, or its way back as work.
#[test]
fn what_is_lost_comes_back_from_the_file() {
    let mut log = checkpointed();
    log.checkpoint(2, 9, 4, &[1]).fault(2).gone(2);
    assert_eq!(log.sign(2, 1), Sign::CheckpointPart);
    let result = task(1, 0, 1, 1, TaskKind::ResultTask);
    log.job(0, None, stage(0, 3, None)).start(&result);
    assert_eq!((log.sign(3, 1), log.sign(2, 1)), (Sign::Computing, Sign::CheckpointPart));
    let rows = vec![row(3, 1, ReadTier::Computed, None), row(2, 1, ReadTier::Checkpoint, Some(0))];
    log.end(&result, rows);
    assert_eq!((log.sign(3, 1), log.sign(2, 1)), (Sign::ComputedNotKept, Sign::ReadBack));
    assert_eq!((log.model.story.read_back, log.model.story.computed_again), (1, 0));
    assert!(log.model.story.path.contains(&RddId(2)));
    log.fault(1);
    assert_eq!(log.sign(2, 1), Sign::CheckpointPart, "read back since the last fault");
}

// Without this a failed checkpoint is shown as being written for ever.
#[test]
fn a_failed_checkpoint_keeps_its_mark() {
    let mut log = checkpointed();
    log.event(Event::CheckpointFailed { rdd: RddId(2), error: "disk full\nat store".into() });
    let rdd = &log.model.rdds[&RddId(2)];
    assert!(rdd.checkpoint_marked && !rdd.checkpoint_writing && rdd.cut_parents.is_empty());
    assert_eq!(log.model.story.detail, "disk full");
}

/// A window reads batches behind the cut again: they and what they came from would look as if nothing
/// needed them, and the note at the cut would count them.
#[test]
fn what_is_read_again_after_a_cut_is_no_ghost() {
    let mut log = Log::default();
    log.rdd(rdd_info(1, "input", Some(1), &[]));
    log.rdd(rdd_info(2, "reduceByKey", Some(1), &[1]));
    log.rdd(rdd_info(3, "input", Some(2), &[]));
    log.rdd(rdd_info(4, "reduceByKey", Some(2), &[3]));
    log.rdd(rdd_info(5, "window", Some(2), &[2, 4]));
    log.checkpoint(5, 6, 4, &[1, 2, 3, 4]);
    let ghosts = |log: &Log| log.model.rdds.values().filter(|r| r.ghost).map(|r| r.info.id.0).collect::<Vec<_>>();
    let noted = |log: &Log| log.model.checkpoints[&RddId(5)].released.iter().map(|r| r.0).collect::<Vec<_>>();
    assert_eq!(ghosts(&log), [1, 2, 3, 4]);
    log.rdd(rdd_info(7, "window", Some(3), &[5, 4]));
    assert_eq!((ghosts(&log), noted(&log)), (vec![1, 2], vec![1, 2]));
    // What the engine has let go is gone for good.
    log.event(Event::RddReleased { rdd: RddId(2) });
    log.rdd(rdd_info(8, "window", Some(3), &[2]));
    assert_eq!((ghosts(&log), noted(&log)), (vec![1, 2], vec![1, 2]));
}

/// Without this what an old batch's output still read stays solid behind the cut for ever.
#[test]
fn the_last_reader_released_leaves_a_ghost() {
    let mut log = Log::default();
    log.rdd(rdd_info(1, "input", Some(1), &[])).rdd(rdd_info(2, "state", Some(1), &[1]));
    log.rdd(rdd_info(3, "state", Some(2), &[2])).rdd(rdd_info(9, "filter", Some(1), &[2]));
    log.checkpoint(3, 10, 4, &[]);
    let ghosts = |log: &Log| log.model.rdds.values().filter(|r| r.ghost).map(|r| r.info.id.0).collect::<Vec<_>>();
    assert_eq!(ghosts(&log), [] as [u32; 0], "9 still reads 2");
    log.event(Event::RddReleased { rdd: RddId(9) });
    assert_eq!(ghosts(&log), [1, 2]);
    assert_eq!(log.model.checkpoints[&RddId(3)].released, [RddId(1), RddId(2)]);
    // The newest state has no reader either, and no cut in front of it.
    assert!(!log.model.rdds[&RddId(3)].ghost);
}

/// Without it the loss of a block of a local checkpoint would look harmless, and files that are gone would
/// still be offered.
#[test]
fn only_files_in_the_store_outlive_an_executor() {
    let mut log = checkpointed();
    let mut reader = rdd_info(9, "map", None, &[]);
    reader.class = LOCAL_CHECKPOINT_RDD_CLASS.to_owned();
    log.event(Event::CheckpointCompleted {
        rdd: RddId(2),
        checkpoint_rdd: reader,
        path: String::new(),
        parts: Vec::new(),
        released: vec![RddId(1)],
        teed: 0,
    });
    let cut = &log.model.rdds[&RddId(2)];
    assert!(cut.checkpoint_path.is_none() && cut.info.parents[0].rdd == RddId(9));
    assert!(log.model.rdds[&RddId(9)].reads_checkpoint_files() && !log.model.checkpoints[&RddId(2)].in_store);

    let mut log = checkpointed();
    log.checkpoint(2, 9, 4, &[1]);
    assert!(log.model.checkpoints[&RddId(2)].in_store);
    log.event(Event::CheckpointDeleted { rdd: RddId(2), path: "rdd-2".into() });
    assert!(!log.model.checkpoints[&RddId(2)].in_store && log.model.rdds[&RddId(2)].checkpoint_path.is_none());
}
