//! The order in which the locations of a block are tried (R8.15).

use crate::ids::ExecutorId;
use crate::storage::StoredBlock;
use std::sync::Arc;

/// What one location gave.
pub(super) enum Tried {
    /// The block.
    Block(Arc<dyn StoredBlock>),
    /// Nothing: it is gone, or cannot be read.
    Failed,
}

/// Tries each location once until one has the block. After `before_refresh` failures in a row of one list
/// `refresh` gives another, and what is left of the old one is no longer tried; as many locations as the
/// first list has are tried in all. `None` means not found: the block is computed, and no task fails.
pub(super) fn fetch(
    locations: Vec<ExecutorId>,
    before_refresh: u32,
    mut try_one: impl FnMut(ExecutorId) -> Tried,
    refresh: impl Fn() -> Vec<ExecutorId>,
) -> Option<(Arc<dyn StoredBlock>, ExecutorId)> {
    let limit = locations.len();
    let (mut failures, mut of_this_list) = (0, 0);
    let mut left = locations.into_iter();
    while let Some(executor) = left.next() {
        if let Tried::Block(block) = try_one(executor) {
            return Some((block, executor));
        }
        failures += 1;
        of_this_list += 1;
        if failures >= limit {
            return None;
        }
        if of_this_list >= before_refresh {
            left = refresh().into_iter();
            of_this_list = 0;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::ValuesBlock;

    fn executors(ids: std::ops::RangeInclusive<u32>) -> Vec<ExecutorId> {
        ids.map(ExecutorId).collect()
    }

    /// Who was tried when only `has` have the block, and who gave it.
    fn run(first: Vec<ExecutorId>, then: &[ExecutorId], has: &[u32]) -> (Vec<u32>, Option<u32>) {
        let mut tried = Vec::new();
        let try_one = |executor: ExecutorId| {
            tried.push(executor.0);
            if has.contains(&executor.0) { Tried::Block(ValuesBlock::shared(vec![1u8])) } else { Tried::Failed }
        };
        let found = fetch(first, 5, try_one, || then.to_vec());
        (tried, found.map(|(_, executor)| executor.0))
    }

    #[test]
    fn b16_the_next_location_is_used() {
        // Without it one broken replica would make a partition be computed although another is there.
        assert_eq!(run(executors(1..=3), &[], &[2, 3]), (vec![1, 2], Some(2)));
        assert_eq!(run(executors(1..=3), &[], &[]), (vec![1, 2, 3], None));
        assert_eq!(run(Vec::new(), &[], &[]), (vec![], None));
    }

    #[test]
    fn b17_stale_locations_are_refreshed_after_a_threshold() {
        // Without it a reader would try a long list of executors that are all gone.
        assert_eq!(run(executors(1..=9), &[], &[]), (vec![1, 2, 3, 4, 5], None), "nobody has it any more");
        assert_eq!(run(executors(1..=9), &executors(20..=21), &[21]), (vec![1, 2, 3, 4, 5, 20, 21], Some(21)));
        let endless = run(executors(1..=9), &executors(30..=39), &[]);
        assert_eq!(endless, (vec![1, 2, 3, 4, 5, 30, 31, 32, 33], None), "no more than the first list had");
    }
}
