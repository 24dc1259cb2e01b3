//! The living executors of a run, for both loops.

use crate::config::EngineConfig;
use crate::driver::ClusterOp;
use crate::executor::{BlockReport, ExecutorStores};
use crate::ids::*;
use crate::shuffle::ShuffleStore;
use crate::storage::{BlockStore, DiskStore};
use crate::task_context::Cluster;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the loop must do after an operation.
pub(crate) enum ClusterNews {
    /// Blocks changed.
    Blocks(Vec<BlockReport>),
    /// An executor reported everything.
    Reported(ExecutorId, Vec<BlockReport>),
    /// An executor died: what it runs ends.
    Died(ExecutorId),
    /// Nothing.
    None,
}

/// Stores of the living executors and how slow each is.
pub(crate) struct Executors {
    pub cluster: Cluster,
    slowness: BTreeMap<ExecutorId, f64>,
    memory: u64,
    shuffle_memory: u64,
    disk: fn() -> std::io::Result<DiskStore>,
}

impl Executors {
    /// No executor yet; `disk` makes the disk of each.
    pub fn new(config: &EngineConfig, disk: fn() -> std::io::Result<DiskStore>) -> Self {
        Self {
            cluster: Cluster::default(),
            slowness: BTreeMap::new(),
            memory: config.memory,
            shuffle_memory: config.shuffle_memory,
            disk,
        }
    }

    /// Stores of an executor, if it lives.
    pub fn stores(&self, executor: ExecutorId) -> Option<Arc<ExecutorStores>> {
        self.cluster.read().get(&executor).cloned()
    }

    /// How many times slower than modelled.
    pub fn slowness(&self, executor: ExecutorId) -> f64 {
        self.slowness.get(&executor).copied().unwrap_or(1.0)
    }

    fn all(&self) -> Vec<Arc<ExecutorStores>> {
        self.cluster.read().values().cloned().collect()
    }

    /// Lets every thread of a paused executor go on, at the end of a run.
    pub fn resume_all(&self) {
        self.all().iter().for_each(|stores| stores.resume());
    }

    /// Does what the driver asks.
    pub fn apply(&mut self, op: ClusterOp) -> ClusterNews {
        match op {
            ClusterOp::Start { executor, .. } => {
                // An executor without a disk of its own still computes; its disk levels stay in memory.
                let disk = || (self.disk)().unwrap_or_else(|_| DiskStore::in_memory());
                let blocks = BlockStore::new(self.memory, disk());
                let shuffles = ShuffleStore::new(self.shuffle_memory, disk());
                let stores = Arc::new(ExecutorStores::new(executor, blocks, shuffles));
                self.cluster.write().insert(executor, stores);
                ClusterNews::None
            }
            ClusterOp::Kill { executor } => {
                if let Some(stores) = self.cluster.write().remove(&executor) {
                    stores.kill();
                }
                ClusterNews::Died(executor)
            }
            ClusterOp::Slow { executor, factor } => {
                self.slowness.insert(executor, factor);
                ClusterNews::None
            }
            ClusterOp::Pause { executor } => {
                if let Some(stores) = self.stores(executor) {
                    stores.pause();
                }
                ClusterNews::None
            }
            ClusterOp::Resume { executor } => {
                if let Some(stores) = self.stores(executor) {
                    stores.resume();
                }
                ClusterNews::None
            }
            ClusterOp::CorruptBlock { executor, block } => {
                if let Some(stores) = self.stores(executor) {
                    stores.corrupt_block(block);
                }
                ClusterNews::None
            }
            ClusterOp::Unpersist { rdd, generation } => {
                let all = self.all().into_iter();
                ClusterNews::Blocks(all.flat_map(|s| s.unpersist(rdd, generation)).collect())
            }
            ClusterOp::DropBlock { block } => {
                let all = self.all().into_iter();
                ClusterNews::Blocks(all.flat_map(|s| s.drop_block(block)).collect())
            }
            ClusterOp::RemoveShuffle { shuffle } => {
                self.all().iter().for_each(|s| s.remove_shuffle(shuffle));
                ClusterNews::None
            }
            ClusterOp::RemoveInputs { blocks } => {
                let all = self.all().into_iter();
                ClusterNews::Blocks(all.flat_map(|s| s.remove_input_blocks(&blocks)).collect())
            }
            ClusterOp::ReportBlocks { executor } => match self.stores(executor) {
                // One that stands still does not answer; it is asked again when it goes on.
                Some(stores) if stores.is_paused() => ClusterNews::None,
                Some(stores) => ClusterNews::Reported(executor, stores.report_blocks()),
                None => ClusterNews::None,
            },
            ClusterOp::Replicate(order) => {
                let (Some(from), Some(to)) = (self.stores(order.from), self.stores(order.to)) else {
                    return ClusterNews::None;
                };
                ClusterNews::Blocks(to.copy_from(&from, order.block, order.policy))
            }
        }
    }
}
