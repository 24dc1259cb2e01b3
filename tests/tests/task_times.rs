//! What a task says about its time.

use faultline_engine::event::*;
use faultline_tests::{Loop, log, run, settings};

/// Without it the pieces of a bar are guesses: rows would not say how long they took, or the same
/// time would be counted twice.
#[test]
fn the_times_of_rows_add_up_to_no_more_than_the_task() {
    for &loop_ in Loop::ALL {
        let (result, log) = run(loop_, settings(0, &[]), |sc| {
            let pairs = sc.parallelize((0..6_000u32).collect(), 3).map(|v| (v % 50, v));
            let sums = pairs.reduce_by_key_in(3, |a, b| a + b);
            sums.persist(StorageLevel::MEMORY_ONLY)?;
            let first = sums.map(|(_, v)| v).count()?;
            Ok((first, sums.count()?))
        });
        assert_eq!(result, Ok((50, 50)), "{loop_:?}");
        let (mut fetched, mut written, mut computed) = (0u64, 0u64, 0u64);
        let mut starts = std::collections::BTreeSet::new();
        for (task, reason, metrics) in log::task_ends(&log) {
            assert!(reason.is_success(), "{loop_:?}");
            let own: u64 = metrics.reads.iter().map(|r| r.self_ns).sum();
            let fetch: u64 = metrics.reads.iter().map(|r| r.fetch_ns).sum();
            let sum = own + fetch + metrics.write_ns;
            // The clock of a machine may be too coarse for a few records.
            assert!(own > 0 || loop_ == Loop::Threads, "{loop_:?} {task:?}");
            assert!(sum <= metrics.run_ns, "{loop_:?} {task:?}: {sum} of {}", metrics.run_ns);
            // In the simulator all that is left is the modelled start of a task, with its jitter.
            starts.insert(metrics.run_ns - sum);
            fetched += fetch;
            written += metrics.write_ns;
            computed += own;
            assert_eq!(metrics.write_ns > 0, task.kind == TaskKind::ShuffleMapTask, "{loop_:?}");
        }
        assert!(fetched > 0 && written > 0 && computed > 0, "{loop_:?}: {fetched} {written} {computed}");
        if loop_ == Loop::Sim {
            assert!(starts.iter().all(|ns| (5_000_000..=7_000_000).contains(ns)), "{starts:?}");
        }
    }
}
