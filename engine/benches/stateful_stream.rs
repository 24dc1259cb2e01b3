//! Streams with state: 20 000 words a batch over a million keys, on two executors of one core, against the
//! same words counted in one hash map by hand. What a batch took is what its event says, so that the
//! interval does not count.
//!
//! The workload is that of `spark/Perf.scala`, which `spark/side_by_side.sh` runs beside this.

#[path = "rounds/size.rs"]
mod size;

use faultline_engine::config::EngineConfig;
use faultline_engine::error::Result;
use faultline_engine::event::{ClockKind, Event};
use faultline_engine::ids::Millis;
use faultline_engine::object_store::LocalObjectStore;
use faultline_engine::rdd::{Line, Rdd, SparkContext};
use faultline_engine::rng::Seed;
use faultline_engine::runtime::{self, SystemFiles};
use faultline_engine::sim::Environment;
use faultline_engine::streaming::{DStream, State, StateSpec, StreamingContext};
use rustc_hash::FxHashMap;
use size::scaled;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

const KEYS: usize = 1_000_000;
const WORDS: usize = 20_000;
const BATCHES: u32 = 30;
/// Batches before the first one that counts: the initial state is made and the tables grow.
const WARM: usize = 6;
const PARTITIONS: u32 = 2;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Operator {
    Stateless,
    MapWithState,
    UpdateStateByKey,
}

fn word(key: u64) -> Line {
    Line::from(format!("w{key}"))
}

/// The words of a batch, the same in every run.
fn words(batch: u32, words: usize, keys: usize) -> Vec<Line> {
    let mut rng = Seed(7).fork(&format!("batch {batch}")).rng();
    (0..words).map(|_| word(rng.below(keys as u64))).collect()
}

fn stream(operator: Operator, pairs: &DStream<(Line, u64)>, initial: &Rdd<(Line, u64)>) -> Result<()> {
    let add = |new: Option<u64>, old: u64| new.unwrap_or_default() + old;
    match operator {
        Operator::Stateless => {
            pairs.reduce_by_key_in(PARTITIONS, |a, b| a + b).for_each_rdd(|rdd, _| rdd.count().map(|_| ()));
        }
        Operator::MapWithState => {
            let count = move |_: &Line, value: Option<u64>, state: &mut State<'_, u64>| {
                let now = add(value, state.get_option().copied().unwrap_or_default());
                state.update(now).map(|()| now)
            };
            let spec = StateSpec::function(count).initial_state(initial).num_partitions(PARTITIONS);
            pairs.map_with_state(spec).for_each_rdd(|rdd, _| rdd.count().map(|_| ()));
        }
        Operator::UpdateStateByKey => {
            let count = move |_: &Line, new: Vec<u64>, old: Option<u64>| {
                Some(add(Some(new.iter().sum()), old.unwrap_or_default()))
            };
            let counts = pairs.update_state_by_key_in(PARTITIONS, Some(initial), count);
            counts.for_each_rdd(|rdd, _| rdd.count().map(|_| ()));
        }
    }
    Ok(())
}

/// Milliseconds that the batches took, in their order.
fn batches(operator: Operator, keys: usize, per_batch: usize, count: u32) -> Vec<f64> {
    let directory = tempfile::tempdir().expect("a directory for checkpoints");
    let store = LocalObjectStore::new(directory.path());
    let environment = Environment { files: Arc::new(SystemFiles), store: Arc::new(store) };
    let config = EngineConfig {
        clock: ClockKind::Wall,
        executors: 2,
        cores: 1,
        memory: 4 << 30,
        partitions: PARTITIONS,
        previews: false,
        max_batches: Some(count),
        ..EngineConfig::default()
    };
    let program = move |sc: &SparkContext| {
        let ssc = StreamingContext::new(sc, Millis(500));
        ssc.checkpoint("checkpoint");
        let input = (1..=count).map(|batch| Some(words(batch, per_batch, keys))).collect();
        let initial = sc.parallelize((0..keys as u64).map(|key| (word(key), 1)).collect(), PARTITIONS);
        stream(operator, &ssc.prepared_stream(input, PARTITIONS).map(|word: Line| (word, 1u64)), &initial)?;
        ssc.start()?;
        ssc.await_termination()
    };
    let mut took = Vec::new();
    let outcome = runtime::run(config, &environment, Box::new(program), &mut |events| {
        took.extend(events.iter().filter_map(|envelope| match &envelope.event {
            Event::BatchCompleted { processing_ns, .. } => Some(*processing_ns as f64 / 1e6),
            _ => None,
        }));
    });
    assert_eq!(outcome.result, Ok(()), "{operator:?}");
    took
}

/// Milliseconds for the words of each batch in one map of all keys.
fn by_hand(keys: usize, per_batch: usize, count: u32) -> Vec<f64> {
    let mut state: FxHashMap<Line, u64> = (0..keys as u64).map(|key| (word(key), 1)).collect();
    let one = |batch: u32| {
        let words = words(batch, per_batch, keys);
        let start = Instant::now();
        for word in words {
            *state.entry(word).or_default() += 1;
        }
        black_box(state.len());
        start.elapsed().as_secs_f64() * 1e3
    };
    (1..=count).map(one).collect()
}

fn print(name: &str, mut took: Vec<f64>) {
    took.drain(..WARM.min(took.len().saturating_sub(1)));
    took.sort_by(f64::total_cmp);
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
    println!("  {name:<44} {:>8.1} {:>8.1} {:>8.1} {:>8.1}", at(0.5), at(0.0), at(0.9), at(1.0));
}

fn main() {
    let (keys, per_batch) = (scaled(KEYS, 1_000), scaled(WORDS, 200));
    let count = if keys == KEYS { BATCHES } else { 8 };
    println!("\nmilliseconds a batch, {per_batch} words a batch, {keys} keys");
    println!("  {:<44} {:>8} {:>8} {:>8} {:>8}", "", "median", "min", "90 %", "max");
    for operator in [Operator::Stateless, Operator::MapWithState, Operator::UpdateStateByKey] {
        print(&format!("{operator:?}"), batches(operator, keys, per_batch, count));
    }
    print("one hash map by hand", by_hand(keys, per_batch, count));
}
