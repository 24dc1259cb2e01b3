//! What random programs meet: levels, and plans of faults that leave somebody alive.

use faultline_engine::command::{Command, Message, RddTarget, TaskTarget};
use faultline_engine::event::StorageLevel;
use faultline_engine::ids::*;
use faultline_engine::rng::{Rng, Seed};
use faultline_engine::sim::faults::{FieldFilter, Moment, PlannedFault};

/// About how long a batch of these programs takes, in milliseconds of the simulator.
const BATCH_MS: u64 = 25;

/// A random stream of its own for `label` under `seed`.
pub fn rng(seed: u64, label: &str) -> Rng {
    Seed(seed).fork(label).rng()
}

/// Any storage level, NONE among them.
pub fn level(rng: &mut Rng) -> StorageLevel {
    let (_, level) = StorageLevel::NAMED[rng.below(StorageLevel::NAMED.len() as u64) as usize];
    level
}

/// What a plan may strike.
#[derive(Clone, Debug)]
pub struct Targets<'a> {
    /// Executors at the start.
    pub executors: u32,
    /// Batches.
    pub batches: u32,
    /// Operators of the program.
    pub operators: &'a [&'a str],
    /// Partitions of most of their RDDs.
    pub partitions: u32,
}

/// A plan that leaves one executor alive, whatever the order in which its faults strike.
pub fn faults(seed: u64, targets: &Targets<'_>) -> Vec<PlannedFault> {
    let mut planner = Planner { rng: rng(seed, "faults"), targets, victims: (1..=targets.executors).collect() };
    let mut plan = Vec::new();
    for _ in 0..planner.rng.below(4) {
        plan.extend(planner.kill());
    }
    for _ in 0..planner.rng.below(5) {
        plan.extend(planner.other());
    }
    planner.rng = rng(seed, "messages");
    if planner.rng.below(3) == 0 {
        for _ in 0..=planner.rng.below(3) {
            let command = planner.message();
            plan.push(planner.at_any_moment(command));
        }
    }
    plan
}

/// A plan under which no stored block and no map output gets lost.
pub fn harmless_faults(seed: u64, targets: &Targets<'_>) -> Vec<PlannedFault> {
    let mut plan = faults(seed, targets);
    plan.retain(|fault| match &fault.command {
        Command::LoseMessage { message, .. } => *message != Message::BlockReport,
        Command::DelayMessage { .. } | Command::RepeatMessage { .. } | Command::PauseDriver { .. } => true,
        command => matches!(
            command,
            Command::SlowExecutor { .. }
                | Command::FailTask { .. }
                | Command::FailStore { .. }
                | Command::SlowStore { .. }
                | Command::FillStore
                | Command::FreeStore
        ),
    });
    plan
}

struct Planner<'a> {
    rng: Rng,
    targets: &'a Targets<'a>,
    /// Executors that may still be struck for good: all but one in the end.
    victims: Vec<u32>,
}

impl Planner<'_> {
    /// What is sent comes late or twice, or is heard late. Both loops run this, and one of them under the wall clock.
    fn message(&mut self) -> Command {
        let (_, message) = Message::NAMED[self.rng.below(Message::NAMED.len() as u64) as usize];
        let (nth, time) = (1 + self.rng.below(6) as u32, Millis(1 + self.rng.below(200)));
        match self.rng.below(4) {
            0 => Command::PauseDriver { time },
            1 => Command::RepeatMessage { message, nth },
            _ => Command::DelayMessage { message, nth, by: time },
        }
    }

    fn victim(&mut self) -> Option<ExecutorId> {
        let at = self.rng.below(self.victims.len() as u64) as usize;
        (self.victims.len() > 1).then(|| ExecutorId(self.victims.swap_remove(at)))
    }

    fn executor(&mut self) -> ExecutorId {
        ExecutorId(1 + self.rng.below(u64::from(self.targets.executors)) as u32)
    }

    fn batch(&mut self) -> BatchId {
        BatchId(1 + self.rng.below(u64::from(self.targets.batches)) as u32)
    }

    fn operator(&mut self) -> OperatorName {
        let name = self.targets.operators[self.rng.below(self.targets.operators.len() as u64) as usize];
        OperatorName::new(name, 1 + self.rng.below(4).saturating_sub(2) as u32)
    }

    /// That of a stored partition, in one batch or wherever there is one.
    fn place(&mut self) -> (OperatorName, Option<BatchId>, PartitionId) {
        let batch = Some(self.batch()).filter(|_| self.rng.below(2) == 0);
        (self.operator(), batch, PartitionId(self.rng.below(u64::from(self.targets.partitions)) as u32))
    }

    fn stage(&mut self) -> StageId {
        // Three stages a batch: the plan strikes somewhere in the run, or nowhere.
        StageId(self.rng.below(u64::from(self.targets.batches) * 3) as u32)
    }

    /// Any kind of moment, in any batch.
    fn moment(&mut self) -> Moment {
        match self.rng.below(5) {
            0 => Moment::Batch(self.batch()),
            1 | 2 => Moment::Task { stage: self.stage(), task: self.rng.below(4) as u32 },
            3 => Moment::Time(Millis(self.rng.below(u64::from(self.targets.batches) * BATCH_MS))),
            _ => {
                let names = ["StageCompleted", "TaskEnd", "BlockUpdated", "JobStart", "StageSubmitted"];
                let name = names[self.rng.below(names.len() as u64) as usize];
                let value = self.operator().to_string();
                let filter = (name == "BlockUpdated").then(|| FieldFilter { field: "operator".to_owned(), value });
                Moment::Event { name: name.to_owned(), filter, nth: 1 + self.rng.below(15) as u32 }
            }
        }
    }

    fn at_any_moment(&mut self, command: Command) -> PlannedFault {
        PlannedFault { command, moment: self.moment() }
    }

    /// A store that refuses to write before the stream has begun rightly ends the program: a batch has to have begun.
    fn once_begun(&mut self, command: Command) -> PlannedFault {
        let mut planned = self.at_any_moment(command);
        if let Moment::Time(time) = planned.moment {
            planned.moment = Moment::Batch(BatchId(1 + (time.0 / BATCH_MS) as u32));
        }
        planned
    }

    /// The death of an executor, and perhaps what takes its place.
    fn kill(&mut self) -> Vec<PlannedFault> {
        // One that took the place of another, if there is one by then.
        let again = ExecutorId(self.targets.executors + 1 + self.rng.below(2) as u32);
        let Some(executor) = Some(again).filter(|_| self.rng.below(5) == 0).or_else(|| self.victim()) else {
            return Vec::new();
        };
        let mut plan = vec![self.at_any_moment(Command::KillExecutor { executor })];
        if self.rng.below(2) == 0 {
            plan.push(self.at_any_moment(Command::RestartExecutor { executor }));
        }
        plan
    }

    fn other(&mut self) -> Vec<PlannedFault> {
        let few = 1 + self.rng.below(3) as u32;
        let factor = [0.5, 3.0, 20.0][self.rng.below(3) as usize];
        let command = match self.rng.below(16) {
            0 => match self.victim() {
                Some(executor) => {
                    let resumed = self.at_any_moment(Command::ResumeExecutor { executor });
                    let mut plan = vec![self.at_any_moment(Command::PauseExecutor { executor })];
                    plan.extend(Some(resumed).filter(|_| self.rng.below(2) == 0));
                    return plan;
                }
                None => return Vec::new(),
            },
            1 => match self.victim() {
                Some(executor) => Command::DecommissionExecutor { executor },
                None => return Vec::new(),
            },
            2 | 3 => Command::SlowExecutor { executor: self.executor(), factor },
            4 | 5 => {
                let (operator, batch, partition) = self.place();
                Command::DropBlock { operator, batch, partition }
            }
            6 => {
                let (operator, batch, partition) = self.place();
                Command::CorruptBlock { operator, batch, partition }
            }
            7 => {
                let (operator, batch, partition) = self.place();
                Command::FailTask { task: TaskTarget::Operator { operator, batch, partition }, times: few }
            }
            8 => Command::FailTask { task: TaskTarget::Index { stage: self.stage(), task: few }, times: 1 },
            9 => return vec![self.once_begun(Command::FailStore { times: few })],
            10 => Command::SlowStore { factor },
            11 => {
                let freed = self.at_any_moment(Command::FreeStore);
                return vec![self.once_begun(Command::FillStore), freed];
            }
            12 => {
                let level = level(&mut self.rng).to_string();
                Command::PersistRdd { target: self.rdds(), level }
            }
            13 => Command::UnpersistRdd { target: self.rdds() },
            14 => Command::CheckpointRdd { target: self.rdds() },
            _ => {
                let (_, message) = Message::NAMED[self.rng.below(Message::NAMED.len() as u64) as usize];
                Command::LoseMessage { message, nth: few }
            }
        };
        vec![self.at_any_moment(command)]
    }

    fn rdds(&mut self) -> RddTarget {
        let (operator, batch, _) = self.place();
        RddTarget::Operator { operator, batch }
    }
}

/// The plan in the words of the command line.
pub fn words(plan: &[PlannedFault]) -> String {
    plan.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}
