//! Every action on RDDs against the same thing done to a `Vec`, under both loops.

use faultline_engine::config::EngineConfig;
use faultline_engine::error::{EngineError, Result};
use faultline_engine::event::*;
use faultline_engine::rdd::partitioner::HashPartitioner;
use faultline_engine::rdd::{Rdd, Replacement, SortOrder, SparkContext};
use faultline_tests::lab::{refusal, returns};
use faultline_tests::{Loop, in_batches, log, run, settings};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

fn numbers(sc: &SparkContext, count: u32, partitions: u32) -> Rdd<u32> {
    sc.parallelize((0..count).collect(), partitions)
}

/// Numbers without order in them.
fn mixed(count: u32) -> Vec<u32> {
    (0..count).map(|v| v.wrapping_mul(2_654_435_761) % 1000).collect()
}

/// `program` gives `expect` in every batch, also after an executor died.
fn returns_after_a_loss<R: PartialEq + std::fmt::Debug + Send + Sync + 'static>(
    program: impl Fn(&SparkContext) -> Result<R> + Clone + Send + Sync + 'static,
    expect: R,
) {
    let expect = Arc::new(expect);
    for &loop_ in Loop::ALL {
        let (program, expect) = (program.clone(), Arc::clone(&expect));
        let (result, _) = run(loop_, settings(3, &["kill:executor=1@batch=2"]), move |sc| {
            let inside = sc.clone();
            in_batches(sc, move |_| {
                assert_eq!(program(&inside)?, *expect);
                Ok(())
            })
        });
        assert_eq!(result, Ok(()), "{loop_:?}");
    }
}

fn empty_collection<T>() -> Result<T> {
    Err(EngineError::IllegalState("empty collection".into()))
}

/// Partitions of the tasks of each job.
fn tasks_by_job(log: &[Envelope]) -> Vec<usize> {
    let mut counts = BTreeMap::new();
    log::task_ends(log).for_each(|(task, _, _)| *counts.entry(task.stage.stage).or_insert(0) += 1);
    counts.into_values().collect()
}

/// Without it `take` would compute more partitions than Spark does: what it leaves alone is neither
/// computed nor kept (R2.15).
#[test]
fn take_grows_as_sparks() {
    let check = |n: usize, keep_every: u32, expect: &[usize]| {
        let (result, log) = run(Loop::Sim, settings(0, &[]), move |sc| {
            numbers(sc, 400, 100).filter(move |v| (v + 1) % keep_every == 0).take(n)
        });
        let all = (0..400).filter(|v| (v + 1) % keep_every == 0);
        assert_eq!(result, Ok(all.take(n).collect::<Vec<_>>()));
        assert_eq!(tasks_by_job(&log), expect, "take({n}) of every {keep_every}.");
    };
    check(0, 1, &[]);
    check(3, 1, &[1]);
    // The first partition gave 4 of 10: 1.5 * 6 * 1 / 4 more should do.
    check(10, 1, &[1, 3]);
    // Nothing yet: four times as many each time.
    check(1, 100, &[1, 4, 20]);
    check(500, 1, &[1, 4, 20, 75]);
}

/// Without it an RDD without records would panic, or look like one with some.
#[test]
fn the_first_record_and_none() {
    returns(|sc| numbers(sc, 9, 3).filter(|v| *v > 4).first(), Ok(5));
    returns(|sc| numbers(sc, 0, 3).first(), empty_collection());
    returns(|sc| sc.empty_rdd::<u32>().first(), empty_collection());
    returns(|sc| Ok((numbers(sc, 0, 3).is_empty()?, numbers(sc, 1, 3).is_empty()?)), Ok((true, false)));
    returns(|sc| sc.empty_rdd::<u32>().is_empty(), Ok(true));
}

/// Without it results would depend on the partitions, or on an executor that dies.
#[test]
fn folds_of_all_kinds() {
    let sum: u32 = (0..1000).sum();
    let add = |a: u32, b: u32| a + b;
    returns_after_a_loss(move |sc| numbers(sc, 1000, 7).reduce(add), sum);
    returns_after_a_loss(move |sc| numbers(sc, 1000, 7).fold(0, add), sum);
    // The zero counts once in each partition and once between them.
    returns(move |sc| numbers(sc, 4, 3).fold(10, add), Ok(6 + 40));
    returns(move |sc| numbers(sc, 0, 3).reduce(add), empty_collection());
    let joined: Vec<u32> = (0..1000).collect();
    returns_after_a_loss(
        |sc| {
            numbers(sc, 1000, 7).aggregate(
                Vec::new(),
                |all, v| all.push(v),
                |all: &mut Vec<u32>, part| all.extend(part),
            )
        },
        joined,
    );
    for depth in [1, 2, 3, 9] {
        for partitions in [1, 5, 30, 100] {
            let add_to = |sum: &mut u64, v: u32| *sum += u64::from(v);
            let tree = move |sc: &SparkContext| {
                numbers(sc, 1000, partitions).tree_aggregate(0u64, add_to, |a, b| *a += b, depth)
            };
            returns(tree, Ok(u64::from(sum)));
            returns(move |sc| numbers(sc, 1000, partitions).tree_reduce(add, depth), Ok(sum));
        }
    }
    returns(move |sc| numbers(sc, 0, 3).tree_reduce(add, 2), empty_collection());
    returns(
        move |sc| numbers(sc, 4, 2).tree_reduce(add, 0),
        refusal("requirement failed: Depth must be greater than or equal to 1 but got 0."),
    );
}

/// Without it a tree would have other levels than Spark's: the results of 100 partitions merge in ten
/// tasks, and the program merges ten.
#[test]
fn a_tree_has_sparks_levels() {
    let (result, log) = run(Loop::Sim, settings(0, &[]), |sc| numbers(sc, 1000, 100).tree_reduce(u32::max, 2));
    assert_eq!((result, tasks_by_job(&log)), (Ok(999), vec![100, 10]));
    let (_, log) = run(Loop::Sim, settings(0, &[]), |sc| numbers(sc, 1000, 4).tree_reduce(u32::max, 2));
    assert_eq!(tasks_by_job(&log), [4]);
    // Each level begins with the zero: 100 partitions, 100 keys in them, ten sums, one.
    let ones = |sc: &SparkContext| numbers(sc, 0, 100).tree_aggregate(1u32, |_, _| {}, |sum, part| *sum += part, 2);
    returns(ones, Ok(100 + 100 + 10 + 1));
}

/// Without it the setting would be accepted and change nothing (R2.15).
#[test]
fn take_begins_with_as_many_partitions_as_asked() {
    let config = EngineConfig { limit_initial_partitions: 5, ..settings(0, &[]) };
    let (result, log) = run(Loop::Sim, config, |sc| numbers(sc, 400, 100).filter(|v| *v >= 20).take(2));
    assert_eq!((result, tasks_by_job(&log)), (Ok(vec![20, 21]), vec![5, 20]));
}

/// Without it an order would be that of one partition, or equal records would be dropped.
#[test]
fn records_in_order() {
    let values = mixed(5000);
    let mut rising = values.clone();
    rising.sort();
    let falling: Vec<u32> = rising.iter().rev().copied().collect();
    for num in [0, 1, 10, 3000, 9000] {
        let expect =
            (rising.iter().take(num).copied().collect::<Vec<_>>(), falling.iter().take(num).copied().collect());
        let program = move |sc: &SparkContext| {
            let rdd = sc.parallelize(mixed(5000), 3);
            Ok((rdd.take_ordered(num)?, rdd.top(num)?))
        };
        returns(program, Ok(expect));
    }
    let by_last_digit =
        |sc: &SparkContext| sc.parallelize(mixed(5000), 3).take_ordered_by(4, |a, b| (a % 10).cmp(&(b % 10)));
    returns(by_last_digit, Ok(values.iter().filter(|v| *v % 10 == 0).take(4).copied().collect()));
    returns_after_a_loss(|sc| Ok((numbers(sc, 50, 3).max()?, numbers(sc, 50, 3).min()?)), (49, 0));
    returns(|sc| numbers(sc, 0, 2).max(), empty_collection());
}

/// Without it a drawn record would be drawn twice, or fewer than wanted come back.
#[test]
fn take_sample_draws_as_many_as_asked() {
    for (num, replacement, expect) in [
        (0, Replacement::Without, 0),
        (5, Replacement::Without, 5),
        (99, Replacement::Without, 99),
        (100, Replacement::Without, 100),
        (500, Replacement::Without, 100),
        (5, Replacement::With, 5),
        (500, Replacement::With, 500),
    ] {
        for seed in 0..5 {
            let mut samples = Vec::new();
            for &loop_ in Loop::ALL {
                let sample = move |sc: &SparkContext| numbers(sc, 100, 4).take_sample(replacement, num, seed);
                samples.push(run(loop_, settings(0, &[]), sample).0.expect("it runs"));
            }
            assert_eq!(samples[0], samples[1], "the seed decides");
            let mut drawn = samples.remove(0);
            assert_eq!(drawn.len(), expect, "{num} {replacement:?}");
            if replacement == Replacement::Without {
                drawn.sort();
                drawn.dedup();
                assert_eq!(drawn.len(), expect, "none twice");
            }
        }
    }
    returns(|sc| numbers(sc, 0, 3).take_sample(Replacement::With, 5, 1), Ok(vec![]));
    // Nothing is left to chance but the order: everything is collected, once.
    let (_, log) = run(Loop::Sim, settings(0, &[]), |sc| numbers(sc, 100, 4).take_sample(Replacement::Without, 100, 1));
    assert_eq!(tasks_by_job(&log), [4, 4]);
    let sampled = |e: &Envelope| matches!(&e.event, Event::RddRegistered { rdd } if rdd.class.contains("Sampled"));
    assert!(!log.iter().any(sampled));
}

/// Without it actions on RDDs without partitions would run jobs that have no task, or have a result where
/// Spark has none.
#[test]
fn without_partitions_there_is_nothing_to_run() {
    let (result, log) = run(Loop::Sim, settings(0, &[]), |sc| {
        let none = sc.empty_rdd::<u32>();
        let sum = none.tree_aggregate(7u32, |sum, v| *sum += v, |sum, part| *sum += part, 2)?;
        Ok((none.take_ordered(3)?, none.top(3)?, sum))
    });
    assert_eq!(result, Ok((vec![], vec![], 7)));
    assert_eq!(log::jobs(&log), []);
    returns(|sc| sc.empty_rdd::<(u32, u32)>().reduce_by_key_locally(|a, _| a), empty_collection());
    returns(|sc| sc.parallelize(Vec::<(u32, u32)>::new(), 2).reduce_by_key_locally(|a, _| a).map(|m| m.len()), Ok(0));
}

/// Without it moments would be wrong in the last place that anybody checks: one number, none, none at all.
#[test]
fn moments_of_numbers() {
    let program = |sc: &SparkContext| {
        let rdd = sc.parallelize(vec![1.0, 2.0, 3.0, 4.0], 3);
        let stats = rdd.stats()?;
        assert_eq!((stats.count(), stats.max(), stats.min()), (4, 4.0, 1.0));
        assert_eq!((rdd.sum()?, rdd.mean()?, rdd.variance()?), (10.0, 2.5, 1.25));
        assert_eq!((rdd.stdev()?, rdd.sample_variance()?), (1.25f64.sqrt(), 5.0 / 3.0));
        assert_eq!(rdd.sample_stdev()?, (5.0f64 / 3.0).sqrt());
        let one = sc.parallelize(vec![7i64], 2);
        assert_eq!((one.mean()?, one.variance()?), (7.0, 0.0));
        assert!(one.sample_variance()?.is_nan());
        let none = sc.parallelize(Vec::<u32>::new(), 2);
        assert_eq!((none.sum()?, none.mean()?), (0.0, 0.0));
        assert!(none.variance()?.is_nan());
        // As Java's Math.max and Math.min.
        let odd = sc.parallelize(vec![1.0, f64::NAN, 3.0], 3).stats()?;
        assert!(odd.max().is_nan() && odd.min().is_nan() && odd.mean().is_nan());
        Ok(())
    };
    returns(program, Ok(()));
    returns(|sc| sc.empty_rdd::<f64>().stats().map(|_| ()), empty_collection());
}

/// Without it records on a bound would be in the wrong bucket, or in none.
#[test]
fn histograms_have_sparks_edges() {
    // Records, bounds, counts.
    type Case = (&'static [f64], &'static [f64], &'static [u64]);
    let given: [Case; 8] = [
        (&[], &[0.0, 10.0], &[0]),
        (&[10.01, -0.01], &[0.0, 10.0], &[0]),
        (&[1.0, 2.0, 3.0, 4.0], &[0.0, 10.0], &[4]),
        (&[1.0, 2.0, 5.0, 6.0], &[0.0, 5.0, 10.0], &[2, 2]),
        (&[0.0, 10.0, 20.0], &[0.0, 10.0, 20.0], &[1, 2]),
        (&[-0.01, 0.0, 1.0, 9.99, 10.0, 11.0, 19.9, 20.0, 20.1], &[0.0, 10.0, 11.0, 20.0], &[3, 1, 3]),
        (&[f64::NAN, f64::INFINITY, 1.0], &[0.0, 2.0], &[1]),
        (&[f64::INFINITY, 1.0], &[0.0, f64::INFINITY], &[2]),
    ];
    for (records, bounds, counts) in given {
        let program = move |sc: &SparkContext| sc.parallelize(records.to_vec(), 3).histogram_in(bounds);
        returns(program, Ok(counts.to_vec()));
    }
    let even: [(&'static [f64], usize, Case); 4] = [
        (&[1.0, 2.0, 3.0, 4.0], 1, (&[], &[1.0, 4.0], &[4])),
        (&[1.0, 2.0, 3.0, 4.0], 2, (&[], &[1.0, 2.5, 4.0], &[2, 2])),
        (&[1.0, 1.0], 5, (&[], &[1.0, 1.0], &[2])),
        (&[0.0, 1.0, 2.0, 3.0, 100.0], 4, (&[], &[0.0, 25.0, 50.0, 75.0, 100.0], &[4, 0, 0, 1])),
    ];
    for (records, buckets, (_, bounds, counts)) in even {
        let program = move |sc: &SparkContext| sc.parallelize(records.to_vec(), 2).histogram(buckets);
        returns(program, Ok((bounds.to_vec(), counts.to_vec())));
    }
    let text = "Histogram on either an empty RDD or RDD containing +/-infinity or NaN";
    for records in [&[][..], &[1.0, f64::NAN], &[1.0, f64::INFINITY], &[f64::NEG_INFINITY]] {
        returns(move |sc| sc.parallelize(records.to_vec(), 2).histogram(2), refusal(text));
    }
    returns(
        |sc| sc.parallelize(vec![1.0], 1).histogram_in(&[1.0]),
        refusal("buckets array must have at least two elements"),
    );
}

/// Without it a look-up in a partitioned RDD would compute every partition.
#[test]
fn lookup_computes_the_partition_of_its_key() {
    let pairs = |sc: &SparkContext| numbers(sc, 40, 4).map(|v| (v % 10, v));
    returns(move |sc| pairs(sc).lookup(3), Ok(vec![3, 13, 23, 33]));
    returns(move |sc| pairs(sc).lookup(77), Ok(vec![]));
    let (result, log) = run(Loop::Sim, settings(0, &[]), move |sc| {
        let parted = pairs(sc).partition_by(HashPartitioner::new(5));
        parted.count()?;
        parted.lookup(3)
    });
    assert_eq!(result, Ok(vec![3, 13, 23, 33]));
    // Map tasks, the count, one partition.
    assert_eq!(tasks_by_job(&log), [4, 5, 1]);
    let (result, log) =
        run(Loop::Sim, settings(0, &[]), move |sc| pairs(sc).sort_by_key_in(5, SortOrder::Descending)?.lookup(3));
    assert_eq!(result, Ok(vec![3, 13, 23, 33]));
    assert_eq!(tasks_by_job(&log).last(), Some(&1), "ranges know where a key is, too");
}

/// Without it counts would be those of a partition.
#[test]
fn maps_by_key_and_value() {
    let keys: BTreeMap<u32, u64> = (0..10).map(|k| (k, 4)).collect();
    let pairs = |sc: &SparkContext| numbers(sc, 40, 4).map(|v| (v % 10, v));
    returns_after_a_loss(move |sc| Ok(pairs(sc).count_by_key()?.into_iter().collect::<BTreeMap<_, _>>()), keys.clone());
    returns_after_a_loss(
        move |sc| Ok(pairs(sc).keys().count_by_value()?.into_iter().collect::<BTreeMap<_, _>>()),
        keys,
    );
    let last: BTreeMap<u32, u32> = (0..10).map(|k| (k, 30 + k)).collect();
    returns(move |sc| Ok(pairs(sc).collect_as_map()?.into_iter().collect::<BTreeMap<_, _>>()), Ok(last.clone()));
    returns(move |sc| Ok(pairs(sc).reduce_by_key_locally(u32::max)?.into_iter().collect::<BTreeMap<_, _>>()), Ok(last));
}

/// Without it what a program does for its effects would be done for some records only.
#[test]
fn every_record_and_every_partition() {
    for &loop_ in Loop::ALL {
        let seen = Arc::new(Mutex::new((Vec::new(), Vec::new())));
        let (records, partitions) = (Arc::clone(&seen), Arc::clone(&seen));
        let (result, _) = run(loop_, settings(0, &[]), move |sc| {
            numbers(sc, 10, 3).foreach(move |v| records.lock().expect("no panic").0.push(v))?;
            numbers(sc, 10, 3).foreach_partition(move |part| partitions.lock().expect("no panic").1.push(part.count()))
        });
        assert_eq!(result, Ok(()));
        let (mut records, mut partitions) = seen.lock().expect("no panic").clone();
        records.sort();
        partitions.sort();
        assert_eq!((records, partitions), ((0..10).collect(), vec![3, 3, 4]), "{loop_:?}");
    }
}

/// Without it the list of jobs would not say what the program called.
#[test]
fn jobs_are_named_after_their_actions() {
    let (result, log) = run(Loop::Sim, settings(0, &[]), |sc| {
        let rdd = numbers(sc, 10, 2);
        rdd.first()?;
        rdd.is_empty()?;
        rdd.max()?;
        rdd.top(1)?;
        rdd.stats()?;
        rdd.count_by_value()?;
        rdd.zip_with_index()?;
        rdd.tree_reduce(u32::max, 2)?;
        Ok(())
    });
    assert_eq!(result, Ok(()));
    let names: Vec<String> = log
        .iter()
        .filter_map(|envelope| match &envelope.event {
            Event::JobStart { origin, .. } => origin.callsite.split(' ').next().map(str::to_owned),
            _ => None,
        })
        .collect();
    assert_eq!(names, ["first", "isEmpty", "max", "top", "stats", "countByValue", "zipWithIndex", "treeReduce"]);
}
