use super::*;

// Without this a restarted executor is not linked to the one it replaces, and slots look busy for ever.
#[test]
fn executors_come_run_and_go() {
    let mut log = Log::default();
    log.event(Event::BlockManagerAdded { executor: ExecutorId(1), max_memory: 7 });
    log.event(Event::ExecutorAdded { executor: ExecutorId(1), cores: 2, replaces: None });
    log.rdd(rdd_info(1, "map", None, &[])).job(0, None, stage(0, 1, None));
    log.start(&task(1, 0, 0, 1, TaskKind::ResultTask)).gone(1);
    log.event(Event::ExecutorAdded { executor: ExecutorId(2), cores: 2, replaces: Some(ExecutorId(1)) });
    let one = &log.model.executors[&ExecutorId(1)];
    assert_eq!((one.cores, one.max_memory, one.alive), (2, 7, false));
    assert_eq!(one.removed_reason.as_deref(), Some("Command exited with code 137"));
    assert_eq!(one.replaced_by, Some(ExecutorId(2)));
    assert!(one.running.is_empty());
}

// Without this a stage shows a wrong number of finished tasks after its executor died (R5.2).
#[test]
fn a_resubmitted_task_keeps_what_it_did() {
    let mut log = Log::default();
    log.executors(1..=2).rdd(rdd_info(1, "map", None, &[])).job(0, None, stage(0, 1, Some(0)));
    let map = task(1, 0, 0, 1, TaskKind::ShuffleMapTask);
    log.ran(&map, vec![row(1, 0, ReadTier::Computed, None)]);
    let finished = |log: &Log| log.model.stages[&StageId(0)].attempts[0].finished_tasks;
    assert_eq!(finished(&log), 1);
    let metrics = TaskMetrics::default();
    log.event(Event::TaskEnd { task: map, reason: TaskEndReason::Resubmitted, metrics });
    assert_eq!(finished(&log), 0);
    let state = &log.model.tasks[&TaskId(1)];
    assert_eq!((&state.end, state.metrics.reads.len()), (&Some(TaskEndReason::Resubmitted), 1));
    assert_eq!(log.model.run_tally().computed_partitions, 1);
}

// Without this a stage whose outputs were all there is drawn as if it had run, or the other way round.
#[test]
fn a_shared_stage_is_skipped_in_the_second_job() {
    let mut log = Log::default();
    log.rdd(rdd_info(1, "map", None, &[])).job(0, None, stage(0, 1, Some(0))).job_end(0);
    let origin = log.model.jobs[&JobId(0)].origin.clone();
    log.event(Event::JobStart { job: JobId(1), origin, stages: vec![stage(0, 1, Some(0)), stage(1, 1, None)] });
    assert!(!log.model.is_skipped(JobId(1), StageId(0)), "not before the job ended");
    log.event(Event::StageSubmitted { stage: stage(1, 1, None) }).job_end(1);
    let skipped = [(0, 0), (1, 0), (1, 1)].map(|(j, s)| log.model.is_skipped(JobId(j), StageId(s)));
    assert_eq!(skipped, [false, true, false]);
}
