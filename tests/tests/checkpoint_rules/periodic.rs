//! The periodic helper, and an iterative program that uses it (R9.18).

use faultline_engine::checkpoint::format::manifest_key;
use faultline_engine::event::*;
use faultline_engine::rdd::PeriodicRddCheckpointer;
use faultline_tests::lab::environment;
use faultline_tests::{Loop, run, run_on, settings};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Without it an iterative program would keep everything it ever made, or lose its only checkpoint.
#[test]
fn k24_old_updates_and_old_checkpoints_go() {
    for &loop_ in Loop::ALL {
        let environment = environment();
        let store = Arc::clone(&environment.store);
        let (result, log) = run_on(loop_, settings(0, &[]), &environment, move |sc| {
            sc.set_checkpoint_dir("checkpoints");
            let mut helper = PeriodicRddCheckpointer::new(Some(2), StorageLevel::MEMORY_ONLY);
            let mut rdd = sc.parallelize((0..8u32).collect(), 2);
            let mut made = Vec::new();
            for update in 1..=8u32 {
                rdd = rdd.map(|v| v + 1);
                helper.update(&rdd)?;
                assert!(helper.persisted() <= 3);
                assert_eq!(rdd.collect()?, (update..update + 8).collect::<Vec<_>>());
                assert_eq!(rdd.is_checkpointed(), update % 2 == 0, "every second one");
                made.push(rdd.clone());
            }
            let kept = made.iter().filter(|rdd| rdd.info().level.is_valid()).count();
            let dirs: Vec<String> = made.iter().filter_map(|rdd| rdd.checkpoint_file()).collect();
            helper.unpersist_all();
            assert_eq!(rdd.collect()?, (8..16).collect::<Vec<_>>(), "from the files");
            // They are deleted beside the program.
            let left = || dirs.iter().filter(|dir| store.get(&manifest_key(dir)).is_ok()).count();
            for _ in 0..10_000 {
                if left() <= 2 {
                    break;
                }
                sc.parallelize(vec![1u32], 1).count()?;
            }
            let left = left();
            helper.delete_all_checkpoints();
            sc.parallelize(vec![1u32], 1).count()?;
            Ok((kept, dirs.len(), left))
        });
        let (kept, written, left) = result.expect("no error");
        assert_eq!((kept, written), (3, 4), "{loop_:?}");
        assert!((1..=2).contains(&left), "{loop_:?}: the newest, and the one that it may need: {left}");
        assert_eq!(super::files_in(&*environment.store), Vec::<String>::new(), "{loop_:?}");
        // An older checkpoint goes after the newer one is written.
        let mut completed = Vec::new();
        for e in &log {
            match &e.event {
                Event::CheckpointCompleted { rdd, .. } => completed.push(*rdd),
                Event::CheckpointDeleted { rdd, .. } => {
                    let newer = completed.iter().any(|other| other > rdd) || completed.len() == 4;
                    assert!(newer, "{loop_:?}: {rdd} went before a newer one was written");
                }
                _ => {}
            }
        }
    }
}

/// Without it a long iteration would plan ever longer lineages, or compute something else after a loss.
#[test]
fn k26_three_hundred_iterations() {
    let faults = ["kill:executor=1@batch=2", "restart:executor=1@batch=3", "kill:executor=3@batch=4"];
    let (result, log) = run(Loop::Sim, settings(6, &faults), |sc| {
        sc.set_checkpoint_dir("checkpoints");
        let state = Arc::new(std::sync::Mutex::new((
            sc.parallelize((0..12u64).map(|v| (v % 4, v)).collect(), 3),
            PeriodicRddCheckpointer::new(Some(10), StorageLevel::MEMORY_ONLY),
        )));
        let inside = Arc::clone(&state);
        faultline_tests::in_batches(sc, move |_| {
            let mut state = inside.lock().expect("no test panics while it holds this");
            for _ in 0..50 {
                let next = state.0.map_values(|v| v + 1).reduce_by_key_in(3, |a, b| (a + b) % 1_000_003);
                state.1.update(&next)?;
                next.count()?;
                state.0 = next;
            }
            Ok(())
        })?;
        let mut values = state.lock().expect("no test panics while it holds this").0.collect()?;
        values.sort_unstable();
        Ok(values)
    });
    let mut expected: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    (0..12).for_each(|v| expected.entry(v % 4).or_default().push(v));
    for _ in 0..300 {
        for values in expected.values_mut() {
            *values = vec![values.iter().map(|v| v + 1).reduce(|a, b| (a + b) % 1_000_003).expect("there is one")];
        }
    }
    let expected: Vec<(u64, u64)> = expected.into_iter().map(|(key, values)| (key, values[0])).collect();
    assert_eq!(result, Ok(expected));
    // Three RDDs an iteration; ten iterations, and the one whose job writes the checkpoint.
    let longest = log.iter().filter_map(|e| match &e.event {
        Event::JobStart { stages, origin, .. } if origin.checkpoint_of.is_none() => Some(stages.len()),
        _ => None,
    });
    assert!(longest.max().is_some_and(|stages| stages <= 12), "jobs plan the lineage since the last checkpoint");
}
