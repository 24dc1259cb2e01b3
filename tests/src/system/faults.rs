//! What a plan inflicts, and when it is healed.

use super::plan::{Ending, INTERVAL, Medium, SystemPlan, pick};
use crate::plans;
use faultline_engine::command::{Command, Message, StopMode, TaskTarget};
use faultline_engine::ids::*;
use faultline_engine::object_store::{Harm, PowerLoss};
use faultline_engine::rng::{Rng, Seed};
use faultline_engine::sim::faults::{Moment, PlannedFault};

/// Moments in which a driver dies: whatever it announces, it may be the last.
const LAST_WORDS: [&str; 17] = [
    "TaskStart",
    "TaskEnd",
    "JobStart",
    "JobEnd",
    "StageSubmitted",
    "BatchSubmitted",
    "BatchStarted",
    "BatchCompleted",
    "OutputOperationStarted",
    "OutputOperationCompleted",
    "GraphCheckpointWritten",
    "CheckpointStarted",
    "CheckpointCompleted",
    "BlockUpdated",
    "InputBlockUpdated",
    "ReceivedBlockAdded",
    "ReceiverStarted",
];

/// Moments in which it dies while it comes back.
const WHILE_RECOVERING: [&str; 6] = [
    "DriverStarted",
    "ExecutorAdded",
    "DriverEpochTaken",
    "StreamingRecovered",
    "StreamingStarted",
    "GraphCheckpointWritten",
];

struct Planner<'a> {
    rng: Rng,
    plan: &'a mut SystemPlan,
    /// Executors to bring back, to set going and to speed up in the end.
    dead: Vec<ExecutorId>,
    paused: Vec<ExecutorId>,
    slowed: Vec<ExecutorId>,
}

/// Fills in the faults of a plan.
pub fn plan(plan: &mut SystemPlan) {
    let rng = plans::rng(plan.seed, "system faults");
    let mut planner = Planner { rng, plan, dead: Vec::new(), paused: Vec::new(), slowed: Vec::new() };
    planner.driver();
    planner.executors();
    planner.others();
    planner.store();
    planner.ending();
    planner.heal();
    planner.rng = plans::rng(planner.plan.seed, "system messages");
    planner.messages();
    planner.clock();
    planner.lies();
}

impl Planner<'_> {
    fn below(&mut self, n: u64) -> u64 {
        self.rng.below(n)
    }

    fn add(&mut self, command: Command, moment: Moment) {
        self.plan.faults.push(PlannedFault { command, moment });
    }

    fn time(&mut self) -> Moment {
        let healed = self.plan.healed.0;
        Moment::Time(Millis(self.below(healed)))
    }

    fn time_or_batch(&mut self) -> Moment {
        let batches = u64::from(self.plan.batches) * 3 / 5;
        if self.below(3) == 0 { Moment::Batch(BatchId(1 + self.below(batches.max(1)) as u32)) } else { self.time() }
    }

    fn event(&mut self, names: &[&str], most: u64) -> Moment {
        let name = pick(&mut self.rng, names);
        Moment::Event { name: name.to_owned(), filter: None, nth: 1 + self.below(most) as u32 }
    }

    fn any_moment(&mut self) -> Moment {
        let most = u64::from(self.plan.batches);
        if self.below(2) == 0 { self.event(&LAST_WORDS, most) } else { self.time_or_batch() }
    }

    /// Any executor that there may be: those of later drivers have higher numbers.
    fn executor(&mut self) -> ExecutorId {
        let most = u64::from(self.plan.settings.executors) * 3;
        ExecutorId(1 + self.below(most) as u32)
    }

    fn driver(&mut self) {
        let batches = u64::from(self.plan.batches);
        for _ in 0..pick(&mut self.rng, &[0, 1, 1, 2, 3, 5]) {
            let moment = self.any_moment();
            self.add(Command::KillDriver, moment);
        }
        // Again and again, before it has got anywhere.
        if self.below(3) == 0 {
            for _ in 0..=self.below(4) {
                let moment = self.event(&WHILE_RECOVERING, batches / 3 + 2);
                self.add(Command::KillDriver, moment);
            }
        }
        if self.plan.medium == Medium::Memory {
            return;
        }
        for _ in 0..6 {
            let seed = Seed(self.rng.below(u64::MAX));
            let torn = self.below(600) as usize;
            let loss = match self.below(6) {
                0 => Some(PowerLoss::Lost),
                1 => Some(PowerLoss::TornAt(torn)),
                2 => Some(PowerLoss::Zeros),
                3 => Some(PowerLoss::Sectors(seed)),
                _ => None,
            };
            self.plan.power.push(loss);
        }
    }

    fn executors(&mut self) {
        for _ in 0..pick(&mut self.rng, &[0, 0, 1, 1, 2, 4]) {
            let executor = self.executor();
            let moment = self.time_or_batch();
            let command = match self.below(5) {
                0 => Command::DecommissionExecutor { executor },
                _ => Command::KillExecutor { executor },
            };
            self.add(command, moment);
            self.dead.push(executor);
            if self.below(2) == 0 {
                let moment = self.time();
                self.add(Command::RestartExecutor { executor }, moment);
            }
        }
        // All of them at once.
        if self.below(12) == 0 {
            let moment = self.time_or_batch();
            for executor in 1..=self.plan.settings.executors {
                let executor = ExecutorId(executor);
                self.add(Command::KillExecutor { executor }, moment.clone());
                self.dead.push(executor);
            }
        }
        if self.below(4) == 0 {
            let executor = self.executor();
            let (paused, resumed) = (self.time_or_batch(), self.time());
            self.add(Command::PauseExecutor { executor }, paused);
            self.add(Command::ResumeExecutor { executor }, resumed);
            self.paused.push(executor);
            self.dead.push(executor);
        }
        if self.below(3) == 0 {
            let (executor, moment) = (self.executor(), self.any_moment());
            let factor = pick(&mut self.rng, &[0.5, 10.0, 100.0]);
            self.add(Command::SlowExecutor { executor, factor }, moment);
            self.slowed.push(executor);
        }
    }

    fn others(&mut self) {
        for _ in 0..self.below(4) {
            let moment = self.any_moment();
            let few = 1 + self.below(3) as u32;
            let stage = StageId(self.below(u64::from(self.plan.batches) * 2) as u32);
            let operator = pick(&mut self.rng, &["map", "updateStateByKey", "reduceByKey", "receiverStream"]);
            let batch = Some(BatchId(1 + self.below(u64::from(self.plan.batches)) as u32));
            let partition = PartitionId(self.below(3) as u32);
            let operator = OperatorName::from(operator);
            let command = match self.below(5) {
                0 => Command::FailTask { task: TaskTarget::Index { stage, task: 0 }, times: few },
                1 => Command::FailTask { task: TaskTarget::Operator { operator, batch, partition }, times: few },
                2 => Command::DropBlock { operator, batch, partition },
                3 => Command::CorruptBlock { operator, batch, partition },
                _ => {
                    let (_, message) = pick(&mut self.rng, &Message::NAMED);
                    Command::LoseMessage { message, nth: few }
                }
            };
            self.add(command, moment);
        }
    }

    fn store(&mut self) {
        match self.below(8) {
            0 => {
                let (moment, times) = (self.any_moment(), 1 + self.below(6) as u32);
                self.add(Command::FailStore { times }, moment);
            }
            1 => {
                let moment = self.time_or_batch();
                self.add(Command::FillStore, moment);
                let moment = self.time();
                self.add(Command::FreeStore, moment);
            }
            2 => {
                let moment = self.time_or_batch();
                let factor = pick(&mut self.rng, &[5.0, 50.0, 400.0]);
                self.add(Command::SlowStore { factor }, moment);
            }
            3 | 4 => {
                for _ in 0..=self.below(3) {
                    let from = self.below(u64::from(self.plan.batches) * 12);
                    let harm = pick(&mut self.rng, &[Harm::FailsBefore, Harm::FailsAfter]);
                    let failures = 1 + self.below(5);
                    self.plan.harm.push((from..from + failures, harm));
                }
            }
            _ => {}
        }
        if self.below(6) == 0 {
            let from = self.below(u64::from(self.plan.batches) * 15);
            let failures = 1 + self.below(3);
            self.plan.sink_failures.push(from..from + failures);
        }
    }

    /// What is sent between the driver and its executors comes late or twice.
    fn messages(&mut self) {
        if self.below(2) == 0 {
            return;
        }
        for _ in 0..=self.below(6) {
            let moment = self.any_moment();
            let (_, message) = pick(&mut self.rng, &Message::NAMED);
            let nth = 1 + self.below(8) as u32;
            let by = pick(&mut self.rng, &[1, 40, 700, 5000, 30_000]);
            let by = Millis(1 + self.below(by));
            let command = match self.below(3) {
                0 => Command::RepeatMessage { message, nth },
                _ => Command::DelayMessage { message, nth, by },
            };
            self.add(command, moment);
        }
    }

    /// The driver stands still, or finds itself at another time when it comes back.
    fn clock(&mut self) {
        if self.below(4) == 0 {
            let (moment, most) = (self.any_moment(), pick(&mut self.rng, &[50, 2000, 30_000]));
            let time = Millis(1 + self.below(most));
            self.add(Command::PauseDriver { time }, moment);
        }
        if self.below(3) == 0 {
            for _ in 0..4 {
                let hour: i64 = 3_600_000;
                let skew = pick(&mut self.rng, &[-hour, -10_000, -1500, -1, 0, 1, 10_000, hour]);
                self.plan.skews.push(skew);
            }
        }
    }

    /// The disk says that it has what it has not.
    fn lies(&mut self) {
        if self.plan.medium == Medium::Disk && self.below(6) == 0 {
            let from = self.below(u64::from(self.plan.batches) * 60);
            let syncs = pick(&mut self.rng, &[2, 10, 100]);
            self.plan.lies = Some(from..from + syncs);
        }
    }

    fn ending(&mut self) {
        let (mode, after) = match self.plan.ending {
            Ending::Batches => return,
            Ending::Graceful { after } => (StopMode::Graceful, after),
            Ending::Immediate { after } => (StopMode::Immediate, after),
        };
        self.add(Command::StopStreaming { mode }, Moment::Time(Millis(u64::from(after) * INTERVAL.0)));
    }

    fn heal(&mut self) {
        let healed = self.plan.healed.0;
        // What was planned for a batch may strike late.
        for time in [healed, healed * 4 / 3, healed * 2, healed * 3] {
            let moment = || Moment::Time(Millis(time));
            for command in [Command::FreeStore, Command::SlowStore { factor: 1.0 }] {
                self.add(command, moment());
            }
            for executor in self.paused.clone() {
                self.add(Command::ResumeExecutor { executor }, moment());
            }
            for executor in self.slowed.clone() {
                self.add(Command::SlowExecutor { executor, factor: 1.0 }, moment());
            }
            for executor in self.dead.clone() {
                self.add(Command::RestartExecutor { executor }, moment());
            }
        }
    }
}
