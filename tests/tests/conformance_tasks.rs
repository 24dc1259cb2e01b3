//! Failing, slow, excluded and committing tasks; stages that are tried again; cancelled jobs; executors
//! that tasks bring down. Most are staged by hand, the rest run under both loops.

use faultline_engine::command::Command;
use faultline_engine::config::{EngineConfig, SchedulerConfig};
use faultline_engine::driver::{ClusterOp, DriverInput};
use faultline_engine::event::*;
use faultline_engine::executor::{CommitPermit, exit_executor};
use faultline_engine::ids::*;
use faultline_engine::rdd::{Rdd, SparkContext, TaskError};
use faultline_engine::scheduler::{ExcludeConfig, Loss};
use faultline_tests::{DriverLab, Loop, log, run, settings};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

fn context() -> SparkContext {
    SparkContext::detached(Arc::new(EngineConfig::default()))
}

fn lab(executors: u32, cores: u32, scheduler: SchedulerConfig) -> DriverLab {
    DriverLab::with_config(EngineConfig { executors, cores, scheduler, ..EngineConfig::default() })
}

fn numbers(sc: &SparkContext, partitions: u32) -> Rdd<u32> {
    sc.parallelize((0..12).collect(), partitions)
}

/// `maps` map partitions, one shuffle, `reducers` reduce partitions.
fn shuffled(sc: &SparkContext, maps: u32, reducers: u32) -> Rdd<(u32, u32)> {
    numbers(sc, maps).map(|i| (i, i)).reduce_by_key_in(reducers, |a, b| a + b)
}

fn submitted(lab: &DriverLab) -> Vec<(u32, u32, u32)> {
    log::stages(&lab.log).into_iter().map(|(id, tasks)| (id.stage.0, id.attempt, tasks)).collect()
}

fn error(lab: &DriverLab, job: faultline_engine::driver::SlotId) -> String {
    lab.result(job).expect("it ended").clone().expect_err("it failed").to_string()
}

/// How often a task ended in this way.
fn ends(lab: &DriverLab, is: impl Fn(&TaskEndReason) -> bool) -> usize {
    log::task_ends(&lab.log).filter(|(_, reason, _)| is(reason)).count()
}

/// Without it a program that exits would hang its job, or take the application with it.
#[test]
fn t02_a_task_that_ends_its_executor_fails_its_job_only() {
    for &loop_ in Loop::ALL {
        for code in [42, 0] {
            let (result, log) = run(loop_, settings(0, &[]), move |sc| {
                let bad = sc.parallelize(vec![1u32], 1).map(move |_| -> u32 { exit_executor(code) });
                let error = bad.count().expect_err("it always exits").to_string();
                Ok((error, sc.parallelize(vec![1u32; 6], 3).count()?))
            });
            let (error, next) = result.expect("the program goes on");
            assert!(error.contains("failed 4 times"), "{loop_:?} {error}");
            let lost = log::task_ends(&log)
                .filter(|(_, r, _)| matches!(r, TaskEndReason::ExecutorLostFailure { caused_by_app: true, .. }));
            assert_eq!(lost.count(), 4, "{loop_:?}");
            assert!(error.contains("exited caused by one of the running tasks"), "{loop_:?} {error}");
            assert!(error.contains(&format!("Command exited with code {code}")), "{loop_:?} {error}");
            assert_eq!(next, 6, "{loop_:?}");
        }
    }
}

/// Without it executors that tasks bring down would be started again for ever.
#[test]
fn executors_are_started_again_only_so_often() {
    let sc = context();
    let mut lab = lab(1, 1, SchedulerConfig { max_executor_retries: 1, ..SchedulerConfig::default() });
    lab.submit(numbers(&sc, 1).erased());
    for left in [1, 0] {
        let task = lab.task(0, 0, 0);
        lab.fail_as(&task, TaskError::ExecutorExited(3));
        assert_eq!(lab.running.len(), left);
    }
    assert!(lab.driver().is_starved());
    let kills = lab.operations.iter().filter(|op| matches!(op, ClusterOp::Kill { .. })).count();
    assert_eq!(kills, 2, "what the executor held is gone");
    lab.check();
}

/// Without it a job would fail because somebody took its executor away (R4.2).
#[test]
fn t06_only_losses_caused_by_the_application_count() {
    let sc = context();
    let config = EngineConfig { executors: 3, cores: 1, task_max_failures: 1, ..EngineConfig::default() };
    let mut lab = DriverLab::with_config(config);
    let job = lab.submit(numbers(&sc, 2).erased());
    lab.lose_as(ExecutorId(1), Loss { caused_by_app: false, ..Loss::exited("preempted") });
    assert!(lab.result(job).is_none(), "not the task's fault");
    assert_eq!(lab.task(0, 0, 0).executor, ExecutorId(3));
    lab.lose(ExecutorId(3));
    assert!(error(&lab, job).contains("Task 0 in stage 0.0 failed 1 times"), "{}", error(&lab, job));
    lab.check();
}

/// Without it a task that once succeeded would carry its old failures along (SPARK-37580).
#[test]
fn a_success_forgets_the_failures_before_it() {
    let sc = context();
    let config = EngineConfig { executors: 2, cores: 1, task_max_failures: 2, ..EngineConfig::default() };
    let mut lab = DriverLab::with_config(config);
    let job = lab.submit(shuffled(&sc, 2, 1).erased());
    let first = lab.task(0, 0, 0);
    lab.fail(&first, "once");
    let second = lab.task(0, 0, 0);
    lab.succeed(&second);
    // Its output dies with the executor while the other map task still runs.
    lab.lose_as(second.executor, Loss { caused_by_app: false, ..Loss::exited("gone") });
    while let Some(other) = lab.running.iter().find(|t| t.partition.0 == 1).cloned() {
        lab.succeed(&other);
    }
    let third = lab.task(0, 0, 0);
    lab.fail(&third, "once more");
    assert!(lab.result(job).is_none(), "one failure since the success");
    lab.succeed_all();
    assert_eq!(lab.result(job), Some(&Ok(vec![42])));
    lab.check();
}

/// Without it a task would be tried again although its output is there already (R4.4).
#[test]
fn an_output_that_exists_aborts_at_once() {
    let sc = context();
    let mut lab = lab(2, 1, SchedulerConfig::default());
    let job = lab.submit(numbers(&sc, 1).erased());
    let task = lab.task(0, 0, 0);
    lab.fail_as(&task, TaskError::OutputExists("file out/part-00000 already exists".into()));
    let text = "Task 0.0 in stage 0.0 (TID 0) can not write to output file: file out/part-00000 already exists";
    assert_eq!(error(&lab, job), format!("Job aborted due to stage failure: {text}"));
    lab.check();
}

fn speculating() -> SchedulerConfig {
    SchedulerConfig { speculation: true, ..SchedulerConfig::default() }
}

/// Four tasks of which three took 50 ms; the last one runs on.
fn with_one_slow_task(scheduler: SchedulerConfig, executors: u32) -> (DriverLab, faultline_engine::driver::SlotId) {
    let sc = context();
    let config = EngineConfig { executors, cores: 2, task_max_failures: 1, scheduler, ..EngineConfig::default() };
    let mut lab = DriverLab::with_config(config);
    let job = lab.submit(numbers(&sc, 4).erased());
    lab.pass(50);
    for partition in 0..3 {
        let task = lab.task(0, 0, partition);
        lab.succeed(&task);
    }
    (lab, job)
}

/// Without it one slow executor would hold up the whole stage (R6.1, R6.2).
#[test]
fn t08_a_copy_of_a_slow_task_runs_and_the_first_success_wins() {
    for copy_wins in [true, false] {
        let (mut lab, job) = with_one_slow_task(speculating(), 2);
        let original = lab.task(0, 0, 3);
        lab.pass(149);
        assert_eq!(lab.running.len(), 1, "nothing is slow before 100 ms, looked at every 100 ms");
        lab.pass(1);
        assert_eq!(lab.running.len(), 2);
        let copy = lab.running[1].clone();
        assert_eq!((copy.partition, copy.attempt, copy.speculative), (original.partition, 1, true));
        assert_ne!(copy.executor, original.executor);
        let (winner, loser) = if copy_wins { (&copy, &original) } else { (&original, &copy) };
        lab.succeed(winner);
        assert_eq!(lab.result(job), Some(&Ok(vec![42, 43, 44, 45])), "copy wins: {copy_wins}");
        let killed = TaskEndReason::TaskKilled { reason: "another attempt succeeded".into() };
        assert_eq!(ends(&lab, |reason| *reason == killed), 1);
        // What the killed attempt still says counts for nothing.
        lab.succeed(loser);
        lab.check();
    }
}

/// Without it a failure of one of the two attempts would start a third beside the other, or be forgotten.
#[test]
fn t08_a_failure_beside_a_running_copy_waits_for_it() {
    let scheduler = speculating();
    let sc = context();
    let mut lab = lab(3, 2, scheduler);
    let job = lab.submit(numbers(&sc, 4).erased());
    lab.pass(50);
    (0..3).for_each(|p| lab.succeed(&lab.task(0, 0, p)));
    let original = lab.task(0, 0, 3);
    lab.pass(150);
    lab.fail(&original, "deliberate");
    assert_eq!(lab.running.len(), 1, "the copy is there");
    let copy = lab.running[0].clone();
    lab.fail(&copy, "deliberate");
    assert_eq!(lab.running.iter().map(|t| (t.attempt, t.speculative)).collect::<Vec<_>>(), [(2, false)]);
    lab.succeed_all();
    assert_eq!(lab.result(job), Some(&Ok(vec![42, 43, 44, 45])));
    lab.check();
}

/// Without it a copy would share the fate of its original, or there would be ever more of them (R6.4).
#[test]
fn t09_one_copy_and_never_on_the_same_host() {
    let same_host = SchedulerConfig { executors_per_host: 2, ..speculating() };
    let (mut lab, _) = with_one_slow_task(same_host.clone(), 2);
    lab.pass(1000);
    let asked =
        |lab: &DriverLab| lab.log.iter().filter(|e| matches!(e.event, Event::SpeculativeTaskSubmitted { .. })).count();
    assert_eq!((lab.running.len(), asked(&lab)), (1, 1), "both executors are on the host of the original");
    let (mut lab, job) = with_one_slow_task(same_host, 4);
    lab.pass(10_000);
    assert_eq!((lab.running.len(), asked(&lab)), (2, 1));
    let hosts: Vec<u32> = lab.running.iter().map(|t| (t.executor.0 - 1) / 2).collect();
    assert_ne!(hosts[0], hosts[1], "{:?}", lab.running);
    lab.succeed_all();
    assert!(lab.result(job).is_some());
    lab.check();
}

/// Without it a single task would be compared with nothing (R6.3).
#[test]
fn single_tasks_are_speculated_past_a_threshold_only() {
    for (threshold, attempts) in [(None, 1), (Some(Millis(500)), 2)] {
        let sc = context();
        let mut lab = lab(2, 1, SchedulerConfig { speculation_threshold: threshold, ..speculating() });
        lab.submit(numbers(&sc, 1).erased());
        lab.pass(500);
        assert_eq!(lab.running.len(), 1);
        lab.pass(100);
        assert_eq!(lab.running.len(), attempts, "{threshold:?}");
        lab.succeed_all();
        lab.check();
    }
}

/// Without it speculation would change results, or not help: one executor is fifty times slower.
#[test]
fn t08_speculation_saves_a_job_from_a_slow_executor() {
    let took = |speculation: bool| {
        let mut config = settings(1, &["slow:executor=2,factor=2000@batch=1"]);
        config.scheduler.speculation = speculation;
        let (result, log) = run(Loop::Sim, config, |sc| {
            let sum = Arc::new(AtomicU32::new(0));
            let inside = Arc::clone(&sum);
            let rdd = sc.parallelize((0..600u32).collect(), 6).map(|v| (v % 7, v)).reduce_by_key_in(6, |a, b| a + b);
            faultline_tests::in_batches(sc, move |_| {
                inside.store(rdd.map(|(_, v)| v).reduce(|a, b| a + b)?, Ordering::Relaxed);
                Ok(())
            })?;
            Ok(sum.load(Ordering::Relaxed))
        });
        let ended = log.last().map(|e| e.at.ns_since(VIRTUAL_EPOCH)).unwrap_or_default();
        (result, ended)
    };
    let ((slow, slow_ns), (fast, fast_ns)) = (took(false), took(true));
    assert_eq!((slow, fast), (Ok((0..600).sum()), Ok((0..600).sum())));
    assert!(fast_ns * 2 < slow_ns, "{fast_ns} ns of virtual time with copies, {slow_ns} without");
}

fn excluding() -> SchedulerConfig {
    let exclude = ExcludeConfig { enabled: true, ..ExcludeConfig::default() };
    SchedulerConfig { exclude, ..SchedulerConfig::default() }
}

const HOPELESS: &str = "Job aborted due to stage failure: \nAborting TaskSet 0.0 because task 0 (partition 0)\ncannot run anywhere due to node and executor excludeOnFailure.\nMost recent failure:\nLost task 0.1 in stage 0.0 (TID 4) (executor 2): deliberate\n\nExcludeOnFailure behavior can be configured via spark.excludeOnFailure.*.\n";

/// Without it a task that no executor may run would hang its job.
#[test]
fn t14_a_task_that_is_excluded_everywhere_aborts_its_stage() {
    let sc = context();
    let mut lab = lab(2, 2, excluding());
    let job = lab.submit(numbers(&sc, 1).erased());
    // Others keep both executors busy.
    lab.submit(numbers(&sc, 3).erased());
    let first = lab.task(0, 0, 0);
    assert_eq!(first.executor, ExecutorId(1));
    lab.fail(&first, "deliberate");
    let elsewhere: Vec<TaskInfo> = lab.running.iter().filter(|t| t.executor == ExecutorId(2)).cloned().collect();
    assert!(elsewhere.iter().all(|t| t.stage.stage.0 == 1), "there is no free slot yet: {:?}", lab.runs());
    lab.succeed(&elsewhere[0]);
    let second = lab.task(0, 0, 0);
    assert_eq!(second.executor, ExecutorId(2), "not where it failed");
    lab.fail(&second, "deliberate");
    let text = error(&lab, job);
    assert_eq!(text, HOPELESS);
    lab.succeed_all();
    lab.check();
}

/// Without it an idle executor that might be replaced would not be waited for.
#[test]
fn t14_with_an_idle_executor_a_new_one_is_waited_for() {
    for rescued in [true, false] {
        let sc = context();
        let mut lab = lab(2, 1, excluding());
        let job = lab.submit(numbers(&sc, 1).erased());
        for _ in 0..2 {
            let task = lab.task(0, 0, 0);
            lab.fail(&task, "deliberate");
        }
        assert!(lab.running.is_empty() && lab.result(job).is_none());
        lab.pass(119_000);
        assert!(lab.result(job).is_none());
        if rescued {
            lab.input(DriverInput::Command(Command::KillExecutor { executor: ExecutorId(1) }));
            lab.pass(100);
            lab.input(DriverInput::Command(Command::RestartExecutor { executor: ExecutorId(1) }));
            assert_eq!(lab.task(0, 0, 0).executor, ExecutorId(3));
            lab.succeed_all();
            assert_eq!(lab.result(job), Some(&Ok(vec![42])));
        } else {
            lab.pass(1000);
            assert!(error(&lab, job).contains("cannot run anywhere"), "{}", error(&lab, job));
        }
        lab.check();
    }
}

/// Without it an executor on which one task after the other fails would go on getting tasks (R4.8).
#[test]
fn executors_are_excluded_from_a_stage_and_then_from_the_application() {
    let sc = context();
    let mut lab = lab(2, 2, excluding());
    let job = lab.submit(numbers(&sc, 4).erased());
    let on_1: Vec<TaskInfo> = lab.running.iter().filter(|t| t.executor == ExecutorId(1)).cloned().collect();
    on_1.iter().for_each(|task| lab.fail(task, "deliberate"));
    let excluded = |lab: &DriverLab, of: Option<StageAttempt>| {
        let is = |e: &&Envelope| matches!(e.event, Event::ExecutorExcluded { executor: ExecutorId(1), task_failures: 2, stage } if stage == of);
        lab.log.iter().filter(is).count()
    };
    assert_eq!(excluded(&lab, Some(on_1[0].stage)), 1);
    assert_eq!(excluded(&lab, None), 0, "the program may be to blame, until the stage succeeds");
    lab.succeed_all();
    assert!(lab.result(job).is_some());
    assert_eq!(excluded(&lab, None), 1);
    lab.submit(numbers(&sc, 2).erased());
    assert!(lab.running.iter().all(|t| t.executor == ExecutorId(2)), "{:?}", lab.running);
    lab.succeed_all();
    // After an hour it is welcome again.
    lab.pass(3_600_000);
    assert!(lab.log.iter().any(|e| matches!(e.event, Event::ExecutorUnexcluded { executor: ExecutorId(1) })));
    lab.submit(numbers(&sc, 2).erased());
    assert!(lab.running.iter().any(|t| t.executor == ExecutorId(1)));
    lab.succeed_all();
    lab.check();
}

fn permit(lab: &DriverLab, task: &TaskInfo) -> CommitPermit {
    CommitPermit::new(lab.driver().scheduler().commits(), task.stage, task.partition, task.attempt)
}

/// Without it two attempts of one partition, of different attempts of their stage, would both commit
/// (SPARK-24589), or none after the first failed (SPARK-19631).
#[test]
fn t15_one_attempt_commits_and_a_failed_one_gives_way() {
    let sc = context();
    let mut lab = lab(2, 4, SchedulerConfig::default());
    lab.submit(shuffled(&sc, 2, 2).erased());
    let holder = lab.task(0, 0, 0).executor;
    lab.succeed(&lab.task(0, 0, 0));
    lab.succeed(&lab.task(0, 0, 1));
    let (old, failing) = (lab.task(1, 0, 0), lab.task(1, 0, 1));
    assert!(permit(&lab, &old).ask() && permit(&lab, &old).ask(), "the first to ask may, and asking is free");
    lab.fail_fetch(&failing, 0, 0, holder);
    lab.pass(200);
    lab.succeed(&lab.task(0, 1, 0));
    let new = lab.task(1, 1, 0);
    assert!(!permit(&lab, &new).ask(), "an older attempt of the stage may have committed");
    lab.fail_as(&new, TaskError::CommitDenied);
    let denied = TaskEndReason::TaskCommitDenied { stage: StageId(1), partition: PartitionId(0), attempt: 0 };
    assert_eq!(ends(&lab, |reason| *reason == denied), 1);
    lab.fail(&old, "before it committed");
    let newer = lab.task(1, 1, 0);
    assert_eq!(newer.attempt, 1, "a denied attempt is tried again, and counts no failure");
    assert!(permit(&lab, &newer).ask());
    assert!(!permit(&lab, &old).ask(), "a failed attempt never may again");
    lab.succeed_all();
    lab.check();
}

/// Without it failures of different stages would be added up (R3.6).
#[test]
fn f05_failures_of_different_stages_do_not_add_up() {
    let sc = context();
    let mut lab = lab(2, 2, SchedulerConfig::default());
    let chain = shuffled(&sc, 2, 2).map(|pair| pair).reduce_by_key_in(2, |a, b| a + b).map(|pair| pair);
    let job = lab.submit(chain.reduce_by_key_in(1, |a, b| a + b).erased());
    let mut failures = [0, 0, 0];
    // Stages 1 and 2 fail to fetch twice each, the first task of an attempt every time.
    while let Some(task) = lab.running.first().cloned() {
        let stage = task.stage.stage.0 as usize;
        if (1..=2).contains(&stage) && failures[stage] < 2 && task.stage.attempt == failures[stage] {
            failures[stage] += 1;
            let (shuffle, outputs) = (stage as u32 - 1, lab.driver().scheduler().outputs());
            let location = |map: u32| Some((map, outputs.location(ShuffleId(shuffle), PartitionId(map))?));
            let (map, at) = (0..2).find_map(location).expect("a reducer of the latest attempt has inputs");
            lab.fail_fetch(&task, shuffle, map, at);
        } else {
            lab.succeed(&task);
        }
        lab.pass(200);
    }
    assert_eq!(failures, [0, 2, 2]);
    assert_eq!(lab.result(job), Some(&Ok(vec![42])));
    lab.check();
}

/// Without it a late failure of an old attempt would run the map stage twice at once (R3.2).
#[test]
fn f06_late_fetch_failures_start_no_second_attempt() {
    let sc = context();
    let mut lab = lab(2, 4, SchedulerConfig::default());
    let job = lab.submit(shuffled(&sc, 2, 2).erased());
    let holder = lab.task(0, 0, 0).executor;
    lab.succeed(&lab.task(0, 0, 0));
    lab.succeed(&lab.task(0, 0, 1));
    let (early, late) = (lab.task(1, 0, 0), lab.task(1, 0, 1));
    lab.fail_fetch(&early, 0, 0, holder);
    lab.pass(200);
    assert_eq!(submitted(&lab), [(0, 0, 2), (1, 0, 2), (0, 1, 1)]);
    lab.fail_fetch(&late, 0, 0, holder);
    lab.pass(1000);
    assert_eq!(submitted(&lab).len(), 3, "{:?}", submitted(&lab));
    lab.succeed_all();
    assert_eq!(submitted(&lab), [(0, 0, 2), (1, 0, 2), (0, 1, 1), (1, 1, 2)]);
    assert_eq!(lab.result(job), Some(&Ok(vec![42, 43])));
    lab.check();
}

/// Without it a stage whose executors vanish again and again would be tried for ever (R3.7).
#[test]
fn f16_attempts_of_a_stage_are_limited() {
    let sc = context();
    let scheduler = SchedulerConfig { stage_max_attempts: Some(2), ..SchedulerConfig::default() };
    let config = EngineConfig {
        executors: 2,
        cores: 4,
        stage_max_consecutive_attempts: 2,
        scheduler,
        ..EngineConfig::default()
    };
    let mut lab = DriverLab::with_config(config);
    // Two jobs whose reducers will fail to fetch, each from another executor.
    for stage in [0, 2] {
        lab.submit(shuffled(&sc, 2, 1).erased());
        lab.succeed(&lab.task(stage, 0, 0));
        lab.succeed(&lab.task(stage, 0, 1));
    }
    let holder = |lab: &DriverLab, shuffle, executor| {
        let outputs = lab.driver().scheduler().outputs();
        let at = |map: &u32| outputs.location(ShuffleId(shuffle), PartitionId(*map)) == Some(executor);
        (0..2).find(at).expect("each executor has one output")
    };
    let job = lab.submit(shuffled(&sc, 2, 1).erased());
    let (first, second) = (lab.task(4, 0, 0), lab.task(4, 0, 1));
    assert_ne!(first.executor, second.executor);
    // The output of the first is given up while the second runs, and the other way round.
    lab.succeed(&first);
    let map = holder(&lab, 0, first.executor);
    lab.fail_fetch(&lab.task(1, 0, 0), 0, map, first.executor);
    lab.succeed(&second);
    let again = lab.task(4, 1, 0);
    let map = holder(&lab, 1, second.executor);
    lab.fail_fetch(&lab.task(3, 0, 0), 1, map, second.executor);
    lab.succeed(&again);
    let text = error(&lab, job);
    assert!(text.starts_with("Job aborted due to stage failure: ShuffleMapStage 4 (name="), "{text}");
    let limit = ") has been resubmitted for the maximum allowable number of times: 2, which is the max value of config `spark.stage.maxAttempts` and `spark.stage.maxConsecutiveAttempts`.";
    assert!(text.ends_with(limit), "{text}");
    lab.pass(200);
    lab.succeed_all();
    lab.check();
}

/// Without it children could be planned before their parents, or a shuffle twice (SPARK-3353, SPARK-13902).
#[test]
fn l07_parents_have_lower_ids_and_shuffles_one_stage() {
    let sc = context();
    let mut lab = lab(2, 2, SchedulerConfig::default());
    let a = shuffled(&sc, 2, 2);
    let b = a.map(|pair| pair).reduce_by_key_in(3, |a, b| a + b);
    let c = a.map(|pair| pair).reduce_by_key_in(3, |a, b| a + b);
    // Two ways lead to the shuffle of `a`.
    lab.submit(b.cogroup(&c).map_values(|_| 1u32).map(|pair| pair).reduce_by_key_in(1, |a, b| a + b).erased());
    let stages = lab.log.iter().find_map(|e| match &e.event {
        Event::JobStart { stages, .. } => Some(stages.clone()),
        _ => None,
    });
    let stages = stages.expect("it started");
    assert!(stages.iter().all(|s| s.parents.iter().all(|p| *p < s.id.stage)), "{stages:?}");
    let mut shuffles: Vec<ShuffleId> = stages.iter().filter_map(|s| s.shuffle).collect();
    let all = shuffles.len();
    shuffles.sort_unstable();
    shuffles.dedup();
    assert_eq!((all, shuffles.len()), (4, 4));
    lab.succeed_all();
    lab.check();
}

/// Without it a stage would die with the first of the jobs that need it (SPARK-6880).
#[test]
fn l12_a_shared_stage_goes_on_for_the_second_job() {
    let sc = context();
    let mut lab = lab(1, 1, SchedulerConfig::default());
    let shared = shuffled(&sc, 2, 2);
    let one = lab.submit(shared.erased());
    let two = lab.submit(shared.map(|pair| pair).erased());
    let running = lab.runs();
    lab.input(DriverInput::Command(Command::CancelJob { job: JobId(0) }));
    assert_eq!(error(&lab, one), "Job 0 cancelled");
    assert_eq!(lab.runs(), running, "the map stage goes on");
    lab.succeed_all();
    assert_eq!(lab.result(two), Some(&Ok(vec![42, 43])));
    assert_eq!(submitted(&lab), [(0, 0, 2), (2, 0, 2)], "the first job's result stage never ran");
    lab.check();
}

/// Without it a cancelled job would go on, or take others with it (R2.12).
#[test]
fn cancelling_a_job_kills_what_only_it_needs() {
    let sc = context();
    let mut lab = lab(2, 2, SchedulerConfig::default());
    let one = lab.submit(numbers(&sc, 3).erased());
    let two = lab.submit(numbers(&sc, 3).erased());
    lab.input(DriverInput::Command(Command::CancelJob { job: JobId(0) }));
    assert_eq!(error(&lab, one), "Job 0 cancelled");
    let killed = TaskEndReason::TaskKilled { reason: "Stage cancelled".into() };
    assert_eq!(ends(&lab, |reason| *reason == killed), 3);
    assert!(lab.runs().iter().all(|(stage, _, _)| *stage == 1) && lab.running.len() == 3, "{:?}", lab.runs());
    lab.input(DriverInput::Command(Command::CancelJob { job: JobId(0) }));
    let refused = lab.log.iter().find_map(|e| match &e.event {
        Event::CommandRejected { reason, .. } => Some(reason.clone()),
        _ => None,
    });
    assert_eq!(refused.as_deref(), Some("job 0 does not run; running jobs: 1"));
    lab.succeed_all();
    assert!(lab.result(two).expect("it ended").is_ok());
    lab.check();
}

/// L14: code that says where partitions lie is data here and cannot throw. What a program gets wrong before
/// a job fails that job only.
#[test]
fn l14_a_job_that_cannot_be_submitted_leaves_the_scheduler_usable() {
    for &loop_ in Loop::ALL {
        let (result, _) = run(loop_, settings(0, &[]), |sc| {
            let nowhere = TaskLocation::Executor(ExecutorId(77));
            let wrong = sc.parallelize(vec![1u32], 1).run_on(&[5], |values| values.len());
            let placed = sc.make_rdd(vec![(1u32, vec![nowhere]), (2, vec![TaskLocation::Host(HostId(9))])]);
            Ok((wrong.is_err(), placed.collect()?))
        });
        assert_eq!(result, Ok((true, vec![1, 2])), "{loop_:?}");
    }
}

/// Without it outputs that the service still hands out would be computed again (R5.2).
#[test]
fn with_the_shuffle_service_outputs_outlive_their_executor() {
    for shuffle_service in [true, false] {
        let sc = context();
        let mut lab = lab(2, 1, SchedulerConfig { shuffle_service, ..SchedulerConfig::default() });
        lab.submit(shuffled(&sc, 3, 2).erased());
        let first = lab.task(0, 0, 0);
        lab.succeed(&first);
        lab.lose(first.executor);
        let again = ends(&lab, |reason| *reason == TaskEndReason::Resubmitted);
        assert_eq!(again, usize::from(!shuffle_service));
        let known = lab.driver().scheduler().outputs().location(ShuffleId(0), PartitionId(0));
        assert_eq!(known.is_some(), shuffle_service);
        lab.succeed_all();
        lab.check();
    }
}

/// Without it the service would hand out nothing: the loop has to keep what the dead executor wrote.
#[test]
fn the_shuffle_service_serves_the_outputs_of_the_dead() {
    for &loop_ in Loop::ALL {
        let tasks = |shuffle_service: bool| {
            let mut config = settings(2, &["kill:executor=2@batch=2"]);
            config.scheduler.shuffle_service = shuffle_service;
            let (result, log) = run(loop_, config, |sc| {
                let rdd = sc.parallelize((0..60u32).collect(), 6).map(|v| (v, v)).reduce_by_key_in(6, |a, b| a + b);
                faultline_tests::in_batches(sc, move |_| {
                    assert_eq!(rdd.count()?, 60);
                    Ok(())
                })
            });
            result.expect("both actions succeed");
            (log::successes(&log), log::fetch_failures(&log))
        };
        assert_eq!(tasks(true), (18, 0), "{loop_:?}: six maps, and the results twice");
        let (without, _) = tasks(false);
        assert!(without > 18, "{loop_:?}: {without}");
    }
}

/// Without it the loss of a host would leave the outputs of its other executors registered (R5.7).
#[test]
fn a_lost_host_takes_all_its_executors_and_outputs() {
    for shuffle_service in [true, false] {
        let sc = context();
        let scheduler = SchedulerConfig { executors_per_host: 2, shuffle_service, ..SchedulerConfig::default() };
        let mut lab = lab(4, 1, scheduler);
        lab.submit(shuffled(&sc, 4, 2).erased());
        let maps: Vec<TaskInfo> = lab.running.clone();
        maps.iter().for_each(|task| lab.succeed(task));
        // One of them is dead already; with the service its outputs are still there.
        lab.lose(ExecutorId(2));
        lab.input(DriverInput::HostLost { host: HostId(1), reason: "worker lost".into() });
        let missing = lab.driver().scheduler().outputs().missing(ShuffleId(0)).len();
        assert_eq!(missing, 2, "of executors 1 and 2, service: {shuffle_service}");
        let removed = lab.log.iter().filter(|e| matches!(e.event, Event::ExecutorRemoved { .. })).count();
        assert_eq!(removed, 2);
        assert_eq!(ends(&lab, |r| matches!(r, TaskEndReason::ExecutorLostFailure { caused_by_app: true, .. })), 1);
        while let Some(task) = lab.running.first().cloned() {
            if task.stage == (StageAttempt { stage: StageId(1), attempt: 0 }) {
                lab.fail_fetch_without_location(&task, 0);
                lab.pass(200);
            } else {
                lab.succeed(&task);
            }
        }
        lab.check();
    }
}

/// Without it every notice of the same loss would raise the epoch and void what is computed meanwhile (R5.6).
#[test]
fn a_loss_is_processed_once() {
    let sc = context();
    let mut lab = lab(2, 4, SchedulerConfig::default());
    let job = lab.submit(shuffled(&sc, 2, 4).erased());
    let holder = lab.task(0, 0, 0).executor;
    lab.succeed(&lab.task(0, 0, 0));
    lab.succeed(&lab.task(0, 0, 1));
    let reduces: Vec<TaskInfo> = (0..4).map(|p| lab.task(1, 0, p)).collect();
    reduces.iter().filter(|t| t.executor != holder).for_each(|task| lab.fail_fetch(task, 0, 0, holder));
    let count = |lab: &DriverLab| {
        let is = |e: &&Envelope| matches!(e.event, Event::BlockManagerRemoved { .. } | Event::MapOutputsLost { .. });
        lab.log.iter().filter(is).count()
    };
    let epoch = lab.driver().scheduler().outputs().epoch();
    let before = count(&lab);
    lab.lose(holder);
    lab.lose(holder);
    assert_eq!(count(&lab), before, "everything was forgotten at the first notice");
    assert!(lab.driver().scheduler().outputs().epoch() <= epoch + 1);
    lab.pass(200);
    lab.succeed_all();
    assert_eq!(lab.result(job), Some(&Ok(vec![42, 43, 44, 45])));
    lab.check();
}
