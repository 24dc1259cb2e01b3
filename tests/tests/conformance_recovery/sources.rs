//! What inputs give after a driver was lost: the same ranges, at the same rate.

use super::lab::*;
use faultline_engine::config::EngineConfig;
use faultline_engine::event::InputPlan;
use faultline_engine::event::{Event, StorageLevel};
use faultline_engine::ids::*;
use faultline_engine::rdd::{Line, ReplayText, SparkContext};
use faultline_engine::receiver::{Arrival, Arrived, Delivery, ScriptedSource};
use faultline_engine::recovery::read_newest;
use faultline_engine::sim::Environment;
use faultline_engine::streaming::StreamingContext;
use std::collections::BTreeMap;

/// S10. Without it a batch that runs again would read another range of a log that can be read at any place, and a sum
/// over it would be wrong.
#[test]
fn s10_recovered_ranges_are_those_of_before() {
    let given = Given::default();
    let create = |given: &Given<(u64, u64)>| {
        let given = given.clone();
        move |sc: &SparkContext| {
            let lines: Vec<String> = (1..=20).map(|n: u64| n.to_string()).collect();
            let ssc = StreamingContext::new(sc, INTERVAL);
            let numbers = ssc.text_replay_stream(ReplayText::from_text("log", &lines.join("\n")), 2);
            let numbers = numbers.map(|line: Line| (0u64, line.parse::<u64>().unwrap_or(0)));
            let sums = numbers.update_state_by_key(|_, new: Vec<u64>, old: Option<u64>| {
                Some(old.unwrap_or(0) + new.iter().sum::<u64>())
            });
            gather(&sums.checkpoint(Millis(2000))?, &given);
            Ok(ssc)
        }
    };
    let environment = memory();
    let ranges = |environment: &Environment| -> BTreeMap<BatchId, Vec<InputPlan>> {
        let read = read_newest(&*environment.store, DIR).expect("a file can be read").expect("there is one");
        let plans = read.checkpoint.batches.into_iter();
        plans.map(|(batch, plan)| (batch, plan.inputs.into_values().collect())).collect()
    };
    drop(run_until(settings(10, Millis(0)), &environment, create(&given), completed(5)));
    let before = ranges(&environment);
    assert_eq!(by_batch(&given)[&5], [(0, 55)]);
    // The batch of the checkpoint runs again; what ran before it is not forgotten yet.
    drop(run_until(settings(10, Millis(5500)), &environment, create(&given), completed(5)));
    let after = ranges(&environment);
    let shared = before.iter().filter_map(|(batch, plans)| Some((plans, after.get(batch)?)));
    assert!(shared.clone().count() > 0 && shared.clone().all(|(one, other)| one == other), "{before:?} {after:?}");
    run(settings(10, Millis(8000)), &environment, create(&given)).result.expect("it goes on");
    assert_eq!(by_batch(&given)[&10], [(0, 210)]);
}

/// Records per second of a receiver.
const FLOOD: u64 = 100_000;

/// V23. Without it a receiver would come back without the limit that its batches need, and bury them.
#[test]
fn v23_the_rate_is_that_of_before() {
    let environment = memory();
    let config = |batches, start: u64| EngineConfig {
        backpressure: true,
        block_interval: Millis(100),
        ..settings(batches, Millis(start))
    };
    let create = |sc: &SparkContext| {
        // More than its batches can do.
        let source = ScriptedSource::new(Delivery::Once, |n| {
            (n < 1000).then(|| Arrival { at: Millis(n * 10), what: Arrived::Records(vec![n; FLOOD as usize / 100]) })
        });
        let ssc = StreamingContext::new(sc, INTERVAL);
        let numbers = ssc.scripted_source_stream(&source, StorageLevel::MEMORY_AND_DISK_SER_2);
        gather(&numbers, &Given::default());
        Ok(ssc)
    };
    let rates = |ran: &Ran| {
        ran.all(|e| match e {
            Event::ReceiverRateUpdated { rate, .. } => Some(*rate),
            _ => None,
        })
    };
    let first = run_until(config(20, 0), &environment, create, completed(6));
    let stored = read_newest(&*environment.store, DIR).expect("a file can be read").expect("there is one");
    let last = stored.checkpoint.rates[&StreamId(0)];
    assert!(rates(&first).contains(&last) && last < FLOOD * 9 / 10, "{last} a second is a limit that was set");
    let second = run_until(config(20, 6200), &environment, create, completed(9));
    let of_batch = second.all(|e| match e {
        Event::BatchSubmitted { batch } if batch.records > 0 => Some(batch.records),
        _ => None,
    });
    let first = of_batch.first().copied().unwrap_or(FLOOD);
    assert!(first <= last, "{of_batch:?} records at {last} a second");
}
