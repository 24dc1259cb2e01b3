//! Operators of streams, what a context refuses, and what it forgets: Spark's `BasicOperationsSuite`,
//! `WindowOperationsSuite` and `StreamingContextSuite`. Windows and `updateStateByKey` are in
//! `conformance_streams.rs`, `mapWithState` in `conformance_state.rs`.

mod dstreams_lab;

use dstreams_lab::*;
use faultline_engine::config::EngineConfig;
use faultline_engine::error::{EngineError, Result};
use faultline_engine::event::*;
use faultline_engine::ids::*;
use faultline_engine::rdd::Rdd;
use faultline_engine::storage::Data;
use faultline_engine::streaming::{DStream, RememberPartitioner, State, StateSpec, StreamingContext};
use faultline_tests::lab::INTERVAL;
use faultline_tests::quiet::silence_deliberate_panics;
use faultline_tests::{Loop, run, settings};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

fn numbers(ssc: &StreamingContext, batches: &[&[u32]]) -> DStream<u32> {
    ssc.prepared_stream(batches.iter().map(|batch| Some(batch.to_vec())).collect(), 2)
}

/// What a call throws, as Spark throws an exception.
fn thrown<T>(call: impl FnOnce() -> T) -> String {
    let panic = catch_unwind(AssertUnwindSafe(call)).err().expect("it is refused");
    panic.downcast_ref::<EngineError>().expect("an error of the engine").to_string()
}

fn refused<T>(result: Result<T>) -> String {
    result.map(|_| ()).expect_err("it is refused").to_string()
}

/// R11.11. Without it an empty batch would have no count, where Spark says 0.
#[test]
fn d22_an_empty_batch_counts_zero() {
    let batches: [&[u32]; 4] = [&[1, 2, 3], &[], &[7], &[]];
    expect(4, move |ssc| Ok(numbers(ssc, &batches).count()), &numbered(vec![vec![3], vec![0], vec![1], vec![0]]));
    expect(
        4,
        move |ssc| Ok(numbers(ssc, &batches).reduce(|a, b| a + b)),
        &numbered(vec![vec![6], vec![], vec![7], vec![]]),
    );
}

/// Without it an operator would give other records than Spark's.
#[test]
fn operators_on_one_batch() {
    let batches: [&[u32]; 2] = [&[3, 1, 3, 2], &[5]];
    let check = |build: fn(&DStream<u32>) -> DStream<u32>, first: &[u32], second: &[u32]| {
        expect(2, move |ssc| Ok(build(&numbers(ssc, &batches))), &numbered(vec![first.to_vec(), second.to_vec()]));
    };
    check(|s| s.map_partitions(|values| [values.sum::<u32>()]), &[4, 5], &[0, 5]);
    check(|s| s.glom().map(|part| part.len() as u32), &[2, 2], &[0, 1]);
    check(|s| s.repartition(3).expect("three are possible"), &[1, 2, 3, 3], &[5]);
    check(|s| s.repartition(3).expect("three are possible").glom().map(|_| 1), &[1, 1, 1], &[1, 1, 1]);
    let counted = [(1, vec![(1, 1), (2, 1), (3, 2)]), (2, vec![(5, 1)])];
    expect(2, move |ssc| Ok(numbers(ssc, &batches).count_by_value()), &counted);
    let in_one = |stream: DStream<(u32, u64)>| stream.glom().map(|part| part.len());
    expect(2, move |ssc| Ok(in_one(numbers(ssc, &batches).count_by_value_in(1))), &[(1, vec![3]), (2, vec![1])]);
}

/// Without it values would change keys, or meet values of other keys.
#[test]
fn operators_on_pairs() {
    let input = [Some("a b a"), Some("c")];
    let key = |text: &str| text.to_owned();
    expect(
        2,
        move |ssc| Ok(words(ssc, &input).map_values(|v| v * 10)),
        &numbered(vec![pairs_of(&["a", "a", "b"], 10), pairs_of(&["c"], 10)]),
    );
    expect(
        2,
        move |ssc| Ok(words(ssc, &input).flat_map_values(|v| [v, v + 1])),
        &[
            (1, vec![(key("a"), 1), (key("a"), 1), (key("a"), 2), (key("a"), 2), (key("b"), 1), (key("b"), 2)]),
            (2, vec![(key("c"), 1), (key("c"), 2)]),
        ],
    );
    let groups = [(1, vec![(key("a"), vec![1, 1]), (key("b"), vec![1])]), (2, vec![(key("c"), vec![1])])];
    expect(2, move |ssc| Ok(words(ssc, &input).group_by_key()), &groups);
    expect(2, move |ssc| Ok(words(ssc, &input).group_by_key_in(3)), &groups);
    expect(
        2,
        move |ssc| Ok(words(ssc, &input).combine_by_key(2, |v| vec![v], Vec::push, |all, more| all.extend(more))),
        &groups,
    );
    expect(
        2,
        move |ssc| Ok(words(ssc, &input).reduce_by_key_in(4, |a, b| a + b)),
        &numbered(vec![counts("a2 b1"), counts("c1")]),
    );
}

fn pairs_of(keys: &[&str], value: u32) -> Vec<(String, u32)> {
    keys.iter().map(|key| ((*key).to_owned(), value)).collect()
}

/// Without it records without a partner would get lost on one side, or pair twice.
#[test]
fn outer_joins_of_streams() {
    let two = |ssc: &StreamingContext| (words(ssc, &[Some("a b")]), words(ssc, &[Some("a a c")]));
    let key = |text: &str| text.to_owned();
    let right = [(1, vec![(key("a"), (Some(1), 1)), (key("a"), (Some(1), 1)), (key("c"), (None, 1))])];
    expect(1, move |ssc| two(ssc).0.right_outer_join(&two(ssc).1), &right);
    let full = [(
        1,
        vec![
            (key("a"), (Some(1), Some(1))),
            (key("a"), (Some(1), Some(1))),
            (key("b"), (Some(1), None)),
            (key("c"), (None, Some(1))),
        ],
    )];
    expect(1, move |ssc| two(ssc).0.full_outer_join(&two(ssc).1), &full);
    expect(1, move |ssc| two(ssc).0.full_outer_join_in(&two(ssc).1, 1), &full);
}

/// Without it windows would miss batches, count some twice, or keep what left.
#[test]
fn windows_of_counts_values_and_groups() {
    let batches: [&[u32]; 5] = [&[1, 2], &[2], &[], &[], &[4]];
    let sums = numbered(vec![vec![3], vec![5], vec![2], vec![], vec![4]]);
    expect(5, move |ssc| numbers(ssc, &batches).reduce_by_window(|a, b| a + b, times(2), times(1)), &sums);
    // With an inverse the value of a window that became empty stays, as it does for keys (R13.3).
    let kept = numbered(vec![vec![3], vec![5], vec![2], vec![0], vec![4]]);
    let inverse = move |ssc: &StreamingContext| {
        numbers(ssc, &batches).reduce_by_window_inverse(|a, b| a + b, |all, left| all - left, times(2), times(1))
    };
    expect(5, inverse, &kept);
    let counted = numbered(vec![vec![2], vec![3], vec![1], vec![0], vec![1]]);
    expect(5, move |ssc| numbers(ssc, &batches).count_by_window(times(2), times(1)), &counted);
    let values = numbered(vec![vec![(1, 1), (2, 1)], vec![(1, 1), (2, 2)], vec![(2, 1)], vec![], vec![(4, 1)]]);
    expect(5, move |ssc| numbers(ssc, &batches).count_by_value_and_window(times(2), times(1)), &values);
    let input = [Some("a b"), Some("a"), Some("")];
    let key = |text: &str| text.to_owned();
    let groups = [
        (1, vec![(key("a"), vec![1]), (key("b"), vec![1])]),
        (2, vec![(key("a"), vec![1, 1]), (key("b"), vec![1])]),
        (3, vec![(key("a"), vec![1])]),
    ];
    expect(3, move |ssc| words(ssc, &input).group_by_key_and_window(times(2), times(1)), &groups);
    let sums = numbered(vec![counts("a1 b1"), counts("a2 b1"), counts("a1")]);
    expect(3, move |ssc| words(ssc, &input).reduce_by_key_and_window_in(3, |a, b| a + b, times(2), times(1)), &sums);
    let filtered = move |ssc: &StreamingContext| {
        let keep: faultline_engine::streaming::Keep<String, u32> = Arc::new(|(_, count)| *count > 0);
        let stream = words(ssc, &input);
        stream.reduce_by_key_and_window_inverse_in(
            3,
            |a, b| a + b,
            |all, left| all - left,
            Some(keep),
            times(2),
            times(1),
        )
    };
    expect(3, filtered, &sums);
}

/// R14.1 to R14.3. Without it the general forms would lose state, or look for it in the wrong partition.
#[test]
fn update_state_by_key_with_partitioner_and_by_partition() {
    let input = [Some("a b"), None, Some("a c"), Some("")];
    let sum = |_: &String, new: Vec<u32>, old: Option<u32>| Some(old.unwrap_or(0) + new.iter().sum::<u32>());
    let sums = numbered(["a6 b1", "a6 b1", "a7 b1 c1", "a7 b1 c1"].map(counts).to_vec());
    let from = move |ssc: &StreamingContext| {
        let initial = ssc.spark_context().parallelize(counts("a5"), 1);
        Ok(words(ssc, &input).update_state_by_key_in(3, Some(&initial), sum))
    };
    expect(4, from, &sums);
    for remember in [RememberPartitioner::Yes, RememberPartitioner::No] {
        let by_partition = move |ssc: &StreamingContext| {
            let initial = ssc.spark_context().parallelize(counts("a5"), 1);
            let update = move |updates: faultline_engine::streaming::KeyUpdates<String, u32, u32>| {
                updates.map(|(key, new, old)| (key, old.unwrap_or(0) + new.iter().sum::<u32>())).collect::<Vec<_>>()
            };
            Ok(words(ssc, &input).update_state_by_partition(3, remember, Some(&initial), update))
        };
        expect(4, by_partition, &sums);
    }
    // A function that changes keys, and so may not promise to leave them where they are.
    let renamed = move |ssc: &StreamingContext| {
        let update = |updates: faultline_engine::streaming::KeyUpdates<String, u32, u32>| {
            updates.map(|(key, new, old)| (format!("{key}'"), old.unwrap_or(0) + new.len() as u32)).collect::<Vec<_>>()
        };
        Ok(words(ssc, &[Some("a"), Some("a'")]).update_state_by_partition(2, RememberPartitioner::No, None, update))
    };
    expect(2, renamed, &[(1, vec![("a'".to_owned(), 1)]), (2, vec![("a''".to_owned(), 2)])]);
}

/// R11.9. Without it a missing RDD would be taken for an empty one, where Spark fails.
#[test]
fn d21_transformations_without_a_result_and_of_many_parents() {
    type Build = fn(&StreamingContext, &DStream<u32>, &DStream<u32>) -> Result<DStream<u32>>;
    let cases: [(Build, &str); 5] = [
        (
            |ssc, a, b| ssc.union(&[a.clone(), a.clone(), b.clone()]),
            "Could not generate RDD from a parent for unifying at time",
        ),
        (
            |ssc, a, b| ssc.transform(&[a.clone(), b.clone()], |rdds, _| Ok(Some(rdds[0].clone()))),
            "Couldn't generate RDD from parent at time",
        ),
        (
            |_, a, _| Ok(a.try_transform(|_, _| Ok(None))),
            "Transform function must not return null. Return SparkContext.emptyRDD() instead to represent no element as the result of transformation.",
        ),
        (|_, a, _| a.try_transform_with(a, |_, _, _| Ok(None)), "Transform function must not return null."),
        (
            |_, a, _| {
                Ok(a.try_transform::<u32>(|_, _| {
                    Err(EngineError::IllegalState("deliberate: the table is gone".into()))
                }))
            },
            "deliberate: the table is gone",
        ),
    ];
    for (build, text) in cases {
        for &loop_ in Loop::ALL {
            let (result, _) = run(loop_, settings(3, &[]), move |sc| {
                let ssc = StreamingContext::new(sc, INTERVAL);
                let gaps = ssc.prepared_stream(vec![Some(vec![1u32]), None, Some(vec![2])], 2);
                build(&ssc, &numbers(&ssc, &[&[1], &[2], &[3]]), &gaps)?.for_each_rdd(|rdd, _| rdd.count().map(|_| ()));
                ssc.start()?;
                Ok(ssc.await_termination().expect_err("a batch has no RDD").to_string())
            });
            assert!(result.as_ref().is_ok_and(|error| error.contains(text)), "{loop_:?} {text}: {result:?}");
        }
    }
}

/// R11.12. Without it a function would see other RDDs than those of its batch, or not its time.
#[test]
fn transformations_of_many_streams_get_their_rdds_and_the_time() {
    let united = move |ssc: &StreamingContext| {
        ssc.union(&[numbers(ssc, &[&[1]]), numbers(ssc, &[&[2]]), numbers(ssc, &[&[3, 3]])])
    };
    expect(1, united, &[(1, vec![1, 2, 3, 3])]);
    for &loop_ in Loop::ALL {
        let (result, _) = stream_with(loop_, settings(2, &[]), |ssc| {
            let times: Arc<Mutex<Vec<Timestamp>>> = Arc::default();
            let inside = Arc::clone(&times);
            let streams = [numbers(ssc, &[&[1], &[2]]), numbers(ssc, &[&[10], &[20]])];
            let joined = ssc.transform(&streams, move |rdds: &[Rdd<u32>], time| {
                inside.lock().unwrap_or_else(PoisonError::into_inner).push(time);
                Ok(Some(rdds[1].union(&rdds[0])))
            })?;
            let batch_times: Arc<Mutex<Vec<Timestamp>>> = Arc::default();
            let seen = Arc::clone(&batch_times);
            let outputs = collect(&joined);
            joined.for_each_rdd(move |_, tick| {
                seen.lock().unwrap_or_else(PoisonError::into_inner).push(tick.time);
                Ok(())
            });
            Ok(Box::new(move || (taken(&outputs), taken(&times), taken(&batch_times))))
        });
        let (outputs, times, batch_times) = result.expect("the stream ends well");
        assert_eq!(outputs, [(1, vec![1, 10]), (2, vec![2, 20])], "{loop_:?}");
        assert_eq!(times, batch_times, "{loop_:?}");
    }
}

/// R11.10. Without it streams that have no batch in common would be combined.
#[test]
fn streams_that_do_not_fit_are_refused() {
    let (result, _) = run(Loop::Sim, settings(0, &[]), |sc| {
        let (ssc, other) = (StreamingContext::new(sc, INTERVAL), StreamingContext::new(sc, INTERVAL));
        let (here, there) = (numbers(&ssc, &[]), numbers(&other, &[]));
        let slow = here.window(times(2), times(2))?;
        let last = |rdds: &[Rdd<u32>], _: Timestamp| Ok(rdds.last().cloned());
        Ok([
            refused(ssc.union::<u32>(&[])),
            refused(ssc.transform::<u32, u32>(&[], last)),
            refused(ssc.union(&[here.clone(), there.clone()])),
            refused(ssc.transform(&[here.clone(), there], last)),
            refused(ssc.transform(&[here.clone(), slow.clone()], last)),
            refused(here.try_transform_with(&slow, |rdd, _, _| Ok(Some(rdd.clone())))),
            refused(here.repartition(0)),
        ])
    });
    let expected = [
        "requirement failed: List of DStreams to union is empty",
        "requirement failed: List of DStreams to transform is empty",
        "requirement failed: Some of the DStreams have different contexts",
        "requirement failed: Some of the DStreams have different contexts",
        "requirement failed: Some of the DStreams have different slide durations",
        "requirement failed: Some of the DStreams have different slide durations",
        "requirement failed: Number of partitions (0) must be positive.",
    ];
    assert_eq!(result.expect("the program ends well"), expected);
}

const AFTER_START: &str =
    "Adding new inputs, transformations, and output operations after starting a context is not supported";

/// R11.2, R12.1, R12.5. Without it a running template would change under the generator.
#[test]
fn a_started_context_refuses_to_be_changed() {
    for &loop_ in Loop::ALL {
        let (result, log) = run(loop_, settings(2, &[]), |sc| {
            let ssc = StreamingContext::new(sc, INTERVAL);
            let stream = numbers(&ssc, &[&[1], &[2]]);
            stream.for_each_rdd(|rdd, _| rdd.count().map(|_| ()));
            ssc.start()?;
            ssc.start()?;
            let thrown = [
                thrown(|| numbers(&ssc, &[])),
                thrown(|| stream.map(|v| v + 1)),
                thrown(|| stream.for_each_rdd(|_, _| Ok(()))),
                thrown(|| stream.union(&stream)),
                thrown(|| stream.count_by_value()),
            ];
            let level = refused(stream.persist(StorageLevel::MEMORY_ONLY));
            let interval = refused(stream.checkpoint(times(2)));
            ssc.await_termination()?;
            Ok((thrown, level, interval))
        });
        let (thrown, level, interval) = result.expect("the stream itself goes on");
        assert_eq!(thrown, [AFTER_START; 5], "{loop_:?}");
        assert_eq!(level, "Cannot change storage level of a DStream after streaming context has started", "{loop_:?}");
        assert_eq!(
            interval, "Cannot change checkpoint interval of a DStream after streaming context has started",
            "{loop_:?}"
        );
        let warned = |e: &&Envelope| matches!(&e.event, Event::FindingReported { finding } if finding.message == "StreamingContext has already been started");
        assert_eq!(log.iter().filter(warned).count(), 1, "{loop_:?}: the second start is a warning");
        let completed = log.iter().filter(|e| matches!(e.event, Event::BatchCompleted { failure: None, .. })).count();
        assert_eq!(completed, 2, "{loop_:?}");
    }
}

/// R11.2. Without it a program that does not look would go on with a stream that is not there; and a
/// function of the template that asks for a new stream would wait for itself for ever.
#[test]
fn a_refusal_that_nobody_catches_ends_the_program_or_the_generation() {
    for &loop_ in Loop::ALL {
        let (result, _) = run(loop_, settings(1, &[]), |sc| {
            let ssc = StreamingContext::new(sc, INTERVAL);
            let stream = numbers(&ssc, &[&[1]]);
            stream.for_each_rdd(|_, _| Ok(()));
            ssc.start()?;
            stream.map(|v| v).print(1);
            Ok(())
        });
        assert_eq!(result, Err(EngineError::IllegalState(AFTER_START.to_owned())), "{loop_:?}: from the program");
        let (result, _) = run(loop_, settings(1, &[]), |sc| {
            let ssc = StreamingContext::new(sc, INTERVAL);
            let stream = numbers(&ssc, &[&[1]]);
            let inside = stream.clone();
            let nested = stream.transform(move |rdd| {
                inside.map(|v| v);
                rdd.clone()
            });
            nested.for_each_rdd(|_, _| Ok(()));
            ssc.start()?;
            Ok(refused(ssc.await_termination()))
        });
        assert_eq!(result.as_deref(), Ok(AFTER_START), "{loop_:?}: from the generation of a batch");
    }
}

/// R11.3. Without it a context that could not start would be half alive.
#[test]
fn a_context_that_failed_to_start_is_stopped() {
    for &loop_ in Loop::ALL {
        let (result, log) = run(loop_, settings(1, &[]), |sc| {
            let ssc = StreamingContext::new(sc, INTERVAL);
            let stream = numbers(&ssc, &[&[1]]);
            Ok([refused(ssc.start()), refused(ssc.start()), thrown(|| stream.map(|v| v)), thrown(|| stream.print(1))])
        });
        let stopped =
            "Adding new inputs, transformations, and output operations after stopping a context is not supported";
        let expected = [
            "requirement failed: No output operations registered, so nothing to execute",
            "StreamingContext has already been stopped",
            stopped,
            stopped,
        ];
        assert_eq!(result.expect("the program ends well"), expected, "{loop_:?}");
        assert!(!log.iter().any(|e| matches!(e.event, Event::StreamingStarted { .. })), "{loop_:?}");
    }
}

/// R12.4. Without it an interval that fits no batch would be accepted, or refused in other words.
#[test]
fn checkpoint_intervals_that_do_not_fit_are_refused() {
    let refuse = |directory: bool, build: fn(&StreamingContext) -> Result<()>| {
        let (result, _) = run(Loop::Sim, settings(0, &[]), move |sc| {
            let ssc = StreamingContext::new(sc, Millis(500));
            if directory {
                ssc.checkpoint("checkpoints");
            }
            build(&ssc)?;
            Ok(refused(ssc.start()))
        });
        result.expect("the program ends well")
    };
    assert_eq!(
        refuse(true, |ssc| {
            numbers(ssc, &[]).map(|v| v).checkpoint(Millis(700))?.for_each_rdd(|_, _| Ok(()));
            Ok(())
        }),
        "requirement failed: The checkpoint interval for MappedDStream has been set to  700 ms which not a multiple of its slide time (500 ms). Please set it to a multiple of 500 ms."
    );
    assert_eq!(
        refuse(true, |ssc| {
            numbers(ssc, &[]).map(|v| v).checkpoint(Millis(100))?.for_each_rdd(|_, _| Ok(()));
            Ok(())
        }),
        "requirement failed: The checkpoint interval for MappedDStream has been set to 100 ms which is lower than its slide time (500 ms). Please set it to at least 500 ms."
    );
    assert_eq!(
        refuse(true, |ssc| {
            let window = numbers(ssc, &[]).window(Millis(1000), Millis(500))?;
            window.checkpoint(Millis(1000))?.for_each_rdd(|_, _| Ok(()));
            Ok(())
        }),
        "requirement failed: WindowedDStream has been marked for checkpointing but the storage level has not been set to enable persisting. Please use DStream.persist() to set the storage level to use memory for better checkpointing performance."
    );
    let no_directory = "requirement failed: The checkpoint directory has not been set. Please set it by StreamingContext.checkpoint().";
    let with_state: [fn(&StreamingContext) -> Result<()>; 4] = [
        |ssc| {
            let one = |_: &String, _: Option<u32>, _: &mut State<'_, u32>| Ok(1u32);
            words(ssc, &[]).map_with_state(StateSpec::function(one)).for_each_rdd(|_, _| Ok(()));
            Ok(())
        },
        |ssc| {
            numbers(ssc, &[]).count_by_window(Millis(1000), Millis(500))?.for_each_rdd(|_, _| Ok(()));
            Ok(())
        },
        |ssc| {
            numbers(ssc, &[]).count_by_value_and_window(Millis(1000), Millis(500))?.for_each_rdd(|_, _| Ok(()));
            Ok(())
        },
        |ssc| {
            numbers(ssc, &[]).checkpoint(Millis(500))?.for_each_rdd(|_, _| Ok(()));
            Ok(())
        },
    ];
    for build in with_state {
        assert_eq!(refuse(false, build), no_directory);
    }
}

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
