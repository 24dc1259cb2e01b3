//! Who paid for a loss: the jobs and batches that did work only because something was lost.

use super::Model;
use faultline_engine::ids::*;

impl Model {
    /// Whether a batch computed, wrote or read back anything only because something was lost.
    pub fn batch_repaired(&self, batch: BatchId) -> bool {
        self.index.repaired_batches.contains(&batch)
    }

    /// Whether a job did.
    pub fn job_repaired(&self, job: JobId) -> bool {
        self.index.repaired_jobs.contains(&job)
    }

    /// A task of this stage did such work.
    pub(super) fn stage_repairs(&mut self, stage: StageId) {
        let Some(&job) = self.index.stage_job.get(&stage) else { return };
        self.index.repaired_jobs.insert(job);
        if let Some(batch) = self.batch_of_stage(stage) {
            self.index.repaired_batches.insert(batch);
        }
    }
}
