//! Every transformation of RDDs against the same thing done to a `Vec`, under both loops, with an executor
//! lost on the way; and its lineage against what Spark prints.

use faultline_engine::error::Result;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use faultline_engine::rdd::partitioner::HashPartitioner;
use faultline_engine::rdd::{Rdd, Replacement, SparkContext};
use faultline_engine::storage::Data;
use faultline_tests::lab::{refusal, returns};
use faultline_tests::quiet::silence_deliberate_panics;
use faultline_tests::{Loop, in_batches, log, run, settings};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// What `parallelize` puts into partition `i` of `n`.
fn slice<T: Clone>(values: &[T], n: usize, i: usize) -> Vec<T> {
    values[i * values.len() / n..(i + 1) * values.len() / n].to_vec()
}

fn slices<T: Clone>(values: &[T], n: usize) -> Vec<Vec<T>> {
    (0..n).map(|i| slice(values, n, i)).collect()
}

fn sorted<T: Ord>(mut values: Vec<T>) -> Vec<T> {
    values.sort();
    values
}

fn numbers(sc: &SparkContext, count: u32, partitions: u32) -> Rdd<u32> {
    sc.parallelize((0..count).collect(), partitions)
}

/// `build` gives an RDD of these partitions, before and after an executor is lost and comes back.
fn gives<T: Data + PartialEq>(
    build: impl Fn(&SparkContext) -> Result<Rdd<T>> + Clone + Send + 'static,
    expect: Vec<Vec<T>>,
) {
    let faults = ["kill:executor=1@batch=2", "restart:executor=2@batch=3"];
    for &loop_ in Loop::ALL {
        let (build, expect) = (build.clone(), expect.clone());
        let (result, _) = run(loop_, settings(3, &faults), move |sc| {
            let rdd = build(sc)?;
            in_batches(sc, move |batch| {
                assert_eq!(rdd.glom().collect()?, expect, "{loop_:?} batch {batch}");
                Ok(())
            })
        });
        assert_eq!(result, Ok(()), "{loop_:?}");
    }
}

/// Without them a partition, its number, or a key would be lost or mixed up.
#[test]
fn partitions_keys_and_values() {
    let values: Vec<u32> = (0..11).collect();
    let parts = slices(&values, 3);
    let numbered = |(i, part): (usize, &Vec<u32>)| part.iter().map(|v| (i as u32, *v)).collect::<Vec<_>>();
    gives(
        |sc| Ok(numbers(sc, 11, 3).map_partitions_with_index(|i, part| part.map(move |v| (i.0, v)))),
        parts.iter().enumerate().map(numbered).collect(),
    );
    gives(|sc| Ok(numbers(sc, 11, 3).glom()), parts.iter().map(|part| vec![part.clone()]).collect());
    let keyed = |part: &Vec<u32>| part.iter().map(|v| (v % 4, *v)).collect::<Vec<_>>();
    gives(|sc| Ok(numbers(sc, 11, 3).key_by(|v| v % 4)), parts.iter().map(keyed).collect());
    let keys = |part: &Vec<u32>| part.iter().map(|v| v % 4).collect::<Vec<_>>();
    gives(|sc| Ok(numbers(sc, 11, 3).key_by(|v| v % 4).keys()), parts.iter().map(keys).collect());
    gives(|sc| Ok(numbers(sc, 11, 3).key_by(|v| v % 4).values()), parts);
}

/// Without it `coalesce` would lose or mix partitions, or make runs of other lengths than Spark.
#[test]
fn coalesce_merges_neighbours() {
    let values: Vec<u32> = (0..40).collect();
    let parts = slices(&values, 10);
    let runs = [0..2, 2..5, 5..7, 7..10];
    gives(|sc| numbers(sc, 40, 10).coalesce(4), runs.iter().map(|run| parts[run.clone()].concat()).collect());
    gives(|sc| numbers(sc, 40, 10).coalesce(50), parts);
    gives(|sc| numbers(sc, 40, 10).coalesce(1), vec![values]);
    gives(|sc| sc.empty_rdd::<u32>().coalesce(3), vec![]);
    let text = "requirement failed: Number of partitions (0) must be positive.";
    returns(|sc| numbers(sc, 4, 2).coalesce(0).map(|_| ()), refusal(text));
    returns(|sc| numbers(sc, 4, 2).repartition(0).map(|_| ()), refusal(text));
    // As many partitions of a shuffle as asked for are merged without another stage.
    let (result, log) = run(Loop::Sim, settings(0, &[]), |sc| numbers(sc, 40, 10).coalesce(4)?.count());
    assert_eq!((result, log::task_ends(&log).count()), (Ok(40), 4));
}

/// Without it `repartition` would pile records up in few partitions, or a retry would deal them out anew.
#[test]
fn repartition_deals_records_out_evenly() {
    let lengths = |sc: &SparkContext| {
        let dealt = numbers(sc, 1000, 3).repartition(8)?;
        let parts = dealt.glom().collect()?;
        assert_eq!(sorted(parts.concat()), (0..1000).collect::<Vec<_>>());
        assert_eq!(dealt.glom().collect()?, parts, "the same again");
        Ok(parts.iter().map(Vec::len).collect::<Vec<_>>())
    };
    for &loop_ in Loop::ALL {
        let (result, _) = run(loop_, settings(0, &[]), lengths);
        let lengths = result.expect("it runs");
        // Each of the three parents deals to within one record of even.
        assert!(lengths.iter().all(|n| (123..=128).contains(n)), "{loop_:?}: {lengths:?}");
    }
    gives(|sc| Ok(numbers(sc, 6, 2).repartition(1)?.map(|_| 1u32)), vec![vec![1; 6]]);
}

/// Without it a lost map output of a repartition would be dealt out anew, and records doubled or lost.
#[test]
fn repartition_after_a_shuffle_is_indeterminate() {
    returns(
        |sc| {
            let plain = numbers(sc, 10, 2);
            let shuffled = plain.map(|v| (v % 3, v)).partition_by(HashPartitioner::new(2));
            let level = |rdd: Rdd<_>| rdd.info().determinism;
            Ok([
                level(plain.repartition(3)?.map(|v| (v, v))),
                level(shuffled.repartition(3)?),
                level(shuffled.coalesce(1)?),
            ])
        },
        Ok([Determinism::Unordered, Determinism::Indeterminate, Determinism::Unordered]),
    );
}

/// Without it zipped records would be paired with wrong ones, or a longer side be cut off in silence.
#[test]
fn zip_pairs_records_and_refuses_what_does_not_fit() {
    silence_deliberate_panics();
    let values: Vec<u32> = (0..3000).collect();
    let pairs = |part: Vec<u32>| part.into_iter().map(|v| (v, v * 2)).collect::<Vec<_>>();
    gives(
        |sc| numbers(sc, 3000, 2).zip(&numbers(sc, 3000, 2).map(|v| v * 2)),
        slices(&values, 2).into_iter().map(pairs).collect(),
    );
    returns(
        |sc| numbers(sc, 4, 2).zip(&numbers(sc, 4, 3)).map(|_| ()),
        refusal("Can't zip RDDs with unequal numbers of partitions: List(2, 3)"),
    );
    for (left, right) in [(4, 6), (6, 4)] {
        for &loop_ in Loop::ALL {
            let zipped = move |sc: &SparkContext| numbers(sc, left, 2).zip(&numbers(sc, right, 2))?.count();
            let error = run(loop_, settings(0, &[]), zipped).0.expect_err("they are not equally long").to_string();
            let text = "Can only zip RDDs with same number of elements in each partition";
            assert!(error.contains(text), "{loop_:?}: {error}");
        }
    }
    let sums = |a: std::vec::IntoIter<u32>, b: std::vec::IntoIter<u32>| [a.sum::<u32>(), b.sum()];
    gives(move |sc| numbers(sc, 4, 2).zip_partitions(&numbers(sc, 7, 2), sums), vec![vec![1, 3], vec![5, 18]]);
}

/// Without it two records would have one number, or a job would count what one partition says by itself.
#[test]
fn numbers_of_records() {
    let values: Vec<u32> = (10..21).collect();
    let indexed: Vec<(u32, u64)> = values.iter().copied().zip(0..).collect();
    gives(|sc| sc.parallelize((10..21).collect(), 3).zip_with_index(), slices(&indexed, 3));
    let unique = |(k, part): (usize, Vec<u32>)| part.into_iter().zip((k as u64..).step_by(3)).collect::<Vec<_>>();
    gives(
        |sc| Ok(sc.parallelize((10..21).collect::<Vec<u32>>(), 3).zip_with_unique_id()),
        slices(&values, 3).into_iter().enumerate().map(unique).collect(),
    );
    for (partitions, jobs) in [(1, 0), (3, 1)] {
        let program = move |sc: &SparkContext| numbers(sc, 9, partitions).zip_with_index().map(|_| ());
        let (result, log) = run(Loop::Sim, settings(0, &[]), program);
        assert_eq!((result, log::jobs(&log).len()), (Ok(()), jobs));
        // The last partition need not be counted.
        assert_eq!(log::task_ends(&log).count(), if partitions == 1 { 0 } else { 2 });
    }
}

/// Without it pairs would be missing, or lie in other partitions than Spark's.
#[test]
fn cartesian_has_every_pair() {
    let (left, right) = (slices(&(0..5u32).collect::<Vec<_>>(), 2), slices(&(0..1100u32).collect::<Vec<_>>(), 3));
    let block = |l: &Vec<u32>, r: &Vec<u32>| l.iter().flat_map(|v| r.iter().map(|w| (*v, *w))).collect::<Vec<_>>();
    let expect = left.iter().flat_map(|l| right.iter().map(move |r| block(l, r))).collect();
    gives(|sc| Ok(numbers(sc, 5, 2).cartesian(&numbers(sc, 1100, 3))), expect);
    gives(|sc| Ok(numbers(sc, 5, 2).cartesian(&sc.empty_rdd::<u32>())), vec![]);
}

/// Without it equal records would stay, or a shuffle be run where none is needed.
#[test]
fn distinct_and_groups() {
    let program = |sc: &SparkContext| {
        let many = numbers(sc, 100, 4).map(|v| v % 7);
        assert_eq!(sorted(many.distinct().collect()?), (0..7).collect::<Vec<_>>());
        assert_eq!(many.distinct_in(2).num_partitions(), 2);
        let mut groups: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        (0..100).for_each(|v| groups.entry(v % 7).or_default().push(v));
        let grouped = numbers(sc, 100, 4).group_by(|v| v % 7);
        assert_eq!(grouped.num_partitions(), 4);
        assert_eq!(grouped.collect()?.into_iter().collect::<BTreeMap<_, _>>(), groups);
        // What is partitioned gives its number of partitions to its groups (R1.5).
        let placed = many.map(|v| (v, v)).partition_by(HashPartitioner::new(3));
        assert_eq!(placed.group_by(|(k, _)| k % 2).num_partitions(), 3);
        let pairs = many.map(|v| (v, v)).partition_by(HashPartitioner::new(3));
        let before = pairs.distinct();
        assert_eq!(sorted(before.collect()?), (0..7).map(|v| (v, v)).collect::<Vec<_>>());
        assert_eq!(before.info().partitioner, pairs.info().partitioner);
        Ok(before.lineage_len() - pairs.lineage_len())
    };
    returns(program, Ok(1));
}

/// Without it a sample would change when it is computed again, or its size have nothing to do with what
/// was asked for.
#[test]
fn samples_repeat_and_have_about_the_wanted_size() {
    let size = |replacement, fraction: f64, seed: u64| {
        let mut samples = Vec::new();
        for &loop_ in Loop::ALL {
            let config = settings(2, &["kill:executor=1@batch=2"]);
            let (result, _) = run(loop_, config, move |sc| {
                let sample = numbers(sc, 10_000, 4).sample(replacement, fraction, seed)?;
                let first = sample.collect()?;
                let expect = first.clone();
                in_batches(sc, move |_| {
                    assert_eq!(sample.collect()?, expect);
                    Ok(())
                })?;
                Ok(first)
            });
            samples.push(result.expect("it runs"));
        }
        assert_eq!(samples[0], samples[1], "both loops draw alike");
        samples.remove(0)
    };
    // Six standard deviations of a binomial, or of a Poisson distribution.
    let close = |len: usize, mean: f64, variance: f64| {
        assert!((len as f64 - mean).abs() <= 6.0 * variance.sqrt() + 0.5, "{len} of {mean}")
    };
    for (fraction, seed) in [(0.0, 1), (0.01, 2), (0.5, 3), (0.5, 4), (1.0, 5)] {
        let sample = size(Replacement::Without, fraction, seed);
        close(sample.len(), 10_000.0 * fraction, 10_000.0 * fraction * (1.0 - fraction));
        assert!(sample.is_sorted_by(|a, b| a < b), "at most once, in order");
    }
    for (fraction, seed) in [(0.0, 1), (0.3, 2), (2.5, 3), (70.0, 4)] {
        let sample = size(Replacement::With, fraction, seed);
        close(sample.len(), 10_000.0 * fraction, 10_000.0 * fraction);
    }
    assert_ne!(size(Replacement::Without, 0.5, 3), size(Replacement::Without, 0.5, 4), "the seed decides");
    let sample =
        |replacement, fraction| move |sc: &SparkContext| numbers(sc, 4, 2).sample(replacement, fraction, 1).map(|_| ());
    returns(
        sample(Replacement::Without, 1.5),
        refusal("requirement failed: Sampling fraction (1.5) must be on interval [0, 1]"),
    );
    returns(sample(Replacement::With, -2.0), refusal("requirement failed: Fraction must be nonnegative, but got -2.0"));
    for (fraction, shown) in [(f64::INFINITY, "inf"), (1e300, "1e300")] {
        let text = format!("requirement failed: Fraction must be at most 1000000000.0, but got {shown}");
        returns(sample(Replacement::With, fraction), refusal(&text));
    }
}

/// Without it a record would be in two parts, or in none.
#[test]
fn random_split_parts_the_records() {
    let split = |sc: &SparkContext| {
        let parts = numbers(sc, 6000, 3).random_split(&[1.0, 2.0, 3.0], 7)?;
        parts.iter().map(Rdd::collect).collect::<Result<Vec<_>>>()
    };
    for &loop_ in Loop::ALL {
        let parts = run(loop_, settings(0, &[]), split).0.expect("it runs");
        assert_eq!(sorted(parts.concat()), (0..6000).collect::<Vec<_>>(), "{loop_:?}");
        let lengths: Vec<usize> = parts.iter().map(Vec::len).collect();
        assert!((800..1200).contains(&lengths[0]) && (2700..3300).contains(&lengths[2]), "{loop_:?}: {lengths:?}");
    }
    let weights =
        |weights: &'static [f64]| move |sc: &SparkContext| numbers(sc, 4, 2).random_split(weights, 1).map(|_| ());
    returns(weights(&[1.0, -1.0]), refusal("requirement failed: Weights must be nonnegative, but got [1.0,-1.0]"));
    let sum = "requirement failed: Sum of weights must be finite, but got [1.0,inf]";
    returns(weights(&[1.0, f64::INFINITY]), refusal(sum));
    returns(weights(&[0.0]), refusal("requirement failed: Sum of weights must be positive, but got [0.0]"));
}

/// Without it a partition that failed half-way would be sampled, numbered or dealt out differently the
/// second time.
#[test]
fn a_retried_task_gives_what_the_first_would_have() {
    silence_deliberate_panics();
    let build = |sc: &SparkContext, calls: Option<Arc<AtomicU32>>| {
        let source = numbers(sc, 3000, 3).map(move |v| {
            let fails = v == 700 && calls.as_ref().is_some_and(|calls| calls.fetch_add(1, Ordering::Relaxed) == 0);
            assert!(!fails, "deliberate: once");
            v
        });
        source.sample(Replacement::With, 0.7, 9)?.zip_with_unique_id().repartition(4)?.glom().collect()
    };
    for &loop_ in Loop::ALL {
        let calm = run(loop_, settings(0, &[]), move |sc| build(sc, None)).0;
        let calls = Arc::new(AtomicU32::new(0));
        let (retried, log) = run(loop_, settings(0, &[]), move |sc| build(sc, Some(calls)));
        assert_eq!(retried, calm, "{loop_:?}");
        assert!(log::task_ends(&log).any(|(_, reason, _)| !reason.is_success()), "{loop_:?}: it failed once");
    }
}

/// Without it blocks that a coalesced or a cartesian partition reads would be computed far from where they
/// lie.
#[test]
fn tasks_run_where_their_parents_are_kept() {
    for cartesian in [false, true] {
        let (result, log) = run(Loop::Sim, settings(0, &[]), move |sc| {
            let kept = numbers(sc, 60, 6).map(|v| v).cache()?;
            kept.count()?;
            if cartesian { kept.cartesian(&numbers(sc, 3, 1)).count() } else { kept.coalesce(3)?.count() }
        });
        assert!(result.is_ok());
        let last = log::jobs(&log).len() as u32 - 1;
        let locality: BTreeSet<Locality> = log::task_ends(&log)
            .filter(|(task, _, _)| task.stage.stage == StageId(last))
            .map(|(task, _, _)| task.locality)
            .collect();
        assert_eq!(locality, BTreeSet::from([Locality::ProcessLocal]), "cartesian: {cartesian}");
    }
}

/// Call sites without file and line, ids by rank: what two programs have in common.
fn shape(text: &str) -> String {
    let ids: BTreeSet<u32> = text.split('[').filter_map(|part| part.split(']').next()?.parse().ok()).collect();
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let (head, rest) = line.split_once('[').expect("a class and its id");
        let (id, rest) = rest.split_once(']').expect("an id");
        let rank = id.parse().map_or(0, |id: u32| ids.iter().position(|i| *i == id).expect("it was found above"));
        let (method, rest) = rest.rsplit_once(" at ").expect("a call site");
        let flags = rest.split_once(' ').expect("flags behind the line number").1;
        lines.push(format!("{head}[{rank}]{method} {flags}"));
    }
    lines.join("\n")
}

fn prints_as_spark(build: impl Fn(&SparkContext) -> Result<String> + Clone + Send + 'static, spark: &str) {
    returns(move |sc| Ok(shape(&build(sc)?)), Ok(shape(spark)));
}

fn words(sc: &SparkContext) -> Rdd<String> {
    sc.parallelize(["a b c", "b c d", "c d e", "a a a"].map(String::from).to_vec(), 2)
}

/// Without it pictures and texts would show other RDDs than Spark makes of the same program.
#[test]
fn lineages_are_sparks() {
    prints_as_spark(
        |sc| Ok(sc.parallelize((1..=10).collect::<Vec<u32>>(), 4).coalesce(1)?.to_debug_string()),
        "(1) CoalescedRDD[42] at coalesce at lineage.scala:53 []\n |  ParallelCollectionRDD[41] at parallelize at lineage.scala:53 []",
    );
    let dealt = "
(2) MapPartitionsRDD[52] at coalesce at lineage.scala:55 []
 |  CoalescedRDD[51] at coalesce at lineage.scala:55 []
 |  ShuffledRDD[50] at coalesce at lineage.scala:55 []
 +-(4) MapPartitionsRDD[49] at coalesce at lineage.scala:55 []
    |  ParallelCollectionRDD[48] at parallelize at lineage.scala:55 []";
    let source = |sc: &SparkContext| sc.parallelize((1..=10).collect::<Vec<u32>>(), 4);
    prints_as_spark(move |sc| Ok(source(sc).coalesce_with_shuffle(2)?.to_debug_string()), dealt);
    prints_as_spark(
        move |sc| Ok(source(sc).repartition(2)?.to_debug_string()),
        &dealt.replace("coalesce", "repartition"),
    );
    prints_as_spark(
        |sc| Ok(words(sc).distinct().to_debug_string()),
        "
(2) MapPartitionsRDD[63] at distinct at lineage.scala:58 []
 |  ShuffledRDD[62] at distinct at lineage.scala:58 []
 +-(2) MapPartitionsRDD[61] at distinct at lineage.scala:58 []
    |  ParallelCollectionRDD[0] at parallelize at lineage.scala:30 []",
    );
    prints_as_spark(
        |sc| Ok(words(sc).group_by(String::len).to_debug_string()),
        "
(2) ShuffledRDD[66] at groupBy at lineage.scala:60 []
 +-(2) MapPartitionsRDD[65] at groupBy at lineage.scala:60 []
    |  ParallelCollectionRDD[0] at parallelize at lineage.scala:30 []",
    );
    prints_as_spark(
        |sc| {
            let words = words(sc);
            Ok(words.zip(&words.map(|w| w.len()))?.to_debug_string())
        },
        "
(2) ZippedPartitionsRDD2[69] at zip at lineage.scala:62 []
 |  ParallelCollectionRDD[0] at parallelize at lineage.scala:30 []
 |  MapPartitionsRDD[68] at map at lineage.scala:62 []
 |  ParallelCollectionRDD[0] at parallelize at lineage.scala:30 []",
    );
    prints_as_spark(
        |sc| {
            let words = words(sc);
            Ok(words.cartesian(&sc.parallelize(vec![1u8, 2, 3], 2)).to_debug_string())
        },
        "
(4) CartesianRDD[72] at cartesian at lineage.scala:64 []
 |  ParallelCollectionRDD[0] at parallelize at lineage.scala:30 []
 |  ParallelCollectionRDD[71] at parallelize at lineage.scala:64 []",
    );
    let one = |class: &str, method: &str| {
        format!(
            "(2) {class}[70] at {method} at lineage.scala:63 []\n |  ParallelCollectionRDD[0] at parallelize at lineage.scala:30 []"
        )
    };
    prints_as_spark(|sc| Ok(words(sc).zip_with_index()?.to_debug_string()), &one("ZippedWithIndexRDD", "zipWithIndex"));
    prints_as_spark(
        |sc| Ok(words(sc).sample(Replacement::Without, 0.5, 1)?.to_debug_string()),
        &one("PartitionwiseSampledRDD", "sample"),
    );
    prints_as_spark(
        |sc| Ok(words(sc).map_partitions_with_index(|i, it| it.map(move |w| (i.0, w))).to_debug_string()),
        &one("MapPartitionsRDD", "mapPartitionsWithIndex"),
    );
    prints_as_spark(|sc| Ok(words(sc).glom().to_debug_string()), &one("MapPartitionsRDD", "glom"));
    prints_as_spark(
        |sc| Ok(words(sc).key_by(String::len).partition_by(HashPartitioner::new(4)).to_debug_string()),
        "
(4) ShuffledRDD[90] at partitionBy at lineage.scala:71 []
 +-(2) MapPartitionsRDD[89] at keyBy at lineage.scala:71 []
    |  ParallelCollectionRDD[0] at parallelize at lineage.scala:30 []",
    );
}
