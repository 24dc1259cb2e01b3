//! Every operation on the disk is the last one of a process, or fails once: of graph checkpoints, logs and their
//! rolling, allocation, cleaning, parts and manifests of saved state, the sink, and recovery itself (E3, 1 to 7,
//! 13, 14 and 31).

use faultline_engine::object_store::PowerLoss;
use faultline_engine::rng::Seed;
use faultline_tests::system::{Crash, Input, Ran, Shape, SystemPlan, run};

/// Batches of each run: enough for cleaning to begin.
const BATCHES: u32 = 6;

fn plan(crashes: Vec<Crash>) -> SystemPlan {
    SystemPlan { crashes, ..SystemPlan::calm(BATCHES, Input::Numbered, Shape::State) }
}

/// Runs with crashes; what was promised must hold.
fn hold(crashes: Vec<Crash>) -> Ran {
    let plan = plan(crashes);
    let ran = run(&plan);
    assert!(ran.broken.is_empty(), "{plan}\nends: {:?}\n{}", ran.ends, ran.broken.join("\n"));
    ran
}

/// Tries an operation after the other, until a run has fewer.
fn each_operation(crashes: impl Fn(u64) -> Vec<Crash>) {
    let operations = hold(Vec::new()).operations;
    assert!(operations > 300, "only {operations} operations of the disk");
    for at in 0..=operations {
        let ran = hold(crashes(at));
        assert!(at < operations || ran.lives.len() == 1, "there are more operations than {operations}");
    }
}

/// Without it what was acknowledged could be lost, or be there twice, when a process dies at the wrong moment.
#[test]
fn a_process_may_die_before_any_operation() {
    each_operation(|at| vec![Crash::Dies { at, power: None }]);
}

/// The same when its machine dies: what was not synced is gone, or there in part.
#[test]
fn power_may_fail_before_any_operation() {
    each_operation(|at| {
        let power = match at % 3 {
            0 => PowerLoss::Lost,
            1 => PowerLoss::Zeros,
            _ => PowerLoss::Sectors(Seed(at)),
        };
        vec![Crash::Dies { at, power: Some(power) }]
    });
}

/// Without it an error of the store that passes would lose what it hit, or what came after it.
#[test]
fn any_operation_may_fail_once() {
    each_operation(|at| vec![Crash::FailsOnce { at }]);
}

/// I10. Without it a process that dies while it recovers would leave what the next one cannot go on from.
#[test]
fn a_process_may_die_twice_while_it_recovers() {
    let operations = hold(Vec::new()).operations;
    for first in (1..6).map(|n| operations * n / 6) {
        for at in 0.. {
            let dies = |power| Crash::Dies { at, power };
            let power = (at % 2 == 0).then_some(PowerLoss::Lost);
            let ran = hold(vec![Crash::Dies { at: first, power: None }, dies(power), dies(None)]);
            // Recovery is over when its first batch is.
            if at > 120 || ran.lives.len() < 4 {
                break;
            }
        }
    }
}
