//! The effects of a task, applied as they occur (threads) or at their modelled time (simulator).

use super::replicate::{Replicas, Stored, TaskBlock, store_task_block};
use super::{CommitPermit, ExecutorStores};
use crate::checkpoint;
use crate::config::EngineConfig;
use crate::error::panic_text;
use crate::event::{CheckpointPart, Preview};
use crate::ids::*;
use crate::object_store::{ObjectStore, PutMode};
use crate::rdd::TaskError;
use crate::storage::{BlockChange, PutWay, StoredBlock};
use crate::task_context::{BlockPolicy, Cluster};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// One effect of a task.
#[derive(Clone, Debug)]
pub enum ScriptEntry {
    /// A block of this executor was read: it counts as accessed, and may move back into memory.
    Read {
        /// Block.
        id: StoredId,
        /// Its records.
        block: Arc<dyn StoredBlock>,
    },
    /// The task is done with a block that it read: it may leave again (R8.11).
    ReadDone {
        /// Who read it.
        task: TaskId,
        /// Block.
        id: StoredId,
    },
    /// A block could not be read, here or on another executor: it is forgotten there (R8.9).
    Unreadable {
        /// Where.
        executor: ExecutorId,
        /// Block.
        id: StoredId,
        /// Puts on that executor before the reader looked: a later copy stays.
        puts: u64,
    },
    /// A block is stored here, and a copy on as many peers as its level asks for.
    PutBlock {
        /// Who stores it; what it had set aside for the block becomes the block's.
        task: TaskId,
        /// Block.
        id: BlockId,
        /// Its records.
        block: Arc<dyn StoredBlock>,
        /// Level and generation.
        policy: BlockPolicy,
        /// Whether memory is tried.
        way: PutWay,
        /// Executors that may get a copy, best first.
        peers: Vec<ExecutorId>,
    },
    /// A bucket of another executor arrived; if that executor died before, it did not.
    Fetched {
        /// From where.
        executor: ExecutorId,
        /// Shuffle.
        shuffle: ShuffleId,
        /// Map partition.
        map: PartitionId,
        /// Reduce partition.
        reduce: PartitionId,
    },
    /// The buckets of a map output are written.
    WriteMapOutput {
        /// Attempt.
        task: TaskId,
        /// Shuffle.
        shuffle: ShuffleId,
        /// Map partition.
        map: PartitionId,
        /// One per reduce partition.
        buckets: Vec<Arc<dyn StoredBlock>>,
    },
    /// The output of a partition is published where a program saves to.
    SaveOutput {
        /// Whether this is the attempt that may; without a driver there is nobody to ask.
        permit: Option<CommitPermit>,
        /// Where.
        store: Arc<dyn ObjectStore>,
        /// Key.
        key: String,
        /// Bytes.
        bytes: Arc<[u8]>,
        /// Whether an output that is there stays.
        mode: PutMode,
    },
    /// A part of a checkpoint is written to the reliable store.
    StorePart {
        /// Key.
        key: String,
        /// Bytes.
        bytes: Arc<Vec<u8>>,
    },
    /// The same, by a task that computes the partition for something else.
    TeePart(TeePart),
}

/// A part of a checkpoint that a task writes beside its own work.
#[derive(Clone, Debug)]
pub struct TeePart {
    /// RDD.
    pub rdd: RddId,
    /// Partition.
    pub partition: PartitionId,
    /// Key.
    pub key: String,
    /// What the manifest will say of it.
    pub part: CheckpointPart,
    /// Bytes.
    pub bytes: Arc<Vec<u8>>,
}

impl TeePart {
    /// Writes the part; returns whether it is there. The task does not depend on it.
    pub fn write(&self, stores: &ExecutorStores, store: &dyn ObjectStore) -> bool {
        stores.is_alive() && checkpoint::store_part(store, &self.key, &self.bytes).is_ok()
    }
}

/// A block changed on an executor.
#[derive(Clone, Debug, PartialEq)]
pub struct BlockReport {
    /// Where.
    pub executor: ExecutorId,
    /// Orders the changes on that executor: reports may arrive in another order.
    pub version: u64,
    /// What.
    pub change: BlockChange,
    /// First records of a new block.
    pub preview: Option<Preview>,
}

/// What effects need of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EffectRules {
    /// Whether the report of a new block carries a preview.
    pub previews: bool,
    /// `spark.storage.maxReplicationFailures` (R8.13).
    pub max_replication_failures: u32,
}

impl From<&EngineConfig> for EffectRules {
    fn from(config: &EngineConfig) -> Self {
        let max_replication_failures = config.storage.max_replication_failures;
        Self { previews: config.previews, max_replication_failures }
    }
}

/// What an effect came to.
#[derive(Debug)]
pub struct Applied {
    /// What the driver must hear, also when the effect failed.
    pub reports: Vec<BlockReport>,
    /// The task fails when a fetch source died, or a store refuses.
    pub result: Result<(), TaskError>,
}

impl Applied {
    const fn with(reports: Vec<BlockReport>) -> Self {
        Self { reports, result: Ok(()) }
    }
}

impl From<Result<(), TaskError>> for Applied {
    fn from(result: Result<(), TaskError>) -> Self {
        Self { reports: Vec::new(), result }
    }
}

/// Applies one effect on behalf of a task of `stores`. Records may be dropped in it: when that panics, it is the
/// task that fails.
pub fn apply(
    entry: ScriptEntry,
    stores: &ExecutorStores,
    cluster: &Cluster,
    store: &dyn ObjectStore,
    rules: EffectRules,
) -> Applied {
    catch_unwind(AssertUnwindSafe(|| carry_out(entry, stores, cluster, store, rules))).unwrap_or_else(|panic| {
        Err(TaskError::Exception(panic_text(&*panic, "an effect of the task panicked without a message"))).into()
    })
}

fn carry_out(
    entry: ScriptEntry,
    stores: &ExecutorStores,
    cluster: &Cluster,
    store: &dyn ObjectStore,
    rules: EffectRules,
) -> Applied {
    match entry {
        ScriptEntry::Read { id, block } => Applied::with(stores.block_read(id, &block)),
        ScriptEntry::ReadDone { task, id } => Applied::with(stores.read_done(task, id)),
        ScriptEntry::Unreadable { executor, id, puts } => {
            let there = cluster.read().get(&executor).cloned();
            Applied::with(there.map(|stores| stores.block_unreadable(id, puts)).unwrap_or_default())
        }
        ScriptEntry::PutBlock { task, id, block, policy, way, peers } => {
            let wanted = policy.level.replication.saturating_sub(1).into();
            let replicas = Replicas {
                wanted,
                peers: &peers,
                previews: rules.previews,
                max_failures: rules.max_replication_failures,
            };
            let Stored { reports, error } =
                store_task_block(TaskBlock { task, id, policy, way }, &block, &replicas, stores, cluster);
            Applied { reports, result: error.map_or(Ok(()), |error| Err(TaskError::Exception(error))) }
        }
        ScriptEntry::Fetched { executor, shuffle, map, reduce } => {
            let lives = cluster.read().get(&executor).is_some_and(|s| s.serves_map_outputs());
            let failed = || TaskError::FetchFailed { executor: Some(executor), shuffle, map: Some(map), reduce };
            lives.then_some(()).ok_or_else(failed).into()
        }
        ScriptEntry::WriteMapOutput { task, shuffle, map, buckets } => {
            stores.put_map_output(shuffle, map, task, buckets).map_err(TaskError::Exception).into()
        }
        ScriptEntry::SaveOutput { permit, store, key, bytes, mode } => {
            if !stores.is_alive() {
                return Err(TaskError::Cancelled).into();
            }
            if permit.is_some_and(|permit| !permit.ask()) {
                return Err(TaskError::CommitDenied).into();
            }
            // When an attempt saved and then failed, its output stands, and this one has nothing to add.
            let failed = |error| TaskError::Exception(format!("Output failed: {error}"));
            store.put(&key, &bytes, mode).map(drop).map_err(failed).into()
        }
        ScriptEntry::TeePart(part) => {
            part.write(stores, store);
            Applied::with(Vec::new())
        }
        ScriptEntry::StorePart { key, bytes } => store_part(&key, &bytes, stores, store).into(),
    }
}

fn store_part(key: &str, bytes: &[u8], stores: &ExecutorStores, store: &dyn ObjectStore) -> Result<(), TaskError> {
    if !stores.is_alive() {
        return Err(TaskError::Cancelled);
    }
    checkpoint::store_part(store, key, bytes)
        .map_err(|error| TaskError::Exception(format!("Checkpoint failed: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object_store::MemoryObjectStore;
    use crate::shuffle::ShuffleStore;
    use crate::storage::{BlockStore, DiskStore};

    fn executor(id: u32) -> ExecutorStores {
        let disk = DiskStore::in_memory;
        ExecutorStores::new(ExecutorId(id), BlockStore::new(1 << 20, disk()), ShuffleStore::new(1 << 20, disk()))
    }

    /// Without it the output of one attempt would be replaced by that of another, or an attempt would fail
    /// for ever because one that died had saved before (R4.9).
    #[test]
    fn t15_the_first_attempt_that_saves_stands() {
        let store: Arc<dyn ObjectStore> = Arc::new(MemoryObjectStore::new());
        let (first, second, cluster) = (executor(1), executor(2), Cluster::default());
        let save = |on: &ExecutorStores, text: &str, mode| {
            let entry = ScriptEntry::SaveOutput {
                permit: None,
                store: Arc::clone(&store),
                key: "part-00000".into(),
                bytes: text.as_bytes().into(),
                mode,
            };
            apply(entry, on, &cluster, &MemoryObjectStore::new(), EffectRules::from(&EngineConfig::default())).result
        };
        let saved = || store.get("part-00000").map_err(|_| ());
        assert_eq!(save(&first, "first", PutMode::Create), Ok(()));
        assert_eq!(save(&second, "second", PutMode::Create), Ok(()), "it has nothing to add");
        assert_eq!(saved(), Ok(b"first".to_vec()));
        assert_eq!(save(&second, "again", PutMode::Replace), Ok(()));
        first.kill();
        assert_eq!(save(&first, "late", PutMode::Replace), Err(TaskError::Cancelled), "the dead save nothing");
        assert_eq!(saved(), Ok(b"again".to_vec()));
    }
}
