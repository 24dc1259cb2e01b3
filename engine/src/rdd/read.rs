//! The read boundary: Spark's `RDD.iterator`. A stored block, else the checkpoint file, else lineage.

use super::chunk::{Chunk, Sink, Stop, TaskError};
use super::unroll::{Unroller, deliver_found};
use super::{AnyRdd, CutTo, PreparedCut, Rdd, RddInner};
use crate::event::CheckpointPart;
use crate::ids::*;
use crate::storage::Data;
use crate::storage::frame::FrameWriter;
use crate::sync::with_stack;
use crate::task_context::{BlockPolicy, TaskContext};
use std::any::Any;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Stack left below which the boundary asks for more, and how much it asks for.
const STACK_RED_ZONE: usize = 96 * 1024;
const STACK_GROWTH: usize = 4 * 1024 * 1024;

impl<T: Data> Rdd<T> {
    /// Delivers the records of a partition from the nearest place that holds them.
    pub(crate) fn for_each_chunk(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, T>) -> ControlFlow<Stop> {
        with_stack(STACK_RED_ZONE, STACK_GROWTH, || {
            ctx.check_cancelled()?;
            let row = ctx.open_row(self.id(), part);
            let mut records = 0u64;
            let mut counted = |chunk: Chunk<'_, T>| {
                ctx.check_cancelled()?;
                records += chunk.len() as u64;
                ctx.hand_on(row);
                let flow = with_stack(STACK_RED_ZONE, STACK_GROWTH, || sink(chunk));
                ctx.take_back(row);
                flow
            };
            let flow = match ctx.tee(BlockId::new(self.id(), part)) {
                Some(dir) => self.deliver_and_write(part, ctx, row, &dir, &mut counted),
                None => self.deliver(part, ctx, row, &mut counted),
            };
            ctx.close_row(row, records);
            flow
        })
    }

    fn deliver(&self, part: PartitionId, ctx: &TaskContext, row: usize, sink: Sink<'_, T>) -> ControlFlow<Stop> {
        match ctx.policy(self.id()) {
            Some(policy) => self.get_or_produce(part, ctx, row, policy, sink),
            None => self.produce(part, ctx, row, sink),
        }
    }

    /// Delivers a partition and writes it to the checkpoint, from one computation. A partition of which the
    /// reader had enough, or a record that cannot be written, leaves the part to the second job.
    fn deliver_and_write(
        &self,
        part: PartitionId,
        ctx: &TaskContext,
        row: usize,
        dir: &str,
        sink: Sink<'_, T>,
    ) -> ControlFlow<Stop> {
        let mut encoder = Some(FrameWriter::default());
        self.deliver(part, ctx, row, &mut |chunk| {
            if encoder.as_mut().is_some_and(|e| e.append(chunk.as_slice()).is_err()) {
                encoder = None;
            }
            sink(chunk)
        })?;
        match encoder {
            Some(encoder) => ctx.write_tee(dir, BlockId::new(self.id(), part), encoder),
            None => ControlFlow::Continue(()),
        }
    }

    fn produce(&self, part: PartitionId, ctx: &TaskContext, row: usize, sink: Sink<'_, T>) -> ControlFlow<Stop> {
        let node = self.node();
        ctx.set_row_tier(row, node.tier(), 0);
        node.compute(part, ctx, sink)
    }

    /// A stored block when some executor holds one; else the partition is produced, unrolled under
    /// the memory budget, stored, and only then delivered (R8.3, R8.4). A partition that does not fit
    /// streams on after the part already unrolled, each record computed once.
    fn get_or_produce(
        &self,
        part: PartitionId,
        ctx: &TaskContext,
        row: usize,
        policy: BlockPolicy,
        sink: Sink<'_, T>,
    ) -> ControlFlow<Stop> {
        let id = BlockId::new(self.id(), part);
        let found = match ctx.find_block(id) {
            Ok(found) => found,
            Err(error) => return ControlFlow::Break(Stop::Failed(error)),
        };
        if let Some(found) = found {
            ctx.set_row_tier(row, found.tier, found.block.memory_bytes());
            return deliver_found(ctx, found, sink);
        }
        let mut unroller = Unroller::new(ctx, id, policy);
        self.produce(part, ctx, row, &mut |chunk| unroller.take(chunk, sink))?;
        unroller.finish(sink)
    }

    /// All records of a partition.
    pub(crate) fn collect_partition(&self, part: PartitionId, ctx: &TaskContext) -> Result<Vec<T>, TaskError> {
        let mut values = Vec::new();
        match self.for_each_chunk(part, ctx, &mut |chunk| {
            chunk.append_to(&mut values);
            ControlFlow::Continue(())
        }) {
            ControlFlow::Continue(()) => Ok(values),
            ControlFlow::Break(stop) => Err(stop.into()),
        }
    }
}

impl<T: Data> AnyRdd for RddInner<T> {
    fn core(&self) -> &super::RddCore {
        &self.core
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn write_checkpoint_part(
        self: Arc<Self>,
        partition: PartitionId,
        dir: &str,
        ctx: &TaskContext,
    ) -> Result<CheckpointPart, TaskError> {
        let mut encoder = FrameWriter::default();
        let failed = |error| Stop::Failed(TaskError::Exception(format!("Checkpoint failed: {error}")));
        let flow = Rdd(self).for_each_chunk(partition, ctx, &mut |chunk| match encoder.append(chunk.as_slice()) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(failed(error)),
        });
        match flow {
            ControlFlow::Continue(()) => ctx.write_checkpoint_part(dir, partition, encoder),
            ControlFlow::Break(stop) => Err(stop.into()),
        }
    }

    fn materialize(self: Arc<Self>, partition: PartitionId, ctx: &TaskContext) -> Result<(), TaskError> {
        match Rdd(self).for_each_chunk(partition, ctx, &mut |_| ControlFlow::Continue(())) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(stop) => Err(stop.into()),
        }
    }

    fn prepare_cut(self: Arc<Self>, to: CutTo, callsite: String) -> PreparedCut {
        Rdd(self).prepare_cut_to(to, callsite)
    }
}
