//! Typed, lazy RDDs.
//!
//! An `Rdd<T>` is a handle on a node of the lineage. Work is pushed through nodes a chunk at a time:
//! one indirect call per node and chunk, an ordinary loop inside. Persist and checkpoint live at the
//! read boundary (`read.rs`) and nowhere else.

mod accumulator;
mod action;
mod blocks;
mod broadcast;
mod cartesian;
mod checkpoint_dir;
mod checkpointed;
mod chunk;
mod coalesce;
mod cogroup;
mod context;
mod dependency;
mod detached;
mod distinct;
mod do_checkpoint;
pub(crate) mod glob;
mod in_task;
mod join;
mod marks;
mod narrow;
mod node;
mod pair;
pub mod partitioner;
mod periodic;
mod pipe;
mod prune;
mod range;
mod read;
mod sample;
mod sort;
mod source;
mod subtract;
mod union;
mod unroll;
mod unstable;
mod zip;

pub use accumulator::{Accumulate, Accumulator, AccumulatorUpdate};
pub use action::{LocalIterator, Number, StatCounter};
pub use broadcast::Broadcast;
pub use chunk::{Chunk, Sink, Stop, TaskError};
pub use context::{
    CheckpointCommit, CheckpointProgress, Files, JobRunner, JobSpec, Notice, OpenedCheckpoint, ResultFn, SparkContext,
    TaskOutput,
};
pub use dependency::Dependency;
pub use narrow::{Out, PreservesPartitioning};
pub use node::{AnyRdd, AnyShuffle, CheckpointKind, CheckpointState, CutTo, PreparedCut, RddCore, RddNode};
pub use partitioner::{HashPartitioner, PartitionKeys, Partitioner, RangePartitioner, SortOrder};
pub use periodic::PeriodicRddCheckpointer;
pub use pipe::{PipedCommand, PipedEnd, PipedProcess};
pub use sample::Replacement;
pub use sort::FloatKey;
pub use source::{Line, ReplayText};

pub(crate) use chunk::{deliver_owned, deliver_shared};
pub use context::Released;
pub(crate) use context::{JobLocal, callsite, job_local, with_job_local};
pub(crate) use in_task::run_in_task;
pub(crate) use marks::NO_DIRECTORY;

use crate::error::{EngineError, Result};
use crate::event::*;
use crate::ids::*;
use crate::lineage::{BlockSummary, Detail};
use crate::storage::Data;
use crate::sync::RwLock;
use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Spark's refusal of a second level.
pub(crate) const LEVEL_IS_SET: &str = "Cannot change storage level of an RDD after it was already assigned a level";

/// Lines after which the text of a lineage ends: shared parents are told again each time.
const TEXT_LINES_MAX: usize = 100_000;

/// A distributed collection of `T`: a lineage that can be computed, kept, or read back.
pub struct Rdd<T: Data>(Arc<RddInner<T>>);

pub(crate) struct RddInner<T: Data> {
    core: RddCore,
    /// `None` only while dropping. A cut replaces it by a reader of the checkpoint.
    node: RwLock<Option<Arc<dyn RddNode<T>>>>,
}

impl<T: Data> Clone for Rdd<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Data> Rdd<T> {
    pub(crate) fn new(core: RddCore, node: impl RddNode<T> + 'static) -> Self {
        Self(Arc::new(RddInner { core, node: RwLock::new(Some(Arc::new(node))) }))
    }

    /// Identity in this run.
    pub fn id(&self) -> RddId {
        self.0.core.id()
    }

    /// The part that does not depend on `T`.
    pub fn core(&self) -> &RddCore {
        &self.0.core
    }

    /// The context that made it.
    pub fn context(&self) -> &SparkContext {
        self.0.core.context()
    }

    /// Description as of now.
    pub fn info(&self) -> RddInfo {
        self.0.core.info()
    }

    /// Partition count.
    pub fn num_partitions(&self) -> u32 {
        self.0.core.num_partitions()
    }

    /// The same RDD without its record type.
    pub fn erased(&self) -> Arc<dyn AnyRdd> {
        Arc::clone(&self.0) as Arc<dyn AnyRdd>
    }

    fn node(&self) -> Arc<dyn RddNode<T>> {
        Arc::clone(self.0.node.read().as_ref().expect("the node is taken only while dropping"))
    }

    /// Names the RDD in texts and pictures.
    #[must_use]
    pub fn set_name(self, name: &str) -> Self {
        self.0.core.edit(|info| info.name = Some(name.to_owned()));
        self
    }

    /// Marks the RDD to be kept at `level` when it is first computed (R8.2). A local checkpoint keeps its
    /// disk whatever the level says (R10.1).
    ///
    /// # Errors
    /// When another level was set before, or the level asks for 40 copies or more.
    pub fn persist(&self, level: StorageLevel) -> Result<Self> {
        if level.replication >= StorageLevel::COPIES_LIMIT {
            return Err(EngineError::IllegalArgument(TooManyCopies.to_string()));
        }
        let (current, local) = (self.0.core.level(), self.0.core.checkpoint_state().is_local());
        let level = if local { marks::with_disk(level) } else { level };
        if !local && current != StorageLevel::NONE && current != level {
            return Err(EngineError::IllegalArgument(LEVEL_IS_SET.into()));
        }
        if current != level {
            self.set_level(level);
        }
        Ok(self.clone())
    }

    pub(crate) fn set_level(&self, level: StorageLevel) {
        self.0.core.edit(|info| info.level = level);
        self.context().tell(Notice::Persisted(self.id(), level));
    }

    /// `persist(MEMORY_ONLY)`.
    ///
    /// # Errors
    /// As [`Rdd::persist`].
    pub fn cache(&self) -> Result<Self> {
        self.persist(StorageLevel::MEMORY_ONLY)
    }

    /// Forgets every stored block of this RDD; it can be computed again (R8.16).
    pub fn unpersist(&self) {
        self.warn_of_unpersisting();
        self.0.core.edit(|info| info.level = StorageLevel::NONE);
        self.context().tell(Notice::Unpersisted(self.id()));
    }

    /// As [`Rdd::unpersist`], and returns when no executor holds a block of it any more: Spark's
    /// `unpersist(blocking = true)`.
    pub fn unpersist_and_wait(&self) {
        self.unpersist();
        // The driver answers in order: what it was told before has been done.
        drop(self.context().0.runner.stored(vec![self.id()]));
    }

    /// Spark's text of the lineage, and of what is stored, as of now.
    pub fn to_debug_string(&self) -> String {
        self.lineage_text(Detail::Spark)
    }

    /// As [`Rdd::to_debug_string`], with the wanted detail.
    pub fn lineage_text(&self, detail: Detail) -> String {
        let mut graph = crate::lineage::LineageGraph::default();
        let mut infos = Vec::new();
        let mut marked = BTreeSet::new();
        for_each_ancestor(self.erased(), |rdd| {
            infos.push(rdd.core().info());
            if matches!(rdd.core().checkpoint_state(), CheckpointState::Marked(_)) {
                marked.insert(rdd.core().id());
            }
        });
        let stored = self.context().0.runner.stored(infos.iter().map(|info| info.id).collect());
        infos.sort_by_key(|i| (!i.parents.is_empty(), i.id));
        infos.into_iter().for_each(|info| graph.insert(info));
        let blocks = |rdd| {
            let stored = stored.get(&rdd).copied().unwrap_or_default();
            BlockSummary { marked: marked.contains(&rdd), ..stored }
        };
        crate::lineage::debug_string(&graph, self.id(), (self.0.core.level(), detail), blocks, TEXT_LINES_MAX)
    }
}

/// Visits `root` and every RDD it depends on, once each, without recursion.
pub(crate) fn for_each_ancestor(root: Arc<dyn AnyRdd>, mut visit: impl FnMut(&Arc<dyn AnyRdd>)) {
    let mut seen = BTreeSet::new();
    let mut todo = vec![root];
    while let Some(rdd) = todo.pop() {
        if seen.insert(rdd.core().id()) {
            visit(&rdd);
            todo.extend(rdd.core().dependencies().iter().map(Dependency::parent));
        }
    }
}

crate::sync::thread_local! {
    /// Nodes waiting to be dropped on this thread, so that dropping a lineage does not recurse.
    static DROPPING: RefCell<Option<Vec<Box<dyn Any>>>> = const { RefCell::new(None) };
}

/// Drops `value`, one lineage node at a time however long the chain behind it is.
fn drop_flat(value: Box<dyn Any>) {
    let outermost = DROPPING.with_borrow_mut(|queue| match queue {
        Some(queue) => {
            queue.push(value);
            false
        }
        None => {
            *queue = Some(vec![value]);
            true
        }
    });
    if outermost {
        while let Some(next) = DROPPING.with_borrow_mut(|queue| queue.as_mut().and_then(Vec::pop)) {
            drop(next);
        }
        DROPPING.set(None);
    }
}

impl<T: Data> Drop for RddInner<T> {
    fn drop(&mut self) {
        let dependencies = self.core.replace_dependencies(Vec::new());
        if let Some(node) = self.node.get_mut().take() {
            drop_flat(Box::new((node, dependencies)));
        }
    }
}
