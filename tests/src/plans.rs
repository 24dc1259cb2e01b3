//! Random programs' environments: executors, levels, and fault plans that leave somebody alive.

use faultline_engine::command::Command;
use faultline_engine::event::StorageLevel;
use faultline_engine::ids::*;
use faultline_engine::rng::{Rng, Seed};
use faultline_engine::sim::faults::{Moment, PlannedFault};

/// A random stream of its own for `label` under `seed`.
pub fn rng(seed: u64, label: &str) -> Rng {
    Seed(seed).fork(label).rng()
}

/// Any storage level, NONE among them.
pub fn level(rng: &mut Rng) -> StorageLevel {
    let (_, level) = StorageLevel::NAMED[rng.below(StorageLevel::NAMED.len() as u64) as usize];
    level
}

/// A plan for `batches` batches on `executors` executors: kills never exceed what leaves one alive,
/// whatever the order in which they strike.
pub fn faults(seed: u64, executors: u32, batches: u32, operators: &[&str], partitions: u32) -> Vec<PlannedFault> {
    let mut rng = rng(seed, "faults");
    let mut plan = Vec::new();
    let mut victims: Vec<u32> = (1..=executors).collect();
    let kills = rng.below(u64::from(executors)) as usize;
    for _ in 0..kills {
        let executor = ExecutorId(victims.swap_remove(rng.below(victims.len() as u64) as usize));
        let batch = 1 + rng.below(u64::from(batches)) as u32;
        let moment = match rng.below(2) {
            0 => Moment::Batch(BatchId(batch)),
            // Three stages a batch at most: the plan strikes somewhere in the run, or nowhere.
            _ => Moment::Task { stage: StageId(rng.below(u64::from(batches) * 3) as u32), task: rng.below(4) as u32 },
        };
        plan.push(PlannedFault { command: Command::KillExecutor { executor }, moment });
        if rng.below(2) == 0 {
            let later = Moment::Batch(BatchId(batch + 1 + rng.below(2) as u32));
            plan.push(PlannedFault { command: Command::RestartExecutor { executor }, moment: later });
        }
    }
    for _ in 0..rng.below(3) {
        let batch = Moment::Batch(BatchId(1 + rng.below(u64::from(batches)) as u32));
        let command = if rng.below(2) == 0 {
            let factor = [0.5, 3.0, 20.0][rng.below(3) as usize];
            Command::SlowExecutor { executor: ExecutorId(1 + rng.below(u64::from(executors)) as u32), factor }
        } else {
            let operator = operators[rng.below(operators.len() as u64) as usize].into();
            let back = 1 + rng.below(u64::from(batches)) as u32;
            let partition = PartitionId(rng.below(u64::from(partitions)) as u32);
            Command::DropBlock { operator, batch: Some(BatchId(back)), partition }
        };
        plan.push(PlannedFault { command, moment: batch });
    }
    plan
}

/// The plan in the words of the command line.
pub fn words(plan: &[PlannedFault]) -> String {
    plan.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}
