//! What executors hold of RDDs, folded from what the driver announces: Spark's `getRDDStorageInfo`.

use crate::event::Event;
use crate::ids::*;
use crate::lineage::BlockSummary;
use std::collections::{BTreeMap, BTreeSet};

/// Bytes in memory and on disk of one copy.
#[derive(Clone, Copy, Debug)]
struct Copy {
    memory_bytes: u64,
    disk_bytes: u64,
}

/// Every copy of every block.
#[derive(Debug, Default)]
pub(super) struct Stored {
    copies: BTreeMap<(BlockId, ExecutorId), Copy>,
}

impl Stored {
    /// Takes one fact.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::BlockUpdated { executor, block, level, memory_bytes, disk_bytes, .. } => {
                let key = (*block, *executor);
                if level.is_valid() {
                    self.copies.insert(key, Copy { memory_bytes: *memory_bytes, disk_bytes: *disk_bytes });
                } else {
                    self.copies.remove(&key);
                }
            }
            Event::BlockManagerRemoved { executor } => self.copies.retain(|(_, at), _| at != executor),
            Event::UnpersistRdd { rdd } | Event::RddReleased { rdd } => self.forget(*rdd),
            _ => {}
        }
    }

    fn forget(&mut self, rdd: RddId) {
        let keys: Vec<_> = self.of_rdd(rdd).map(|(key, _)| *key).collect();
        for key in keys {
            self.copies.remove(&key);
        }
    }

    fn of_rdd(&self, rdd: RddId) -> impl Iterator<Item = (&(BlockId, ExecutorId), &Copy)> {
        let first = (BlockId::new(rdd, PartitionId(0)), ExecutorId(0));
        let last = (BlockId::new(rdd, PartitionId(u32::MAX)), ExecutorId(u32::MAX));
        self.copies.range(first..=last)
    }

    /// Sums over those of `rdds` of which something is stored.
    pub fn of(&self, rdds: &[RddId]) -> BTreeMap<RddId, BlockSummary> {
        let mut all = BTreeMap::new();
        for &rdd in rdds {
            let mut sum = BlockSummary::default();
            let mut partitions = BTreeSet::new();
            for ((block, _), copy) in self.of_rdd(rdd) {
                partitions.insert(block.partition);
                sum.memory_bytes += copy.memory_bytes;
                sum.disk_bytes += copy.disk_bytes;
            }
            sum.cached_partitions = partitions.len() as u32;
            if sum.cached_partitions > 0 {
                all.insert(rdd, sum);
            }
        }
        all
    }
}
