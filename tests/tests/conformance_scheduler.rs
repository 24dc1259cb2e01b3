//! Jobs, stages, fetch failures, lost executors, task failures: Spark's scheduler suites, staged by hand.

use faultline_engine::command::{Command, Message};
use faultline_engine::config::EngineConfig;
use faultline_engine::driver::DriverInput;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use faultline_engine::rdd::{Rdd, SparkContext};
use faultline_engine::storage::Data;
use faultline_tests::staged::{context, submitted};
use faultline_tests::{DriverLab, log};
use std::hash::Hash;

/// `maps` map partitions, one shuffle, `reducers` reduce partitions.
fn shuffled(sc: &SparkContext, maps: u32, reducers: u32) -> Rdd<(u32, u32)> {
    sc.parallelize((0..12u32).map(|i| (i, i)).collect(), maps).reduce_by_key_in(reducers, |a, b| a + b)
}

/// The same records through one more shuffle.
fn again<K: Data + Hash + Eq>(rdd: &Rdd<(K, u32)>, reducers: u32) -> Rdd<(K, u32)> {
    rdd.map(|pair| pair).reduce_by_key_in(reducers, |a, b| a + b)
}

/// Without it a reduce stage could start before the outputs that it reads exist.
#[test]
fn l01_map_stage_then_result_stage() {
    let sc = context();
    let mut lab = DriverLab::new(2, 2);
    let job = lab.submit(shuffled(&sc, 2, 2).erased());
    assert_eq!(lab.runs(), [(0, 0, 0), (0, 0, 1)]);
    let first = lab.task(0, 0, 0);
    lab.succeed(&first);
    assert_eq!(lab.runs(), [(0, 0, 1)], "the result stage waits for both outputs");
    let second = lab.task(0, 0, 1);
    lab.succeed(&second);
    assert_eq!(lab.runs(), [(1, 0, 0), (1, 0, 1)]);
    lab.succeed_all();
    assert_eq!(lab.result(job), Some(&Ok(vec![42, 43])));
    lab.check();
}

/// Without it an action on nothing would wait for tasks that nobody launches.
#[test]
fn l02_a_job_without_partitions_succeeds_at_once() {
    let sc = context();
    let mut lab = DriverLab::new(2, 2);
    let job = lab.submit(sc.empty_rdd::<u32>().erased());
    assert_eq!(lab.result(job), Some(&Ok(vec![])));
    let names: Vec<bool> =
        lab.log.iter().map(|e| matches!(e.event, Event::JobStart { .. } | Event::JobEnd { .. })).collect();
    assert_eq!(names.iter().filter(|is| **is).count(), 2, "start and end are announced");
    assert!(submitted(&lab).is_empty());
    lab.check();
}

/// Without it an RDD that is stored whole would still pay for the shuffle behind it.
#[test]
fn l04_a_whole_stored_rdd_hides_its_ancestors() {
    let sc = context();
    let mut lab = DriverLab::new(2, 2);
    let kept = shuffled(&sc, 2, 2).map(|pair| pair).persist(StorageLevel::MEMORY_ONLY).expect("no level yet");
    let last = kept.map(|pair| pair);
    let first_job = lab.submit(last.erased());
    lab.succeed_all();
    assert!(lab.result(first_job).is_some());
    for partition in 0..2 {
        lab.store(kept.id(), partition, ExecutorId(1));
    }
    // Executor 2 takes one map output with it; nobody needs it while the blocks are there.
    lab.lose(ExecutorId(2));
    let before = submitted(&lab).len();
    let job = lab.submit(last.erased());
    lab.succeed_all();
    assert_eq!(lab.result(job), Some(&Ok(vec![42, 43])));
    assert_eq!(submitted(&lab)[before..].len(), 1, "only the result stage: {:?}", submitted(&lab));
    lab.check();
}

/// The other half of L04: one missing block brings all lost map outputs back (R2.5).
#[test]
fn l04_one_missing_block_needs_the_lost_outputs() {
    let sc = context();
    let mut lab = DriverLab::new(2, 1);
    let kept = shuffled(&sc, 2, 2).map(|pair| pair).persist(StorageLevel::MEMORY_ONLY).expect("no level yet");
    lab.submit(kept.erased());
    lab.succeed_all();
    lab.store(kept.id(), 0, ExecutorId(1));
    lab.store(kept.id(), 1, ExecutorId(2));
    lab.lose(ExecutorId(2));
    let before = submitted(&lab).len();
    lab.submit(kept.erased());
    lab.succeed_all();
    let tasks: Vec<u32> = submitted(&lab)[before..].iter().map(|(_, _, tasks)| *tasks).collect();
    assert_eq!(tasks, [1, 2], "one lost map output, then the action");
    lab.check();
}

/// Without it every action would pay for the same shuffle again.
#[test]
fn l06_a_finished_shuffle_is_skipped() {
    let sc = context();
    let mut lab = DriverLab::new(2, 2);
    let rdd = shuffled(&sc, 2, 2);
    lab.submit(rdd.erased());
    lab.succeed_all();
    let before = submitted(&lab).len();
    let job = lab.submit(rdd.erased());
    assert_eq!(submitted(&lab)[before..].iter().map(|s| s.2).collect::<Vec<_>>(), [2]);
    lab.succeed_all();
    assert_eq!(lab.result(job), Some(&Ok(vec![42, 43])));
    let announced = lab.log.iter().rev().find_map(|e| match &e.event {
        Event::JobStart { stages, .. } => Some(stages.len()),
        _ => None,
    });
    assert_eq!(announced, Some(2), "the skipped stage is announced");
    lab.check();
}

/// Without it the failure of a shared stage would leave one of its jobs waiting forever.
#[test]
fn l11_failure_of_a_stage_shared_by_two_jobs_fails_both() {
    let sc = context();
    let mut lab = DriverLab::with_config(EngineConfig { task_max_failures: 1, ..EngineConfig::default() });
    let shared = shuffled(&sc, 2, 2);
    // The second job has a stage of its own beside the shared one: it is cancelled with the job.
    let other = sc.parallelize((0..4u32).map(|i| (i, i)).collect(), 2).reduce_by_key_in(2, |a, b| a + b);
    let one = lab.submit(shared.erased());
    let two = lab.submit(shared.union(&other).erased());
    let victim = lab.task(0, 0, 1);
    lab.fail(&victim, "deliberate");
    let reasons: Vec<String> = [one, two]
        .into_iter()
        .map(|job| lab.result(job).expect("both ended").clone().expect_err("both failed").to_string())
        .collect();
    assert_eq!(reasons[0], reasons[1]);
    assert!(
        reasons[0].starts_with("Job aborted due to stage failure: Task 1 in stage 0.0 failed 1 times"),
        "{reasons:?}"
    );
    assert!(lab.running.is_empty(), "what only they needed is killed: {:?}", lab.runs());
    let job = lab.submit(shared.erased());
    lab.succeed_all();
    assert_eq!(lab.result(job), Some(&Ok(vec![42, 43])), "the scheduler takes further jobs");
    lab.check();
}

/// Without it a fetch failure would re-run too much, or lose the partition.
#[test]
fn f01_a_fetch_failure_reruns_what_is_missing_only() {
    let sc = context();
    let mut lab = DriverLab::new(2, 1);
    let job = lab.submit(shuffled(&sc, 2, 2).erased());
    let (map_0, map_1) = (lab.task(0, 0, 0), lab.task(0, 0, 1));
    let lost = map_0.executor;
    assert_ne!(lost, map_1.executor);
    lab.succeed(&map_0);
    lab.succeed(&map_1);
    let (reduce_0, reduce_1) = (lab.task(1, 0, 0), lab.task(1, 0, 1));
    lab.succeed(&reduce_0);
    lab.fail_fetch(&reduce_1, 0, 0, lost);
    assert!(lab.running.is_empty(), "failures are gathered first (R3.3)");
    lab.pass(199);
    assert!(lab.running.is_empty());
    lab.pass(1);
    assert_eq!(lab.runs(), [(0, 1, 0)], "only the lost map output");
    lab.succeed_all();
    assert_eq!(submitted(&lab), [(0, 0, 2), (1, 0, 2), (0, 1, 1), (1, 1, 1)]);
    assert_eq!(lab.result(job), Some(&Ok(vec![42, 43])));
    let gone = lab.log.iter().filter(|e| matches!(e.event, Event::BlockManagerRemoved { .. })).count();
    assert_eq!(gone, 1, "the executor is forgotten once");
    lab.check();
}

/// Without it one attempt with many failures would use up the consecutive attempts of its stage.
#[test]
fn f02_many_fetch_failures_of_one_attempt_count_once() {
    let sc = context();
    let mut lab = DriverLab::new(2, 4);
    let job = lab.submit(shuffled(&sc, 2, 8).erased());
    let (map_0, map_1) = (lab.task(0, 0, 0), lab.task(0, 0, 1));
    lab.succeed(&map_0);
    lab.succeed(&map_1);
    for partition in 0..8 {
        let reduce = lab.task(1, 0, partition);
        lab.fail_fetch(&reduce, 0, 0, map_0.executor);
    }
    lab.pass(200);
    lab.succeed_all();
    assert_eq!(submitted(&lab), [(0, 0, 2), (1, 0, 8), (0, 1, 1), (1, 1, 8)]);
    assert_eq!(lab.result(job), Some(&Ok((42..50).collect())));
    lab.check();
}

/// Without it a stage whose inputs vanish again and again would be tried forever.
#[test]
fn f03_four_consecutive_fetch_failures_abort() {
    let sc = context();
    let mut lab = DriverLab::new(2, 2);
    let job = lab.submit(shuffled(&sc, 2, 2).erased());
    for attempt in 0..4 {
        let is_map = |task: &&TaskInfo| task.kind == TaskKind::ShuffleMapTask;
        let maps: Vec<TaskInfo> = lab.running.iter().filter(is_map).cloned().collect();
        let holder = maps[0].executor;
        maps.iter().for_each(|map| lab.succeed(map));
        assert!(lab.result(job).is_none(), "attempt {attempt} is allowed");
        let reduce = lab.task(1, attempt, 0);
        lab.fail_fetch(&reduce, 0, maps[0].partition.0, holder);
        lab.pass(200);
    }
    let error = lab.result(job).expect("it ended").clone().expect_err("it failed").to_string();
    assert!(
        error.contains("has failed the maximum allowable number of times: 4. Most recent failure reason:"),
        "{error}"
    );
    lab.check();
}

/// Without it a success that an executor reported after the driver gave its outputs up would be
/// registered, and a reducer would be sent to fetch what is not there.
#[test]
fn f07_late_map_successes_of_a_lost_executor_do_not_count() {
    let sc = context();
    let mut lab = DriverLab::new(2, 4);
    // Another job's reducer fails to fetch from executor 1, which raises the epoch while map tasks run.
    let other = lab.submit(shuffled(&sc, 2, 1).erased());
    lab.succeed(&lab.task(0, 0, 0));
    lab.succeed(&lab.task(0, 0, 1));
    let job = lab.submit(shuffled(&sc, 3, 1).erased());
    let reduce = lab.task(1, 0, 0);
    lab.fail_fetch(&reduce, 0, 0, ExecutorId(1));
    let maps: Vec<TaskInfo> = lab.running.iter().filter(|t| t.stage.stage == StageId(2)).cloned().collect();
    assert_eq!(maps.len(), 3);
    let outputs = |lab: &DriverLab| 3 - lab.driver().scheduler().outputs().missing(ShuffleId(1)).len();
    let (bad, good): (Vec<_>, Vec<_>) = maps.iter().partition(|t| t.executor == ExecutorId(1));
    lab.succeed(bad[0]);
    assert_eq!(outputs(&lab), 0, "a success with an old epoch from the lost executor is ignored");
    lab.succeed(good[0]);
    assert_eq!(outputs(&lab), 1, "another executor's success counts");
    for rest in bad[1..].iter().chain(&good[1..]) {
        lab.succeed(rest);
    }
    // What was ignored runs again, with a new epoch, and now executor 1 counts too.
    lab.pass(200);
    lab.succeed_all();
    assert_eq!(outputs(&lab), 3);
    let holder = |map: u32| lab.driver().scheduler().outputs().location(ShuffleId(1), PartitionId(map));
    let mut holders = (0..3).filter_map(holder);
    assert!(holders.any(|executor| executor == ExecutorId(1)), "a success with a new epoch counts");
    assert_eq!(lab.result(job), Some(&Ok(vec![42])));
    assert_eq!(lab.result(other), Some(&Ok(vec![42])));
    lab.check();
}

/// Without it a stage could start although finished outputs died with their executor.
#[test]
fn f08_finished_map_tasks_of_a_lost_executor_run_again_first() {
    let sc = context();
    let mut lab = DriverLab::new(2, 2);
    let job = lab.submit(shuffled(&sc, 3, 1).erased());
    let on_1: Vec<TaskInfo> = lab.running.iter().filter(|t| t.executor == ExecutorId(1)).cloned().collect();
    assert_eq!(on_1.len(), 2);
    on_1.iter().for_each(|task| lab.succeed(task));
    lab.lose(ExecutorId(1));
    let resubmitted = log::task_ends(&lab.log).filter(|(_, reason, _)| **reason == TaskEndReason::Resubmitted).count();
    assert_eq!(resubmitted, 2);
    while let Some(task) = lab.running.iter().find(|t| t.stage.stage == StageId(0)).cloned() {
        assert_eq!(task.executor, ExecutorId(2));
        assert!(lab.running.iter().all(|t| t.stage.stage == StageId(0)), "the result stage waits");
        lab.succeed(&task);
    }
    assert!(lab.driver().scheduler().outputs().missing(ShuffleId(0)).is_empty());
    lab.succeed_all();
    assert_eq!(submitted(&lab), [(0, 0, 3), (1, 0, 1)]);
    assert_eq!(lab.result(job), Some(&Ok(vec![42])));
    lab.check();
}

/// Without it a map stage that ended on stale successes would let its children start.
#[test]
fn f09_a_map_stage_that_ends_with_a_missing_output_runs_again() {
    let sc = context();
    let mut lab = DriverLab::new(2, 4);
    let other = lab.submit(shuffled(&sc, 2, 1).erased());
    lab.succeed(&lab.task(0, 0, 0));
    lab.succeed(&lab.task(0, 0, 1));
    let job = lab.submit(shuffled(&sc, 2, 1).erased());
    let maps: Vec<TaskInfo> = lab.running.iter().filter(|t| t.stage.stage == StageId(2)).cloned().collect();
    let reduce = lab.task(1, 0, 0);
    lab.fail_fetch(&reduce, 0, 0, ExecutorId(1));
    maps.iter().for_each(|task| lab.succeed(task));
    let stale = maps.iter().filter(|t| t.executor == ExecutorId(1)).count() as u32;
    assert_eq!(stale, 1);
    let of_stage_2: Vec<_> = submitted(&lab).into_iter().filter(|s| s.0 >= 2).collect();
    assert_eq!(of_stage_2, [(2, 0, 2), (2, 1, 1)], "exactly the stale one, and no reducer");
    lab.pass(200);
    lab.succeed_all();
    assert_eq!(lab.result(job), Some(&Ok(vec![42])));
    assert_eq!(lab.result(other), Some(&Ok(vec![42])));
    lab.check();
}

/// Without it the loss of outputs two stages back would not reach the stage that has to repair them.
#[test]
fn f10_recursive_fetch_failures() {
    let sc = context();
    let mut lab = DriverLab::new(2, 1);
    let chain = again(&shuffled(&sc, 2, 2), 2);
    let job = lab.submit(chain.erased());
    for stage in 0..2 {
        for partition in 0..2 {
            let task = lab.task(stage, 0, partition);
            lab.succeed(&task);
        }
    }
    let reduce = lab.task(2, 0, 0);
    lab.fail_fetch(&reduce, 1, 0, ExecutorId(1));
    let zombie = lab.task(2, 0, 1);
    lab.succeed(&zombie);
    lab.pass(200);
    lab.succeed_all();
    assert_eq!(submitted(&lab)[3..], [(0, 1, 1), (1, 1, 1), (2, 1, 1)]);
    assert_eq!(lab.result(job), Some(&Ok(vec![42, 43])));
    lab.check();
}

/// Without it late successes of an older attempt would be computed twice, or the newer attempt would
/// wait for what is already there.
#[test]
fn f12_zombie_successes_complete_the_newer_attempt() {
    let sc = context();
    let mut lab = DriverLab::new(2, 4);
    let chain = again(&shuffled(&sc, 2, 4), 1);
    let job = lab.submit(chain.erased());
    lab.succeed(&lab.task(0, 0, 0));
    lab.succeed(&lab.task(0, 0, 1));
    let old: Vec<TaskInfo> = (0..4).map(|p| lab.task(1, 0, p)).collect();
    // The attempt fails at partition 0; 1 to 3 go on as zombies while attempt 1 is submitted.
    lab.fail_fetch(&old[0], 0, 0, ExecutorId(1));
    lab.pass(200);
    lab.succeed(&lab.task(0, 1, 0));
    assert_eq!(lab.running.iter().filter(|t| t.stage.attempt == 1).count(), 4);
    let again_0 = lab.task(1, 1, 0);
    lab.succeed(&again_0);
    for zombie in &old[1..] {
        lab.succeed(zombie);
    }
    let (bogus, good): (Vec<u32>, Vec<u32>) = {
        let (bogus, good): (Vec<_>, Vec<_>) = old[1..].iter().partition(|t| t.executor == ExecutorId(1));
        (bogus.iter().map(|t| t.partition.0).collect(), good.iter().map(|t| t.partition.0).collect())
    };
    assert!(!bogus.is_empty(), "some zombies ran on the executor that was given up");
    assert!(!good.is_empty(), "and some did not");
    // The newer attempt needs only what the zombies could not deliver: the next stage starts although its
    // own tasks of the other partitions have not ended.
    assert!(!submitted(&lab).iter().any(|stage| stage.0 == 2));
    for partition in bogus {
        let rest = lab.task(1, 1, partition);
        lab.succeed(&rest);
    }
    assert!(submitted(&lab).contains(&(2, 0, 1)), "{:?}", submitted(&lab));
    lab.succeed_all();
    assert_eq!(lab.result(job), Some(&Ok(vec![42])));
    lab.check();
}

/// Without it a failed stage that zombies completed before its resubmission would be forgotten, and
/// the stages that wait for it would wait forever.
#[test]
fn a_failed_stage_completed_by_zombies_releases_its_children() {
    let sc = context();
    let mut lab = DriverLab::new(3, 4);
    let chain = again(&shuffled(&sc, 3, 2), 1);
    let job = lab.submit(chain.erased());
    for p in 0..3 {
        let task = lab.task(0, 0, p);
        lab.succeed(&task);
    }
    let (slow_0, failing_1) = (lab.task(1, 0, 0), lab.task(1, 0, 1));
    let holder = |lab: &DriverLab, map| {
        lab.driver().scheduler().outputs().location(ShuffleId(0), PartitionId(map)).expect("registered")
    };
    // Attempt 0 fails at partition 1; partition 0 goes on as a zombie. The outputs that fail lie on
    // executors on which neither runs, so that their successes count.
    let spare: Vec<u32> = (0..3).filter(|m| ![slow_0.executor].contains(&holder(&lab, *m))).collect();
    let first = holder(&lab, spare[0]);
    lab.fail_fetch(&failing_1, 0, spare[0], first);
    lab.pass(200);
    lab.succeed(&lab.task(0, 1, spare[0]));
    let (twin_0, retry_1) = (lab.task(1, 1, 0), lab.task(1, 1, 1));
    // Attempt 1 fails at partition 0, but within the delay everything arrives.
    let second = (0..3).map(|m| (m, holder(&lab, m))).find(|(_, e)| *e != slow_0.executor && *e != retry_1.executor);
    let Some((map, executor)) = second else { panic!("no third executor holds an output") };
    lab.fail_fetch(&twin_0, 0, map, executor);
    lab.succeed(&slow_0);
    lab.succeed(&retry_1);
    lab.pass(200);
    lab.succeed_all();
    assert_eq!(lab.result(job), Some(&Ok(vec![42])), "{:?}", submitted(&lab));
    // As in Spark, the attempt that finds nothing to do is announced (R23.2).
    assert!(submitted(&lab).contains(&(1, 2, 0)), "{:?}", submitted(&lab));
    lab.check();
}

/// Without it a reducer that knows no location would blame an executor that is fine (R3.5).
#[test]
fn f13_a_missing_location_removes_no_executor() {
    let sc = context();
    let mut lab = DriverLab::new(2, 2);
    let job = lab.submit(shuffled(&sc, 2, 1).erased());
    lab.succeed(&lab.task(0, 0, 0));
    lab.succeed(&lab.task(0, 0, 1));
    let reduce = lab.task(1, 0, 0);
    lab.fail_fetch_without_location(&reduce, 0);
    lab.pass(200);
    lab.succeed_all();
    assert_eq!(lab.result(job), Some(&Ok(vec![42])));
    assert!(!lab.log.iter().any(|e| matches!(e.event, Event::BlockManagerRemoved { .. })));
    lab.check();
}

/// Without it a task that always fails would be tried forever, or an unlucky one too seldom.
#[test]
fn t05_the_fourth_failure_of_a_task_aborts() {
    let sc = context();
    let mut lab = DriverLab::new(1, 1);
    let job = lab.submit(sc.parallelize(vec![1u32], 1).erased());
    for attempt in 0..4 {
        assert!(lab.result(job).is_none());
        let task = lab.task(0, 0, 0);
        assert_eq!(task.attempt, attempt);
        lab.fail(&task, "deliberate");
    }
    let error = lab.result(job).expect("it ended").clone().expect_err("it failed").to_string();
    assert!(error.contains("failed 4 times"), "{error}");
    lab.check();
}

/// T05 as Spark's suite stages it: the results are lost on the way. Without it a lost result would not count, or
/// the task would never be offered again.
#[test]
fn t05_the_fourth_lost_result_aborts() {
    let sc = context();
    let mut lab = DriverLab::new(1, 1);
    let job = lab.submit(sc.parallelize(vec![1u32], 1).erased());
    for attempt in 0..4 {
        assert!(lab.result(job).is_none(), "attempt {attempt} is allowed");
        let task = lab.task(0, 0, 0);
        assert_eq!(task.attempt, attempt, "it was offered again");
        lab.input(DriverInput::Command(Command::LoseMessage { message: Message::TaskEnd, nth: 1 }));
        lab.succeed(&task);
        lab.pass(10_000);
    }
    let error = lab.result(job).expect("it ended").clone().expect_err("it failed").to_string();
    assert!(error.contains("failed 4 times"), "{error}");
    let lost = log::task_ends(&lab.log).filter(|(_, reason, _)| matches!(reason, TaskEndReason::TaskResultLost));
    assert_eq!(lost.count(), 4);
    lab.check();
}

/// Without it the case above could be blind for what it is there for (R5.4).
#[cfg(feature = "seeded-bugs")]
#[test]
fn the_cases_catch_a_missing_epoch_check() {
    use faultline_engine::seeded::SeededBug;
    faultline_tests::seeded::caught(
        SeededBug::MissingEpochCheck,
        f07_late_map_successes_of_a_lost_executor_do_not_count,
    );
}
