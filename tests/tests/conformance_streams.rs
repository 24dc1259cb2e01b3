//! Streams: Spark's window, state and lifecycle suites.

use faultline_engine::config::EngineConfig;
use faultline_engine::error::Result;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use faultline_engine::rdd::{Rdd, SparkContext};
use faultline_engine::storage::Data;
use faultline_engine::streaming::{DStream, StreamingContext};
use faultline_tests::lab::INTERVAL;
use faultline_tests::quiet::silence_deliberate_panics;
use faultline_tests::{Loop, log, run, settings};
use std::sync::{Arc, Mutex};

type Outputs<T> = Arc<Mutex<Vec<(u32, Vec<T>)>>>;

const fn times(n: u64) -> Millis {
    Millis(INTERVAL.0 * n)
}

/// Collects what `stream` gives, batch by batch, sorted.
fn collect<T: Data + Ord>(stream: &DStream<T>) -> Outputs<T> {
    let outputs = Outputs::default();
    let inside = Arc::clone(&outputs);
    stream.for_each_rdd(move |rdd, tick| {
        let mut values = rdd.collect()?;
        values.sort();
        inside.lock().expect("no test thread panicked").push((tick.batch.0, values));
        Ok(())
    });
    outputs
}

/// Runs a stream built by `build` for `batches` batches under both loops; what it gives must be
/// `expected`: batch and records.
fn expect<T: Data + Ord>(
    batches: u32,
    build: impl Fn(&StreamingContext) -> Result<DStream<T>> + Clone + Send + 'static,
    expected: &[(u32, Vec<T>)],
) {
    for &loop_ in Loop::ALL {
        let build = build.clone();
        let (result, _) = run(loop_, settings(batches, &[]), move |sc| {
            let ssc = StreamingContext::new(sc, INTERVAL);
            ssc.checkpoint("checkpoints");
            let outputs = collect(&build(&ssc)?);
            ssc.start()?;
            ssc.await_termination()?;
            let outputs = std::mem::take(&mut *outputs.lock().expect("no test thread panicked"));
            Ok(outputs)
        });
        assert_eq!(result.expect("the stream ends well"), expected, "{loop_:?}");
    }
}

fn digits(ssc: &StreamingContext) -> DStream<u32> {
    ssc.prepared_stream((0..6u32).map(|n| Some(vec![n])).collect(), 2)
}

fn words(ssc: &StreamingContext, batches: &[Option<&str>]) -> DStream<(String, u32)> {
    let split = |text: &str| text.split_whitespace().map(|w| (w.to_owned(), 1)).collect();
    ssc.prepared_stream(batches.iter().map(|b| b.map(split)).collect(), 2)
}

/// `a2 b1` as records.
fn counts(text: &str) -> Vec<(String, u32)> {
    text.split_whitespace().map(|w| (w[..1].to_owned(), w[1..].parse().expect("a count after the key"))).collect()
}

fn numbered<T>(outputs: Vec<T>) -> Vec<(u32, T)> {
    outputs.into_iter().enumerate().map(|(i, v)| (i as u32 + 1, v)).collect()
}

/// Without it a sliding window would drop or repeat batches.
#[test]
fn d01_basic_window() {
    let expected = vec![vec![0], vec![0, 1], vec![1, 2], vec![2, 3], vec![3, 4], vec![4, 5]];
    expect(6, |ssc| digits(ssc).window(times(2), times(1)), &numbered(expected));
}

/// Without it windows that tumble, overlap more, or leave gaps would cover other batches than Spark's.
#[test]
fn d02_tumbling_larger_and_non_overlapping_windows() {
    let tumbling = [(2, vec![0, 1]), (4, vec![2, 3]), (6, vec![4, 5])];
    expect(6, |ssc| digits(ssc).window(times(2), times(2)), &tumbling);
    let larger = [(2, vec![0, 1]), (4, vec![0, 1, 2, 3]), (6, vec![2, 3, 4, 5]), (8, vec![4, 5])];
    expect(8, |ssc| digits(ssc).window(times(4), times(2)), &larger);
    let gaps = [(3, vec![1, 2]), (6, vec![4, 5])];
    expect(6, |ssc| digits(ssc).window(times(2), times(3)), &gaps);
}

/// Without it keys that left a window would keep their count, come back, or fail the task.
#[test]
fn d03_a_key_leaves_the_window() {
    let input = [Some("a a"), Some("a"), None, Some("")];
    let add = |a: u32, b: u32| a + b;
    let take = |window: u32, left: u32| window - left;
    let kept = ["a2", "a3", "a1", "a0"].map(counts).to_vec();
    let inverse = move |ssc: &StreamingContext| {
        words(ssc, &input).reduce_by_key_and_window_inverse(add, take, times(2), times(1))
    };
    expect(4, inverse, &numbered(kept));
    let dropped = ["a2", "a3", "a1", ""].map(counts).to_vec();
    let filtered = move |ssc: &StreamingContext| {
        let keep = |(_, count): &(String, u32)| *count > 0;
        words(ssc, &input).reduce_by_key_and_window_filtered(add, take, keep, times(2), times(1))
    };
    expect(4, filtered, &numbered(dropped.clone()));
    let whole = move |ssc: &StreamingContext| words(ssc, &input).reduce_by_key_and_window(add, times(2), times(1));
    expect(4, whole, &numbered(dropped));
}

/// Without it windows that slide by more than a batch would miss batches, or count some twice.
#[test]
fn reducing_windows_that_slide_by_several_batches() {
    let input = ["a", "b", "a b", "a", "c", "", "a", "b"];
    let expected = [(2, counts("a1 b1")), (4, counts("a3 b2")), (6, counts("a2 b1 c1")), (8, counts("a1 b1 c1"))];
    let stream = move |ssc: &StreamingContext| words(ssc, &input.map(Some));
    let inverse = move |ssc: &StreamingContext| {
        let keep = |(_, count): &(String, u32)| *count > 0;
        stream(ssc).reduce_by_key_and_window_filtered(|a, b| a + b, |w, left| w - left, keep, times(4), times(2))
    };
    expect(8, inverse, &expected);
    let whole = move |ssc: &StreamingContext| stream(ssc).reduce_by_key_and_window(|a, b| a + b, times(4), times(2));
    expect(8, whole, &expected);
}

/// The RDDs that a program registers, in order: class, operator, batch, classes of the parents.
fn shapes(log: &[Envelope]) -> Vec<(String, String, u32, Vec<String>)> {
    let rdds: Vec<&RddInfo> =
        log.iter().filter_map(|e| if let Event::RddRegistered { rdd } = &e.event { Some(rdd) } else { None }).collect();
    let class = |id: RddId| rdds.iter().find(|r| r.id == id).map_or_else(String::new, |r| r.class.clone());
    let kind = |d: &DependencyInfo| match d.kind {
        DependencyKind::Shuffle { .. } => format!("shuffled {}", class(d.rdd)),
        _ => class(d.rdd),
    };
    rdds.iter()
        .map(|r| {
            let batch = r.op.batch.map_or(0, |b| b.0);
            (r.class.clone(), r.op.operator.as_str().to_owned(), batch, r.parents.iter().map(kind).collect())
        })
        .collect()
}

fn shapes_of(
    batches: u32,
    build: impl Fn(&StreamingContext) -> Result<()> + Send + 'static,
) -> Vec<(String, String, u32, Vec<String>)> {
    let (result, log) = run(Loop::Sim, settings(batches, &[]), move |sc| {
        let ssc = StreamingContext::new(sc, INTERVAL);
        ssc.checkpoint("checkpoints");
        build(&ssc)?;
        ssc.start()?;
        ssc.await_termination()
    });
    result.expect("the stream ends well");
    shapes(&log)
}

/// R13.3. Without it the picture of a reducing window would show other RDDs than Spark makes: the
/// previous window, what left and what came, cogrouped without a shuffle.
#[test]
fn a_reducing_window_cogroups_the_previous_one_what_left_and_what_came() {
    let shapes = shapes_of(4, |ssc| {
        let stream = words(ssc, &["a", "b", "a", "b"].map(Some));
        let windows = stream.reduce_by_key_and_window_filtered(
            |a, b| a + b,
            |w, left| w - left,
            |(_, count)| *count > 0,
            times(2),
            times(1),
        )?;
        windows.for_each_rdd(|rdd, _| rdd.count().map(|_| ()));
        Ok(())
    });
    let window = |batch: u32| -> Vec<(String, Vec<String>)> {
        let of = shapes.iter().filter(|(_, op, b, _)| op == "reduceByKeyAndWindow" && *b == batch);
        of.map(|(class, _, _, parents)| (class.clone(), parents.clone())).collect()
    };
    let rdd =
        |class: &str, parents: &[&str]| (class.to_owned(), parents.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>());
    let tail = [rdd("MapPartitionsRDD", &["CoGroupedRDD"]), rdd("MapPartitionsRDD", &["MapPartitionsRDD"])];
    let first =
        [rdd("ParallelCollectionRDD", &[]), rdd("CoGroupedRDD", &["shuffled ParallelCollectionRDD", "ShuffledRDD"])];
    assert_eq!(window(1), [&first[..], &tail].concat(), "there is no previous window");
    let second = [rdd("CoGroupedRDD", &["MapPartitionsRDD", "ShuffledRDD"])];
    assert_eq!(window(2), [&second[..], &tail].concat(), "nothing has left");
    let later = [rdd("CoGroupedRDD", &["MapPartitionsRDD", "ShuffledRDD", "ShuffledRDD"])];
    assert_eq!(window(3), [&later[..], &tail].concat());
    assert_eq!(window(4), window(3));
}

/// Without it joins would make other RDDs than Spark's, or shuffle a side that is partitioned already.
#[test]
fn joins_of_streams_have_sparks_rdds() {
    let shapes = shapes_of(1, |ssc| {
        let left = words(ssc, &[Some("a b")]).reduce_by_key(|a, b| a + b);
        let right = words(ssc, &[Some("a c")]);
        left.join(&right)?.for_each_rdd(|rdd, _| rdd.count().map(|_| ()));
        Ok(())
    });
    let join: Vec<(&str, Vec<&str>)> = shapes
        .iter()
        .filter(|(_, op, ..)| op == "join")
        .map(|(class, _, _, parents)| (class.as_str(), parents.iter().map(String::as_str).collect()))
        .collect();
    let expected = [
        ("CoGroupedRDD", vec!["ShuffledRDD", "shuffled ParallelCollectionRDD"]),
        ("MapPartitionsRDD", vec!["CoGroupedRDD"]),
        ("MapPartitionsRDD", vec!["MapPartitionsRDD"]),
    ];
    assert_eq!(join, expected);
}

/// Without it keys of two streams would pair wrongly, or those without a partner would get lost.
#[test]
fn joins_cogroups_and_unions_of_streams() {
    let two =
        |ssc: &StreamingContext| (words(ssc, &[Some("a a b"), Some("c")]), words(ssc, &[Some("a d"), Some("c c")]));
    let key = |text: &str| text.to_owned();
    let joined = [(1, vec![(key("a"), (1, 1)), (key("a"), (1, 1))]), (2, vec![(key("c"), (1, 1)), (key("c"), (1, 1))])];
    expect(2, move |ssc| two(ssc).0.join(&two(ssc).1), &joined);
    let left = [
        (1, vec![(key("a"), (1, Some(1))), (key("a"), (1, Some(1))), (key("b"), (1, None))]),
        (2, vec![(key("c"), (1, Some(1))), (key("c"), (1, Some(1)))]),
    ];
    expect(2, move |ssc| two(ssc).0.left_outer_join(&two(ssc).1), &left);
    let groups = [
        (1, vec![(key("a"), (vec![1, 1], vec![1])), (key("b"), (vec![1], vec![])), (key("d"), (vec![], vec![1]))]),
        (2, vec![(key("c"), (vec![1], vec![1, 1]))]),
    ];
    expect(2, move |ssc| two(ssc).0.cogroup(&two(ssc).1), &groups);
    let all = ["a1 a1 a1 b1 d1", "c1 c1 c1"].map(counts).to_vec();
    expect(2, move |ssc| two(ssc).0.union(&two(ssc).1), &numbered(all));
}

/// Without it streams with other batch times would be combined, and some batches would have no partner.
#[test]
fn streams_of_other_contexts_or_slides_are_refused() {
    let (result, _) = run(Loop::Sim, settings(0, &[]), |sc| {
        let (ssc, other) = (StreamingContext::new(sc, INTERVAL), StreamingContext::new(sc, INTERVAL));
        let stream = digits(&ssc);
        let text = |r: Result<DStream<u32>>| r.map(|_| ()).expect_err("refused").to_string();
        let slow = stream.window(times(2), times(2))?;
        Ok((text(stream.union(&digits(&other))), text(stream.transform_with(&slow, |left, _| left.clone()))))
    });
    let (contexts, slides) = result.unwrap();
    assert_eq!(contexts, "requirement failed: Some of the DStreams have different contexts");
    assert_eq!(slides, "requirement failed: Some of the DStreams have different slide durations");
}

/// Without it a batch without an RDD would be taken for an empty one, where Spark fails.
#[test]
fn d21_a_parent_without_an_rdd_fails_the_generation() {
    type Build = fn(&DStream<u32>, &DStream<u32>) -> Result<DStream<u32>>;
    let cases: [(Build, &str); 3] = [
        (|a, b| a.union(b), "Could not generate RDD from a parent for unifying at time"),
        (|a, b| a.transform_with(b, |left, _| left.clone()), "Couldn't generate RDD from parent at time"),
        (|_, b| Ok(b.transform(Clone::clone)), "Couldn't generate RDD from parent at time"),
    ];
    for (build, text) in cases {
        for &loop_ in Loop::ALL {
            let (result, _) = run(loop_, settings(3, &[]), move |sc: &SparkContext| {
                let ssc = StreamingContext::new(sc, INTERVAL);
                let gaps = ssc.prepared_stream(vec![Some(vec![1u32]), None, Some(vec![2])], 2);
                build(&digits(&ssc), &gaps)?.for_each_rdd(|rdd, _| rdd.count().map(|_| ()));
                ssc.start()?;
                Ok(ssc.await_termination().expect_err("batch 2 has no RDD").to_string())
            });
            assert!(result.as_ref().is_ok_and(|error| error.contains(text)), "{loop_:?}: {result:?}");
        }
    }
}

/// Without it the batches that windows read again would be kept nowhere, or twice.
#[test]
fn d05_windows_keep_what_they_read() {
    let (result, _) = run(Loop::Sim, settings(0, &[]), |sc| {
        let ssc = StreamingContext::new(sc, INTERVAL);
        let parent = digits(&ssc);
        let window = parent.window(times(2), times(1))?;
        let default = (parent.info().level, window.info().level);
        window.persist(StorageLevel::MEMORY_AND_DISK)?;
        let chosen = (parent.info().level, window.info().level);
        let reducing =
            words(&ssc, &[]).reduce_by_key_and_window_inverse(|a, b| a + b, |w, left| w - left, times(2), times(1))?;
        let info = reducing.info();
        Ok((default, chosen, (info.level, info.stateful, info.class)))
    });
    let (default, chosen, reducing) = result.unwrap();
    assert_eq!(default, (StorageLevel::MEMORY_ONLY_SER, StorageLevel::NONE));
    assert_eq!(chosen, (StorageLevel::MEMORY_AND_DISK, StorageLevel::NONE));
    assert_eq!(reducing, (StorageLevel::MEMORY_ONLY_SER, true, "ReducedWindowedDStream".to_owned()));
}

/// Without it a window that fits no batch boundary would be accepted.
#[test]
fn d06_windows_must_be_multiples_of_the_parents_slide() {
    let (result, _) = run(Loop::Sim, settings(0, &[]), |sc| {
        let ssc = StreamingContext::new(sc, Millis(500));
        let stream = digits(&ssc);
        let text = |r: Result<DStream<u32>>| r.map(|_| ()).expect_err("refused").to_string();
        let reducing = words(&ssc, &[])
            .reduce_by_key_and_window_inverse(|a, b| a + b, |w, left| w - left, Millis(700), Millis(500))
            .map(|_| ());
        let reducing = reducing.expect_err("refused").to_string();
        let sliding = words(&ssc, &[])
            .reduce_by_key_and_window_inverse(|a, b| a + b, |w, left| w - left, Millis(1000), Millis(700))
            .map(|_| ());
        let reducing = (reducing, sliding.expect_err("refused").to_string());
        Ok((text(stream.window(Millis(700), Millis(500))), text(stream.window(Millis(1000), Millis(700))), reducing))
    });
    let (window, slide, (reducing, sliding)) = result.unwrap();
    assert_eq!(
        sliding,
        "The slide duration of ReducedWindowedDStream (700 ms) must be multiple of the slide duration of parent DStream (500 ms)"
    );
    assert_eq!(
        reducing,
        "The window duration of ReducedWindowedDStream (700 ms) must be multiple of the slide duration of parent DStream (500 ms)"
    );
    assert_eq!(
        window,
        "The window duration of windowed DStream (700 ms) must be a multiple of the slide duration of parent DStream (500 ms)"
    );
    assert_eq!(
        slide,
        "The slide duration of windowed DStream (700 ms) must be a multiple of the slide duration of parent DStream (500 ms)"
    );
}

const STATE_INPUT: [Option<&str>; 6] = [Some("a"), Some("a b"), Some("a b c"), Some("a b"), Some("a"), Some("")];

fn sum(_: &String, new: Vec<u32>, old: Option<u32>) -> Option<u32> {
    Some(old.unwrap_or(0) + new.iter().sum::<u32>())
}

/// Without it state would miss keys without new values, or count a batch twice.
#[test]
fn d07_update_state_by_key() {
    let expected = ["a1", "a2 b1", "a3 b2 c1", "a4 b3 c1", "a5 b3 c1", "a5 b3 c1"].map(counts).to_vec();
    expect(6, |ssc| Ok(words(ssc, &STATE_INPUT).update_state_by_key(sum)), &numbered(expected));
}

/// Without it initial state would be ignored, or be added in every batch.
#[test]
fn d08_update_state_by_key_with_initial_state() {
    let expected = ["a2 c2", "a3 b1 c2", "a4 b2 c3", "a5 b3 c3", "a6 b3 c3", "a6 b3 c3"].map(counts).to_vec();
    let build = |ssc: &StreamingContext| {
        let initial = ssc.spark_context().parallelize(vec![("a".to_owned(), 1u32), ("c".to_owned(), 2)], 2);
        Ok(words(ssc, &STATE_INPUT).update_state_by_key_from(&initial, sum))
    };
    expect(6, build, &numbered(expected));
}

/// Without it removed keys would come back, and batches without an RDD would lose the state.
#[test]
fn d09_keys_end_and_some_batches_have_no_rdd() {
    let input = [Some("a b"), None, Some("a c a"), Some("c"), None, None];
    let expected = ["a1 b1", "a1 b1", "a3 c1", "a3 c2", "c2", ""].map(counts).to_vec();
    let build = move |ssc: &StreamingContext| {
        let state = words(ssc, &input).update_state_by_key(|_, new: Vec<u32>, old: Option<(u32, u32)>| {
            let (count, idle) = old.unwrap_or((0, 0));
            let next = if new.is_empty() { (count, idle + 1) } else { (count + new.len() as u32, 0) };
            (next.1 < 2).then_some(next)
        });
        Ok(state.map(|(key, (count, _))| (key, count)))
    };
    expect(6, build, &numbered(expected));
}

/// Without it state that is asked for every other batch only would skip the batches between.
#[test]
fn state_counts_batches_in_which_nobody_asks_for_it() {
    let expected = [(2, counts("a2 b1")), (4, counts("a4 b3 c1")), (6, counts("a5 b3 c1"))];
    let build = |ssc: &StreamingContext| words(ssc, &STATE_INPUT).update_state_by_key(sum).window(times(1), times(2));
    expect(6, build, &expected);
}

/// Without it default intervals would differ from Spark's, and with them the length of lineages.
#[test]
fn d15_default_checkpoint_intervals() {
    for &loop_ in Loop::ALL {
        for (slide, interval) in [(500, 10_000), (3000, 12_000), (15_000, 15_000)] {
            let (result, _) = run(loop_, settings(0, &[]), move |sc| {
                let ssc = StreamingContext::new(sc, Millis(slide));
                ssc.checkpoint("checkpoints");
                let state = words(&ssc, &[]).update_state_by_key(sum);
                state.for_each_rdd(|_, _| Ok(()));
                ssc.start()?;
                Ok(state.info())
            });
            let info = result.expect("it starts");
            assert_eq!(info.checkpoint_interval, Some(Millis(interval)), "{loop_:?} slide {slide}");
            assert_eq!(info.remember, Some(Millis(2 * interval)), "{loop_:?} slide {slide}");
        }
    }
}

/// Without it a stateful stream without a directory would fail at its first checkpoint.
#[test]
fn d16_a_stateful_stream_without_directory_is_refused_at_start() {
    for &loop_ in Loop::ALL {
        let (result, log) = run(loop_, settings(1, &[]), |sc| {
            let ssc = StreamingContext::new(sc, INTERVAL);
            words(&ssc, &STATE_INPUT).update_state_by_key(sum).for_each_rdd(|_, _| Ok(()));
            let start = ssc.start().expect_err("refused").to_string();
            let wait = ssc.await_termination().map(|()| String::new());
            Ok((start, wait.is_err(), sc.parallelize(vec![1u32], 1).count()?))
        });
        let text = "requirement failed: The checkpoint directory has not been set. Please set it by StreamingContext.checkpoint().";
        assert_eq!(result, Ok((text.to_owned(), true, 1)), "{loop_:?}");
        assert!(!log.iter().any(|e| matches!(e.event, Event::StreamingStarted { .. })), "{loop_:?}");
    }
}

/// Without it the error of a batch would be swallowed, or end the program without saying why.
#[test]
fn d23_await_termination_throws_the_error_of_the_batch() {
    silence_deliberate_panics();
    for &loop_ in Loop::ALL {
        let (result, log) = run(loop_, settings(3, &[]), |sc: &SparkContext| {
            let ssc = StreamingContext::new(sc, INTERVAL);
            let stream = digits(&ssc).map(|v| if v == 1 { panic!("deliberate: one") } else { v });
            stream.for_each_rdd(|rdd, _| rdd.count().map(|_| ()));
            ssc.start()?;
            Ok(ssc.await_termination().expect_err("batch 2 fails").to_string())
        });
        assert!(result.as_ref().is_ok_and(|text| text.contains("deliberate: one")), "{loop_:?}: {result:?}");
        let failed =
            log.iter().any(|e| matches!(&e.event, Event::BatchCompleted { batch: BatchId(2), failure: Some(_), .. }));
        assert!(failed, "{loop_:?}");
        // The same of a function that runs when the jobs of a batch are generated.
        let (result, log) = run(loop_, settings(3, &[]), |sc: &SparkContext| {
            let ssc = StreamingContext::new(sc, INTERVAL);
            let stream = digits(&ssc).transform(|_| -> Rdd<u32> { panic!("deliberate: no jobs") });
            stream.for_each_rdd(|rdd, _| rdd.count().map(|_| ()));
            ssc.start()?;
            Ok(ssc.await_termination().expect_err("no batch can be generated").to_string())
        });
        assert!(result.as_ref().is_ok_and(|text| text.contains("deliberate: no jobs")), "{loop_:?}: {result:?}");
        assert!(log::jobs(&log).is_empty(), "{loop_:?}");
    }
}

/// Without it state would grow its lineage without bound between checkpoints, or never be written.
#[test]
fn d26_chained_states_are_both_cut() {
    for &loop_ in Loop::ALL {
        let config = EngineConfig { partitions: 2, ..settings(6, &[]) };
        let (result, log) = run(loop_, config, |sc| {
            let ssc = StreamingContext::new(sc, INTERVAL);
            ssc.checkpoint("checkpoints");
            let first = words(&ssc, &STATE_INPUT).update_state_by_key(sum).checkpoint(INTERVAL)?;
            let second = first
                .update_state_by_key(|_, new: Vec<u32>, _: Option<u32>| new.into_iter().max())
                .checkpoint(INTERVAL)?;
            let lengths = Arc::new(Mutex::new(Vec::new()));
            let inside = Arc::clone(&lengths);
            second.for_each_rdd(move |rdd, _| {
                rdd.count()?;
                inside.lock().expect("no test thread panicked").push(rdd.lineage_len());
                Ok(())
            });
            ssc.start()?;
            ssc.await_termination()?;
            let lengths = lengths.lock().expect("no test thread panicked").clone();
            Ok(lengths)
        });
        assert_eq!(result, Ok(vec![2; 6]), "{loop_:?}: cut to itself and its reader in every batch");
        let written = log.iter().filter(|e| matches!(e.event, Event::CheckpointCompleted { .. })).count();
        assert_eq!(written, 12, "{loop_:?}");
    }
}
