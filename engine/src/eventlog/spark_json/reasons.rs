//! `Task End Reason`: how a task attempt ended, in Spark's spelling.

use super::Fixed;
use super::executors::BlockManagerId;
use crate::event::TaskEndReason;
use crate::eventlog::spark::SparkLog;
use crate::ids::{PartitionId, ShuffleId, StageId};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The fields of all reasons, in an order that is right for each of them.
#[derive(Default, Serialize, Deserialize)]
pub(in crate::eventlog) struct ReasonJson<'a> {
    #[serde(rename = "Reason", borrow)]
    reason: Cow<'a, str>,
    #[serde(rename = "Class Name", default, skip_serializing_if = "Option::is_none")]
    class: Option<Cow<'a, str>>,
    #[serde(rename = "Description", default, skip_serializing_if = "Option::is_none")]
    description: Option<Cow<'a, str>>,
    #[serde(rename = "Stack Trace", default, skip_serializing_if = "Option::is_none")]
    stack_trace: Option<Fixed>,
    #[serde(rename = "Full Stack Trace", default, skip_serializing_if = "Option::is_none")]
    full_stack_trace: Option<Cow<'a, str>>,
    #[serde(rename = "Block Manager Address", default, skip_serializing_if = "Option::is_none", borrow)]
    address: Option<BlockManagerId<'a>>,
    #[serde(rename = "Shuffle ID", default, skip_serializing_if = "Option::is_none")]
    shuffle: Option<ShuffleId>,
    #[serde(rename = "Map ID", default, skip_serializing_if = "Option::is_none")]
    map: Option<i64>,
    #[serde(rename = "Map Index", default, skip_serializing_if = "Option::is_none")]
    map_index: Option<i64>,
    #[serde(rename = "Reduce ID", default, skip_serializing_if = "Option::is_none")]
    reduce: Option<PartitionId>,
    #[serde(rename = "Message", default, skip_serializing_if = "Option::is_none")]
    message: Option<Cow<'a, str>>,
    #[serde(rename = "Executor ID", default, skip_serializing_if = "Option::is_none")]
    executor: Option<Cow<'a, str>>,
    #[serde(rename = "Exit Caused By App", default, skip_serializing_if = "Option::is_none")]
    exit_caused_by_app: Option<bool>,
    #[serde(rename = "Loss Reason", default, skip_serializing_if = "Option::is_none")]
    loss: Option<Cow<'a, str>>,
    #[serde(rename = "Kill Reason", default, skip_serializing_if = "Option::is_none")]
    kill: Option<Cow<'a, str>>,
    #[serde(rename = "Job ID", default, skip_serializing_if = "Option::is_none")]
    job: Option<StageId>,
    #[serde(rename = "Partition ID", default, skip_serializing_if = "Option::is_none")]
    partition: Option<PartitionId>,
    #[serde(rename = "Attempt Number", default, skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    #[serde(rename = "Accumulator Updates", default, skip_serializing_if = "Option::is_none")]
    accumulators: Option<Fixed>,
}

/// The class that stands for every error of user code that we write.
const EXCEPTION_CLASS: &str = "org.apache.spark.SparkException";

impl<'a> From<&'a TaskEndReason> for ReasonJson<'a> {
    fn from(reason: &'a TaskEndReason) -> Self {
        let named = |reason: &'static str| Self { reason: reason.into(), ..Self::default() };
        match reason {
            TaskEndReason::Success => named("Success"),
            TaskEndReason::ExceptionFailure { message } => Self {
                class: Some(EXCEPTION_CLASS.into()),
                description: Some(message.into()),
                stack_trace: Some(Fixed::EmptyList),
                full_stack_trace: Some(message.into()),
                accumulators: Some(Fixed::EmptyList),
                ..named("ExceptionFailure")
            },
            TaskEndReason::FetchFailed { executor, shuffle, map, reduce, message } => {
                let map = Some(map.map_or(-1, |map| i64::from(map.0)));
                Self {
                    address: executor.map(BlockManagerId::from),
                    shuffle: Some(*shuffle),
                    map,
                    map_index: map,
                    reduce: Some(*reduce),
                    message: Some(message.into()),
                    ..named("FetchFailed")
                }
            }
            TaskEndReason::ExecutorLostFailure { executor, reason, caused_by_app } => Self {
                executor: Some(executor.to_string().into()),
                exit_caused_by_app: Some(*caused_by_app),
                loss: Some(reason.into()),
                ..named("ExecutorLostFailure")
            },
            TaskEndReason::TaskKilled { reason } => {
                Self { kill: Some(reason.into()), accumulators: Some(Fixed::EmptyList), ..named("TaskKilled") }
            }
            // Spark calls the stage a job here, and so does its log.
            TaskEndReason::TaskCommitDenied { stage, partition, attempt } => Self {
                job: Some(*stage),
                partition: Some(*partition),
                attempt: Some(*attempt),
                ..named("TaskCommitDenied")
            },
            TaskEndReason::Resubmitted => named("Resubmitted"),
            TaskEndReason::TaskResultLost => named("TaskResultLost"),
        }
    }
}

impl ReasonJson<'_> {
    /// The reason as the event has it. Reasons that the event does not know are failures by that name.
    pub fn into_reason(self, spark: &SparkLog) -> TaskEndReason {
        let text = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned).unwrap_or_default();
        let executor = |id: Option<Cow<'_, str>>| id.and_then(|id| spark.executor(&id));
        match self.reason.as_ref() {
            "Success" => TaskEndReason::Success,
            "Resubmitted" => TaskEndReason::Resubmitted,
            "TaskResultLost" => TaskEndReason::TaskResultLost,
            "TaskCommitDenied" => TaskEndReason::TaskCommitDenied {
                stage: self.job.unwrap_or_default(),
                partition: self.partition.unwrap_or_default(),
                attempt: self.attempt.unwrap_or_default(),
            },
            "TaskKilled" => TaskEndReason::TaskKilled { reason: text(self.kill) },
            "FetchFailed" => TaskEndReason::FetchFailed {
                executor: executor(self.address.map(|a| a.executor)),
                shuffle: self.shuffle.unwrap_or_default(),
                // Spark 2 has the index as "Map ID".
                map: self.map_index.or(self.map).and_then(|map| u32::try_from(map).ok()).map(PartitionId),
                reduce: self.reduce.unwrap_or_default(),
                message: text(self.message),
            },
            "ExecutorLostFailure" => {
                let reason = text(self.loss);
                let caused_by_app = self.exit_caused_by_app.unwrap_or(true);
                match executor(self.executor) {
                    Some(executor) => TaskEndReason::ExecutorLostFailure { executor, reason, caused_by_app },
                    None => TaskEndReason::ExceptionFailure { message: format!("ExecutorLostFailure: {reason}") },
                }
            }
            "ExceptionFailure" => TaskEndReason::ExceptionFailure {
                message: match self.class.as_deref() {
                    Some(class) if class != EXCEPTION_CLASS => format!("{class}: {}", text(self.description)),
                    _ => text(self.description),
                },
            },
            other => TaskEndReason::ExceptionFailure { message: other.to_owned() },
        }
    }
}
