//! `RangePartitioner`: keys by range, sampled as Spark samples them.

use super::bounds::{Candidate, determine_bounds, in_each, sample_size};
use super::{HASH_VERSION, PartitionKeys, Partitioner};
use crate::error::Result;
use crate::event::PartitionerInfo;
use crate::ids::PartitionId;
use crate::rdd::{PreservesPartitioning, Rdd, TaskError};
use crate::rng::Rng;
use crate::storage::Data;
use sha2::{Digest, Sha256};
use std::panic::Location;
use std::sync::Arc;

/// Which keys come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortOrder {
    /// Small keys.
    Ascending,
    /// Large keys.
    Descending,
}

/// Spark's `RangePartitioner`: partition i holds the keys up to bound i, the last one the rest; in
/// descending order the partitions are the other way round.
#[derive(Clone, Debug)]
pub struct RangePartitioner<K> {
    bounds: Vec<K>,
    order: SortOrder,
    /// Digest of bounds and order: what makes two of them equal.
    digest: String,
}

impl<K: Data + Ord> RangePartitioner<K> {
    /// With these upper bounds, ascending and distinct, of every partition but the last.
    pub fn new(bounds: Vec<K>, order: SortOrder) -> Self {
        let mut hasher = Sha256::new();
        hasher.update([u8::from(order == SortOrder::Descending)]);
        // A key that cannot be encoded cannot be shuffled either; the task says so.
        hasher.update(postcard::to_stdvec(&bounds).unwrap_or_default());
        let digest = hasher.finalize().iter().take(8).map(|b| format!("{b:02x}")).collect();
        Self { bounds, order, digest }
    }

    /// Up to `partitions` ranges of nearly equal size, by a job that samples the keys of `rdd`, and by a
    /// second one over partitions that are much larger than others.
    ///
    /// # Errors
    /// When a job fails.
    #[track_caller]
    pub fn sample<V: Data>(rdd: &Rdd<(K, V)>, partitions: u32, order: SortOrder) -> Result<Self> {
        sampled(rdd, partitions, order, "rangePartitioner", Location::caller())
    }

    /// How many partitions: one more than bounds.
    pub fn partitions(&self) -> u32 {
        self.bounds.len() as u32 + 1
    }

    /// The partition of a key.
    pub fn partition_of(&self, key: &K) -> u32 {
        let below = self.bounds.partition_point(|bound| bound < key);
        let at = match self.order {
            SortOrder::Ascending => below,
            SortOrder::Descending => self.bounds.len() - below,
        };
        at as u32
    }
}

impl<K: Data + Ord> PartitionKeys<K> for RangePartitioner<K> {
    fn info(&self) -> PartitionerInfo {
        PartitionerInfo {
            class: "RangePartitioner".into(),
            partitions: self.partitions(),
            hash_version: HASH_VERSION,
            detail: Some(self.digest.clone()),
        }
    }

    fn assign(&self, keys: &[&K], to: &mut Vec<u32>) {
        to.extend(keys.iter().map(|key| self.partition_of(key)));
    }
}

impl<K: Data + Ord> From<RangePartitioner<K>> for Partitioner<K> {
    fn from(range: RangePartitioner<K>) -> Self {
        Self::Other(Arc::new(range))
    }
}

/// Samples for the action or operator `method`: Spark's `sketch` and `determineBounds`.
pub(in crate::rdd) fn sampled<K: Data + Ord, V: Data>(
    rdd: &Rdd<(K, V)>,
    partitions: u32,
    order: SortOrder,
    method: &str,
    at: &Location<'_>,
) -> Result<RangePartitioner<K>> {
    if partitions <= 1 {
        return Ok(RangePartitioner::new(Vec::new(), order));
    }
    let _scope = rdd.context().open(method, at);
    let wanted = sample_size(partitions);
    let each = in_each(wanted, rdd.num_partitions());
    let keys = rdd.keys();
    let sketch = keys.map_partitions_with_context(PreservesPartitioning::No, move |_, ctx, values| {
        let (sample, count) = reservoir(values, each, ctx.rng());
        Ok::<_, TaskError>([(count, sample)])
    });
    let all = (0..rdd.num_partitions()).map(PartitionId).collect();
    let sketched: Vec<(u64, Vec<K>)> =
        sketch.run_job(method, at, all, Rdd::return_partition)?.into_iter().flatten().collect();
    let total: u64 = sketched.iter().map(|(count, _)| count).sum();
    if total == 0 {
        return Ok(RangePartitioner::new(Vec::new(), order));
    }
    let fraction = (wanted / total as f64).min(1.0);
    let mut candidates: Vec<Candidate<K>> = Vec::new();
    let mut imbalanced: Vec<PartitionId> = Vec::new();
    for (part, (count, sample)) in (0..).map(PartitionId).zip(sketched) {
        if fraction * count as f64 > each as f64 {
            imbalanced.push(part);
        } else {
            let weight = count as f64 / sample.len().max(1) as f64;
            candidates.extend(sample.into_iter().map(|key| (key, weight)));
        }
    }
    if !imbalanced.is_empty() {
        let again = keys.map_partitions_with_context(PreservesPartitioning::No, move |_, ctx, values| {
            let mut rng = ctx.rng();
            Ok::<_, TaskError>(values.filter(move |_| rng.unit() < fraction))
        });
        let sampled = again.run_job(method, at, imbalanced, Rdd::return_partition)?;
        candidates.extend(sampled.into_iter().flatten().map(|key| (key, 1.0 / fraction)));
    }
    let partitions = partitions.min(candidates.len() as u32);
    Ok(RangePartitioner::new(determine_bounds(candidates, partitions), order))
}

/// `size` of the values, each with the same probability, and how many there were: Spark's
/// `SamplingUtils.reservoirSampleAndCount` (Vitter's algorithm R).
fn reservoir<K>(values: impl Iterator<Item = K>, size: usize, mut rng: Rng) -> (Vec<K>, u64) {
    let mut sample = Vec::new();
    let mut count = 0u64;
    for value in values {
        count += 1;
        if sample.len() < size {
            sample.push(value);
        } else if let Some(slot) = usize::try_from(rng.below(count)).ok().and_then(|at| sample.get_mut(at)) {
            *slot = value;
        }
    }
    (sample, count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;

    /// A sorted RDD would have its partitions out of order, or two range partitioners that differ would
    /// pass for equal and records would stay where they do not belong.
    #[test]
    fn keys_go_up_to_their_bound() {
        let of = |order| RangePartitioner::new(vec![10, 20], order);
        let places = |order: SortOrder| [5, 10, 11, 20, 21].map(|key| of(order).partition_of(&key));
        assert_eq!(places(SortOrder::Ascending), [0, 0, 1, 1, 2]);
        assert_eq!(places(SortOrder::Descending), [2, 2, 1, 1, 0]);
        assert_eq!(of(SortOrder::Ascending).info(), of(SortOrder::Ascending).info());
        assert_ne!(of(SortOrder::Ascending).info(), of(SortOrder::Descending).info());
        let other = RangePartitioner::new(vec![10, 21], SortOrder::Ascending);
        assert_ne!(of(SortOrder::Ascending).info(), other.info());
    }

    /// The sample would miss the count, exceed its size, or take the first values only.
    #[test]
    fn a_reservoir_samples_all() {
        let (sample, count) = reservoir(0..10_000u32, 100, Seed(3).rng());
        assert_eq!((sample.len(), count), (100, 10_000));
        assert!(sample.iter().any(|v| *v > 5_000), "{sample:?}");
        assert_eq!(reservoir(0..7u32, 100, Seed(3).rng()).0, (0..7).collect::<Vec<_>>());
    }
}
