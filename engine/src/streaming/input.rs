//! Inputs: a text replayed as a stream, and a queue of prepared batches.

use super::context::StreamingContext;
use super::dstream::{DStream, StreamNode, StreamSpec};
use super::inputs::{PlannedInput, QUEUE_STREAM};
use super::instances::Generation;
use crate::driver::BatchTick;
use crate::error::Result;
use crate::event::InputPlan;
use crate::rdd::{Line, Rdd, ReplayText};
use crate::storage::Data;
use std::panic::Location;
use std::sync::Arc;

/// A text replayed line by line; any batch can be read again, because it is a range of lines.
struct Replay {
    text: ReplayText,
    lines_per_batch: usize,
    partitions: u32,
}

impl StreamNode<Line> for Replay {
    fn compute(&self, generation: &Generation<'_>, tick: BatchTick) -> Result<Option<Rdd<Line>>> {
        let first = (tick.batch.0 as usize - 1) * self.lines_per_batch;
        Ok(Some(generation.sc.replay_range(&self.text, first, self.lines_per_batch, self.partitions)))
    }
}

/// The ranges of a replayed text, which depend on the batch and nothing else.
struct Ranges {
    text: String,
    lines_per_batch: u64,
}

impl PlannedInput for Ranges {
    fn describe(&self) -> String {
        format!("{}, {} lines a batch", self.text, self.lines_per_batch)
    }

    fn plan(&self, batch: u32) -> Option<InputPlan> {
        let first = u64::from(batch.saturating_sub(1)) * self.lines_per_batch;
        Some(InputPlan::Range { first, records: self.lines_per_batch })
    }

    fn restore(&self, _: u32, _: &InputPlan) {}

    fn restored(&self, _: u32) {}
}

/// Prepared batches; `None` means that the input has no RDD at that time.
struct Prepared<T> {
    batches: Vec<Option<Vec<T>>>,
    partitions: u32,
}

impl<T: Data> StreamNode<T> for Prepared<T> {
    fn compute(&self, generation: &Generation<'_>, tick: BatchTick) -> Result<Option<Rdd<T>>> {
        let batch = self.batches.get(tick.batch.0 as usize - 1).cloned().flatten();
        Ok(batch.map(|values| generation.sc.parallelize(values, self.partitions)))
    }
}

impl StreamingContext {
    /// A text replayed as a stream: `lines_per_batch` lines a batch, after the last line the first.
    #[track_caller]
    pub fn text_replay_stream(&self, text: ReplayText, lines_per_batch: usize) -> DStream<Line> {
        self.add_records_per_batch(lines_per_batch as u64);
        let spec = StreamSpec::narrow("textFileStream", "TextReplayInputDStream", self.interval());
        let partitions = self.spark_context().default_parallelism();
        let ranges = Ranges { text: text.name.clone(), lines_per_batch: lines_per_batch as u64 };
        let node = Replay { text, lines_per_batch, partitions };
        let lines = DStream::create(self, spec, Vec::new(), node, Location::caller());
        self.add_planned_input(lines.core.id, Arc::new(ranges));
        lines
    }

    /// Prepared batches, one per interval; after the last, none.
    #[track_caller]
    pub fn prepared_stream<T: Data>(&self, batches: Vec<Option<Vec<T>>>, partitions: u32) -> DStream<T> {
        self.refuse_recovery(QUEUE_STREAM);
        let spec = StreamSpec::narrow("queueStream", "QueueInputDStream", self.interval());
        DStream::create(self, spec, Vec::new(), Prepared { batches, partitions }, Location::caller())
    }
}
