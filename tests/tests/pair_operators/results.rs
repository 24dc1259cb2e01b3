//! Every operation against a sequential fold of the same records, with an executor lost in between.

use faultline_engine::config::EngineConfig;
use faultline_engine::error::Result;
use faultline_engine::rdd::{FloatKey, Partitioner, RangePartitioner, Rdd, SortOrder, SparkContext};
use faultline_engine::storage::Data;
use faultline_tests::{Loop, in_batches, plans, run, settings};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

type Left = Vec<(i32, u32)>;
type Right = Vec<(i32, String)>;
type Groups<V> = BTreeMap<i32, Vec<V>>;

/// Keys around zero, some on one side only.
fn records(seed: u64) -> (Left, Right) {
    let mut rng = plans::rng(seed, "pairs");
    let left = (0..120u32).map(|v| (rng.below(25) as i32 - 12, v)).collect();
    let right = (0..50u32).map(|v| (rng.below(25) as i32 - 6, format!("r{v}"))).collect();
    (left, right)
}

fn grouped<V: Clone>(records: &[(i32, V)]) -> Groups<V> {
    let mut groups = Groups::new();
    for (key, value) in records {
        groups.entry(*key).or_default().push(value.clone());
    }
    groups
}

/// An operation, and what a fold over the records gives.
struct Case {
    name: &'static str,
    computed: Box<dyn Fn() -> Result<Vec<String>> + Send + Sync>,
    expect: Vec<String>,
}

fn words<T: Data>(values: impl IntoIterator<Item = T>) -> Vec<String> {
    values.into_iter().map(|value| format!("{value:?}")).collect()
}

fn sorted(mut values: Vec<String>) -> Vec<String> {
    values.sort();
    values
}

/// Results in any order.
fn case<T: Data>(name: &'static str, rdd: Rdd<T>, expect: impl IntoIterator<Item = T>) -> Case {
    Case { name, computed: Box::new(move || Ok(sorted(words(rdd.collect()?)))), expect: sorted(words(expect)) }
}

/// Results in this order.
fn in_order<T: Data>(name: &'static str, rdd: Rdd<T>, expect: impl IntoIterator<Item = T>) -> Case {
    Case { name, computed: Box::new(move || Ok(words(rdd.collect()?))), expect: words(expect) }
}

fn sums(left: &Groups<u32>) -> Vec<(i32, u32)> {
    left.iter().map(|(key, values)| (*key, values.iter().sum())).collect()
}

fn aggregations(l: &Rdd<(i32, u32)>, left: &Left) -> Vec<Case> {
    let groups = grouped(left);
    let by = |f: fn(&Vec<u32>) -> u32| groups.iter().map(|(k, v)| (*k, f(v))).collect::<Vec<_>>();
    let counted = || groups.iter().map(|(k, v)| (*k, (v.len() as u32, v.iter().sum::<u32>())));
    let count = |c: &mut (u32, u32), v: u32| *c = (c.0 + 1, c.1 + v);
    let merge = |c: &mut (u32, u32), d: (u32, u32)| *c = (c.0 + d.0, c.1 + d.1);
    let custom = Partitioner::custom("by sign", 2, |key: &i32| u32::from(*key < 0));
    let of_groups = |rdd: Rdd<(i32, Vec<u32>)>| {
        rdd.map_values(|mut values| {
            values.sort_unstable();
            values
        })
    };
    vec![
        case("reduceByKey", l.reduce_by_key(|a, b| a + b), sums(&groups)),
        case("reduceByKey in 7", l.reduce_by_key_in(7, u32::max), by(|v| *v.iter().max().expect("not empty"))),
        case("reduceByKey by sign", l.reduce_by_key_in(&custom, |a, b| a + b), sums(&groups)),
        case("foldByKey", l.fold_by_key(0, |a, b| a + b), sums(&groups)),
        case("foldByKey in 3", l.fold_by_key_in(3, 0, u32::max), by(|v| *v.iter().max().expect("not empty"))),
        case("aggregateByKey", l.aggregate_by_key((0, 0), count, merge), counted()),
        case("aggregateByKey in 2", l.aggregate_by_key_in(2, (0, 0), count, merge), counted()),
        case("combineByKey", l.combine_by_key(|v| (1, v), count, merge), counted()),
        case("combineByKey in 5", l.combine_by_key_in(5, |v| (1, v), count, merge), counted()),
        case("combineByKey, reduce side", l.combine_by_key_on_reduce_side(5, |v| (1, v), count), counted()),
        case("groupByKey", of_groups(l.group_by_key()), groups.clone()),
        case("groupByKey by sign", of_groups(l.group_by_key_in(&custom)), groups.clone()),
        case(
            "groupBy",
            l.group_by(|(key, _)| key % 3).map_values(|records| records.len()),
            grouped(&left.iter().map(|r| (r.0 % 3, *r)).collect::<Vec<_>>()).into_iter().map(|(k, v)| (k, v.len())),
        ),
        case("partitionBy", l.partition_by(&custom), left.clone()),
        // Already partitioned: combined where they lie.
        case("reduceByKey in place", l.partition_by(4).reduce_by_key_in(4, |a, b| a + b), sums(&groups)),
        case("foldByKey in place", l.partition_by(4).fold_by_key(0, |a, b| a + b), sums(&groups)),
        case("groupByKey in place", of_groups(l.partition_by(&custom).group_by_key()), groups.clone()),
        case("aggregateByKey in place", l.partition_by(3).aggregate_by_key((0, 0), count, merge), counted()),
    ]
}

fn or_none<V: Clone>(values: Option<&Vec<V>>) -> Vec<Option<V>> {
    values.map_or_else(|| vec![None], |some| some.iter().cloned().map(Some).collect())
}

/// The rows of a join whose sides are these lists for each key.
fn joined<V: Clone, W: Clone>(
    keys: &BTreeSet<i32>,
    left: impl Fn(i32) -> Vec<V>,
    right: impl Fn(i32) -> Vec<W>,
) -> Vec<(i32, (V, W))> {
    let mut rows = Vec::new();
    for &key in keys {
        for v in left(key) {
            rows.extend(right(key).into_iter().map(|w| (key, (v.clone(), w))));
        }
    }
    rows
}

fn joins(l: &Rdd<(i32, u32)>, r: &Rdd<(i32, String)>, left: &Left, right: &Right) -> Vec<Case> {
    let (of_l, of_r) = (grouped(left), grouped(right));
    let keys: BTreeSet<i32> = of_l.keys().chain(of_r.keys()).copied().collect();
    let here = |k: i32| of_l.get(&k).cloned().unwrap_or_default();
    let there = |k: i32| of_r.get(&k).cloned().unwrap_or_default();
    let cogroups = || keys.iter().map(|k| (*k, (here(*k), there(*k))));
    let three = keys.iter().map(|k| (*k, (here(*k), there(*k), here(*k))));
    let four = keys.iter().map(|k| (*k, (here(*k), there(*k), here(*k), there(*k))));
    let placed = l.partition_by(5);
    let only_l = || left.iter().filter(|(k, _)| !of_r.contains_key(k)).copied();
    vec![
        case("cogroup", l.cogroup(r), cogroups()),
        case("cogroup, one side in place", placed.cogroup(r), cogroups()),
        case("groupWith", l.group_with(r), cogroups()),
        case("cogroup of three", l.cogroup3(r, l), three.clone()),
        case("groupWith of three", placed.group_with3(r, l), three),
        case("cogroup of four", l.cogroup4(r, &placed, r), four.clone()),
        case("groupWith of four", l.group_with4(r, l, r), four),
        case("join", l.join(r), joined(&keys, here, there)),
        case("join in 3", placed.join_with(r, 3), joined(&keys, here, there)),
        case("leftOuterJoin", l.left_outer_join(r), joined(&keys, here, |k| or_none(of_r.get(&k)))),
        case("rightOuterJoin", l.right_outer_join(r), joined(&keys, |k| or_none(of_l.get(&k)), there)),
        case(
            "fullOuterJoin",
            l.full_outer_join(r),
            joined(&keys, |k| or_none(of_l.get(&k)), |k| or_none(of_r.get(&k))),
        ),
        case("subtractByKey", l.subtract_by_key(r), only_l()),
        case("subtractByKey in place", placed.subtract_by_key(r), only_l()),
    ]
}

fn sets(l: &Rdd<(i32, u32)>, r: &Rdd<(i32, String)>, left: &Left, right: &Right) -> Vec<Case> {
    let (lk, rk) = (l.map(|(k, _)| k), r.map(|(k, _)| k));
    let there: BTreeSet<i32> = right.iter().map(|(k, _)| *k).collect();
    let both: BTreeSet<i32> = left.iter().map(|(k, _)| *k).filter(|k| there.contains(k)).collect();
    let doubled = || left.iter().chain(left).copied();
    let placed = l.partition_by(4);
    vec![
        case("subtract", lk.subtract(&rk), left.iter().map(|(k, _)| *k).filter(|k| !there.contains(k))),
        case("intersection", lk.intersection(&rk), both.clone()),
        case("intersection in 2", lk.intersection_with(&rk, 2), both),
        case("union", l.union(l), doubled()),
        case("union, partitioner aware", placed.union(&placed.filter(|_| true)), doubled()),
        case(
            "reduceByKey over it",
            placed.union(&placed).reduce_by_key(|a, b| a + b),
            sums(&grouped(&doubled().collect::<Vec<_>>())),
        ),
    ]
}

fn sorting(l: &Rdd<(i32, u32)>, left: &Left) -> Result<Vec<Case>> {
    let mut up = left.clone();
    up.sort_by_key(|(key, _)| *key);
    let mut down = left.clone();
    down.sort_by_key(|(key, _)| std::cmp::Reverse(*key));
    let mut by_value = left.clone();
    by_value.sort_by_key(|(_, value)| std::cmp::Reverse(*value));
    let float = |record: &(i32, u32)| FloatKey(f64::from(record.0) / 3.0);
    let range = RangePartitioner::sample(l, 3, SortOrder::Ascending)?;
    let within = l.repartition_and_sort_within_partitions(range.clone());
    let sorted = l.sort_by_key(SortOrder::Ascending)?;
    Ok(vec![
        in_order("sortByKey", sorted.clone(), up.clone()),
        in_order("sortByKey, descending", l.sort_by_key(SortOrder::Descending)?, down.clone()),
        in_order("sortByKey in 9", l.sort_by_key_in(9, SortOrder::Ascending)?, up.clone()),
        in_order("sortByKey in 1", l.sort_by_key_in(1, SortOrder::Descending)?, down),
        in_order("sortBy", l.sort_by(|(_, value)| *value, SortOrder::Descending)?, by_value),
        in_order("sortBy a float", l.sort_by_in(4, float, SortOrder::Ascending)?, up.clone()),
        in_order("repartitionAndSortWithinPartitions", within, up.clone()),
        in_order(
            "repartitionAndSortWithinPartitions in place",
            l.partition_by(range.clone()).repartition_and_sort_within_partitions(range),
            up,
        ),
        // A range partitioner is as good as any other.
        case("reduceByKey by range", sorted.reduce_by_key(|a, b| a + b), sums(&grouped(left))),
    ])
}

fn cases(sc: &SparkContext, seed: u64) -> Result<Vec<Case>> {
    let (left, right) = records(seed);
    let l = sc.parallelize(left.clone(), 6);
    let r = sc.parallelize(right.clone(), 3);
    let mut cases = aggregations(&l, &left);
    cases.extend(joins(&l, &r, &left, &right));
    cases.extend(sets(&l, &r, &left, &right));
    cases.extend(sorting(&l, &left)?);
    Ok(cases)
}

/// Without it an operation would give other records than its definition says, or lose or double some when
/// its map outputs die with an executor. Values of a key arrive in map order, which the folds have too.
#[test]
fn operations_by_key_are_folds() {
    for &loop_ in Loop::ALL {
        for seed in 1..=2 {
            let faults = ["kill:executor=1@batch=2", "restart:executor=1@batch=3", "kill:executor=2@batch=3"];
            let (result, _) = run(loop_, settings(3, &faults), move |sc| {
                let cases = cases(sc, seed)?;
                in_batches(sc, move |batch| {
                    for case in &cases {
                        let computed = (case.computed)()?;
                        assert_eq!(computed, case.expect, "{} in batch {batch}, seed {seed}", case.name);
                    }
                    Ok(())
                })
            });
            result.unwrap_or_else(|error| panic!("{loop_:?}: {error}"));
        }
    }
}

/// L18. Without it keys whose hash is negative would have no partition.
#[test]
fn l18_negative_hash_codes() {
    for &loop_ in Loop::ALL {
        let (result, _) = run(loop_, settings(0, &[]), |sc| {
            let keys: Vec<i32> = (-200..=200).step_by(40).chain([i32::MIN, i32::MAX]).collect();
            let groups = sc.parallelize(keys.iter().map(|k| (*k, 1u32)).collect(), 3).group_by_key_in(8000);
            let mut found: Vec<i32> = groups.collect()?.into_iter().map(|(key, _)| key).collect();
            let mut expect = keys;
            found.sort_unstable();
            expect.sort_unstable();
            Ok((found, expect, groups.num_partitions()))
        });
        let (found, expect, partitions) = result.expect("every key has a partition");
        assert_eq!(found, expect, "{loop_:?}");
        assert_eq!(partitions, 8000);
    }
}

/// Without it a partitioner of the user's own that is wrong would lose records, or take the executor down.
#[test]
fn a_partitioner_that_is_wrong_fails_the_job() {
    for &loop_ in Loop::ALL {
        let config = EngineConfig { task_max_failures: 1, ..settings(0, &[]) };
        let (result, _) = run(loop_, config, |sc| {
            let wrong = Partitioner::custom("wrong", 2, |key: &u32| *key);
            let pairs = sc.parallelize((0..4u32).map(|v| (v, v)).collect(), 1);
            Ok(pairs.partition_by(wrong).count().expect_err("2 is not a partition").to_string())
        });
        let text = result.expect("the program goes on");
        let words = "the partitioner wrong puts the key 2 into partition 2; it has the partitions 0 to 1";
        assert!(text.contains(words), "{loop_:?}: {text}");
    }
}

/// How much text was copied so far.
static COPIED: AtomicU64 = AtomicU64::new(0);

/// A text that counts what copies of it cost.
#[derive(Debug, Serialize, Deserialize)]
struct Copied(String);

impl Clone for Copied {
    fn clone(&self) -> Self {
        COPIED.fetch_add(self.0.len() as u64, Ordering::Relaxed);
        Self(self.0.clone())
    }
}

/// Without it what a key has gathered would be copied for each of its records: gathering a long text would
/// cost its square.
#[test]
fn what_is_gathered_is_not_copied() {
    const LETTERS: u64 = 20_000;
    let (result, _) = run(Loop::Sim, settings(0, &[]), |sc| {
        let letters = sc.parallelize((0..LETTERS).collect(), 3).map(|n| (n % 2, Copied("x".into())));
        let join = |a: Copied, b: Copied| Copied(a.0 + &b.0);
        let by_key = letters.reduce_by_key(join).collect()?;
        let folded = letters.fold_by_key(Copied(String::new()), join).collect()?;
        Ok(by_key.into_iter().chain(folded).map(|(_, text)| text.0.len() as u64).sum::<u64>())
    });
    assert_eq!(result, Ok(2 * LETTERS));
    let copied = COPIED.load(Ordering::Relaxed);
    assert!(copied < 20 * LETTERS, "{copied} letters were copied to gather {LETTERS} of them twice");
}
