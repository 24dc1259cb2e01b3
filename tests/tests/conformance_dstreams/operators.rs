//! What operators of streams give.

use super::numbers;
use crate::dstreams_lab::*;
use faultline_engine::error::Result;
use faultline_engine::ids::*;
use faultline_engine::rdd::Rdd;
use faultline_engine::streaming::{DStream, RememberPartitioner, StreamingContext};
use faultline_tests::lab::INTERVAL;
use faultline_tests::{Loop, log, settings};
use std::sync::{Arc, Mutex, PoisonError};

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

/// Without it every value would cross the shuffle, where Spark combines the values of a key before.
#[test]
fn groups_of_streams_are_combined_on_the_map_side() {
    let grouped: [fn(&DStream<(String, u32)>) -> Result<DStream<(String, Vec<u32>)>>; 2] =
        [|s| Ok(s.group_by_key()), |s| s.group_by_key_and_window(times(1), times(1))];
    for build in grouped {
        let (result, log) = stream_with(Loop::Sim, settings(1, &[]), move |ssc| {
            let outputs = collect(&build(&words(ssc, &[Some("a a a a a a b b")]))?);
            Ok(Box::new(move || taken(&outputs)))
        });
        let groups = vec![("a".to_owned(), vec![1; 6]), ("b".to_owned(), vec![1; 2])];
        assert_eq!(result.expect("the stream ends well"), [(1, groups)]);
        let written: u64 = log::task_ends(&log).map(|(_, _, metrics)| metrics.shuffle_write.records).sum();
        assert_eq!(written, 3, "one record per key and map partition");
    }
}

/// R14.2. Without it initial state would be updated before there is anything to update it with.
#[test]
fn initial_state_waits_for_the_first_batch() {
    let input = [None, Some("a b"), None];
    let sum = |_: &String, new: Vec<u32>, old: Option<u32>| Some(old.unwrap_or(0) + new.iter().sum::<u32>() + 100);
    let from = move |ssc: &StreamingContext| {
        let initial = ssc.spark_context().parallelize(counts("a5"), 1);
        Ok(words(ssc, &input).update_state_by_key_from(&initial, sum))
    };
    let state = |a, b| vec![("a".to_owned(), a), ("b".to_owned(), b)];
    expect(3, from, &[(2, state(106, 101)), (3, state(206, 201))]);
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
    for remember in [RememberPartitioner::Yes, RememberPartitioner::No] {
        let timed = move |ssc: &StreamingContext| {
            let initial = ssc.spark_context().parallelize(counts("a5"), 1);
            // Every key counts the batches whose time it was given.
            let update = |time: Timestamp, _: &String, _: Vec<u32>, old: Option<u32>| {
                Some(old.unwrap_or(0) + u32::from(time.as_millis().is_multiple_of(INTERVAL.0)))
            };
            Ok(words(ssc, &input).update_state_by_key_with_time(3, remember, Some(&initial), update))
        };
        let ticks = ["a6 b1", "a7 b2", "a8 b3 c1", "a9 b4 c2"];
        expect(4, timed, &numbered(ticks.map(counts).to_vec()));
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
