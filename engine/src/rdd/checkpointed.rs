//! What a checkpoint makes of an RDD (R9.11): its only parent becomes the RDD that reads the files.

use super::chunk::{Sink, Stop, TaskError, deliver_owned};
use super::node::{CheckpointState, RddNode};
use super::{AnyRdd, Dependency, Rdd, drop_flat};
use crate::event::{Determinism, ReadTier};
use crate::ids::*;
use crate::storage::Data;
use crate::task_context::TaskContext;
use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Reads the parts of a checkpoint: Spark's `ReliableCheckpointRDD`.
struct ReadParts<T> {
    dir: String,
    records: PhantomData<fn() -> T>,
}

impl<T: Data> RddNode<T> for ReadParts<T> {
    fn compute(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, T>) -> ControlFlow<Stop> {
        match ctx.read_checkpoint_part::<T>(&self.dir, part) {
            Ok(values) => deliver_owned(values, ctx.chunk_len(), sink),
            Err(error) => ControlFlow::Break(Stop::Failed(TaskError::Exception(error))),
        }
    }

    fn tier(&self) -> ReadTier {
        ReadTier::Checkpoint
    }
}

/// What is left of a checkpointed RDD: it hands on what the files hold.
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
    pub(super) fn cut_to(&self, dir: &str) -> Arc<dyn AnyRdd> {
        let info = self.info();
        let ctx = self.context();
        let reader = {
            let op = info.op.clone();
            let callsite = self.0.core.checkpoint_callsite().unwrap_or(info.callsite);
            let _scope = ctx.push_frame(op.operator, op.batch, callsite, op.ordinal + 1);
            let node = ReadParts { dir: dir.to_owned(), records: PhantomData };
            let class = "ReliableCheckpointRDD";
            let core = ctx.new_core(
                class,
                info.num_partitions,
                info.partitioner.clone(),
                Determinism::Determinate,
                Vec::new(),
            );
            Self::new(core, node)
        };
        let erased = reader.erased();
        let core = &self.0.core;
        let old_node = self.0.node.write().replace(Arc::new(FromCheckpoint { reader }));
        let old_dependencies = core.replace_dependencies(vec![Dependency::one_to_one(Arc::clone(&erased))]);
        core.edit(|info| info.determinism = Determinism::Determinate);
        core.set_checkpoint_state(CheckpointState::Done { dir: dir.to_owned() });
        drop_flat(Box::new((old_node, old_dependencies)));
        erased
    }
}
