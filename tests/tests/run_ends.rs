//! What is left of a run when it has ended.

use crossbeam_channel::unbounded;
use faultline_engine::rdd::SparkContext;
use faultline_engine::runtime::run_controlled;
use faultline_engine::sim::Control;
use faultline_tests::lab::environment;
use faultline_tests::{once, settings};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Without it functions of a program would go on after its run, and hold what they captured and the
/// directories of their executors for as long as the process lives.
#[test]
fn nothing_of_a_program_runs_after_its_run() {
    let (captured, calls) = (Arc::new(()), Arc::new(AtomicU64::new(0)));
    let (held, counter) = (Arc::clone(&captured), Arc::clone(&calls));
    let (sender, controls) = unbounded();
    let program = once(move |sc: &SparkContext| {
        let many = sc.parallelize((0..4u64).collect(), 4).flat_map(|_| 0..10_000u64).flat_map(|_| 0..10_000u64);
        let counted = many.map(move |n| {
            let _held = &held;
            if counter.fetch_add(1, Ordering::Relaxed) == 0 {
                sender.send(Control::Quit).expect("the loop listens until it hears this");
            }
            n
        });
        counted.count().map(drop)
    });
    let outcome = run_controlled(settings(0, &[]), &environment(), program, controls, &mut |_| {});
    assert_eq!(outcome.result, Ok(()));
    assert_eq!(Arc::strong_count(&captured), 1, "after {} calls", calls.load(Ordering::Relaxed));
    assert!(calls.load(Ordering::Relaxed) > 0);
}
