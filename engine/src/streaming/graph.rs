//! The template: streams and output operations, with what is known of them before any batch.

use crate::driver::{BatchTick, ReceiverPlan};
use crate::error::Result;
use crate::event::{OutputOpInfo, StreamInfo};
use crate::ids::*;
use crate::streaming::instances::Generation;
use parking_lot::Mutex;
use std::sync::Arc;

/// The part of a stream that is the same for every record type.
pub(super) struct StreamCore {
    pub id: StreamId,
    pub info: Mutex<StreamInfo>,
    pub parents: Vec<Arc<StreamCore>>,
    /// Refused without a checkpoint directory (R12.2).
    pub must_checkpoint: bool,
}

impl StreamCore {
    pub fn slide(&self) -> Millis {
        self.info.lock().slide
    }

    /// Whether `tick` is a time of this stream: after zero and a multiple of its slide (R11.1).
    pub fn is_time_valid(&self, tick: u32, interval: Millis) -> bool {
        tick > 0 && (u64::from(tick) * interval.0).is_multiple_of(self.slide().0.max(1))
    }
}

/// What an output operation does with a batch: builds its job, if the stream has an RDD.
pub(super) type OutputBody =
    Box<dyn Fn(&Generation<'_>, BatchTick) -> Result<Option<Box<dyn FnOnce() -> Result<()> + Send>>> + Send>;

/// A registered output operation.
pub(super) struct OutputOp {
    pub info: OutputOpInfo,
    pub body: OutputBody,
}

/// All streams and output operations of a context.
#[derive(Default)]
pub(super) struct DStreamGraph {
    pub streams: Vec<Arc<StreamCore>>,
    pub outputs: Vec<OutputOp>,
    pub started: bool,
    /// Input records per batch, summed over the inputs.
    pub records_per_batch: u64,
    pub remember: Option<Millis>,
    pub receivers: Vec<ReceiverPlan>,
}
