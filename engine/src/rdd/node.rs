//! The two faces of an RDD: what the scheduler needs without knowing the record type, and `compute`.

use super::chunk::{Sink, Stop, TaskError};
use super::context::SparkContext;
use super::dependency::Dependency;
use crate::event::{CheckpointPart, DependencyInfo, RddInfo, ReadTier, StorageLevel};
use crate::ids::*;
use crate::storage::Data;
use crate::task_context::TaskContext;
use parking_lot::Mutex;
use std::any::Any;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// What the scheduler needs, without knowing the record type.
pub trait AnyRdd: Send + Sync {
    /// Identity, description, dependencies, marks.
    fn core(&self) -> &RddCore;
    /// The typed RDD, for one downcast.
    fn as_any(&self) -> &dyn Any;
    /// Computes one partition and writes it as a part of a checkpoint under `dir` (R9.8).
    fn write_checkpoint_part(
        self: Arc<Self>,
        partition: PartitionId,
        dir: &str,
        ctx: &TaskContext,
    ) -> Result<CheckpointPart, TaskError>;
    /// Replaces parents and computation by the files under `dir` (R9.11). Returns the reading RDD.
    fn cut(self: Arc<Self>, dir: &str) -> Arc<dyn AnyRdd>;
}

/// The map side of a shuffle, without knowing the record type.
pub trait AnyShuffle: Send + Sync {
    /// Identity.
    fn id(&self) -> ShuffleId;
    /// The map-side RDD.
    fn parent(&self) -> Arc<dyn AnyRdd>;
    /// Number of reduce partitions.
    fn reducers(&self) -> u32;
    /// Computes one map partition and writes its buckets on the executor of the task.
    fn write(&self, map: PartitionId, ctx: &TaskContext) -> Result<(), TaskError>;
}

/// What an operator author writes. Only the read boundary calls `compute`.
pub trait RddNode<T: Data>: Send + Sync {
    /// Delivers the records of a partition.
    fn compute(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, T>) -> ControlFlow<Stop>;

    /// Where the records come from, as the read rows tell it.
    fn tier(&self) -> ReadTier {
        ReadTier::Computed
    }
}

/// How far the checkpoint of an RDD is (R9.13, with the way back that Spark lacks).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckpointState {
    /// Not asked for.
    None,
    /// `checkpoint()` was called; written at the end of the next job.
    Marked,
    /// The second job runs.
    Writing,
    /// The files are verified and the lineage is cut.
    Done {
        /// Directory inside the reliable store.
        dir: String,
    },
}

/// The part of an RDD that is the same for every record type.
pub struct RddCore {
    id: RddId,
    ctx: SparkContext,
    info: Mutex<RddInfo>,
    dependencies: Mutex<Vec<Dependency>>,
    checkpoint: Mutex<CheckpointState>,
    do_checkpoint_called: AtomicBool,
    overridden: AtomicBool,
    /// Blocks of a receiver, one per partition, for an RDD that reads them.
    input_blocks: Vec<InputBlockId>,
    /// Where each partition would rather be computed, for an RDD that was told so.
    locations: OnceLock<Vec<Vec<TaskLocation>>>,
}

impl RddCore {
    pub(super) fn new(ctx: SparkContext, mut info: RddInfo, dependencies: Vec<Dependency>) -> Self {
        info.parents = dependencies.iter().map(Dependency::info).collect();
        Self {
            id: info.id,
            ctx,
            info: Mutex::new(info),
            dependencies: Mutex::new(dependencies),
            checkpoint: Mutex::new(CheckpointState::None),
            do_checkpoint_called: AtomicBool::new(false),
            overridden: AtomicBool::new(false),
            input_blocks: Vec::new(),
            locations: OnceLock::new(),
        }
    }

    /// The same RDD, whose partitions are these blocks of a receiver.
    pub(super) fn over_blocks(mut self, blocks: Vec<InputBlockId>) -> Self {
        self.input_blocks = blocks;
        self
    }

    /// The block of a receiver that a partition is, if it is one.
    pub fn input_block(&self, partition: PartitionId) -> Option<InputBlockId> {
        self.input_blocks.get(partition.0 as usize).copied()
    }

    /// Says where each partition would rather be computed; only the first call counts.
    pub(super) fn set_locations(&self, locations: Vec<Vec<TaskLocation>>) {
        self.locations.get_or_init(|| locations);
    }

    /// Where a partition would rather be computed, by its own account (R2.14).
    pub fn locations(&self, partition: PartitionId) -> &[TaskLocation] {
        self.locations.get().and_then(|all| all.get(partition.0 as usize)).map_or(&[], Vec::as_slice)
    }

    /// Whether any partition may say where it would rather be computed.
    pub fn has_locations(&self) -> bool {
        self.locations.get().is_some() || !self.input_blocks.is_empty()
    }

    /// Identity in this run.
    pub const fn id(&self) -> RddId {
        self.id
    }

    /// The context that made it.
    pub const fn context(&self) -> &SparkContext {
        &self.ctx
    }

    /// Description as of now.
    pub fn info(&self) -> RddInfo {
        self.info.lock().clone()
    }

    /// Partition count.
    pub fn num_partitions(&self) -> u32 {
        self.info.lock().num_partitions
    }

    /// Storage level as of now.
    pub fn level(&self) -> StorageLevel {
        self.info.lock().level
    }

    /// Identity across runs.
    pub fn op(&self) -> OpKey {
        self.info.lock().op.clone()
    }

    /// Dependencies as of now: one on the checkpoint RDD after a cut.
    pub fn dependencies(&self) -> Vec<Dependency> {
        self.dependencies.lock().clone()
    }

    /// How far its checkpoint is.
    pub fn checkpoint_state(&self) -> CheckpointState {
        self.checkpoint.lock().clone()
    }

    pub(crate) fn set_checkpoint_state(&self, state: CheckpointState) {
        *self.checkpoint.lock() = state;
    }

    pub(crate) fn edit(&self, f: impl FnOnce(&mut RddInfo)) {
        f(&mut self.info.lock());
    }

    pub(super) fn replace_dependencies(&self, new: Vec<Dependency>) -> Vec<Dependency> {
        let infos: Vec<DependencyInfo> = new.iter().map(Dependency::info).collect();
        self.edit(|info| info.parents = infos);
        std::mem::replace(&mut *self.dependencies.lock(), new)
    }

    /// Sets the flag of R9.4; returns whether it was set before.
    pub(super) fn enter_do_checkpoint(&self) -> bool {
        self.do_checkpoint_called.swap(true, Ordering::Relaxed)
    }

    /// Whether the user's choice of level is applied now, for the first time.
    pub(super) fn enter_override(&self) -> bool {
        !self.overridden.swap(true, Ordering::Relaxed)
    }

    pub(super) fn leave_do_checkpoint(&self) {
        self.do_checkpoint_called.store(false, Ordering::Relaxed);
    }

    pub(super) fn was_visited_by_a_job(&self) -> bool {
        self.do_checkpoint_called.load(Ordering::Relaxed)
    }
}

impl Drop for RddCore {
    fn drop(&mut self) {
        self.ctx.released_rdd(self.id);
    }
}
