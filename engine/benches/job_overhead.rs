//! What a job costs that has nothing to do: the count of two partitions of two records, on threads and
//! in the simulator, against a message that goes around three threads.

mod rounds;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use faultline_engine::config::EngineConfig;
use faultline_engine::event::Envelope;
use faultline_engine::object_store::MemoryObjectStore;
use faultline_engine::rdd::SparkContext;
use faultline_engine::runtime::{self, SystemFiles};
use faultline_engine::sim::{Environment, Outcome, Program, simulate};
use rounds::{contest, entry, scaled};
use std::hint::black_box;
use std::sync::Arc;
use std::thread;

const JOBS: usize = 2_000;
const ROUNDS: usize = 9;

type Run = fn(EngineConfig, &Environment, Program, &mut dyn FnMut(&[Envelope])) -> Outcome;

/// Runs `jobs` jobs one after another; returns the number of events.
fn jobs(run: Run, jobs: usize) -> u64 {
    let config = EngineConfig { executors: 2, cores: 1, previews: false, ..EngineConfig::default() };
    let environment = Environment { files: Arc::new(SystemFiles), store: Arc::new(MemoryObjectStore::new()) };
    let mut events = 0;
    let program = move |sc: &SparkContext| {
        let numbers = sc.parallelize(vec![1u64, 2], 2);
        for _ in 0..jobs {
            black_box(numbers.count()?);
        }
        Ok(())
    };
    let outcome = run(config, &environment, Box::new(program), &mut |sent| events += sent.len() as u64);
    assert_eq!(outcome.result, Ok(()));
    events
}

/// A message from this thread over two others and back, `times` times.
fn round_trips(times: usize) -> u64 {
    let (to_first, first) = unbounded::<u64>();
    let (to_second, second) = bounded(1);
    let (to_us, us) = unbounded();
    let relay = |from: Receiver<u64>, to: Sender<u64>| {
        move || from.iter().map(|x| to.send(x + 1)).take_while(Result::is_ok).count()
    };
    let threads = [thread::spawn(relay(first, to_second)), thread::spawn(relay(second, to_us))];
    let mut x = 0;
    for _ in 0..times {
        x = to_first.send(x).ok().and_then(|()| us.recv().ok()).unwrap_or_default();
    }
    drop(to_first);
    for thread in threads {
        assert!(thread.join().is_ok());
    }
    x
}

fn main() {
    let n = scaled(JOBS, 20);
    contest(
        &format!("{n} jobs of two tasks"),
        ROUNDS,
        vec![
            entry("jobs on threads", || jobs(runtime::run, n)),
            entry("jobs in the simulator", || jobs(simulate, n)),
            entry("round trips over three threads", || round_trips(n)),
        ],
    );
}
