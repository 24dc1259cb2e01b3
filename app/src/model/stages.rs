//! Stages and their attempts.

use super::Model;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use std::sync::Arc;

/// One stage with its attempts.
#[derive(Clone, Debug, PartialEq)]
pub struct StageState {
    /// As announced or as last submitted.
    pub info: StageInfo,
    /// Attempts in order.
    pub attempts: Vec<StageAttemptState>,
}

impl StageState {
    /// Attempts are few, and the one asked for is nearly always the last.
    fn attempt_mut(&mut self, id: StageAttempt) -> Option<&mut StageAttemptState> {
        let at = self.attempts.iter().rposition(|a| a.info.id == id)?;
        self.attempts.get_mut(at)
    }
}

/// One stage attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct StageAttemptState {
    /// As submitted.
    pub info: StageInfo,
    /// When submitted.
    pub submitted: Timestamp,
    /// When completed.
    pub completed: Option<Timestamp>,
    /// How.
    pub outcome: Option<StageOutcome>,
    /// Finished tasks.
    pub finished_tasks: u32,
}

impl Model {
    /// A job announced the stage. A stage that writes a shuffle is shared between jobs (R2.3): it
    /// keeps its attempts and counts for the job that needs it now.
    pub(super) fn stage_announced(&mut self, info: &StageInfo, job: JobId) {
        let id = info.id.stage;
        if !self.stages.contains_key(&id) {
            self.stages.insert(id, Arc::new(StageState { info: info.clone(), attempts: Vec::new() }));
        }
        let taken = self.index.stage_job.get(&id).is_some_and(|j| self.index.running_jobs.contains(j));
        if !taken {
            self.index.stage_job.insert(id, job);
        }
        self.register_stage_shuffle(info);
    }

    pub(super) fn stage_submitted(&mut self, info: &StageInfo) {
        let now = self.now;
        self.register_stage_shuffle(info);
        let fresh = || Arc::new(StageState { info: info.clone(), attempts: Vec::new() });
        let stage = Arc::make_mut(self.stages.entry(info.id.stage).or_insert_with(fresh));
        stage.info = info.clone();
        if stage.attempt_mut(info.id).is_none() {
            let attempt = StageAttemptState {
                info: info.clone(),
                submitted: now,
                completed: None,
                outcome: None,
                finished_tasks: 0,
            };
            stage.attempts.push(attempt);
        }
    }

    pub(super) fn stage_completed(&mut self, id: StageAttempt, outcome: &StageOutcome) {
        let now = self.now;
        if let Some(attempt) = self.attempt_mut(id) {
            attempt.completed = Some(now);
            attempt.outcome = Some(outcome.clone());
        }
        self.exclusions_end_with(id);
    }

    pub(super) fn attempt_mut(&mut self, id: StageAttempt) -> Option<&mut StageAttemptState> {
        self.stages.get_mut(&id.stage).map(Arc::make_mut)?.attempt_mut(id)
    }

    /// The batch for whose job the stage runs.
    pub(super) fn batch_of_stage(&self, stage: StageId) -> Option<BatchId> {
        let job = self.jobs.get(self.index.stage_job.get(&stage)?)?;
        job.origin.batch
    }

    fn register_stage_shuffle(&mut self, info: &StageInfo) {
        if let Some(shuffle) = info.shuffle {
            let maps = self.rdds.get(&info.rdd).map_or(info.num_tasks, |r| r.info.num_partitions);
            self.register_shuffle(shuffle, info.rdd, maps);
        }
    }
}
