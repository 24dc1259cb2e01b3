//! What lineages of operations by key are made of: who shuffles, and who is partitioned how (R1.3–R1.8).

use faultline_engine::config::EngineConfig;
use faultline_engine::event::{DependencyKind, Determinism, PartitionerInfo};
use faultline_engine::rdd::{HashPartitioner, Partitioner, RangePartitioner, Rdd, SortOrder, SparkContext};
use faultline_engine::storage::Data;
use faultline_tests::{Loop, log, run, settings};
use std::sync::Arc;

fn context() -> SparkContext {
    SparkContext::detached(Arc::new(EngineConfig::default()))
}

fn pairs(sc: &SparkContext, partitions: u32) -> Rdd<(u32, u32)> {
    sc.parallelize((0..12u32).map(|v| (v, v)).collect(), partitions)
}

/// For each parent whether it is read over a shuffle.
fn shuffles<T: Data>(rdd: &Rdd<T>) -> Vec<bool> {
    rdd.info().parents.iter().map(|p| matches!(p.kind, DependencyKind::Shuffle { .. })).collect()
}

/// As [`shuffles`], of the first RDD that is not one with a single narrow parent.
fn shuffles_below<T: Data>(rdd: &Rdd<T>) -> Vec<bool> {
    let mut at = rdd.erased();
    loop {
        let info = at.core().info();
        match info.parents[..] {
            [ref one] if !matches!(one.kind, DependencyKind::Shuffle { .. }) => {
                let parent = at.core().dependencies()[0].parent();
                at = parent;
            }
            _ => return info.parents.iter().map(|p| matches!(p.kind, DependencyKind::Shuffle { .. })).collect(),
        }
    }
}

fn class<T: Data>(rdd: &Rdd<T>) -> String {
    rdd.info().class
}

/// L15. Without it what lies well already would be shuffled again.
#[test]
fn l15_equal_partitioners_do_not_shuffle() {
    let sc = context();
    let by_range = RangePartitioner::new(vec![3u32, 7], SortOrder::Ascending);
    let custom = Partitioner::custom("odd", 2, |key: &u32| key % 2);
    for partitioner in [Partitioner::from(HashPartitioner::new(2)), by_range.into(), custom] {
        let placed = pairs(&sc, 4).partition_by(&partitioner);
        assert_eq!(shuffles(&placed), [true]);
        let own = Some(partitioner.info());
        // Kept by what cannot move keys (R1.3), also when only the object knows the bounds.
        let kept = placed.filter(|_| true).map_values(|v| v + 1).flat_map_values(|v| [v, v]);
        assert_eq!((kept.info().partitioner, kept.partitioner()), (own.clone(), Some(partitioner.clone())));
        for reduced in [
            kept.reduce_by_key_in(&partitioner, |a, b| a + b),
            kept.reduce_by_key(|a, b| a + b),
            kept.fold_by_key(0, |a, b| a + b),
            kept.aggregate_by_key(0, |c, v| *c += v, |c, d| *c += d),
            kept.combine_by_key(|v| v, |c, v| *c += v, |c, d| *c += d),
            kept.group_by_key().map_values(|values| values[0]),
            kept.subtract_by_key(&placed),
            kept.repartition_and_sort_within_partitions(&partitioner),
        ] {
            assert!(!shuffles(&reduced).contains(&true), "{}", reduced.to_debug_string());
            assert_eq!(reduced.info().partitioner, own);
        }
        assert_eq!(placed.partition_by(&partitioner).id(), placed.id(), "nothing to do");
        let twin = pairs(&sc, 3).partition_by(&partitioner);
        assert_eq!(shuffles_below(&placed.join(&twin)), [false, false]);
        // Dropped by what may move keys.
        assert_eq!(placed.map(|pair| pair).info().partitioner, None);
    }
}

/// L16. Without it one join could not have both kinds of dependency.
#[test]
fn l16_each_parent_of_a_cogroup_on_its_own() {
    let sc = context();
    let (placed, other) = (pairs(&sc, 3).partition_by(5), pairs(&sc, 2));
    assert_eq!(shuffles_below(&placed.cogroup(&other)), [false, true]);
    assert_eq!(shuffles_below(&other.cogroup(&placed)), [true, false]);
    assert_eq!(shuffles_below(&other.cogroup3(&placed, &other)), [true, false, true]);
    assert_eq!(shuffles_below(&other.cogroup4(&other, &placed, &placed)), [true, true, false, false]);
    assert_eq!(shuffles(&other.subtract_by_key_with(&placed, 5)), [true, false]);
    assert_eq!(placed.cogroup(&other).num_partitions(), 5);
}

/// L19. Without it empty parents would count, or a union of equally partitioned RDDs would lose the
/// partitioner and shuffle again.
#[test]
fn l19_unions_drop_empty_parents_and_keep_partitioners() {
    let sc = context();
    let (empty, some) = (sc.empty_rdd::<(u32, u32)>(), pairs(&sc, 2));
    let union = sc.union(&[empty.clone(), some.clone()]);
    assert_eq!((class(&union).as_str(), union.num_partitions()), ("UnionRDD", 2));
    assert_eq!(union.info().parents.len(), 1);

    let (left, right) = (some.partition_by(4), pairs(&sc, 3).partition_by(4));
    let union = sc.union(&[left.clone(), empty.clone(), right.clone()]);
    assert_eq!((class(&union).as_str(), union.num_partitions()), ("PartitionerAwareUnionRDD", 4));
    assert_eq!(union.info().partitioner, left.info().partitioner);
    assert!(!shuffles(&union.reduce_by_key(|a, b| a + b)).contains(&true));

    for other in [some, pairs(&sc, 3).partition_by(5)] {
        let plain = sc.union(&[left.clone(), other.clone()]);
        assert_eq!(class(&plain), "UnionRDD");
        assert_eq!(plain.num_partitions(), 4 + other.num_partitions());
        assert_eq!(plain.info().partitioner, None);
    }
    assert_eq!(
        (class(&sc.union(&[empty.clone(), empty])).as_str(), sc.union::<u32>(&[]).num_partitions()),
        ("UnionRDD", 0)
    );
}

/// Without it the number of partitions of an operation that was given none would not be Spark's: that of
/// the largest parent, or `spark.default.parallelism` when the user set it.
#[test]
fn r1_5_partitions_of_an_operation_that_was_given_none() {
    let unset = context();
    assert_eq!(pairs(&unset, 3).reduce_by_key(|a, b| a + b).num_partitions(), 3);
    assert_eq!(pairs(&unset, 3).join(&pairs(&unset, 8)).num_partitions(), 8);
    assert_eq!(pairs(&unset, 3).group_by(|(k, _)| *k).num_partitions(), 3);
    assert_eq!(unset.empty_rdd::<(u32, u32)>().group_by_key().num_partitions(), 0);
    let config = EngineConfig { default_parallelism: Some(5), ..EngineConfig::default() };
    assert_eq!(config.properties()["spark.default.parallelism"], "5");
    let set = SparkContext::detached(Arc::new(config));
    assert_eq!(pairs(&set, 3).reduce_by_key(|a, b| a + b).num_partitions(), 5);
    assert_eq!(pairs(&set, 3).join(&pairs(&set, 8)).num_partitions(), 5);
    assert_eq!(pairs(&set, 3).partition_by(2).reduce_by_key(|a, b| a + b).num_partitions(), 2);
    // A partitioner ten times smaller than the largest parent is not used.
    assert_eq!(pairs(&unset, 2).partition_by(2).join(&pairs(&unset, 20)).num_partitions(), 20);
    assert_eq!(pairs(&unset, 2).partition_by(2).join(&pairs(&unset, 19)).num_partitions(), 2);
}

/// R1.8. Without it a stage whose output may differ would be repaired in part.
#[test]
fn r1_8_the_worst_parent_wins() {
    use Determinism::{Determinate, Indeterminate, Unordered};
    let sc = context();
    let source = pairs(&sc, 3);
    let shuffled = source.partition_by(4);
    let unstable = source.map_partitions_unstable(|_, _, values| values);
    let level = |rdd: &Rdd<(u32, u32)>| rdd.info().determinism;
    assert_eq!(level(&source.map(|v| v)), Determinate);
    assert_eq!(level(&shuffled), Unordered);
    assert_eq!(level(&shuffled.filter(|_| true)), Unordered);
    assert_eq!(level(&shuffled.reduce_by_key(|a, b| a + b)), Unordered, "no real shuffle: as its parent");
    assert_eq!(level(&unstable), Indeterminate);
    assert_eq!(level(&unstable.map(|v| v)), Indeterminate);
    assert_eq!(level(&unstable.partition_by(4)), Indeterminate);
    assert_eq!(level(&source.union(&unstable)), Indeterminate);
    assert_eq!(level(&shuffled.union(&unstable.partition_by(4))), Indeterminate);
    assert_eq!(source.cogroup(&unstable).info().determinism, Indeterminate);
    assert_eq!(source.join(&source).info().determinism, Unordered);
    assert_eq!(
        [Determinate, Unordered, Indeterminate].map(Determinism::order_sensitive),
        [Determinate, Indeterminate, Indeterminate]
    );
}

/// Without it sorting would be silent about the job that samples, or its partitions would not follow the
/// keys: sampling is a job of its own, at the call site of the sort, and nothing runs for one partition.
#[test]
fn sampling_is_a_job() {
    for &loop_ in Loop::ALL {
        let (result, log) = run(loop_, settings(0, &[]), |sc| {
            // One partition holds nearly everything, and is sampled again.
            let skewed = sc
                .parallelize((0..2000u32).collect(), 20)
                .flat_map(|v| if v < 100 { vec![(v, v); 400] } else { vec![(v, v)] });
            let sorted = skewed.sort_by_key_in(4, SortOrder::Ascending)?;
            let sizes = sorted.run_on(&[0, 1, 2, 3], |values| values.len())?;
            pairs(sc, 2).sort_by_key_in(1, SortOrder::Ascending)?;
            Ok((sizes, sorted.info().partitioner))
        });
        let (sizes, partitioner): (Vec<usize>, Option<PartitionerInfo>) = result.expect("nothing fails");
        assert_eq!(sizes.iter().sum::<usize>(), 41_900, "{loop_:?}");
        assert!(sizes.iter().all(|size| (5_000..=16_000).contains(size)), "{loop_:?}: nearly equal: {sizes:?}");
        assert_eq!(partitioner.map(|p| (p.class, p.partitions)), Some(("RangePartitioner".to_owned(), 4)));
        let sites: Vec<String> = log::jobs(&log).into_iter().map(|(_, origin)| origin.callsite).collect();
        let methods: Vec<&str> = sites.iter().map(|s| s.split(' ').next().unwrap_or_default()).collect();
        assert_eq!(methods, ["sortByKey", "sortByKey", "runJob"], "{loop_:?}: {sites:?}");
    }
}
