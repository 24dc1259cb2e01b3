//! A disk that says that it has what it has not, and loses its power.

use faultline_tests::system::{SystemPlan, run};

/// Batches of each run.
const BATCHES: u32 = 20;
const SEEDS: u64 = 300;

/// Without it a disk that loses what it said it had would lose or double records and nobody would be told. Repaired
/// it need not be.
#[test]
fn what_a_lying_disk_lost_is_said() {
    let (mut failed, mut lied, mut noticed, mut silent) = (Vec::new(), 0, 0, 0);
    for seed in 0..SEEDS {
        let plan = SystemPlan::lied(seed, BATCHES);
        let ran = run(&plan);
        let times = |what| ran.seen.get(what).copied().unwrap_or(0);
        lied += times("stores that had lied");
        silent += times("lies that nothing showed");
        noticed += times("lies that were noticed");
        if !ran.broken.is_empty() {
            failed.push(seed);
            let told = ran.broken.join("\n");
            eprintln!("FAILED {plan}\nends: {:?}\nfindings: {:#?}\n{told}\n", ran.ends, ran.findings);
        }
    }
    assert!(failed.is_empty(), "seeds {failed:?} failed; what is random about each is told above");
    let told = format!("{lied} stores had lied, {noticed} were found out, {silent} could not be");
    assert!(lied > SEEDS / 6 && noticed > silent, "{told}");
}
