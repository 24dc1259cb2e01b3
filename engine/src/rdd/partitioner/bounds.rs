//! From a sample to bounds: the arithmetic of Spark's `RangePartitioner`.

/// A sampled key, and how many keys it stands for.
pub(super) type Candidate<K> = (K, f64);

/// Samples for each partition to come.
const SAMPLES_PER_PARTITION: f64 = 20.0;
/// Most samples in all.
const SAMPLES_MAX: f64 = 1e6;
/// How much more than its share each partition is sampled, because partitions differ in size.
const OVERSAMPLING: f64 = 3.0;

/// Samples wanted for `partitions` ranges.
pub(super) fn sample_size(partitions: u32) -> f64 {
    (SAMPLES_PER_PARTITION * f64::from(partitions)).min(SAMPLES_MAX)
}

/// Samples to take in each of `partitions` partitions.
pub(super) fn in_each(wanted: f64, partitions: u32) -> usize {
    (OVERSAMPLING * wanted / f64::from(partitions.max(1))).ceil() as usize
}

/// Bounds that cut the weight of the candidates into `partitions` nearly equal parts; fewer when keys
/// repeat.
pub(super) fn determine_bounds<K: Ord + Clone>(mut candidates: Vec<Candidate<K>>, partitions: u32) -> Vec<K> {
    candidates.sort_by(|a, b| a.0.cmp(&b.0));
    let step = candidates.iter().map(|(_, weight)| weight).sum::<f64>() / f64::from(partitions.max(1));
    let (mut seen, mut target) = (0.0, step);
    let mut bounds: Vec<K> = Vec::new();
    for (key, weight) in candidates {
        if bounds.len() + 1 >= partitions as usize {
            break;
        }
        seen += weight;
        if seen >= target && bounds.last().is_none_or(|last| key > *last) {
            bounds.push(key);
            target += step;
        }
    }
    bounds
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ranges would be of unequal size, or a key that repeats would be a bound twice.
    #[test]
    fn bounds_cut_the_weight() {
        let even = |keys: &[u32]| keys.iter().map(|k| (*k, 1.0)).collect::<Vec<_>>();
        let rows = [
            (even(&[4, 1, 3, 2, 6, 5]), 3, vec![2, 4]),
            (even(&[1, 1, 1, 1, 2, 3]), 3, vec![1, 2]),
            (even(&[7, 7, 7]), 3, vec![7]),
            (even(&[]), 3, vec![]),
            (vec![(1, 9.0), (2, 1.0), (3, 1.0), (4, 1.0)], 2, vec![1]),
        ];
        for (candidates, partitions, expect) in rows {
            assert_eq!(determine_bounds(candidates.clone(), partitions), expect, "{candidates:?} {partitions}");
        }
    }
}
