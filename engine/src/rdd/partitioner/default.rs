//! Spark's `Partitioner.defaultPartitioner` (R1.5).

use super::{HashPartitioner, Partitioner};

/// The partitioner of an operation that was given none, over parents with these partition counts and
/// partitioners. `default_count` is `spark.default.parallelism` when the user set it.
///
/// That of the parent with most partitions among those that have one, when it is not ten times smaller
/// than the largest parent, or not smaller than the default count; else by hash.
pub(in crate::rdd) fn default_partitioner<K>(
    default_count: Option<u32>,
    parents: impl IntoIterator<Item = (u32, Option<Partitioner<K>>)>,
) -> Partitioner<K> {
    let mut max_partitions = 0;
    let mut candidate: Option<(u32, Partitioner<K>)> = None;
    for (partitions, partitioner) in parents {
        max_partitions = max_partitions.max(partitions);
        let better = candidate.as_ref().is_none_or(|(most, _)| partitions > *most);
        if let Some(partitioner) = partitioner.filter(|p| better && p.partitions() > 0) {
            candidate = Some((partitions, partitioner));
        }
    }
    let default_count = default_count.unwrap_or(max_partitions);
    match candidate {
        Some((_, p)) if is_eligible(max_partitions, p.partitions()) || default_count <= p.partitions() => p,
        _ => Partitioner::Hash(HashPartitioner::for_count(default_count)),
    }
}

fn is_eligible(max_partitions: u32, of_candidate: u32) -> bool {
    f64::from(max_partitions).log10() - f64::from(of_candidate).log10() < 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without it an operation on two RDDs would shuffle what lies well, or squeeze a large RDD into few
    /// partitions. The rows are those of Spark's rule.
    #[test]
    fn r1_5_the_default_partitioner() {
        let hash = |n: u32| Partitioner::<u32>::from(n);
        let own = |name: &str, n| Partitioner::custom(name, n, |_: &u32| 0);
        let rows = [
            (None, vec![(3, None)], hash(3)),
            (Some(8), vec![(3, None)], hash(8)),
            (Some(8), vec![(3, Some(hash(3)))], hash(3)),
            (None, vec![(3, None), (5, None)], hash(5)),
            (None, vec![(3, Some(hash(3))), (29, None)], hash(3)),
            (None, vec![(3, Some(hash(3))), (30, None)], hash(30)),
            (Some(3), vec![(3, Some(hash(3))), (30, None)], hash(3)),
            (Some(4), vec![(3, Some(hash(3))), (30, None)], hash(4)),
            (None, vec![(2, Some(hash(2))), (4, Some(own("mine", 4)))], own("mine", 4)),
            // The first of equals.
            (None, vec![(4, Some(hash(4))), (4, Some(own("mine", 4)))], hash(4)),
        ];
        for (default_count, parents, expect) in rows {
            let what = format!("{default_count:?} {parents:?}");
            assert_eq!(default_partitioner(default_count, parents), expect, "{what}");
        }
        let none = default_partitioner::<u32>(None, [(0, None)]);
        assert_eq!(none.partitions(), 0);
    }
}
