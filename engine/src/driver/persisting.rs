//! Persist, unpersist and checkpoint by command: what a program would do to its RDDs, done from outside.
//!
//! A level counts from the next stage that is submitted: what runs keeps the policy that was frozen at its
//! own submission.

use super::Driver;
use super::effects::{ClusterOp, Effect, Effects};
use crate::command::RddTarget;
use crate::event::{Event, Finding, RddInfo, StorageLevel};
use crate::ids::*;
use crate::rdd::{AnyRdd, CheckpointKind, CheckpointState, LEVEL_IS_SET, NO_DIRECTORY};
use crate::scheduler::Outbox;
use std::collections::BTreeSet;
use std::sync::Arc;

type Targets = Vec<Arc<dyn AnyRdd>>;

fn name(rdd: &Arc<dyn AnyRdd>) -> String {
    let info = rdd.core().info();
    format!("{}[{}]", info.display_name(), info.id)
}

impl Driver {
    /// The RDDs that a target means and the program still holds; never none.
    fn targets(&self, target: &RddTarget) -> Result<Targets, String> {
        let ids: Vec<RddId> = match target {
            RddTarget::Rdd(rdd) => vec![*rdd],
            RddTarget::Operator { operator, batch } => self.results_of(operator, *batch),
        };
        let found: Targets = ids.into_iter().filter_map(|id| self.scheduler.handle(id)).collect();
        if found.is_empty() {
            return Err(format!("the program holds no RDD {target}; RDDs are known from their first job on"));
        }
        Ok(found)
    }

    /// The RDDs of an operator that no other RDD of it reads.
    fn results_of(&self, operator: &OperatorName, batch: Option<BatchId>) -> Vec<RddId> {
        let lineage = self.scheduler.lineage();
        let of_operator =
            |info: &&RddInfo| info.op.operator == *operator && (batch.is_none() || info.op.batch == batch);
        let inner: BTreeSet<RddId> = lineage
            .rdds()
            .filter(of_operator)
            .flat_map(|info| {
                let same = |parent: &RddId| lineage.get(*parent).is_some_and(|p| p.op.batch == info.op.batch);
                info.parents.iter().map(|p| p.rdd).filter(same)
            })
            .collect();
        lineage.rdds().filter(of_operator).map(|info| info.id).filter(|id| !inner.contains(id)).collect()
    }

    pub(super) fn persist_refusal(&self, target: &RddTarget, level: &str) -> Result<(), String> {
        let level: StorageLevel = level.parse().map_err(|unknown: crate::event::UnknownLevel| unknown.to_string())?;
        if !level.is_valid() {
            return Err(format!("{level} keeps nothing; to keep nothing: unpersist:{target}"));
        }
        let other = |rdd: &Arc<dyn AnyRdd>| {
            let (now, local) = (rdd.core().level(), rdd.core().checkpoint_state().is_local());
            now.is_valid() && now != level && !local
        };
        match self.targets(target)?.into_iter().find(other) {
            None => Ok(()),
            Some(rdd) => Err(format!(
                "{LEVEL_IS_SET}: {} is kept at {}; unpersist it first: unpersist:rdd={}",
                name(&rdd),
                rdd.core().level(),
                rdd.core().id()
            )),
        }
    }

    pub(super) fn persist(&mut self, target: &RddTarget, level: &str, out: &mut Outbox) {
        let (Ok(targets), Ok(level)) = (self.targets(target), level.parse::<StorageLevel>()) else { return };
        for rdd in targets {
            let core = rdd.core();
            // R10.1: a local checkpoint keeps its disk.
            let use_disk = level.use_disk || core.checkpoint_state().is_local();
            let level = StorageLevel { use_disk, ..level };
            if core.level() != level {
                core.edit(|info| info.level = level);
                self.scheduler.set_level(core.id(), level, out);
            }
        }
    }

    pub(super) fn unpersist_refusal(&self, target: &RddTarget) -> Result<(), String> {
        let targets = self.targets(target)?;
        if targets.iter().any(|rdd| rdd.core().level().is_valid()) {
            return Ok(());
        }
        let names: Vec<String> = targets.iter().map(name).collect();
        Err(format!("{} is not persisted; persist it first: persist:{target},level=MEMORY_ONLY", names.join(", ")))
    }

    pub(super) fn unpersist(&mut self, now: Timestamp, target: &RddTarget, out: &mut Outbox, fx: &mut Effects) {
        for rdd in self.targets(target).unwrap_or_default() {
            let core = rdd.core();
            if !core.level().is_valid() {
                continue;
            }
            if core.checkpoint_state().is_local() {
                let message = format!(
                    "RDD {} was locally checkpointed, its lineage has been truncated and cannot be recomputed after unpersisting",
                    core.id()
                );
                let kind = "local-checkpoint-unpersisted".into();
                let finding = Finding { kind, message, place: core.info().callsite };
                self.emit(now, fx, Event::FindingReported { finding });
            }
            core.edit(|info| info.level = StorageLevel::NONE);
            let rdd = core.id();
            if let Some(generation) = self.scheduler.unpersist(rdd, out) {
                fx.push(Effect::Cluster(ClusterOp::Unpersist { rdd, generation }));
            }
        }
    }

    pub(super) fn mark_refusal(&self, target: &RddTarget) -> Result<(), String> {
        let targets = self.targets(target)?;
        if targets.iter().any(|rdd| rdd.core().context().checkpoint_dir().is_none()) {
            return Err(format!("{NO_DIRECTORY}; set it in the program, or as spark.checkpoint.dir"));
        }
        if targets.iter().any(can_be_marked) {
            return Ok(());
        }
        let names: Vec<String> = targets.iter().map(name).collect();
        Err(format!("{} is marked or checkpointed already; a checkpoint is written once", names.join(", ")))
    }

    /// Other than a program's own mark this one counts although a job has run on the RDD already (R9.5):
    /// whoever asks for it sees the RDD because a job has run.
    pub(super) fn mark(&mut self, now: Timestamp, target: &RddTarget, fx: &mut Effects) {
        for rdd in self.targets(target).unwrap_or_default().iter().filter(|rdd| can_be_marked(rdd)) {
            rdd.core().set_checkpoint_state(CheckpointState::Marked(CheckpointKind::Reliable));
            self.emit_marked(now, rdd.core().id(), CheckpointKind::Reliable, fx);
            let mut seen = BTreeSet::new();
            let mut todo = vec![rdd.core().id()];
            while let Some(id) = todo.pop() {
                if !seen.insert(id) {
                    continue;
                }
                if let Some(rdd) = self.scheduler.handle(id) {
                    rdd.core().leave_do_checkpoint();
                }
                todo.extend(self.scheduler.lineage().children(id));
            }
        }
    }
}

fn can_be_marked(rdd: &Arc<dyn AnyRdd>) -> bool {
    let core = rdd.core();
    let reads = core.info().class.ends_with("CheckpointRDD");
    core.checkpoint_state() == CheckpointState::None && !reads
}
