//! The living executors of a run, for both loops.

use crate::config::{EngineConfig, StorageSettings};
use crate::driver::ClusterOp;
use crate::event::MigratedBlock;
use crate::executor::{BlockReport, ExecutorStores};
use crate::ids::*;
use crate::scheduler::{Loss, Migration, MigrationOrder, ReplicaOrder};
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
    /// What an executor that leaves held is elsewhere.
    Migrated(ExecutorId, Migration),
    /// An executor died: what it runs ends.
    Died(ExecutorId),
    /// An executor could not start, and why.
    NotStarted(ExecutorId, Loss),
    /// Nothing.
    None,
}

/// Stores of the living executors and how slow each is.
pub(crate) struct Executors {
    pub cluster: Cluster,
    slowness: BTreeMap<ExecutorId, f64>,
    memory: u64,
    shuffle_memory: u64,
    /// Whether map outputs outlive their executor.
    shuffle_service: bool,
    settings: StorageSettings,
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
            shuffle_service: config.scheduler.shuffle_service,
            settings: config.storage,
            disk,
        }
    }

    /// Stores of an executor, if it lives.
    pub fn stores(&self, executor: ExecutorId) -> Option<Arc<ExecutorStores>> {
        living(&self.cluster, executor)
    }

    /// What copies between executors.
    pub fn copier(&self) -> Copier {
        let max_failures = self.settings.max_replication_failures;
        Copier { cluster: Arc::clone(&self.cluster), max_failures }
    }

    /// How many times slower than modelled.
    pub fn slowness(&self, executor: ExecutorId) -> f64 {
        self.slowness.get(&executor).copied().unwrap_or(1.0)
    }

    /// Ends an incarnation. With the shuffle service its stores stay reachable for map outputs only.
    fn kill(&self, executor: ExecutorId) {
        let mut cluster = self.cluster.write();
        if self.shuffle_service {
            if let Some(stores) = cluster.get(&executor).filter(|stores| stores.is_alive()) {
                stores.kill_but_serve();
            }
        } else if let Some(stores) = cluster.remove(&executor) {
            stores.kill();
        }
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
            ClusterOp::Start { executor, .. } => match self.start(executor) {
                Ok(()) => ClusterNews::None,
                // As an executor of Spark exits that finds no local directory: what is to be on disk must not
                // be in memory instead.
                Err(error) => {
                    let loss = Loss::exited(format!("Failed to create any local dir: {error}"));
                    ClusterNews::NotStarted(executor, Loss { caused_by_app: false, ..loss })
                }
            },
            ClusterOp::Kill { executor } => {
                self.kill(executor);
                ClusterNews::Died(executor)
            }
            ClusterOp::KillHost { executors } => {
                for executor in executors {
                    if let Some(stores) = self.cluster.write().remove(&executor) {
                        stores.kill();
                    }
                }
                ClusterNews::None
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
            ClusterOp::ForgetGenerations { rdds } => {
                self.all().iter().for_each(|s| s.forget_generations(&rdds));
                ClusterNews::None
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
            ClusterOp::Migrate(order) => ClusterNews::Migrated(order.executor, self.copier().migrate(order)),
            ClusterOp::Replicate(order) => ClusterNews::Blocks(self.copier().replicate(&order)),
        }
    }

    fn start(&self, executor: ExecutorId) -> std::io::Result<()> {
        let blocks = BlockStore::with_off_heap(self.memory, self.settings.off_heap_memory, (self.disk)()?);
        let shuffles = ShuffleStore::new(self.shuffle_memory, (self.disk)()?);
        let stores = ExecutorStores::new(executor, blocks, shuffles).with_settings(self.settings);
        self.cluster.write().insert(executor, Arc::new(stores));
        Ok(())
    }
}

fn living(cluster: &Cluster, executor: ExecutorId) -> Option<Arc<ExecutorStores>> {
    cluster.read().get(&executor).filter(|stores| stores.is_alive()).cloned()
}

/// Copying of blocks and outputs from executor to executor: it encodes records and writes files.
#[derive(Clone)]
pub(crate) struct Copier {
    cluster: Cluster,
    /// As many peers may refuse a copy as for a put.
    max_failures: u32,
}

impl Copier {
    fn stores(&self, executor: ExecutorId) -> Option<Arc<ExecutorStores>> {
        living(&self.cluster, executor)
    }

    /// Each thing goes to the first candidate that takes it; what nobody takes stays.
    pub fn migrate(&self, order: MigrationOrder) -> Migration {
        let mut migration = Migration::default();
        let Some(from) = self.stores(order.executor) else { return migration };
        for (block, policy, candidates) in order.blocks {
            for to in candidates.iter().filter_map(|to| self.stores(*to)) {
                let (stored, changes) = to.copy_from(&from, block, policy);
                migration.reports.extend(changes);
                if stored {
                    migration.blocks.push(MigratedBlock { block, to: to.id() });
                    break;
                }
            }
        }
        for (block, candidates) in order.inputs {
            for to in candidates.iter().filter_map(|to| self.stores(*to)) {
                let (stored, changes) = to.copy_input_from(&from, block);
                migration.reports.extend(changes);
                if stored {
                    break;
                }
            }
        }
        for (shuffle, map, candidates) in order.outputs {
            let mut candidates = candidates.iter().filter_map(|to| self.stores(*to));
            let taken = candidates.find(|to| to.copy_map_output_from(&from, shuffle, map));
            migration.outputs.extend(taken.map(|to| (shuffle, map, to.id())));
        }
        migration
    }

    /// R8.14: the first candidate that takes the copy has it.
    pub fn replicate(&self, order: &ReplicaOrder) -> Vec<BlockReport> {
        let mut reports = Vec::new();
        let Some(from) = self.stores(order.from) else { return reports };
        let tries = self.max_failures as usize + 1;
        for to in order.candidates.iter().take(tries).filter_map(|to| self.stores(*to)) {
            let (stored, changes) = to.copy_from(&from, order.block, order.policy);
            reports.extend(changes);
            if stored {
                break;
            }
        }
        reports
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without it an executor whose disk cannot be made would keep what is to be on disk in memory, and
    /// nobody would know.
    #[test]
    fn an_executor_without_a_disk_does_not_start() {
        let mut executors = Executors::new(&EngineConfig::default(), || Err(std::io::Error::other("no space")));
        let news = executors.apply(ClusterOp::Start { executor: ExecutorId(1), cores: 1 });
        let ClusterNews::NotStarted(ExecutorId(1), loss) = news else { panic!("it started") };
        assert_eq!((loss.reason.as_str(), loss.caused_by_app), ("Failed to create any local dir: no space", false));
        assert!(executors.stores(ExecutorId(1)).is_none());
    }
}
