//! One line to one event: the name first, the payload second, so that "newer" and "corrupt" differ.

use super::spark::SparkLog;
use super::spark_json::application::{ApplicationEndLine, ApplicationStartLine, EnvironmentUpdateLine, LogStartLine};
use super::spark_json::blocks::{BlockUpdatedLine, UnpersistRddLine};
use super::spark_json::executors::{
    BlockManagerAddedLine, BlockManagerRemovedLine, ExecutorAddedLine, ExecutorRemovedLine,
};
use super::spark_json::jobs::{JobEndLine, JobStartLine};
use super::spark_json::stages::{StageCompletedLine, StageSubmittedLine};
use super::spark_json::tasks::{TaskEndLine, TaskStartLine};
use super::{ours, unknown};
use crate::event::Event;
use crate::ids::Timestamp;
use serde::Deserialize;
use std::borrow::Cow;

/// Spark's names of the kinds that we share.
pub(super) mod name {
    pub const LOG_START: &str = "SparkListenerLogStart";
    pub const ENVIRONMENT_UPDATE: &str = "SparkListenerEnvironmentUpdate";
    pub const APPLICATION_START: &str = "SparkListenerApplicationStart";
    pub const APPLICATION_END: &str = "SparkListenerApplicationEnd";
    pub const EXECUTOR_ADDED: &str = "SparkListenerExecutorAdded";
    pub const EXECUTOR_REMOVED: &str = "SparkListenerExecutorRemoved";
    pub const BLOCK_MANAGER_ADDED: &str = "SparkListenerBlockManagerAdded";
    pub const BLOCK_MANAGER_REMOVED: &str = "SparkListenerBlockManagerRemoved";
    pub const JOB_START: &str = "SparkListenerJobStart";
    pub const JOB_END: &str = "SparkListenerJobEnd";
    pub const STAGE_SUBMITTED: &str = "SparkListenerStageSubmitted";
    pub const STAGE_COMPLETED: &str = "SparkListenerStageCompleted";
    pub const TASK_START: &str = "SparkListenerTaskStart";
    pub const TASK_END: &str = "SparkListenerTaskEnd";
    pub const BLOCK_UPDATED: &str = "SparkListenerBlockUpdated";
    pub const UNPERSIST_RDD: &str = "SparkListenerUnpersistRDD";
}

/// Number and time of a line that we wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub seq: u64,
    pub at_ns: u64,
}

/// What a line says.
pub(super) struct Reading {
    /// Set when we wrote the line.
    pub stamp: Option<Stamp>,
    /// The time in Spark's fields, if this kind has one.
    pub time_ms: Option<u64>,
    /// What Spark left out and the line implies; comes before the event.
    pub added: Vec<Event>,
    /// `None` when the kind is known, but `Event` cannot say it: a block of a broadcast, for example.
    pub event: Option<Event>,
}

impl Reading {
    /// A line that says one event.
    pub fn of(stamp: Option<Stamp>, time_ms: Option<u64>, event: Event) -> Self {
        Self { stamp, time_ms, added: Vec::new(), event: Some(event) }
    }
}

/// A line of a kind that Spark has.
pub(super) trait SparkLine {
    /// The event; when the line comes from Spark, with the help of what the log said before.
    fn reading(self, spark: &mut SparkLog) -> Reading;
}

/// Why a line could not be read.
pub(super) enum LineError {
    /// Not JSON, or no object with an `Event`.
    Json(serde_json::Error),
    /// A known kind with missing or ill-typed fields.
    Payload { event: String, error: serde_json::Error },
}

/// Reads one line without its end.
pub(super) fn read_line(line: &str, spark: &mut SparkLog) -> Result<Reading, LineError> {
    if let Some((stamp, raw)) = unknown::unwrap_kept(line) {
        let name = checked_name(line).map_err(LineError::Json)?;
        return Ok(Reading::of(Some(stamp), None, Event::Unknown { name, raw }));
    }
    let name = event_name(line).map_err(LineError::Json)?;
    let mut reading = match route(&name, line, spark) {
        Ok(Some(reading)) => reading,
        Ok(None) => {
            // Nothing else looks at the rest of the line, so its syntax is checked here.
            checked_name(line).map_err(LineError::Json)?;
            Reading { stamp: None, time_ms: None, added: Vec::new(), event: None }
        }
        Err(error) => return Err(blame(line, name.into_owned(), error)),
    };
    if reading.event.is_none() {
        let (stamp, raw) = unknown::without_mark(line);
        reading.stamp = stamp;
        reading.event = Some(Event::Unknown { name: name.into_owned(), raw });
    }
    Ok(reading)
}

/// A field may be missing because the line is cut off: then the syntax is what is wrong.
fn blame(line: &str, event: String, error: serde_json::Error) -> LineError {
    match checked_name(line) {
        Ok(_) => LineError::Payload { event, error },
        Err(syntax) => LineError::Json(syntax),
    }
}

/// Reads the payload of a known kind; `None` when the name is unknown.
fn route(name: &str, line: &str, spark: &mut SparkLog) -> Result<Option<Reading>, serde_json::Error> {
    let reading = match name {
        name::LOG_START => payload::<LogStartLine<'_>>(line, spark),
        name::ENVIRONMENT_UPDATE => payload::<EnvironmentUpdateLine<'_>>(line, spark),
        name::APPLICATION_START => payload::<ApplicationStartLine<'_>>(line, spark),
        name::APPLICATION_END => payload::<ApplicationEndLine>(line, spark),
        name::EXECUTOR_ADDED => payload::<ExecutorAddedLine<'_>>(line, spark),
        name::EXECUTOR_REMOVED => payload::<ExecutorRemovedLine<'_>>(line, spark),
        name::BLOCK_MANAGER_ADDED => payload::<BlockManagerAddedLine<'_>>(line, spark),
        name::BLOCK_MANAGER_REMOVED => payload::<BlockManagerRemovedLine<'_>>(line, spark),
        name::JOB_START => payload::<JobStartLine<'_>>(line, spark),
        name::JOB_END => payload::<JobEndLine<'_>>(line, spark),
        name::STAGE_SUBMITTED => payload::<StageSubmittedLine<'_>>(line, spark),
        name::STAGE_COMPLETED => payload::<StageCompletedLine<'_>>(line, spark),
        name::TASK_START => payload::<TaskStartLine<'_>>(line, spark),
        name::TASK_END => payload::<TaskEndLine<'_>>(line, spark),
        name::BLOCK_UPDATED => payload::<BlockUpdatedLine<'_>>(line, spark),
        name::UNPERSIST_RDD => payload::<UnpersistRddLine>(line, spark),
        _ => return ours::read(name, line),
    };
    reading.map(Some)
}

fn payload<'a, L: SparkLine + Deserialize<'a>>(
    line: &'a str,
    spark: &mut SparkLog,
) -> Result<Reading, serde_json::Error> {
    serde_json::from_str::<L>(line).map(|parsed| parsed.reading(spark))
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(rename = "Event", borrow)]
    event: Cow<'a, str>,
}

/// The name of a line; cheap when it opens the line without escapes, as in all logs that Spark writes.
fn event_name(line: &str) -> Result<Cow<'_, str>, serde_json::Error> {
    let opened = line.strip_prefix("{\"Event\":\"").and_then(|rest| rest.split_once('"'));
    match opened {
        Some((name, _)) if !name.contains('\\') => Ok(Cow::Borrowed(name)),
        _ => serde_json::from_str::<Head<'_>>(line).map(|head| head.event),
    }
}

/// The name of a line whose whole syntax is checked.
pub(super) fn checked_name(line: &str) -> Result<String, serde_json::Error> {
    serde_json::from_str::<Head<'_>>(line).map(|head| head.event.into_owned())
}

/// Milliseconds of Spark as a time; absurd ones end at the last time there is.
pub(super) const fn timestamp_of_ms(ms: u64) -> Timestamp {
    Timestamp(ms.saturating_mul(1_000_000))
}
