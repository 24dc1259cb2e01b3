//! Streams that go on where a former driver stood: what they give, and which batches run again.

use super::lab::*;
use faultline_engine::error::Result;
use faultline_engine::event::Event;
use faultline_engine::ids::*;
use faultline_engine::object_store::PutMode;
use faultline_engine::rdd::{Line, SparkContext};
use faultline_engine::recovery::{self, CheckpointName};
use faultline_engine::streaming::{DStream, State, StateSpec, StreamingContext};
use std::fmt::Debug;
use std::ops::ControlFlow;

type Counts = DStream<(Line, u64)>;

fn words(ssc: &StreamingContext) -> DStream<(Line, u64)> {
    let lines = ssc.text_replay_stream(text(), 2);
    lines.flat_map(|line: Line| line.split(' ').map(|word| (Line::from(word), 1)).collect::<Vec<_>>())
}

/// Runs `build` for `batches` batches, crashes it when batch `crash` completed, goes on, and holds everything against
/// a run without a crash. Batch `crash` runs again, and everything after it once.
fn recovers<T>(batches: u32, crash: u32, build: fn(&StreamingContext) -> Result<DStream<T>>)
where
    T: faultline_engine::storage::Data + Ord + PartialEq + Debug,
{
    for (environment, _dir) in environments() {
        let (given, oracle) = (Given::default(), Given::default());
        let program = |given: &Given<T>| {
            let given = given.clone();
            move |sc: &SparkContext| {
                let ssc = StreamingContext::new(sc, INTERVAL);
                ssc.checkpoint(DIR);
                gather(&build(&ssc)?, &given);
                Ok(ssc)
            }
        };
        run(settings(batches, Millis(0)), &memory(), program(&oracle)).result.expect("nothing fails");
        let first = run_until(settings(batches, Millis(0)), &environment, program(&given), completed(crash));
        assert!(first.result.is_err(), "it was broken off");
        let second = run(settings(batches, Millis(0)), &environment, program(&given));
        second.result.clone().expect("it goes on");
        let expected: Vec<u32> = (1..=crash).chain(crash..=batches).collect();
        assert_eq!(order(&given), expected);
        assert_eq!(by_batch(&given), by_batch(&oracle));
        let recovered = second.all(|e| match e {
            Event::StreamingRecovered { recovery } => Some((recovery.batch.0, recovery.epoch)),
            _ => None,
        });
        assert_eq!(recovered, [(crash, 1)]);
    }
}

/// V01. Without it a stream without state would not go on, or skip what came while there was no driver.
#[test]
fn v01_recovery_with_map_and_reduce_by_key() {
    recovers(6, 3, |ssc| Ok(words(ssc).map(|pair| pair).reduce_by_key(|a, b| a + b)));
}

/// V02. Without it state would be lost, or counted twice, when the driver is.
#[test]
fn v02_recovery_with_update_state_by_key() {
    recovers(10, 7, |ssc| count(&ssc.text_replay_stream(text(), 2)));
    // At each batch, also before any state was saved.
    for crash in 1..10 {
        recovers(10, crash, |ssc| count(&ssc.text_replay_stream(text(), 2)));
    }
}

/// V03. Without it a window that is made of the window before it would begin anew.
#[test]
fn v03_recovery_with_an_invertible_window() {
    fn windows(ssc: &StreamingContext) -> Result<Counts> {
        words(ssc)
            .map(|(_, one)| (Line::from("all"), one))
            .reduce_by_key_and_window_inverse(|a, b| a + b, |a, b| a - b, Millis(4000), Millis(1000))?
            .checkpoint(Millis(2000))
    }
    recovers(10, 7, windows);
    let given = Given::default();
    let create = {
        let given = given.clone();
        move |sc: &SparkContext| {
            let ssc = StreamingContext::new(sc, INTERVAL);
            ssc.checkpoint(DIR);
            gather(&windows(&ssc)?, &given);
            Ok(ssc)
        }
    };
    let environment = memory();
    run_until(settings(10, Millis(0)), &environment, create.clone(), completed(7));
    run(settings(10, Millis(0)), &environment, create).result.expect("it goes on");
    // Two lines of two words in each of four batches.
    assert!(by_batch(&given).range(4..).all(|(_, all)| *all == [(Line::from("all"), 16)]));
}

/// R15.14. Without it `mapWithState` would begin anew, or its records would be read as something else.
#[test]
fn recovery_with_map_with_state() {
    recovers(10, 7, |ssc| {
        let spec = StateSpec::function(|_: &Line, new: Option<u64>, state: &mut State<'_, u64>| {
            let sum = state.get_option().copied().unwrap_or(0) + new.unwrap_or(0);
            state.update(sum)?;
            Ok(Some(sum))
        });
        let counts = words(ssc).map_with_state(spec).checkpoint(Millis(2000))?;
        Ok(counts.state_snapshots())
    });
}

/// V14, R12.9. Without it files would pile up, or go while a checkpoint still names them.
#[test]
fn v14_saved_rdds_stay_as_long_as_a_checkpoint_names_them() {
    let environment = memory();
    let given = Given::default();
    let first = run_until(settings(16, Millis(0)), &environment, counting(&given), completed(13));
    let there = |dir: &String| !environment.store.list(&format!("{dir}/")).expect("the store can be listed").is_empty();
    let saved = first.all(|e| match e {
        Event::CheckpointCompleted { path, .. } => Some(path.clone()),
        _ => None,
    });
    let deleted = first.all(|e| match e {
        Event::CheckpointDeleted { path, .. } => Some(path.clone()),
        _ => None,
    });
    assert_eq!(saved.len(), 6, "every two batches");
    assert!(!deleted.is_empty() && deleted.iter().all(|dir| !there(dir)));
    // I5: whatever a file that can be read names is there.
    for name in recovery::list(&*environment.store, DIR).expect("the store can be listed") {
        let read = recovery::decode(&environment.store.get(&name.key(DIR)).expect("it is there")).expect("it is sound");
        for rdd in read.saved.values().flat_map(|saved| saved.values()) {
            assert!(there(&rdd.dir), "{name} names {}, which is gone", rdd.dir);
        }
    }
    let second = run(settings(16, Millis(0)), &environment, counting(&given));
    second.result.clone().expect("it goes on");
    let used = second.all(|e| match e {
        Event::StreamingRecovered { recovery } => Some(recovery.saved.clone()),
        _ => None,
    });
    assert_eq!(used.concat().len(), 2, "two intervals are remembered");
    // What the former driver saved goes when no checkpoint names it any more.
    let gone = second.all(|e| match e {
        Event::CheckpointDeleted { path, .. } => Some(path.clone()),
        _ => None,
    });
    assert!(gone.iter().any(|dir| saved.contains(dir)), "{gone:?}");
    assert_eq!(by_batch(&given), by_batch(&whole(16)));
}

/// V17. Without it batches would be skipped after a long time without a driver, or run out of their order.
#[test]
fn v17_what_runs_again_after_down_time() {
    let environment = memory();
    let given = Given::default();
    // Batches of 2 s; the checkpoint of 8 s says that the batch of 6 s is not completed.
    let create = |given: &Given<(Line, u64)>| {
        let given = given.clone();
        move |sc: &SparkContext| {
            let ssc = StreamingContext::new(sc, Millis(2000));
            ssc.checkpoint(DIR);
            gather(&count(&ssc.text_replay_stream(text(), 2))?, &given);
            Ok(ssc)
        }
    };
    run_until(settings(9, Millis(0)), &environment, create(&given), completed(4));
    let mut read = recovery::read_newest(&*environment.store, DIR).expect("it can be read").expect("there are files");
    assert_eq!(read.checkpoint.batch(), BatchId(4));
    read.checkpoint.pending = [BatchId(3)].into();
    let name = CheckpointName::main(read.checkpoint.time);
    let bytes = recovery::encode(&read.checkpoint);
    environment.store.put(&name.key(DIR), &bytes, PutMode::Replace).expect("it can be written");
    let given = Given::default();
    let ran = run(settings(9, Millis(15_000)), &environment, create(&given));
    ran.result.clone().expect("it goes on");
    assert_eq!(order(&given), [3, 4, 5, 6, 7, 8, 9]);
    let submitted: Vec<(u32, u64)> = ran
        .log
        .iter()
        .filter_map(|e| match &e.event {
            Event::BatchSubmitted { batch } => Some((batch.id.0, e.at.ns_since(VIRTUAL_EPOCH) / 1_000_000)),
            _ => None,
        })
        .collect();
    let (again, ticked) = submitted.split_at(5);
    assert!(again.iter().all(|(_, at)| *at < 16_000), "{again:?}");
    assert_eq!(ticked[0], (8, 16_000));
    let restart = ran.all(|e| match e {
        Event::StreamingRecovered { recovery: r } => Some((r.batch, r.pending.clone(), r.restart)),
        _ => None,
    });
    assert_eq!(restart, [(BatchId(4), vec![BatchId(3)], BatchId(8))]);
    assert_eq!(by_batch(&given)[&9], by_batch(&whole(9))[&9]);
}

/// V20. Without it the batch that runs again would stumble over what it wrote before.
#[test]
fn v20_recovery_with_saved_text_files() {
    let out = tempfile::tempdir().expect("a directory");
    let prefix = out.path().join("words").display().to_string();
    let environment = memory();
    let create = move |sc: &SparkContext| {
        let ssc = StreamingContext::new(sc, INTERVAL);
        ssc.checkpoint(DIR);
        count(&ssc.text_replay_stream(text(), 2))?
            .map(|(word, n)| Line::from(format!("{word} {n}")))
            .save_as_text_files(&prefix, "");
        Ok(ssc)
    };
    let lines_of = |batch: u64| {
        let time = VIRTUAL_EPOCH.plus(Millis(INTERVAL.0 * batch)).as_millis();
        let dir = out.path().join(format!("words-{time}"));
        let parts = std::fs::read_dir(dir).expect("the batch was saved").map(|entry| entry.expect("an entry").path());
        let mut lines: Vec<String> = parts
            .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("part-")))
            .flat_map(|path| {
                std::fs::read_to_string(path).expect("text").lines().map(str::to_owned).collect::<Vec<_>>()
            })
            .collect();
        lines.sort();
        lines
    };
    run_until(settings(5, Millis(0)), &environment, create.clone(), completed(3));
    let before = lines_of(3);
    run(settings(5, Millis(0)), &environment, create).result.expect("the batch is saved again");
    assert_eq!(lines_of(3), before);
    let expected: Vec<String> = by_batch(&whole(5))[&5].iter().map(|(word, n)| format!("{word} {n}")).collect();
    assert_eq!(lines_of(5).len(), expected.len());
    assert!(expected.iter().all(|line| lines_of(5).contains(line)));
}

/// V21. Without it what was saved would be read once for each output that reaches it.
#[test]
fn v21_saved_rdds_are_opened_once() {
    let environment = memory();
    let given: [Given<(Line, u64)>; 3] = Default::default();
    let create = {
        let given = given.clone();
        move |sc: &SparkContext| {
            let ssc = StreamingContext::new(sc, INTERVAL);
            ssc.checkpoint(DIR);
            let counts = count(&ssc.text_replay_stream(text(), 2))?;
            given.iter().for_each(|given| gather(&counts, given));
            Ok(ssc)
        }
    };
    run_until(settings(6, Millis(0)), &environment, create.clone(), completed(5));
    let second = run(settings(6, Millis(0)), &environment, create);
    second.result.clone().expect("it goes on");
    let opened = second.all(|e| match e {
        Event::RddRegistered { rdd } if rdd.class == "ReliableCheckpointRDD" => {
            Some((rdd.op.operator.to_string(), rdd.op.batch))
        }
        _ => None,
    });
    assert_eq!(opened, [("updateStateByKey".to_owned(), Some(BatchId(4)))]);
    let whole = by_batch(&whole(6));
    assert!(given.iter().all(|given| by_batch(given) == whole));
}

/// Row 2 of the guarantees. Without it files would be read twice or never when the driver is lost.
#[test]
fn files_are_in_one_batch_whatever_happens_to_the_driver() {
    for crash in 1..8 {
        let dir = tempfile::tempdir().expect("a directory");
        let environment = memory();
        let given: Given<Line> = Given::default();
        let create = {
            let (given, path) = (given.clone(), dir.path().display().to_string());
            move |sc: &SparkContext| {
                let ssc = StreamingContext::new(sc, INTERVAL);
                ssc.checkpoint(DIR);
                gather(&ssc.text_file_stream(&path), &given);
                Ok(ssc)
            }
        };
        // Files appear at virtual times: each is as old as its name says, also those of the time without a driver.
        for second in 1..=10_u64 {
            let path = dir.path().join(format!("f{second:02}.txt"));
            std::fs::write(&path, format!("line {second:02}")).expect("it can be written");
            let time = std::time::UNIX_EPOCH
                + std::time::Duration::from_nanos(VIRTUAL_EPOCH.plus(Millis(second * 1000 - 500)).0);
            let file = std::fs::File::options().write(true).open(&path).expect("it is there");
            file.set_modified(time).expect("its time can be set");
        }
        run_until(settings(10, Millis(0)), &environment, create.clone(), completed(crash));
        let second = run(settings(10, Millis(u64::from(crash) * 1000 + 2500)), &environment, create);
        second.result.clone().expect("it goes on");
        let expected: Vec<(u32, Vec<Line>)> = (1..=10).map(|n| (n, vec![Line::from(format!("line {n:02}"))])).collect();
        assert_eq!(by_batch(&given).into_iter().collect::<Vec<_>>(), expected, "crash after batch {crash}");
        assert!(
            !second.has(
                |e| matches!(e, Event::FindingReported { finding } if finding.kind == "files-older-than-the-stream")
            )
        );
    }
}

/// D-19. Without it a driver would hang for long before its first batch after a long time without one.
#[test]
fn a_hundred_thousand_missed_batches_start_at_once() {
    let environment = memory();
    let create = |sc: &SparkContext| {
        let ssc = StreamingContext::new(sc, INTERVAL);
        ssc.checkpoint(DIR);
        ssc.text_replay_stream(text(), 1).for_each_rdd(|_, _| Ok(()));
        Ok(ssc)
    };
    run_until(settings(u32::MAX, Millis(0)), &environment, create, completed(2));
    let mut events = 0;
    let mut restart = None;
    let outcome = faultline_engine::sim::simulate_while(
        settings(u32::MAX, Millis(100_000_000)),
        &environment,
        Box::new(move |sc: &SparkContext| {
            let ssc = StreamingContext::get_or_create(sc, DIR, create)?;
            ssc.start()?;
            ssc.await_termination()
        }),
        &mut |slice| {
            events += slice.len();
            for e in slice {
                if let Event::StreamingRecovered { recovery } = &e.event {
                    restart = Some(recovery.restart.0);
                }
            }
            if slice.iter().any(|e| completed(5)(&e.event)) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        },
    );
    assert!(outcome.result.is_err(), "it was broken off");
    assert_eq!(restart, Some(100_001));
    // Batches run while others wait to be generated, and not after all of them.
    assert!(events < 20_000, "{events} events before the fifth batch completed");
}

/// I10. Without it a crash while a driver recovers would lose what the crash before did not.
#[test]
fn a_crash_while_recovering_changes_nothing() {
    let whole = by_batch(&whole(8));
    let moments: [fn(&Event) -> bool; 6] = [
        |e| matches!(e, Event::DriverEpochTaken { .. }),
        |e| matches!(e, Event::StreamingRecovered { .. }),
        |e| matches!(e, Event::BatchSubmitted { .. }),
        |e| matches!(e, Event::GraphCheckpointWritten { .. }),
        |e| matches!(e, Event::JobStart { .. }),
        |e| matches!(e, Event::OutputOperationCompleted { .. }),
    ];
    for (i, first) in moments.iter().enumerate() {
        for second in &moments {
            let environment = memory();
            let given = Given::default();
            run_until(settings(8, Millis(0)), &environment, counting(&given), completed(5));
            run_until(settings(8, Millis(0)), &environment, counting(&given), first);
            run_until(settings(8, Millis(0)), &environment, counting(&given), second);
            run(settings(8, Millis(0)), &environment, counting(&given)).result.expect("it goes on");
            assert_eq!(by_batch(&given), whole, "moment {i}");
        }
    }
}
