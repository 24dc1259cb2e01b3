//! Failing, slow, excluded and committing tasks, and executors that they bring down. Most cases are staged
//! by hand, the rest run under both loops.

use faultline_engine::command::Command;
use faultline_engine::config::{EngineConfig, SchedulerConfig};
use faultline_engine::driver::{ClusterOp, DriverInput, SlotId};
use faultline_engine::event::*;
use faultline_engine::executor::{CommitPermit, exit_executor};
use faultline_engine::ids::*;
use faultline_engine::rdd::TaskError;
use faultline_engine::scheduler::{ExcludeConfig, Loss};
use faultline_tests::staged::{context, ends, error, lab, numbers, shuffled};
use faultline_tests::{DriverLab, Loop, log, run, settings};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

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

/// R4.2. Without it a job would fail over an executor that never got its task: it died, or stood still, before
/// the task was sent to it.
#[test]
fn what_never_reached_a_silent_executor_did_not_fail() {
    let sc = context();
    let scheduler = SchedulerConfig { detect_by_heartbeat: true, ..SchedulerConfig::default() };
    for command in
        [Command::KillExecutor { executor: ExecutorId(1) }, Command::PauseExecutor { executor: ExecutorId(1) }]
    {
        let config = EngineConfig { executors: 2, cores: 1, task_max_failures: 1, ..EngineConfig::default() };
        let mut lab = DriverLab::with_config(EngineConfig { scheduler: scheduler.clone(), ..config });
        lab.pass(15_000);
        lab.input(DriverInput::Command(command.clone()));
        lab.pass(1_000);
        let job = lab.submit(numbers(&sc, 2).erased());
        let (sent, other) = (lab.task(0, 0, 0), lab.task(0, 0, 1));
        assert_eq!(sent.executor, ExecutorId(1), "the driver has not noticed yet");
        lab.succeed(&other);
        lab.pass(150_000);
        let again = lab.task(0, 0, 0);
        assert_eq!((again.executor, again.attempt), (ExecutorId(2), 1), "{command}");
        assert_eq!(ends(&lab, |r| matches!(r, TaskEndReason::ExecutorLostFailure { caused_by_app: false, .. })), 1);
        lab.succeed(&again);
        assert_eq!(lab.result(job), Some(&Ok(vec![42, 43])), "{command}");
        lab.check();
    }
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
fn with_one_slow_task(scheduler: SchedulerConfig, executors: u32) -> (DriverLab, SlotId) {
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

const HOPELESS: &str = "Job aborted due to stage failure: \nAborting TaskSet 0.0 because task 0 (partition 0)\ncannot run anywhere due to node and executor excludeOnFailure.\nMost recent failure:\nLost task 0.1 in stage 0.0 (TID 4) (host 2 executor 2): deliberate\n\nExcludeOnFailure behavior can be configured via spark.excludeOnFailure.*.\n";

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

/// Without it a deadline that nobody waits for any more would come again and again.
#[test]
fn a_set_that_launches_nothing_more_has_no_deadline() {
    let sc = context();
    let mut lab = lab(2, 3, excluding());
    lab.submit(shuffled(&sc, 1, 6).erased());
    let map = lab.task(0, 0, 0);
    lab.succeed(&map);
    let on = |lab: &DriverLab, executor| -> Vec<TaskInfo> {
        lab.running.iter().filter(|task| task.executor == ExecutorId(executor)).cloned().collect()
    };
    // Two tasks go on on executor 1, where the third fails; nothing else runs on executor 2 when it fails there.
    let (first, second) = (on(&lab, 1), on(&lab, 2));
    lab.fail(&first[2], "deliberate");
    second.iter().for_each(|task| lab.succeed(task));
    let again = on(&lab, 2);
    assert_eq!((again.len(), again[0].partition), (1, first[2].partition));
    lab.fail(&again[0], "deliberate");
    assert_eq!(lab.runs().len(), 2, "nobody may run it");
    assert!(lab.driver().next_deadline().is_some(), "a new executor is waited for");
    lab.fail_fetch(&first[0], 0, 0, map.executor);
    lab.pass(500);
    lab.now = lab.now.plus(Millis(300_000));
    lab.input(DriverInput::Deadline);
    assert!(lab.driver().next_deadline().is_none_or(|at| at > lab.now), "the set gave up waiting");
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

/// Without it a failure would count against an executor for longer, because its stage took its time.
#[test]
fn failures_of_the_application_expire_by_their_own_time() {
    let minutes = |n: u64| n * 60_000;
    for (second_at, excluded) in [(50, true), (65, false)] {
        let sc = context();
        let mut lab = lab(2, 2, excluding());
        // Two stages, in each of which one task fails on executor 1.
        for end_at in [40, second_at] {
            lab.submit(numbers(&sc, 4).erased());
            let task = lab.running.iter().find(|t| t.executor == ExecutorId(1)).cloned();
            lab.fail(&task.expect("it is not excluded"), "deliberate");
            lab.pass(minutes(end_at) - lab.now.ns_since(VIRTUAL_EPOCH) / 1_000_000);
            lab.succeed_all();
        }
        let told = |e: &&Envelope| matches!(e.event, Event::ExecutorExcluded { stage: None, .. });
        assert_eq!(lab.log.iter().any(|e| told(&e)), excluded, "the second stage ends after {second_at} minutes");
        lab.check();
    }
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

/// Without it an executor that hangs would be noticed as fast as one whose connection breaks (R5.1).
#[test]
fn a_silent_executor_is_lost_after_the_network_timeout() {
    let sc = context();
    let mut lab = lab(2, 1, SchedulerConfig { detect_by_heartbeat: true, ..SchedulerConfig::default() });
    lab.submit(numbers(&sc, 2).erased());
    // Its last heartbeat is that of 20 s.
    lab.pass(25_000);
    lab.input(DriverInput::Command(Command::KillExecutor { executor: ExecutorId(1) }));
    let removed = |lab: &DriverLab| {
        lab.log.iter().find_map(|e| match &e.event {
            Event::ExecutorRemoved { reason, .. } => Some((e.at.ns_since(VIRTUAL_EPOCH) / 1_000_000, reason.clone())),
            _ => None,
        })
    };
    lab.pass(114_999);
    assert_eq!(removed(&lab), None);
    lab.pass(1);
    assert_eq!(removed(&lab), Some((140_000, "Executor heartbeat timed out after 120000 ms".into())));
    lab.succeed_all();
    lab.check();
}
