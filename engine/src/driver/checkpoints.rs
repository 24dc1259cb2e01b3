//! The end of a checkpoint: what was saved is verified, the lineage cut (R9.10, R9.11, R10.2); and the end
//! of its files (R9.15, R9.18).

use super::Driver;
use super::effects::{CheckpointWrite, ClusterOp, Effect, Effects, StoreOp};
use super::input::{Reply, SlotId};
use crate::error::EngineError;
use crate::event::{CheckpointPart, Event, Finding};
use crate::ids::*;
use crate::rdd::{AnyRdd, CheckpointCommit, CheckpointKind, CutTo, PreparedCut, Released};
use std::sync::Arc;

impl Driver {
    pub(super) fn emit_marked(&mut self, now: Timestamp, rdd: RddId, kind: CheckpointKind, fx: &mut Effects) {
        self.emit(now, fx, Event::CheckpointMarked { rdd, local: kind == CheckpointKind::Local });
    }

    /// Files are verified by the store first; blocks are where the driver knows them to be.
    pub(super) fn commit_checkpoint(
        &mut self,
        now: Timestamp,
        slot: SlotId,
        commit: CheckpointCommit,
        fx: &mut Effects,
    ) {
        let CheckpointCommit { rdd, cut, to, teed } = commit;
        match to {
            CutTo::Files { dir, parts } => {
                let info = rdd.core().info();
                let write = CheckpointWrite { slot, rdd, cut, info, dir, parts, teed };
                fx.push(Effect::Store(StoreOp::Publish(write)));
            }
            CutTo::Blocks => {
                let result = self.cut_to_blocks(now, &rdd, cut, fx);
                fx.push(Effect::Reply(slot, Reply::Done(result)));
            }
        }
    }

    /// A block that was lost since it was stored would be lost for good: then the lineage stays.
    fn cut_to_blocks(
        &mut self,
        now: Timestamp,
        rdd: &Arc<dyn AnyRdd>,
        cut: PreparedCut,
        fx: &mut Effects,
    ) -> Result<(), EngineError> {
        let core = rdd.core();
        let stored = self.scheduler.checkpoint_progress(core.id()).stored;
        let lost: Vec<String> =
            (0..core.num_partitions()).filter(|p| !stored.contains(&PartitionId(*p))).map(|p| p.to_string()).collect();
        if !lost.is_empty() {
            return Err(EngineError::IllegalState(format!(
                "no executor holds partition {} of RDD {} any more: its lineage is kept, and the next job tries again",
                lost.join(", "),
                core.id()
            )));
        }
        self.scheduler.checkpointed_locally(core.id());
        self.cut(now, rdd, cut, (String::new(), Vec::new(), 0), fx);
        Ok(())
    }

    pub(super) fn checkpoint_published(
        &mut self,
        now: Timestamp,
        write: CheckpointWrite,
        result: Result<(), String>,
        fx: &mut Effects,
    ) {
        let CheckpointWrite { slot, rdd, cut, dir, parts, teed, .. } = write;
        let id = rdd.core().id();
        // What tasks wrote beside their work is part of the checkpoint now, or not to be trusted.
        self.scheduler.forget_parts(id);
        if let Err(message) = result {
            let error = EngineError::Store { message, path: dir };
            fx.push(Effect::Reply(slot, Reply::Done(Err(error))));
            return;
        }
        self.checkpoint_dirs.insert(id, dir.clone());
        self.cut(now, &rdd, cut, (dir, parts.to_vec(), teed), fx);
        fx.push(Effect::Reply(slot, Reply::Done(Ok(()))));
    }

    fn cut(
        &mut self,
        now: Timestamp,
        rdd: &Arc<dyn AnyRdd>,
        cut: PreparedCut,
        (path, parts, teed): (String, Vec<CheckpointPart>, u32),
        fx: &mut Effects,
    ) {
        let PreparedCut { reader, apply } = cut;
        apply();
        let (info, checkpoint_rdd) = (rdd.core().info(), reader.core().info());
        let id = info.id;
        let released = self.scheduler.checkpointed(info, &reader);
        self.emit(now, fx, Event::CheckpointCompleted { rdd: id, checkpoint_rdd, path, parts, released, teed });
    }

    /// R9.15: the files of RDDs that the program dropped, when the settings ask for it.
    pub(super) fn clean_checkpoints(&mut self, released: &Released, fx: &mut Effects) {
        for rdd in &released.rdds {
            // What a graph checkpoint names goes when none names it any more.
            let dir = self.checkpoint_dirs.get(rdd);
            let named = dir.zip(self.graph.as_ref()).is_some_and(|(dir, graph)| graph.knows(dir));
            if self.config.clean_checkpoints && !named {
                self.delete_checkpoint(*rdd, fx);
            }
            self.checkpoint_dirs.remove(rdd);
        }
    }

    /// The files of a checkpoint that was written in this run and not deleted before.
    pub(super) fn delete_checkpoint(&mut self, rdd: RddId, fx: &mut Effects) {
        if let Some(dir) = self.checkpoint_dirs.remove(&rdd) {
            fx.push(Effect::Store(StoreOp::Delete { rdd, dir }));
        }
    }

    pub(super) fn checkpoint_deleted(
        &mut self,
        now: Timestamp,
        rdd: RddId,
        dir: String,
        result: Result<(), String>,
        fx: &mut Effects,
    ) {
        if self.ended {
            return;
        }
        let event = match result {
            Ok(()) => Event::CheckpointDeleted { rdd, path: dir },
            Err(error) => {
                let message = format!("the files of the checkpoint of RDD {rdd} could not be deleted: {error}");
                let kind = "checkpoint-not-deleted".into();
                Event::FindingReported { finding: Finding { kind, message, place: dir } }
            }
        };
        self.emit(now, fx, event);
    }

    /// No task can put a block of an RDD that was gone when it was launched.
    pub(super) fn forget_generations(&mut self, fx: &mut Effects) {
        let rdds = self.scheduler.forget_idle();
        if !rdds.is_empty() {
            fx.push(Effect::Cluster(ClusterOp::ForgetGenerations { rdds }));
        }
    }
}
