//! What becomes of batches: remembered, sliced, failed, printed, and how far their lineages reach.

use super::{numbers, refused};
use crate::dstreams_lab::*;
use faultline_engine::config::EngineConfig;
use faultline_engine::error::Result;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use faultline_engine::rdd::Rdd;
use faultline_engine::storage::Data;
use faultline_engine::streaming::{DStream, State, StateSpec, StreamingContext};
use faultline_tests::lab::INTERVAL;
use faultline_tests::quiet::silence_deliberate_panics;
use faultline_tests::scripted::{receiving, ticking};
use faultline_tests::{Loop, run, settings};
use std::sync::{Arc, Mutex, PoisonError};

/// R12.6, R12.7. Without it batches would be forgotten while a window still reads them, or never.
#[test]
fn d18_streams_remember_as_long_as_their_children_need() {
    for &loop_ in Loop::ALL {
        let (result, _) = run(loop_, settings(10, &[]), |sc| {
            let ssc = StreamingContext::new(sc, INTERVAL);
            ssc.remember(times(3));
            let input: Vec<Option<Vec<u32>>> = (1..=10).map(|n| Some(vec![n])).collect();
            let mapped = ssc.prepared_stream(input, 2).map(|v| (v % 10, 1));
            let first = mapped.window(times(2), times(1))?;
            let second = first.window(times(4), times(2))?;
            collect(&second);
            ssc.start()?;
            ssc.await_termination()?;
            let batches = |stream: &DStream<(u32, i32)>| -> Vec<u32> {
                stream.remembered_batches().into_iter().map(|b| b.0).collect()
            };
            let remember = [mapped.info().remember, first.info().remember, second.info().remember];
            Ok((remember, batches(&mapped), batches(&first), batches(&second)))
        });
        let (remember, mapped, first, second) = result.expect("the stream ends well");
        assert_eq!(remember, [9, 7, 3].map(|n| Some(times(n))), "{loop_:?}");
        assert_eq!(second, [8, 10], "{loop_:?}: slides by two");
        assert_eq!(first, (4..=10).collect::<Vec<_>>(), "{loop_:?}");
        assert_eq!(mapped, (2..=10).collect::<Vec<_>>(), "{loop_:?}");
    }
}

/// R12.7. Without it what receivers stored would be kept for ever, or be deleted while it is still read; and
/// whoever reads it afterwards would not be told why it is gone.
#[test]
fn d19_blocks_of_receivers_go_with_their_batch() {
    silence_deliberate_panics();
    for &loop_ in Loop::ALL {
        let (result, log) = run(loop_, receiving(6, &[]), |sc| {
            let ssc = StreamingContext::new(sc, Millis(100));
            ssc.remember(Millis(100));
            let input = ssc.scripted_stream(ticking(60, 10), StorageLevel::MEMORY_AND_DISK_SER_2);
            let mapped = input.map(|v| v * 2).persist(StorageLevel::MEMORY_ONLY)?;
            let rdds: Arc<Mutex<Vec<(u32, Rdd<u64>, Rdd<u64>)>>> = Arc::default();
            let (inside, blocks) = (Arc::clone(&rdds), input.clone());
            mapped.for_each_rdd(move |rdd, tick| {
                rdd.count()?;
                let read = blocks.slice(tick.time, tick.time)?.remove(0);
                inside.lock().unwrap_or_else(PoisonError::into_inner).push((tick.batch.0, read, rdd.clone()));
                Ok(())
            });
            ssc.start()?;
            ssc.await_termination()?;
            let rdds = taken(&rdds);
            let (last, read, kept) = rdds.last().expect("batches ran").clone();
            let latest = (last, read.count()? == kept.count()?, kept.info().level);
            let earlier: Vec<(StorageLevel, String)> = rdds
                .iter()
                .filter(|(batch, read, _)| *batch < last && read.num_partitions() > 0)
                .map(|(_, read, kept)| (kept.info().level, refused(read.count())))
                .collect();
            Ok((latest, earlier))
        });
        let ((last, counted, level), earlier) = result.expect("the stream ends well");
        assert_eq!((last, counted, level), (6, true, StorageLevel::MEMORY_ONLY), "{loop_:?}: the latest is there");
        assert!(loop_ == Loop::Threads || earlier.len() == 5, "{loop_:?}: {earlier:?}");
        for (level, error) in &earlier {
            assert_eq!(*level, StorageLevel::NONE, "{loop_:?}");
            assert!(error.contains("Attempted to use BlockRDD["), "{loop_:?}: {error}");
            assert!(error.contains("after its blocks have been removed!"), "{loop_:?}: {error}");
        }
        let deleted =
            log.iter().filter(|e| matches!(&e.event, Event::InputBlockUpdated { level, .. } if !level.is_valid()));
        assert!(deleted.count() >= earlier.len(), "{loop_:?}: blocks of earlier batches are deleted");
    }
}

/// R13.2. Without it a program could not look at batches of the past, or would get its zero time.
#[test]
fn d20_slices_are_inclusive_and_aligned() {
    for &loop_ in Loop::ALL {
        let (result, _) = run(loop_, settings(4, &[]), |sc| {
            let ssc = StreamingContext::new(sc, INTERVAL);
            let stream = numbers(&ssc, &[&[1], &[2], &[3], &[4]]).map(|v| v);
            let before = refused(stream.slice(Timestamp(0), Timestamp(0)));
            let slices: Arc<Mutex<Vec<Vec<u32>>>> = Arc::default();
            let (inside, sliced) = (Arc::clone(&slices), stream.clone());
            let zero: Arc<Mutex<Option<Timestamp>>> = Arc::default();
            let found = Arc::clone(&zero);
            stream.for_each_rdd(move |_, tick| {
                let zero = Timestamp(tick.time.0 - INTERVAL.0 * 1_000_000 * u64::from(tick.batch.0));
                *found.lock().unwrap_or_else(PoisonError::into_inner) = Some(zero);
                if tick.batch.0 == 4 {
                    let mut slices = inside.lock().unwrap_or_else(PoisonError::into_inner);
                    for (from, to) in [(2, 4), (0, 1)] {
                        slices.push(values(&sliced.slice(zero.plus(times(from)), zero.plus(times(to)))?)?);
                    }
                    // Between two batches counts the earlier one.
                    let from = zero.plus(times(2)).plus_ns(7_000_000);
                    slices.push(values(&sliced.slice(from, zero.plus(times(4)).plus_ns(1))?)?);
                    slices.push(values(&sliced.slice(Timestamp(0), Timestamp(1))?)?);
                }
                Ok(())
            });
            ssc.start()?;
            ssc.await_termination()?;
            let zero = zero.lock().unwrap_or_else(PoisonError::into_inner).expect("four batches ran");
            let after = values(&stream.slice(zero.plus(times(3)), zero.plus(times(4)))?)?;
            Ok((before, taken(&slices), after))
        });
        let (before, slices, after) = result.expect("the stream ends well");
        assert_eq!(before, "MappedDStream has not been initialized", "{loop_:?}");
        assert_eq!(slices, [vec![2, 3, 4], vec![1], vec![2, 3, 4], vec![]], "{loop_:?}");
        assert_eq!(after, [3, 4], "{loop_:?}: from the program itself");
    }
}

fn values<T: Data>(rdds: &[Rdd<T>]) -> Result<Vec<T>> {
    rdds.iter().try_fold(Vec::new(), |mut all, rdd| {
        all.extend(rdd.collect()?);
        Ok(all)
    })
}

/// Without it an input that nobody reads would stop the batches.
#[test]
fn d24_an_input_that_no_output_uses() {
    for &loop_ in Loop::ALL {
        let (result, log) = stream_with(loop_, settings(2, &[]), |ssc| {
            numbers(ssc, &[&[9], &[9]]).map(|v| v * 2);
            let outputs = collect(&numbers(ssc, &[&[1], &[2]]));
            Ok(Box::new(move || taken(&outputs)))
        });
        assert_eq!(result.expect("the stream ends well"), [(1, vec![1]), (2, vec![2])], "{loop_:?}");
        let completed = log.iter().filter(|e| matches!(e.event, Event::BatchCompleted { failure: None, .. })).count();
        assert_eq!(completed, 2, "{loop_:?}");
    }
}

/// R12.2. Without it a stream that nobody asks for would stop the program from starting.
#[test]
fn what_no_output_reaches_is_not_checked() {
    for &loop_ in Loop::ALL {
        let (result, _) = run(loop_, settings(2, &[]), |sc| {
            let ssc = StreamingContext::new(sc, INTERVAL);
            // Without a directory for checkpoints this one could not run.
            words(&ssc, &[]).update_state_by_key(|_, new: Vec<u32>, _: Option<u32>| new.first().copied());
            let outputs = collect(&numbers(&ssc, &[&[1], &[2]]));
            ssc.start()?;
            ssc.await_termination()?;
            Ok(taken(&outputs))
        });
        assert_eq!(result.expect("the stream ends well"), [(1, vec![1]), (2, vec![2])], "{loop_:?}");
    }
}

/// R12.7. Without it the setting would be accepted and change nothing.
#[test]
fn rdds_of_batches_stay_when_asked() {
    for streaming_unpersist in [true, false] {
        let config = EngineConfig { streaming_unpersist, ..settings(4, &[]) };
        let (result, log) = stream_with(Loop::Sim, config, |ssc| {
            let kept = numbers(ssc, &[&[1], &[2], &[3], &[4]]).map(|v| v).persist(StorageLevel::MEMORY_ONLY)?;
            // Held beyond the end, or they would go because nobody can reach them (R8.17).
            let held: Arc<Mutex<Vec<Rdd<u32>>>> = Arc::default();
            let inside = Arc::clone(&held);
            kept.for_each_rdd(move |rdd, _| {
                inside.lock().unwrap_or_else(PoisonError::into_inner).push(rdd.clone());
                rdd.count().map(|_| ())
            });
            Ok(Box::new(move || taken(&held)))
        });
        assert_eq!(result.as_ref().map(Vec::len), Ok(4));
        let gone = log.iter().any(|e| matches!(e.event, Event::UnpersistRdd { .. }));
        assert_eq!(gone, streaming_unpersist);
    }
}

/// R11.7. Without it the failure of one output operation would be laid on the others, or hide theirs.
#[test]
fn d25_the_failure_of_one_output_operation_is_its_own() {
    silence_deliberate_panics();
    for &loop_ in Loop::ALL {
        let (result, log) = run(loop_, settings(1, &[]), |sc| {
            let ssc = StreamingContext::new(sc, INTERVAL);
            let stream = numbers(&ssc, &[&[1]]);
            collect(&stream);
            collect(&stream.map(|v| if v > 0 { panic!("deliberate: the second output") } else { v }));
            let third = collect(&stream);
            ssc.start()?;
            let error = refused(ssc.await_termination());
            Ok((error, taken(&third)))
        });
        let (error, third) = result.expect("the program ends well");
        assert!(error.contains("deliberate: the second output"), "{loop_:?}: {error}");
        assert_eq!(third, [(1, vec![1])], "{loop_:?}: what follows runs");
        let failures: Vec<(u32, bool)> = log
            .iter()
            .filter_map(|e| match &e.event {
                Event::OutputOperationCompleted { output_op, failure, .. } => Some((output_op.0, failure.is_some())),
                _ => None,
            })
            .collect();
        assert_eq!(failures, [(0, false), (1, true), (2, false)], "{loop_:?}");
        let batch = log.iter().find_map(|e| match &e.event {
            Event::BatchCompleted { batch, failure, .. } => Some((batch.0, failure.clone().unwrap_or_default())),
            _ => None,
        });
        assert!(batch.is_some_and(|(batch, text)| batch == 1 && text.contains("deliberate")), "{loop_:?}");
    }
}

/// R11.8. Without it ticks at which nothing is due would be counted as batches.
#[test]
fn a_tick_without_jobs_is_no_batch() {
    for &loop_ in Loop::ALL {
        let (result, log) = stream_with(loop_, settings(5, &[]), |ssc| {
            let outputs = collect(&numbers(ssc, &[&[1], &[2], &[3], &[4], &[5]]).window(times(2), times(2))?);
            Ok(Box::new(move || taken(&outputs)))
        });
        assert_eq!(result.expect("the stream ends well"), [(2, vec![1, 2]), (4, vec![3, 4])], "{loop_:?}");
        let of = |wanted: fn(&Event) -> Option<BatchId>| -> Vec<u32> {
            log.iter().filter_map(|e| wanted(&e.event)).map(|b| b.0).collect()
        };
        let submitted = of(|e| if let Event::BatchSubmitted { batch } = e { Some(batch.id) } else { None });
        let completed = of(|e| if let Event::BatchCompleted { batch, .. } = e { Some(*batch) } else { None });
        assert_eq!((submitted, completed), (vec![2, 4], vec![2, 4]), "{loop_:?}");
    }
}

/// Without it what a batch prints could not be told from what the next one prints.
#[test]
fn print_writes_sparks_heading() {
    let (result, log) = stream_with(Loop::Sim, settings(2, &[]), |ssc| {
        let stream = numbers(ssc, &[&[1, 2, 3], &[4]]);
        stream.print(2);
        stream.pprint(2);
        Ok(Box::new(|| ()))
    });
    result.expect("the stream ends well");
    let printed: Vec<Vec<String>> = log
        .iter()
        .filter_map(|e| if let Event::OutputPrinted { lines, .. } = &e.event { Some(lines.clone()) } else { None })
        .collect();
    let rule = "-------------------------------------------";
    let epoch = VIRTUAL_EPOCH.as_millis();
    let page = |time: &str, rest: &[&str]| -> Vec<String> {
        [&[rule, time, rule], rest, &[""]].concat().iter().map(|line| (*line).to_owned()).collect()
    };
    let at = |batch: u64| format!("Time: {} ms", epoch + batch * INTERVAL.0);
    let expected = [
        page(&at(1), &["1", "2", "..."]),
        page("Time: 2026-01-01 00:00:00.020000", &["1", "2", "..."]),
        page(&at(2), &["4"]),
        page("Time: 2026-01-01 00:00:00.040000", &["4"]),
    ];
    assert_eq!(printed, expected);
}

/// How many RDDs each batch's RDD reaches before its action, when it is checkpointed every four batches.
fn reach(build: fn(&DStream<(String, u32)>) -> Result<DStream<(String, u32)>>) -> Vec<usize> {
    let (result, _) = stream_with(Loop::Sim, EngineConfig { partitions: 2, ..settings(8, &[]) }, move |ssc| {
        let input = words(ssc, &[Some("a b"); 8]).map(|pair| pair).map(|pair| pair);
        let lengths: Arc<Mutex<Vec<usize>>> = Arc::default();
        let inside = Arc::clone(&lengths);
        build(&input)?.for_each_rdd(move |rdd, _| {
            inside.lock().unwrap_or_else(PoisonError::into_inner).push(rdd.lineage_len());
            rdd.count().map(|_| ())
        });
        Ok(Box::new(move || taken(&lengths)))
    });
    result.expect("the stream ends well")
}

/// Measured on Spark 3.5.9. Without it a stream would make other RDDs than Spark's, and its lineage grow
/// faster, or not be cut.
#[test]
fn lineages_grow_and_are_cut_as_in_spark() {
    let state = reach(|input| {
        let sum = |_: &String, new: Vec<u32>, old: Option<u32>| Some(old.unwrap_or(0) + new.iter().sum::<u32>());
        input.update_state_by_key(sum).checkpoint(times(4))
    });
    assert_eq!(state, [5, 11, 17, 23, 8, 14, 20, 26], "updateStateByKey");
    let mapped = reach(|input| {
        let sum = |key: &String, value: Option<u32>, state: &mut State<'_, u32>| {
            state.update(value.unwrap_or(0))?;
            Ok((key.clone(), 1))
        };
        Ok((*input.map_with_state(StateSpec::function(sum)).checkpoint(times(4))?).clone())
    });
    assert_eq!(mapped, [12, 17, 22, 27, 8, 13, 18, 23], "mapWithState");
    let inverse = reach(|input| {
        let windows =
            input.reduce_by_key_and_window_inverse(|a, b| a + b, |all, left| all - left, times(3), times(1))?;
        windows.checkpoint(times(4))
    });
    assert_eq!(inverse, [7, 13, 19, 25, 12, 22, 32, 38], "reduceByKeyAndWindow with an inverse");
    let whole = reach(|input| input.reduce_by_key_and_window(|a, b| a + b, times(3), times(1))?.checkpoint(times(4)));
    assert_eq!(whole, [6, 10, 14, 14, 14, 14, 14, 14], "reduceByKeyAndWindow");
}

/// R11.13. Without it each batch would overwrite the one before, or a batch that runs again would fail on
/// its own output.
#[test]
fn batches_are_saved_as_text_files_and_may_be_saved_again() {
    for &loop_ in Loop::ALL {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let prefix = directory.path().join("words").display().to_string();
        let inside = prefix.clone();
        let (result, _) = stream_with(loop_, settings(2, &[]), move |ssc| {
            let stream = numbers(ssc, &[&[1, 2], &[3]]);
            stream.save_as_text_files(&inside, "txt");
            // The same directories once more, as after a recovery.
            stream.save_as_text_files(&inside, "txt");
            let times: Arc<Mutex<Vec<Timestamp>>> = Arc::default();
            let seen = Arc::clone(&times);
            stream.for_each_rdd(move |_, tick| {
                seen.lock().unwrap_or_else(PoisonError::into_inner).push(tick.time);
                Ok(())
            });
            Ok(Box::new(move || taken(&times)))
        });
        let times = result.expect("the stream ends well");
        assert_eq!(times.len(), 2, "{loop_:?}");
        for (time, lines) in times.iter().zip(["1\n2\n", "3\n"]) {
            let batch = format!("{prefix}-{}.txt", time.as_millis());
            let read = |file: &str| std::fs::read_to_string(format!("{batch}/{file}"));
            let parts: Vec<String> = ["part-00000", "part-00001"].map(|part| read(part).expect("a part")).to_vec();
            assert_eq!(parts.concat(), lines, "{loop_:?}");
            assert!(read("_SUCCESS").is_ok(), "{loop_:?}");
        }
    }
}

/// Without it each batch of a state that has not begun would look at all earlier ones, and they at theirs: a
/// stream whose input comes late would stand still before it comes.
#[test]
fn state_may_begin_late() {
    const EMPTY: u32 = 1_000;
    let (result, _) = stream_with(Loop::Sim, settings(EMPTY + 2, &[]), |ssc| {
        let input = (0..EMPTY).map(|_| None).chain([Some(vec![(1, 1)]), None]).collect();
        let sum = |_: &u32, new: Vec<u32>, old: Option<u32>| Some(old.unwrap_or(0) + new.into_iter().sum::<u32>());
        let outputs = collect(&ssc.prepared_stream(input, 2).update_state_by_key(sum));
        Ok(Box::new(move || taken(&outputs)))
    });
    assert_eq!(result, Ok(vec![(EMPTY + 1, vec![(1, 1)]), (EMPTY + 2, vec![(1, 1)])]));
}
