//! Random parts of an RDD. What is chosen depends on the seed and the partition, never on the attempt.

use super::Rdd;
use super::chunk::{Chunk, Sink, Stop, TaskError};
use super::narrow::flush;
use super::node::RddNode;
use crate::error::{EngineError, Result};
use crate::ids::PartitionId;
use crate::rng::{Rng, Seed};
use crate::storage::Data;
use crate::task_context::TaskContext;
use std::collections::HashMap;
use std::hash::Hash;
use std::iter::repeat_n;
use std::ops::{ControlFlow, Range};
use std::panic::Location;

/// Whether a record may be drawn more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replacement {
    /// It may.
    With,
    /// At most once.
    Without,
}

/// Means above this are drawn in pieces: the product of a draw would underflow.
const POISSON_PIECE: f64 = 30.0;

/// How often a record is drawn at most, on average: drawing takes a step for each.
const MOST_DRAWS: f64 = 1e9;

/// `spark.util.sampling` rounding: how far a fraction may be off its interval.
const ROUNDING: f64 = 1e-6;

/// How often a record is drawn.
#[derive(Clone, Debug)]
enum Sampler {
    /// Once, when its number in `0.0..1.0` lies here.
    Cell(Range<f64>),
    /// So many times, on average.
    Poisson(f64),
}

/// A draw of the Poisson distribution (Knuth, The Art of Computer Programming 3.4.1).
fn poisson(rng: &mut Rng, mean: f64) -> usize {
    let (mut left, mut drawn) = (mean, 0);
    while left > 0.0 {
        let limit = (-left.min(POISSON_PIECE)).exp();
        let mut product = rng.unit();
        while product > limit {
            product *= rng.unit();
            drawn += 1;
        }
        left -= POISSON_PIECE;
    }
    drawn
}

/// Spark's `PartitionwiseSampledRDD`.
struct Sampled<T: Data> {
    parent: Rdd<T>,
    sampler: Sampler,
    seed: Seed,
}

impl<T: Data> RddNode<T> for Sampled<T> {
    fn compute(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, T>) -> ControlFlow<Stop> {
        let mut rng = self.seed.nth(u64::from(part.0)).rng();
        let mut buffer: Vec<T> = Vec::new();
        self.parent.for_each_chunk(part, ctx, &mut |chunk| {
            match &self.sampler {
                Sampler::Cell(cell) => {
                    let mut drawn = |_: &T| cell.contains(&rng.unit());
                    match chunk {
                        Chunk::Owned(values) => buffer.extend(values.drain(..).filter(&mut drawn)),
                        Chunk::Shared(values) => buffer.extend(values.iter().filter(|v| drawn(v)).cloned()),
                    }
                }
                Sampler::Poisson(mean) => chunk.try_for_each(|value| {
                    let mut left = poisson(&mut rng, *mean);
                    while left > 0 {
                        let some = left.min(ctx.chunk_len().saturating_sub(buffer.len()).max(1));
                        buffer.extend(repeat_n(value.clone(), some));
                        left -= some;
                        if buffer.len() >= ctx.chunk_len() {
                            flush(&mut buffer, sink)?;
                        }
                    }
                    ControlFlow::Continue(())
                })?,
            }
            flush(&mut buffer, sink)
        })
    }
}

fn refused<T>(requirement: String) -> Result<T> {
    Err(EngineError::IllegalArgument(format!("requirement failed: {requirement}")))
}

/// Numbers as Scala's `mkString("[", ",", "]")` writes them.
fn list(weights: &[f64]) -> String {
    let texts: Vec<String> = weights.iter().map(|w| format!("{w:?}")).collect();
    format!("[{}]", texts.join(","))
}

impl<T: Data> Rdd<T> {
    fn sampled(&self, class: &str, sampler: Sampler, seed: u64) -> Self {
        let info = self.info();
        let node = Sampled { parent: self.clone(), sampler, seed: Seed(seed).fork("sample") };
        self.one_to_one(class, info.partitioner, info.determinism.order_sensitive(), node)
    }

    /// A random part of about `fraction` of the records; with replacement, each is drawn `fraction` times on
    /// average. Keeps the partitioner.
    ///
    /// # Errors
    /// When the fraction is negative, or above 1 without replacement; with it, above a thousand million.
    #[track_caller]
    pub fn sample(&self, replacement: Replacement, fraction: f64, seed: u64) -> Result<Self> {
        let _scope = self.context().open("sample", Location::caller());
        if fraction.is_nan() || fraction < 0.0 {
            return refused(format!("Fraction must be nonnegative, but got {fraction:?}"));
        }
        let sampler = match replacement {
            Replacement::With if fraction > MOST_DRAWS => {
                return refused(format!("Fraction must be at most {MOST_DRAWS:?}, but got {fraction:?}"));
            }
            Replacement::With => Sampler::Poisson(fraction),
            Replacement::Without if fraction > 1.0 + ROUNDING => {
                return refused(format!("Sampling fraction ({fraction:?}) must be on interval [0, 1]"));
            }
            Replacement::Without => Sampler::Cell(0.0..fraction),
        };
        Ok(self.sampled("PartitionwiseSampledRDD", sampler, seed))
    }

    /// The records parted at random, in proportion to `weights`: each record is in exactly one part.
    ///
    /// # Errors
    /// When a weight is negative, none is positive, or their sum is too large for a number.
    #[track_caller]
    pub fn random_split(&self, weights: &[f64], seed: u64) -> Result<Vec<Self>> {
        let _scope = self.context().open("randomSplit", Location::caller());
        let sum: f64 = weights.iter().sum();
        if !weights.iter().all(|w| *w >= 0.0) {
            return refused(format!("Weights must be nonnegative, but got {}", list(weights)));
        }
        if !sum.is_finite() {
            return refused(format!("Sum of weights must be finite, but got {}", list(weights)));
        }
        if sum <= 0.0 {
            return refused(format!("Sum of weights must be positive, but got {}", list(weights)));
        }
        let mut from = 0.0;
        let parts = weights.iter().enumerate().map(|(i, weight)| {
            // The last bound is 1 whatever the rounding, or a record could be in no part.
            let to = if i + 1 == weights.len() { 1.0 } else { from + weight / sum };
            let cell = std::mem::replace(&mut from, to)..to;
            self.sampled("MapPartitionsRDD", Sampler::Cell(cell), seed)
        });
        Ok(parts.collect())
    }

    /// `num` records drawn at random, fewer only when there are fewer and none is drawn twice. Runs a job
    /// that counts, and one or more that draw; when all are asked for and none may be drawn twice, one that
    /// collects.
    ///
    /// # Errors
    /// When a job fails.
    #[track_caller]
    pub fn take_sample(&self, replacement: Replacement, num: usize, seed: u64) -> Result<Vec<T>> {
        let at = Location::caller();
        let total = match num {
            0 => 0,
            _ => self.run_job("takeSample", at, self.all_partitions(), Self::count_partition)?.into_iter().sum::<u64>(),
        };
        if total == 0 {
            return Ok(Vec::new());
        }
        let mut rng = Seed(seed).fork("takeSample").rng();
        if replacement == Replacement::Without && num as u64 >= total {
            let parts = self.run_job("takeSample", at, self.all_partitions(), Self::collect_partition)?;
            let mut all: Vec<T> = parts.into_iter().flatten().collect();
            shuffle(&mut all, &mut rng);
            return Ok(all);
        }
        let fraction = enough_for(num as f64, total as f64, replacement);
        let mut drawn = Vec::new();
        // The bound leaves one draw in ten thousand short.
        while drawn.len() < num {
            let scope = self.context().open("takeSample", at);
            let sample = self.sample(replacement, fraction, rng.next_u64())?;
            drop(scope);
            let parts = sample.run_job("takeSample", at, sample.all_partitions(), Self::return_partition)?;
            drawn = parts.into_iter().flatten().collect();
        }
        rng.shuffle(&mut drawn);
        drawn.truncate(num);
        Ok(drawn)
    }
}

/// As [`Sampled`], with a fraction for each key.
struct SampledByKey<K: Data, V: Data> {
    parent: Rdd<(K, V)>,
    replacement: Replacement,
    fractions: HashMap<K, f64>,
    seed: Seed,
}

impl<K: Data + Hash + Eq, V: Data> RddNode<(K, V)> for SampledByKey<K, V> {
    fn compute(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, (K, V)>) -> ControlFlow<Stop> {
        let mut rng = self.seed.nth(u64::from(part.0)).rng();
        let mut buffer: Vec<(K, V)> = Vec::new();
        self.parent.for_each_chunk(part, ctx, &mut |chunk| {
            for record in chunk.as_slice() {
                let Some(fraction) = self.fractions.get(&record.0) else {
                    let text = format!("key not found: {:?}", record.0);
                    return ControlFlow::Break(Stop::Failed(TaskError::Exception(text)));
                };
                let times = match self.replacement {
                    Replacement::With => poisson(&mut rng, *fraction),
                    Replacement::Without => usize::from(rng.unit() < *fraction),
                };
                buffer.extend(repeat_n(record, times).cloned());
            }
            flush(&mut buffer, sink)
        })
    }
}

impl<K: Data + Hash + Eq, V: Data> Rdd<(K, V)> {
    /// As [`Rdd::sample`], with a fraction for each key. Keeps the partitioner. A task fails at a key without a
    /// fraction.
    ///
    /// # Errors
    /// When a fraction is negative.
    #[track_caller]
    pub fn sample_by_key(&self, replacement: Replacement, fractions: HashMap<K, f64>, seed: u64) -> Result<Self> {
        let _scope = self.context().open("sampleByKey", Location::caller());
        if !fractions.values().all(|fraction| *fraction >= 0.0) {
            return refused("Negative sampling rates.".into());
        }
        let info = self.info();
        let seed = Seed(seed).fork("sampleByKey");
        let node = SampledByKey { parent: self.clone(), replacement, fractions, seed };
        Ok(self.one_to_one("MapPartitionsRDD", info.partitioner, info.determinism.order_sensitive(), node))
    }
}

/// Any order, each as likely (Fisher and Yates).
fn shuffle<T>(values: &mut [T], rng: &mut Rng) {
    for i in (1..values.len()).rev() {
        values.swap(i, rng.below(i as u64 + 1) as usize);
    }
}

/// The fraction that draws at least `num` of `total` records in 9 999 of 10 000 cases (Spark's
/// `computeFractionForSampleSize`, after Meng 2013, Scalable simple random sampling).
fn enough_for(num: f64, total: f64, replacement: Replacement) -> f64 {
    let fraction = num / total;
    match replacement {
        Replacement::With => {
            let deviations = if num < 6.0 {
                12.0
            } else if num < 16.0 {
                9.0
            } else {
                6.0
            };
            (num + deviations * num.sqrt()).max(1e-10) / total
        }
        Replacement::Without => {
            let gamma = -(1e-4f64.ln()) / total;
            (fraction + gamma + (gamma * gamma + 2.0 * gamma * fraction).sqrt()).clamp(1e-10, 1.0)
        }
    }
}
