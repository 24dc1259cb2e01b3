//! Defects that random programs found, each with the least program that still had it.

use faultline_engine::config::EngineConfig;
use faultline_engine::event::*;
use faultline_tests::properties::NAMED;
use faultline_tests::{Loop, in_batches, log, run, settings};

/// Two tasks that read the same damaged block failed in turns for ever: each found the block again, because
/// the other one still read it and so it could not be removed.
#[test]
fn a_damaged_block_goes_although_others_read_it() {
    for &loop_ in Loop::ALL {
        let config = EngineConfig { executors: 1, cores: 2, ..settings(2, &["corrupt:block=parallelize/0@batch=2"]) };
        let (result, log) = run(loop_, config, |sc| {
            let numbers = sc.parallelize((0..10u32).collect(), 1);
            numbers.persist(StorageLevel::MEMORY_ONLY_SER)?;
            let pairs = numbers.cartesian(&sc.parallelize(vec![1u32, 2], 2));
            in_batches(sc, move |_| pairs.count().map(|count| assert_eq!(count, 20)))
        });
        assert_eq!(result, Ok(()), "{loop_:?}");
        let failed = log::task_ends(&log).filter(|(_, reason, _)| !reason.is_success()).count();
        assert!((1..=2).contains(&failed), "{loop_:?}: {failed} attempts read the damaged block");
    }
}

/// Two faults that were to lose the same message panicked at the next one.
#[test]
fn two_faults_that_lose_the_same_message_lose_two() {
    let lose = "lose:message=launch,nth=1@batch=1";
    for &loop_ in Loop::ALL {
        let (result, log) = run(loop_, settings(2, &[lose, lose]), |sc| {
            let numbers = sc.parallelize((0..10u32).collect(), 4);
            in_batches(sc, move |_| numbers.count().map(|count| assert_eq!(count, 10)))
        });
        assert_eq!(result, Ok(()), "{loop_:?}");
        let lost = log::task_ends(&log).filter(|(_, reason, _)| **reason == TaskEndReason::TaskResultLost).count();
        assert_eq!(lost, 2, "{loop_:?}");
    }
}

/// Seeds of random programs that failed once; what failed is beside each.
#[test]
fn seeds_that_once_failed_hold() {
    let seeds = [
        // A task that ran on while another job cut its lineage named no cause for what it computed again.
        ("lineages", 4),
        ("pipelines", 446),
        ("streams", 379),
        // The damaged block above, and the two faults above.
        ("pipelines", 185),
        ("lineages", 4699),
    ];
    for (name, seed) in seeds {
        let (_, property) = NAMED.into_iter().find(|(n, _)| *n == name).expect("a property of this name");
        property(Loop::Sim, seed);
    }
}
