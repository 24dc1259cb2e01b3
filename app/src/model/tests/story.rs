use super::*;

const MAP: TaskKind = TaskKind::ShuffleMapTask;
const RESULT: TaskKind = TaskKind::ResultTask;

fn told(log: &Log) -> (&str, &str) {
    (&log.model.story.headline, &log.model.story.detail)
}

/// Per batch b: map (10b) ─shuffle b─▶ state (10b+1), which also reads the state before.
fn word_count(batches: u32) -> Log {
    let mut log = Log::default();
    log.executors(1..=3).streaming();
    for batch in 1..=batches {
        announce(&mut log, batch);
        log.batch(batch).job(batch, Some(batch), stage(2 * batch, 10 * batch, Some(batch)));
        for p in 0..4 {
            let id = u64::from(100 * batch + p);
            log.ran(&task(id, 2 * batch, p, 1 + p % 3, MAP), vec![row(10 * batch, p, ReadTier::Computed, None)]);
            log.store(1 + p % 3, 10 * batch + 1, p, 10);
        }
        log.job_end(batch).batch_end(batch, None);
    }
    log
}

fn announce(log: &mut Log, batch: u32) {
    let mut state = shuffled(10 * batch + 1, STATE, Some(batch), 10 * batch, batch);
    if batch > 1 {
        state.parents.push(DependencyInfo { rdd: RddId(10 * (batch - 1) + 1), kind: DependencyKind::OneToOne });
    }
    log.rdd(rdd_info(10 * batch, "map", Some(batch), &[])).rdd(state);
}

/// Executor 2 held state partition 1 and map output 1 of every batch.
fn kill_executor_2(log: &mut Log, batches: u32) {
    log.fault(2).gone(2);
    for batch in 1..=batches {
        log.event(maps_lost(batch, 10 * batch, &[1], 2));
    }
}

// Without this the first thing a learner reads is blank or stale.
#[test]
fn ordinary_sentences() {
    let mut log = Log::default();
    log.event(Event::ApplicationStart { name: "word-count".into(), id: "app-1".into() });
    assert_eq!(told(&log), ("The application has started.", "word-count"));
    log.streaming();
    assert_eq!(told(&log), ("Waiting for the first batch.", ""));
    log.batch(1);
    assert_eq!(told(&log), ("Batch 1 is running.", "120 records came in."));
    log.batch_end(1, None);
    assert_eq!(told(&log), ("Batch 1 is complete.", "It took 412 ms."));
    log.batch(2).batch_end(2, Some("Job aborted due to stage failure\nat line 3"));
    assert_eq!(told(&log), ("Batch 2 failed.", "Job aborted due to stage failure"));
    log.event(Event::ApplicationEnd);
    assert_eq!(told(&log), ("The application has ended.", "2 batches completed."));
}

// Without this the second job of a checkpoint, which the product exists to teach, goes by unsaid.
#[test]
fn a_checkpoint_is_told() {
    let mut log = word_count(1);
    let mut origin = log.model.jobs[&JobId(1)].origin.clone();
    origin.checkpoint_of = Some(RddId(11));
    log.batch(2).event(Event::JobStart { job: JobId(9), origin, stages: vec![] }).checkpoint(11, 40, 4, &[10]);
    let expect =
        ("The state of batch 1 is checkpointed.", "A second job wrote 4 partitions to the store; the lineage is cut.");
    assert_eq!(told(&log), expect);
    log.batch_end(2, None);
    assert_eq!(told(&log), expect, "until the next batch starts");
    log.batch(3);
    assert_eq!(told(&log).0, "Batch 3 is running.");
    log.checkpoint(10, 41, 1, &[]);
    assert_eq!(told(&log), ("map of batch 1 is checkpointed.", "The store now holds 1 partition; the lineage is cut."));
}

// Without this the sentence after a kill counts wrong, or never comes to its end.
#[test]
fn a_kill_is_told_from_the_loss_to_the_recovery() {
    let mut log = word_count(2);
    log.fault(2);
    assert_eq!(told(&log), ("Executor 2 died before batch 3.", ""), "not noticed yet");
    log.gone(2);
    assert_eq!(told(&log).1, "2 stored partitions are lost.");
    log.event(maps_lost(1, 10, &[1], 2)).event(maps_lost(2, 20, &[1], 2));
    assert_eq!(told(&log).1, "2 stored partitions and 2 map outputs are lost.");
    announce(&mut log, 3);
    log.batch(3);
    assert_eq!(told(&log).0, "Executor 2 died before batch 3.");
    assert_eq!(log.model.story.recovering, Some(BatchId(3)));

    log.job(3, Some(3), stage(4, 20, Some(2)));
    let lost = RecomputeCause::LostWithExecutor(ExecutorId(2));
    let output_lost = RecomputeCause::MapOutputLost(ExecutorId(2));
    log.ran(&task(901, 4, 1, 1, MAP), vec![again(20, 1, output_lost, None)]);
    assert_eq!(told(&log).1, "1 map output is computed again.");
    log.job(4, Some(3), stage(6, 31, None));
    let rows = vec![row(31, 1, ReadTier::Computed, None), again(21, 1, lost, Some(0)), again(11, 1, lost, Some(1))];
    log.ran(&task(902, 6, 1, 1, RESULT), rows);
    assert_eq!(told(&log).1, "2 state partitions and 1 map output are computed again.");
    log.ran(
        &task(903, 6, 2, 1, RESULT),
        vec![row(31, 2, ReadTier::Computed, None), row(21, 2, ReadTier::Checkpoint, Some(0))],
    );
    assert_eq!(
        told(&log).1,
        "2 state partitions and 1 map output are computed again; 1 partition comes back from the checkpoint."
    );
    log.job_end(3).job_end(4).batch_end(3, None);
    let closing = "Batch 3 recovered: 2 state partitions and 1 map output were computed again; \
                   1 partition came back from the checkpoint.";
    assert_eq!(told(&log), ("Executor 2 died before batch 3.", closing));
    assert_eq!((log.model.story.recovering, log.model.story.phase), (None, StoryPhase::Recovered));
    assert_eq!(log.model.story.path, [11, 20, 21].into_iter().map(RddId).collect());
    log.batch(4);
    assert_eq!(told(&log), ("Batch 4 is running.", closing));
}

// Without this a kill at the end of a batch is told as free, although the next batch pays for it.
#[test]
fn the_next_batch_pays_for_a_late_kill() {
    let mut log = word_count(1);
    announce(&mut log, 2);
    log.batch(2);
    kill_executor_2(&mut log, 1);
    log.batch_end(2, None);
    assert_eq!(told(&log), ("Executor 2 died in batch 2.", "1 stored partition and 1 map output are lost."));
    assert_eq!(log.model.story.recovering, Some(BatchId(3)));
    log.batch(3).batch_end(3, None);
    assert_eq!(told(&log).1, "Batch 3 completed; nothing had to be computed again.");
}

// Without this a program without batches never ends its recovery, or closes it before it began.
#[test]
fn jobs_without_batches_recover_too() {
    let mut log = Log::default();
    log.executors(1..=2).rdd(rdd_info(1, "ranks", None, &[])).store(2, 1, 0, 10);
    log.job(1, None, stage(1, 1, None));
    assert_eq!(told(&log), ("Job 1 is running.", "count at demo.py:7"));
    log.fault(2).gone(2).job_end(1);
    assert_eq!(told(&log), ("Executor 2 died in job 1.", "1 stored partition is lost."));
    log.job(2, None, stage(2, 1, None));
    let lost = RecomputeCause::LostWithExecutor(ExecutorId(2));
    log.ran(&task(1, 2, 0, 1, RESULT), vec![again(1, 0, lost, None)]).job_end(2);
    assert_eq!(told(&log).1, "Job 2 recovered: 1 partition was computed again.");
    let error = "boom".to_owned();
    log.job(3, None, stage(3, 1, None));
    log.event(Event::JobEnd { job: JobId(3), result: JobResult::Failed { error } });
    assert_eq!(told(&log), ("Job 3 failed.", "boom"));
}

// Without this an executor lost in a recorded Spark log, which injects no faults, has no story.
#[test]
fn an_unannounced_loss_is_a_fault() {
    let mut log = word_count(1);
    log.gone(3);
    assert_eq!(told(&log), ("Executor 3 was lost before batch 2.", "1 stored partition is lost."));
    assert_eq!(log.model.story.struck, Some(ExecutorId(3)));
    log.event(Event::ApplicationEnd).gone(1);
    assert_eq!(told(&log).0, "The application has ended.");
}

// Without this faults other than kills are told as deaths.
#[test]
fn each_fault_has_its_words() {
    for (fault, executor, headline) in [
        ("kill:executor=2", Some(2), "Executor 2 died before batch 1."),
        ("slow:executor=3,factor=4", Some(3), "Executor 3 became slow before batch 1."),
        ("pause:executor=3", Some(3), "Executor 3 was paused before batch 1."),
        ("corrupt:block=map/1/0", None, "A stored partition was damaged before batch 1."),
        ("drop:block=map/1/0", None, "A stored partition was dropped before batch 1."),
        ("store:full", None, "The fault store:full struck before batch 1."),
    ] {
        let mut log = Log::default();
        log.executors(1..=3).streaming();
        log.event(Event::FaultInjected { fault: fault.into(), executor: executor.map(ExecutorId) });
        assert_eq!(told(&log).0, headline);
        assert_eq!(log.model.faults[0].batch, Some(BatchId(1)));
    }
}

// Without this a fault that loses nothing silences the story of a program without batches for ever.
#[test]
fn a_fault_without_losses_is_over_with_its_job() {
    let mut log = Log::default();
    log.executors(1..=2).rdd(rdd_info(1, "ranks", None, &[])).job(1, None, stage(1, 1, None));
    let fault = "slow:executor=2,factor=4".to_owned();
    log.event(Event::FaultInjected { fault, executor: Some(ExecutorId(2)) }).job_end(1);
    let expect = ("Executor 2 became slow in job 1.", "Job 1 completed; nothing had to be computed again.");
    assert_eq!(told(&log), expect);
    log.job(2, None, stage(2, 1, None)).fault(2).job_end(2);
    assert_eq!(told(&log), ("Executor 2 died in job 2.", ""), "the driver has not noticed");
}
