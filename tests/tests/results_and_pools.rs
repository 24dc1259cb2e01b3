//! What tasks may return to the program (R4.4), and whose turn it is when jobs run at once (R7.5).

use faultline_engine::config::{EngineConfig, SchedulerConfig};
use faultline_engine::event::*;
use faultline_engine::rdd::SparkContext;
use faultline_engine::scheduler::SchedulingMode;
use faultline_engine::streaming::StreamingContext;
use faultline_tests::lab::INTERVAL;
use faultline_tests::{DriverLab, Loop, log, run, settings};
use std::collections::BTreeMap;
use std::sync::Arc;

fn limited(max_result_size: u64) -> EngineConfig {
    let plain = settings(2, &[]);
    EngineConfig { scheduler: SchedulerConfig { max_result_size, ..plain.scheduler.clone() }, ..plain }
}

/// Without it a `collect` that is too large would fill the memory of the program instead of failing with the
/// name of the limit.
#[test]
fn r4_4_results_beyond_the_limit_abort_the_job() {
    // Four partitions of 100 strings, each encoded in 11 bytes: about 1.1 KiB each.
    let text = |n: u32| format!("{n:010}");
    for &loop_ in Loop::ALL {
        let (result, log) = run(loop_, limited(3000), move |sc| {
            let words = sc.parallelize((0..400).collect(), 4).map(text);
            let error = words.collect().expect_err("it is too large").to_string();
            Ok((error, words.count()?, words.take(50)?.len()))
        });
        let (error, count, taken) = result.expect("the program goes on");
        let expect = "Job aborted due to stage failure: Total size of serialized results of 3 tasks (3.3 KiB) is bigger than spark.driver.maxResultSize (2.9 KiB)";
        assert_eq!(error, expect, "{loop_:?}");
        assert_eq!((count, taken), (400, 50), "{loop_:?}: small results of the same data pass");
        let killed = log::task_ends(&log).filter(|(_, reason, _)| {
            matches!(reason, TaskEndReason::TaskKilled { reason } if reason == "Tasks result size has exceeded maxResultSize")
        });
        assert_eq!(killed.count(), 1, "{loop_:?}");
        let failed =
            log::task_ends(&log).filter(|(_, reason, _)| matches!(reason, TaskEndReason::ExceptionFailure { .. }));
        assert_eq!(failed.count(), 0, "{loop_:?}: it is no failure of a task, and nothing is tried again");
    }
}

/// Without it a shuffle would fail by the limit of results although it returns nothing, or 0 would forbid
/// everything instead of nothing.
#[test]
fn r4_4_map_outputs_are_no_results_and_zero_is_no_limit() {
    for &loop_ in Loop::ALL {
        for (limit, shuffled) in [(200, true), (0, false)] {
            let (result, log) = run(loop_, limited(limit), move |sc| {
                let pairs = sc.parallelize((0..4000u32).collect(), 4).map(|n| (n % 7, u64::from(n)));
                if shuffled { pairs.reduce_by_key(|a, b| a + b).count() } else { Ok(pairs.collect()?.len() as u64) }
            });
            assert_eq!(result, Ok(if shuffled { 7 } else { 4000 }), "{loop_:?} {limit}");
            let returned: u64 = log::task_ends(&log).map(|(.., metrics)| metrics.result_bytes).sum();
            assert!(if shuffled { returned <= 200 } else { returned > 4000 }, "{loop_:?}: {returned} bytes");
        }
    }
}

/// A driver with 2 slots on one executor, by hand.
fn lab(mode: SchedulingMode, pools: &[(&str, &str)]) -> (DriverLab, SparkContext) {
    let mut config = EngineConfig { executors: 1, cores: 2, ..EngineConfig::default() };
    config.scheduler.mode = mode;
    for (name, settings) in pools {
        config.set(&format!("faultline.scheduler.pool.{name}"), settings).expect("a pool");
    }
    (DriverLab::with_config(config), SparkContext::detached(Arc::new(EngineConfig::default())))
}

/// Stages of the next `count` tasks that start, one after another, when the oldest running one ends each time.
fn turns(lab: &mut DriverLab, count: usize) -> Vec<u32> {
    let mut turns = Vec::new();
    while turns.len() < count {
        let before = lab.log.len();
        let oldest = lab.running.first().cloned().expect("something runs");
        lab.succeed(&oldest);
        turns.extend(lab.log[before..].iter().filter_map(|e| match &e.event {
            Event::TaskStart { task } => Some(task.stage.stage.0),
            _ => None,
        }));
    }
    turns
}

/// R7.5. Without it a short job would wait behind a long one although the program asked for fairness, or would
/// overtake it although it did not.
#[test]
fn r7_5_jobs_take_turns_in_their_order_or_between_pools() {
    let check = |mode, pools: &[(&str, &str)], of_jobs: [Option<&str>; 3], expect: &[u32]| {
        let (mut lab, sc) = lab(mode, pools);
        for pool in of_jobs {
            lab.submit_in(sc.parallelize((0..8u32).collect(), 8).erased(), pool);
        }
        assert_eq!(lab.runs(), [(0, 0, 0), (0, 0, 1)], "the first job came when all slots were free");
        assert_eq!(turns(&mut lab, expect.len()), expect, "{mode:?} {pools:?} {of_jobs:?}");
        lab.succeed_all();
        lab.check();
    };
    let (a, b) = (Some("a"), Some("b"));
    check(SchedulingMode::Fifo, &[], [a, b, None], &[0, 0, 0, 0, 0, 0, 1, 1]);
    // All in the pool default, which serves its own in their order.
    check(SchedulingMode::Fair, &[], [None, None, None], &[0, 0, 0, 0, 0, 0, 1, 1]);
    // One slot for each pool, turn by turn; inside a pool in the order of jobs.
    check(SchedulingMode::Fair, &[], [a, b, b], &[1, 0, 1, 0, 1, 0]);
    // In a pool that is fair itself its own jobs take turns; of equals the first comes.
    check(SchedulingMode::Fair, &[("a", "FAIR,1,0")], [a, a, a], &[1, 0, 1, 0, 1, 0]);
    // A minimum share of both slots is filled before another pool gets anything.
    check(SchedulingMode::Fair, &[("b", "FIFO,1,2")], [a, b, None], &[1, 1, 1, 1, 1, 1, 1, 1]);
}

/// Without it weights would be ignored: a pool of weight 2 has twice as many of the slots.
#[test]
fn r7_5_weights_share_slots() {
    let mut config = EngineConfig { executors: 1, cores: 6, ..EngineConfig::default() };
    config.scheduler.mode = SchedulingMode::Fair;
    config.set("faultline.scheduler.pool.heavy", "FIFO,2,0").expect("a pool");
    let mut lab = DriverLab::with_config(config);
    let sc = SparkContext::detached(Arc::new(EngineConfig::default()));
    for pool in ["light", "heavy"] {
        lab.submit_in(sc.parallelize((0..40u32).collect(), 40).erased(), Some(pool));
    }
    let _settled = turns(&mut lab, 20);
    let mut running: BTreeMap<u32, usize> = BTreeMap::new();
    lab.running.iter().for_each(|task| *running.entry(task.stage.stage.0).or_default() += 1);
    assert_eq!(running, BTreeMap::from([(0, 2), (1, 4)]));
}

/// Without it the pool that a program names would not reach its jobs, those of its stream included, or the log
/// would not say which it was.
#[test]
fn r7_5_jobs_carry_the_pool_of_their_thread() {
    for &loop_ in Loop::ALL {
        let (result, log) = run(loop_, settings(1, &[]), |sc| {
            sc.parallelize(vec![1], 1).count()?;
            sc.set_scheduler_pool(Some("night"));
            sc.parallelize(vec![1], 1).count()?;
            let ssc = StreamingContext::new(sc, INTERVAL);
            ssc.prepared_stream(vec![Some(vec![0u8])], 1).for_each_rdd(|rdd, _| {
                rdd.count()?;
                rdd.context().set_scheduler_pool(Some("day"));
                rdd.count().map(|_| ())
            });
            ssc.start()?;
            sc.set_scheduler_pool(None);
            ssc.await_termination()?;
            sc.parallelize(vec![1], 1).count()
        });
        result.expect("no error");
        let pools: Vec<Option<&str>> = log
            .iter()
            .filter_map(|e| match &e.event {
                Event::JobStart { origin, .. } => Some(origin.pool.as_deref()),
                _ => None,
            })
            .collect();
        assert_eq!(pools, [None, Some("night"), Some("night"), Some("day"), None], "{loop_:?}");
    }
}
