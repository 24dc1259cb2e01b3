//! The effects of a task, applied as they occur (threads) or at their modelled time (simulator).

use super::ExecutorStores;
use crate::event::Preview;
use crate::ids::*;
use crate::object_store::{ObjectStore, PutMode};
use crate::rdd::TaskError;
use crate::storage::{BlockChange, StoredBlock};
use crate::task_context::{BlockPolicy, Cluster};
use std::sync::Arc;

/// One effect of a task.
#[derive(Clone, Debug)]
pub enum ScriptEntry {
    /// Blocks changed because they were read.
    Report {
        /// What changed.
        changes: Vec<BlockChange>,
    },
    /// A block is stored here, and a copy on each peer.
    PutBlock {
        /// Block.
        id: BlockId,
        /// Its records.
        block: Arc<dyn StoredBlock>,
        /// Level and generation.
        policy: BlockPolicy,
        /// Executors that get a copy, best first.
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
    /// What.
    pub change: BlockChange,
    /// First records of a new block.
    pub preview: Option<Preview>,
}

fn reports(executor: ExecutorId, changes: Vec<BlockChange>, new: Option<&Arc<dyn StoredBlock>>) -> Vec<BlockReport> {
    let id_of_new = changes.last().map(|c| c.block);
    changes
        .into_iter()
        .map(|change| {
            let is_new = Some(change.block) == id_of_new && change.status.removal.is_none();
            BlockReport { executor, change, preview: new.filter(|_| is_new).map(|b| b.preview()) }
        })
        .collect()
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
        ScriptEntry::Report { changes } => Ok(reports(stores.id(), changes, None)),
        ScriptEntry::PutBlock { id, block, policy, peers } => {
            put_with_replicas(id, &block, policy, &peers, stores, cluster, previews)
        }
        ScriptEntry::Fetched { executor, shuffle, map, reduce } => {
            let lives = cluster.read().get(&executor).is_some_and(|s| s.is_alive());
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
        ScriptEntry::StorePart { key, bytes } => {
            // A part left by an earlier attempt of this very RDD is replaced: a partition has one content.
            store
                .put(&key, &bytes, PutMode::Replace)
                .map_err(|error| TaskError::Exception(format!("Checkpoint failed: {error}")))?;
            Ok(Vec::new())
        }
    }
}

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
    let put = |on: &ExecutorStores, block: Arc<dyn StoredBlock>| {
        on.put_block(id, block, policy.level, policy.generation).map_err(TaskError::Exception)
    };
    let changes = put(stores, Arc::clone(block))?;
    let stored = changes.iter().any(|c| c.block == id && c.status.removal.is_none());
    let mut all = reports(stores.id(), changes, Some(block).filter(|_| previews));
    if stored && !peers.is_empty() {
        let bytes = block.encode().map_err(|error| TaskError::Exception(error.to_string()))?;
        for peer in peers {
            let Some(peer) = cluster.read().get(peer).cloned() else { continue };
            let copy = block.codec().wrap(Arc::clone(&bytes)).map_err(|e| TaskError::Exception(e.to_string()))?;
            all.extend(reports(peer.id(), put(&peer, copy)?, None));
        }
    }
    Ok(all)
}
