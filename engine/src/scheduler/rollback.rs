//! Stages whose output differs from attempt to attempt (R1.8): what a loss costs them (R3.9, R3.11).

use super::Scheduler;
use super::stage::StageKind;
use super::task::Outbox;
use crate::event::{Determinism, Event, RecomputeCause};
use crate::ids::*;
use std::collections::BTreeSet;

impl Scheduler {
    /// Whether another attempt of the stage may deliver other records.
    pub(super) fn is_indeterminate(&self, stage: StageId) -> bool {
        self.stages.get(&stage).is_some_and(|s| s.rdd.core().determinism() == Determinism::Indeterminate)
    }

    /// R3.9: a late success counts for a determinate stage only. Another attempt of this one computes the
    /// partition anew, perhaps from other records.
    pub(super) fn is_outdated(&self, attempt: StageAttempt) -> bool {
        let Some(stage) = self.stages.get(&attempt.stage) else { return false };
        let superseded = stage.latest_attempt() != attempt || !self.running.contains(&attempt.stage);
        superseded && self.is_indeterminate(attempt.stage)
    }

    /// R3.11: an indeterminate map stage lost an output and will run again as a whole. What was made of its
    /// old output goes: outputs and running attempts of the stages that follow it. A job that has delivered
    /// some of its results cannot take them back, and fails.
    pub(super) fn roll_back(&mut self, now: Timestamp, map_stage: StageId, out: &mut Outbox) {
        if !self.is_indeterminate(map_stage) {
            return;
        }
        for id in self.succeeding(map_stage) {
            let Some(stage) = self.stages.get(&id) else { continue };
            match &stage.kind {
                StageKind::Result(job) => {
                    if self.jobs.get(job).is_some_and(super::job::ActiveJob::has_delivered) {
                        self.abort_stage(id, &cannot_roll_back(id), out);
                        continue;
                    }
                }
                StageKind::Map(shuffle) => {
                    let shuffle = shuffle.id();
                    self.forget_outputs(shuffle, out);
                }
            }
            self.start_over(now, id, out);
        }
    }

    /// An indeterminate map stage that is whole no longer runs all its tasks again. Whoever lost an output of
    /// it may not have told yet, or named another parent: what follows it starts over here at the latest.
    pub(super) fn forget_partial_outputs(&mut self, now: Timestamp, stage: StageId, out: &mut Outbox) {
        let Some(shuffle) = self.stages.get(&stage).and_then(super::stage::Stage::shuffle_id) else { return };
        if self.is_indeterminate(stage) && self.outputs.was_written(shuffle) && !self.outputs.is_whole(shuffle) {
            self.roll_back(now, stage, out);
            self.forget_outputs(shuffle, out);
        }
    }

    /// The stages that read what `stage` writes, and those that read what they write. Parents have lower
    /// ids than children, so one pass finds them.
    fn succeeding(&self, stage: StageId) -> BTreeSet<StageId> {
        let mut found = BTreeSet::from([stage]);
        for (id, later) in self.stages.range(stage..) {
            if later.parents.iter().any(|parent| found.contains(parent)) {
                found.insert(*id);
            }
        }
        found.remove(&stage);
        found
    }

    fn forget_outputs(&mut self, shuffle: ShuffleId, out: &mut Outbox) {
        let rdd = self.outputs.status(shuffle).map(|s| s.rdd).unwrap_or_default();
        for (executor, maps) in self.outputs.unregister_all(shuffle) {
            for map in &maps {
                self.history.output_lost(shuffle, *map, RecomputeCause::RolledBack);
            }
            out.events.push(Event::MapOutputsLost { shuffle, rdd, maps, executor });
        }
    }

    /// Fails the running attempt of a stage; it is submitted with the others that failed.
    fn start_over(&mut self, now: Timestamp, id: StageId, out: &mut Outbox) {
        if self.running.remove(&id)
            && let Some(attempt) = self.stages.get(&id).map(super::stage::Stage::latest_attempt)
        {
            let reason = "A shuffle map stage with indeterminate output was failed and retried".to_owned();
            self.complete_stage(attempt, Some(reason), out);
            self.failed.insert(id);
            self.resubmit_at.get_or_insert(now.plus(self.config.resubmit_delay));
        }
    }
}

fn cannot_roll_back(stage: StageId) -> String {
    format!(
        "A shuffle map stage with indeterminate output was failed and retried. However, Spark cannot rollback the ResultStage {stage} to re-process the input data, and has to fail this job. Please eliminate the indeterminacy by checkpointing the RDD before repartition and try again."
    )
}
