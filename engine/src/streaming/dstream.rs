//! `DStream<T>`: the typed handle on a stream of the template.

use super::context::StreamingContext;
use super::graph::{DefaultInterval, StreamCore};
use super::instances::Generation;
use crate::driver::BatchTick;
use crate::error::{EngineError, Result};
use crate::event::{StorageLevel, StreamInfo};
use crate::ids::*;
use crate::rdd::{Rdd, callsite};
use crate::storage::Data;
use std::panic::Location;
use std::sync::Arc;

/// How a stream makes the RDD of a batch.
pub(super) trait StreamNode<T: Data>: Send + Sync {
    /// The RDD, or none when there is nothing at this time.
    fn compute(&self, generation: &Generation<'_>, tick: BatchTick) -> Result<Option<Rdd<T>>>;
}

/// A stream of the template: one RDD of `T` per batch.
pub struct DStream<T: Data> {
    pub(super) core: Arc<StreamCore>,
    pub(super) node: Arc<dyn StreamNode<T>>,
    pub(super) ssc: StreamingContext,
}

impl<T: Data> Clone for DStream<T> {
    fn clone(&self) -> Self {
        Self { core: Arc::clone(&self.core), node: Arc::clone(&self.node), ssc: self.ssc.clone() }
    }
}

/// What is particular about a new stream.
pub(super) struct StreamSpec {
    /// Names the operator.
    pub method: &'static str,
    /// The method that the user called, when it makes several streams.
    pub called: &'static str,
    pub class: &'static str,
    pub slide: Millis,
    pub window: Option<Millis>,
    pub stateful: bool,
    pub shuffles: bool,
    pub level: StorageLevel,
    pub interval: DefaultInterval,
}

impl StreamSpec {
    /// A stream that follows its parent batch by batch.
    pub const fn narrow(method: &'static str, class: &'static str, slide: Millis) -> Self {
        Self {
            method,
            called: method,
            class,
            slide,
            window: None,
            stateful: false,
            shuffles: false,
            level: StorageLevel::NONE,
            interval: DefaultInterval::TenSeconds,
        }
    }
}

impl<T: Data> DStream<T> {
    /// Adds a stream to the template.
    pub(super) fn create(
        ssc: &StreamingContext,
        spec: StreamSpec,
        parents: Vec<Arc<StreamCore>>,
        node: impl StreamNode<T> + 'static,
        at: &Location<'_>,
    ) -> Self {
        let core = ssc.register(
            |id, operator| StreamCore {
                id,
                info: crate::sync::Mutex::new(StreamInfo {
                    id,
                    operator,
                    class: spec.class.to_owned(),
                    callsite: callsite(spec.called, at),
                    parents: parents.iter().map(|p| p.id).collect(),
                    slide: spec.slide,
                    window: spec.window,
                    stateful: spec.stateful,
                    level: spec.level,
                    checkpoint_interval: None,
                    remember: None,
                    shuffles: spec.shuffles,
                }),
                must_checkpoint: spec.stateful,
                interval: spec.interval,
                parents,
            },
            spec.method,
        );
        Self { core, node: Arc::new(node), ssc: ssc.clone() }
    }

    /// Batch time distance of this stream.
    pub fn slide(&self) -> Millis {
        self.core.slide()
    }

    /// As announced: level, intervals, class.
    pub fn info(&self) -> StreamInfo {
        self.core.info.lock().clone()
    }

    /// Keeps the RDDs of this stream at `level`. On a windowed stream it is the parent's level, on a
    /// reducing window both (R12.1).
    ///
    /// # Errors
    /// After the context started.
    pub fn persist(&self, level: StorageLevel) -> Result<Self> {
        self.refuse_after_start("Cannot change storage level of a DStream after streaming context has started")?;
        self.core.set_level(level);
        Ok(self.clone())
    }

    /// `persist(MEMORY_ONLY_SER)`: Spark's default level for streams.
    ///
    /// # Errors
    /// After the context started.
    pub fn cache(&self) -> Result<Self> {
        self.persist(StorageLevel::MEMORY_ONLY_SER)
    }

    /// Saves the RDD of this stream every `interval`, and keeps its RDDs in memory (R12.3).
    ///
    /// # Errors
    /// After the context started.
    pub fn checkpoint(&self, interval: Millis) -> Result<Self> {
        self.refuse_after_start("Cannot change checkpoint interval of a DStream after streaming context has started")?;
        if self.core.keeps_its_own() {
            self.persist(StorageLevel::MEMORY_ONLY_SER)?;
        }
        self.core.info.lock().checkpoint_interval = Some(interval);
        Ok(self.clone())
    }

    /// The RDDs of batches from `from` to `to`, both inclusive, as far as there are any: times are aligned
    /// down to those of this stream, and those that are not after the zero time are left out (R13.2).
    ///
    /// # Errors
    /// Before the context started.
    pub fn slice(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Rdd<T>>> {
        let text = || format!("{} has not been initialized", self.core.info.lock().class);
        let zero = self.ssc.zero().ok_or_else(|| EngineError::IllegalState(text()))?;
        let interval = self.ssc.interval().0.max(1);
        let slide = u32::try_from(self.slide().0 / interval).unwrap_or(u32::MAX).max(1);
        let aligned = |time: Timestamp| {
            let batches = time.ns_since(zero) / (interval * 1_000_000);
            u32::try_from(batches).unwrap_or(u32::MAX) / slide * slide
        };
        let (first, last) = (aligned(from).max(slide), aligned(to));
        let mut rdds = Vec::new();
        for number in (first..=last).step_by(slide as usize) {
            let time = zero.plus(Millis(interval * u64::from(number)));
            let tick = BatchTick { batch: BatchId(number), time };
            rdds.extend(self.ssc.with_generation(tick, |generation| generation.rdd(self, tick))?);
        }
        Ok(rdds)
    }

    /// Batches whose RDD is remembered now, oldest first (R12.6, R12.7).
    pub fn remembered_batches(&self) -> Vec<BatchId> {
        self.ssc.batches_of(self.core.id)
    }

    fn refuse_after_start(&self, text: &str) -> Result<()> {
        if self.ssc.is_started() { Err(EngineError::IllegalState(text.to_owned())) } else { Ok(()) }
    }
}
