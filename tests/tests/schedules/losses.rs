//! Executors that die, stand still, or are told to stop, while their tasks complete.

use super::runs::{ends, run, stored, told};
use super::{Seen, explore};
use faultline_engine::command::Command;
use faultline_engine::config::{CheckpointWriting, EngineConfig, SchedulerConfig};
use faultline_engine::error::{EngineError, Result};
use faultline_engine::event::StorageLevel;
use faultline_engine::ids::*;
use faultline_engine::rdd::SparkContext;

use faultline_tests::lab;

const FIRST: ExecutorId = ExecutorId(1);

fn two_executors() -> EngineConfig {
    EngineConfig { executors: 2, cores: 1, chunk_len: 2, ..lab::settings(1, &[]) }
}

fn kill() -> Command {
    Command::KillExecutor { executor: FIRST }
}

fn restart() -> Command {
    Command::RestartExecutor { executor: FIRST }
}

/// Two stages of three tasks. What the second adds to the accumulator, and what the job gives.
fn sums(sc: &SparkContext) -> Result<(i64, Vec<(u64, u64)>)> {
    let seen = sc.long_accumulator("seen");
    let adder = seen.clone();
    let pairs = sc.parallelize((0..9u64).collect(), 3).map(|x| (x % 3, x));
    let sums = pairs.reduce_by_key_in(3, |a, b| a + b).map(move |pair| {
        adder.add(1);
        pair
    });
    let mut records = sums.collect()?;
    records.sort_unstable();
    Ok((seen.value(), records))
}

const SUMS: [(u64, u64); 3] = [(0, 9), (1, 12), (2, 15)];

fn sums_while(config: EngineConfig, commands: Vec<Command>) -> Seen {
    let (result, log) = run(config, commands, sums);
    let (seen, records) = result.unwrap_or_else(|error| panic!("{error}\n{}", told(&log)));
    assert_eq!(records, SUMS, "{}", told(&log));
    assert_eq!(seen, 3, "what a task added counts once\n{}", told(&log));
    ends(&log).into_iter().collect()
}

/// A result would count twice, or not at all and the job would never end.
#[test]
fn a_task_completes_while_its_executor_dies() {
    explore(&["executor lost", "fetch failed", "resubmitted"], || sums_while(two_executors(), vec![kill(), restart()]));
}

/// A map output would be fetched from nowhere, or be computed again although it is there.
#[test]
fn map_outputs_outlive_an_executor_with_the_shuffle_service() {
    explore(&["executor lost"], || {
        let scheduler = SchedulerConfig { shuffle_service: true, ..lab::settings(1, &[]).scheduler };
        sums_while(EngineConfig { scheduler, ..two_executors() }, vec![kill(), restart()])
    });
}

/// An executor declared lost would be heard again, or one that goes on would stand still for ever.
#[test]
fn an_executor_stands_still_while_its_tasks_complete() {
    explore(&["executor lost"], || {
        let (pause, resume) = (Command::PauseExecutor { executor: FIRST }, Command::ResumeExecutor { executor: FIRST });
        sums_while(two_executors(), vec![pause, resume])
    });
}

/// The threads of an executor that stood still when it died would wait for ever.
#[test]
fn an_executor_dies_while_it_stands_still() {
    explore(&["executor lost"], || {
        let pause = Command::PauseExecutor { executor: FIRST };
        sums_while(two_executors(), vec![pause, kill(), restart()])
    });
}

/// What an executor that leaves has would be lost, or be in two places of which one is gone.
#[test]
fn an_executor_is_decommissioned_while_its_tasks_complete() {
    explore(&["executor removed"], || {
        sums_while(two_executors(), vec![Command::DecommissionExecutor { executor: FIRST }])
    });
}

/// Both attempts would count, or neither.
#[test]
fn two_attempts_of_a_task_race() {
    explore(&["killed"], || {
        let scheduler = SchedulerConfig {
            speculation: true,
            speculation_interval: Millis(1),
            speculation_quantile: 0.1,
            speculation_multiplier: 1.0,
            speculation_min_runtime: Millis(0),
            ..lab::settings(1, &[]).scheduler
        };
        sums_while(EngineConfig { scheduler, ..two_executors() }, Vec::new())
    });
}

/// A copy of a kept block would be read from the dead, stored by the dead, or be missing in the log.
#[test]
fn kept_blocks_are_lost_while_they_are_stored_and_read() {
    explore(&["executor lost"], || {
        let (result, log) = run(two_executors(), vec![kill(), restart()], |sc| {
            let kept = sc.parallelize((0..6u64).collect(), 2).map(|x| x + 1);
            kept.persist(StorageLevel::MEMORY_ONLY_2)?;
            let records = [kept.union(&kept).collect()?, kept.collect()?];
            kept.unpersist();
            // A request, so that the driver has handled the notice before the end.
            Ok((records, sc.parallelize(vec![1u64], 1).collect()?))
        });
        let (records, _) = result.unwrap();
        let once: Vec<u64> = (1..=6).collect();
        assert_eq!(records, [[once.clone(), once.clone()].concat(), once], "{}", told(&log));
        assert!(stored(&log).is_empty(), "{:?}\n{}", stored(&log), told(&log));
        ends(&log).into_iter().collect()
    });
}

/// A job would neither end nor fail, or what its tasks held would be missing for the next.
#[test]
fn a_job_is_cancelled_while_its_tasks_complete() {
    explore(&["killed"], || {
        let config = EngineConfig { executors: 1, cores: 2, chunk_len: 2, ..lab::settings(1, &[]) };
        let (result, log) = run(config, vec![Command::CancelJob { job: JobId(0) }], |sc| {
            let kept = sc.parallelize((0..6u64).collect(), 1).map(|x| x + 1).cache()?;
            let all = kept.union(&kept);
            Ok((all.collect(), all.collect()))
        });
        let (cancelled, next) = result.unwrap();
        let once: Vec<u64> = (1..=6).collect();
        let all = [once.clone(), once].concat();
        match cancelled {
            Ok(records) => assert_eq!(records, all, "{}", told(&log)),
            Err(EngineError::JobFailed(why)) => assert!(why.contains("cancelled"), "{why}"),
            Err(error) => panic!("{error}"),
        }
        assert_eq!(next, Ok(all), "{}", told(&log));
        ends(&log).into_iter().collect()
    });
}

fn checkpointed(config: EngineConfig) -> Seen {
    let config = EngineConfig { checkpoint_dir: Some("checkpoints".into()), ..config };
    let (result, log) = run(config, vec![kill(), restart()], |sc| {
        let rdd = sc.parallelize((0..6u64).collect(), 2).map(|x| x + 1);
        rdd.checkpoint()?;
        Ok((rdd.collect()?, rdd.collect()?, rdd.is_checkpointed()))
    });
    let (first, second, cut) = result.unwrap_or_else(|error| panic!("{error}\n{}", told(&log)));
    let once: Vec<u64> = (1..=6).collect();
    assert_eq!((first, second, cut), (once.clone(), once, true), "{}", told(&log));
    ends(&log).into_iter().collect()
}

/// A checkpoint would be made of parts of which some are missing or come from the dead.
#[test]
fn an_executor_dies_while_it_writes_a_checkpoint() {
    explore(&["executor lost"], || checkpointed(two_executors()));
}

/// The same when the parts are written beside the work of another job.
#[test]
fn an_executor_dies_while_it_writes_a_checkpoint_beside_its_work() {
    explore(&["executor lost"], || {
        checkpointed(EngineConfig { checkpoint_write: CheckpointWriting::Tee, ..two_executors() })
    });
}
