//! A random program over RDDs: a lineage that is made once, and batches that run actions on parts of it,
//! while what is kept changes.

use super::operators::{Operator, Step};
use super::{Pair, again};
use crate::plans;
use faultline_engine::error::Result;
use faultline_engine::event::StorageLevel;
use faultline_engine::rdd::{Rdd, SparkContext};
use faultline_engine::rng::Rng;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Largest result of one step, in records.
const RECORDS: usize = 400;

/// Whether blocks may get lost: only when they may not are local checkpoints safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Losses {
    Possible,
    Impossible,
}

/// Everything random about a program.
#[derive(Clone, Debug)]
pub struct Program {
    source: Vec<Pair>,
    partitions: u32,
    steps: Vec<Step>,
    /// For the result of each step, and first for the source, how it is kept from the beginning.
    kept: Vec<Keeping>,
    /// What each batch does.
    batches: Vec<Vec<Deed>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keeping {
    Not,
    Persisted(StorageLevel),
    Checkpointed,
    PersistedAndCheckpointed(StorageLevel),
    LocallyCheckpointed,
}

/// What a batch does with the result of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Collect(usize),
    Count(usize),
    Sum(usize),
    TreeSum(usize),
    Greatest(usize),
    Take(usize),
    CountByKey(usize),
    Lookup(usize),
    Persist(usize, StorageLevel),
    Unpersist(usize),
}

/// What a deed gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// All records, sorted.
    Records(Vec<Pair>),
    /// A number of them.
    Number(u64),
    /// Nothing is asked.
    Nothing,
}

fn level(rng: &mut Rng) -> StorageLevel {
    Some(plans::level(rng)).filter(|level| level.is_valid()).unwrap_or(StorageLevel::MEMORY_ONLY)
}

impl Program {
    /// The program of a seed.
    pub fn of(seed: u64, batches: u32, losses: Losses) -> Self {
        let mut rng = plans::rng(seed, "program");
        let source: Vec<Pair> = (0..rng.below(60)).map(|_| (rng.below(13) as u32, rng.below(500))).collect();
        let partitions = 1 + rng.below(5) as u32;
        let mut records = vec![source.clone()];
        let mut steps = Vec::new();
        let wanted = 2 + rng.below(6) as usize;
        while steps.len() < wanted {
            let (operator, _) = Operator::NAMED[rng.below(Operator::NAMED.len() as u64) as usize];
            // Mostly a chain, with some that go back.
            let last = steps.len();
            let left = if rng.below(4) == 0 { rng.below(last as u64 + 1) as usize } else { last };
            let right = rng.below(last as u64 + 1) as usize;
            let step = Step { operator, left, right, partitions: 1 + rng.below(5) as u32, salt: rng.below(1000) };
            let result = step.model(&records[left], &records[right]);
            if result.len() <= RECORDS {
                records.push(result);
                steps.push(step);
            }
        }
        let kept = (0..=wanted).map(|_| Keeping::any(&mut rng, losses)).collect();
        let batches = (0..batches).map(|_| (0..1 + rng.below(3)).map(|_| Deed::any(&mut rng, wanted)).collect());
        Self { source, partitions, steps, batches: batches.collect(), kept }
    }

    /// Operators of the program, to plan faults for.
    pub fn operators(&self) -> Vec<&'static str> {
        let names = self.steps.iter().filter_map(|step| Operator::NAMED.iter().find(|(op, _)| *op == step.operator));
        names.map(|(_, name)| *name).chain(["parallelize"]).collect()
    }

    /// The lineage, kept as it says: one RDD for the source and one for each step.
    ///
    /// # Errors
    /// Those of jobs that operators run when they are made.
    pub fn build(&self, sc: &SparkContext) -> Result<Vec<Rdd<Pair>>> {
        sc.set_checkpoint_dir("checkpoints");
        let source = sc.parallelize(self.source.clone(), self.partitions);
        self.kept[0].apply(&source)?;
        let mut rdds = vec![source];
        for (step, keeping) in self.steps.iter().zip(&self.kept[1..]) {
            let next = again(|| step.build(sc, &rdds[step.left], &rdds[step.right]))?;
            keeping.apply(&next)?;
            rdds.push(next);
        }
        Ok(rdds)
    }

    /// What the deeds of each batch give according to the model.
    pub fn model(&self) -> Vec<Vec<Given>> {
        let mut records = vec![self.source.clone()];
        records[0].sort_unstable();
        for step in &self.steps {
            let next = step.model(&records[step.left], &records[step.right]);
            records.push(next);
        }
        self.batches.iter().map(|deeds| deeds.iter().map(|deed| deed.model(&records)).collect()).collect()
    }

    /// What the deeds of each batch give.
    ///
    /// # Errors
    /// That of the first deed that fails.
    pub fn run(&self, sc: &SparkContext) -> Result<Vec<Vec<Given>>> {
        let rdds = self.build(sc)?;
        // Batches may overtake each other.
        let given = Arc::new(Mutex::new(BTreeMap::new()));
        let (inside, batches) = (Arc::clone(&given), self.batches.clone());
        crate::in_batches(sc, move |batch| {
            let deeds = &batches[batch as usize - 1];
            let done: Result<Vec<Given>> = deeds.iter().map(|deed| again(|| deed.run(&rdds))).collect();
            inside.lock().unwrap_or_else(PoisonError::into_inner).insert(batch, done?);
            Ok(())
        })?;
        Ok(std::mem::take(&mut *given.lock().unwrap_or_else(PoisonError::into_inner)).into_values().collect())
    }
}

fn add(sum: &mut u64, (key, value): Pair) {
    *sum += u64::from(key) + value;
}

impl Keeping {
    fn any(rng: &mut Rng, losses: Losses) -> Self {
        match rng.below(10) {
            0..=2 => Self::Persisted(level(rng)),
            3 => Self::Checkpointed,
            4 => Self::PersistedAndCheckpointed(level(rng)),
            5 if losses == Losses::Impossible => Self::LocallyCheckpointed,
            _ => Self::Not,
        }
    }

    fn apply(self, rdd: &Rdd<Pair>) -> Result<()> {
        if let Self::Persisted(level) | Self::PersistedAndCheckpointed(level) = self {
            // A step that changes nothing hands on the RDD that it was given, which has a level already.
            if !rdd.info().level.is_valid() {
                rdd.persist(level)?;
            }
        }
        match self {
            Self::Checkpointed | Self::PersistedAndCheckpointed(_) => rdd.checkpoint(),
            Self::LocallyCheckpointed => {
                rdd.local_checkpoint();
                Ok(())
            }
            Self::Not | Self::Persisted(_) => Ok(()),
        }
    }
}

impl Deed {
    fn any(rng: &mut Rng, last: usize) -> Self {
        let of = if rng.below(2) == 0 { last } else { rng.below(last as u64 + 1) as usize };
        match rng.below(12) {
            0 => Self::Count(of),
            1 => Self::Sum(of),
            2 => Self::TreeSum(of),
            3 => Self::Greatest(of),
            4 => Self::Take(of),
            5 => Self::CountByKey(of),
            6 => Self::Lookup(of),
            7 => Self::Persist(of, level(rng)),
            8 => Self::Unpersist(of),
            _ => Self::Collect(of),
        }
    }

    fn run(self, rdds: &[Rdd<Pair>]) -> Result<Given> {
        Ok(match self {
            Self::Collect(of) => {
                let mut records = rdds[of].collect()?;
                records.sort_unstable();
                Given::Records(records)
            }
            Self::Count(of) => Given::Number(rdds[of].count()?),
            Self::Sum(of) => Given::Number(rdds[of].aggregate(0, add, |sum, more| *sum += more)?),
            Self::TreeSum(of) => Given::Number(rdds[of].tree_aggregate(0, add, |sum, more| *sum += more, 2)?),
            Self::Greatest(of) => Given::Records(rdds[of].top(5)?),
            Self::Take(of) => Given::Number(rdds[of].take(7)?.len() as u64),
            Self::CountByKey(of) => {
                let mut counts: Vec<Pair> = rdds[of].count_by_key()?.into_iter().collect();
                counts.sort_unstable();
                Given::Records(counts)
            }
            Self::Lookup(of) => {
                let mut values: Vec<Pair> = rdds[of].lookup(3)?.into_iter().map(|v| (3, v)).collect();
                values.sort_unstable();
                Given::Records(values)
            }
            Self::Persist(of, level) => {
                // Refused for an RDD that has a level, which changes nothing.
                drop(rdds[of].persist(level));
                Given::Nothing
            }
            Self::Unpersist(of) => {
                // The blocks of a local checkpoint stand in for files.
                if !rdds[of].core().checkpoint_state().is_local() {
                    rdds[of].unpersist();
                }
                Given::Nothing
            }
        })
    }

    fn model(self, records: &[Vec<Pair>]) -> Given {
        let sum = |pairs: &[Pair]| pairs.iter().map(|(k, v)| u64::from(*k) + v).sum();
        match self {
            Self::Collect(of) => Given::Records(records[of].clone()),
            Self::Count(of) => Given::Number(records[of].len() as u64),
            Self::Sum(of) | Self::TreeSum(of) => Given::Number(sum(&records[of])),
            Self::Greatest(of) => Given::Records(records[of].iter().rev().take(5).copied().collect()),
            Self::Take(of) => Given::Number(records[of].len().min(7) as u64),
            Self::CountByKey(of) => {
                let mut counts = BTreeMap::new();
                records[of].iter().for_each(|(k, _)| *counts.entry(*k).or_default() += 1);
                Given::Records(counts.into_iter().collect())
            }
            Self::Lookup(of) => Given::Records(records[of].iter().copied().filter(|(k, _)| *k == 3).collect()),
            Self::Persist(..) | Self::Unpersist(_) => Given::Nothing,
        }
    }
}
