//! Streams: Spark's window, state and lifecycle suites.

use faultline_engine::config::EngineConfig;
use faultline_engine::error::Result;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use faultline_engine::rdd::SparkContext;
use faultline_engine::storage::Data;
use faultline_engine::streaming::{DStream, StreamingContext};
use faultline_tests::lab::INTERVAL;
use faultline_tests::quiet::silence_deliberate_panics;
use faultline_tests::{Loop, run, settings};
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

/// Without it a window that fits no batch boundary would be accepted.
#[test]
fn d06_windows_must_be_multiples_of_the_parents_slide() {
    let (result, _) = run(Loop::Sim, settings(0, &[]), |sc| {
        let ssc = StreamingContext::new(sc, Millis(500));
        let stream = digits(&ssc);
        let text = |r: Result<DStream<u32>>| r.map(|_| ()).expect_err("refused").to_string();
        Ok((text(stream.window(Millis(700), Millis(500))), text(stream.window(Millis(1000), Millis(700)))))
    });
    let (window, slide) = result.unwrap();
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
