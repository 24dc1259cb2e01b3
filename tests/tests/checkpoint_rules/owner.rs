//! Whose a directory of checkpoints is.

use super::failures;
use super::faulty_store::FaultyStore;
use faultline_engine::checkpoint::claim;
use faultline_engine::ids::RddId;
use faultline_engine::object_store::{LocalObjectStore, MemoryObjectStore, ObjectStore};
use faultline_tests::lab::environment;
use faultline_tests::{Loop, run_on, settings};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Without it a run would overwrite the files that an earlier one with its seed still needs (R15.17).
#[test]
fn a_second_run_with_the_seed_leaves_the_first_ones_files() {
    for &loop_ in Loop::ALL {
        let environment = environment();
        let write = |add: u32| {
            let (result, _) = run_on(loop_, settings(0, &[]), &environment, move |sc| {
                sc.set_checkpoint_dir("checkpoints");
                let rdd = sc.parallelize((0..8u32).collect(), 2 + add).map(move |v| v + add);
                rdd.checkpoint()?;
                rdd.count()?;
                sc.set_checkpoint_dir("elsewhere");
                sc.set_checkpoint_dir("checkpoints");
                Ok((sc.checkpoint_dir().expect("set"), rdd.id(), rdd.checkpoint_file().expect("written")))
            });
            result.expect("no error")
        };
        let (first, second, third) = (write(0), write(1), write(2));
        assert_eq!((&second.0, &third.0), (&format!("{}-2", first.0), &format!("{}-3", first.0)), "{loop_:?}");
        for (add, (dir, rdd, file)) in (0..).zip([first, second, third]) {
            assert_eq!(file, format!("{dir}/rdd-{rdd}"), "{loop_:?}");
            let (read, _) =
                run_on(loop_, settings(0, &[]), &environment, move |sc| sc.checkpoint_file::<u32>(&file)?.collect());
            assert_eq!(read, Ok((add..8 + add).collect()), "{loop_:?}");
        }
    }
}

/// Without it two runs that begin at once would share a directory.
#[test]
fn every_claim_has_one_winner() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stores: [Arc<dyn ObjectStore>; 2] =
        [Arc::new(MemoryObjectStore::new()), Arc::new(LocalObjectStore::new(directory.path().join("store")))];
    for store in stores {
        let names: BTreeSet<String> = std::thread::scope(|scope| {
            let claims: Vec<_> = (0..8)
                .map(|i| {
                    scope.spawn({
                        let store = &store;
                        move || claim(&**store, "dir/of", &i.to_string())
                    })
                })
                .collect();
            claims.into_iter().map(|c| c.join().expect("no panic").expect("the store takes it")).collect()
        });
        let expected: BTreeSet<String> =
            (1..=8).map(|n| if n == 1 { "dir/of".to_owned() } else { format!("dir/of-{n}") }).collect();
        assert_eq!(names, expected, "{store:?}");
    }
}

/// Without it a store that refused once would leave a run without a directory of its own, or fail its action.
#[test]
fn a_claim_that_fails_is_made_again() {
    for &loop_ in Loop::ALL {
        for (refusals, failed) in [(1, 0), (2, 1)] {
            let store = FaultyStore::new();
            store.refuse("_owner", refusals);
            let inside = store.clone();
            let (result, log) = run_on(loop_, settings(0, &[]), &store.environment(), move |sc| {
                sc.set_checkpoint_dir("checkpoints");
                let rdd = sc.parallelize((0..8u32).collect(), 2).map(|v| v);
                rdd.checkpoint()?;
                assert_eq!((rdd.count()?, rdd.count()?), (8, 8));
                let owner = format!("{}/_owner", sc.checkpoint_dir().expect("set"));
                inside.get(&owner).expect("it is claimed now");
                Ok(rdd.is_checkpointed())
            });
            assert_eq!(result, Ok(true), "{loop_:?}");
            let told: Vec<RddId> = failures(&log).into_iter().map(|(rdd, _)| rdd).collect();
            assert_eq!(told.len(), failed, "{loop_:?}: {told:?}");
        }
    }
}
