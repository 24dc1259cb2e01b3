//! What the driver asks of the reliable store: done at once by the simulator, by a thread of its own under
//! the wall clock, so that no sync holds up the loop.

use super::pool::Shared;
use crate::checkpoint::{delete, format, publish};
use crate::driver::{DriverInput, StoreOp};
use crate::error::EngineError;
use crate::object_store::ObjectStore;
use crate::rdd::OpenedCheckpoint;
use crate::sync::channel::{Sender, unbounded};
use crate::sync::thread;
use crate::sync::thread::JoinHandle;

/// Does one thing to the store; returns what the driver hears of it.
pub(crate) fn perform(store: &dyn ObjectStore, op: StoreOp) -> DriverInput {
    match op {
        StoreOp::Publish(write) => {
            let reader = write.cut.reader.core().id();
            let result = publish(store, &write.info, reader, &write.dir, &write.parts);
            DriverInput::CheckpointPublished { write, result }
        }
        StoreOp::Open { slot, dir } => {
            let opened = format::open(store, &dir);
            let result = opened
                .map(|m| OpenedCheckpoint { parts: m.partitions, partitioner: m.partitioner })
                .map_err(|error| EngineError::IllegalArgument(error.to_string()));
            DriverInput::CheckpointOpened { slot, result }
        }
        StoreOp::Delete { rdd, dir } => {
            let result = delete(store, &dir).map_err(|error| error.to_string());
            DriverInput::CheckpointDeleted { rdd, dir, result }
        }
    }
}

/// The thread that does it, started with the first thing to do. Operations are done in the order in which
/// they were asked for.
#[derive(Default)]
pub(super) struct StoreWorker(Option<(Sender<StoreOp>, JoinHandle<()>)>);

impl StoreWorker {
    /// Hands an operation over; without a thread it is done here.
    pub fn send(&mut self, shared: &Shared, op: StoreOp) {
        if self.0.is_none() {
            self.0 = start(shared).ok();
        }
        let left = match &self.0 {
            Some((thread, _)) => thread.send(op).err().map(|unsent| unsent.0),
            None => Some(op),
        };
        if let Some(op) = left {
            answer(shared, op);
        }
    }

    /// Waits until everything asked for is done.
    pub fn finish(&mut self) {
        if let Some((sender, thread)) = self.0.take() {
            drop(sender);
            drop(thread.join());
        }
    }
}

fn start(shared: &Shared) -> std::io::Result<(Sender<StoreOp>, JoinHandle<()>)> {
    let (sender, operations) = unbounded();
    let shared = shared.clone();
    let thread = thread::Builder::new().name("store".into()).spawn(move || {
        operations.iter().for_each(|op| answer(&shared, op));
    })?;
    Ok((sender, thread))
}

fn answer(shared: &Shared, op: StoreOp) {
    // The error only says that the driver is gone.
    drop(shared.inbox.send(perform(&*shared.store, op)));
}
