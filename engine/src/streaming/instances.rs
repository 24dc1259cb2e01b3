//! The RDDs of batches: made once per (stream, batch), kept as long as they are remembered (R11.5).

use super::dstream::DStream;
use super::graph::StreamCore;
use crate::driver::BatchTick;
use crate::error::Result;
use crate::ids::*;
use crate::rdd::{AnyRdd, Rdd, SparkContext};
use crate::storage::Data;
use crate::sync::Mutex;
use std::any::Any;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One remembered RDD, and how to unpersist it.
struct Instance {
    rdd: Box<dyn Any + Send>,
    erased: Arc<dyn AnyRdd>,
    unpersist: Box<dyn Fn() + Send>,
}

/// All remembered RDDs, by stream and batch.
#[derive(Default)]
pub(super) struct Instances {
    rdds: Mutex<BTreeMap<(StreamId, u32), Instance>>,
    /// Blocks of receivers, by stream and batch: given when the batch was generated, used when its RDD is
    /// first asked for.
    received: Mutex<BTreeMap<(StreamId, u32), Vec<InputBlockId>>>,
}

impl Instances {
    /// Forgets every RDD.
    pub fn clear(&self) {
        self.rdds.lock().clear();
    }

    /// Remembers the RDD of a batch, or gives the one that another thread made meanwhile: program and
    /// generator may ask for it at once, and both must get the same (R11.5).
    fn keep<T: Data>(&self, stream: StreamId, number: u32, rdd: Rdd<T>) -> Rdd<T> {
        let mut rdds = self.rdds.lock();
        let instance = rdds.entry((stream, number)).or_insert_with(|| {
            let kept = rdd.clone();
            let unpersist = Box::new(move || kept.unpersist());
            Instance { rdd: Box::new(rdd.clone()), erased: rdd.erased(), unpersist }
        });
        instance.rdd.downcast_ref::<Rdd<T>>().cloned().unwrap_or(rdd)
    }

    /// Batches whose RDD of `stream` is remembered.
    pub fn batches_of(&self, stream: StreamId) -> Vec<BatchId> {
        self.rdds.lock().range((stream, 0)..=(stream, u32::MAX)).map(|((_, number), _)| BatchId(*number)).collect()
    }

    /// Takes note of the blocks of a batch.
    pub fn receive(&self, stream: StreamId, number: u32, blocks: Vec<InputBlockId>) {
        self.received.lock().insert((stream, number), blocks);
    }

    /// Forgets the blocks of batches up to and including `last`, and returns them.
    pub fn forget_received(&self, stream: StreamId, last: u32) -> Vec<InputBlockId> {
        let mut received = self.received.lock();
        let keys: Vec<(StreamId, u32)> = received.range((stream, 0)..=(stream, last)).map(|(key, _)| *key).collect();
        keys.into_iter().filter_map(|key| received.remove(&key)).flatten().collect()
    }
}

/// The generation of one batch: gives each stream its RDD.
pub(super) struct Generation<'a> {
    pub sc: &'a SparkContext,
    pub interval: Millis,
    pub zero: Timestamp,
    pub instances: &'a Instances,
    /// Input records counted so far, beside those known before.
    pub records: Cell<u64>,
}

impl Generation<'_> {
    /// Input records of this batch became known.
    pub fn count_records(&self, records: u64) {
        self.records.set(self.records.get() + records);
    }

    /// The blocks that a receiver stored for a batch.
    pub fn received(&self, stream: StreamId, number: u32) -> Vec<InputBlockId> {
        self.instances.received.lock().get(&(stream, number)).cloned().unwrap_or_default()
    }

    /// The tick of batch `number`.
    pub fn tick(&self, number: u32) -> BatchTick {
        let time = self.zero.plus(Millis(self.interval.0 * u64::from(number)));
        BatchTick { batch: BatchId(number), time }
    }

    /// How many batches a duration spans.
    pub fn batches(&self, duration: Millis) -> u32 {
        u32::try_from(duration.0 / self.interval.0.max(1)).unwrap_or(u32::MAX)
    }

    /// The remembered RDD of a stream in a batch.
    pub fn remembered<T: Data>(&self, stream: StreamId, number: u32) -> Option<Rdd<T>> {
        self.instances.rdds.lock().get(&(stream, number))?.rdd.downcast_ref::<Rdd<T>>().cloned()
    }

    /// The RDD of a stream in a batch: remembered, or made, persisted and marked now (R11.5, R12.8).
    pub fn rdd<T: Data>(&self, stream: &DStream<T>, tick: BatchTick) -> Result<Option<Rdd<T>>> {
        let core = &stream.core;
        let number = tick.batch.0;
        if let Some(rdd) = self.remembered(core.id, number) {
            return Ok(Some(rdd));
        }
        if !core.is_time_valid(number, self.interval) {
            return Ok(None);
        }
        let info = core.info.lock().clone();
        let scope = self.sc.push_frame(info.operator.clone(), Some(tick.batch), info.callsite.clone(), 0);
        let made = stream.node.compute(self, tick)?;
        drop(scope);
        let Some(rdd) = made else { return Ok(None) };
        if info.level.is_valid() {
            rdd.persist(info.level)?;
        }
        if self.checkpoint_due(core, tick) {
            rdd.checkpoint()?;
        }
        Ok(Some(self.instances.keep(core.id, number, rdd)))
    }

    /// Whether a stream's RDD of this batch is marked for checkpointing (R12.8).
    pub fn checkpoint_due(&self, stream: &StreamCore, tick: BatchTick) -> bool {
        let since_zero = u64::from(tick.batch.0) * self.interval.0;
        let every = stream.info.lock().checkpoint_interval;
        every.is_some_and(|every| since_zero.is_multiple_of(every.0.max(1)))
    }

    /// R12.7: forgets a stream's RDDs of batches up to and including `last`, and unpersists them, unless they
    /// are to stay for whoever still has them.
    pub fn forget(&self, stream: StreamId, (persisted, unpersist): (bool, bool), last: u32) {
        let keys: Vec<(StreamId, u32)> =
            self.instances.rdds.lock().range((stream, 0)..=(stream, last)).map(|(key, _)| *key).collect();
        for key in keys {
            let forgotten = self.instances.rdds.lock().remove(&key);
            let Some(instance) = forgotten else { continue };
            if unpersist {
                instance.erased.core().forget_input_blocks();
            }
            if persisted && unpersist {
                (instance.unpersist)();
            }
        }
    }
}
