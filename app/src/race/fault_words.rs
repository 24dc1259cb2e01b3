//! A planned fault in words.

use faultline_engine::command::Command;
use faultline_engine::sim::faults::{Moment, PlannedFault};

/// `executor 2 dies before batch 7`
pub fn fault_words(fault: &PlannedFault) -> String {
    let what = match &fault.command {
        Command::KillExecutor { executor } => format!("executor {executor} dies"),
        Command::RestartExecutor { executor } => format!("executor {executor} is restarted"),
        Command::SlowExecutor { executor, factor } => format!("executor {executor} becomes {factor} times slower"),
        Command::DropBlock { operator, batch: Some(batch), partition } => {
            format!("partition {partition} of {operator}, batch {batch}, is dropped")
        }
        Command::DropBlock { operator, batch: None, partition } => {
            format!("partition {partition} of {operator} is dropped")
        }
        Command::CancelJob { job } => format!("job {job} is cancelled"),
        Command::Stop => "the program stops".to_owned(),
    };
    match fault.moment {
        Moment::Batch(batch) => format!("{what} before batch {batch}"),
        Moment::Task { stage, task } => format!("{what} while task {task} of stage {stage} runs"),
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
            ("drop:block=links/2@stage=1.task=0", "partition 2 of links is dropped while task 0 of stage 1 runs"),
        ] {
            assert_eq!(fault_words(&spec.parse().expect(spec)), words);
        }
    }
}
