//! What each operator of a random streaming program makes of plain vectors, batch after batch.

use super::operators::{both, none_or, of_values};
use super::pipeline::{Batches, Operator, Step};
use super::{Pair, VALUES};
use std::collections::{BTreeMap, BTreeSet};

type Groups = BTreeMap<u32, Vec<u64>>;

fn groups(pairs: &[Pair]) -> Groups {
    let mut groups = Groups::new();
    pairs.iter().for_each(|(k, v)| groups.entry(*k).or_default().push(*v));
    groups
}

fn sums(pairs: &[Pair]) -> Vec<Pair> {
    groups(pairs).into_iter().map(|(k, values)| (k, values.iter().sum())).collect()
}

fn counts(pairs: &[Pair]) -> BTreeMap<Pair, u64> {
    let mut counts = BTreeMap::new();
    pairs.iter().for_each(|pair| *counts.entry(*pair).or_default() += 1);
    counts
}

fn counted(pairs: &[Pair]) -> Vec<Pair> {
    counts(pairs).into_iter().map(|((k, v), count)| (k, v + count)).collect()
}

fn digests(pairs: &[Pair]) -> Vec<Pair> {
    groups(pairs).into_iter().map(|(k, values)| (k, 1 + of_values(&values))).collect()
}

impl Step {
    /// The records of each batch, sorted.
    pub fn model(&self, left: &Batches, right: &Batches) -> Batches {
        let mut state: BTreeMap<u32, u64> = BTreeMap::new();
        let mut batches: Batches = Vec::new();
        for n in 0..left.len() {
            let first = (n + 1).saturating_sub(self.window as usize);
            let window = left[first..=n].concat();
            let had_any = left[..=n].iter().any(|batch| !batch.is_empty());
            let mut records = match self.operator {
                Operator::UpdateState | Operator::MapWithState | Operator::StateSnapshots => {
                    let new = sums(&left[n]);
                    new.iter().for_each(|(k, v)| *state.entry(*k).or_default() += v);
                    match self.operator {
                        Operator::MapWithState => new.iter().map(|(k, _)| (*k, state[k])).collect(),
                        _ => state.clone().into_iter().collect(),
                    }
                }
                Operator::UpdateStateAndForget => {
                    let new = sums(&left[n]);
                    state = new.into_iter().map(|(k, v)| (k, v + state.get(&k).copied().unwrap_or(0))).collect();
                    state.clone().into_iter().collect()
                }
                Operator::Window => window,
                Operator::ReduceByKeyAndWindow | Operator::ReduceByKeyAndWindowInverse => sums(&window),
                Operator::GroupByKeyAndWindow => digests(&window),
                // A window without records has none, until there was one.
                Operator::CountByWindow if had_any => vec![(0, window.len() as u64 + 1)],
                Operator::CountByWindow => Vec::new(),
                Operator::CountByValueAndWindow => counted(&window),
                Operator::ReduceByWindow => {
                    let least = window.iter().map(|(k, _)| *k).min();
                    least.map(|k| (k, window.iter().map(|(_, v)| v).sum())).into_iter().collect()
                }
                _ => self.of_batch(&left[n], &right[n]),
            };
            records.sort_unstable();
            batches.push(records);
        }
        batches
    }

    /// Operators that look at one batch only.
    fn of_batch(&self, left: &[Pair], right: &[Pair]) -> Vec<Pair> {
        let each = |f: &dyn Fn(Pair) -> Pair| left.iter().copied().map(f).collect::<Vec<_>>();
        let (vs, ws) = (groups(left), groups(right));
        let others = |k: &u32| ws.get(k).cloned().unwrap_or_default();
        match self.operator {
            Operator::Map => each(&|(k, v)| ((k * 5 + 1) % 11, v % VALUES + 1)),
            Operator::Filter => left.iter().copied().filter(|(k, v)| (u64::from(*k) + v) % 4 != 0).collect(),
            Operator::FlatMap => {
                let twice = |&(k, v): &Pair| if v % 2 == 1 { vec![(k, v), (k + 1, v)] } else { vec![(k, v)] };
                left.iter().flat_map(twice).collect()
            }
            Operator::MapPartitions => each(&|(k, v)| (k, v + 2)),
            Operator::ReduceByKey => sums(left),
            Operator::GroupByKey => digests(left),
            Operator::CountByValue => counted(left),
            Operator::Count => vec![(0, left.len() as u64 + 1)],
            Operator::Union => [left, right].concat(),
            Operator::Join => {
                left.iter().flat_map(|&(k, v)| others(&k).into_iter().map(move |w| (k, 1 + both(v, w)))).collect()
            }
            Operator::LeftOuterJoin => {
                let or_none = |k: u32| match others(&k) {
                    ws if ws.is_empty() => vec![None],
                    ws => ws.into_iter().map(Some).collect(),
                };
                left.iter()
                    .flat_map(|&(k, v)| or_none(k).into_iter().map(move |w| (k, 1 + both(v, none_or(w)))))
                    .collect()
            }
            Operator::Cogroup => {
                let keys: BTreeSet<u32> = vs.keys().chain(ws.keys()).copied().collect();
                let of = |k: &u32| vs.get(k).cloned().unwrap_or_default();
                keys.into_iter().map(|k| (k, 1 + both(of_values(&of(&k)), of_values(&others(&k))))).collect()
            }
            Operator::Transform => left.iter().copied().collect::<BTreeSet<_>>().into_iter().collect(),
            Operator::TransformWith => left.iter().copied().filter(|(k, _)| !ws.contains_key(k)).collect(),
            // Repartitioned; what reaches back is not asked here.
            _ => left.to_vec(),
        }
    }
}
