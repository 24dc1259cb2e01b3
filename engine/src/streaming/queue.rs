//! A queue of RDDs as an input (R20).

use super::context::StreamingContext;
use super::dstream::{DStream, StreamNode, StreamSpec};
use super::inputs::QUEUE_STREAM;
use super::instances::Generation;
use crate::driver::BatchTick;
use crate::error::Result;
use crate::rdd::Rdd;
use crate::storage::Data;
use crate::sync::Mutex;
use std::collections::VecDeque;
use std::panic::Location;
use std::sync::Arc;

/// RDDs that wait for a batch. Clones share the queue, so that a program can add to it while its stream runs.
pub struct RddQueue<T: Data>(Arc<Mutex<VecDeque<Rdd<T>>>>);

impl<T: Data> Clone for RddQueue<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Data> Default for RddQueue<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Data> RddQueue<T> {
    /// Adds an RDD behind those that wait.
    pub fn push(&self, rdd: Rdd<T>) {
        self.0.lock().push_back(rdd);
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.0.lock().len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.0.lock().is_empty()
    }
}

impl<T: Data> FromIterator<Rdd<T>> for RddQueue<T> {
    fn from_iter<I: IntoIterator<Item = Rdd<T>>>(rdds: I) -> Self {
        Self(Arc::new(Mutex::new(rdds.into_iter().collect())))
    }
}

/// How many RDDs of the queue a batch takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dequeue {
    /// `oneAtATime = true`: the first.
    #[default]
    OneAtATime,
    /// `oneAtATime = false`: all, united.
    All,
}

struct Queued<T: Data> {
    queue: RddQueue<T>,
    dequeue: Dequeue,
    default: Option<Rdd<T>>,
}

impl<T: Data> StreamNode<T> for Queued<T> {
    fn compute(&self, generation: &Generation<'_>, _: BatchTick) -> Result<Option<Rdd<T>>> {
        let mut queue = self.queue.0.lock();
        let count = if self.dequeue == Dequeue::OneAtATime { 1 } else { queue.len() };
        let count = count.min(queue.len());
        let mut taken: Vec<Rdd<T>> = queue.drain(..count).collect();
        drop(queue);
        Ok(Some(match (taken.len(), &self.default) {
            (0, Some(rdd)) => rdd.clone(),
            (1, _) if self.dequeue == Dequeue::OneAtATime => taken.remove(0),
            (0, None) => generation.sc.empty_rdd(),
            _ => generation.sc.plain_union(&taken),
        }))
    }
}

impl StreamingContext {
    /// The RDDs of `queue`, one a batch or all that wait; without any, an empty RDD. What was taken out of
    /// the queue is gone: such a stream cannot be recovered (R20.2).
    #[track_caller]
    pub fn queue_stream<T: Data>(&self, queue: &RddQueue<T>, dequeue: Dequeue) -> DStream<T> {
        self.queue(Queued { queue: queue.clone(), dequeue, default: None }, Location::caller())
    }

    /// The same; `default` is the RDD of batches for which nothing waits.
    #[track_caller]
    pub fn queue_stream_or<T: Data>(&self, queue: &RddQueue<T>, dequeue: Dequeue, default: Rdd<T>) -> DStream<T> {
        self.queue(Queued { queue: queue.clone(), dequeue, default: Some(default) }, Location::caller())
    }

    fn queue<T: Data>(&self, node: Queued<T>, at: &Location<'_>) -> DStream<T> {
        self.refuse_recovery(QUEUE_STREAM);
        let spec = StreamSpec::narrow("queueStream", "QueueInputDStream", self.interval());
        DStream::create(self, spec, Vec::new(), node, at)
    }
}
