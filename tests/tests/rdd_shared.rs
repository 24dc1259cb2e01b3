//! What tasks and program share: accumulators, broadcast variables; and what only the program may do.

use faultline_engine::config::EngineConfig;
use faultline_engine::event::*;
use faultline_engine::rdd::{Accumulate, Rdd, SparkContext};
use faultline_tests::quiet::silence_deliberate_panics;
use faultline_tests::{Loop, in_batches, log, run, settings};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

fn numbers(sc: &SparkContext, count: u32, partitions: u32) -> Rdd<u32> {
    sc.parallelize((0..count).collect(), partitions)
}

/// Without it what tasks add would be lost, or be seen before the job has ended.
#[test]
fn accumulators_of_every_kind() {
    for &loop_ in Loop::ALL {
        let (result, log) = run(loop_, settings(0, &[]), |sc| {
            let (sum, mean) = (sc.long_accumulator("sum"), sc.double_accumulator("halves"));
            let (all, quiet) = (sc.named_accumulator("all", Vec::new()), sc.accumulator(0u64));
            let (in_sum, in_mean, in_all, in_quiet) = (sum.clone(), mean.clone(), all.clone(), quiet.clone());
            numbers(sc, 100, 4).foreach(move |v| {
                in_sum.add(i64::from(v));
                in_mean.add(f64::from(v) / 2.0);
                in_all.add(v);
                in_quiet.add(1);
            })?;
            sum.add(1000);
            let mut seen = all.value();
            seen.sort();
            Ok((sum.value(), mean.value(), seen, quiet.value()))
        });
        assert_eq!(result, Ok((5950, 2475.0, (0..100).collect(), 100)), "{loop_:?}");
        // The ends of tasks tell named ones, and sums with their values.
        let told: Vec<&AccumulableInfo> = log::task_ends(&log).flat_map(|(_, _, m)| &m.accumulables).collect();
        let names: BTreeSet<&str> = told.iter().map(|info| info.name.as_str()).collect();
        assert_eq!((told.len(), names), (12, BTreeSet::from(["sum", "halves", "all"])), "{loop_:?}");
        let mut sums = told.iter().filter(|info| info.name == "sum");
        let added: i64 = sums.clone().filter_map(|info| info.update.as_ref()?.parse::<i64>().ok()).sum();
        assert_eq!((added, sums.next_back().and_then(|info| info.value.as_deref())), (4950, Some("4950")), "{loop_:?}");
        assert!(told.iter().filter(|info| info.name == "all").all(|info| info.value.is_none()), "{loop_:?}");
    }
}

/// A sum whose first merge runs a job that adds to it.
#[derive(Clone)]
struct Curious {
    sum: u32,
    ask: Arc<Mutex<Option<Job>>>,
}

type Job = Box<dyn FnOnce() + Send>;

impl Accumulate for Curious {
    type Input = u32;
    fn add(&mut self, input: u32) {
        self.sum += input;
    }
    fn merge(&mut self, part: Self) {
        let ask = self.ask.lock().expect("no thread panicked").take();
        ask.into_iter().for_each(|job| job());
        self.sum += part.sum;
    }
}

/// Without it the driver would wait for a merge that waits for the driver.
#[test]
fn a_merge_may_run_a_job() {
    for &loop_ in Loop::ALL {
        let (result, _) = run(loop_, settings(0, &[]), |sc| {
            let ask: Arc<Mutex<Option<Job>>> = Arc::default();
            let sum = sc.accumulator(Curious { sum: 0, ask: Arc::clone(&ask) });
            let inside = sum.clone();
            let adding = numbers(sc, 4, 2).map(move |v| inside.add(v));
            let job = adding.clone();
            *ask.lock().expect("no thread panicked") = Some(Box::new(move || drop(job.count())));
            adding.count()?;
            Ok([sum.value().sum, sum.value().sum])
        });
        assert_eq!(result, Ok([6, 12]), "{loop_:?}: what the merge added counts when it is read next");
    }
}

/// The largest of what is added, by code of the program, which may merge on one thread only.
#[derive(Clone)]
struct Largest {
    value: u32,
    merged_on: ThreadId,
}

impl Accumulate for Largest {
    type Input = u32;
    fn add(&mut self, input: u32) {
        self.value = self.value.max(input);
    }
    fn merge(&mut self, part: Self) {
        assert_eq!(thread::current().id(), self.merged_on, "user code runs where the program does");
        self.add(part.value);
    }
}

/// Without it a program could only sum; what it merges itself would run inside the driver.
#[test]
fn accumulators_of_the_program() {
    for &loop_ in Loop::ALL {
        let (result, _) = run(loop_, settings(0, &[]), |sc| {
            let largest = sc.accumulator(Largest { value: 0, merged_on: thread::current().id() });
            let inside = largest.clone();
            // In a task it has what the task added itself.
            let own = numbers(sc, 100, 4).map_partitions(move |part| {
                part.for_each(|v| inside.add(v));
                [inside.value().value]
            });
            let own = own.collect()?;
            let after = largest.value().value;
            largest.reset();
            Ok((own, after, largest.value().value))
        });
        assert_eq!(result, Ok((vec![24, 49, 74, 99], 99, 0)), "{loop_:?}");
    }
}

/// Without it a failed attempt's additions would count, or those of a result stage count twice (R2.13).
#[test]
fn r2_13_a_failed_attempt_adds_nothing() {
    silence_deliberate_panics();
    for &loop_ in Loop::ALL {
        let failures = Arc::new(AtomicU32::new(0));
        let (result, _) = run(loop_, settings(0, &[]), move |sc| {
            let count = sc.long_accumulator("records");
            let inside = count.clone();
            numbers(sc, 100, 4).foreach(move |v| {
                inside.add(1);
                assert!(v != 99 || failures.fetch_add(1, Ordering::Relaxed) > 1, "deliberate: twice");
            })?;
            Ok(count.value())
        });
        assert_eq!(result, Ok(100), "{loop_:?}");
    }
}

/// Without it a map stage that runs again because its output was lost would count otherwise than Spark's:
/// each success counts, so a lost executor makes it count again.
#[test]
fn r2_13_map_stages_count_every_success() {
    let program = |faults: &'static [&'static str], loop_| {
        let config = EngineConfig { executors: 2, ..settings(3, faults) };
        let (result, log) = run(loop_, config, |sc| {
            let count = sc.long_accumulator("records");
            let inside = count.clone();
            let summed = numbers(sc, 100, 4).map(move |v| {
                inside.add(1);
                (v % 5, v)
            });
            let summed = summed.reduce_by_key(|a, b| a + b);
            in_batches(sc, move |_| {
                assert_eq!(summed.count()?, 5);
                Ok(())
            })?;
            Ok(count.value())
        });
        let map_tasks =
            log::task_ends(&log).filter(|(task, end, _)| task.kind == TaskKind::ShuffleMapTask && end.is_success());
        (result.expect("nothing is lost for good"), map_tasks.count())
    };
    for &loop_ in Loop::ALL {
        assert_eq!(program(&[], loop_), (100, 4), "{loop_:?}");
        let (records, tasks) = program(&["kill:executor=1@batch=2"], loop_);
        assert!(tasks > 4, "{loop_:?}: outputs were lost");
        assert_eq!(records, 25 * tasks as i64, "{loop_:?}");
    }
}

/// Without it a task would compute with an old or a half-dead value.
#[test]
fn broadcasts_are_read_until_destroyed() {
    silence_deliberate_panics();
    for &loop_ in Loop::ALL {
        let (result, _) = run(loop_, settings(0, &[]), |sc| {
            let (names, other) = (sc.broadcast(vec!["zero", "one", "two"]), sc.broadcast(7u8));
            assert_eq!((names.id().0, other.id().0, *other.value()), (0, 1, 7));
            let inside = names.clone();
            let named = numbers(sc, 3, 2).map(move |v| inside.value()[v as usize].to_owned());
            let before = named.collect()?;
            names.destroy();
            names.destroy();
            Ok((before, named.count().expect_err("it is destroyed").to_string()))
        });
        let (before, error) = result.expect("the program goes on");
        assert_eq!(before, ["zero", "one", "two"], "{loop_:?}");
        let text = "Attempted to use Broadcast(0) after it was destroyed (destroy at rdd_shared.rs:";
        assert!(error.contains(text), "{loop_:?}: {error}");
    }
}

/// Without it a task that uses an RDD would wait for its own slot for ever (R1.10).
#[test]
fn r1_10_tasks_use_no_rdds() {
    silence_deliberate_panics();
    for &loop_ in Loop::ALL {
        let (result, _) = run(loop_, settings(0, &[]), |sc| {
            let (action, transformation) = (numbers(sc, 4, 2), numbers(sc, 4, 2));
            let inside = sc.clone();
            let uses: Vec<Rdd<u64>> = vec![
                numbers(sc, 4, 2).map(move |_| action.count().expect("deliberate: refused")),
                numbers(sc, 4, 2).map(move |_| u64::from(transformation.map(|v| v).id().0)),
                numbers(sc, 4, 2).map(move |_| inside.broadcast(1).id().0),
            ];
            Ok(uses.iter().map(|rdd| rdd.count().expect_err("it is refused").to_string()).collect::<Vec<_>>())
        });
        for error in result.expect("the program goes on") {
            assert!(error.contains("lacks a SparkContext") && error.contains("SPARK-5063"), "{loop_:?}: {error}");
        }
    }
}
