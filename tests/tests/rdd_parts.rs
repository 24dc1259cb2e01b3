//! Operators and actions that read, make or combine an RDD part by part.

use faultline_engine::error::Result;
use faultline_engine::rdd::{Replacement, SortOrder, SparkContext};
use faultline_tests::lab::{refusal, returns};
use faultline_tests::{Loop, log, run, settings};
use std::collections::HashMap;

/// Without it the last number would be missing, one be made twice at a border, or a wide range overflow.
#[test]
fn ranges_count_in_steps() {
    let cases: [(i64, i64, i64, u32, Vec<i64>); 7] = [
        (0, 10, 1, 3, (0..10).collect()),
        (0, 10, 3, 4, vec![0, 3, 6, 9]),
        (0, 9, 3, 2, vec![0, 3, 6]),
        (10, 0, -3, 3, vec![10, 7, 4, 1]),
        (0, 10, -1, 2, vec![]),
        (5, 5, 1, 2, vec![]),
        (i64::MIN, i64::MAX, i64::MAX, 3, vec![i64::MIN, -1, i64::MAX - 1]),
    ];
    for (start, end, step, partitions, expect) in cases {
        returns(move |sc| sc.range(start, end, step, partitions)?.collect(), Ok(expect));
    }
    let sizes = |sc: &SparkContext| sc.range(0, 10, 1, 4)?.glom().map(|part| part.len()).collect();
    returns(sizes, Ok(vec![2, 3, 2, 3]));
    returns(|sc| sc.range(0, 1, 0, 1).map(|_| ()), refusal("requirement failed: step cannot be 0"));
}

/// Without it partitions that cannot hold a key would be computed, or keys on a bound be lost.
#[test]
fn a_range_of_keys_reads_the_partitions_that_may_hold_it() {
    for order in [SortOrder::Ascending, SortOrder::Descending] {
        let (result, log) = run(Loop::Sim, settings(0, &[]), move |sc| {
            let sorted = sc.parallelize((0..100u32).map(|v| (v, ())).collect(), 4).sort_by_key_in(10, order)?;
            let some = sorted.filter_by_range(35, 42);
            let keys = some.keys().collect()?;
            Ok((keys, some.num_partitions(), sorted.filter_by_range(7, 3).count()?, some.to_debug_string()))
        });
        let (mut keys, partitions, none, text) = result.expect("it runs");
        keys.sort();
        assert_eq!((keys, none), ((35..=42).collect(), 0), "{order:?}");
        assert!((1..=3).contains(&partitions), "{order:?}: {partitions} of 10 partitions");
        assert!(text.contains("PartitionPruningRDD"), "{text}");
        assert!(log::successes(&log) > 0);
    }
    let by_hash = |sc: &SparkContext| {
        let some = sc.parallelize((0..100u32).map(|v| (v, ())).collect(), 4).filter_by_range(35, 42);
        Ok((some.num_partitions(), some.count()?))
    };
    returns(by_hash, Ok((4, 8)));
}

/// Without it keys would be drawn at one rate, a rate be missed in silence, or a sample change when it is
/// computed again.
#[test]
fn samples_have_a_fraction_for_each_key() {
    let fractions = || HashMap::from([(0u32, 0.0), (1, 1.0), (2, 0.5)]);
    for replacement in [Replacement::Without, Replacement::With] {
        let mut samples = Vec::new();
        for &loop_ in Loop::ALL {
            let (result, _) = run(loop_, settings(0, &[]), move |sc| {
                let pairs = sc.parallelize((0..3000u32).map(|v| (v % 3, v)).collect(), 5).partition_by(4);
                let sample = pairs.sample_by_key(replacement, fractions(), 7)?;
                assert_eq!(sample.info().partitioner, pairs.info().partitioner);
                let (first, again) = (sample.collect()?, sample.collect()?);
                assert_eq!(first, again);
                Ok(first)
            });
            samples.push(result.expect("it runs"));
        }
        assert_eq!(samples[0], samples[1], "the seed decides");
        let of_key = |key| samples[0].iter().filter(|(k, _)| *k == key).count();
        let about = |count: usize, wanted: usize| count.abs_diff(wanted) < 150;
        assert_eq!(of_key(0), 0);
        assert!(about(of_key(1), 1000) && about(of_key(2), 500), "{} and {}", of_key(1), of_key(2));
        assert_eq!(of_key(1) == 1000, replacement == Replacement::Without);
    }
    let negative = |sc: &SparkContext| {
        let pairs = sc.parallelize(vec![(1u32, ())], 1);
        pairs.sample_by_key(Replacement::With, HashMap::from([(1, -0.5)]), 1).map(|_| ())
    };
    returns(negative, refusal("requirement failed: Negative sampling rates."));
    let (result, _) = run(Loop::Sim, settings(0, &[]), |sc| {
        sc.parallelize(vec![(9u32, ())], 1).sample_by_key(Replacement::With, HashMap::from([(1, 0.5)]), 1)?.count()
    });
    assert!(result.expect_err("a key has no fraction").to_string().contains("key not found: 9"));
}

/// Without it everything would be computed and held at once, also what nobody reads.
#[test]
fn a_local_iterator_computes_a_partition_when_it_is_read() {
    for &loop_ in Loop::ALL {
        let (result, log) = run(loop_, settings(0, &[]), |sc| {
            sc.parallelize((0..40u32).collect(), 8).to_local_iterator().take(11).collect::<Result<Vec<u32>>>()
        });
        assert_eq!(result, Ok((0..11).collect()), "{loop_:?}");
        assert_eq!((log::jobs(&log).len(), log::successes(&log)), (3, 3), "{loop_:?}: three partitions hold them");
        let named = log::jobs(&log).iter().all(|(_, origin)| origin.callsite.starts_with("toLocalIterator at "));
        assert!(named, "{loop_:?}");
    }
    let all =
        |sc: &SparkContext| sc.parallelize((0..40u32).collect(), 8).to_local_iterator().collect::<Result<Vec<_>>>();
    returns(all, Ok((0..40).collect()));
    faultline_tests::quiet::silence_deliberate_panics();
    let (result, _) = run(Loop::Sim, settings(0, &[]), |sc| {
        let broken = sc.parallelize((0..4u32).collect(), 4).map(|v| {
            assert!(v != 2, "{}", faultline_tests::quiet::DELIBERATE);
            v
        });
        Ok(broken.to_local_iterator().map(|record| record.ok()).collect::<Vec<_>>())
    });
    assert_eq!(result, Ok(vec![Some(0), Some(1), None]), "after an error there is nothing more");
}

/// Without it partitions of different RDDs would be combined, or those of one be left out.
#[test]
fn partitions_of_three_and_four_rdds_side_by_side() {
    let three = |sc: &SparkContext| {
        let (a, b) = (sc.parallelize(vec![1u32, 2, 3], 2), sc.parallelize(vec!["x".to_owned()], 2));
        let c = sc.parallelize(vec![0.5f64, 1.5], 2);
        let sizes = a.zip_partitions3(&b, &c, |a, b, c| [(a.len(), b.len(), c.len())])?;
        Ok((sizes.collect()?, sizes.info().class))
    };
    returns(three, Ok((vec![(1, 0, 1), (2, 1, 1)], "ZippedPartitionsRDD3".to_owned())));
    let four = |sc: &SparkContext| {
        let a = sc.parallelize((0..6u32).collect(), 3);
        let sums =
            a.zip_partitions4(&a, &a, &a.map(|v| v * 10), |a, b, c, d| [a.chain(b).chain(c).chain(d).sum::<u32>()])?;
        Ok((sums.collect()?, sums.info().class))
    };
    returns(four, Ok((vec![13, 65, 117], "ZippedPartitionsRDD4".to_owned())));
    let uneven = |sc: &SparkContext| {
        let numbers = |partitions| sc.parallelize(vec![1u32, 2, 3], partitions);
        numbers(2).zip_partitions3(&numbers(2), &numbers(3), |a, _, _| a).map(|_| ())
    };
    returns(uneven, refusal("Can't zip RDDs with unequal numbers of partitions: List(2, 2, 3)"));
}
