//! A planned fault in words.

use faultline_engine::command::{Command, RddTarget, StopMode};
use faultline_engine::sim::faults::{Moment, PlannedFault};

/// `executor 2 dies before batch 7`
pub fn fault_words(fault: &PlannedFault) -> String {
    let what = match &fault.command {
        Command::KillExecutor { executor } => format!("executor {executor} dies"),
        Command::RestartExecutor { executor } => format!("executor {executor} is restarted"),
        Command::DecommissionExecutor { executor } => format!("executor {executor} is decommissioned"),
        Command::SlowExecutor { executor, factor } => format!("executor {executor} becomes {factor} times slower"),
        Command::DropBlock { operator, batch: Some(batch), partition } => {
            format!("partition {partition} of {operator}, batch {batch}, is dropped")
        }
        Command::DropBlock { operator, batch: None, partition } => {
            format!("partition {partition} of {operator} is dropped")
        }
        Command::CancelJob { job } => format!("job {job} is cancelled"),
        Command::PersistRdd { target, level } => format!("{} is kept at {level}", named(target)),
        Command::UnpersistRdd { target } => format!("{} is unpersisted", named(target)),
        Command::CheckpointRdd { target } => format!("{} is marked for a checkpoint", named(target)),
        Command::Stop => "the program stops".to_owned(),
        Command::StopStreaming { mode: StopMode::Graceful } => "the stream is stopped gracefully".to_owned(),
        Command::StopStreaming { mode: StopMode::Immediate } => "the stream is stopped at once".to_owned(),
    };
    match fault.moment {
        Moment::Batch(batch) => format!("{what} before batch {batch}"),
        Moment::Task { stage, task } => format!("{what} while task {task} of stage {stage} runs"),
    }
}

fn named(target: &RddTarget) -> String {
    match target {
        RddTarget::Rdd(rdd) => format!("RDD {rdd}"),
        RddTarget::Operator { operator, batch: Some(batch) } => format!("{operator}, batch {batch},"),
        RddTarget::Operator { operator, batch: None } => operator.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The line below the outcome would name another fault than the one that was raced.
    #[test]
    fn faults_are_told_in_words() {
        for (spec, words) in [
            ("kill:executor=2@batch=7", "executor 2 dies before batch 7"),
            ("kill:executor=2@stage=11.task=3", "executor 2 dies while task 3 of stage 11 runs"),
            ("slow:executor=1,factor=10@batch=3", "executor 1 becomes 10 times slower before batch 3"),
            ("drop:block=state/7/2@batch=8", "partition 2 of state, batch 7, is dropped before batch 8"),
            ("persist:op=map/7,level=DISK_ONLY@batch=8", "map, batch 7, is kept at DISK_ONLY before batch 8"),
            ("checkpoint:rdd=4@batch=8", "RDD 4 is marked for a checkpoint before batch 8"),
            ("drop:block=links/2@stage=1.task=0", "partition 2 of links is dropped while task 0 of stage 1 runs"),
            ("stop:graceful@batch=4", "the stream is stopped gracefully before batch 4"),
        ] {
            assert_eq!(fault_words(&spec.parse().expect(spec)), words);
        }
    }
}
