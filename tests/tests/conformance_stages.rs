//! Stages that are tried again, shared and cancelled jobs, lost executors and hosts. Most cases are staged by
//! hand, the rest run under both loops.

use faultline_engine::command::{Command, StopMode};
use faultline_engine::config::{EngineConfig, SchedulerConfig};
use faultline_engine::driver::DriverInput;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use faultline_tests::staged::{context, ends, error, lab, numbers, shuffled, submitted};
use faultline_tests::{DriverLab, Loop, log, run, settings};

/// How stages ended, in order.
fn outcomes(lab: &DriverLab) -> Vec<StageOutcome> {
    let ended = lab.log.iter().filter_map(|e| match &e.event {
        Event::StageCompleted { outcome, .. } => Some(outcome.clone()),
        _ => None,
    });
    ended.collect()
}

/// Without it the end of the application would look like a failure of a stage.
#[test]
fn the_end_of_the_application_cancels_its_jobs() {
    let sc = context();
    let mut lab = lab(2, 2, SchedulerConfig::default());
    let job = lab.submit(numbers(&sc, 3).erased());
    lab.input(DriverInput::Command(Command::StopStreaming { mode: StopMode::Immediate }));
    assert_eq!(error(&lab, job), "Job 0 cancelled because SparkContext was shut down");
    let reason = "Stage cancelled because SparkContext was shut down".to_owned();
    assert_eq!(outcomes(&lab), [StageOutcome::Failed { reason }]);
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

/// R3.6. Without it an attempt that ended well, but whose output was lost meanwhile, would count among the
/// failures in a row.
#[test]
fn f05_an_attempt_that_ends_well_clears_the_failures() {
    let sc = context();
    let config = EngineConfig { executors: 2, cores: 4, stage_max_consecutive_attempts: 2, ..EngineConfig::default() };
    let mut lab = DriverLab::with_config(config);
    let finish = |lab: &mut DriverLab, stage, attempt| {
        let id = StageAttempt { stage: StageId(stage), attempt };
        while let Some(task) = lab.running.iter().find(|t| t.stage == id).cloned() {
            lab.succeed(&task);
        }
    };
    let holder = |lab: &DriverLab, shuffle, executor| {
        let outputs = lab.driver().scheduler().outputs();
        let at = |map: &u32| outputs.location(ShuffleId(shuffle), PartitionId(*map)) == Some(executor);
        (0..2).find(at).expect("each executor has one output")
    };
    let job = lab.submit(shuffled(&sc, 2, 2).map(|pair| pair).reduce_by_key_in(1, |a, b| a + b).erased());
    finish(&mut lab, 0, 0);
    lab.fail_fetch(&lab.task(1, 0, 0), 0, holder(&lab, 0, ExecutorId(1)), ExecutorId(1));
    lab.pass(200);
    finish(&mut lab, 0, 1);
    // The second attempt ends well, but the output on one executor is given up while it runs.
    let gone = lab.task(1, 1, 0).executor;
    let other = lab.submit(shuffled(&sc, 2, 1).erased());
    finish(&mut lab, 3, 0);
    lab.fail_fetch(&lab.task(4, 0, 0), 2, holder(&lab, 2, gone), gone);
    finish(&mut lab, 1, 1);
    assert!(submitted(&lab).iter().filter(|s| s.0 == 1).count() >= 2, "{:?}", submitted(&lab));
    let third = StageAttempt { stage: StageId(1), attempt: 2 };
    while !lab.running.iter().any(|t| t.stage == third) {
        let parent = lab.running.iter().find(|t| t.stage.stage == StageId(0)).cloned();
        lab.succeed(&parent.expect("the lost input is computed first"));
    }
    let task = lab.running.iter().find(|t| t.stage == third).cloned().expect("it runs");
    let at = lab.driver().scheduler().outputs().location(ShuffleId(0), PartitionId(0)).expect("it is whole");
    lab.fail_fetch(&task, 0, 0, at);
    assert!(lab.result(job).is_none(), "one failure since the attempt that ended well");
    lab.pass(200);
    while !lab.running.is_empty() {
        lab.succeed_all();
        lab.pass(200);
    }
    assert_eq!((lab.result(job), lab.result(other)), (Some(&Ok(vec![42])), Some(&Ok(vec![42]))));
    lab.check();
}

/// R2.11. Without it a job that has all it needs would fail with another that repairs what they shared.
#[test]
fn l11_a_job_that_needs_the_stage_no_more_goes_on() {
    let sc = context();
    let mut lab = lab(2, 4, SchedulerConfig::default());
    let shared = shuffled(&sc, 2, 1);
    let done = lab.submit(shared.map(|pair| pair).reduce_by_key_in(1, |a, b| a + b).erased());
    for (stage, partition) in [(0, 0), (0, 1), (1, 0)] {
        lab.succeed(&lab.task(stage, 0, partition));
    }
    // The output of the second map stage is on one executor, half of that of the first on the other.
    let outputs = lab.driver().scheduler().outputs();
    let kept = outputs.location(ShuffleId(1), PartitionId(0)).expect("it is whole");
    let lost = (0..2).find_map(|map| outputs.location(ShuffleId(0), PartitionId(map)).filter(|at| *at != kept));
    lab.lose(lost.expect("the map tasks ran on both"));
    let repairs = lab.submit(shared.map(|pair| pair).erased());
    while let Some(task) = lab.running.iter().find(|t| t.stage.stage == StageId(0)).cloned() {
        lab.fail(&task, "deliberate");
    }
    assert!(error(&lab, repairs).starts_with("Job aborted due to stage failure: Task 0 in stage 0.1 failed 4 times"));
    assert!(lab.result(done).is_none(), "{:?}", lab.result(done));
    lab.succeed_all();
    assert_eq!(lab.result(done), Some(&Ok(vec![42])));
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

/// Without it tasks would be sent to a thread that still works for somebody who was killed, and count as
/// running while they wait.
#[test]
fn the_slot_of_a_killed_attempt_is_free_when_its_executor_says_so() {
    let sc = context();
    let mut lab = lab(1, 1, SchedulerConfig::default());
    lab.submit(numbers(&sc, 1).erased());
    let two = lab.submit(numbers(&sc, 1).erased());
    lab.answering = false;
    lab.input(DriverInput::Command(Command::CancelJob { job: JobId(0) }));
    assert_eq!(lab.runs(), [], "the first job's attempt is over for everybody but its thread");
    lab.pass(10_000);
    assert_eq!(lab.runs(), []);
    lab.answer();
    assert_eq!(lab.runs(), [(1, 0, 0)]);
    lab.succeed_all();
    assert_eq!(lab.result(two), Some(&Ok(vec![42])));
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
    let stage = StageOutcome::Failed { reason: "Job 0 cancelled".into() };
    assert_eq!(outcomes(&lab), [stage], "a stage ends for the reason of its job");
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
