//! What a fault does, read from the words of the command line: the actions beyond those of executors
//! and blocks.

use crate::command::{Command, Message, TaskTarget};
use crate::config;
use crate::ids::*;

/// Every action, for the message about an unknown one.
const ACTIONS: &str = "kill, restart, decommission, slow, pause, resume, drop, corrupt, fail, fill, free, lose, delay, \
    repeat, cancel, persist, unpersist, checkpoint, stop";

/// Reads `target` for `action`.
///
/// # Errors
/// What is wrong, and what to write instead.
pub(super) fn parse(action: &str, target: &str) -> Result<Command, String> {
    match action {
        "pause" if target.starts_with("driver") => {
            let time = target.strip_prefix("driver,for=").ok_or("pause:driver needs a time, pause:driver,for=5s")?;
            Ok(Command::PauseDriver { time: duration(time)? })
        }
        "pause" => Ok(Command::PauseExecutor { executor: executor(target)? }),
        "resume" => Ok(Command::ResumeExecutor { executor: executor(target)? }),
        "corrupt" => {
            let (operator, batch, partition) = block(action, target)?;
            Ok(Command::CorruptBlock { operator, batch, partition })
        }
        "fail" => fail(target),
        "slow" => {
            let text =
                target.strip_prefix("store,factor=").ok_or("slow needs executor=N,factor=F or store,factor=F")?;
            Ok(Command::SlowStore { factor: factor(text)? })
        }
        "fill" if target == "store" => Ok(Command::FillStore),
        "free" if target == "store" => Ok(Command::FreeStore),
        "fill" | "free" => {
            Err("only the reliable store can be filled and freed; write fill:store or free:store".into())
        }
        "lose" => {
            let (message, nth) = message(action, target)?;
            Ok(Command::LoseMessage { message, nth })
        }
        "repeat" => {
            let (message, nth) = message(action, target)?;
            Ok(Command::RepeatMessage { message, nth })
        }
        "delay" => {
            let (target, by) = target.rsplit_once(",by=").ok_or("delay needs message=KIND,nth=N,by=TIME")?;
            let (message, nth) = message(action, target)?;
            Ok(Command::DelayMessage { message, nth, by: duration(by)? })
        }
        other => Err(format!("unknown action {other:?}; the actions are {ACTIONS}")),
    }
}

fn fail(target: &str) -> Result<Command, String> {
    let problem = "fail needs task=STAGE.TASK,times=N, or task=OPERATOR/BATCH/PARTITION,times=N, or store,times=N";
    let (what, times) = target.rsplit_once(",times=").ok_or(problem)?;
    let times = count(times)?;
    if what == "store" {
        return Ok(Command::FailStore { times });
    }
    let text = what.strip_prefix("task=").ok_or(problem)?;
    let task = match place(text) {
        Some((operator, batch, partition)) => TaskTarget::Operator { operator, batch, partition },
        None => {
            let (stage, task) = text.split_once('.').ok_or(problem)?;
            TaskTarget::Index {
                stage: StageId(stage.parse().map_err(|_| problem)?),
                task: task.parse().map_err(|_| problem)?,
            }
        }
    };
    Ok(Command::FailTask { task, times })
}

/// Which message `action` is about: its kind, and which of the kind.
fn message(action: &str, target: &str) -> Result<(Message, u32), String> {
    let (kind, nth) = target
        .strip_prefix("message=")
        .and_then(|rest| rest.split_once(",nth="))
        .ok_or_else(|| format!("{action} needs message=KIND,nth=N, for example message=task-end,nth=2"))?;
    let kinds = Message::NAMED.map(|(name, _)| name).join(", ");
    let message = Message::NAMED.iter().find(|(name, _)| *name == kind).map(|(_, message)| *message);
    let message = message.ok_or_else(|| format!("{kind:?} is no message; the messages are {kinds}"))?;
    Ok((message, count(nth)?))
}

/// The longest time that something stands still or is held up: a day.
const LONGEST: Millis = Millis(24 * 3_600_000);

fn duration(text: &str) -> Result<Millis, String> {
    let time = config::parse_time(text, config::TimeUnit::Millis)?;
    if time > LONGEST { Err(format!("{text} is longer than a day")) } else { Ok(time) }
}

/// How many times slower something may become: a call of a millisecond then takes a quarter of an hour, and
/// the times of a run still fit into its clock.
const MOST_SLOWNESS: f64 = 1e6;

/// How many times slower something becomes.
pub(super) fn factor(text: &str) -> Result<f64, String> {
    let factor: f64 = text.parse().map_err(|_| format!("{text:?} is no factor"))?;
    if factor > 0.0 && factor <= MOST_SLOWNESS {
        Ok(factor)
    } else {
        Err(format!("the factor must be greater than 0 and at most {MOST_SLOWNESS}"))
    }
}

pub(super) fn executor(target: &str) -> Result<ExecutorId, String> {
    let number = target.strip_prefix("executor=").ok_or("the target is not executor=N")?;
    number.parse().map(ExecutorId).map_err(|_| format!("{number:?} is no executor number"))
}

fn count(text: &str) -> Result<u32, String> {
    text.parse().ok().filter(|n| *n > 0).ok_or_else(|| format!("{text:?} is no count; it must be at least 1"))
}

/// A stored partition that `action` is about.
pub(super) fn block(action: &str, target: &str) -> Result<(OperatorName, Option<BatchId>, PartitionId), String> {
    let path = target.strip_prefix("block=").and_then(place);
    path.ok_or_else(|| format!("{action} needs block=OPERATOR/BATCH/PARTITION"))
}

/// `OPERATOR/BATCH/PARTITION` or `OPERATOR/PARTITION`.
fn place(path: &str) -> Option<(OperatorName, Option<BatchId>, PartitionId)> {
    let parts: Vec<&str> = path.split('/').collect();
    match parts[..] {
        [operator, batch, partition] if !operator.is_empty() => {
            Some((operator.into(), Some(BatchId(batch.parse().ok()?)), PartitionId(partition.parse().ok()?)))
        }
        [operator, partition] if !operator.is_empty() => {
            Some((operator.into(), None, PartitionId(partition.parse().ok()?)))
        }
        _ => None,
    }
}
