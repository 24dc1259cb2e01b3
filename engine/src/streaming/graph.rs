//! The template: streams and output operations, with what is known of them before any batch.

use crate::driver::{BatchTick, OutputBody};
use crate::error::{EngineError, Result};
use crate::event::{OutputOpInfo, StorageLevel, StreamInfo};
use crate::ids::*;
use crate::receiver::ReceiverPlan;
use crate::streaming::instances::Generation;
use crate::sync::Mutex;
use std::sync::Arc;

/// How far a context is (R11.2).
///
/// ```text
/// Initialized ──start──▶ Active ──▶ Stopped
///      └──────start fails───────────────▲
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ContextState {
    /// The template can be built.
    #[default]
    Initialized,
    /// Batches run.
    Active,
    /// For good.
    Stopped,
}

impl ContextState {
    /// Why nothing can be added to the template any more.
    fn refusal(self) -> Option<EngineError> {
        let when = match self {
            Self::Initialized => return None,
            Self::Active => "starting",
            Self::Stopped => "stopping",
        };
        Some(EngineError::IllegalState(format!(
            "Adding new inputs, transformations, and output operations after {when} a context is not supported"
        )))
    }
}

/// How often a stream that must be saved is saved when the program does not say (R12.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DefaultInterval {
    /// Its slide, times ⌈10 s / slide⌉.
    TenSeconds,
    /// Ten times its slide: the state of `mapWithState`.
    TenSlides,
}

/// The part of a stream that is the same for every record type.
pub(super) struct StreamCore {
    pub id: StreamId,
    pub info: Mutex<StreamInfo>,
    pub parents: Vec<Arc<StreamCore>>,
    /// Refused without a checkpoint directory (R12.2).
    pub must_checkpoint: bool,
    /// How often it is saved when the program does not say.
    pub interval: DefaultInterval,
}

impl StreamCore {
    pub fn slide(&self) -> Millis {
        self.info.lock().slide
    }

    /// Whether the RDDs of this stream are kept themselves: those of a plain window are not (R12.1).
    pub fn keeps_its_own(&self) -> bool {
        let info = self.info.lock();
        info.window.is_none() || info.stateful
    }

    /// Sets the level of this stream, of its parent if it is a plain window, of both if the window
    /// reduces.
    pub fn set_level(&self, level: StorageLevel) {
        if self.keeps_its_own() {
            self.info.lock().level = level;
        }
        if self.info.lock().window.is_some()
            && let Some(parent) = self.parents.first()
        {
            parent.info.lock().level = level;
        }
    }

    /// Whether `tick` is a time of this stream: after zero and a multiple of its slide (R11.1).
    pub fn is_time_valid(&self, tick: u32, interval: Millis) -> bool {
        tick > 0 && (u64::from(tick) * interval.0).is_multiple_of(self.slide().0.max(1))
    }
}

/// What an output operation does with a batch: builds its job, if the stream has an RDD.
pub(super) type MakeOutput = Box<dyn Fn(&Generation<'_>, BatchTick) -> Result<Option<OutputBody>> + Send + Sync>;

/// A registered output operation.
pub(super) struct OutputOp {
    pub info: OutputOpInfo,
    pub body: MakeOutput,
}

/// All streams and output operations of a context.
#[derive(Default)]
pub(super) struct DStreamGraph {
    pub streams: Vec<Arc<StreamCore>>,
    pub outputs: Vec<Arc<OutputOp>>,
    pub state: ContextState,
    /// Input records per batch, summed over the inputs.
    pub records_per_batch: u64,
    pub remember: Option<Millis>,
    pub receivers: Vec<ReceiverPlan>,
}

impl DStreamGraph {
    /// Refuses to be changed once the context started.
    ///
    /// # Errors
    /// R11.2, in Spark's words.
    pub fn require_open(&self) -> Result<()> {
        self.state.refusal().map_or(Ok(()), Err)
    }
}
