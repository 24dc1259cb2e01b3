//! `BlockRDD`: what a receiver stored, one block per partition (R17.10, R17.11).

use super::Rdd;
use super::chunk::{Sink, Stop, TaskError};
use super::context::SparkContext;
use super::node::RddNode;
use super::unroll::deliver_found;
use crate::event::Determinism;
use crate::ids::*;
use crate::storage::Data;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::task_context::TaskContext;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Reads blocks; it has no parents to compute them from.
struct Blocks {
    rdd: RddId,
    blocks: Vec<InputBlockId>,
    /// As Spark names it.
    name: String,
    removed: Arc<AtomicBool>,
}

fn failed(message: String) -> ControlFlow<Stop> {
    ControlFlow::Break(Stop::Failed(TaskError::Exception(message)))
}

impl<T: Data> RddNode<T> for Blocks {
    fn compute(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, T>) -> ControlFlow<Stop> {
        if self.removed.load(Ordering::Relaxed) {
            return failed(format!("Attempted to use {} after its blocks have been removed!", self.name));
        }
        let id = self.blocks[part.0 as usize];
        let found = match ctx.find_input_block(id) {
            Ok(Some(found)) => found,
            Ok(None) => {
                return failed(format!("Could not compute split, block {id} of RDD {} not found", self.rdd));
            }
            Err(error) => return ControlFlow::Break(Stop::Failed(error)),
        };
        ctx.count_source(found.block.len());
        deliver_found(ctx, found, sink)
    }
}

impl SparkContext {
    /// The records of these blocks of a receiver.
    pub(crate) fn block_rdd<T: Data>(&self, blocks: Vec<InputBlockId>) -> Rdd<T> {
        let partitions = u32::try_from(blocks.len()).unwrap_or(u32::MAX);
        let core = self.new_core("BlockRDD", partitions, None, Determinism::Determinate, Vec::new());
        let (info, removed) = (core.info(), core.blocks_removed());
        let name = format!("{}[{}] at {}", info.display_name(), info.id, info.callsite);
        let node = Blocks { rdd: core.id(), blocks: blocks.clone(), name, removed };
        Rdd::new(core.over_blocks(blocks), node)
    }
}
