//! A planned fault in words.

use faultline_engine::command::{Command, Message, RddTarget, StopMode, SuperviseMode, TaskTarget};
use faultline_engine::ids::{BatchId, OperatorName, PartitionId};
use faultline_engine::sim::faults::{FieldFilter, Moment, PlannedFault};

/// `executor 2 dies before batch 7`
pub fn fault_words(fault: &PlannedFault) -> String {
    let what = command_words(&fault.command);
    match &fault.moment {
        Moment::Batch(batch) => format!("{what} before batch {batch}"),
        Moment::Task { stage, task } => format!("{what} while task {task} of stage {stage} runs"),
        Moment::Time(after) => format!("{what} {after} ms after the start"),
        Moment::Event { name, filter: None, nth } => format!("{what} after {name} number {nth}"),
        Moment::Event { name, filter: Some(FieldFilter { field, value }), nth } => {
            format!("{what} after {name} number {nth} of {field} {value}")
        }
    }
}

/// What happens, without its moment: `executor 2 dies`
fn command_words(command: &Command) -> String {
    match command {
        Command::KillExecutor { executor } => format!("executor {executor} dies"),
        Command::KillDriver => "the driver dies".to_owned(),
        Command::RestartDriver => "the driver is started".to_owned(),
        Command::SuperviseDriver { mode: SuperviseMode::On } => "the driver is supervised from then on".to_owned(),
        Command::SuperviseDriver { mode: SuperviseMode::Off } => "the driver is no longer supervised".to_owned(),
        Command::RestartExecutor { executor } => format!("executor {executor} is restarted"),
        Command::DecommissionExecutor { executor } => format!("executor {executor} is decommissioned"),
        Command::SlowExecutor { executor, factor } => format!("executor {executor} becomes {factor} times slower"),
        Command::DropBlock { operator, batch, partition } => {
            format!("{} is dropped", place(operator, *batch, *partition))
        }
        Command::CorruptBlock { operator, batch, partition } => {
            format!("a bit of {} flips", place(operator, *batch, *partition))
        }
        Command::CancelJob { job } => format!("job {job} is cancelled"),
        Command::PersistRdd { target, level } => format!("{} is kept at {level}", named(target)),
        Command::UnpersistRdd { target } => format!("{} is unpersisted", named(target)),
        Command::CheckpointRdd { target } => format!("{} is marked for a checkpoint", named(target)),
        Command::Stop => "the program stops".to_owned(),
        Command::PauseExecutor { executor } => format!("executor {executor} stands still"),
        Command::ResumeExecutor { executor } => format!("executor {executor} goes on"),
        Command::FailTask { task, times } => {
            let task = match task {
                TaskTarget::Index { stage, task } => format!("task {task} of stage {stage}"),
                TaskTarget::Operator { operator, batch, partition } => {
                    format!("the task of {}", place(operator, *batch, *partition))
                }
            };
            format!("{task} is set to fail {}", times_word(*times))
        }
        Command::FailStore { times } => format!("the reliable store is set to fail {}", times_word(*times)),
        Command::SlowStore { factor } => format!("the reliable store becomes {factor} times slower"),
        Command::FillStore => "the reliable store is full".to_owned(),
        Command::FreeStore => "the reliable store has room again".to_owned(),
        Command::LoseMessage { message, nth } => {
            format!("the {} is set to get lost, number {nth} from now", message_words(*message))
        }
        Command::DelayMessage { message, nth, by } => {
            format!("the {} is set to arrive {by} ms late, number {nth} from now", message_words(*message))
        }
        Command::RepeatMessage { message, nth } => {
            format!("the {} is set to arrive twice, number {nth} from now", message_words(*message))
        }
        Command::PauseDriver { time } => format!("the driver stands still for {time} ms"),
        Command::StopStreaming { mode: StopMode::Graceful } => "the stream is stopped gracefully".to_owned(),
        Command::StopStreaming { mode: StopMode::Immediate } => "the stream is stopped at once".to_owned(),
    }
}

const fn message_words(message: Message) -> &'static str {
    match message {
        Message::TaskEnd => "end of a task",
        Message::Launch => "start of a task",
        Message::BlockReport => "report of blocks",
    }
}

fn place(operator: &OperatorName, batch: Option<BatchId>, partition: PartitionId) -> String {
    match batch {
        Some(batch) => format!("partition {partition} of {operator}, batch {batch},"),
        None => format!("partition {partition} of {operator}"),
    }
}

fn times_word(times: u32) -> String {
    if times == 1 { "once".to_owned() } else { format!("{times} times") }
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
            ("pause:executor=2@time=3500ms", "executor 2 stands still 3500 ms after the start"),
            ("corrupt:block=links/2@event=JobEnd#2", "a bit of partition 2 of links flips after JobEnd number 2"),
            ("fail:task=3.1,times=2@batch=4", "task 1 of stage 3 is set to fail 2 times before batch 4"),
            (
                "fill:store@event=TaskEnd:executor=2#3",
                "the reliable store is full after TaskEnd number 3 of executor 2",
            ),
            (
                "lose:message=task-end,nth=1@batch=2",
                "the end of a task is set to get lost, number 1 from now before batch 2",
            ),
            (
                "delay:message=launch,nth=2,by=5s@batch=2",
                "the start of a task is set to arrive 5000 ms late, number 2 from now before batch 2",
            ),
            (
                "repeat:message=block-report,nth=1@time=1s",
                "the report of blocks is set to arrive twice, number 1 from now 1000 ms after the start",
            ),
            ("pause:driver,for=8s@batch=2", "the driver stands still for 8000 ms before batch 2"),
        ] {
            assert_eq!(fault_words(&spec.parse().expect(spec)), words);
        }
    }
}
