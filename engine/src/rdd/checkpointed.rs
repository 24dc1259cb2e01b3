//! What a checkpoint makes of an RDD (R9.11, R10.2): its only parent becomes the RDD that reads what was
//! saved.

use super::chunk::{Sink, Stop, TaskError};
use super::context::{OpenedCheckpoint, SparkContext, callsite};
use super::node::{CheckpointState, CutTo, PreparedCut, RddNode};
use super::partitioner::HashPartitioner;
use super::{Dependency, Rdd, drop_flat};
use crate::error::Result;
use crate::event::{CheckpointPart, Determinism, Event, Finding, ReadTier};
use crate::ids::*;
use crate::rdd::Notice;
use crate::storage::Data;
use crate::task_context::TaskContext;
use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::panic::Location;
use std::sync::Arc;

/// Reads the parts of a checkpoint: Spark's `ReliableCheckpointRDD`.
struct ReadParts<T> {
    dir: String,
    parts: Arc<[CheckpointPart]>,
    records: PhantomData<fn() -> T>,
}

impl<T: Data> RddNode<T> for ReadParts<T> {
    fn compute(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, T>) -> ControlFlow<Stop> {
        ctx.read_checkpoint_part(&self.dir, &self.parts, part, sink)
    }

    fn tier(&self) -> ReadTier {
        ReadTier::Checkpoint
    }
}

/// Stands where the parents of a local checkpoint were: Spark's `LocalCheckpointRDD`. It is asked only
/// for a block that is gone (R10.3).
struct BlocksOnly {
    of: RddId,
}

impl<T: Data> RddNode<T> for BlocksOnly {
    fn compute(&self, part: PartitionId, _: &TaskContext, _: Sink<'_, T>) -> ControlFlow<Stop> {
        let block = BlockId::new(self.of, part);
        ControlFlow::Break(Stop::Failed(TaskError::Exception(format!(
            "Checkpoint block {block} not found! Either the executor that originally checkpointed this partition is no \
             longer alive, or the original RDD is unpersisted. If this problem persists, you may consider using \
             `rdd.checkpoint()` instead, which is slower than local checkpointing but more fault-tolerant."
        ))))
    }

    fn tier(&self) -> ReadTier {
        ReadTier::Checkpoint
    }
}

/// What is left of a checkpointed RDD: it hands on what its reader reads.
struct FromCheckpoint<T: Data> {
    reader: Rdd<T>,
}

impl<T: Data> RddNode<T> for FromCheckpoint<T> {
    fn compute(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, T>) -> ControlFlow<Stop> {
        self.reader.for_each_chunk(part, ctx, sink)
    }

    fn tier(&self) -> ReadTier {
        ReadTier::Checkpoint
    }
}

impl<T: Data> Rdd<T> {
    /// The reader is made first, so that a failure can name it as Spark does (R9.10).
    pub(super) fn prepare_cut_to(&self, to: CutTo, callsite: String) -> PreparedCut {
        let info = self.info();
        let ctx = self.context();
        let _scope = ctx.push_frame(info.op.operator, info.op.batch, callsite, info.op.ordinal + 1);
        let core = |class: &str, determinism: Determinism| {
            ctx.new_core(class, info.num_partitions, info.partitioner.clone(), determinism, Vec::new())
        };
        let (reader, state) = match to {
            CutTo::Files { dir, parts } => {
                let node = ReadParts { dir: dir.clone(), parts, records: PhantomData };
                (
                    Self::new(core("ReliableCheckpointRDD", Determinism::Determinate), node),
                    CheckpointState::Done { dir },
                )
            }
            CutTo::Blocks => {
                // Blocks can be lost, and what they held cannot be made again (R1.8).
                let core = core("LocalCheckpointRDD", info.determinism);
                (Self::new(core, BlocksOnly { of: info.id }), CheckpointState::DoneLocally)
            }
        };
        let this = self.clone();
        PreparedCut { reader: reader.erased(), apply: Box::new(move || this.cut(reader, state)) }
    }

    fn cut(&self, reader: Self, state: CheckpointState) {
        let core = self.core();
        let parent = Dependency::one_to_one(reader.erased());
        let old_node = self.0.node.write().replace(Arc::new(FromCheckpoint { reader }));
        let old_dependencies = core.replace_dependencies(vec![parent]);
        if matches!(state, CheckpointState::Done { .. }) {
            core.edit(|info| info.determinism = Determinism::Determinate);
        }
        core.set_checkpoint_state(state);
        drop_flat(Box::new((old_node, old_dependencies)));
    }
}

impl SparkContext {
    /// The records of a checkpoint that this or another application wrote (R9.17). `path` is what
    /// [`Rdd::checkpoint_file`] gave. Every part is held against the manifest when it is read; a record
    /// type other than the one that was written fails the first job that reads it.
    ///
    /// # Errors
    /// When there is no such directory, or its files are not exactly those of its manifest.
    #[track_caller]
    pub fn checkpoint_file<T: Data>(&self, path: &str) -> Result<Rdd<T>> {
        let at = Location::caller();
        let dir = path.trim_matches('/').to_owned();
        let OpenedCheckpoint { parts, partitioner } = self.0.runner.open_checkpoint(dir.clone())?;
        let _scope = self.open("checkpointFile", at);
        // R9.9: without its partitioner the data is still the data; a later shuffle is not saved.
        let usable = partitioner.clone().filter(|info| HashPartitioner::from_info(info).is_some());
        if let Some(lost) = partitioner.filter(|_| usable.is_none()) {
            let message = format!(
                "the partitioner of the checkpoint {dir} is not one that this program can use ({}, version {} of the \
                 hash): its records are read, and a shuffle by key is not saved",
                lost.class, lost.hash_version
            );
            let kind = "checkpoint-partitioner-unusable".into();
            let finding = Finding { kind, message, place: callsite("checkpointFile", at) };
            self.tell(Notice::Fact(Event::FindingReported { finding }));
        }
        let partitions = u32::try_from(parts.len()).unwrap_or(u32::MAX);
        let core = self.new_core("ReliableCheckpointRDD", partitions, usable, Determinism::Determinate, Vec::new());
        Ok(Rdd::new(core, ReadParts { dir, parts: parts.into(), records: PhantomData }))
    }
}
