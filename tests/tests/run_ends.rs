//! What is left of a run when it has ended, and of RDDs when the program has dropped them.

use crossbeam_channel::unbounded;
use faultline_engine::config::EngineConfig;
use faultline_engine::driver::{ClusterOp, DriverInput, SlotId, Told};
use faultline_engine::event::StorageLevel;
use faultline_engine::ids::*;
use faultline_engine::rdd::{Notice, SparkContext};
use faultline_engine::runtime::run_controlled;
use faultline_engine::sim::Control;
use faultline_tests::lab::environment;
use faultline_tests::{DriverLab, once, settings};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

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
    // A thread that the machine gave no time to end has let go of it soon.
    let begun = Instant::now();
    while Arc::strong_count(&captured) > 1 && begun.elapsed() < Duration::from_secs(60) {
        std::thread::yield_now();
    }
    assert_eq!(Arc::strong_count(&captured), 1, "after {} calls", calls.load(Ordering::Relaxed));
    assert!(calls.load(Ordering::Relaxed) > 0);
}

/// Without it every kept RDD that a program drops would leave something behind, in the driver or on its
/// executors, whatever the driver hears first and whatever else runs.
#[test]
fn what_is_dropped_leaves_nothing_behind() {
    let sc = SparkContext::detached(Arc::new(EngineConfig::default()));
    let mut lab = DriverLab::new(2, 2);
    // A job that never ends runs beside all others.
    lab.submit(sc.parallelize(vec![0u32], 1).erased());
    let before = lab.driver().scheduler().remembered();
    for _ in 0..3 {
        let kept = sc.parallelize((0..12u32).collect(), 2).persist(StorageLevel::MEMORY_ONLY).expect("a level");
        let id = kept.id();
        lab.submit(kept.erased());
        for partition in 0..2 {
            lab.store(id, partition, ExecutorId(1 + partition));
            let last = lab.running.last().expect("a task of the job").clone();
            lab.succeed(&last);
        }
        lab.release(id);
        drop(kept);
        // A request of another thread comes before what the program told.
        lab.submit(sc.parallelize(Vec::<u32>::new(), 0).erased());
        lab.input(DriverInput::Told { slot: SlotId(7), told: Told::Notice(Notice::Unpersisted(id)) });
        for partition in 0..2 {
            lab.remove(id, partition, ExecutorId(1 + partition));
        }
        lab.submit(sc.parallelize(Vec::<u32>::new(), 0).erased());
    }
    let told = |op: &ClusterOp| matches!(op, ClusterOp::Unpersist { .. });
    assert_eq!(lab.operations.iter().filter(|op| told(op)).count(), 3, "{:?}", lab.operations);
    // Each job of nothing is an RDD, with a level and a handle; and the task that runs on was launched before
    // the three were dropped: what it may ask of them is kept, and executors still know their generations.
    assert_eq!(lab.driver().scheduler().remembered(), before + 6 * 2 + 3 * 2);
    lab.succeed_all();
    lab.submit(sc.parallelize(Vec::<u32>::new(), 0).erased());
    let forgotten = lab.operations.iter().filter_map(|op| match op {
        ClusterOp::ForgetGenerations { rdds } => Some(rdds.len()),
        _ => None,
    });
    assert_eq!(forgotten.sum::<usize>(), 3);
    assert_eq!(lab.driver().scheduler().remembered(), before + 7 * 2);
}
