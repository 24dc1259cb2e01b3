//! `BlockRDD`: what a receiver stored, one block per partition (R17.10, R17.11); with a write-ahead log
//! `WriteAheadLogBackedBlockRDD`, which reads the log where no block is left (R17.12).

use super::Rdd;
use super::chunk::{Sink, Stop, TaskError, deliver_owned};
use super::context::SparkContext;
use super::node::RddNode;
use super::unroll::deliver_found;
use crate::event::Determinism;
use crate::ids::*;
use crate::receiver::ReceivedBlock;
use crate::storage::Data;
use crate::storage::frame::FrameReader;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::task_context::TaskContext;
use crate::write_ahead::RecordHandle;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Reads blocks; it has no parents to compute them from.
struct Blocks {
    rdd: RddId,
    blocks: Vec<ReceivedBlock>,
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
        let ReceivedBlock { id, handle, recovered, .. } = &self.blocks[part.0 as usize];
        let found = if *recovered { Ok(None) } else { ctx.find_input_block(*id) };
        let found = match (found, handle) {
            (Ok(Some(found)), _) => found,
            (Ok(None), Some(handle)) => return read_log::<T>(ctx, handle, sink),
            (Ok(None), None) => {
                return failed(format!("Could not compute split, block {id} of RDD {} not found", self.rdd));
            }
            (Err(error), _) => return ControlFlow::Break(Stop::Failed(error)),
        };
        ctx.count_source(found.block.len());
        deliver_found(ctx, found, sink)
    }
}

/// The records of a block from the log, chunk by chunk.
fn read_log<T: Data>(ctx: &TaskContext, handle: &RecordHandle, sink: Sink<'_, T>) -> ControlFlow<Stop> {
    let damaged = |error: &dyn fmt::Display| failed(format!("write ahead log record {handle}: {error}"));
    let bytes = match ctx.read_logged(handle) {
        Ok(bytes) => bytes,
        Err(error) => return failed(error.to_string()),
    };
    let mut reader = match FrameReader::<T>::new(&bytes) {
        Ok(reader) => reader,
        Err(error) => return damaged(&error),
    };
    loop {
        match reader.next_chunk(ctx.chunk_len()) {
            Ok(chunk) if chunk.is_empty() => return ControlFlow::Continue(()),
            Ok(chunk) => {
                ctx.count_source(chunk.len() as u64);
                deliver_owned(chunk, ctx.chunk_len(), sink)?;
            }
            Err(error) => return damaged(&error),
        }
    }
}

impl SparkContext {
    /// The records of these blocks of a receiver.
    pub(crate) fn block_rdd<T: Data>(&self, blocks: Vec<ReceivedBlock>) -> Rdd<T> {
        let partitions = u32::try_from(blocks.len()).unwrap_or(u32::MAX);
        let logged = match blocks.as_slice() {
            [] => self.config().receiver_log.enabled,
            blocks => blocks.iter().all(|block| block.handle.is_some()),
        };
        let class = if logged { "WriteAheadLogBackedBlockRDD" } else { "BlockRDD" };
        let core = self.new_core(class, partitions, None, Determinism::Determinate, Vec::new());
        let (info, removed) = (core.info(), core.blocks_removed());
        let name = format!("{}[{}] at {}", info.display_name(), info.id, info.callsite);
        let ids = blocks.iter().map(|block| block.id).collect();
        let node = Blocks { rdd: core.id(), blocks, name, removed };
        Rdd::new(core.over_blocks(ids), node)
    }
}
