//! The files of graph checkpoints: when they are written, which stay, and which are read.

use super::lab::*;
use faultline_engine::event::{CheckpointedAfter, Event, GraphCheckpointInfo};
use faultline_engine::ids::*;
use faultline_engine::object_store::{Harm, HostileStore, MemoryObjectStore, PutMode};
use faultline_engine::recovery::{self, CheckpointName, StreamingCheckpoint, Written};
use faultline_engine::runtime::SystemFiles;
use faultline_engine::sim::Environment;
use faultline_engine::streaming::{OnUnreadable, StreamingContext};
use std::sync::Arc;

/// Names in the directory, oldest first.
fn names(environment: &Environment) -> Vec<String> {
    let names = recovery::list(&*environment.store, DIR).expect("the store can be listed");
    names.iter().map(ToString::to_string).collect()
}

fn main_of(batch: u64) -> CheckpointName {
    CheckpointName::main(VIRTUAL_EPOCH.plus(Millis(INTERVAL.0 * batch)))
}

/// V05. Without it a driver that dies while a batch runs would not know of it, or one that dies afterwards would
/// not know that it is over.
#[test]
fn v05_two_files_for_each_batch() {
    for (environment, _dir) in environments() {
        let given = Given::default();
        let ran = run(settings(3, Millis(0)), &environment, counting(&given));
        ran.result.clone().expect("nothing fails");
        let expected: Vec<String> =
            (1..=3).flat_map(|batch| [main_of(batch).backup(), main_of(batch)]).map(|name| name.to_string()).collect();
        assert_eq!(names(&environment), expected);
        let written = ran.all(|e| match e {
            Event::GraphCheckpointWritten { checkpoint: c } => Some((c.batch.0, c.after, c.pending, c.epoch)),
            _ => None,
        });
        let (first, second) = (CheckpointedAfter::Generation, CheckpointedAfter::Completion);
        assert_eq!(written, [1, 2, 3].map(|batch| [(batch, first, 1, 1), (batch, second, 0, 1)]).concat());
        // D-22: what a batch reads is durable before it runs.
        for number in 1..=3 {
            let place =
                |which: &dyn Fn(&Event) -> bool| ran.log.iter().position(|e| which(&e.event)).expect("it is there");
            let durable =
                place(&|e| matches!(e, Event::GraphCheckpointWritten { checkpoint } if checkpoint.batch.0 == number));
            let starts = place(&|e| matches!(e, Event::BatchStarted { batch } if batch.0 == number));
            assert!(durable < starts, "batch {number} started before its plan was written");
        }
    }
}

/// V06. Without it a late end of an old batch would hide what a newer batch reads, or be lost itself.
#[test]
fn v06_a_late_completion_is_written_under_the_newest_name() {
    // Batch 1 takes so long that batch 2 is generated meanwhile.
    let environment = memory();
    let mut config = settings(2, Millis(0));
    config.faults = vec!["slow:executor=1,factor=3000@batch=1".parse().expect("a fault")];
    config.executors = 1;
    let crashed = run_until(config, &environment, counting(&Given::default()), |event| {
        let is_late = |c: &GraphCheckpointInfo| c.batch == BatchId(1) && c.after == CheckpointedAfter::Completion;
        matches!(event, Event::GraphCheckpointWritten { checkpoint } if is_late(checkpoint))
    });
    let generated =
        crashed.has(|e| matches!(e, Event::GraphCheckpointWritten { checkpoint } if checkpoint.batch == BatchId(2)));
    assert!(generated, "batch 1 was over too soon for this test");
    let read = |name: CheckpointName| {
        let bytes = environment.store.get(&name.key(DIR)).expect("it is there");
        recovery::decode(&bytes).expect("it can be read")
    };
    let (newest, backup) = (read(main_of(2)), read(main_of(2).backup()));
    assert_eq!((newest.batch(), backup.batch()), (BatchId(1), BatchId(2)));
    assert_eq!(newest.pending, [BatchId(2)].into());
    let recovered = recovery::read_newest(&*environment.store, DIR).expect("it can be read").expect("there are files");
    assert_eq!(recovered.key, main_of(2).key(DIR));
}

/// V07. Without it a directory would fill up, or too little would be left to fall back to.
#[test]
fn v07_ten_files_are_kept() {
    let environment = memory();
    let given = Given::default();
    run(settings(20, Millis(0)), &environment, counting(&given)).result.expect("nothing fails");
    let kept: Vec<String> =
        (16..=20).flat_map(|batch| [main_of(batch).backup(), main_of(batch)]).map(|name| name.to_string()).collect();
    assert_eq!(names(&environment), kept);
}

/// V08. Without it whatever lies in the directory would be taken for a checkpoint, or stop a driver.
#[test]
fn v08_what_is_no_checkpoint_is_ignored() {
    for (environment, _dir) in environments() {
        for stray in ["checkpoint-9999999999999/part-00000", "checkpoint-99999999999999.tmp", "temp", "checkpoint-x"] {
            let key = format!("{DIR}/{stray}");
            environment.store.put(&key, b"stray", PutMode::Replace).expect("it can be written");
        }
        let given = Given::default();
        run_until(settings(4, Millis(0)), &environment, counting(&given), completed(2));
        let ran = run(settings(4, Millis(0)), &environment, counting(&given));
        ran.result.clone().expect("it goes on");
        assert!(ran.all(|e| matches!(e, Event::FindingReported { .. }).then_some(())).is_empty());
        assert_eq!(order(&given), [1, 2, 2, 3, 4]);
    }
}

/// V09. Without it one damaged file would be the end, although there are older ones.
#[test]
fn v09_damaged_files_are_passed_over_newest_first() {
    for newest_bad in 0..10 {
        let environment = memory();
        let (given, oracle) = (Given::default(), Given::default());
        run(settings(14, Millis(0)), &memory(), counting(&oracle)).result.expect("nothing fails");
        run_until(settings(14, Millis(0)), &environment, counting(&given), completed(12));
        let mut files = recovery::list(&*environment.store, DIR).expect("the store can be listed");
        files.reverse();
        assert_eq!(files.len(), 10);
        for (i, name) in files.iter().take(newest_bad).enumerate() {
            let mut bytes = environment.store.get(&name.key(DIR)).expect("it is there");
            // Cut short, nothing, and garbage in turn.
            match i % 3 {
                0 => bytes.truncate(bytes.len() / 2),
                1 => bytes.clear(),
                _ => bytes.reverse(),
            }
            environment.store.put(&name.key(DIR), &bytes, PutMode::Replace).expect("it can be written");
        }
        let ran = run(settings(14, Millis(0)), &environment, counting(&given));
        ran.result.clone().expect("an older file is used");
        let used = ran.all(|e| match e {
            Event::StreamingRecovered { recovery } => Some((recovery.path.clone(), recovery.damaged.clone())),
            _ => None,
        });
        let damaged: Vec<String> = files.iter().take(newest_bad).map(|name| name.key(DIR)).collect();
        assert_eq!(used, [(files[newest_bad].key(DIR), damaged.clone())]);
        let told = ran.all(|e| match e {
            Event::FindingReported { finding } if finding.kind == "graph-checkpoint-damaged" => {
                Some(finding.place.clone())
            }
            _ => None,
        });
        assert_eq!(told, damaged);
        assert_eq!(by_batch(&given), by_batch(&oracle));
    }
}

/// V10. Without it a driver would begin anew without a word when nothing can be read, or could not when it is asked
/// to.
#[test]
fn v10_nothing_can_be_read() {
    for on_unreadable in [OnUnreadable::Fail, OnUnreadable::Create] {
        let environment = memory();
        let given = Given::default();
        run_until(settings(6, Millis(0)), &environment, counting(&given), completed(3));
        for name in recovery::list(&*environment.store, DIR).expect("the store can be listed") {
            environment.store.put(&name.key(DIR), b"damaged", PutMode::Replace).expect("it can be written");
        }
        let create = counting(&given);
        let ran = run_program(settings(6, Millis(0)), &environment, move |sc| {
            let ssc = StreamingContext::get_or_create_with(sc, DIR, on_unreadable, &create)?;
            ssc.start()?;
            ssc.await_termination()
        });
        if on_unreadable == OnUnreadable::Create {
            ran.result.expect("it begins anew");
            assert_eq!(order(&given), [1, 2, 3, 1, 2, 3, 4, 5, 6]);
        } else {
            let error = ran.result.expect_err("there are files").to_string();
            assert!(error.starts_with(&format!("Failed to read checkpoint from directory {DIR}: ")), "{error}");
            assert_eq!(order(&given), [1, 2, 3]);
        }
    }
}

/// V11. Without it the first start would fail, or a recovery from nowhere would not.
#[test]
fn v11_there_is_nothing_to_recover() {
    let given = Given::default();
    let environment = memory();
    run(settings(1, Millis(0)), &environment, counting(&given)).result.expect("the function makes a context");
    assert_eq!(order(&given), [1]);
    let create = counting(&given);
    let ran = run_program(settings(1, Millis(0)), &memory(), move |sc| {
        StreamingContext::recover(sc, "nowhere", &create)?;
        Ok(())
    });
    let text = "Spark Streaming cannot be initialized with both SparkContext and checkpoint as null";
    assert_eq!(ran.result.expect_err("there is nothing").to_string(), text);
}

/// D-17, R16.2. Without it two drivers would write over each other's checkpoints after a restart that came too soon.
#[test]
fn an_older_driver_stops_at_its_next_write() {
    for (environment, _dir) in environments() {
        let (first, second) = (Given::default(), Given::default());
        let inside = environment.clone();
        // A second driver runs from beginning to end between two moments of the first.
        let create = counting(&second);
        let create = std::sync::Mutex::new(Some(create));
        let ran = run_watched(settings(9, Millis(0)), &environment, counting(&first), move |event| {
            if matches!(event, Event::BatchCompleted { batch: BatchId(4), .. }) {
                let create = create.lock().expect("nobody panicked").take().expect("the batch completes once");
                run(settings(9, Millis(0)), &inside, create).result.expect("the newer driver goes on");
            }
        });
        let error = ran.result.expect_err("it was taken over").to_string();
        assert!(error.contains("driver epoch 1 was taken over by epoch 2"), "{error}");
        assert_eq!((order(&first), order(&second)), (vec![1, 2, 3, 4], vec![4, 5, 6, 7, 8, 9]));
        assert_eq!(by_batch(&second)[&9], by_batch(&whole(9))[&9]);
        let newest =
            || recovery::read_newest(&*environment.store, DIR).expect("it can be read").expect("there are files");
        let read = newest().checkpoint;
        assert_eq!((read.epoch, read.batch()), (2, BatchId(9)));
        // A file of an older epoch is passed over, however new it looks, and none is written any more.
        let older = StreamingCheckpoint { epoch: 1, ..read.clone() };
        let later = read.time.plus(Millis(60_000));
        let late = recovery::write(&*environment.store, DIR, later, &older);
        assert_eq!(late, Ok(Written::TakenOver { by: 2 }));
        let key = CheckpointName::main(later).key(DIR);
        environment.store.put(&key, &recovery::encode(&older), PutMode::Replace).expect("it can be written");
        assert_eq!(newest().checkpoint.epoch, 2);
    }
}

/// D-22, D-09. Without it a batch would run whose input nobody could name after a crash.
#[test]
fn a_batch_whose_plan_cannot_be_written_does_not_run() {
    for (policy, ran_batches) in [("stop", vec![1, 2]), ("skip", vec![1, 2, 4, 5]), ("continue", vec![1, 2, 3, 4, 5])] {
        let environment = memory();
        let given = Given::default();
        let mut config = settings(5, Millis(0));
        config.set("faultline.streaming.onBatchFailure", policy).expect("a policy");
        // Three attempts for each of the two writes between the second batch's end and the third's start.
        config.faults = vec!["fail:store,times=6@event=BatchCompleted:batch=2#1".parse().expect("a fault")];
        let ran = run(config, &environment, counting(&given));
        let failed = ran.all(|e| match e {
            Event::GraphCheckpointFailed { batch, attempt, .. } => Some((batch.0, *attempt)),
            _ => None,
        });
        assert_eq!(failed, [(2, 1), (2, 2), (2, 3), (3, 1), (3, 2), (3, 3)], "{policy}");
        assert_eq!(order(&given), ran_batches, "{policy}");
        match ran.result {
            Ok(()) => assert_ne!(policy, "stop"),
            Err(error) => {
                let text = error.to_string();
                assert!(policy == "stop" && text.contains("what batch 3 reads could not be written down"), "{text}");
            }
        }
    }
}

/// D-09. Without it a batch would run on the word of a store that lost its plan, and what it read could not be named
/// after a crash.
#[test]
fn d09_what_the_store_did_not_keep_is_written_again() {
    let (mut noticed, whole) = (0, by_batch(&whole(4)));
    for torn in 0..24 {
        let store = HostileStore::new(Arc::new(MemoryObjectStore::new()));
        store.harm(torn..torn + 1, Harm::TornInSilence);
        let environment = Environment { files: Arc::new(SystemFiles), store: Arc::new(store.clone()) };
        let given = Given::default();
        let ran = run_watched(settings(4, Millis(0)), &environment, counting(&given), |event| {
            if let Event::BatchStarted { batch } = event {
                let newest = recovery::read_newest(&store, DIR).expect("a file can be read").expect("there is one");
                let planned = newest.checkpoint.batches.contains_key(batch);
                assert!(planned, "operation {torn} was torn: batch {batch} runs and no file says what it reads");
            }
        });
        assert_eq!(ran.result, Ok(()), "operation {torn} was torn");
        noticed += usize::from(ran.has(|e| matches!(e, Event::GraphCheckpointFailed { .. })));
        assert_eq!(by_batch(&given), whole, "operation {torn} was torn");
    }
    assert!(noticed > 4, "{noticed} torn files were noticed");
}

/// Without it the case above could be blind for what it is there for.
#[cfg(feature = "seeded-bugs")]
#[test]
fn the_cases_catch_a_checkpoint_that_nobody_verified() {
    use faultline_engine::seeded::SeededBug;
    faultline_tests::seeded::caught(SeededBug::UnverifiedCheckpoints, d09_what_the_store_did_not_keep_is_written_again);
}
