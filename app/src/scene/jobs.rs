//! Jobs as the rows of a table, for programs without batches.

use super::charts::{ChartMark, ChartPoint};
use crate::model::{JobState, Model};
use faultline_engine::event::JobResult;
use faultline_engine::ids::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where a job is, and whether it paid for a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JobStatus {
    /// It runs.
    Running,
    /// It runs and does work only because something was lost.
    Recovering,
    /// It succeeded.
    Succeeded,
    /// It succeeded, and did work only because something was lost.
    Recovered,
    /// It failed.
    Failed,
}

impl JobStatus {
    /// Its word in the table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Recovering => "recovering",
            Self::Succeeded => "succeeded",
            Self::Recovered => "recovered",
            Self::Failed => "failed",
        }
    }

    /// Whether it has not ended.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Running | Self::Recovering)
    }

    fn of(model: &Model, job: &JobState) -> Self {
        match (&job.result, model.job_repaired(job.id)) {
            (Some(JobResult::Failed { .. }), _) => Self::Failed,
            (None, false) if job.ended.is_none() => Self::Running,
            (None, true) if job.ended.is_none() => Self::Recovering,
            (_, true) => Self::Recovered,
            (_, false) => Self::Succeeded,
        }
    }
}

/// One job of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct JobRow {
    /// Id.
    pub id: JobId,
    /// What for: the call site of its action, or the checkpoint that it writes.
    pub purpose: String,
    /// The RDD of its last stage.
    pub result: Option<RddId>,
    /// Stages announced.
    pub stages: u32,
    /// Of these, never submitted, because their outputs were there.
    pub skipped: u32,
    /// Tasks of the attempts submitted while it ran.
    pub tasks: u64,
    /// From start to end.
    pub duration_ns: Option<u64>,
    /// Where it is.
    pub status: JobStatus,
}

impl JobRow {
    fn of(model: &Model, job: &JobState) -> Self {
        let stages = || job.stages.iter().filter_map(|id| model.stages.get(id));
        let during = |at: Timestamp| at >= job.started && job.ended.is_none_or(|end| at <= end);
        let attempts = stages().flat_map(|s| s.attempts.iter()).filter(|a| during(a.submitted));
        let purpose = match job.origin.checkpoint_of {
            None => job.origin.callsite.clone(),
            Some(rdd) => model.rdds.get(&rdd).map_or_else(
                || format!("checkpoint of RDD {rdd}"),
                |saved| format!("checkpoint of {}", saved.info.op.operator),
            ),
        };
        Self {
            id: job.id,
            purpose,
            result: job.stages.last().and_then(|s| model.stages.get(s)).map(|s| s.info.rdd),
            stages: job.stages.len() as u32,
            skipped: job.stages.iter().filter(|s| model.is_skipped(job.id, **s)).count() as u32,
            tasks: attempts.map(|a| u64::from(a.info.num_tasks)).sum(),
            duration_ns: job.ended.map(|end| end.ns_since(job.started)),
            status: JobStatus::of(model, job),
        }
    }

    /// Its points in the charts: stages that ran, tasks, duration in milliseconds.
    pub fn chart_point(&self) -> ChartPoint {
        ChartPoint {
            number: self.id.0,
            values: [
                Some(f64::from(self.stages - self.skipped)),
                Some(self.tasks as f64),
                self.duration_ns.map(|ns| ns as f64 / 1e6),
            ],
            mark: match self.status {
                JobStatus::Failed => ChartMark::Failed,
                JobStatus::Recovered | JobStatus::Recovering => ChartMark::Recovered,
                JobStatus::Running => ChartMark::Open,
                JobStatus::Succeeded => ChartMark::Plain,
            },
        }
    }
}

/// The rows of all jobs. What ended stays as it was, so an update costs what still runs.
#[derive(Clone, Debug, Default)]
pub struct JobRows {
    kept: BTreeMap<JobId, (Arc<JobState>, JobRow)>,
}

impl JobRows {
    /// Brings the rows up to date and returns them, oldest first.
    pub fn update(&mut self, model: &Model) -> Vec<JobRow> {
        let mut before = std::mem::take(&mut self.kept);
        for (id, job) in &model.jobs {
            let same = before.remove(id).filter(|(old, _)| job.ended.is_some() && Arc::ptr_eq(old, job));
            let entry = same.unwrap_or_else(|| (Arc::clone(job), JobRow::of(model, job)));
            self.kept.insert(*id, entry);
        }
        self.kept.values().map(|(_, row)| row.clone()).collect()
    }
}
