//! Streams: the job generator, output operations and receivers beside each other.

use super::runs::{ends, run, told};
use super::{Seen, explore};
use faultline_engine::command::{Command, StopMode};
use faultline_engine::config::EngineConfig;
use faultline_engine::event::{Event, StorageLevel};
use faultline_engine::ids::*;
use faultline_engine::receiver::{Receiver, ReceiverContext};
use faultline_engine::streaming::StreamingContext;
use faultline_tests::lab;
use std::sync::{Arc, Mutex};

/// Longer than any schedule lasts.
const NEVER: Millis = Millis(1_000_000_000);

/// A batch would be skipped, be processed twice, or wait for an executor that is gone.
#[test]
fn an_executor_dies_while_batches_run() {
    explore(&["executor lost"], || {
        let first = ExecutorId(1);
        let commands = vec![Command::KillExecutor { executor: first }, Command::RestartExecutor { executor: first }];
        let config = EngineConfig { executors: 2, cores: 1, chunk_len: 2, ..lab::settings(2, &[]) };
        let (result, log) = run(config, commands, |sc| {
            let sums = Arc::new(Mutex::new(Vec::new()));
            let (seen, context) = (Arc::clone(&sums), sc.clone());
            lab::in_batches(sc, move |batch| {
                let pairs = context.parallelize((0..4u64).collect(), 2).map(|x| (x % 2, x));
                let mut sum = pairs.reduce_by_key_in(2, |a, b| a + b).collect()?;
                sum.sort_unstable();
                seen.lock().expect("no thread panicked").push((batch, sum));
                Ok(())
            })?;
            Ok(std::mem::take(&mut *sums.lock().expect("no thread panicked")))
        });
        let sum = || vec![(0, 2), (1, 4)];
        assert_eq!(result, Ok(vec![(1, sum()), (2, sum())]), "{}", told(&log));
        ends(&log).into_iter().collect()
    });
}

/// Gives the numbers from 1 on until it is stopped, and remembers what was taken.
struct Numbers {
    taken: Arc<Mutex<Vec<u64>>>,
    most: u64,
}

impl Receiver<u64> for Numbers {
    fn name(&self) -> String {
        "Numbers".into()
    }

    fn on_start(&self, context: ReceiverContext<u64>) {
        let (taken, most) = (Arc::clone(&self.taken), self.most);
        shuttle::thread::spawn(move || {
            for number in 1..=most {
                if context.store(number).is_err() {
                    return;
                }
                taken.lock().expect("no thread panicked").push(number);
                shuttle::thread::yield_now();
            }
        });
    }
}

fn received(most: u64) -> Seen {
    let config = EngineConfig {
        executors: 2,
        cores: 1,
        max_batches: None,
        graceful_stop_timeout: NEVER,
        receiver_stop_timeout: NEVER,
        block_interval: Millis(5),
        ..lab::settings(1, &[])
    };
    let (result, log) = run(config, Vec::new(), move |sc| {
        let (taken, processed): (Arc<Mutex<Vec<u64>>>, Arc<Mutex<Vec<u64>>>) = Default::default();
        let ssc = StreamingContext::new(sc, lab::INTERVAL);
        let stream = ssc.receiver_stream(Numbers { taken: Arc::clone(&taken), most }, StorageLevel::MEMORY_ONLY_2);
        let seen = Arc::clone(&processed);
        stream.for_each_rdd(move |rdd, _| {
            let records = rdd.collect()?;
            seen.lock().expect("no thread panicked").extend(records);
            Ok(())
        });
        ssc.start()?;
        ssc.await_termination_or_timeout(Millis(60))?;
        ssc.stop(StopMode::Graceful)?;
        let lists =
            (taken.lock().expect("no thread panicked").clone(), processed.lock().expect("no thread panicked").clone());
        Ok(lists)
    });
    let (taken, processed) = result.unwrap_or_else(|error| panic!("{error}\n{}", told(&log)));
    // A schedule in which a batch takes an hour: then the wait for it is over.
    let broken_off = log.iter().any(|e| matches!(e.event, Event::StreamingStopping { mode: StopMode::Immediate }));
    assert!(taken.starts_with(&processed), "what was taken is processed once, in order\n{}", told(&log));
    assert!(broken_off || processed == taken, "{processed:?} of {taken:?} was processed\n{}", told(&log));
    let blocks = log.iter().filter(|e| matches!(e.event, Event::InputBlockUpdated { .. })).count();
    let all = if taken.len() as u64 == most { "everything" } else { "stopped before" };
    let end = if broken_off { "broken off" } else { "graceful" };
    vec![all, end, if blocks > 0 { "blocks" } else { "no blocks" }]
}

/// A record that was taken would be lost at a graceful stop, or be processed twice.
#[test]
fn a_stream_stops_while_its_receiver_takes_records() {
    explore(&["everything", "graceful", "blocks"], || received(6));
}
