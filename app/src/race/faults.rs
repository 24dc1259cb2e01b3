//! Planned faults: whether they can strike at all, and whether they did.

use super::Recording;
use faultline_engine::command::Command;
use faultline_engine::config::EngineConfig;
use faultline_engine::ids::StageId;
use faultline_engine::programs::BuiltIn;
use faultline_engine::sim::faults::{Moment, PlannedFault};

/// Stages listed in a message.
const MAX_STAGES_NAMED: usize = 40;

/// Refuses a fault that cannot strike in a run of `program` with these settings.
///
/// # Errors
/// Why, and what to choose instead.
pub fn check_fault(program: &BuiltIn, config: &EngineConfig, fault: &PlannedFault) -> Result<(), String> {
    check_moment(program, config, fault)?;
    check_target(config, fault)
}

fn check_moment(program: &BuiltIn, config: &EngineConfig, fault: &PlannedFault) -> Result<(), String> {
    let Moment::Batch(batch) = fault.moment else { return Ok(()) };
    if !program.streaming {
        let name = program.name;
        return Err(format!("{name} has no batches; choose a task, for example @stage=1.task=2"));
    }
    match config.max_batches {
        Some(batches) if batch.0 > batches => {
            Err(format!("the run ends after batch {batches}; choose an earlier batch, or more with --batches"))
        }
        _ => Ok(()),
    }
}

/// Executors have the numbers from 1 on; each restart adds one.
fn check_target(config: &EngineConfig, fault: &PlannedFault) -> Result<(), String> {
    let (Command::KillExecutor { executor }
    | Command::RestartExecutor { executor }
    | Command::DecommissionExecutor { executor }
    | Command::SlowExecutor { executor, .. }) = fault.command
    else {
        return Ok(());
    };
    let restarts = config.faults.iter().filter(|f| matches!(f.command, Command::RestartExecutor { .. })).count();
    let last = u64::from(config.executors) + restarts as u64;
    if (1..=last).contains(&u64::from(executor.0)) {
        return Ok(());
    }
    Err(format!("there is no executor {executor}; the executors are 1 to {last}"))
}

/// One sentence for each planned fault that was refused, or whose moment did not come.
pub fn unstruck(planned: &[PlannedFault], recording: &Recording) -> Vec<String> {
    let mut answers: Vec<_> = recording.answers.iter().collect();
    let mut sentences = Vec::new();
    for fault in planned {
        match answers.iter().position(|answer| answer.command == fault.command) {
            Some(at) => {
                if let Some(reason) = &answers.remove(at).refused {
                    sentences.push(format!("the fault {fault} was refused: {reason}"));
                }
            }
            None => sentences.push(format!("the fault {fault} did not strike, because its moment did not come")),
        }
    }
    sentences
}

/// Which stages a fault can name, when one of `planned` names a stage that did not run; else nothing.
pub fn stages_to_name(planned: &[PlannedFault], recording: &Recording) -> Option<String> {
    let stages = &recording.model.stages;
    let ran = |stage: &StageId| stages.get(stage).is_some_and(|s| !s.attempts.is_empty());
    let misses = planned.iter().any(|f| matches!(f.moment, Moment::Task { stage, .. } if !ran(&stage)));
    let ids: Vec<String> = stages.keys().filter(|id| ran(id)).map(ToString::to_string).collect();
    let more = if ids.len() > MAX_STAGES_NAMED { ", …" } else { "" };
    let shown = &ids[..ids.len().min(MAX_STAGES_NAMED)];
    misses.then(|| format!("the stages that ran are {}{more}", shown.join(", ")))
}
