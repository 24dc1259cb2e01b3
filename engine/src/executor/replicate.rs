//! A block and its copies: where they are stored, and what is taken back when that fails (R8.10, R8.13).

use super::stores::Put;
use super::{BlockReport, ExecutorStores};
use crate::event::StorageLevel;
use crate::ids::*;
use crate::storage::{PutWay, StoredBlock};
use crate::task_context::{BlockPolicy, Cluster};
use std::sync::Arc;

/// Where copies of a block may go.
#[derive(Clone, Copy, Debug)]
pub struct Replicas<'a> {
    /// How many copies beside the first.
    pub wanted: usize,
    /// Executors that may get one, best first.
    pub peers: &'a [ExecutorId],
    /// Whether the report of the first copy carries a preview.
    pub previews: bool,
    /// How many peers may fail before no other is tried (`spark.storage.maxReplicationFailures`).
    pub max_failures: u32,
}

/// What storing a block and its copies came to.
#[derive(Debug)]
pub struct Stored {
    /// Every change, on every executor.
    pub reports: Vec<BlockReport>,
    /// Why the block is stored nowhere; fewer copies than asked are no error.
    pub error: Option<String>,
}

/// A block that a task stores.
#[derive(Clone, Copy, Debug)]
pub(super) struct TaskBlock {
    pub task: TaskId,
    pub id: BlockId,
    pub policy: BlockPolicy,
    pub way: PutWay,
}

/// R8.13: the block here, then encoded copies on peers.
pub(super) fn store_task_block(
    TaskBlock { task, id, policy, way }: TaskBlock,
    block: &Arc<dyn StoredBlock>,
    replicas: &Replicas<'_>,
    stores: &ExecutorStores,
    cluster: &Cluster,
) -> Stored {
    let put = |on: &ExecutorStores, block: Arc<dyn StoredBlock>| {
        // Memory that the task set aside is on its own executor; a copy tries memory first.
        let here = on.id() == stores.id();
        let way = if here { way } else { PutWay::ByLevel };
        on.put_block((here.then_some(task), id), block, policy, way)
    };
    store_copies(id.into(), block, replicas, stores, cluster, put)
}

/// The executors beside `here` that may get a copy of a receiver's block: in turn, so that copies spread.
pub fn peers_of(here: ExecutorId, block: InputBlockId, cluster: &Cluster) -> Vec<ExecutorId> {
    let cluster = cluster.read();
    let living = cluster.iter().filter(|(peer, stores)| **peer != here && stores.is_alive());
    let mut peers: Vec<ExecutorId> = living.map(|(peer, _)| *peer).collect();
    if !peers.is_empty() {
        let turn = crate::rng::Seed(block.number).fork("replica").0;
        let first = (turn % peers.len() as u64) as usize;
        peers.rotate_left(first);
    }
    peers
}

/// A block of a receiver: here, and copies on peers when the level asks for them. Nothing is reported when
/// this executor is dead; an error says that it refused the block.
pub fn store_input_block(
    id: InputBlockId,
    block: &Arc<dyn StoredBlock>,
    level: StorageLevel,
    replicas: &Replicas<'_>,
    stores: &ExecutorStores,
    cluster: &Cluster,
) -> Stored {
    store_copies(id.into(), block, replicas, stores, cluster, |on, block| on.put_input_block(id, block, level))
}

fn store_copies(
    id: StoredId,
    block: &Arc<dyn StoredBlock>,
    replicas: &Replicas<'_>,
    stores: &ExecutorStores,
    cluster: &Cluster,
    put: impl Fn(&ExecutorStores, Arc<dyn StoredBlock>) -> Put,
) -> Stored {
    let Put { new, mut reports, error, .. } = put(stores, Arc::clone(block));
    if error.is_some() || !new {
        return Stored { reports, error };
    }
    let first = reports.iter_mut().find(|r| r.change.block == id && r.change.status.removal.is_none());
    if let Some(report) = first.filter(|_| replicas.previews) {
        report.preview = Some(block.preview());
    }
    let mut copies: Vec<Arc<ExecutorStores>> = Vec::new();
    let error = if replicas.wanted == 0 || replicas.peers.is_empty() {
        None
    } else {
        copy_to_peers(block, replicas, stores, cluster, put, &mut copies, &mut reports).err()
    };
    if error.is_some() {
        // R8.10: half a put is none, wherever it was announced.
        reports.extend(stores.drop_block(id));
        reports.extend(copies.iter().flat_map(|copy| copy.drop_block(id)));
    }
    Stored { reports, error }
}

/// Copies until there are as many as wanted, no peer is left, or too many failed. A peer without room
/// has failed, too.
fn copy_to_peers(
    block: &Arc<dyn StoredBlock>,
    replicas: &Replicas<'_>,
    stores: &ExecutorStores,
    cluster: &Cluster,
    put: impl Fn(&ExecutorStores, Arc<dyn StoredBlock>) -> Put,
    copies: &mut Vec<Arc<ExecutorStores>>,
    reports: &mut Vec<BlockReport>,
) -> Result<(), String> {
    let bytes = block.encode().map_err(|error| error.to_string())?;
    let mut failures = 0;
    for peer in replicas.peers {
        if copies.len() == replicas.wanted || failures > replicas.max_failures {
            break;
        }
        // Who dies while uploading leaves nothing behind: nobody would know of it.
        if !stores.is_alive() {
            return Err("the executor died while it copied a block".to_owned());
        }
        let Some(peer) = cluster.read().get(peer).cloned().filter(|p| p.is_alive()) else {
            failures += 1;
            continue;
        };
        let copy = block.codec().wrap(Arc::clone(&bytes)).map_err(|error| error.to_string())?;
        let Put { stored, reports: changes, .. } = put(&peer, copy);
        reports.extend(changes);
        if stored {
            copies.push(peer);
        } else {
            failures += 1;
        }
    }
    Ok(())
}

impl ExecutorStores {
    /// Copies a block from another executor, at a level that it has had there (R8.14). What changed here,
    /// and whether the copy is here.
    pub fn copy_from(&self, from: &Self, id: BlockId, policy: BlockPolicy) -> (bool, Vec<BlockReport>) {
        let Ok(Some(block)) = from.peek_block(id) else { return (false, Vec::new()) };
        let Ok(copy) = block.encode().and_then(|bytes| block.codec().wrap(bytes)) else { return (false, Vec::new()) };
        // A copy that cannot be made is not an error: the block has fewer replicas (R8.13).
        let Put { stored, reports, .. } = self.put_block((None, id), copy, policy, PutWay::ByLevel);
        (stored, reports)
    }

    /// Copies a block of a receiver from another executor, at the level that it has there.
    pub fn copy_input_from(&self, from: &Self, id: InputBlockId) -> (bool, Vec<BlockReport>) {
        let (Ok(Some(block)), Some(level)) = (from.peek_block(id), from.level_of(id)) else {
            return (false, Vec::new());
        };
        let Put { stored, reports, .. } = self.put_input_block(id, block, level);
        (stored, reports)
    }

    /// Copies a map output from another executor. Whether it is here now.
    pub fn copy_map_output_from(&self, from: &Self, shuffle: ShuffleId, map: PartitionId) -> bool {
        let output = from.read_map_output(shuffle, map);
        output.is_some_and(|(by, buckets)| self.is_alive() && self.put_map_output(shuffle, map, by, buckets).is_ok())
    }
}
