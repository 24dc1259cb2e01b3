//! Attempts that were given up and go on.

use super::checkpoint_jobs;
use faultline_engine::config::CheckpointWriting;
use faultline_engine::error::Result;
use faultline_engine::event::{Envelope, Event};
use faultline_engine::rdd::{Rdd, SparkContext};
use faultline_tests::lab::environment;
use faultline_tests::{Loop, run_on, settings};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Most jobs that are run until the given-up attempt has written.
const PATIENCE: u32 = 2_000;
/// Most runs until an attempt had begun before its executor was given up: one that had not writes nothing.
const RUNS: u32 = 30;

/// Four partitions whose records are others in every attempt.
fn different_each_time(sc: &SparkContext) -> Rdd<u32> {
    let calls = AtomicU32::new(0);
    sc.parallelize((0..16u32).collect(), 4).map(move |_| calls.fetch_add(1, Ordering::Relaxed))
}

/// What the program read before the given-up attempt wrote, and after; nothing when it did not.
type Read = Option<(Vec<u32>, Vec<u32>, Vec<u32>)>;

fn give_up(loop_: Loop, writing: CheckpointWriting, job: usize) -> (Result<Read>, Vec<Envelope>) {
    let environment = environment();
    let store = Arc::clone(&environment.store);
    let pause = format!("pause:executor=2@event=JobStart#{job}");
    let mut config = settings(0, &[&pause, "resume:executor=2@event=CheckpointCompleted#1"]);
    config.checkpoint_write = writing;
    run_on(loop_, config, &environment, move |sc| {
        sc.set_checkpoint_dir("checkpoints");
        let rdd = different_each_time(sc);
        rdd.checkpoint()?;
        rdd.count()?;
        let dir = rdd.checkpoint_file().expect("written");
        let (files, before) = (|| store.list(&format!("{dir}/")).expect("listed").len(), rdd.collect()?);
        let mut jobs = 0;
        while files() == 5 && jobs < PATIENCE {
            sc.parallelize(vec![0u8], 1).count()?;
            jobs += 1;
        }
        if files() == 5 {
            return Ok(None);
        }
        let opened = sc.checkpoint_file::<u32>(&dir)?;
        Ok(Some((before, rdd.collect()?, opened.collect()?)))
    })
}

/// Without it an executor that stood still, was given up and goes on would replace a part of a checkpoint
/// whose lineage is cut: every later read would fail for good.
#[test]
fn a_given_up_attempt_changes_no_checkpoint() {
    for &loop_ in Loop::ALL {
        for writing in [CheckpointWriting::SecondJob, CheckpointWriting::Tee] {
            // With tees the action's own tasks write the parts.
            let job = if writing == CheckpointWriting::Tee { 1 } else { 2 };
            let mut runs = (0..RUNS).map(|_| give_up(loop_, writing, job));
            let wrote = runs.find_map(|(result, log)| Some((result.expect("every read succeeds")?, log)));
            let ((before, after, opened), log) = wrote.expect("the given-up attempt wrote its part");
            assert_eq!((&after, &opened), (&before, &before), "{loop_:?} {writing:?}");
            let removed = log.iter().filter(|e| matches!(e.event, Event::ExecutorRemoved { .. })).count();
            assert_eq!((removed, checkpoint_jobs(&log)), (1, job - 1), "{loop_:?} {writing:?}");
        }
    }
}
