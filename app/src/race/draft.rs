//! A fault while it is being chosen: every part of it, valid or not yet.

use crate::model::FaultRecord;
use faultline_engine::command::Command;
use faultline_engine::ids::{BatchId, ExecutorId, PartitionId, StageId};
use faultline_engine::sim::faults::{Moment, PlannedFault};

/// What happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Action {
    /// An executor dies with everything it holds.
    #[default]
    Kill,
    /// The driver dies, with its executors.
    KillDriver,
    /// An executor becomes slower.
    Slow,
    /// Every copy of a stored partition goes.
    Drop,
}

impl Action {
    /// All of them, in the order of menus.
    pub const ALL: [Self; 4] = [Self::Kill, Self::KillDriver, Self::Slow, Self::Drop];

    /// Its name in menus.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kill => "Kill executor",
            Self::KillDriver => "Kill driver",
            Self::Slow => "Slow executor",
            Self::Drop => "Drop stored partition",
        }
    }
}

/// Which kind of moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum When {
    /// Before the first job of a batch.
    #[default]
    BeforeBatch,
    /// While a task runs.
    DuringTask,
}

impl When {
    /// Both, in the order of menus.
    pub const ALL: [Self; 2] = [Self::BeforeBatch, Self::DuringTask];

    /// Its name in menus.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BeforeBatch => "before batch",
            Self::DuringTask => "while a task runs",
        }
    }
}

/// The parts of a fault. Those that its action and moment do not need keep what was chosen last.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultDraft {
    /// What.
    pub action: Action,
    /// Executor to kill or to slow.
    pub executor: u32,
    /// How many times slower.
    pub factor: f64,
    /// Operator of the partition to drop.
    pub operator: String,
    /// Batch of that partition; none in programs without batches.
    pub of_batch: Option<u32>,
    /// The partition to drop.
    pub partition: u32,
    /// Kind of moment.
    pub when: When,
    /// Batch before which it happens.
    pub batch: u32,
    /// Stage whose task runs.
    pub stage: u32,
    /// Index of that task.
    pub task: u32,
}

impl FaultDraft {
    /// What is proposed when nothing has failed yet: executor 2 dies half-way.
    pub fn proposal(operator: &str, streaming: bool) -> Self {
        Self {
            action: Action::Kill,
            executor: 2,
            factor: 10.0,
            operator: operator.to_owned(),
            of_batch: streaming.then_some(6),
            partition: 2,
            when: if streaming { When::BeforeBatch } else { When::DuringTask },
            batch: 7,
            stage: 11,
            task: 2,
        }
    }

    /// The draft with the parts of `fault`; `None` for what no picker offers.
    pub fn with(mut self, fault: &PlannedFault) -> Option<Self> {
        match &fault.command {
            Command::KillExecutor { executor } => (self.action, self.executor) = (Action::Kill, executor.0),
            Command::SlowExecutor { executor, factor } => {
                (self.action, self.executor, self.factor) = (Action::Slow, executor.0, *factor);
            }
            Command::DropBlock { operator, batch, partition } => {
                self.action = Action::Drop;
                self.operator = operator.as_str().to_owned();
                self.of_batch = batch.map(|b| b.0);
                self.partition = partition.0;
            }
            Command::KillDriver => self.action = Action::KillDriver,
            Command::RestartDriver
            | Command::SuperviseDriver { .. }
            | Command::RestartExecutor { .. }
            | Command::DecommissionExecutor { .. }
            | Command::CancelJob { .. }
            | Command::PersistRdd { .. }
            | Command::UnpersistRdd { .. }
            | Command::CheckpointRdd { .. }
            | Command::Stop
            | Command::StopStreaming { .. }
            | Command::PauseExecutor { .. }
            | Command::ResumeExecutor { .. }
            | Command::CorruptBlock { .. }
            | Command::FailTask { .. }
            | Command::FailStore { .. }
            | Command::SlowStore { .. }
            | Command::FillStore
            | Command::FreeStore
            | Command::LoseMessage { .. }
            | Command::DelayMessage { .. }
            | Command::RepeatMessage { .. }
            | Command::PauseDriver { .. } => return None,
        }
        match &fault.moment {
            Moment::Batch(batch) => (self.when, self.batch) = (When::BeforeBatch, batch.0),
            Moment::Task { stage, task } => {
                (self.when, self.stage, self.task) = (When::DuringTask, stage.0, *task);
            }
            Moment::Time(_) | Moment::Event { .. } => return None,
        }
        Some(self)
    }

    /// The fault.
    pub fn fault(&self) -> PlannedFault {
        let executor = ExecutorId(self.executor);
        let command = match self.action {
            Action::Kill => Command::KillExecutor { executor },
            Action::KillDriver => Command::KillDriver,
            Action::Slow => Command::SlowExecutor { executor, factor: self.factor },
            Action::Drop => Command::DropBlock {
                operator: self.operator.as_str().into(),
                batch: self.of_batch.map(BatchId),
                partition: PartitionId(self.partition),
            },
        };
        let moment = match self.when {
            When::BeforeBatch => Moment::Batch(BatchId(self.batch)),
            When::DuringTask => Moment::Task { stage: StageId(self.stage), task: self.task },
        };
        PlannedFault { command, moment }
    }
}

/// The fault that happened, as a plan: before the batch that ran or came next, else while the task ran
/// that ran then. `None` when neither is known.
pub fn plan_of(fault: &FaultRecord) -> Option<PlannedFault> {
    let spec = match (fault.batch, fault.task) {
        (Some(batch), _) => format!("{}@batch={batch}", fault.fault),
        (None, Some(running)) => format!("{}@stage={}.task={}", fault.fault, running.stage, running.index),
        (None, None) => return None,
    };
    spec.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The picker would start another fault than the one it shows, or forget the one that was raced.
    #[test]
    fn a_fault_becomes_a_draft_and_back() {
        for spec in [
            "kill:executor=3@batch=9",
            "kill:executor=2@stage=14.task=3",
            "kill:driver@batch=7",
            "slow:executor=1,factor=2.5@batch=3",
            "drop:block=updateStateByKey/7/2@batch=8",
            "drop:block=groupByKey/4@stage=11.task=2",
        ] {
            let fault: PlannedFault = spec.parse().expect(spec);
            let draft = FaultDraft::proposal("map", true).with(&fault).expect(spec);
            assert_eq!(draft.fault(), fault);
            assert_eq!(draft.fault().to_string(), spec);
        }
        let restart: PlannedFault = "restart:executor=2@batch=9".parse().expect("a fault");
        assert_eq!(FaultDraft::proposal("map", true).with(&restart), None);
        assert_eq!(FaultDraft::proposal("map", true).fault().to_string(), "kill:executor=2@batch=7");
    }
}
