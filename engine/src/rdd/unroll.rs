//! Unrolling: a partition is gathered under memory that is set aside for it, and stored when it is whole (R8.4).
//!
//! ```text
//!              room                         whole
//!   in memory ──────▶ in memory ─────────────────────────▶ stored, then delivered
//!       │ no room, level has disk           whole
//!       ├──────────────────────▶ to disk ────────────────▶ stored on disk, then delivered
//!       │ no room, level has none
//!       └──────────────────────▶ streaming: what was gathered is delivered, then each chunk as it comes
//! ```
//!
//! Each record is computed once and delivered once, in order. Chunks are weighed, not records.

use super::chunk::{Chunk, Sink, Stop, TaskError, deliver_owned, deliver_shared};
use crate::ids::{BlockId, StoredId};
use crate::storage::frame::{FrameReader, FrameWriter};
use crate::storage::{
    BlockError, Data, MemoryMode, PutWay, StoredBlock, ValuesBlock, codec_of, estimate_bytes, frame_of, values_of,
};
use crate::task_context::{BlockPolicy, FoundBlock, NewBlock, TaskContext};
use std::ops::ControlFlow;
use std::sync::Arc;

/// How much more than it needs a growing partition asks for, in halves: Spark's factor of 1.5.
const GROWTH_HALVES: u64 = 3;

/// One partition on its way into the store.
pub(super) struct Unroller<'c, T: Data> {
    ctx: &'c TaskContext,
    id: BlockId,
    policy: BlockPolicy,
    mode: MemoryMode,
    form: Form<T>,
    /// Bytes of the records as values.
    weight: u64,
    /// Bytes set aside so far.
    reserved: u64,
}

enum Form<T> {
    /// Gathered in memory; with their encodings when the level keeps bytes.
    Memory { values: Vec<T>, encoded: Option<FrameWriter> },
    /// Encoded for the disk.
    Disk(FrameWriter),
    /// Not kept.
    Streaming,
}

fn failed(id: StoredId, error: &BlockError) -> ControlFlow<Stop> {
    ControlFlow::Break(Stop::Failed(TaskError::Exception(format!("block {id}: {error}"))))
}

/// Delivers the records of a block that was found, in chunks; one of bytes is decoded chunk by chunk. When
/// that fails its holder forgets it.
pub(super) fn deliver_found<T: Data>(ctx: &TaskContext, found: FoundBlock, sink: Sink<'_, T>) -> ControlFlow<Stop> {
    let damaged = |error: &BlockError| ControlFlow::Break(ctx.damaged(&found, error));
    let len = ctx.chunk_len();
    if let Some(bytes) = frame_of::<T>(&*found.block) {
        deliver_frame(bytes, len, sink, damaged)?;
    } else {
        match values_of::<T>(&*found.block) {
            Ok(values) => deliver_shared(values.as_slice(), len, sink)?,
            Err(error) => return damaged(&error),
        }
    }
    ctx.read_done(found)
}

fn deliver_frame<T: Data>(
    bytes: &[u8],
    len: usize,
    sink: Sink<'_, T>,
    failed: impl Fn(&BlockError) -> ControlFlow<Stop>,
) -> ControlFlow<Stop> {
    let mut reader = match FrameReader::<T>::new(bytes) {
        Ok(reader) => reader,
        Err(error) => return failed(&error),
    };
    loop {
        match reader.next_chunk(len.max(1)) {
            Ok(chunk) if chunk.is_empty() => return ControlFlow::Continue(()),
            Ok(mut chunk) => sink(Chunk::Owned(&mut chunk))?,
            Err(error) => return failed(&error),
        }
    }
}

impl<'c, T: Data> Unroller<'c, T> {
    pub fn new(ctx: &'c TaskContext, id: BlockId, policy: BlockPolicy) -> Self {
        let level = policy.level;
        let form = if level.use_memory {
            Form::Memory { values: Vec::new(), encoded: (!level.deserialized).then(FrameWriter::default) }
        } else {
            Form::Disk(FrameWriter::default())
        };
        Self { ctx, id, policy, mode: MemoryMode::of(level), form, weight: 0, reserved: 0 }
    }

    /// Takes a chunk in, or hands it on when the partition is not kept.
    pub fn take(&mut self, chunk: Chunk<'_, T>, sink: Sink<'_, T>) -> ControlFlow<Stop> {
        let (values, encoded) = match &mut self.form {
            Form::Streaming => return sink(chunk),
            Form::Disk(writer) => {
                self.weight += estimate_bytes(chunk.as_slice());
                return match writer.append(chunk.as_slice()) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => failed(self.id.into(), &error),
                };
            }
            Form::Memory { values, encoded } => (values, encoded),
        };
        self.weight += estimate_bytes(chunk.as_slice());
        let mut size = self.weight;
        if let Some(writer) = encoded {
            if let Err(error) = writer.append(chunk.as_slice()) {
                return failed(self.id.into(), &error);
            }
            size = writer.len();
        }
        chunk.append_to(values);
        if size <= self.reserved || self.grow(size) {
            return ControlFlow::Continue(());
        }
        self.overflow(sink)
    }

    /// Sets aside what `size` bytes need, and some more if it is free.
    fn grow(&mut self, size: u64) -> bool {
        let wanted = if self.reserved == 0 { self.ctx.unroll_start().max(size) } else { size / 2 * GROWTH_HALVES };
        let (least, wanted) = (size - self.reserved, wanted.max(size) - self.reserved);
        let granted = self.ctx.reserve_unroll(self.id, self.mode, least, wanted);
        self.reserved += granted.unwrap_or_default();
        granted.is_some()
    }

    /// There is no room: what was gathered goes to disk or to the reader, and so does what follows.
    fn overflow(&mut self, sink: Sink<'_, T>) -> ControlFlow<Stop> {
        let form = std::mem::replace(&mut self.form, Form::Streaming);
        let Form::Memory { values, encoded } = form else { return ControlFlow::Continue(()) };
        self.reserved = 0;
        if self.policy.level.use_disk {
            let writer = match encoded {
                Some(writer) => writer,
                None => {
                    let mut writer = FrameWriter::default();
                    if let Err(error) = writer.append(&values) {
                        return failed(self.id.into(), &error);
                    }
                    writer
                }
            };
            drop(values);
            self.ctx.release_unroll(self.id);
            self.form = Form::Disk(writer);
            return ControlFlow::Continue(());
        }
        self.ctx.not_kept(self.id);
        let delivered = deliver_owned(values, self.ctx.chunk_len(), sink);
        self.ctx.release_unroll(self.id);
        delivered
    }

    /// The partition is whole: it is stored, and only then delivered.
    pub fn finish(mut self, sink: Sink<'_, T>) -> ControlFlow<Stop> {
        let form = std::mem::replace(&mut self.form, Form::Streaming);
        match form {
            Form::Streaming => ControlFlow::Continue(()),
            Form::Disk(writer) => self.store_on_disk(writer, sink),
            Form::Memory { values, encoded: None } => self.store_values(values, sink),
            Form::Memory { values, encoded: Some(writer) } => {
                let block = match codec_of::<T>().wrap(writer.finish()) {
                    Ok(block) => block,
                    Err(error) => return failed(self.id.into(), &error),
                };
                self.weight = estimate_bytes(&values);
                self.put(block, PutWay::ByLevel)?;
                deliver_owned(values, self.ctx.chunk_len(), sink)
            }
        }
    }

    fn store_values(mut self, values: Vec<T>, sink: Sink<'_, T>) -> ControlFlow<Stop> {
        let block = Arc::new(ValuesBlock::new(values));
        self.weight = block.memory_bytes();
        // Weighed as a whole it may be larger than the sum of its chunks; the put itself finds out.
        if self.weight > self.reserved {
            self.grow(self.weight);
        }
        self.put(Arc::clone(&block) as _, PutWay::ByLevel)?;
        deliver_shared(block.values(), self.ctx.chunk_len(), sink)
    }

    fn store_on_disk(&self, writer: FrameWriter, sink: Sink<'_, T>) -> ControlFlow<Stop> {
        let bytes = writer.finish();
        match codec_of::<T>().wrap(Arc::clone(&bytes)) {
            Ok(block) => self.put(block, PutWay::ToDisk)?,
            Err(error) => return failed(self.id.into(), &error),
        }
        deliver_frame(&bytes, self.ctx.chunk_len(), sink, |error| failed(self.id.into(), error))
    }

    fn put(&self, block: Arc<dyn StoredBlock>, way: PutWay) -> ControlFlow<Stop> {
        self.ctx.put_block(NewBlock { id: self.id, block, policy: self.policy, way, weight: self.weight })
    }
}
