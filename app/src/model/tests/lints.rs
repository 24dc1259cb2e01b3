//! Lints and refused commands, from events.

use super::super::lints::{FindingLine, LintCache, Severity, check};
use super::*;
use faultline_engine::command::Command;

fn kinds(log: &Log) -> Vec<&'static str> {
    check(&log.model).iter().map(|line| line.kind).collect()
}

fn only(log: &Log) -> FindingLine {
    let mut lines = check(&log.model);
    assert_eq!(lines.len(), 1, "{lines:#?}");
    lines.remove(0)
}

fn leveled(level: StorageLevel, mut info: RddInfo) -> RddInfo {
    info.level = level;
    info
}

/// Without this a clean run shows warnings, and nobody reads them any more.
#[test]
fn a_clean_run_has_no_findings() {
    let mut log = Log::default();
    log.executors([1, 2]).streaming().batch(1).rdd(rdd_info(1, STATE, Some(1), &[]));
    log.job(1, Some(1), stage(1, 1, None));
    for partition in 0..4 {
        let of = task(u64::from(partition), 1, partition, 1, TaskKind::ResultTask);
        log.ran(&of, vec![row(1, partition, ReadTier::Computed, None)]);
    }
    log.job_end(1).batch_end(1, None);
    assert_eq!(kinds(&log), [""; 0]);
}

/// Without this the one finding of the engine stays invisible, or fills the list once per batch.
#[test]
fn a_mark_that_came_too_late_is_told_once_per_line_of_the_program() {
    let mut log = Log::default();
    for rdd in 0..3 {
        log.event(Event::FindingReported {
            finding: Finding {
                kind: "checkpoint-marked-too-late".into(),
                message: format!("checkpoint() has no effect on RDD[{rdd}]"),
                place: "checkpoint at demo.py:9".into(),
            },
        });
    }
    let line = only(&log);
    assert_eq!((line.kind, line.severity), ("checkpoint-marked-too-late", Severity::Problem));
    assert_eq!(line.place.words, "checkpoint at demo.py:9");
    assert!(line.sentence.contains("RDD[2]") && line.remedy.contains(".checkpoint()"), "{line:?}");
}

/// Without this a state that reaches back to the first batch is found out by the kill only.
#[test]
fn state_that_reaches_back_too_far_is_told() {
    let reach = |batches: u32, cut: Option<u32>| {
        let mut log = Log::default();
        log.executors([1, 2]).streaming();
        for batch in 1..=batches {
            let parents: Vec<u32> = (batch > 1).then(|| batch - 1).into_iter().collect();
            log.batch(batch).rdd(rdd_info(batch, STATE, Some(batch), &parents));
            if cut == Some(batch) {
                log.checkpoint(batch, 1000, 4, &[]);
            }
            log.job(batch, Some(batch), stage(batch, batch, None)).job_end(batch).batch_end(batch, None);
        }
        kinds(&log)
    };
    assert_eq!(reach(10, None), [""; 0]);
    assert_eq!(reach(11, None), ["lineage-long"]);
    assert_eq!(reach(15, Some(8)), [""; 0]);
}

/// Without this an iterative program grows until its lineage no longer fits a stack.
#[test]
fn a_long_lineage_without_batches_is_told() {
    let mut log = Log::default();
    for rdd in 0..=100 {
        let parents: Vec<u32> = (rdd > 0).then(|| rdd - 1).into_iter().collect();
        log.rdd(rdd_info(rdd, &format!("map#{rdd}"), None, &parents));
    }
    log.job(1, None, stage(1, 99, None)).job_end(1);
    assert_eq!(kinds(&log), [""; 0], "100 RDDs are not long yet");
    log.job(2, None, stage(2, 100, None)).job_end(2);
    let line = only(&log);
    assert_eq!((line.kind, line.place.block), ("lineage-long", Some(BlockId::new(RddId(100), PartitionId(0)))));
}

/// Without this two copies are promised and one is there.
#[test]
fn a_missing_copy_is_told_while_somebody_could_hold_it() {
    let mut log = Log::default();
    log.executors([1, 2]).rdd(leveled(StorageLevel::MEMORY_ONLY_2, rdd_info(1, "map", None, &[])));
    log.store(1, 1, 0, 8).store(2, 1, 0, 8).store(1, 1, 3, 8);
    let line = only(&log);
    assert_eq!((line.kind, line.place.block), ("under-replicated", Some(BlockId::new(RddId(1), PartitionId(3)))));
    log.gone(2);
    assert_eq!(kinds(&log), [""; 0], "one executor cannot hold two copies");
}

/// Without this one slow task looks like a slow machine.
#[test]
fn a_skewed_partition_is_told_when_it_is_large() {
    let run = |records: [u64; 4]| {
        let mut log = Log::default();
        log.executors([1]).rdd(rdd_info(1, "reduceByKey", None, &[])).job(1, None, stage(1, 1, None));
        for (partition, records) in (0u32..).zip(records) {
            let of = task(u64::from(partition), 1, partition, 1, TaskKind::ResultTask);
            log.ran(&of, vec![ReadRow { records, ..row(1, partition, ReadTier::Computed, None) }]);
        }
        log.job_end(1);
        check(&log.model)
    };
    let found = run([200, 5_000, 300, 250]);
    assert_eq!(found[0].kind, "skewed");
    assert_eq!(found[0].place.block.map(|b| b.partition), Some(PartitionId(1)));
    assert!(found[0].sentence.contains("5000") && found[0].sentence.contains("300"), "{}", found[0].sentence);
    assert!(run([20, 500, 30, 25]).is_empty(), "few records keep nobody waiting");
    assert!(run([2_000, 5_000, 3_000, 2_500]).is_empty());
}

/// Without this nobody learns which operator to persist: the first one that two jobs read, not what it
/// is computed from.
#[test]
fn what_two_jobs_compute_is_told_with_the_operator_to_persist() {
    let run = |cause: RecomputeCause, level: StorageLevel| {
        let mut log = Log::default();
        log.executors([1]).rdd(rdd_info(1, "flatMap", None, &[])).rdd(leveled(level, rdd_info(2, "map", None, &[1])));
        log.rdd(rdd_info(3, "filter", None, &[2])).job(1, None, stage(1, 3, None));
        for partition in 0..4 {
            let of = task(u64::from(partition), 1, partition, 1, TaskKind::ResultTask);
            let rows = vec![
                row(3, partition, ReadTier::Computed, None),
                again(2, partition, cause, Some(0)),
                again(1, partition, cause, Some(1)),
            ];
            log.ran(&of, rows);
        }
        log.job_end(1);
        check(&log.model)
    };
    let found = run(RecomputeCause::NeverPersisted, StorageLevel::NONE);
    assert_eq!(found.iter().map(|f| f.kind).collect::<Vec<_>>(), ["recomputed-not-persisted"]);
    assert_eq!(found[0].remedy, "Write .persist(MEMORY_ONLY_SER) after map");
    assert_eq!(run(RecomputeCause::CheckpointJob, StorageLevel::NONE)[0].kind, "checkpoint-computes-twice");
    assert!(run(RecomputeCause::LostWithExecutor(ExecutorId(2)), StorageLevel::NONE).is_empty());
    assert!(run(RecomputeCause::NeverPersisted, StorageLevel::MEMORY_ONLY).is_empty(), "it is persisted by now");
}

/// Without this a stream falls behind for ever while every batch succeeds.
#[test]
fn batches_longer_than_the_interval_are_told_when_it_is_a_habit() {
    let run = |processing_ms: &[u64]| {
        let mut log = Log::default();
        log.streaming();
        for (batch, ms) in (1u32..).zip(processing_ms) {
            let (batch, processing_ns) = (BatchId(batch), ms * 1_000_000);
            log.batch(batch.0);
            log.event(Event::BatchCompleted { batch, scheduling_delay_ns: 0, processing_ns, failure: None });
        }
        kinds(&log)
    };
    assert_eq!(run(&[400, 2_000, 400, 400]), [""; 0]);
    assert_eq!(run(&[1_200, 1_300, 1_400]), ["falling-behind"]);
}

/// Without this a checkpoint with every batch doubles the work unseen.
#[test]
fn a_checkpoint_with_every_batch_is_told() {
    let run = |every: u32| {
        let mut log = Log::default();
        log.streaming();
        for batch in 1..=6 {
            log.batch(batch).rdd(rdd_info(batch, STATE, Some(batch), &[]));
            if batch % every == 0 {
                log.checkpoint(batch, 1000 + batch, 4, &[]);
            }
            log.batch_end(batch, None);
        }
        kinds(&log)
    };
    assert_eq!(run(1), ["checkpointed-every-batch"]);
    assert_eq!(run(2), [""; 0]);
}

/// Without this the lints run with every event, and a fast run stutters.
#[test]
fn the_lints_run_again_only_when_something_ended() {
    let mut log = Log::default();
    log.executors([1, 2]).rdd(leveled(StorageLevel::MEMORY_ONLY_2, rdd_info(1, "map", None, &[])));
    log.job(1, None, stage(1, 1, None));
    let mut cache = LintCache::default();
    assert!(cache.get(&log.model).is_empty());
    log.store(1, 1, 0, 8);
    assert!(cache.get(&log.model).is_empty(), "a put alone asks nothing");
    log.job_end(1);
    assert_eq!(cache.get(&log.model).len(), 1);
}

/// Without this a refused command looks like a click that did nothing.
#[test]
fn refused_commands_are_kept_with_their_reason() {
    let mut log = Log::default();
    let command = Command::KillExecutor { executor: ExecutorId(9) };
    log.event(Event::CommandRejected { command: command.clone(), reason: "there is no executor 9".into() });
    let refusal = log.model.refusals.back().expect("it is kept");
    assert_eq!((&refusal.command, refusal.reason.as_str()), (&command, "there is no executor 9"));
}
