//! Where tasks run and how long they wait for it: Spark's `TaskSetManagerSuite` and `TaskSchedulerImplSuite`,
//! staged by hand.

use faultline_engine::config::{EngineConfig, SchedulerConfig};
use faultline_engine::driver::DriverInput;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use faultline_engine::rdd::{Rdd, SparkContext};
use faultline_tests::DriverLab;
use faultline_tests::staged::{context, lab};

const fn at(executor: u32) -> TaskLocation {
    TaskLocation::Executor(ExecutorId(executor))
}

const fn on(host: u32) -> TaskLocation {
    TaskLocation::Host(HostId(host))
}

/// One partition per list of places.
fn placed(sc: &SparkContext, places: &[&[TaskLocation]]) -> Rdd<u32> {
    sc.make_rdd(places.iter().zip(0..).map(|(places, value)| (value, places.to_vec())).collect())
}

/// Partition, executor and locality of what a stage runs.
fn runs(lab: &DriverLab, stage: u32) -> Vec<(u32, u32, Locality)> {
    let of_stage = lab.running.iter().filter(|t| t.stage.stage.0 == stage);
    of_stage.map(|t| (t.partition.0, t.executor.0, t.locality)).collect()
}

/// Ends the only task that a stage runs.
fn end(lab: &mut DriverLab, stage: u32, partition: u32) {
    let task = lab.task(stage, 0, partition);
    lab.succeed(&task);
}

/// Without it a task would run far from its data at once, or wait for ever.
#[test]
fn t10_levels_are_waited_for_one_after_the_other() {
    let sc = context();
    let mut lab = lab(2, 1, SchedulerConfig::default());
    // Executor 2 is busy all the time.
    lab.submit(placed(&sc, &[&[at(2)]]).erased());
    lab.submit(placed(&sc, &[&[at(1)], &[at(2)], &[on(1), at(2)], &[]]).erased());
    assert_eq!(runs(&lab, 1), [(0, 1, Locality::ProcessLocal)]);
    end(&mut lab, 1, 0);
    assert_eq!(runs(&lab, 1), [(3, 1, Locality::NoPref)], "what has no preference does not wait (R7.4)");
    end(&mut lab, 1, 3);
    assert_eq!(runs(&lab, 1), []);
    lab.pass(2999);
    assert_eq!(runs(&lab, 1), []);
    lab.pass(1);
    assert_eq!(runs(&lab, 1), [(2, 1, Locality::NodeLocal)]);
    end(&mut lab, 1, 2);
    lab.pass(2999);
    assert_eq!(runs(&lab, 1), []);
    lab.pass(1);
    assert_eq!(runs(&lab, 1), [(1, 1, Locality::Any)]);
    lab.succeed_all();
    lab.check();
}

/// Without it the waits of the two levels could not be told apart.
#[test]
fn t10_each_level_has_a_wait_of_its_own() {
    let sc = context();
    let scheduler = SchedulerConfig {
        locality_wait_process: Some(Millis(0)),
        locality_wait_node: Some(Millis(500)),
        executors_per_host: 2,
        ..SchedulerConfig::default()
    };
    let mut lab = lab(3, 1, scheduler);
    lab.submit(placed(&sc, &[&[at(1)]]).erased());
    // Executor 2 is on the host of executor 1, executor 3 is not.
    lab.submit(placed(&sc, &[&[at(1)], &[at(1)]]).erased());
    assert_eq!(runs(&lab, 1), [(0, 2, Locality::NodeLocal)]);
    lab.pass(499);
    assert_eq!(runs(&lab, 1).len(), 1);
    lab.pass(1);
    assert_eq!(runs(&lab, 1), [(0, 2, Locality::NodeLocal), (1, 3, Locality::Any)]);
    lab.succeed_all();
    lab.check();
}

/// Without it tasks that may run anywhere would wait beside free slots.
#[test]
fn t11_tasks_without_preference_do_not_wait() {
    let sc = context();
    let mut lab = lab(2, 2, SchedulerConfig::default());
    lab.submit(sc.parallelize(vec![1u32; 8], 4).erased());
    let places: Vec<u32> = lab.running.iter().map(|t| t.executor.0).collect();
    assert_eq!(places, [1, 2, 1, 2]);
    assert!(lab.running.iter().all(|t| t.locality == Locality::NoPref));
    assert_eq!(lab.driver().next_deadline(), None, "nothing is waited for");
    lab.succeed_all();
    lab.check();
}

/// Without it tasks would wait for an executor that does not exist any more.
#[test]
fn t12_nobody_waits_for_the_dead() {
    let sc = context();
    let mut lab = lab(2, 1, SchedulerConfig::default());
    lab.submit(placed(&sc, &[&[at(2)]]).erased());
    lab.submit(placed(&sc, &[&[at(2)], &[at(2), on(2)]]).erased());
    lab.submit(placed(&sc, &[&[at(7), on(9)]]).erased());
    assert_eq!(runs(&lab, 2), [(0, 1, Locality::NoPref)], "places that never existed are no places");
    end(&mut lab, 2, 0);
    assert_eq!(runs(&lab, 1), []);
    lab.lose(ExecutorId(2));
    assert_eq!(runs(&lab, 1), []);
    assert_eq!(runs(&lab, 0), [(0, 1, Locality::NoPref)], "the older job first");
    end(&mut lab, 0, 0);
    end(&mut lab, 1, 0);
    end(&mut lab, 1, 1);
    assert_eq!(lab.now, VIRTUAL_EPOCH, "without any wait");
    lab.check();
}

/// Without it a task would go far although its host has just come back (R7.1).
#[test]
fn levels_are_recomputed_when_an_executor_comes() {
    let sc = context();
    let scheduler = SchedulerConfig { executors_per_host: 2, ..SchedulerConfig::default() };
    let mut lab = lab(4, 1, scheduler);
    for executor in [3, 4] {
        lab.input(DriverInput::Command(faultline_engine::command::Command::KillExecutor {
            executor: ExecutorId(executor),
        }));
    }
    lab.pass(100);
    lab.submit(sc.parallelize(vec![1u32; 2], 2).erased());
    lab.submit(placed(&sc, &[&[on(2)], &[on(2)]]).erased());
    // The new executor stands on the host of the old one.
    lab.input(DriverInput::Command(faultline_engine::command::Command::RestartExecutor { executor: ExecutorId(3) }));
    assert_eq!(runs(&lab, 1), [(0, 5, Locality::NodeLocal)]);
    end(&mut lab, 0, 0);
    assert_eq!(runs(&lab, 1).len(), 1, "the other one waits for its host again");
    end(&mut lab, 1, 0);
    assert_eq!(runs(&lab, 1), [(1, 5, Locality::NodeLocal)]);
    lab.succeed_all();
    lab.check();
}

/// How a set whose preferred executor is busy spreads, when one of its tasks is launched there meanwhile.
fn spread_at_six_seconds(legacy_locality_reset: bool) -> Vec<(u32, u32, Locality)> {
    let sc = context();
    let mut lab = lab(2, 1, SchedulerConfig { legacy_locality_reset, ..SchedulerConfig::default() });
    lab.submit(placed(&sc, &[&[at(1)], &[at(1)], &[at(1)], &[at(1)]]).erased());
    lab.pass(2000);
    end(&mut lab, 0, 0);
    lab.pass(4000);
    let runs = runs(&lab, 0);
    lab.succeed_all();
    lab.check();
    runs
}

/// Without it a set that launches one task after the other at its preferred executor would never use the
/// others (SPARK-18886), or the switch back to that would do nothing (R7.3).
#[test]
fn the_wait_begins_anew_only_when_everything_offered_was_taken() {
    assert_eq!(spread_at_six_seconds(false), [(1, 1, Locality::ProcessLocal), (2, 2, Locality::Any)]);
    assert_eq!(spread_at_six_seconds(true), [(1, 1, Locality::ProcessLocal)]);
}

/// Without it a job submitted later could push in front of an earlier one (R7.5).
#[test]
fn sets_are_served_in_job_order() {
    let sc = context();
    let mut lab = lab(1, 1, SchedulerConfig::default());
    lab.submit(sc.parallelize(vec![1u32; 2], 2).erased());
    lab.submit(sc.parallelize(vec![1u32; 2], 2).erased());
    let mut order = Vec::new();
    while let Some(task) = lab.running.first().cloned() {
        order.push(task.stage.stage.0);
        lab.succeed(&task);
    }
    assert_eq!(order, [0, 0, 1, 1]);
    lab.check();
}

/// Executors of the first task of many jobs.
fn first_places(seed: u64, shuffle_offers: bool) -> Vec<u32> {
    let sc = context();
    let scheduler = SchedulerConfig { shuffle_offers, ..SchedulerConfig::default() };
    let mut lab = DriverLab::with_config(EngineConfig { seed, executors: 4, scheduler, ..EngineConfig::default() });
    let mut places = Vec::new();
    for _ in 0..12 {
        lab.submit(sc.parallelize(vec![1u32], 1).erased());
        places.extend(lab.running.first().map(|t| t.executor.0));
        lab.succeed_all();
    }
    lab.check();
    places
}

/// Without it offers could not be shuffled as in Spark, or runs would not repeat (R7.5).
#[test]
fn offers_are_shuffled_by_the_seed_when_asked() {
    assert_eq!(first_places(1, false), [1; 12]);
    let shuffled = first_places(1, true);
    assert!((1..=4).all(|e| shuffled.contains(&e)), "{shuffled:?}");
    assert_eq!(shuffled, first_places(1, true));
    assert_ne!(shuffled, first_places(2, true));
}

/// Without it a task would fetch a stored block from elsewhere although its holder is free.
#[test]
fn l08_tasks_prefer_the_holders_of_stored_blocks() {
    let sc = context();
    let mut lab = lab(3, 2, SchedulerConfig::default());
    let kept = sc.parallelize(vec![1u32; 4], 2).persist(StorageLevel::MEMORY_ONLY).expect("no level yet");
    let child = kept.map(|v| v).filter(|_| true);
    lab.submit(child.erased());
    lab.succeed_all();
    lab.store(kept.id(), 0, ExecutorId(3));
    lab.store(kept.id(), 1, ExecutorId(2));
    lab.submit(child.erased());
    assert_eq!(runs(&lab, 1), [(1, 2, Locality::ProcessLocal), (0, 3, Locality::ProcessLocal)]);
    lab.succeed_all();
    lab.check();
}

/// R2.14. Without it a partition that reads many parents would go where the first of them lies, and fetch the
/// others.
#[test]
fn a_partitioner_aware_union_prefers_the_host_of_most_parents() {
    let sc = context();
    let mut lab = lab(3, 2, SchedulerConfig::default());
    let part = || sc.parallelize((0..4u32).map(|i| (i, i)).collect(), 2).reduce_by_key_in(1, |a, b| a + b);
    let kept = |_| part().persist(StorageLevel::MEMORY_ONLY).expect("no level yet");
    let parents: Vec<Rdd<(u32, u32)>> = (0..4).map(kept).collect();
    // One inside the other: the inner one has two votes for executor 3.
    let inner = sc.union(&parents[1..]);
    let union = sc.union(&[parents[0].clone(), inner.map_values(|v| v), parents[1].clone()]);
    assert_eq!(union.info().class, "PartitionerAwareUnionRDD");
    let first = lab.submit(union.erased());
    lab.succeed_all();
    assert!(lab.result(first).is_some());
    for (parent, executor) in parents.iter().zip([1, 2, 3, 3]) {
        lab.store(parent.id(), 0, ExecutorId(executor));
    }
    lab.submit(inner.erased());
    let places = |lab: &DriverLab| lab.running.iter().map(|t| (t.executor.0, t.locality)).collect::<Vec<_>>();
    assert_eq!(places(&lab), [(3, Locality::NodeLocal)], "two of three");
    lab.succeed_all();
    lab.submit(sc.union(&[parents[0].clone(), parents[2].clone(), inner.map_values(|v| v)]).erased());
    assert_eq!(places(&lab), [(3, Locality::NodeLocal)], "one of its own, and that of the inner one");
    lab.succeed_all();
    lab.submit(union.erased());
    assert_eq!(places(&lab), [(1, Locality::NodeLocal)], "the first of equals");
    lab.succeed_all();
    lab.check();
}

/// R2.14. Without it RDDs that were told where to be computed would be read side by side anywhere.
#[test]
fn zipped_partitions_prefer_what_all_parents_prefer() {
    let sc = context();
    let mut lab = lab(3, 2, SchedulerConfig::default());
    let left = placed(&sc, &[&[at(1), at(2)], &[at(2)]]);
    let right = placed(&sc, &[&[at(2), at(3)], &[at(3)]]);
    let zipped = left.zip(&right).expect("both have two partitions");
    let locations = |part| zipped.erased().core().locations(PartitionId(part)).to_vec();
    assert_eq!((locations(0), locations(1)), (vec![at(2)], vec![at(2), at(3)]));
    lab.submit(zipped.erased());
    let places: Vec<(u32, Locality)> = lab.running.iter().map(|t| (t.partition.0, t.locality)).collect();
    assert_eq!(places.len(), 2);
    assert!(places.iter().all(|(_, locality)| *locality == Locality::ProcessLocal), "{places:?}");
    lab.succeed_all();
    lab.check();
}

/// `levels` diamonds of narrow dependencies, one above the other, over something stored.
fn diamonds(sc: &SparkContext, levels: u32) -> Rdd<(u32, u32)> {
    let pairs = sc.parallelize((0..4u32).map(|i| (i, i)).collect(), 2).reduce_by_key_in(2, |a, b| a + b);
    let mut rdd = pairs.persist(StorageLevel::MEMORY_ONLY).expect("no level yet");
    for _ in 0..levels {
        // Both sides have the partitioner of the join already, so neither is shuffled again.
        rdd = rdd.join(&rdd).map_values(|(a, b)| a.max(b));
    }
    rdd
}

/// Without it the preferences of a partition would be asked for along every path, and there are 2³⁰.
#[test]
fn l09_preferences_are_found_in_linear_time() {
    let cost = |levels: u32| {
        let sc = context();
        let mut lab = lab(2, 2, SchedulerConfig::default());
        lab.submit(diamonds(&sc, levels).erased());
        lab.succeed_all();
        lab.check();
        lab.driver().scheduler().steps()
    };
    let (few, many) = (cost(3), cost(30));
    assert!(many < few * 11, "{few} steps for 3 levels, {many} for 30");
}

/// Without it reduce tasks would fetch nearly everything from elsewhere (second half of R2.14).
#[test]
fn reduce_tasks_prefer_hosts_with_a_fifth_of_their_input() {
    let sc = context();
    let scheduler = SchedulerConfig { reduce_locality: true, ..SchedulerConfig::default() };
    let mut lab = lab(3, 1, scheduler);
    let pairs = sc.parallelize((0..4u32).map(|i| (i, i)).collect(), 2);
    lab.submit(pairs.reduce_by_key_in(3, |a, b| a + b).erased());
    let (one, two) = (lab.task(0, 0, 0), lab.task(0, 0, 1));
    assert_eq!((one.executor, two.executor), (ExecutorId(1), ExecutorId(2)));
    lab.succeed_with_sizes(&one, &[10, 81, 0]);
    lab.succeed_with_sizes(&two, &[90, 19, 0]);
    // Nobody holds anything of partition 2, so it runs anywhere.
    let expect = [(1, 1, Locality::NodeLocal), (0, 2, Locality::NodeLocal), (2, 3, Locality::NoPref)];
    assert_eq!(runs(&lab, 1), expect);
    lab.succeed_all();
    lab.check();
}

/// Without it the preferences of large shuffles would cost as much as there are maps times reducers.
#[test]
fn large_shuffles_have_no_preference() {
    for (maps, preferred) in [(999, Locality::NodeLocal), (1000, Locality::NoPref)] {
        let sc = context();
        let scheduler = SchedulerConfig { reduce_locality: true, ..SchedulerConfig::default() };
        let mut lab = lab(1, 4, scheduler);
        let pairs = sc.parallelize((0..4u32).map(|i| (i, i)).collect(), maps);
        lab.submit(pairs.reduce_by_key_in(1, |a, b| a + b).erased());
        while let Some(task) = lab.running.iter().find(|t| t.kind == TaskKind::ShuffleMapTask).cloned() {
            lab.succeed_with_sizes(&task, &[10]);
        }
        assert_eq!(lab.running.first().map(|t| t.locality), Some(preferred), "{maps} maps");
        lab.succeed_all();
    }
}

/// What scheduling looks at for a shuffle of `n` partitions, half of which prefer one of two executors.
fn steps(n: u32) -> u64 {
    let sc = context();
    let mut lab = lab(2, 2, SchedulerConfig::default());
    let places = (0..n).map(|i| (i, if i % 2 == 0 { vec![at(1 + i / 2 % 2)] } else { Vec::new() }));
    let rdd = sc.make_rdd(places.collect()).map(|v| (v, v)).reduce_by_key_in(n, |a, b| a + b);
    lab.submit(rdd.erased());
    lab.succeed_all();
    lab.driver().scheduler().steps()
}

/// Without it a job of 100 000 partitions would cost the square of one of 1 000: a task that ends looks
/// at what it launches, not at what still waits.
#[test]
fn scheduling_costs_grow_with_the_partitions() {
    let (few, many) = (steps(300), steps(3000));
    assert!(few > 600, "the probe counts: {few}");
    assert!(many < few * 11, "{few} steps for 300 partitions, {many} for 3000");
}
