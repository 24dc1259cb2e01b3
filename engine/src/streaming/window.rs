//! `window`: the union of the parent's last batches (R13.1, R13.2).

use super::dstream::{DStream, StreamNode, StreamSpec};
use super::instances::Generation;
use crate::driver::BatchTick;
use crate::error::{EngineError, Result};
use crate::event::StorageLevel;
use crate::ids::Millis;
use crate::rdd::Rdd;
use crate::storage::Data;
use std::panic::Location;
use std::sync::Arc;

struct Window<T: Data> {
    parent: DStream<T>,
    window: Millis,
}

impl<T: Data> StreamNode<T> for Window<T> {
    fn compute(&self, generation: &Generation<'_>, tick: BatchTick) -> Result<Option<Rdd<T>>> {
        let first = tick.batch.0.saturating_sub(generation.batches(self.window)) + 1;
        let mut rdds = Vec::new();
        for number in first..=tick.batch.0 {
            rdds.extend(generation.rdd(&self.parent, generation.tick(number))?);
        }
        Ok(Some(generation.sc.union(&rdds)))
    }
}

impl<T: Data> DStream<T> {
    /// The records of the last `window`, every `slide`. The parent is kept in memory (R12.1).
    ///
    /// # Errors
    /// When a duration is not a multiple of the parent's slide.
    #[track_caller]
    pub fn window(&self, window: Millis, slide: Millis) -> Result<DStream<T>> {
        self.windowed_as(("window", "window"), window, slide, Location::caller())
    }

    /// `window` as the operator `method`, a part of what the user `called`.
    pub(super) fn windowed_as(
        &self,
        (called, method): (&'static str, &'static str),
        window: Millis,
        slide: Millis,
        at: &Location<'_>,
    ) -> Result<DStream<T>> {
        let parent = self.slide();
        let refuse = |what: &str, given: Millis| {
            Err(EngineError::IllegalArgument(format!(
                "The {what} duration of windowed DStream ({given} ms) must be a multiple of the slide duration of parent DStream ({parent} ms)"
            )))
        };
        if window.0 == 0 || !window.0.is_multiple_of(parent.0.max(1)) {
            return refuse("window", window);
        }
        if slide.0 == 0 || !slide.0.is_multiple_of(parent.0.max(1)) {
            return refuse("slide", slide);
        }
        self.persist(StorageLevel::MEMORY_ONLY_SER)?;
        let spec = StreamSpec { called, window: Some(window), ..StreamSpec::narrow(method, "WindowedDStream", slide) };
        let node = Window { parent: self.clone(), window };
        Ok(DStream::create(&self.ssc, spec, vec![Arc::clone(&self.core)], node, at))
    }
}
