//! Jobs, and the properties that say why they run.

use super::rdds::{Scope, batch_time_text};
use super::stages::{StageExtra, StageInfoJson};
use super::{Fixed, Mark, Plain};
use crate::event::{Event, JobOrigin, JobResult};
use crate::eventlog::record::{Reading, SparkLine};
use crate::eventlog::spark::SparkLog;
use crate::ids::{BatchId, JobId, OutputOpId, RddId, StageId};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

const SCOPE: &str = "spark.rdd.scope";
const SCOPE_NO_OVERRIDE: &str = "spark.rdd.scope.noOverride";
const DESCRIPTION: &str = "spark.job.description";
const POOL: &str = "spark.scheduler.pool";
const BATCH_TIME: &str = "spark.streaming.internal.batchTime";
const OUTPUT_OP: &str = "spark.streaming.internal.outputOpId";
const ALL_MARKED_ANCESTORS: &str = "spark.checkpoint.checkpointAllMarkedAncestors";
/// The scope of the second job of a checkpoint (R9.6).
const CHECKPOINT_SCOPE: &str = "checkpoint";

/// The local properties of a job.
pub(in crate::eventlog) type Properties = BTreeMap<String, String>;

/// `SparkListenerJobStart`
#[derive(Serialize, Deserialize)]
pub(in crate::eventlog) struct JobStartLine<'a> {
    #[serde(rename = "Job ID")]
    pub job: JobId,
    #[serde(rename = "Submission Time", default)]
    pub submitted_ms: Option<u64>,
    #[serde(rename = "Stage Infos", borrow)]
    pub stages: Vec<StageInfoJson<'a>>,
    #[serde(rename = "Stage IDs", default)]
    pub stage_ids: Vec<StageId>,
    #[serde(rename = "Properties", default)]
    pub properties: Option<Cow<'a, Properties>>,
    #[serde(rename = "Faultline", default)]
    pub mark: Option<Mark<JobExtra>>,
}

/// What the properties of a job leave to guess.
#[derive(Serialize, Deserialize)]
pub(in crate::eventlog) struct JobExtra {
    pub callsite: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<BatchId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint_of: Option<RddId>,
    pub stages: Vec<StageExtra>,
}

impl SparkLine for JobStartLine<'_> {
    fn reading(self, spark: &mut SparkLog) -> Reading {
        let Self { job, submitted_ms, mut stages, properties, mark, .. } = self;
        let properties = properties.unwrap_or_default();
        let (stamp, extra) = Mark::split(mark);
        let added = if stamp.is_none() {
            // Spark lists them in any order; parents have lower ids (R2.3).
            stages.sort_by_key(|stage| stage.id);
            spark.job_started(&stages)
        } else {
            Vec::new()
        };
        let (origin, extras) = match extra {
            Some(JobExtra { callsite, batch, checkpoint_of, stages: extras }) => {
                (origin(&properties, callsite, batch, checkpoint_of), extras)
            }
            None => (spark_origin(&properties, &stages), Vec::new()),
        };
        let stages = stages.into_iter().enumerate().map(|(i, stage)| {
            let extra = extras.get(i).copied().unwrap_or_else(|| spark.stage_extra(&stage));
            stage.into_info(extra)
        });
        let event = Event::JobStart { job, origin, stages: stages.collect() };
        Reading { stamp, time_ms: submitted_ms, added, event: Some(event) }
    }
}

fn origin(
    properties: &Properties,
    callsite: String,
    batch: Option<BatchId>,
    checkpoint_of: Option<RddId>,
) -> JobOrigin {
    JobOrigin {
        callsite,
        batch,
        batch_time_ms: properties.get(BATCH_TIME).and_then(|text| text.parse().ok()),
        output_op: properties.get(OUTPUT_OP).and_then(|text| text.parse().ok()).map(OutputOpId),
        checkpoint_of,
        pool: properties.get(POOL).cloned(),
    }
}

/// Spark names a job after its last stage; a job in the scope `checkpoint` writes the RDD of that stage.
fn spark_origin(properties: &Properties, stages: &[StageInfoJson<'_>]) -> JobOrigin {
    let last = stages.iter().max_by_key(|stage| stage.id);
    let scope = properties.get(SCOPE).and_then(|text| serde_json::from_str::<Scope>(text).ok());
    let writes = scope.is_some_and(|scope| scope.name == CHECKPOINT_SCOPE);
    let callsite = last.map(|stage| stage.name.clone().into_owned()).unwrap_or_default();
    origin(properties, callsite, None, last.filter(|_| writes).and_then(StageInfoJson::last_rdd))
}

/// The properties with which Spark would run a job of this origin.
pub(in crate::eventlog) fn properties(job: JobId, origin: &JobOrigin, interval_ms: u64) -> Properties {
    let mut properties = Properties::new();
    let mut set = |key: &str, value: String| properties.insert(key.to_owned(), value);
    if origin.checkpoint_of.is_some() {
        let scope = Scope { id: format!("job{job}"), name: CHECKPOINT_SCOPE.to_owned(), parent: None };
        set(SCOPE, serde_json::to_string(&scope).unwrap_or_default());
        set(SCOPE_NO_OVERRIDE, "true".to_owned());
    }
    if let Some(pool) = &origin.pool {
        set(POOL, pool.clone());
    }
    if let Some(op) = origin.output_op {
        set(OUTPUT_OP, op.to_string());
    }
    if let Some(ms) = origin.batch_time_ms {
        set(BATCH_TIME, ms.to_string());
        set(ALL_MARKED_ANCESTORS, "true".to_owned());
        let time = batch_time_text(ms, interval_ms);
        let what = match origin.output_op {
            Some(op) => format!("output operation {op}, batch time {time}"),
            None => format!("batch time {time}"),
        };
        set(DESCRIPTION, format!("Streaming job from <a href=\"/streaming/batch/?id={ms}\">[{what}]</a>"));
    }
    properties
}

/// `SparkListenerJobEnd`
#[derive(Serialize, Deserialize)]
pub(in crate::eventlog) struct JobEndLine<'a> {
    #[serde(rename = "Job ID")]
    pub job: JobId,
    #[serde(rename = "Completion Time", default)]
    pub completed_ms: Option<u64>,
    #[serde(rename = "Job Result", borrow)]
    pub result: JobResultJson<'a>,
    #[serde(rename = "Faultline", default)]
    pub mark: Option<Plain>,
}

/// `Job Result`
#[derive(Serialize, Deserialize)]
pub(in crate::eventlog) struct JobResultJson<'a> {
    #[serde(rename = "Result", borrow)]
    result: Cow<'a, str>,
    #[serde(rename = "Exception", default, skip_serializing_if = "Option::is_none")]
    exception: Option<ExceptionJson>,
}

#[derive(Serialize, Deserialize)]
struct ExceptionJson {
    #[serde(rename = "Message", default)]
    message: String,
    #[serde(rename = "Stack Trace", default)]
    stack_trace: Fixed,
}

impl From<&JobResult> for JobResultJson<'_> {
    fn from(result: &JobResult) -> Self {
        match result {
            JobResult::Succeeded => Self { result: "JobSucceeded".into(), exception: None },
            JobResult::Failed { error } => {
                let exception = ExceptionJson { message: error.clone(), stack_trace: Fixed::EmptyList };
                Self { result: "JobFailed".into(), exception: Some(exception) }
            }
        }
    }
}

impl SparkLine for JobEndLine<'_> {
    fn reading(self, _: &mut SparkLog) -> Reading {
        let (stamp, _) = Mark::split(self.mark);
        let result = if self.result.result == "JobSucceeded" {
            JobResult::Succeeded
        } else {
            JobResult::Failed { error: self.result.exception.map(|e| e.message).unwrap_or_default() }
        };
        Reading {
            stamp,
            time_ms: self.completed_ms,
            added: Vec::new(),
            event: Some(Event::JobEnd { job: self.job, result }),
        }
    }
}
