//! What real Spark did after the loss of one of three executors: tasks run, stages, failed fetches.
//!
//! parallelize → map → map (pairs) → reduceByKey(6) → mapValues [kept here] → map → count, twice.

use faultline_engine::event::*;
use faultline_engine::ids::*;
use faultline_engine::rdd::Rdd;
use faultline_tests::{Loop, in_batches, log, run, settings};

/// How the mapValues RDD is kept.
#[derive(Clone, Copy, Debug)]
struct Kept {
    level: StorageLevel,
    checkpoint: bool,
}

const fn kept(level: StorageLevel, checkpoint: bool) -> Kept {
    Kept { level, checkpoint }
}

fn lineage(sc: &faultline_engine::rdd::SparkContext, kept: Kept) -> faultline_engine::error::Result<Rdd<u32>> {
    sc.set_checkpoint_dir("checkpoints");
    let reduced =
        sc.parallelize((0..600u32).collect(), 6).map(|v| v + 1).map(|v| (v % 50, v)).reduce_by_key_in(6, |a, b| a + b);
    let here = reduced.map_values(|v| v * 2);
    if kept.level.is_valid() {
        here.persist(kept.level)?;
    }
    if kept.checkpoint {
        here.checkpoint()?;
    }
    Ok(here.map(|(_, v)| v))
}

/// Without it the tool would teach other recovery costs than Spark has. The driver knows first.
#[test]
fn tasks_after_a_known_loss() {
    // Kept how, tasks to build it, and what runs again beyond the 6 tasks of the action: the lost map
    // outputs (`None`), or nothing.
    let table = [
        (kept(StorageLevel::NONE, false), 12, None),
        (kept(StorageLevel::MEMORY_ONLY, false), 12, None),
        (kept(StorageLevel::MEMORY_AND_DISK, false), 12, None),
        (kept(StorageLevel::DISK_ONLY, false), 12, None),
        (kept(StorageLevel::MEMORY_ONLY_2, false), 12, Some(0)),
        (kept(StorageLevel::NONE, true), 18, Some(0)),
        (kept(StorageLevel::MEMORY_ONLY, true), 18, Some(0)),
    ];
    for (kept, build, beyond) in table {
        for &loop_ in Loop::ALL {
            let (result, log) = run(loop_, settings(2, &["kill:executor=2@batch=2"]), move |sc| {
                let last = lineage(sc, kept)?;
                in_batches(sc, move |_| {
                    assert_eq!(last.count()?, 50);
                    Ok(())
                })
            });
            result.expect("both actions succeed");
            let is_loss = |e: &Event| matches!(e, Event::FaultInjected { .. });
            let after = log::since(&log, is_loss);
            let before = &log[..log.len() - after.len()];
            assert_eq!(log::successes(before), build, "{loop_:?} {kept:?}: to build");
            let lost: usize = after
                .iter()
                .map(|e| if let Event::MapOutputsLost { maps, .. } = &e.event { maps.len() } else { 0 })
                .sum();
            // A cut leaves no RDD that refers to the shuffle, so its outputs are gone before the loss.
            assert_eq!(lost > 0, !kept.checkpoint, "{loop_:?} {kept:?}: executor 2 held {lost} map outputs");
            let expected = 6 + beyond.unwrap_or(lost);
            assert_eq!(log::successes(after), expected, "{loop_:?} {kept:?}: after the loss, {lost} map outputs lost");
            let stages = log::stages(after);
            let wanted: &[u32] = if expected == 6 { &[6] } else { &[lost as u32, 6] };
            assert_eq!(stages.iter().map(|(_, n)| *n).collect::<Vec<_>>(), wanted, "{loop_:?} {kept:?}");
            assert!(stages.iter().all(|(id, _)| id.attempt == 0), "{loop_:?} {kept:?}: {stages:?}");
            assert_eq!(log::fetch_failures(&log), 0, "{loop_:?} {kept:?}");
            let failed = log::task_ends(&log).filter(|(_, reason, _)| !reason.is_success()).count();
            assert_eq!(failed, 0, "{loop_:?} {kept:?}");
        }
    }
}

/// Without it a loss that the driver has not heard of would not look as in Spark: failed fetches, and
/// second attempts of the stage that failed and of the stage that repairs.
#[test]
fn a_loss_that_the_driver_has_not_heard_of() {
    for &loop_ in Loop::ALL {
        // The second action skips stage 2 and runs stage 3; executor 2 dies as its first task starts.
        let (result, log) = run(loop_, settings(0, &["kill:executor=2@stage=3.task=0"]), |sc| {
            let last = lineage(sc, kept(StorageLevel::NONE, false))?;
            Ok((last.count()?, last.count()?))
        });
        assert_eq!(result, Ok((50, 50)), "{loop_:?}");
        assert!(log::fetch_failures(&log) > 0, "{loop_:?}");
        let second: Vec<StageAttempt> = log::stages(log::of_job(&log, 1)).into_iter().map(|(id, _)| id).collect();
        let attempt = |stage, attempt| StageAttempt { stage: StageId(stage), attempt };
        assert_eq!(second[..3], [attempt(3, 0), attempt(2, 1), attempt(3, 1)], "{loop_:?}: {second:?}");
        let repaired = log::stages(&log).iter().find(|(id, _)| *id == attempt(2, 1)).map(|(_, tasks)| *tasks);
        assert_eq!(repaired, Some(2), "{loop_:?}: only the lost map outputs");
    }
}
