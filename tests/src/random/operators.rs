//! Operators of random lineages, as RDDs.

use super::{Pair, VALUES};
use faultline_engine::error::Result;
use faultline_engine::rdd::{Rdd, Replacement, SortOrder, SparkContext};

/// What one step does with the results of earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Map,
    Filter,
    FlatMap,
    MapValues,
    FlatMapValues,
    MapPartitions,
    Glom,
    Union,
    UnionOfThree,
    UnionOfPartitioned,
    PartitionBy,
    Coalesce,
    CoalesceWithShuffle,
    Repartition,
    RepartitionAndSort,
    ZipWithIndex,
    ZipWithUniqueId,
    Zip,
    ZipPartitions,
    Cartesian,
    ReduceByKey,
    FoldByKey,
    AggregateByKey,
    CombineByKey,
    GroupByKey,
    Distinct,
    SortByKey,
    SortByKeyDown,
    SortBy,
    Join,
    LeftOuterJoin,
    RightOuterJoin,
    FullOuterJoin,
    Cogroup,
    Cogroup3,
    SubtractByKey,
    Subtract,
    Intersection,
    SampleAndRest,
    RandomSplit,
}

impl Operator {
    /// All of them, with the names that faults are planned for.
    pub const NAMED: [(Self, &'static str); 40] = [
        (Self::Map, "map"),
        (Self::Filter, "filter"),
        (Self::FlatMap, "flatMap"),
        (Self::MapValues, "mapValues"),
        (Self::FlatMapValues, "flatMapValues"),
        (Self::MapPartitions, "mapPartitions"),
        (Self::Glom, "flatMap"),
        (Self::Union, "union"),
        (Self::UnionOfThree, "union"),
        (Self::UnionOfPartitioned, "union"),
        (Self::PartitionBy, "partitionBy"),
        (Self::Coalesce, "coalesce"),
        (Self::CoalesceWithShuffle, "coalesce"),
        (Self::Repartition, "repartition"),
        (Self::RepartitionAndSort, "repartitionAndSortWithinPartitions"),
        (Self::ZipWithIndex, "map"),
        (Self::ZipWithUniqueId, "map"),
        (Self::Zip, "map"),
        (Self::ZipPartitions, "zipPartitions"),
        (Self::Cartesian, "map"),
        (Self::ReduceByKey, "reduceByKey"),
        (Self::FoldByKey, "foldByKey"),
        (Self::AggregateByKey, "mapValues"),
        (Self::CombineByKey, "mapValues"),
        (Self::GroupByKey, "mapValues"),
        (Self::Distinct, "distinct"),
        (Self::SortByKey, "map"),
        (Self::SortByKeyDown, "map"),
        (Self::SortBy, "map"),
        (Self::Join, "mapValues"),
        (Self::LeftOuterJoin, "mapValues"),
        (Self::RightOuterJoin, "mapValues"),
        (Self::FullOuterJoin, "mapValues"),
        (Self::Cogroup, "mapValues"),
        (Self::Cogroup3, "mapValues"),
        (Self::SubtractByKey, "subtractByKey"),
        (Self::Subtract, "subtract"),
        (Self::Intersection, "intersection"),
        (Self::SampleAndRest, "union"),
        (Self::RandomSplit, "union"),
    ];
}

/// One step of a program: an operator with the steps that it reads.
#[derive(Clone, Debug)]
pub struct Step {
    pub operator: Operator,
    pub left: usize,
    pub right: usize,
    /// Of the result, where the operator lets one choose.
    pub partitions: u32,
    pub salt: u64,
}

/// Names a record by which values met.
pub(super) const fn both(left: u64, right: u64) -> u64 {
    (left * 1009 + right * 31 + 7) % VALUES
}

/// Names a record by values, whatever their order.
pub(super) fn of_values(values: &[u64]) -> u64 {
    values.iter().fold(values.len() as u64, |all, value| (all + value * 17 + 1) % VALUES)
}

pub(super) const fn none_or(value: Option<u64>) -> u64 {
    match value {
        Some(value) => value + 1,
        None => 0,
    }
}

/// Largest number of partitions that operators which multiply them leave.
const MANY: u32 = 12;

impl Step {
    /// The RDD of this step.
    pub fn build(&self, sc: &SparkContext, left: &Rdd<Pair>, right: &Rdd<Pair>) -> Result<Rdd<Pair>> {
        let (n, salt) = (self.partitions, self.salt);
        Ok(match self.operator {
            Operator::Map => left.map(move |(k, v)| ((k + salt as u32) % 23, (v + salt) % VALUES)),
            Operator::Filter => left.filter(move |(_, v)| v % 5 != salt % 5),
            Operator::FlatMap => left.flat_map(|(k, v)| (0..=v % 2).map(move |i| (k + i as u32, v / (i + 1)))),
            Operator::MapValues => left.map_values(move |v| (v * 3 + salt) % VALUES),
            Operator::FlatMapValues => left.flat_map_values(|v| (0..v % 3).map(move |i| (v + i) % VALUES)),
            Operator::MapPartitions => {
                left.map_partitions(move |values| values.map(move |(k, v)| (k, v ^ (salt % 64))))
            }
            Operator::Glom => left.glom().flat_map(|values| values),
            Operator::Union => fewer(left.union(right))?,
            Operator::UnionOfThree => fewer(sc.union(&[left.clone(), right.clone(), left.clone()]))?,
            Operator::UnionOfPartitioned => left.partition_by(n).union(&right.partition_by(n)),
            Operator::PartitionBy => left.partition_by(n),
            Operator::Coalesce => left.coalesce(n)?,
            Operator::CoalesceWithShuffle => left.coalesce_with_shuffle(n)?,
            Operator::Repartition => left.repartition(n)?,
            Operator::RepartitionAndSort => left.repartition_and_sort_within_partitions(n),
            Operator::ZipWithIndex => left.zip_with_index()?.map(|(_, i)| (i as u32 % 7, i)),
            Operator::ZipWithUniqueId => left.zip_with_unique_id().map(|(pair, _)| pair),
            Operator::Zip => left.zip(&left.map_values(|v| v + 1))?.map(|((k, v), (_, w))| (k, both(v, w))),
            Operator::ZipPartitions => {
                left.zip_partitions(&left.map(|(k, v)| (k + 1, v)), |one, two| one.chain(two))?
            }
            Operator::Cartesian => {
                let few = sc.parallelize(vec![1u64, 2], 2);
                fewer(left.cartesian(&few).map(|((k, v), x)| (k, both(v, x))))?
            }
            _ => self.keyed(left, right)?,
        })
    }

    /// Operators that bring keys or equal records together.
    fn keyed(&self, left: &Rdd<Pair>, right: &Rdd<Pair>) -> Result<Rdd<Pair>> {
        let (n, salt) = (self.partitions, self.salt);
        let sum = |a, b| (a + b) % VALUES;
        Ok(match self.operator {
            Operator::FoldByKey => left.fold_by_key_in(n, 0, sum),
            Operator::AggregateByKey => left
                .aggregate_by_key_in(
                    n,
                    (0, 0),
                    |(m, s), v| (*m, *s) = (*m + 1, *s + v),
                    |(m, s), (o, t)| (*m, *s) = (*m + o, *s + t),
                )
                .map_values(|(count, sum)| both(count, sum % VALUES)),
            Operator::CombineByKey => left
                .combine_by_key_in(
                    n,
                    |v| (v, v),
                    |(a, b), v| (*a, *b) = ((*a).min(v), (*b).max(v)),
                    |(a, b), (c, d)| (*a, *b) = ((*a).min(c), (*b).max(d)),
                )
                .map_values(|(least, most)| both(least, most)),
            Operator::GroupByKey => left.group_by_key_in(n).map_values(|values| of_values(&values)),
            Operator::Distinct => left.distinct_in(n),
            Operator::SortByKey => {
                left.sort_by_key_in(n, SortOrder::Ascending)?.zip_with_index()?.map(|((k, _), i)| (k, i))
            }
            Operator::SortByKeyDown => {
                left.sort_by_key_in(n, SortOrder::Descending)?.zip_with_index()?.map(|((k, _), i)| (k, i))
            }
            Operator::SortBy => {
                let sorted = left.sort_by_in(n, |(_, v)| *v, SortOrder::Ascending)?;
                sorted.zip_with_index()?.map(|((_, v), i)| (v as u32 % 19, i))
            }
            Operator::Join => left.join(right).map_values(|(v, w)| both(v, w)),
            Operator::LeftOuterJoin => left.left_outer_join(right).map_values(|(v, w)| both(v, none_or(w))),
            Operator::RightOuterJoin => left.right_outer_join(right).map_values(|(v, w)| both(none_or(v), w)),
            Operator::FullOuterJoin => {
                left.full_outer_join_with(right, n).map_values(|(v, w)| both(none_or(v), none_or(w)))
            }
            Operator::Cogroup => {
                left.cogroup_with(right, n).map_values(|(vs, ws)| both(of_values(&vs), of_values(&ws)))
            }
            Operator::Cogroup3 => left
                .cogroup3_with(right, left, n)
                .map_values(|(vs, ws, xs)| both(both(of_values(&vs), of_values(&ws)), of_values(&xs))),
            Operator::SubtractByKey => left.subtract_by_key(right),
            Operator::Subtract => left.subtract(right),
            Operator::Intersection => left.intersection(right),
            Operator::SampleAndRest => {
                let all = left.distinct_in(n);
                let some = all.sample(Replacement::Without, 0.4, salt)?;
                some.union(&all.subtract(&some))
            }
            Operator::RandomSplit => {
                let parts = left.random_split(&[1.0, 2.0], salt)?;
                fewer(left.context().union(&parts))?
            }
            // What is not listed is an operator of `build`.
            _ => left.reduce_by_key_in(n, sum),
        })
    }
}

/// The same records in partitions that are not too many.
fn fewer(rdd: Rdd<Pair>) -> Result<Rdd<Pair>> {
    if rdd.num_partitions() > MANY { rdd.coalesce(MANY / 2) } else { Ok(rdd) }
}
