//! What of a program and its settings a restart keeps.

use super::lab::*;
use faultline_engine::event::{Event, StorageLevel};
use faultline_engine::ids::*;
use faultline_engine::rdd::{Line, SparkContext};
use faultline_engine::recovery;
use faultline_engine::streaming::{Dequeue, RddQueue, StreamingContext};
use faultline_tests::scripted::ticking;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

fn properties(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// V13. Without it a restarted driver would listen where the former one did, or ignore what its user says.
#[test]
fn v13_settings_of_the_former_process() {
    let saved = properties(&[
        ("spark.app.name", "words"),
        ("mykey", "myvalue"),
        ("spark.master", "local[2]"),
        ("spark.driver.host", "old-host"),
        ("spark.driver.port", "9999"),
        ("spark.ui.port", "4040"),
        ("spark.blockManager.port", "7"),
    ]);
    for (new, expected) in [
        (
            properties(&[]),
            properties(&[("spark.app.name", "words"), ("mykey", "myvalue"), ("spark.master", "local[2]")]),
        ),
        (
            properties(&[
                ("spark.master", "local[4]"),
                ("spark.driver.port", "1"),
                ("spark.ui.port", "2"),
                ("mykey", "no"),
            ]),
            properties(&[
                ("spark.app.name", "words"),
                ("mykey", "myvalue"),
                ("spark.master", "local[4]"),
                ("spark.driver.port", "1"),
                ("spark.ui.port", "2"),
            ]),
        ),
    ] {
        assert_eq!(recovery::restored_properties(&saved, &new), expected);
    }
}

/// V12. Spark does not call the function; here it is, because functions cannot be read from a file, and its streams
/// get what was saved. Without it settings of the former run would be lost, or override those of a live context.
#[test]
fn v12_a_valid_checkpoint() {
    let environment = memory();
    let given = Given::default();
    let calls = Arc::new(AtomicU32::new(0));
    let create = || {
        let (calls, create) = (Arc::clone(&calls), counting(&given));
        move |sc: &SparkContext| {
            calls.fetch_add(1, Ordering::Relaxed);
            create(sc)
        }
    };
    let mut config = settings(4, Millis(0));
    config.chunk_len = 77;
    run_until(config, &environment, create(), completed(2));
    let read = recovery::read_newest(&*environment.store, DIR).expect("it can be read").expect("there are files");
    let saved = &read.checkpoint.properties;
    assert_eq!(saved.get("faultline.rdd.chunkRecords").map(String::as_str), Some("77"));
    let again = recovery::restored_properties(saved, &BTreeMap::new());
    assert_eq!(again.get("faultline.rdd.chunkRecords").map(String::as_str), Some("77"), "without a live context");

    let create = create();
    let ran = run_program(settings(4, Millis(0)), &environment, move |sc| {
        let ssc = StreamingContext::get_or_create(sc, DIR, &create)?;
        assert_eq!(ssc.spark_context().config().chunk_len, 1024, "a live context keeps its settings");
        ssc.start()?;
        ssc.await_termination()
    });
    ran.result.expect("it goes on");
    assert_eq!((order(&given), calls.load(Ordering::Relaxed)), (vec![1, 2, 2, 3, 4], 2));
}

/// D-11. Without it a changed program would go on with state that is not its own, or drop it without a word.
#[test]
fn a_changed_program_is_told_and_does_as_the_user_says() {
    for (on_change, expected) in [("ask", None), ("keep", Some(vec![3, 4])), ("discard", Some(vec![1, 2, 3, 4]))] {
        let environment = memory();
        run_until(settings(4, Millis(0)), &environment, counting(&Given::default()), completed(3));
        let given = Given::default();
        let changed = {
            let given = Arc::clone(&given);
            move |sc: &SparkContext| {
                let ssc = StreamingContext::new(sc, INTERVAL);
                ssc.checkpoint(DIR);
                // One stream more before the state, so that its number is another one.
                let counts = count(&ssc.text_replay_stream(text(), 2).filter(|_: &Line| true))?;
                gather(&counts, &given);
                Ok(ssc)
            }
        };
        let mut config = settings(4, Millis(0));
        config.set("faultline.recovery.onChange", on_change).expect("a choice");
        let ran = run(config, &environment, changed);
        let told = ran.all(|e| match e {
            Event::FindingReported { finding } if finding.kind == "program-changed" => Some(finding.message.clone()),
            _ => None,
        });
        match expected {
            None => {
                let error = ran.result.expect_err("nobody was asked").to_string();
                assert!(error.contains("operator filter: not there → FilteredDStream"), "{error}");
                assert!(error.contains("--on-change keep") && error.contains("--on-change discard"), "{error}");
            }
            Some(batches) => {
                ran.result.expect("it goes on");
                assert_eq!(order(&given), batches, "{on_change}");
                assert_eq!(told.len(), 1, "{on_change}");
                // Kept state is that of the former program: its words are there.
                let of_batch_3 = by_batch(&given)[&3].len();
                assert_eq!(of_batch_3, by_batch(&whole(3))[&3].len(), "{on_change}");
            }
        }
    }
}

/// D-11. Without it the state of an operator with a new name could only be thrown away, or would be without a word.
#[test]
fn what_is_saved_migrates_to_renamed_operators() {
    for (renamed, stateless, refusal) in [
        ("updateStateByKey=updateStateByKey#2", false, None),
        ("", true, Some("updateStateByKey; name their new names with --rename")),
        ("map=flatMap", false, Some("the checkpoint has another operator flatMap; say what becomes of it")),
        ("counts=updateStateByKey", false, Some("the checkpoint has no operator counts; it has ")),
        ("updateStateByKey=counts", false, Some("the program has no operator counts; it has ")),
        ("map=updateStateByKey#2,flatMap=updateStateByKey#2", false, Some("two operators become updateStateByKey#2")),
        ("updateStateByKey", false, Some("updateStateByKey: write OLD=NEW")),
    ] {
        let environment = memory();
        run_until(settings(4, Millis(0)), &environment, counting(&Given::default()), completed(3));
        let given = Given::default();
        let changed = {
            let given = Arc::clone(&given);
            move |sc: &SparkContext| {
                let ssc = StreamingContext::new(sc, INTERVAL);
                ssc.checkpoint(DIR);
                let lines = ssc.text_replay_stream(text(), 2);
                if stateless {
                    lines.for_each_rdd(|rdd, _| rdd.count().map(drop));
                    return Ok(ssc);
                }
                // Another state of the same kind comes first and takes the name.
                let others = count(&lines)?;
                others.for_each_rdd(|rdd, _| rdd.count().map(drop));
                gather(&count(&lines)?, &given);
                Ok(ssc)
            }
        };
        let mut config = settings(4, Millis(0));
        config.set("faultline.recovery.onChange", "migrate").expect("a choice");
        config.renamed = Some(renamed.to_owned());
        let ran = run(config, &environment, changed);
        match refusal {
            Some(words) => {
                let error = ran.result.expect_err("it is refused").to_string();
                assert!(error.contains(words), "{renamed}: {error}");
            }
            None => {
                ran.result.expect("it goes on");
                assert_eq!(order(&given), [3, 4], "{renamed}");
                assert_eq!(by_batch(&given)[&4], by_batch(&whole(4))[&4], "the new name has the old state");
            }
        }
    }
}

/// V24. Without it a queue's stream would go on without what was in the queue.
#[test]
fn v24_a_queue_stream_cannot_be_recovered() {
    let environment = memory();
    let create = |sc: &SparkContext| {
        let ssc = StreamingContext::new(sc, INTERVAL);
        ssc.checkpoint(DIR);
        let queue: RddQueue<u32> = (0..9).map(|n| sc.parallelize(vec![n], 1)).collect();
        ssc.queue_stream(&queue, Dequeue::OneAtATime).for_each_rdd(|rdd, _| rdd.count().map(drop));
        Ok(ssc)
    };
    let first = run_until(settings(5, Millis(0)), &environment, create, completed(3));
    assert!(first.has(|e| matches!(e, Event::GraphCheckpointWritten { .. })), "it runs and is written down");
    let error = run(settings(5, Millis(0)), &environment, create).result.expect_err("the queue is gone").to_string();
    let text = "queueStream doesn't support checkpointing. Please don't use queueStream when checkpointing is enabled.";
    assert!(error.contains(text), "{error}");
}

/// V22. In Spark every function of the graph must be serialised; here none is. Without it a program that holds what
/// no file could hold would be refused, or not go on.
#[test]
fn v22_functions_that_no_file_could_hold() {
    let environment = memory();
    let given = Given::default();
    let create = || {
        let given = Arc::clone(&given);
        move |sc: &SparkContext| {
            let ssc = StreamingContext::new(sc, INTERVAL);
            ssc.checkpoint(DIR);
            let lock = Arc::new(std::sync::Mutex::new(0_u64));
            let lines = ssc.text_replay_stream(text(), 2).map(move |line: Line| {
                *lock.lock().unwrap_or_else(std::sync::PoisonError::into_inner) += 1;
                (line, 1)
            });
            gather(&lines, &given);
            Ok(ssc)
        }
    };
    run_until(settings(3, Millis(0)), &environment, create(), completed(2));
    run(settings(3, Millis(0)), &environment, create()).result.expect("it goes on");
    assert_eq!(order(&given), [1, 2, 2, 3]);
}

/// Without it what a receiver had stored would be given to another stream, or to none, because the log knows streams
/// by their numbers.
#[test]
fn received_blocks_are_not_kept_for_another_stream() {
    let environment = memory();
    let create = |others: u32| {
        move |sc: &SparkContext| {
            let ssc = StreamingContext::new(sc, INTERVAL);
            ssc.checkpoint(DIR);
            for _ in 0..others {
                ssc.text_replay_stream(text(), 2).for_each_rdd(|rdd, _| rdd.count().map(drop));
            }
            let received = ssc.scripted_stream(ticking(50, 100), StorageLevel::MEMORY_ONLY);
            received.for_each_rdd(|rdd, _| rdd.count().map(drop));
            Ok(ssc)
        }
    };
    run_until(settings(4, Millis(0)), &environment, create(0), completed(2));
    let mut config = settings(4, Millis(0));
    config.set("faultline.recovery.onChange", "keep").expect("a choice");
    let error = run(config, &environment, create(1)).result.expect_err("its blocks are those of stream 0").to_string();
    assert!(error.contains("was stream 0 and is stream 1") && error.contains("--on-change discard"), "{error}");
}
