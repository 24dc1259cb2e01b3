//! Input streams as a checkpoint sees them: what they gave to a batch, so that they can give it again.

use super::context::StreamingContext;
use crate::event::InputPlan;
use crate::ids::StreamId;
use crate::sync::Mutex;
use std::sync::Arc;

/// What Spark says of a stream whose input is gone once it was read.
pub(super) const QUEUE_STREAM: &str =
    "queueStream doesn't support checkpointing. Please don't use queueStream when checkpointing is enabled.";

/// An input stream that knows what it gave to which batch.
pub(super) trait PlannedInput: Send + Sync {
    /// What it reads, in words: something else is another program.
    fn describe(&self) -> String;
    /// What it gave to a batch that is remembered.
    fn plan(&self, batch: u32) -> Option<InputPlan>;
    /// A former driver generated a batch with this.
    fn restore(&self, batch: u32, plan: &InputPlan);
    /// All plans are restored: what was generated up to `last` and has no plan cannot be read again.
    fn restored(&self, last: u32);
}

/// The input streams of a context.
#[derive(Default)]
pub(super) struct Inputs {
    planned: Mutex<Vec<(StreamId, Arc<dyn PlannedInput>)>>,
    /// Why a stream of this context cannot be recovered.
    refusal: Mutex<Option<&'static str>>,
}

impl Inputs {
    /// All that know what they gave.
    pub fn planned(&self) -> Vec<(StreamId, Arc<dyn PlannedInput>)> {
        self.planned.lock().clone()
    }

    /// Why the context cannot be recovered, if it cannot.
    pub fn refusal(&self) -> Option<&'static str> {
        *self.refusal.lock()
    }
}

impl StreamingContext {
    pub(super) fn add_planned_input(&self, stream: StreamId, input: Arc<dyn PlannedInput>) {
        self.inputs().planned.lock().push((stream, input));
    }

    /// A stream of this context takes what it reads out of something that dies with the program.
    pub(super) fn refuse_recovery(&self, why: &'static str) {
        self.inputs().refusal.lock().get_or_insert(why);
    }
}
