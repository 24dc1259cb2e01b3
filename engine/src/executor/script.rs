//! The effects of a task, applied as they occur (threads) or at their modelled time (simulator).

use super::{CommitPermit, ExecutorStores};
use crate::event::{Preview, StorageLevel};
use crate::ids::*;
use crate::object_store::{ObjectStore, PutMode};
use crate::rdd::TaskError;
use crate::storage::{BlockChange, StoredBlock};
use crate::task_context::{BlockPolicy, Cluster};
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
    /// A block of this executor could not be read.
    Unreadable {
        /// Block.
        id: StoredId,
    },
    /// A block is stored here, and a copy on each peer.
    PutBlock {
        /// Block.
        id: BlockId,
        /// Its records.
        block: Arc<dyn StoredBlock>,
        /// Level and generation.
        policy: BlockPolicy,
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
        /// Shuffle.
        shuffle: ShuffleId,
        /// Map partition.
        map: PartitionId,
        /// One per reduce partition.
        buckets: Vec<Arc<dyn StoredBlock>>,
    },
    /// A part of an action's output is written to the reliable store, by the one attempt that may.
    CommitOutput {
        /// Asks whether this is the one.
        permit: CommitPermit,
        /// Key.
        key: String,
        /// Bytes.
        bytes: Arc<[u8]>,
    },
    /// A part of a checkpoint is written to the reliable store.
    StorePart {
        /// Key.
        key: String,
        /// Bytes.
        bytes: Arc<[u8]>,
    },
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

/// Applies one effect on behalf of a task of `stores`. Returns what the driver must hear.
///
/// # Errors
/// The task fails when a fetch source died, or a store refuses.
pub fn apply(
    entry: ScriptEntry,
    stores: &ExecutorStores,
    cluster: &Cluster,
    store: &dyn ObjectStore,
    previews: bool,
) -> Result<Vec<BlockReport>, TaskError> {
    match entry {
        ScriptEntry::Read { id, block } => Ok(stores.block_read(id, &block)),
        ScriptEntry::Unreadable { id } => Ok(stores.block_unreadable(id)),
        ScriptEntry::PutBlock { id, block, policy, peers } => {
            put_with_replicas(id, &block, policy, &peers, stores, cluster, previews)
        }
        ScriptEntry::Fetched { executor, shuffle, map, reduce } => {
            let lives = cluster.read().get(&executor).is_some_and(|s| s.serves_map_outputs());
            if lives {
                Ok(Vec::new())
            } else {
                Err(TaskError::FetchFailed { executor: Some(executor), shuffle, map: Some(map), reduce })
            }
        }
        ScriptEntry::WriteMapOutput { shuffle, map, buckets } => {
            stores.put_map_output(shuffle, map, buckets).map_err(TaskError::Exception)?;
            Ok(Vec::new())
        }
        ScriptEntry::CommitOutput { permit, key, bytes } => {
            if !stores.is_alive() {
                return Err(TaskError::Cancelled);
            }
            if !permit.ask() {
                return Err(TaskError::CommitDenied);
            }
            let written = store.put(&key, &bytes, PutMode::Replace);
            written.map_err(|error| TaskError::Exception(format!("cannot write {key}: {error}")))?;
            Ok(Vec::new())
        }
        ScriptEntry::StorePart { key, bytes } => {
            // What a dead incarnation computed must not replace what its successor wrote.
            if !stores.is_alive() {
                return Err(TaskError::Cancelled);
            }
            // A part left by an earlier attempt of this very RDD is replaced: a partition has one content.
            store
                .put(&key, &bytes, PutMode::Replace)
                .map_err(|error| TaskError::Exception(format!("Checkpoint failed: {error}")))?;
            Ok(Vec::new())
        }
    }
}

/// `spark.storage.maxReplicationFailures`: peers that may fail before replication stops.
const MAX_REPLICATION_FAILURES: u32 = 1;

/// R8.13: the block here, then encoded copies on peers; fewer copies than asked is no error.
fn put_with_replicas(
    id: BlockId,
    block: &Arc<dyn StoredBlock>,
    policy: BlockPolicy,
    peers: &[ExecutorId],
    stores: &ExecutorStores,
    cluster: &Cluster,
    previews: bool,
) -> Result<Vec<BlockReport>, TaskError> {
    let put =
        |on: &ExecutorStores, block: Arc<dyn StoredBlock>| on.put_block(id, block, policy.level, policy.generation);
    let replicas = Replicas { wanted: policy.level.replication.saturating_sub(1).into(), peers, previews };
    store_copies(id.into(), block, &replicas, stores, cluster, put).map_err(TaskError::Exception)
}

/// A block of a receiver: here, and a copy on a peer when the level asks for two. Returns what changed,
/// on every executor; nothing when this one is dead.
///
/// # Errors
/// When this executor refuses the block: the receiver hears of it.
pub fn store_input_block(
    id: InputBlockId,
    block: &Arc<dyn StoredBlock>,
    level: StorageLevel,
    replicas: &Replicas<'_>,
    stores: &ExecutorStores,
    cluster: &Cluster,
) -> Result<Vec<BlockReport>, String> {
    store_copies(id.into(), block, replicas, stores, cluster, |on, block| on.put_input_block(id, block, level))
}

/// Where copies of a block may go.
#[derive(Clone, Copy, Debug)]
pub struct Replicas<'a> {
    /// How many copies beside the first.
    pub wanted: usize,
    /// Executors that may get one, best first.
    pub peers: &'a [ExecutorId],
    /// Whether the report of the first copy carries a preview.
    pub previews: bool,
}

fn store_copies(
    id: StoredId,
    block: &Arc<dyn StoredBlock>,
    replicas: &Replicas<'_>,
    stores: &ExecutorStores,
    cluster: &Cluster,
    put: impl Fn(&ExecutorStores, Arc<dyn StoredBlock>) -> Result<Vec<BlockReport>, String>,
) -> Result<Vec<BlockReport>, String> {
    let mut all = put(stores, Arc::clone(block))?;
    let new = all.iter_mut().find(|r| r.change.block == id && r.change.status.removal.is_none());
    let stored = new.is_some();
    if let Some(report) = new.filter(|_| replicas.previews) {
        report.preview = Some(block.preview());
    }
    if stored && !replicas.peers.is_empty() {
        let bytes = block.encode().map_err(|error| error.to_string())?;
        let (mut copies, mut failures) = (0, 0);
        for peer in replicas.peers {
            if copies == replicas.wanted || failures > MAX_REPLICATION_FAILURES {
                break;
            }
            let Some(peer) = cluster.read().get(peer).cloned().filter(|p| p.is_alive()) else {
                failures += 1;
                continue;
            };
            let copy = block.codec().wrap(Arc::clone(&bytes)).map_err(|e| e.to_string())?;
            match put(&peer, copy) {
                Ok(reports) => {
                    copies += 1;
                    all.extend(reports);
                }
                Err(_) => failures += 1,
            }
        }
    }
    Ok(all)
}
