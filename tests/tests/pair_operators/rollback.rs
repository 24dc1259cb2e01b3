//! Indeterminate stages that lose an output (R3.9, R3.11).

use faultline_engine::config::EngineConfig;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use faultline_engine::rdd::{Rdd, SparkContext};
use faultline_tests::{DriverLab, Loop, log, run, settings};
use std::sync::Arc;

/// Three map tasks whose output differs from attempt to attempt, a second shuffle, a result of two tasks.
fn chain(sc: &SparkContext) -> Rdd<(u32, u32)> {
    let source = sc.parallelize((0..6u32).map(|v| (v, v)).collect(), 3);
    let unstable =
        source.map_partitions_unstable(|_, mut rng, values| values.map(move |(k, _)| (k, rng.next_u64() as u32)));
    unstable.partition_by(3).map(|pair| pair).partition_by(2)
}

fn lab() -> (DriverLab, SparkContext) {
    let config = EngineConfig { executors: 3, cores: 1, ..EngineConfig::default() };
    (DriverLab::with_config(config.clone()), SparkContext::detached(Arc::new(config)))
}

/// The second attempt of the second stage.
const SECOND: StageAttempt = StageAttempt { stage: StageId(1), attempt: 1 };

/// The second attempt of the result stage of [`beside_a_determinate_parent`].
const LAST: StageAttempt = StageAttempt { stage: StageId(2), attempt: 1 };

/// A result of three tasks that reads the outputs of a determinate stage, then those of an unstable one.
fn beside_a_determinate_parent(sc: &SparkContext) -> Rdd<(u32, (u32, u32))> {
    let source = sc.parallelize((0..6u32).map(|v| (v, v)).collect(), 3);
    let unstable = source.map_partitions_unstable(|_, _, values| values);
    source.map(|pair| pair).join_with(&unstable, 3)
}

/// Ends the tasks of both map stages, in turn, so that every executor gets outputs of each.
fn finish_maps(lab: &mut DriverLab) {
    while let Some(task) = lab.running.iter().find(|t| t.stage.stage < StageId(2)).cloned() {
        lab.succeed(&task);
    }
}

/// An executor that has outputs of both shuffles, and which map output of the first.
fn holder_of_both(lab: &DriverLab) -> (ExecutorId, u32) {
    let tracker = lab.driver().scheduler().outputs();
    let at = |shuffle, map| tracker.location(ShuffleId(shuffle), PartitionId(map));
    let both = (0..3).find_map(|map| {
        let executor = at(0, map)?;
        (0..3).any(|other| at(1, other) == Some(executor)).then_some((executor, map))
    });
    both.expect("outputs of both stages are on one executor")
}

/// Partitions submitted by each attempt.
fn attempts(lab: &DriverLab) -> Vec<(u32, u32, u32)> {
    log::stages(&lab.log).into_iter().map(|(id, tasks)| (id.stage.0, id.attempt, tasks)).collect()
}

/// F14. Without it reducers that read an indeterminate output before and after a loss would see two
/// different data sets: the map stage and everything that follows it run again as a whole.
#[test]
fn f14_an_indeterminate_map_stage_reruns_as_a_whole() {
    let (mut lab, sc) = lab();
    let rdd = chain(&sc);
    let job = lab.submit(rdd.erased());
    for partition in 0..3 {
        lab.succeed(&lab.task(0, 0, partition));
    }
    // One task of the second map stage is done when another cannot fetch from executor 1.
    lab.succeed(&lab.task(1, 0, 0));
    let failed = lab.task(1, 0, 1);
    lab.fail_fetch(&failed, 0, 0, ExecutorId(1));
    lab.succeed(&lab.task(1, 0, 2));
    lab.pass(200);
    assert_eq!(attempts(&lab), [(0, 0, 3), (1, 0, 3), (0, 1, 3)]);
    lab.succeed_all();
    assert_eq!(attempts(&lab)[3..], [(1, 1, 3), (2, 0, 2)]);
    assert_eq!(lab.result(job), Some(&Ok(vec![42, 43])));
    lab.check();
}

/// F14, the other half. Without it results that were delivered would be of other data than those to come.
#[test]
fn f14_delivered_results_cannot_be_rolled_back() {
    let (mut lab, sc) = lab();
    let source = sc.parallelize((0..6u32).map(|v| (v, v)).collect(), 3);
    let rdd = source.map_partitions_unstable(|_, _, values| values).partition_by(2);
    let job = lab.submit(rdd.erased());
    for partition in 0..3 {
        lab.succeed(&lab.task(0, 0, partition));
    }
    lab.succeed(&lab.task(1, 0, 0));
    lab.fail_fetch(&lab.task(1, 0, 1), 0, 0, ExecutorId(1));
    let error = lab.result(job).expect("the job ended").clone().expect_err("it failed").to_string();
    let text = "A shuffle map stage with indeterminate output was failed and retried. However, Spark cannot rollback the ResultStage 1 to re-process the input data, and has to fail this job. Please eliminate the indeterminacy by checkpointing the RDD before repartition and try again.";
    assert!(error.ends_with(text), "{error}");
    lab.check();
}

/// F14 with a determinate parent beside the unstable one. The join reads the determinate one first, so that is
/// what a failed fetch names. Without it the unstable stage would run again behind the back of those that have
/// its old output: delivered results, and attempts that still run.
#[test]
fn f14_the_other_parent_is_named_by_the_failed_fetch() {
    let cannot = "please eliminate the indeterminacy by checkpointing the rdd before repartition and try again.";
    for (delivered, expect) in [(true, Err(cannot)), (false, Ok(vec![42, 43, 44]))] {
        let (mut lab, sc) = lab();
        let job = lab.submit(beside_a_determinate_parent(&sc).erased());
        finish_maps(&mut lab);
        if delivered {
            lab.succeed(&lab.task(2, 0, 0));
        }
        let (executor, map) = holder_of_both(&lab);
        lab.fail_fetch(&lab.task(2, 0, 1), 0, map, executor);
        assert!(lab.result(job).is_none(), "the determinate stage alone is no reason to fail");
        let late = lab.task(2, 0, 2);
        lab.pass(200);
        lab.succeed(&late);
        lab.succeed_all();
        let result = lab.result(job).expect("the job ended").clone();
        let result = result.map_err(|error| error.to_string().to_lowercase());
        match expect {
            Ok(expect) => {
                assert_eq!(result, Ok(expect));
                let again = log::task_ends(&lab.log).filter(|(t, reason, _)| reason.is_success() && t.stage == LAST);
                assert_eq!(again.count(), 3, "what was late is of old data, and runs again");
            }
            Err(text) => assert!(result.as_ref().is_err_and(|error| error.ends_with(text)), "{result:?}"),
        }
        lab.check();
    }
}

/// R3.3 and F14: another parent fails while the stage already waits for the first. Without it nobody would
/// see that the second one is unstable, and delivered results would be kept beside new ones.
#[test]
fn f14_a_second_parent_fails_while_the_stage_waits() {
    let (mut lab, sc) = lab();
    let job = lab.submit(beside_a_determinate_parent(&sc).erased());
    finish_maps(&mut lab);
    lab.succeed(&lab.task(2, 0, 0));
    let outputs = |lab: &DriverLab, shuffle| -> Vec<(u32, ExecutorId)> {
        let tracker = lab.driver().scheduler().outputs();
        (0..3).filter_map(|m| Some((m, tracker.location(ShuffleId(shuffle), PartitionId(m))?))).collect()
    };
    let first = outputs(&lab, 0)[0];
    let second = outputs(&lab, 1).into_iter().find(|(_, at)| *at != first.1).expect("outputs are spread");
    let waits = lab.task(2, 0, 2);
    lab.fail_fetch(&lab.task(2, 0, 1), 0, first.0, first.1);
    lab.pass(200);
    assert!(lab.result(job).is_none_or(std::result::Result::is_err));
    lab.fail_fetch(&waits, 1, second.0, second.1);
    let error = lab.result(job).expect("the job ended").clone().expect_err("it failed").to_string();
    assert!(error.contains("Spark cannot rollback the ResultStage 2"), "{error}");
    lab.pass(200);
    lab.succeed_all();
    lab.check();
}

/// R3.9. Without it the late success of an older attempt, made of data that is gone, would count.
#[test]
fn r3_9_late_successes_of_indeterminate_stages_are_ignored() {
    let (mut lab, sc) = lab();
    let job = lab.submit(chain(&sc).erased());
    for partition in 0..3 {
        lab.succeed(&lab.task(0, 0, partition));
    }
    let late = lab.task(1, 0, 2);
    lab.fail_fetch(&lab.task(1, 0, 1), 0, 0, ExecutorId(1));
    lab.pass(200);
    for partition in 0..3 {
        // The slot of the late task is taken.
        let next = lab.running.iter().find(|t| t.stage.stage == StageId(0)).cloned();
        let Some(next) = next else { panic!("partition {partition} of the map stage does not run: {:?}", lab.running) };
        lab.succeed(&next);
    }
    lab.succeed(&late);
    assert_eq!(attempts(&lab)[3..], [(1, 1, 3)]);
    lab.succeed_all();
    let again = log::task_ends(&lab.log).filter(|(task, reason, _)| task.stage == SECOND && reason.is_success());
    assert_eq!(again.count(), 3, "all of them run again, the late one's too");
    assert_eq!(lab.result(job), Some(&Ok(vec![42, 43])));
    lab.check();
}

/// R1.8. Without it a checkpoint would not cure what it is recommended for, or a local one would be taken
/// for a cure.
#[test]
fn a_checkpoint_makes_determinate_unless_it_is_local() {
    for &loop_ in Loop::ALL {
        let (result, _) = run(loop_, settings(0, &[]), |sc| {
            sc.set_checkpoint_dir("checkpoints");
            let source = sc.parallelize((0..6u32).map(|v| (v, v)).collect(), 3);
            let unstable = source.map_partitions_unstable(|_, _, values| values);
            // Made before the checkpoint is written, reached by a job after it.
            let child = unstable.map(|pair| pair);
            unstable.checkpoint()?;
            let before = child.info().determinism;
            unstable.count()?;
            let later = unstable.partition_by(2);
            child.count()?;
            let kept = source.map_partitions_unstable(|_, _, values| values).local_checkpoint();
            kept.count()?;
            let of_kept = kept.map(|pair| pair);
            Ok([before, child.info().determinism, later.info().determinism, of_kept.info().determinism])
        });
        let expect =
            [Determinism::Indeterminate, Determinism::Determinate, Determinism::Unordered, Determinism::Indeterminate];
        assert_eq!(result, Ok(expect), "{loop_:?}");
    }
}

/// Without it partitions of one result would be made of different attempts of an unstable computation:
/// each random number goes to two keys, and both must arrive, wherever and whenever an executor dies.
#[test]
fn results_of_unstable_computations_are_of_one_attempt() {
    for task in 0..4 {
        for &loop_ in Loop::ALL {
            let fault = format!("kill:executor=1@stage=1.task={task}");
            let (result, log) = run(loop_, settings(0, &[&fault]), |sc| {
                let source = sc.parallelize((0..8u32).collect(), 4);
                let twins = source.map_partitions_unstable(|_, mut rng, values| {
                    values.flat_map(move |v| {
                        let number = rng.next_u64();
                        [(v, number), (v + 100, number)]
                    })
                });
                let first = twins.partition_by(4).map(|pair| pair);
                first.partition_by(4).map(|(_, number)| number).collect()
            });
            let mut numbers = result.unwrap_or_else(|error| panic!("{loop_:?} {fault}: {error}"));
            numbers.sort_unstable();
            assert_eq!(numbers.len(), 16, "{loop_:?} {fault}");
            assert!(numbers.chunks(2).all(|pair| pair[0] == pair[1]), "{loop_:?} {fault}: {numbers:?}");
            let lost = log.iter().any(|e| matches!(e.event, Event::ExecutorRemoved { .. }));
            assert!(lost, "{loop_:?} {fault}: the fault struck");
        }
    }
}
