//! Task attempts.

use super::accumulables::Accumulables;
use super::metrics::{EXECUTOR_METRICS, TaskMetricsJson};
use super::reasons::ReasonJson;
use super::{Fixed, HOST, Mark};
use crate::event::{AccumulableInfo, Event, Locality, TaskEndReason, TaskInfo, TaskKind, TaskMetrics};
use crate::eventlog::record::{Reading, SparkLine, Stamp, timestamp_of_ms};
use crate::eventlog::spark::SparkLog;
use crate::ids::{PartitionId, StageAttempt, StageId, TaskId, Timestamp};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// `Task Info`
#[derive(Serialize, Deserialize)]
struct TaskInfoJson<'a> {
    #[serde(rename = "Task ID")]
    id: TaskId,
    #[serde(rename = "Index")]
    index: u32,
    #[serde(rename = "Attempt", default)]
    attempt: u32,
    /// Absent before Spark 3, where it equals the index in all but partial task sets.
    #[serde(rename = "Partition ID", default)]
    partition: Option<i64>,
    #[serde(rename = "Launch Time")]
    launched_ms: u64,
    #[serde(rename = "Executor ID", borrow)]
    executor: Cow<'a, str>,
    #[serde(rename = "Host", default, borrow)]
    host: Cow<'a, str>,
    #[serde(rename = "Locality", default, borrow)]
    locality: Cow<'a, str>,
    #[serde(rename = "Speculative", default)]
    speculative: bool,
    #[serde(rename = "Getting Result Time", default)]
    getting_result_ms: u64,
    #[serde(rename = "Finish Time", default)]
    finished_ms: u64,
    #[serde(rename = "Failed", default)]
    failed: bool,
    #[serde(rename = "Killed", default)]
    killed: bool,
    #[serde(rename = "Accumulables", default, borrow)]
    accumulables: Accumulables<'a>,
}

/// Times in full, and what only the end of a task tells.
#[derive(Serialize, Deserialize)]
pub(in crate::eventlog) struct TaskStartExtra {
    launched_ns: Timestamp,
    finished_ns: Timestamp,
    kind: TaskKind,
}

/// Times in full, and the metrics that Spark lacks.
#[derive(Serialize, Deserialize)]
pub(in crate::eventlog) struct TaskEndExtra<'a> {
    launched_ns: Timestamp,
    finished_ns: Timestamp,
    metrics: Cow<'a, TaskMetrics>,
}

impl<'a> TaskInfoJson<'a> {
    fn started(task: &TaskInfo) -> Self {
        Self {
            id: task.id,
            index: task.index,
            attempt: task.attempt,
            partition: Some(i64::from(task.partition.0)),
            launched_ms: task.launched.as_millis(),
            executor: task.executor.to_string().into(),
            host: HOST.into(),
            locality: locality_text(task.locality).into(),
            speculative: task.speculative,
            getting_result_ms: 0,
            finished_ms: 0,
            failed: false,
            killed: false,
            accumulables: Accumulables::default(),
        }
    }

    fn ended(task: &TaskInfo, reason: &TaskEndReason, added: &'a [AccumulableInfo]) -> Self {
        let killed = matches!(reason, TaskEndReason::TaskKilled { .. });
        let failed = !killed && !reason.is_success();
        let accumulables = Accumulables(added);
        Self { finished_ms: task.finished.as_millis(), failed, killed, accumulables, ..Self::started(task) }
    }

    /// The task as the event has it; `None` when it ran where no executor of ours can be.
    fn into_info(
        self,
        stage: StageAttempt,
        kind: TaskKind,
        ns: Option<(Timestamp, Timestamp)>,
        spark: &SparkLog,
    ) -> Option<TaskInfo> {
        let (launched, finished) = ns.unwrap_or_else(|| {
            let launched = timestamp_of_ms(self.launched_ms);
            (launched, timestamp_of_ms(self.finished_ms).max(launched))
        });
        let partition = self.partition.and_then(|p| u32::try_from(p).ok()).unwrap_or(self.index);
        Some(TaskInfo {
            id: self.id,
            stage,
            index: self.index,
            attempt: self.attempt,
            partition: PartitionId(partition),
            executor: spark.executor(&self.executor)?,
            launched,
            finished,
            locality: locality_of(&self.locality),
            kind,
            speculative: self.speculative,
        })
    }
}

const fn locality_text(locality: Locality) -> &'static str {
    match locality {
        Locality::ProcessLocal => "PROCESS_LOCAL",
        Locality::NodeLocal => "NODE_LOCAL",
        Locality::NoPref => "NO_PREF",
        Locality::Any => "ANY",
    }
}

fn locality_of(text: &str) -> Locality {
    match text {
        "PROCESS_LOCAL" => Locality::ProcessLocal,
        "NODE_LOCAL" => Locality::NodeLocal,
        "NO_PREF" => Locality::NoPref,
        _ => Locality::Any,
    }
}

/// `SparkListenerTaskStart`
#[derive(Serialize, Deserialize)]
pub(in crate::eventlog) struct TaskStartLine<'a> {
    #[serde(rename = "Stage ID")]
    stage: StageId,
    #[serde(rename = "Stage Attempt ID", default)]
    stage_attempt: u32,
    #[serde(rename = "Task Info", borrow)]
    task: TaskInfoJson<'a>,
    #[serde(rename = "Faultline", default)]
    mark: Option<Mark<TaskStartExtra>>,
}

impl TaskStartLine<'_> {
    /// A task that was launched.
    pub fn new(task: &TaskInfo, stamp: Stamp) -> Self {
        let extra = TaskStartExtra { launched_ns: task.launched, finished_ns: task.finished, kind: task.kind };
        Self {
            stage: task.stage.stage,
            stage_attempt: task.stage.attempt,
            task: TaskInfoJson::started(task),
            mark: Mark::with(stamp, extra),
        }
    }
}

impl SparkLine for TaskStartLine<'_> {
    fn reading(self, spark: &mut SparkLog) -> Reading {
        let (stamp, extra) = Mark::split(self.mark);
        let stage = StageAttempt { stage: self.stage, attempt: self.stage_attempt };
        let kind = extra.as_ref().map_or_else(|| spark.task_kind(self.stage), |extra| extra.kind);
        let ns = extra.map(|extra| (extra.launched_ns, extra.finished_ns));
        let time_ms = Some(self.task.launched_ms);
        let event = self.task.into_info(stage, kind, ns, spark).map(|task| Event::TaskStart { task });
        Reading { stamp, time_ms, added: Vec::new(), event }
    }
}

/// `SparkListenerTaskEnd`
#[derive(Serialize, Deserialize)]
pub(in crate::eventlog) struct TaskEndLine<'a> {
    #[serde(rename = "Stage ID")]
    stage: StageId,
    #[serde(rename = "Stage Attempt ID", default)]
    stage_attempt: u32,
    #[serde(rename = "Task Type", default, borrow)]
    kind: Cow<'a, str>,
    #[serde(rename = "Task End Reason", borrow)]
    reason: ReasonJson<'a>,
    #[serde(rename = "Task Info", borrow)]
    task: TaskInfoJson<'a>,
    #[serde(rename = "Task Executor Metrics", default)]
    executor_metrics: Fixed,
    /// Absent when the task failed before it reported.
    #[serde(rename = "Task Metrics", default)]
    metrics: Option<TaskMetricsJson>,
    #[serde(rename = "Faultline", default)]
    mark: Option<Mark<TaskEndExtra<'a>>>,
}

const RESULT_TASK: &str = "ResultTask";
const SHUFFLE_MAP_TASK: &str = "ShuffleMapTask";

impl<'a> TaskEndLine<'a> {
    /// A task that ended.
    pub fn new(task: &TaskInfo, reason: &'a TaskEndReason, metrics: &'a TaskMetrics, stamp: Stamp) -> Self {
        let kind = match task.kind {
            TaskKind::ShuffleMapTask => SHUFFLE_MAP_TASK,
            TaskKind::ResultTask => RESULT_TASK,
        };
        let extra =
            TaskEndExtra { launched_ns: task.launched, finished_ns: task.finished, metrics: Cow::Borrowed(metrics) };
        Self {
            stage: task.stage.stage,
            stage_attempt: task.stage.attempt,
            kind: kind.into(),
            reason: reason.into(),
            task: TaskInfoJson::ended(task, reason, &metrics.accumulables),
            executor_metrics: EXECUTOR_METRICS,
            metrics: Some(metrics.into()),
            mark: Mark::with(stamp, extra),
        }
    }
}

impl SparkLine for TaskEndLine<'_> {
    fn reading(self, spark: &mut SparkLog) -> Reading {
        let (stamp, extra) = Mark::split(self.mark);
        let stage = StageAttempt { stage: self.stage, attempt: self.stage_attempt };
        let kind = match self.kind.as_ref() {
            SHUFFLE_MAP_TASK => TaskKind::ShuffleMapTask,
            RESULT_TASK => TaskKind::ResultTask,
            _ => spark.task_kind(self.stage),
        };
        let ns = extra.as_ref().map(|extra| (extra.launched_ns, extra.finished_ns));
        let time_ms = Some(self.task.finished_ms.max(self.task.launched_ms));
        let mut reason = self.reason.into_reason(spark);
        if let (None, TaskEndReason::FetchFailed { shuffle, .. }) = (stamp, &mut reason) {
            *shuffle = spark.fetched_shuffle(self.stage, *shuffle);
        }
        let metrics = match extra {
            Some(extra) => extra.metrics.into_owned(),
            None => self.metrics.map(TaskMetrics::from).unwrap_or_default(),
        };
        let event = self.task.into_info(stage, kind, ns, spark).map(|task| Event::TaskEnd { task, reason, metrics });
        Reading { stamp, time_ms, added: Vec::new(), event }
    }
}
