//! What was announced so far, so that the writer can repeat it where Spark's format does.

use super::spark_json::jobs::{Properties, properties};
use super::spark_json::rdds::{RddInfoJson, Scope, batch_time_text};
use super::spark_json::stages::StageInfoJson;
use crate::event::{Event, RddInfo, StageInfo, StorageLevel};
use crate::ids::*;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// RDDs, running jobs and running stage attempts, as the events told them.
#[derive(Debug, Default)]
pub(super) struct Announced {
    rdds: BTreeMap<RddId, RddInfoJson>,
    /// Scopes get numbers in order of appearance, as in Spark.
    scopes: BTreeMap<String, usize>,
    zero_ms: u64,
    interval_ms: u64,
    jobs: BTreeMap<JobId, Properties>,
    /// The first running job that needs a stage: its properties are the stage's.
    job_of_stage: BTreeMap<StageId, JobId>,
    stages: BTreeMap<StageAttempt, SubmittedStage>,
}

/// A stage attempt that has not ended.
#[derive(Debug)]
struct SubmittedStage {
    info: StageInfo,
    submitted_ms: u64,
}

impl Announced {
    /// Takes note of an event before it is written.
    pub fn before(&mut self, event: &Event, time_ms: u64) {
        match event {
            Event::RddRegistered { rdd } => self.register(rdd),
            Event::CheckpointCompleted { rdd, checkpoint_rdd, .. } => {
                self.register(checkpoint_rdd);
                if let Some(cut) = self.rdds.get_mut(rdd) {
                    cut.parents = vec![checkpoint_rdd.id];
                }
            }
            Event::PersistChanged { rdd, level } => self.set_level(*rdd, *level),
            Event::UnpersistRdd { rdd } => self.set_level(*rdd, StorageLevel::NONE),
            Event::StreamingStarted { zero, interval } => {
                self.zero_ms = zero.as_millis();
                self.interval_ms = interval.0;
            }
            Event::JobStart { job, origin, stages } => {
                self.jobs.insert(*job, properties(*job, origin, self.interval_ms));
                for stage in stages {
                    self.job_of_stage.entry(stage.id.stage).or_insert(*job);
                }
            }
            Event::StageSubmitted { stage } => {
                self.stages.insert(stage.id, SubmittedStage { info: stage.clone(), submitted_ms: time_ms });
            }
            _ => {}
        }
    }

    /// Forgets, after an event was written, what no later one repeats.
    pub fn after(&mut self, event: &Event) {
        match event {
            Event::RddReleased { rdd } => {
                self.rdds.remove(rdd);
            }
            Event::JobEnd { job, .. } => {
                self.jobs.remove(job);
                self.job_of_stage.retain(|_, of| of != job);
            }
            Event::StageCompleted { stage, .. } => {
                self.stages.remove(stage);
            }
            _ => {}
        }
    }

    fn register(&mut self, info: &RddInfo) {
        let scope = self.scope(info);
        self.rdds.insert(info.id, RddInfoJson::new(info, &scope));
    }

    fn set_level(&mut self, rdd: RddId, level: StorageLevel) {
        if let Some(info) = self.rdds.get_mut(&rdd) {
            info.level = level.into();
        }
    }

    /// Spark's scope of an operator call: streaming ones repeat in every batch, with the batch time in
    /// the id and in the name.
    fn scope(&mut self, info: &RddInfo) -> Scope {
        let number = self.scope_number(info.op.operator.as_str());
        let operator = info.op.operator.as_str();
        let base = operator.split_once('#').map_or(operator, |(base, _)| base);
        let parent = info.scope.as_deref().map(|name| {
            let id = self.scope_number(&format!("scope {name}")).to_string();
            Box::new(Scope { id, name: name.to_owned(), parent: None })
        });
        let Some(batch) = info.op.batch else {
            return Scope { id: number.to_string(), name: base.to_owned(), parent };
        };
        let ms = self.zero_ms.saturating_add(self.interval_ms.saturating_mul(u64::from(batch.0)));
        // Spark breaks the line after a name of more than ten letters.
        let gap = if base.len() > 10 { '\n' } else { ' ' };
        let name = format!("{base}{gap}@ {}", batch_time_text(ms, self.interval_ms));
        Scope { id: format!("{number}_{ms}"), name, parent }
    }

    fn scope_number(&mut self, key: &str) -> usize {
        let next = self.scopes.len();
        *self.scopes.entry(key.to_owned()).or_insert(next)
    }

    /// The properties of a running job.
    pub fn job_properties(&self, job: JobId) -> Option<Cow<'_, Properties>> {
        self.jobs.get(&job).map(Cow::Borrowed)
    }

    /// The properties of the job that a stage belongs to.
    pub fn stage_properties(&self, stage: StageId) -> Option<Cow<'_, Properties>> {
        self.job_of_stage.get(&stage).and_then(|job| self.job_properties(*job)).or_else(|| Some(Cow::default()))
    }

    /// A stage with its RDDs in full, not yet submitted.
    pub fn stage<'a>(&'a self, stage: &'a StageInfo) -> StageInfoJson<'a> {
        let rdd = |id: &RddId| match self.rdds.get(id) {
            Some(info) => Cow::Borrowed(info),
            None => Cow::Owned(RddInfoJson::unannounced(*id)),
        };
        StageInfoJson {
            name: Cow::Borrowed(&stage.name),
            num_tasks: stage.num_tasks,
            rdds: stage.rdds.iter().map(rdd).collect(),
            parents: stage.parents.clone(),
            details: Cow::Borrowed(&stage.name),
            ..StageInfoJson::unannounced(stage.id)
        }
    }

    /// A stage attempt that ends now, as it was submitted.
    pub fn ended_stage(&self, id: StageAttempt, completed_ms: u64) -> StageInfoJson<'_> {
        let mut stage = match self.stages.get(&id) {
            Some(submitted) => {
                StageInfoJson { submitted_ms: Some(submitted.submitted_ms), ..self.stage(&submitted.info) }
            }
            None => StageInfoJson::unannounced(id),
        };
        stage.completed_ms = Some(completed_ms);
        stage
    }
}
