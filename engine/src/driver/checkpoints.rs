//! The end of a checkpoint: files verified, lineage cut (R9.10, R9.11).

use super::Driver;
use super::effects::{CheckpointWrite, Effect, Effects};
use super::input::Reply;
use crate::error::EngineError;
use crate::event::Event;
use crate::ids::*;

impl Driver {
    pub(super) fn checkpoint_published(
        &mut self,
        now: Timestamp,
        write: CheckpointWrite,
        result: Result<(), String>,
        fx: &mut Effects,
    ) {
        let CheckpointWrite { slot, rdd, dir, parts, .. } = write;
        if let Err(message) = result {
            let error = EngineError::Store { message, path: dir };
            fx.push(Effect::Reply(slot, Reply::Done(Err(error))));
            return;
        }
        let reader = rdd.clone().cut(&dir).core().info();
        let info = rdd.core().info();
        let id = info.id;
        let released = self.scheduler.checkpointed(info, reader.clone());
        let event = Event::CheckpointCompleted { rdd: id, checkpoint_rdd: reader, path: dir, parts, released };
        self.emit(now, fx, event);
        fx.push(Effect::Reply(slot, Reply::Done(Ok(()))));
    }
}
