//! Stored partitions: which executor holds a copy, and why the last one is gone.

use super::Model;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is known of one partition of one RDD.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartitionState {
    /// How often it was computed to its end.
    pub computed: u32,
    /// Task attempts that compute it now, as far as the lineage tells (R: derived from the stage).
    pub computing: BTreeSet<TaskId>,
    /// Whether the running computation repeats earlier work because something was lost.
    pub computing_again: bool,
    /// Copies by executor.
    pub copies: BTreeMap<ExecutorId, BlockCopy>,
    /// The executor with which the last copy was lost; cleared when stored or checkpointed again.
    pub lost_with: Option<ExecutorId>,
    /// The last copy made room for another block; cleared when stored again.
    pub evicted: bool,
    /// Read from the checkpoint since the last fault.
    pub read_back: bool,
    /// Computed again since the last fault, because something was lost.
    pub recomputed: bool,
    /// Why it was computed again, the last time.
    pub last_cause: Option<RecomputeCause>,
    /// First records, when an event carried them.
    pub preview: Option<Arc<Preview>>,
    /// Task that produced it last.
    pub last_task: Option<TaskId>,
    /// Task that read it back from a checkpoint last.
    pub read_back_by: Option<TaskId>,
    /// How the last copy left, the last time one did. Stays when the partition is stored again, so that
    /// a task that ran in between can be explained.
    pub left: Option<Left>,
}

/// How the last copy of a partition left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// The executor that held it.
    pub executor: ExecutorId,
    /// Why; `None` when it died with that executor.
    pub removal: Option<BlockRemoval>,
    /// When.
    pub at: Timestamp,
}

/// One copy of a stored partition.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BlockCopy {
    /// Bytes in memory.
    pub memory_bytes: u64,
    /// Bytes on disk.
    pub disk_bytes: u64,
}

impl BlockCopy {
    /// Whether memory holds it. An empty partition has no bytes anywhere and counts as in memory.
    pub const fn in_memory(&self) -> bool {
        self.memory_bytes > 0 || self.disk_bytes == 0
    }

    const fn bytes(&self) -> u64 {
        self.memory_bytes.saturating_add(self.disk_bytes)
    }
}

impl Model {
    pub(super) fn block_updated(&mut self, event: &Event) {
        let Event::BlockUpdated { executor, block, level, memory_bytes, disk_bytes, removal, preview } = event else {
            return;
        };
        let empty = *memory_bytes == 0 && *disk_bytes == 0;
        if level.is_valid() && !(empty && removal.is_some()) {
            let copy = BlockCopy { memory_bytes: *memory_bytes, disk_bytes: *disk_bytes };
            self.block_stored(*executor, *block, copy, preview.as_ref());
            return;
        }
        let removal = Some(removal.unwrap_or(BlockRemoval::Unpersisted));
        self.copy_gone(*executor, *block, removal);
        if is_loss(removal) {
            self.tell_recovery();
        }
    }

    fn block_stored(&mut self, executor: ExecutorId, block: BlockId, copy: BlockCopy, preview: Option<&Preview>) {
        let Some(partition) = self.partition_mut(block) else { return };
        let old = partition.copies.insert(executor, copy);
        partition.lost_with = None;
        partition.evicted = false;
        // A put delivers only after the whole partition was computed.
        partition.computing.clear();
        partition.computing_again = false;
        if let Some(preview) = preview {
            partition.preview = Some(Arc::new(preview.clone()));
        }
        self.account(executor, block, old, Some(copy));
    }

    /// Forgets a copy; with the last one the partition remembers why. Without a `removal` the executor
    /// itself is gone.
    fn copy_gone(&mut self, executor: ExecutorId, block: BlockId, removal: Option<BlockRemoval>) {
        let at = self.now;
        let Some(partition) = self.partition_mut(block) else { return };
        let Some(old) = partition.copies.remove(&executor) else { return };
        let last = partition.copies.is_empty();
        if last {
            partition.left = Some(Left { executor, removal, at });
            match removal {
                _ if is_loss(removal) => partition.lost_with = Some(executor),
                Some(BlockRemoval::Evicted) => partition.evicted = true,
                _ => {}
            }
        }
        self.account(executor, block, Some(old), None);
        if last && is_loss(removal) {
            if let Some(holder) = self.executor_mut(executor) {
                holder.lost_blocks += 1;
            }
            self.story_partition_lost();
        }
    }

    /// Keeps the sums of an executor, and the peak over all of them, in step with one copy.
    fn account(&mut self, executor: ExecutorId, block: BlockId, old: Option<BlockCopy>, new: Option<BlockCopy>) {
        if let Some(holder) = self.executor_mut(executor) {
            if new.is_some() {
                holder.blocks.insert(block);
            } else {
                holder.blocks.remove(&block);
            }
        }
        self.account_bytes(executor, old, new);
    }

    /// Keeps the bytes in step with one copy of whatever is stored.
    pub(super) fn account_bytes(&mut self, executor: ExecutorId, old: Option<BlockCopy>, new: Option<BlockCopy>) {
        let (before, after) = (old.unwrap_or_default(), new.unwrap_or_default());
        if let Some(holder) = self.executor_mut(executor) {
            holder.memory_bytes = holder.memory_bytes.saturating_add(after.memory_bytes);
            holder.memory_bytes = holder.memory_bytes.saturating_sub(before.memory_bytes);
            holder.disk_bytes = holder.disk_bytes.saturating_add(after.disk_bytes).saturating_sub(before.disk_bytes);
        }
        let upkeep = &mut self.upkeep;
        upkeep.cached_bytes = upkeep.cached_bytes.saturating_add(after.bytes()).saturating_sub(before.bytes());
        upkeep.cached_bytes_peak = upkeep.cached_bytes_peak.max(upkeep.cached_bytes);
    }

    /// Every copy there is lost to the driver (R5.2).
    pub(super) fn block_manager_removed(&mut self, id: ExecutorId) {
        let Some(executor) = self.executors.get(&id) else { return };
        for block in executor.blocks.clone() {
            self.copy_gone(id, block, None);
        }
        self.inputs_lost_with(id);
        self.tell_recovery();
    }

    pub(super) fn rdd_unpersisted(&mut self, id: RddId) {
        self.forget_copies(id);
        self.persist_changed(id, StorageLevel::NONE);
    }

    pub(super) fn persist_changed(&mut self, id: RddId, level: StorageLevel) {
        if let Some(rdd) = self.rdd_mut(id) {
            rdd.info.level = level;
        }
    }

    /// Forgets every copy of an RDD, without anything being lost.
    pub(super) fn forget_copies(&mut self, id: RddId) {
        let Some(rdd) = self.rdds.get(&id).map(Arc::clone) else { return };
        for (partition, state) in (0..).map(PartitionId).zip(&rdd.partitions) {
            for executor in state.copies.keys() {
                self.copy_gone(*executor, BlockId::new(id, partition), Some(BlockRemoval::Unpersisted));
            }
        }
    }
}

/// Whether data was lost rather than given up.
const fn is_loss(removal: Option<BlockRemoval>) -> bool {
    matches!(removal, None | Some(BlockRemoval::Dropped | BlockRemoval::Unreadable))
}
