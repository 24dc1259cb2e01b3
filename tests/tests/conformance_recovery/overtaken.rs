//! A driver that goes on from a checkpoint while the former one still runs.

use super::lab::*;
use faultline_engine::ids::*;
use faultline_engine::object_store::PutMode;
use faultline_engine::rdd::SparkContext;
use faultline_engine::recovery::{self, CheckpointName};

/// D-22. Without it batches would run again that the former driver completed after its checkpoint was read, and
/// received blocks that it allocated meanwhile would be in two batches.
#[test]
fn a_checkpoint_that_is_no_longer_the_newest_refuses_the_start() {
    let environment = memory();
    run_until(settings(6, Millis(0)), &environment, counting(&Given::default()), completed(3));
    let create = {
        let (store, create) = (environment.store.clone(), counting(&Given::default()));
        move |sc: &SparkContext| {
            // The checkpoint was read; now the former driver writes another one.
            let mut newer = recovery::read_newest(&*store, DIR).expect("it can be read").expect("one").checkpoint;
            newer.time = newer.time.plus(INTERVAL);
            let key = CheckpointName::main(newer.time).key(DIR);
            store.put(&key, &recovery::encode(&newer), PutMode::Replace).expect("it can be written");
            create(sc)
        }
    };
    let error = run(settings(6, Millis(0)), &environment, create).result.expect_err("it is overtaken").to_string();
    assert!(error.contains("a former driver went on after") && error.contains("start again"), "{error}");
    let given = Given::default();
    run(settings(6, Millis(0)), &environment, counting(&given)).result.expect("the next start goes on");
    assert_eq!(order(&given), [3, 4, 5, 6], "batch 3 is pending in it");
}
