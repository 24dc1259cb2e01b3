//! What streams and contexts refuse, in Spark's words.

use super::{numbers, refused, thrown};
use crate::dstreams_lab::*;
use faultline_engine::error::{EngineError, Result};
use faultline_engine::event::*;
use faultline_engine::ids::*;
use faultline_engine::rdd::Rdd;
use faultline_engine::streaming::{DStream, State, StateSpec, StreamingContext};
use faultline_tests::lab::INTERVAL;
use faultline_tests::{Loop, run, settings};

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
