//! The RDDs of batches: made once per (stream, batch), kept as long as they are remembered (R11.5).

use super::dstream::DStream;
use super::graph::StreamCore;
use crate::driver::{BatchTick, Reply, Request};
use crate::error::{EngineError, Result};
use crate::event::{InputPlan, PlannedBlock};
use crate::ids::*;
use crate::rdd::{AnyRdd, CheckpointState, Rdd, SparkContext};
use crate::receiver::ReceivedBlock;
use crate::recovery::SavedRdd;
use crate::runtime::slots;
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
    received: Mutex<BTreeMap<(StreamId, u32), Vec<ReceivedBlock>>>,
    /// RDDs that a former driver saved: opened when somebody asks for them, who knows their records.
    restored: Mutex<BTreeMap<(StreamId, u32), SavedRdd>>,
}

impl Instances {
    /// Forgets every RDD.
    pub fn clear(&self) {
        self.rdds.lock().clear();
        self.restored.lock().clear();
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

    /// What a former driver saved can be asked for.
    pub fn restore(&self, saved: &BTreeMap<StreamId, BTreeMap<BatchId, SavedRdd>>) {
        let rdds = saved.iter().flat_map(|(stream, rdds)| rdds.iter().map(|(batch, rdd)| ((*stream, batch.0), rdd)));
        self.restored.lock().extend(rdds.map(|(key, rdd)| (key, rdd.clone())));
    }

    /// Remembered RDDs that a checkpoint holds (R12.9).
    pub fn saved(&self) -> BTreeMap<StreamId, BTreeMap<BatchId, SavedRdd>> {
        let mut saved: BTreeMap<StreamId, BTreeMap<BatchId, SavedRdd>> = BTreeMap::new();
        let mut add = |(stream, number): (StreamId, u32), rdd: SavedRdd| {
            saved.entry(stream).or_default().insert(BatchId(number), rdd);
        };
        self.restored.lock().iter().for_each(|(key, rdd)| add(*key, rdd.clone()));
        for (key, instance) in &*self.rdds.lock() {
            let core = instance.erased.core();
            if let CheckpointState::Done { dir } = core.checkpoint_state() {
                add(*key, SavedRdd { rdd: core.id(), dir });
            }
        }
        saved
    }

    /// Takes note of the blocks of a batch.
    pub fn receive(&self, stream: StreamId, number: u32, blocks: Vec<ReceivedBlock>) {
        self.received.lock().insert((stream, number), blocks);
    }

    /// The blocks of a batch, by stream.
    pub fn block_plans(&self, number: u32) -> BTreeMap<StreamId, InputPlan> {
        let received = self.received.lock();
        let of_batch = received.iter().filter(|((_, of), _)| *of == number);
        let planned = |block: &ReceivedBlock| PlannedBlock { id: block.id, records: block.records };
        of_batch
            .map(|((stream, _), blocks)| (*stream, InputPlan::Blocks { blocks: blocks.iter().map(planned).collect() }))
            .collect()
    }

    /// Forgets the blocks of batches up to and including `last`, and returns them.
    pub fn forget_received(&self, stream: StreamId, last: u32) -> Vec<InputBlockId> {
        let mut received = self.received.lock();
        let keys: Vec<(StreamId, u32)> = received.range((stream, 0)..=(stream, last)).map(|(key, _)| *key).collect();
        keys.into_iter().filter_map(|key| received.remove(&key)).flatten().map(|block| block.id).collect()
    }
}

/// The generation of one batch: gives each stream its RDD.
pub(super) struct Generation<'a> {
    pub sc: &'a SparkContext,
    pub interval: Millis,
    pub zero: Timestamp,
    pub instances: &'a Instances,
    /// The batch that is generated; older ones may be asked for on the way.
    pub tick: BatchTick,
    /// Input records counted so far, beside those known before.
    pub records: Cell<u64>,
}

impl Generation<'_> {
    /// Input records of a batch became known; those of older ones were counted in their time.
    pub fn count_records(&self, tick: BatchTick, records: u64) {
        if tick.batch == self.tick.batch {
            self.records.set(self.records.get() + records);
        }
    }

    /// The blocks that a receiver stored for a batch.
    /// Of a batch of a former driver the present one is asked, who has them from its log.
    pub fn received(&self, stream: StreamId, number: u32) -> Result<Vec<ReceivedBlock>> {
        if let Some(blocks) = self.instances.received.lock().get(&(stream, number)) {
            return Ok(blocks.clone());
        }
        if number >= self.tick.batch.0 {
            return Ok(Vec::new());
        }
        let Reply::Received(blocks) = slots::call(Request::ReceivedBlocks(self.tick(number)))? else {
            return Err(EngineError::DriverLost);
        };
        for (stream, blocks) in blocks? {
            self.instances.receive(stream, number, blocks);
        }
        Ok(self.instances.received.lock().get(&(stream, number)).cloned().unwrap_or_default())
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

    /// Whether a stream has an RDD of a batch, or a former driver saved it.
    pub fn has(&self, stream: StreamId, number: u32) -> bool {
        let key = (stream, number);
        self.instances.rdds.lock().contains_key(&key) || self.instances.restored.lock().contains_key(&key)
    }

    /// The remembered RDD of a stream in a batch, or the one that a former driver saved.
    fn remembered<T: Data>(&self, stream: &StreamCore, number: u32) -> Result<Option<Rdd<T>>> {
        let key = (stream.id, number);
        if let Some(instance) = self.instances.rdds.lock().get(&key) {
            return Ok(instance.rdd.downcast_ref::<Rdd<T>>().cloned());
        }
        let saved = self.instances.restored.lock().get(&key).cloned();
        let Some(SavedRdd { dir, .. }) = saved else { return Ok(None) };
        let info = stream.info.lock().clone();
        let _scope = self.sc.push_frame(info.operator, Some(BatchId(number)), info.callsite, 0);
        let rdd = self.sc.checkpoint_file::<T>(&dir)?;
        Ok(Some(self.instances.keep(stream.id, number, rdd)))
    }

    /// The RDD of a stream in a batch: remembered, or made, persisted and marked now (R11.5, R12.8).
    pub fn rdd<T: Data>(&self, stream: &DStream<T>, tick: BatchTick) -> Result<Option<Rdd<T>>> {
        let core = &stream.core;
        let number = tick.batch.0;
        if let Some(rdd) = self.remembered(core, number)? {
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
        self.instances.restored.lock().retain(|(of, number), _| *of != stream || *number > last);
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
