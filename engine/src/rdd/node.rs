//! The two faces of an RDD: what the scheduler needs without knowing the record type, and `compute`.

use super::chunk::{Sink, Stop, TaskError};
use super::context::SparkContext;
use super::dependency::Dependency;
use crate::event::{CheckpointPart, DependencyInfo, Determinism, PartitionerInfo, RddInfo, ReadTier, StorageLevel};
use crate::ids::*;
use crate::storage::Data;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::task_context::TaskContext;
use std::any::Any;
use std::ops::ControlFlow;
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
    /// Reads or computes one partition, so that its level keeps it (R10.2).
    fn materialize(self: Arc<Self>, partition: PartitionId, ctx: &TaskContext) -> Result<(), TaskError>;
    /// Makes the RDD that will stand in for the parents, and what puts it there (R9.11).
    fn prepare_cut(self: Arc<Self>, to: CutTo, callsite: String) -> PreparedCut;
}

/// What a cut lineage reads instead of its parents.
#[derive(Clone, Debug)]
pub enum CutTo {
    /// The files of a reliable checkpoint.
    Files {
        /// Directory inside the reliable store.
        dir: String,
        /// What the manifest says of each partition.
        parts: Arc<[CheckpointPart]>,
    },
    /// The blocks of the RDD itself: a local checkpoint (R10.2).
    Blocks,
}

/// A cut that has not been made yet. Dropping it changes nothing.
pub struct PreparedCut {
    /// The RDD that reads what was saved.
    pub reader: Arc<dyn AnyRdd>,
    /// Replaces parents and computation.
    pub apply: Box<dyn FnOnce() + Send>,
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

/// Where a checkpoint keeps its partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckpointKind {
    /// In files of the reliable store (R9).
    Reliable,
    /// In blocks of the executors (R10).
    Local,
}

/// How far the checkpoint of an RDD is (R9.13, with the way back that Spark lacks).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckpointState {
    /// Not asked for.
    None,
    /// `checkpoint()` or `localCheckpoint()` was called; written at the end of the next job.
    Marked(CheckpointKind),
    /// What the first job left to do is being done.
    Writing(CheckpointKind),
    /// The files are verified and the lineage is cut.
    Done {
        /// Directory inside the reliable store.
        dir: String,
    },
    /// All blocks are there and the lineage is cut.
    DoneLocally,
}

impl CheckpointState {
    /// Whether the RDD is a local checkpoint, or is to become one.
    pub fn is_local(&self) -> bool {
        matches!(self, Self::Marked(CheckpointKind::Local) | Self::Writing(CheckpointKind::Local) | Self::DoneLocally)
    }

    /// Whether the lineage has been cut.
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done { .. } | Self::DoneLocally)
    }
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
    /// Where tasks of a running job write the partitions that they compute.
    tee: Mutex<Option<Arc<str>>>,
    /// Blocks of a receiver, one per partition, for an RDD that reads them.
    input_blocks: Vec<InputBlockId>,
    /// Where each partition would rather be computed, for an RDD that was told so.
    locations: OnceLock<Vec<Vec<TaskLocation>>>,
    /// Whether its tasks would rather run where most of its parents would.
    parents_vote: bool,
    /// Whether those blocks were deleted (R12.7).
    blocks_removed: Arc<AtomicBool>,
    /// The `Partitioner<K>` that `info.partitioner` describes, when the description is not enough.
    partitioner: Option<Arc<dyn Any + Send + Sync>>,
    /// Whether its determinism is that of its parents, and nothing of its own.
    inherits_determinism: AtomicBool,
}

impl RddCore {
    pub(super) fn new(ctx: SparkContext, mut info: RddInfo, dependencies: Vec<Dependency>) -> Self {
        info.parents = dependencies.iter().map(Dependency::info).collect();
        let partitioner = info.partitioner.as_ref().and_then(|own| inherited_partitioner(own, &dependencies));
        let inherits = info.determinism == inherited_determinism(&dependencies);
        Self {
            id: info.id,
            ctx,
            info: Mutex::new(info),
            dependencies: Mutex::new(dependencies),
            checkpoint: Mutex::new(CheckpointState::None),
            do_checkpoint_called: AtomicBool::new(false),
            overridden: AtomicBool::new(false),
            tee: Mutex::new(None),
            input_blocks: Vec::new(),
            locations: OnceLock::new(),
            parents_vote: false,
            blocks_removed: Arc::default(),
            partitioner,
            inherits_determinism: AtomicBool::new(inherits),
        }
    }

    /// The same RDD, whose `Partitioner<K>` this is.
    pub(super) fn partitioned_by(mut self, partitioner: Arc<dyn Any + Send + Sync>) -> Self {
        self.partitioner = Some(partitioner);
        self
    }

    /// Its `Partitioner<K>`, unless that is by hash, or it has none.
    pub(super) fn partitioner_object(&self) -> Option<&Arc<dyn Any + Send + Sync>> {
        self.partitioner.as_ref()
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

    /// The same RDD, whose tasks would rather run where most of its parents would.
    pub(super) const fn where_most_parents_would(mut self) -> Self {
        self.parents_vote = true;
        self
    }

    /// Whether its tasks would rather run where most of its parents would, not where the first does (R2.14).
    pub const fn parents_vote(&self) -> bool {
        self.parents_vote
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

    /// The blocks of a receiver that it reads are deleted: whoever uses it from now on is told so (R12.7).
    pub(crate) fn forget_input_blocks(&self) {
        self.blocks_removed.store(true, Ordering::Relaxed);
    }

    pub(super) fn blocks_removed(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.blocks_removed)
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

    /// How far two computations of a partition may differ (R1.8).
    pub fn determinism(&self) -> Determinism {
        self.info.lock().determinism
    }

    /// Sets the determinism of an RDD that is not simply that of its parents.
    pub(super) fn declare_determinism(&self, own: Determinism) {
        self.inherits_determinism.store(false, Ordering::Relaxed);
        self.edit(|info| info.determinism = own);
    }

    /// The first job that reaches an RDD settles its determinism: a checkpoint of a parent that was written
    /// since the RDD was made counts, a later one does not.
    pub(crate) fn settle_determinism(&self) {
        if self.inherits_determinism.load(Ordering::Relaxed) {
            let inherited = inherited_determinism(&self.dependencies.lock());
            self.edit(|info| info.determinism = inherited);
        }
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

    /// Begins to write what is marked; `None` when there is no mark, or somebody else writes (R9.13).
    pub(super) fn begin_writing(&self) -> Option<CheckpointKind> {
        let mut state = self.checkpoint.lock();
        let CheckpointState::Marked(kind) = *state else { return None };
        *state = CheckpointState::Writing(kind);
        Some(kind)
    }

    /// Directory into which tasks write this RDD's partitions while they compute them, if they do.
    pub fn tee(&self) -> Option<Arc<str>> {
        self.tee.lock().clone()
    }

    pub(super) fn set_tee(&self, dir: Option<Arc<str>>) {
        *self.tee.lock() = dir;
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

    pub(crate) fn leave_do_checkpoint(&self) {
        self.do_checkpoint_called.store(false, Ordering::Relaxed);
    }

    pub(super) fn was_visited_by_a_job(&self) -> bool {
        self.do_checkpoint_called.load(Ordering::Relaxed)
    }
}

/// R1.8 over dependencies: the worst parent wins.
fn inherited_determinism(dependencies: &[Dependency]) -> Determinism {
    let levels = dependencies.iter().map(|dependency| match dependency {
        Dependency::Narrow { parent, .. } => parent.core().determinism(),
        Dependency::Shuffle(shuffle) => shuffle.parent().core().determinism().after_shuffle(),
    });
    levels.max().unwrap_or(Determinism::Determinate)
}

/// The partitioner that `own` describes, from the parent that was partitioned by it (R1.3).
fn inherited_partitioner(own: &PartitionerInfo, dependencies: &[Dependency]) -> Option<Arc<dyn Any + Send + Sync>> {
    own.detail.as_ref()?;
    let narrow = dependencies.iter().filter_map(|dependency| match dependency {
        Dependency::Narrow { parent, .. } => Some(parent.core()),
        Dependency::Shuffle(_) => None,
    });
    let mut same = narrow.filter(|core| core.info.lock().partitioner.as_ref() == Some(own));
    same.find_map(|core| core.partitioner.clone())
}

impl Drop for RddCore {
    fn drop(&mut self) {
        self.ctx.released_rdd(self.id);
    }
}
