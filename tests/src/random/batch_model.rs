//! What each operator of a random lineage makes of plain vectors.

use super::operators::{Operator, Step, both, none_or, of_values};
use super::{Pair, VALUES};
use std::collections::{BTreeMap, BTreeSet};

type Groups = BTreeMap<u32, Vec<u64>>;

fn groups(pairs: &[Pair]) -> Groups {
    let mut groups = Groups::new();
    pairs.iter().for_each(|(k, v)| groups.entry(*k).or_default().push(*v));
    groups
}

/// One record for each key, made of its values.
fn per_key(pairs: &[Pair], f: impl Fn(&[u64]) -> u64) -> Vec<Pair> {
    groups(pairs).into_iter().map(|(k, values)| (k, f(&values))).collect()
}

fn indexed(keys: impl Iterator<Item = u32>) -> Vec<Pair> {
    keys.zip(0u64..).collect()
}

/// Both sides of each key that `left` or `right` has.
fn together<'a>(left: &'a Groups, right: &'a Groups) -> impl Iterator<Item = (u32, &'a [u64], &'a [u64])> {
    let keys: BTreeSet<u32> = left.keys().chain(right.keys()).copied().collect();
    let of = |side: &'a Groups, key| side.get(&key).map_or(&[][..], Vec::as_slice);
    keys.into_iter().map(move |key| (key, of(left, key), of(right, key)))
}

/// Whether a side without a partner stays.
fn joined(
    left: &[Pair],
    right: &[Pair],
    (all_left, all_right): (bool, bool),
    f: impl Fn(Option<u64>, Option<u64>) -> u64,
) -> Vec<Pair> {
    let (left, right) = (groups(left), groups(right));
    let mut out = Vec::new();
    for (key, vs, ws) in together(&left, &right) {
        let some = |values: &[u64]| values.iter().copied().map(Some).collect::<Vec<_>>();
        let (vs, ws) = match (vs, ws) {
            (vs, []) if all_left => (some(vs), vec![None]),
            ([], ws) if all_right => (vec![None], some(ws)),
            (vs, ws) => (some(vs), some(ws)),
        };
        out.extend(vs.iter().flat_map(|v| ws.iter().map(|w| (key, f(*v, *w)))));
    }
    out
}

impl Step {
    /// The records of this step, sorted.
    pub fn model(&self, left: &[Pair], right: &[Pair]) -> Vec<Pair> {
        let mut records = self.records(left, right);
        records.sort_unstable();
        records
    }

    fn records(&self, left: &[Pair], right: &[Pair]) -> Vec<Pair> {
        let salt = self.salt;
        let each = |f: &dyn Fn(Pair) -> Pair| left.iter().copied().map(f).collect::<Vec<_>>();
        let distinct = || left.iter().copied().collect::<BTreeSet<_>>();
        match self.operator {
            Operator::Map => each(&|(k, v)| ((k + salt as u32) % 23, (v + salt) % VALUES)),
            Operator::Filter => left.iter().copied().filter(|(_, v)| v % 5 != salt % 5).collect(),
            Operator::FlatMap => {
                let halves = |&(k, v): &Pair| if v % 2 == 1 { vec![(k, v), (k + 1, v / 2)] } else { vec![(k, v)] };
                left.iter().flat_map(halves).collect()
            }
            Operator::MapValues => each(&|(k, v)| (k, (v * 3 + salt) % VALUES)),
            Operator::FlatMapValues => {
                left.iter().flat_map(|&(k, v)| (0..v % 3).map(move |i| (k, (v + i) % VALUES))).collect()
            }
            Operator::MapPartitions => each(&|(k, v)| (k, v ^ (salt % 64))),
            Operator::Union | Operator::UnionOfPartitioned => [left, right].concat(),
            Operator::UnionOfThree => [left, right, left].concat(),
            Operator::Glom
            | Operator::PartitionBy
            | Operator::Coalesce
            | Operator::CoalesceWithShuffle
            | Operator::Repartition
            | Operator::RepartitionAndSort
            | Operator::ZipWithUniqueId
            | Operator::RandomSplit => left.to_vec(),
            Operator::ZipWithIndex => (0..left.len() as u64).map(|i| (i as u32 % 7, i)).collect(),
            Operator::Zip => each(&|(k, v)| (k, both(v, v + 1))),
            Operator::ZipPartitions => [left.to_vec(), each(&|(k, v)| (k + 1, v))].concat(),
            Operator::Cartesian => {
                [1, 2].iter().flat_map(|x| left.iter().map(|(k, v)| (*k, both(*v, *x))).collect::<Vec<_>>()).collect()
            }
            Operator::ReduceByKey | Operator::FoldByKey => per_key(left, |values| values.iter().sum::<u64>() % VALUES),
            Operator::AggregateByKey => {
                per_key(left, |values| both(values.len() as u64, values.iter().sum::<u64>() % VALUES))
            }
            Operator::CombineByKey => {
                let ends = |values: &[u64]| (values.iter().min().copied(), values.iter().max().copied());
                per_key(left, |values| match ends(values) {
                    (Some(least), Some(most)) => both(least, most),
                    _ => 0,
                })
            }
            Operator::GroupByKey => per_key(left, of_values),
            Operator::Distinct | Operator::SampleAndRest => distinct().into_iter().collect(),
            Operator::SortByKey => {
                let mut keys: Vec<u32> = left.iter().map(|(k, _)| *k).collect();
                keys.sort_unstable();
                indexed(keys.into_iter())
            }
            Operator::SortByKeyDown => {
                let mut keys: Vec<u32> = left.iter().map(|(k, _)| *k).collect();
                keys.sort_unstable_by(|a, b| b.cmp(a));
                indexed(keys.into_iter())
            }
            Operator::SortBy => {
                let mut values: Vec<u64> = left.iter().map(|(_, v)| *v).collect();
                values.sort_unstable();
                indexed(values.into_iter().map(|v| v as u32 % 19))
            }
            Operator::Join => joined(left, right, (false, false), |v, w| both(v.unwrap_or(0), w.unwrap_or(0))),
            Operator::LeftOuterJoin => joined(left, right, (true, false), |v, w| both(v.unwrap_or(0), none_or(w))),
            Operator::RightOuterJoin => joined(left, right, (false, true), |v, w| both(none_or(v), w.unwrap_or(0))),
            Operator::FullOuterJoin => joined(left, right, (true, true), |v, w| both(none_or(v), none_or(w))),
            Operator::Cogroup => together(&groups(left), &groups(right))
                .map(|(key, vs, ws)| (key, both(of_values(vs), of_values(ws))))
                .collect(),
            Operator::Cogroup3 => together(&groups(left), &groups(right))
                .map(|(key, vs, ws)| (key, both(both(of_values(vs), of_values(ws)), of_values(vs))))
                .collect(),
            Operator::SubtractByKey => {
                let gone = groups(right);
                left.iter().copied().filter(|(k, _)| !gone.contains_key(k)).collect()
            }
            Operator::Subtract => left.iter().copied().filter(|pair| !right.contains(pair)).collect(),
            Operator::Intersection => distinct().into_iter().filter(|pair| right.contains(pair)).collect(),
        }
    }
}
