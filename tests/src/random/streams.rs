//! A streaming program with every kind of stream, and the sequential fold that it must equal.

use super::Pair;
use crate::lab::INTERVAL;
use crate::plans;
use faultline_engine::error::Result;
use faultline_engine::event::StorageLevel;
use faultline_engine::ids::*;
use faultline_engine::rdd::SparkContext;
use faultline_engine::rng::Rng;
use faultline_engine::storage::Data;
use faultline_engine::streaming::{DStream, StreamingContext};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Everything random about a program.
#[derive(Clone, Debug)]
pub struct Shape {
    pub batches: Vec<Option<Vec<Pair>>>,
    pub partitions: u32,
    pub memory: u64,
    /// Levels of map, reduceByKey, updateStateByKey, the windowed sum; NONE where a level is optional.
    levels: [StorageLevel; 4],
    /// Checkpoint intervals in batches of reduceByKey, updateStateByKey, the windowed sum; 0 for none.
    checkpoints: [u64; 3],
    window: u64,
}

impl Shape {
    /// The program of a seed.
    pub fn of(seed: u64) -> Self {
        let mut rng = plans::rng(seed, "input");
        let batches = (0..6)
            .map(|_| {
                let some = rng.below(8) > 0;
                some.then(|| (0..rng.below(40)).map(|_| (rng.below(9) as u32, rng.below(1000))).collect())
            })
            .collect();
        let partitions = 1 + rng.below(6) as u32;
        let window = 1 + rng.below(4);
        let empty =
            Self { batches, partitions, memory: 0, levels: [StorageLevel::NONE; 4], checkpoints: [0; 3], window };
        empty.keep(seed)
    }

    /// The same program with other operators kept.
    pub fn keep(mut self, seed: u64) -> Self {
        let mut rng: Rng = plans::rng(seed, "kept");
        self.memory = [200, 1500, 20_000, 64 << 20][rng.below(4) as usize];
        self.levels = std::array::from_fn(|_| plans::level(&mut rng));
        self.checkpoints = std::array::from_fn(|_| rng.below(4));
        self
    }
}

/// What each output operation gives in each batch, sorted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expected {
    sums: BTreeMap<u32, Vec<Pair>>,
    state: BTreeMap<u32, Vec<Pair>>,
    windows: BTreeMap<u32, Vec<Pair>>,
    /// The same windows from what left and what came, joined with them.
    joined: BTreeMap<u32, Vec<Pair>>,
}

const fn change((key, value): Pair) -> Pair {
    (key, value * 3 + 1)
}

/// Tells its sides apart.
const fn both(left: u64, right: u64) -> u64 {
    left * 1_000_003 + right
}

fn sum(pairs: impl Iterator<Item = Pair>) -> BTreeMap<u32, u64> {
    let mut sums = BTreeMap::new();
    pairs.for_each(|(key, value)| *sums.entry(key).or_default() += value);
    sums
}

impl Expected {
    /// The sequential fold.
    pub fn of(shape: &Shape, batches: u32) -> Self {
        let mut expected = Self::default();
        let mut state: Option<BTreeMap<u32, u64>> = None;
        for n in 1..=batches {
            let input = |n: u32| shape.batches.get(n as usize - 1).cloned().flatten();
            let changed = input(n).map(|pairs| pairs.into_iter().map(change));
            if let Some(pairs) = changed.clone() {
                expected.sums.insert(n, sum(pairs).into_iter().collect());
            }
            if changed.is_some() || state.is_some() {
                let mut next = state.take().unwrap_or_default();
                for (key, value) in changed.into_iter().flatten() {
                    *next.entry(key).or_default() += value;
                }
                expected.state.insert(n, next.clone().into_iter().collect());
                state = Some(next);
            }
            let first = n.saturating_sub(shape.window as u32) + 1;
            let inside = (first..=n).filter_map(input).flatten().map(change);
            let sums = sum(inside);
            expected.joined.insert(n, sums.iter().map(|(&key, &value)| (key, both(value, value))).collect());
            expected.windows.insert(n, sums.into_iter().collect());
        }
        expected
    }
}

type Collected = Arc<Mutex<BTreeMap<u32, Vec<Pair>>>>;

fn collect(stream: &DStream<Pair>) -> Collected {
    let outputs = Collected::default();
    let inside = Arc::clone(&outputs);
    stream.for_each_rdd(move |rdd, tick| {
        let mut values = rdd.collect()?;
        values.sort_unstable();
        inside.lock().expect("no test thread panicked").insert(tick.batch.0, values);
        Ok(())
    });
    outputs
}

/// Keeps a stream as the shape says; a stream that must be kept keeps its default when the level is NONE.
fn keep<T: Data>(stream: &DStream<T>, level: StorageLevel, every: u64) -> Result<()> {
    if every > 0 {
        stream.checkpoint(Millis(INTERVAL.0 * every))?;
    }
    if level.is_valid() {
        stream.persist(level)?;
    }
    Ok(())
}

/// Runs the program; what its outputs gave.
pub fn program(sc: &SparkContext, shape: &Shape) -> Result<Expected> {
    let ssc = StreamingContext::new(sc, INTERVAL);
    ssc.checkpoint("checkpoints");
    let changed = ssc.prepared_stream(shape.batches.clone(), shape.partitions).map(change);
    let sums = changed.reduce_by_key(|a, b| a + b);
    let state = changed.update_state_by_key(|_, new: Vec<u64>, old: Option<u64>| {
        Some(old.unwrap_or(0) + new.into_iter().sum::<u64>())
    });
    let windows = sums.window(Millis(INTERVAL.0 * shape.window), INTERVAL)?.reduce_by_key(|a, b| a + b);
    let reducing = changed.reduce_by_key_and_window_filtered(
        |a, b| a + b,
        |window, left| window - left,
        |(_, sum)| *sum > 0,
        Millis(INTERVAL.0 * shape.window),
        INTERVAL,
    )?;
    let joined = windows.join(&reducing)?.map(|(key, (left, right))| (key, both(left, right)));
    keep(&changed, shape.levels[0], 0)?;
    keep(&sums, shape.levels[1], shape.checkpoints[0])?;
    keep(&state, shape.levels[2], shape.checkpoints[1])?;
    keep(&windows, shape.levels[3], shape.checkpoints[2])?;
    keep(&reducing, shape.levels[2], shape.checkpoints[2])?;
    let outputs = [collect(&sums), collect(&state), collect(&windows), collect(&joined)];
    ssc.start()?;
    ssc.await_termination()?;
    let [sums, state, windows, joined] =
        outputs.map(|o| std::mem::take(&mut *o.lock().expect("no test thread panicked")));
    Ok(Expected { sums, state, windows, joined })
}
