//! Stages: the info that three kinds of events repeat, submission and completion.

use super::rdds::RddInfoJson;
use super::{Fixed, Mark, Plain};
use crate::event::{Event, StageInfo, StageOutcome};
use crate::eventlog::record::{Reading, SparkLine};
use crate::eventlog::spark::SparkLog;
use crate::ids::{RddId, ShuffleId, StageAttempt, StageId};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// `Stage Info`
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::eventlog) struct StageInfoJson<'a> {
    #[serde(rename = "Stage ID")]
    pub id: StageId,
    #[serde(rename = "Stage Attempt ID", default)]
    pub attempt: u32,
    #[serde(rename = "Stage Name", default, borrow)]
    pub name: Cow<'a, str>,
    #[serde(rename = "Number of Tasks")]
    pub num_tasks: u32,
    #[serde(rename = "RDD Info", default)]
    pub rdds: Vec<Cow<'a, RddInfoJson>>,
    #[serde(rename = "Parent IDs", default)]
    pub parents: Vec<StageId>,
    #[serde(rename = "Details", default, borrow)]
    pub details: Cow<'a, str>,
    #[serde(rename = "Submission Time", default, skip_serializing_if = "Option::is_none")]
    pub submitted_ms: Option<u64>,
    #[serde(rename = "Completion Time", default, skip_serializing_if = "Option::is_none")]
    pub completed_ms: Option<u64>,
    #[serde(rename = "Failure Reason", default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    #[serde(rename = "Accumulables", default)]
    pub accumulables: Fixed,
    #[serde(rename = "Resource Profile Id", default)]
    pub resource_profile: u32,
    #[serde(rename = "Shuffle Push Enabled", default)]
    pub push_enabled: bool,
    #[serde(rename = "Shuffle Push Mergers Count", default)]
    pub num_push_mergers: u32,
}

/// What `Stage Info` leaves to guess.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(in crate::eventlog) struct StageExtra {
    pub rdd: RddId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shuffle: Option<ShuffleId>,
}

impl From<&StageInfo> for StageExtra {
    fn from(stage: &StageInfo) -> Self {
        Self { rdd: stage.rdd, shuffle: stage.shuffle }
    }
}

impl StageInfoJson<'_> {
    /// What can be said of a stage attempt that was never submitted.
    pub fn unannounced(id: StageAttempt) -> Self {
        Self {
            id: id.stage,
            attempt: id.attempt,
            name: Cow::default(),
            num_tasks: 0,
            rdds: Vec::new(),
            parents: Vec::new(),
            details: Cow::default(),
            submitted_ms: None,
            completed_ms: None,
            failure: None,
            accumulables: Fixed::EmptyList,
            resource_profile: 0,
            push_enabled: false,
            num_push_mergers: 0,
        }
    }

    /// Stage and attempt.
    pub fn stage_attempt(&self) -> StageAttempt {
        StageAttempt { stage: self.id, attempt: self.attempt }
    }

    /// The last RDD of the stage, which Spark lists first.
    pub fn last_rdd(&self) -> Option<RddId> {
        self.rdds.first().map(|rdd| rdd.id)
    }

    /// The stage as the event has it.
    pub fn into_info(self, extra: StageExtra) -> StageInfo {
        StageInfo {
            id: self.stage_attempt(),
            rdds: self.rdds.iter().map(|rdd| rdd.id).collect(),
            name: self.name.into_owned(),
            rdd: extra.rdd,
            shuffle: extra.shuffle,
            num_tasks: self.num_tasks,
            parents: self.parents,
        }
    }
}

/// `SparkListenerStageSubmitted`
#[derive(Serialize, Deserialize)]
pub(in crate::eventlog) struct StageSubmittedLine<'a> {
    #[serde(rename = "Stage Info", borrow)]
    pub stage: StageInfoJson<'a>,
    #[serde(rename = "Properties", default)]
    pub properties: Option<Cow<'a, BTreeMap<String, String>>>,
    #[serde(rename = "Faultline", default)]
    pub mark: Option<Mark<StageExtra>>,
}

impl SparkLine for StageSubmittedLine<'_> {
    fn reading(self, spark: &mut SparkLog) -> Reading {
        let (stamp, extra) = Mark::split(self.mark);
        let time_ms = self.stage.submitted_ms;
        let added = if stamp.is_none() { spark.stage_submitted(&self.stage) } else { Vec::new() };
        let extra = extra.unwrap_or_else(|| spark.stage_extra(&self.stage));
        Reading { stamp, time_ms, added, event: Some(Event::StageSubmitted { stage: self.stage.into_info(extra) }) }
    }
}

/// `SparkListenerStageCompleted`
#[derive(Serialize, Deserialize)]
pub(in crate::eventlog) struct StageCompletedLine<'a> {
    #[serde(rename = "Stage Info", borrow)]
    pub stage: StageInfoJson<'a>,
    #[serde(rename = "Faultline", default)]
    pub mark: Option<Plain>,
}

impl SparkLine for StageCompletedLine<'_> {
    fn reading(mut self, spark: &mut SparkLog) -> Reading {
        let (stamp, _) = Mark::split(self.mark);
        let added = if stamp.is_none() { spark.stages_listed(std::slice::from_ref(&self.stage)) } else { Vec::new() };
        let outcome = match self.stage.failure.take() {
            Some(reason) => StageOutcome::Failed { reason },
            None => StageOutcome::Succeeded,
        };
        let event = Event::StageCompleted { stage: self.stage.stage_attempt(), outcome };
        Reading { stamp, time_ms: self.stage.completed_ms, added, event: Some(event) }
    }
}
