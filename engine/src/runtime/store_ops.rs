//! What the driver asks of the reliable store: done at once by the simulator, in the background under the
//! wall clock, so that no sync holds up the loop.

use crate::checkpoint::format::PartWalk;
use crate::checkpoint::{delete, format, publish};
use crate::driver::{DriverInput, StoreOp};
use crate::error::EngineError;
use crate::object_store::ObjectStore;
use crate::rdd::OpenedCheckpoint;
use crate::recovery;

/// Does one thing to the store; returns what the driver hears of it. Parts of checkpoints are verified by `walk`.
pub(crate) fn perform(store: &dyn ObjectStore, op: StoreOp, walk: PartWalk) -> DriverInput {
    match op {
        StoreOp::Publish(write) => {
            let reader = write.cut.reader.core().id();
            let result = publish(store, &write.info, reader, &write.dir, &write.parts, walk);
            DriverInput::CheckpointPublished { write, result }
        }
        StoreOp::Open { slot, dir } => {
            let opened = format::open(store, &dir);
            let result = opened
                .map(|m| OpenedCheckpoint { parts: m.partitions, partitioner: m.partitioner })
                .map_err(|error| EngineError::IllegalArgument(error.to_string()));
            DriverInput::CheckpointOpened { slot, result }
        }
        StoreOp::ReadGraph { slot, dir } => {
            DriverInput::GraphRead { slot, result: recovery::read_newest(store, &dir).map(|read| read.map(Box::new)) }
        }
        StoreOp::TakeEpoch { slot, dir, application, plan } => {
            let restored = plan.checkpoint.as_ref().and_then(|checkpoint| checkpoint.restored.as_deref());
            let taken = recovery::take_epoch(store, &dir, &application).map_err(|error| error.to_string());
            let result = taken.and_then(|epoch| {
                restored.map_or(Ok(()), |restored| recovery::still_newest(store, &dir, restored))?;
                Ok(epoch)
            });
            DriverInput::EpochTaken { slot, plan, result }
        }
        StoreOp::WriteGraph(write) => {
            let result = recovery::write(store, &write.dir, write.latest, &write.checkpoint);
            DriverInput::GraphWritten { write, result }
        }
        StoreOp::Delete { rdd, dir } => {
            let result = delete(store, &dir).map_err(|error| error.to_string());
            DriverInput::CheckpointDeleted { rdd, dir, result }
        }
    }
}
