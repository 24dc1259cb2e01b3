//! A stream's way to its own earlier batches, for streams that carry something from batch to batch.

use super::dstream::{DStream, StreamNode};
use super::graph::StreamCore;
use super::instances::Generation;
use crate::driver::BatchTick;
use crate::error::Result;
use crate::rdd::Rdd;
use crate::storage::Data;
use crate::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, Weak};

type Way<T> = (Weak<StreamCore>, Weak<dyn StreamNode<T>>);

/// The stream that a node belongs to, once it is registered; weak, because the stream owns the node.
pub(super) struct Own<T: Data> {
    way: OnceLock<Way<T>>,
    /// The last batch up to which the stream is known to have no RDD: it has begun in none of them.
    empty_to: AtomicU32,
}

impl<T: Data> Default for Own<T> {
    fn default() -> Self {
        Self { way: OnceLock::new(), empty_to: AtomicU32::new(0) }
    }
}

impl<T: Data> Own<T> {
    /// Tells the node its stream.
    pub fn set(&self, stream: &DStream<T>) {
        // A fresh cell: nobody has set it.
        drop(self.way.set((Arc::downgrade(&stream.core), Arc::downgrade(&stream.node))));
    }

    /// Whether the stream's RDD of this batch is marked for checkpointing.
    pub fn checkpoint_due(&self, generation: &Generation<'_>, tick: BatchTick) -> bool {
        let core = self.way.get().and_then(|(core, _)| core.upgrade());
        core.is_some_and(|core| generation.checkpoint_due(&core, tick))
    }

    /// The stream's RDD one slide before `tick`. Batches in which nobody asked for it are made up for,
    /// oldest first, so that no input is skipped.
    pub fn before(
        &self,
        beside: &DStream<impl Data>,
        generation: &Generation<'_>,
        tick: BatchTick,
    ) -> Result<Option<Rdd<T>>> {
        let own = self.way.get().and_then(|(core, node)| Some((core.upgrade()?, node.upgrade()?)));
        let Some((core, node)) = own else { return Ok(None) };
        let own = DStream { core, node, ssc: beside.ssc.clone() };
        let slide = generation.batches(own.slide()).max(1);
        let mut number = tick.batch.0.saturating_sub(slide);
        let empty_to = self.empty_to.load(Ordering::Relaxed);
        while number > slide && number > empty_to && !generation.has(own.core.id, number) {
            number -= slide;
        }
        if number > 0 && number <= empty_to {
            number += slide;
        }
        let mut before = None;
        while number > 0 && number < tick.batch.0 {
            before = generation.rdd(&own, generation.tick(number))?;
            if before.is_none() {
                self.empty_to.fetch_max(number, Ordering::Relaxed);
            }
            number += slide;
        }
        Ok(before)
    }
}
