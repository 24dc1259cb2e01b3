//! Envelopes to lines.

use super::announced::Announced;
use super::record::{Stamp, name};
use super::spark_json::application::{
    ApplicationEndLine, ApplicationStartLine, EnvironmentUpdateLine, FORMAT_VERSION, LogStartExtra, LogStartLine,
};
use super::spark_json::blocks::{BlockExtra, BlockUpdatedInfo, BlockUpdatedLine, UnpersistRddLine};
use super::spark_json::executors::{
    BlockManagerAddedLine, BlockManagerRemovedLine, ExecutorAddedLine, ExecutorRemovedLine,
};
use super::spark_json::jobs::{JobEndLine, JobExtra, JobStartLine};
use super::spark_json::stages::{StageCompletedLine, StageExtra, StageInfoJson, StageSubmittedLine};
use super::spark_json::tasks::{TaskEndLine, TaskStartLine};
use super::spark_json::{Mark, put};
use super::{ours, unknown};
use crate::event::{Envelope, Event, StageOutcome};
use std::borrow::Cow;
use std::io::{self, Write};

/// The user that History Server shows.
const USER: &str = "faultline";

/// Writes envelopes as lines. In memory an RDD is announced once and then named by id; the writer keeps
/// what was announced and repeats it where Spark's format wants it. Equal envelopes give equal bytes.
#[derive(Debug)]
pub struct LogWriter<W: Write> {
    sink: W,
    announced: Announced,
    line: Vec<u8>,
}

impl<W: Write> LogWriter<W> {
    /// A log that begins here.
    pub fn new(sink: W) -> Self {
        Self { sink, announced: Announced::default(), line: Vec::new() }
    }

    /// Appends one line. Envelopes must come in order: a job's RDDs are announced before it.
    pub fn write(&mut self, envelope: &Envelope) -> io::Result<()> {
        let stamp = Stamp { seq: envelope.seq, at_ns: envelope.at.0 };
        let time_ms = envelope.at.as_millis();
        self.announced.before(&envelope.event, time_ms);
        self.line.clear();
        put_event(&mut self.line, &self.announced, &envelope.event, stamp, time_ms)?;
        self.sink.write_all(&self.line)?;
        self.announced.after(&envelope.event);
        Ok(())
    }

    /// Hands on what the sink has gathered, so that a process that dies leaves it behind.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }

    /// Flushes and gives the sink back.
    pub fn finish(mut self) -> io::Result<W> {
        self.sink.flush()?;
        Ok(self.sink)
    }
}

/// Appends the line of one event.
fn put_event(out: &mut Vec<u8>, announced: &Announced, event: &Event, stamp: Stamp, time_ms: u64) -> io::Result<()> {
    match event {
        Event::LogStart { .. }
        | Event::EnvironmentUpdate { .. }
        | Event::ApplicationStart { .. }
        | Event::ApplicationEnd => put_application(out, event, stamp, time_ms),
        Event::ExecutorAdded { .. }
        | Event::ExecutorRemoved { .. }
        | Event::BlockManagerAdded { .. }
        | Event::BlockManagerRemoved { .. } => put_executor(out, event, stamp, time_ms),
        Event::JobStart { .. } | Event::JobEnd { .. } | Event::StageSubmitted { .. } | Event::StageCompleted { .. } => {
            put_job_or_stage(out, announced, event, stamp, time_ms)
        }
        Event::TaskStart { task } => put(out, name::TASK_START, &TaskStartLine::new(task, stamp)),
        Event::TaskEnd { task, reason, metrics } => {
            put(out, name::TASK_END, &TaskEndLine::new(task, reason, metrics, stamp))
        }
        Event::BlockUpdated { .. } | Event::InputBlockUpdated { .. } => put_block(out, event, stamp),
        Event::UnpersistRdd { rdd } => {
            put(out, name::UNPERSIST_RDD, &UnpersistRddLine { rdd: *rdd, mark: Mark::plain(stamp) })
        }
        Event::Unknown { name, raw } => unknown::put(out, name, raw, stamp),
        _ => ours::put(out, event, stamp),
    }
}

fn put_application(out: &mut Vec<u8>, event: &Event, stamp: Stamp, time_ms: u64) -> io::Result<()> {
    match event {
        Event::LogStart { version, seed, clock } => {
            let extra = LogStartExtra { version: version.clone(), seed: *seed, clock: *clock };
            let line = LogStartLine { version: FORMAT_VERSION.into(), mark: Mark::with(stamp, extra) };
            put(out, name::LOG_START, &line)
        }
        Event::EnvironmentUpdate { properties } => {
            put(out, name::ENVIRONMENT_UPDATE, &EnvironmentUpdateLine::new(properties, Mark::plain(stamp)))
        }
        Event::ApplicationStart { name, id } => {
            let (name, id, user) = (name.into(), id.into(), USER.into());
            let line = ApplicationStartLine { name, id, time_ms, user, mark: Mark::plain(stamp) };
            put(out, name::APPLICATION_START, &line)
        }
        _ => put(out, name::APPLICATION_END, &ApplicationEndLine { time_ms, mark: Mark::plain(stamp) }),
    }
}

fn put_executor(out: &mut Vec<u8>, event: &Event, stamp: Stamp, time_ms: u64) -> io::Result<()> {
    let mark = Mark::plain(stamp);
    match event {
        Event::ExecutorAdded { executor, cores, replaces } => {
            put(out, name::EXECUTOR_ADDED, &ExecutorAddedLine::new(*executor, *cores, *replaces, time_ms, stamp))
        }
        Event::ExecutorRemoved { executor, reason } => {
            let executor = executor.to_string().into();
            put(out, name::EXECUTOR_REMOVED, &ExecutorRemovedLine { time_ms, executor, reason: reason.into(), mark })
        }
        Event::BlockManagerAdded { executor, max_memory } => {
            let line = BlockManagerAddedLine {
                id: (*executor).into(),
                max_memory: *max_memory,
                time_ms: Some(time_ms),
                max_on_heap: *max_memory,
                max_off_heap: 0,
                mark,
            };
            put(out, name::BLOCK_MANAGER_ADDED, &line)
        }
        Event::BlockManagerRemoved { executor } => {
            let line = BlockManagerRemovedLine { id: (*executor).into(), time_ms: Some(time_ms), mark };
            put(out, name::BLOCK_MANAGER_REMOVED, &line)
        }
        _ => Ok(()),
    }
}

fn put_job_or_stage(
    out: &mut Vec<u8>,
    announced: &Announced,
    event: &Event,
    stamp: Stamp,
    time_ms: u64,
) -> io::Result<()> {
    match event {
        Event::JobStart { job, origin, stages } => {
            let extra = JobExtra {
                callsite: origin.callsite.clone(),
                batch: origin.batch,
                checkpoint_of: origin.checkpoint_of,
                stages: stages.iter().map(StageExtra::from).collect(),
            };
            let line = JobStartLine {
                job: *job,
                submitted_ms: Some(time_ms),
                stages: stages.iter().map(|stage| announced.stage(stage)).collect(),
                stage_ids: stages.iter().map(|stage| stage.id.stage).collect(),
                properties: announced.job_properties(*job),
                mark: Mark::with(stamp, extra),
            };
            put(out, name::JOB_START, &line)
        }
        Event::JobEnd { job, result } => {
            let (completed_ms, mark) = (Some(time_ms), Mark::plain(stamp));
            put(out, name::JOB_END, &JobEndLine { job: *job, completed_ms, result: result.into(), mark })
        }
        Event::StageSubmitted { stage } => {
            let line = StageSubmittedLine {
                stage: StageInfoJson { submitted_ms: Some(time_ms), ..announced.stage(stage) },
                properties: announced.stage_properties(stage.id.stage),
                mark: Mark::with(stamp, stage.into()),
            };
            put(out, name::STAGE_SUBMITTED, &line)
        }
        Event::StageCompleted { stage, outcome } => {
            let mut stage = announced.ended_stage(*stage, time_ms);
            if let StageOutcome::Failed { reason } = outcome {
                stage.failure = Some(reason.clone());
            }
            put(out, name::STAGE_COMPLETED, &StageCompletedLine { stage, mark: Mark::plain(stamp) })
        }
        _ => Ok(()),
    }
}

fn put_block(out: &mut Vec<u8>, event: &Event, stamp: Stamp) -> io::Result<()> {
    let (block, executor, level, memory_bytes, disk_bytes, removal, preview) = match event {
        Event::BlockUpdated { executor, block, level, memory_bytes, disk_bytes, removal, preview } => {
            (block.to_string(), executor, level, memory_bytes, disk_bytes, removal, preview)
        }
        Event::InputBlockUpdated { executor, block, level, memory_bytes, disk_bytes, removal, preview } => {
            (block.to_string(), executor, level, memory_bytes, disk_bytes, removal, preview)
        }
        _ => return Ok(()),
    };
    let info = BlockUpdatedInfo {
        manager: (*executor).into(),
        block: block.into(),
        level: (*level).into(),
        memory_bytes: *memory_bytes,
        disk_bytes: *disk_bytes,
    };
    let mark = if removal.is_some() || preview.is_some() {
        Mark::with(stamp, BlockExtra { removal: *removal, preview: preview.as_ref().map(Cow::Borrowed) })
    } else {
        Mark::plain(stamp)
    };
    put(out, name::BLOCK_UPDATED, &BlockUpdatedLine { info, mark })
}
