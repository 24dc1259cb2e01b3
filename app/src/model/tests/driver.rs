//! The driver is lost and comes back.

use super::*;
use faultline_engine::command::{Command, SuperviseMode};

/// Without it the window would show executors, blocks and tasks of a driver that is gone, or a batch that runs again
/// as one that is over.
#[test]
fn nothing_of_a_lost_driver_stays() {
    let mut log = Log::default();
    log.executors([1]).rdd(rdd_info(0, "map", None, &[])).streaming().batch(1).batch(2);
    log.event(Event::DriverEpochTaken { dir: "checkpoint".into(), epoch: 3, continues: true });
    let (batch, after, path) = (BatchId(2), CheckpointedAfter::Generation, "checkpoint/checkpoint-2000".to_owned());
    let checkpoint =
        GraphCheckpointInfo { batch, after, path, bytes: 9, pending: 1, epoch: 3, backup: None, deleted: Vec::new() };
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
    // What was made of a batch before is not drawn beside what is made of it now.
    let rdds = |log: &Log, batch| {
        log.model.operators[&OperatorName::from("map")][&batch].iter().map(|rdd| rdd.0).collect::<Vec<_>>()
    };
    assert_eq!(rdds(&log, None), [0]);
    log.rdd(rdd_info(7, "map", None, &[])).rdd(nth(1, rdd_info(8, "map", None, &[7])));
    assert_eq!(rdds(&log, None), [7, 8]);
    let again = &log.model.batches[&BatchId(2)];
    assert_eq!((again.completed, again.info.records, again.after_restarts), (None, 7, 1));
}

fn recovery(batch: u32, pending: &[u32], restart: u32) -> Event {
    let recovery = RecoveryInfo {
        path: "checkpoint/checkpoint-6000".into(),
        epoch: 1,
        batch: BatchId(batch),
        pending: pending.iter().copied().map(BatchId).collect(),
        restart: BatchId(restart),
        states: Vec::new(),
        saved: vec!["checkpoint/rdd-9".into()],
        damaged: Vec::new(),
    };
    Event::StreamingRecovered { recovery }
}

fn written(batch: u32) -> Event {
    let (after, path) = (CheckpointedAfter::Completion, "checkpoint/checkpoint-6000".to_owned());
    let checkpoint = GraphCheckpointInfo {
        batch: BatchId(batch),
        after,
        path,
        bytes: 9,
        pending: 0,
        epoch: 1,
        backup: None,
        deleted: Vec::new(),
    };
    Event::GraphCheckpointWritten { checkpoint }
}

fn applied(command: Command) -> Event {
    Event::CommandApplied { command, before_input: 0 }
}

/// Executors 1 and 2 with a stored partition and a received block, in batch 7 of a stream; then the driver dies.
fn lost() -> Log {
    let mut log = Log::default();
    log.event(Event::ApplicationStart { name: "words".into(), id: "app".into() });
    log.executors(1..=2).streaming().batch(6).batch_end(6, None).event(written(6)).batch(7);
    log.rdd(rdd_info(4, "map", Some(7), &[])).store(1, 4, 0, 30).store(2, 4, 0, 30).store(2, 4, 1, 30);
    log.event(applied(Command::KillDriver));
    log.event(Event::FaultInjected { fault: "kill:driver".into(), executor: None });
    log.event(Event::DriverLost { attempt: 1, reason: "Command exited with code 137".into() });
    for executor in [1, 2].map(ExecutorId) {
        log.event(Event::BlockManagerRemoved { executor });
    }
    for executor in [1, 2].map(ExecutorId) {
        log.event(Event::ExecutorRemoved { executor, reason: "Driver lost".into() });
    }
    log
}

/// Without it the card would offer to restart what nobody knows any more, or leave open who does what next.
#[test]
fn who_starts_a_lost_driver_depends_on_the_switch() {
    let mut log = lost();
    let story = |log: &Log| (log.model.story.headline.clone(), log.model.story.detail.clone());
    assert_eq!(log.model.driver_phase(), DriverPhase::Lost);
    let (headline, detail) = story(&log);
    assert_eq!(headline, "The driver died in batch 7.");
    let gone = "2 executors and 2 stored partitions went with it; ";
    let by_hand = format!("{gone}nobody supervises it: start it again from the checkpoint of batch 6.");
    assert_eq!(detail, by_hand);
    assert!(log.model.executors.values().all(|e| log.model.of_former_life(e)));

    log.event(applied(Command::SuperviseDriver { mode: SuperviseMode::On }));
    assert_eq!(story(&log).1, format!("{gone}its supervisor starts it again."));
    log.event(Event::DriverRestartScheduled(ScheduledRestart { attempt: 2, at: VIRTUAL_EPOCH.plus(Millis(1000)) }));
    assert_eq!(log.model.driver_phase(), DriverPhase::Waiting);
    log.event(applied(Command::SuperviseDriver { mode: SuperviseMode::Off }));
    assert_eq!((log.model.driver_phase(), log.model.driver.starts_at), (DriverPhase::Lost, None));
    assert_eq!(story(&log).1, by_hand);
}

/// Without it the card and the story would count wrong what runs again, or never come to an end.
#[test]
fn a_recovery_counts_the_batches_that_run_again() {
    let mut log = lost();
    log.event(Event::DriverStarted { attempt: 2, delay: Millis(1000) }).executors(3..=4);
    assert_eq!(log.model.story.headline, "Driver 2 runs, 1.0 s after the loss.");
    log.event(Event::DriverEpochTaken { dir: "checkpoint".into(), epoch: 2, continues: true })
        .event(recovery(6, &[4, 7], 8))
        .streaming();
    let progress = |log: &Log| {
        let recovery = log.model.driver.recovery.as_ref();
        (log.model.driver_phase(), recovery.map(|r| (r.done, r.of())))
    };
    assert_eq!(progress(&log), (DriverPhase::Recovering, Some((0, 3))));
    assert_eq!(log.model.story.headline, "Driver 2 goes on from the checkpoint of batch 6.");
    log.batch(4).batch_end(4, None).batch(6);
    let finding = Finding { kind: "received-blocks-lost".into(), message: "gone".into(), place: "batch 6".into() };
    log.event(Event::FindingReported { finding }).batch_end(6, Some("it failed")).batch_end(6, None);
    assert_eq!(progress(&log), (DriverPhase::Recovering, Some((2, 3))));
    log.batch(7).batch_end(7, None);
    assert_eq!(progress(&log), (DriverPhase::Running, Some((3, 3))));
    let closing =
        "Driver 2 recovered from the checkpoint of batch 6: 3 batches ran again; batch 6 lacks received blocks.";
    assert_eq!((log.model.story.phase, log.model.story.detail.as_str()), (StoryPhase::Recovered, closing));
    let lives: Vec<_> =
        log.model.driver.lives.iter().map(|l| (l.number, l.checkpoint, l.recovered.is_some())).collect();
    assert_eq!(lives, [(1, None, false), (2, Some(BatchId(6)), true)]);
    let former: Vec<bool> = log.model.executors.values().map(|e| log.model.of_former_life(e)).collect();
    assert_eq!(former, [true, true, false, false]);
    assert_eq!(log.model.checkpoint_age(), Some(1));
}

/// Without it a program without a checkpoint would be said to go on from one.
#[test]
fn without_a_checkpoint_the_program_begins_from_nothing() {
    let mut log = Log::default();
    log.executors([1]).job(0, None, stage(0, 1, None));
    log.event(Event::DriverLost { attempt: 1, reason: "killed".into() });
    assert!(log.model.story.detail.ends_with("there is no checkpoint: started again, it begins from nothing."));
    log.event(Event::DriverStarted { attempt: 2, delay: Millis(40) }).executors([2]).job(1, None, stage(1, 2, None));
    assert_eq!(log.model.story.headline, "Job 1 is running.");
    assert_eq!(log.model.story.detail, "Driver 2 began from nothing.");
}

/// Without it the window would list files that the store does not have, or none that is damaged.
#[test]
fn files_of_the_graph_come_and_go() {
    let mut log = Log::default();
    let write = |log: &mut Log, path: &str, backup: Option<&str>, deleted: &[&str]| {
        let (path, after) = (path.to_owned(), CheckpointedAfter::Generation);
        let (backup, deleted) = (backup.map(str::to_owned), deleted.iter().map(|d| (*d).to_owned()).collect());
        let (batch, bytes, pending, epoch) = (BatchId(1), 9, 1, 4);
        let checkpoint = GraphCheckpointInfo { batch, after, path, bytes, pending, epoch, backup, deleted };
        log.event(Event::GraphCheckpointWritten { checkpoint });
    };
    let names = |log: &Log| log.model.driver.files.keys().map(|path| path.to_string()).collect::<Vec<_>>();
    write(&mut log, "c/checkpoint-1000", None, &[]);
    write(&mut log, "c/checkpoint-1000", Some("c/checkpoint-1000.bk"), &[]);
    write(&mut log, "c/checkpoint-2000", None, &[]);
    assert_eq!(names(&log), ["c/checkpoint-1000", "c/checkpoint-1000.bk", "c/checkpoint-2000"]);
    write(&mut log, "c/checkpoint-3000", None, &["c/checkpoint-1000"]);
    assert_eq!(names(&log), ["c/checkpoint-1000.bk", "c/checkpoint-2000", "c/checkpoint-3000"]);
    let mut going_on = recovery(2, &[], 3);
    if let Event::StreamingRecovered { recovery } = &mut going_on {
        recovery.damaged = vec!["c/checkpoint-3000".into(), "c/checkpoint-9000".into()];
    }
    log.event(going_on);
    let damaged: Vec<(String, bool)> = log.model.driver.files.iter().map(|(p, f)| (p.to_string(), f.damaged)).collect();
    let expected = [
        ("c/checkpoint-1000.bk", false),
        ("c/checkpoint-2000", false),
        ("c/checkpoint-3000", true),
        ("c/checkpoint-9000", true),
    ];
    assert_eq!(damaged, expected.map(|(path, damaged)| (path.to_owned(), damaged)));
}

/// Without it nobody would see that the state came back from what an earlier life had saved, or it would count twice
/// where the RDD that was checkpointed says it already.
#[test]
fn what_an_earlier_life_saved_is_read_back_once() {
    let mut log = Log::default();
    let mut files = rdd_info(9, "checkpoint", None, &[]);
    files.class = CHECKPOINT_RDD_CLASS.to_owned();
    log.executors([1]).rdd(files).rdd(rdd_info(10, STATE, Some(6), &[9])).job(0, Some(6), stage(0, 10, None));
    let reads = |log: &Log| log.model.run_tally().checkpoint_partitions_read;
    let rows = |tier| vec![row(10, 0, tier, None), row(9, 0, ReadTier::Computed, Some(0))];
    log.ran(&task(1, 0, 0, 1, TaskKind::ResultTask), rows(ReadTier::Computed));
    assert_eq!(reads(&log), 1, "nobody was checkpointed in this life");
    log.ran(&task(2, 0, 0, 1, TaskKind::ResultTask), rows(ReadTier::Checkpoint));
    assert_eq!(reads(&log), 2, "the row of the RDD that was checkpointed says it");
}

/// Without it the blocks that the log gave back to the next driver would look as if nobody had ever read them.
#[test]
fn what_the_log_gave_back_is_told_beside_the_checkpoint() {
    let mut log = lost();
    log.event(Event::DriverStarted { attempt: 2, delay: Millis(40) }).event(recovery(6, &[7], 8)).executors([3]);
    log.rdd(rdd_info(20, "socketTextStream", Some(7), &[])).rdd(rdd_info(21, STATE, Some(7), &[20]));
    log.batch(7).job(1, Some(7), stage(0, 21, None));
    for partition in 0..2 {
        let rows =
            vec![row(21, partition, ReadTier::Computed, None), row(20, partition, ReadTier::WriteAheadLog, Some(0))];
        log.ran(&task(10 + u64::from(partition), 0, partition, 3, TaskKind::ResultTask), rows);
    }
    assert_eq!([0, 1].map(|p| log.sign(20, p)), [Sign::ReadBack; 2]);
    log.job_end(1).batch_end(7, None);
    let told = "1 of 2 batches ran again; 2 received blocks came back from the write-ahead log.";
    assert_eq!(log.model.story.detail, told);
}
