//! Planned faults: what happens, and when, in the words of the command line.

mod actions;
mod moment;

pub use moment::{FieldFilter, Moment};

use crate::command::{Command, StopMode, SuperviseMode};
use crate::event::{StorageLevel, UnknownLevel};
use crate::ids::*;
use actions::executor;
use std::fmt;
use std::str::FromStr;

/// A command and its moment: `kill:executor=2@batch=7`.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedFault {
    /// What.
    pub command: Command,
    /// When.
    pub moment: Moment,
}

impl fmt::Display for PlannedFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.command, self.moment)
    }
}

/// A fault specification that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("fault {spec:?}: {problem}; write action:target@moment, for example kill:executor=2@batch=7")]
pub struct BadFault {
    spec: String,
    problem: String,
}

impl FromStr for PlannedFault {
    type Err = BadFault;

    fn from_str(spec: &str) -> Result<Self, BadFault> {
        let bad = |problem: &str| BadFault { spec: spec.to_owned(), problem: problem.to_owned() };
        let (what, when) = spec.rsplit_once('@').ok_or_else(|| bad("it has no @moment"))?;
        let (action, target) = what.split_once(':').ok_or_else(|| bad("it has no action:target"))?;
        let command = parse_command(action, target).map_err(|problem| bad(&problem))?;
        let moment = when.parse().map_err(|problem: String| bad(&problem))?;
        Ok(Self { command, moment })
    }
}

fn parse_command(action: &str, target: &str) -> Result<Command, String> {
    match action {
        "kill" if target == "driver" => Ok(Command::KillDriver),
        "kill" => Ok(Command::KillExecutor { executor: executor(target)? }),
        "supervise" => match target {
            "on" => Ok(Command::SuperviseDriver { mode: SuperviseMode::On }),
            "off" => Ok(Command::SuperviseDriver { mode: SuperviseMode::Off }),
            _ => Err("supervise is either supervise:on or supervise:off".into()),
        },
        "restart" if target == "driver" => Ok(Command::RestartDriver),
        "restart" => Ok(Command::RestartExecutor { executor: executor(target)? }),
        "decommission" => Ok(Command::DecommissionExecutor { executor: executor(target)? }),
        "slow" if !target.starts_with("store") => {
            let (which, factor) = target.split_once(",factor=").ok_or("slow needs executor=N,factor=F")?;
            Ok(Command::SlowExecutor { executor: executor(which)?, factor: actions::factor(factor)? })
        }
        "drop" => {
            let (operator, batch, partition) = actions::block("drop", target)?;
            Ok(Command::DropBlock { operator, batch, partition })
        }
        "cancel" => {
            let job = target.strip_prefix("job=").ok_or("cancel needs job=N")?;
            let job = job.parse().map_err(|_| format!("{job:?} is no job number"))?;
            Ok(Command::CancelJob { job: JobId(job) })
        }
        "stop" => match target {
            "graceful" => Ok(Command::StopStreaming { mode: StopMode::Graceful }),
            "immediate" => Ok(Command::StopStreaming { mode: StopMode::Immediate }),
            _ => Err("stop is either stop:graceful or stop:immediate".into()),
        },
        "persist" => {
            let (target, level) = target.split_once(",level=").ok_or("persist needs rdd=N,level=LEVEL")?;
            let level: StorageLevel = level.parse().map_err(|unknown: UnknownLevel| unknown.to_string())?;
            Ok(Command::PersistRdd { target: target.parse()?, level: level.to_string() })
        }
        "unpersist" => Ok(Command::UnpersistRdd { target: target.parse()? }),
        "checkpoint" => Ok(Command::CheckpointRdd { target: target.parse()? }),
        other => actions::parse(other, target),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the help text promises would not parse, or print differently than typed.
    #[test]
    fn specs_print_as_typed() {
        for spec in [
            "kill:executor=2@batch=7",
            "kill:executor=2@stage=14.task=3",
            "kill:driver@batch=9",
            "restart:driver@time=9000ms",
            "supervise:on@batch=4",
            "supervise:off@time=3500ms",
            "restart:executor=2@batch=9",
            "decommission:executor=3@batch=4",
            "slow:executor=1,factor=10@batch=3",
            "drop:block=updateStateByKey/7/2@batch=8",
            "cancel:job=3@stage=4.task=0",
            "stop:graceful@batch=4",
            "stop:immediate@stage=3.task=0",
            "pause:executor=2@time=3500ms",
            "resume:executor=2@time=9000ms",
            "corrupt:block=map#2/7/2@event=BatchStarted#8",
            "corrupt:block=map/2@event=StageCompleted:stage=3#1",
            "fail:task=14.3,times=2@time=0ms",
            "fail:task=map/7/3,times=1@batch=7",
            "fail:store,times=3@batch=5",
            "slow:store,factor=20@batch=5",
            "fill:store@batch=5",
            "free:store@event=CheckpointFailed#2",
            "lose:message=task-end,nth=2@batch=3",
            "lose:message=launch,nth=1@stage=3.task=0",
            "lose:message=block-report,nth=5@event=BlockUpdated:operator=map#2#1",
            "delay:message=block-report,nth=2,by=30000ms@batch=3",
            "repeat:message=launch,nth=1@time=3500ms",
            "pause:driver,for=60000ms@event=BatchStarted#2",
            "persist:op=map#2/7,level=MEMORY_AND_DISK@batch=8",
            "persist:rdd=12,level=DISK_ONLY@batch=8",
            "unpersist:op=groupByKey@stage=3.task=0",
            "checkpoint:rdd=12@batch=3",
        ] {
            let fault: PlannedFault = spec.parse().expect(spec);
            assert_eq!(fault.to_string(), spec);
        }
    }

    /// A wrong specification would be accepted, or refused without the way out.
    #[test]
    fn wrong_specs_say_what_is_wrong() {
        for (spec, problem) in [
            ("kill:executor=2", "no @moment"),
            ("explode:executor=2@batch=1", "unknown action"),
            ("kill:executor=x@batch=1", "no executor number"),
            ("kill:executor=2@tomorrow", "not batch=N"),
            ("kill:executor=2@batch=0", "batches count from 1"),
            ("kill:executor=2@time=soon", "Time must be specified"),
            ("kill:executor=2@event=StageComplete", "the nearest is StageCompleted"),
            ("kill:executor=2@event=TaskEnd#0", "counts from 1"),
            ("kill:executor=2@event=TaskEnd:executor", "FIELD=VALUE"),
            ("fail:task=map,times=2@batch=1", "STAGE.TASK"),
            ("fail:task=1.2,times=0@batch=1", "at least 1"),
            ("fail:store@batch=1", "times=N"),
            ("slow:store,factor=nan@batch=1", "greater than 0"),
            ("slow:store,factor=1e7@batch=1", "at most 1000000"),
            ("slow:executor=1,factor=1e13@batch=1", "at most 1000000"),
            ("drop:block=map/x/1@batch=1", "drop needs block=OPERATOR/BATCH/PARTITION"),
            ("fill:disk@batch=1", "fill:store"),
            ("lose:message=heartbeat,nth=1@batch=1", "task-end, launch, block-report"),
            ("delay:message=launch,nth=1@batch=1", "by=TIME"),
            ("delay:message=launch,nth=1,by=25h@batch=1", "longer than a day"),
            ("repeat:message=launch@batch=1", "repeat needs message=KIND,nth=N"),
            ("pause:driver@batch=1", "pause:driver,for=5s"),
            ("slow:executor=1,factor=0@batch=1", "greater than 0"),
            ("persist:rdd=1,level=MEMORY@batch=1", "the levels are NONE"),
            ("unpersist:map@batch=1", "neither rdd=N"),
        ] {
            let text = spec.parse::<PlannedFault>().expect_err(spec).to_string();
            assert!(text.contains(problem) && text.contains("for example"), "{text}");
        }
    }
}
