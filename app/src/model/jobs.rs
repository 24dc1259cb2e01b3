//! Jobs: why they run, their stages, how they ended.

use super::Model;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use imbl::Vector;
use std::sync::Arc;

/// One job.
#[derive(Clone, Debug, PartialEq)]
pub struct JobState {
    /// Id.
    pub id: JobId,
    /// Why it runs.
    pub origin: JobOrigin,
    /// Its stages, parents first.
    pub stages: Vector<StageId>,
    /// Start.
    pub started: Timestamp,
    /// End.
    pub ended: Option<Timestamp>,
    /// How it ended.
    pub result: Option<JobResult>,
}

impl Model {
    pub(super) fn job_started(&mut self, id: JobId, origin: &JobOrigin, stages: &[StageInfo]) {
        for stage in stages {
            self.stage_announced(stage, id);
        }
        let job = JobState {
            id,
            origin: origin.clone(),
            stages: stages.iter().map(|s| s.id.stage).collect(),
            started: self.now,
            ended: None,
            result: None,
        };
        self.jobs.insert(id, Arc::new(job));
        self.index.running_jobs.insert(id);
        if let Some(rdd) = origin.checkpoint_of {
            self.index.second_jobs.insert(rdd);
        }
        if let Some(batch) = origin.batch.and_then(|b| self.batch_mut(b))
            && !batch.jobs.contains(&id)
        {
            batch.jobs.push_back(id);
        }
        self.tell_job_started(id);
    }

    pub(super) fn job_ended(&mut self, id: JobId, result: &JobResult) {
        let now = self.now;
        self.index.running_jobs.remove(&id);
        let Some(job) = self.jobs.get_mut(&id).map(Arc::make_mut) else { return };
        job.ended = Some(now);
        job.result = Some(result.clone());
        self.tell_job_ended(id);
    }
}
