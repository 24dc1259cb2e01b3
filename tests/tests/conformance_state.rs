//! `mapWithState`: Spark's `MapWithStateSuite`, and random programs against a sequential fold.

mod dstreams_lab;

use dstreams_lab::*;
use faultline_engine::config::{BatchFailurePolicy, EngineConfig};
use faultline_engine::event::*;
use faultline_engine::ids::*;
use faultline_engine::rng::Rng;
use faultline_engine::streaming::{State, StateError, StateSpec, StreamingContext};
use faultline_tests::plans::{self, Targets};
use faultline_tests::quiet::silence_deliberate_panics;
use faultline_tests::{Loop, run, settings};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

type Result<T> = std::result::Result<T, StateError>;

const SUITE: [Option<&str>; 7] = [Some(""), Some("a"), Some("a b"), Some("a b c"), Some("a b"), Some("a"), Some("")];

/// The sum so far, which is also the new state.
#[expect(clippy::ptr_arg, reason = "the type of the key is that of the stream")]
fn running_sum(key: &String, value: Option<u32>, state: &mut State<'_, i32>) -> Result<(String, i32)> {
    let sum = value.unwrap_or(0) as i32 + state.get_option().copied().unwrap_or(0);
    state.update(sum)?;
    Ok((key.clone(), sum))
}

fn pairs(text: &str) -> Vec<(String, i32)> {
    text.split_whitespace().map(|w| (w[..1].to_owned(), w[1..].parse().expect("a number after the key"))).collect()
}

/// `a b` as records.
fn keys(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// Without it the function would be called for keys without data, or with the state of another batch.
#[test]
fn states_as_mapped_data() {
    let mapped = ["", "a1", "a2 b1", "a3 b2 c1", "a4 b3", "a5", ""].map(pairs).to_vec();
    expect(
        7,
        |ssc| Ok((*words(ssc, &SUITE).map_with_state(StateSpec::function(running_sum))).clone()),
        &numbered(mapped),
    );
    let states = ["", "a1", "a2 b1", "a3 b2 c1", "a4 b3 c1", "a5 b3 c1", "a5 b3 c1"].map(pairs).to_vec();
    expect(
        7,
        |ssc| Ok(words(ssc, &SUITE).map_with_state(StateSpec::function(running_sum)).state_snapshots()),
        &numbered(states),
    );
}

/// Without it removed keys would stay, come back with their old state, or be removed twice.
#[test]
fn d10_map_with_state_removes_keys() {
    const INPUT: [Option<&str>; 8] =
        [Some(""), Some("a"), Some("a b"), Some("a b c"), Some("a b c"), Some("a b"), Some("a"), Some("")];
    let build = |ssc: &StreamingContext| {
        let function = |_: Timestamp, key: &String, value: Option<u32>, state: &mut State<'_, u32>| {
            if state.exists() {
                state.remove()?;
                return Ok(Some(key.clone()));
            }
            state.update(value.unwrap_or(0))?;
            Ok(None)
        };
        words(ssc, &INPUT).map_with_state(StateSpec::function_with_time(function).num_partitions(1))
    };
    let removed = ["", "", "a", "b", "a c", "b", "a", ""].map(keys).to_vec();
    expect(8, move |ssc| Ok((*build(ssc)).clone()), &numbered(removed));
    let left = ["", "a1", "b1", "a1 c1", "b1", "a1", "", ""].map(counts).to_vec();
    expect(8, move |ssc| Ok(build(ssc).state_snapshots()), &numbered(left));
}

/// Without it initial state would be ignored, be added in every batch, or go with its first batch.
#[test]
fn d11_map_with_state_begins_with_initial_states() {
    let build = |ssc: &StreamingContext| {
        let initial = ssc.spark_context().parallelize(pairs("a5 b10 c-20 d0"), 2);
        let function = |_: Timestamp, key: &String, value: Option<u32>, state: &mut State<'_, i32>| {
            running_sum(key, value, state).map(|_| None::<u32>)
        };
        words(ssc, &SUITE).map_with_state(StateSpec::function_with_time(function).initial_state(&initial))
    };
    let states = [
        "a5 b10 c-20 d0",
        "a6 b10 c-20 d0",
        "a7 b11 c-20 d0",
        "a8 b12 c-19 d0",
        "a9 b13 c-19 d0",
        "a10 b13 c-19 d0",
        "a10 b13 c-19 d0",
    ];
    expect(7, move |ssc| Ok(build(ssc).state_snapshots()), &numbered(states.map(pairs).to_vec()));
    expect(7, move |ssc| Ok((*build(ssc)).clone()), &numbered(vec![Vec::new(); 7]));
}

/// Without it the state would be saved in other batches than Spark's, and lineages have other lengths.
#[test]
fn d14_checkpoint_intervals_of_map_with_state() {
    let cases = [
        (100, 1000, None),
        (1000, 10_000, None),
        (10_000, 100_000, None),
        (100, 2000, Some(2000)),
        (1000, 2000, Some(2000)),
        (10_000, 20_000, Some(20_000)),
    ];
    for &loop_ in Loop::ALL {
        for (batch, expected, explicit) in cases {
            let (result, _) = run(loop_, settings(0, &[]), move |sc| {
                let ssc = StreamingContext::new(sc, Millis(batch));
                ssc.checkpoint("checkpoints");
                let stream = words(&ssc, &[]).map_with_state(StateSpec::function(running_sum));
                if let Some(every) = explicit {
                    stream.checkpoint(Millis(every))?;
                }
                stream.for_each_rdd(|_, _| Ok(()));
                ssc.start()?;
                Ok((stream.state_info(), stream.info()))
            });
            let (state, outer) = result.expect("it starts");
            let place = format!("{loop_:?} batch {batch} ms, explicit {explicit:?}");
            assert_eq!(state.checkpoint_interval, Some(Millis(expected)), "{place}");
            assert_eq!(state.remember, Some(Millis(2 * expected)), "{place}");
            assert_eq!((outer.checkpoint_interval, outer.level), (None, StorageLevel::NONE), "{place}");
            // `checkpoint` persists as on every other stream, and so serializes (R12.3).
            let level = explicit.map_or(StorageLevel::MEMORY_ONLY, |_| StorageLevel::MEMORY_ONLY_SER);
            assert_eq!((state.level, state.class.as_str()), (level, "InternalMapWithStateDStream"), "{place}");
        }
    }
}

/// Which keys said goodbye in which batch, and the last snapshot.
type Goodbyes = (Vec<(u32, Vec<String>)>, Vec<(String, u32)>);

fn goodbyes(loop_: Loop, config: EngineConfig) -> Goodbyes {
    let (result, _) = stream_with(loop_, config, |ssc| {
        let mut input = vec![Some("a b c"), Some("a b"), Some("a"), Some(""), Some("")];
        input.extend([Some("a"); 19]);
        let function = |_: Timestamp, key: &String, value: Option<u32>, state: &mut State<'_, u32>| {
            if let Some(one) = value {
                state.update(one)?;
            }
            Ok(state.is_timing_out().then(|| key.clone()))
        };
        let stream = words(ssc, &input).map_with_state(StateSpec::function_with_time(function).timeout(times(3)));
        let (gone, left) = (collect(&stream), collect(&stream.state_snapshots()));
        Ok(Box::new(move || {
            let gone = taken(&gone).into_iter().filter(|(_, keys)| !keys.is_empty()).collect();
            (gone, taken(&left).pop().map(|(_, states)| states).unwrap_or_default())
        }))
    });
    result.expect("the stream ends well")
}

/// R14.6. Without it keys would stay for ever, go while they have data, or go twice; and what is late in
/// Spark would be late here too.
#[test]
fn timeouts_fire_one_batch_late_at_most_or_as_in_spark() {
    for &loop_ in Loop::ALL {
        let settings = settings(24, &[]);
        let (gone, left) = goodbyes(loop_, settings.clone());
        assert_eq!(gone, [(5, keys("c")), (6, keys("b"))], "{loop_:?}: idle for more than three batches");
        assert_eq!(left, counts("a1"), "{loop_:?}");
        let sparks = EngineConfig { state_timeouts_at_checkpoints: true, ..settings };
        let (gone, left) = goodbyes(loop_, sparks);
        assert_eq!(gone, [(10, keys("b c"))], "{loop_:?}: the first batch whose state is checkpointed");
        assert_eq!(left, counts("a1"), "{loop_:?}");
    }
}

/// R14.5. Without it a function that misuses the state would be ignored, and its state be wrong.
#[test]
fn d13_a_refused_call_fails_the_task_in_sparks_words() {
    silence_deliberate_panics();
    type Misuse = fn(&mut State<'_, u32>) -> Result<()>;
    let cases: [(Misuse, &str); 3] = [
        (|state| state.get().map(|_| ()), "State is not set"),
        (
            |state| state.update(1).and_then(|()| state.remove()).and_then(|()| state.update(2)),
            "requirement failed: Cannot update the state after it has been removed",
        ),
        (
            |state| state.update(1).and_then(|()| state.remove()).and_then(|()| state.remove()),
            "requirement failed: Cannot remove the state that has already been removed",
        ),
    ];
    for (misuse, text) in cases {
        for &loop_ in Loop::ALL {
            let (result, _) = stream_with(loop_, settings(2, &[]), move |ssc| {
                let function = move |_: &String, _: Option<u32>, state: &mut State<'_, u32>| misuse(state);
                collect(&words(ssc, &[Some("a")]).map_with_state(StateSpec::function(function)));
                Ok(Box::new(|| ()))
            });
            let error = result.expect_err("the task fails four times").to_string();
            assert!(error.contains(text), "{loop_:?}: {error}");
        }
    }
}

/// What a real Spark printed for `mapWithState` that is checkpointed every four batches: classes only.
const SPARKS_BATCH_3: &str = "MapPartitionsRDD MapWithStateRDD MapWithStateRDD MapWithStateRDD MapWithStateRDD \
    MapPartitionsRDD ShuffledRDD EmptyRDD ShuffledRDD EmptyRDD ShuffledRDD MapPartitionsRDD MapPartitionsRDD \
    ParallelCollectionRDD";
const SPARKS_BATCH_4: &str = "MapPartitionsRDD MapWithStateRDD ReliableCheckpointRDD";

/// The classes of a lineage's text, line by line.
fn classes(text: &str) -> String {
    let class = |line: &str| {
        let name = line.split('[').next().unwrap_or_default();
        name.rsplit([' ', ')']).next().unwrap_or_default().to_owned()
    };
    text.lines().filter(|l| !l.contains("CachedPartitions")).map(class).collect::<Vec<_>>().join(" ")
}

/// Without it the picture of a `mapWithState` would show other RDDs than Spark's, or a lineage that is
/// not cut.
#[test]
fn the_lineage_of_map_with_state_is_sparks() {
    for &loop_ in Loop::ALL {
        let (result, _) = stream_with(loop_, EngineConfig { partitions: 2, ..settings(4, &[]) }, |ssc| {
            let input = words(ssc, &[Some("a b"), Some("b c"), Some("a"), Some("c")]);
            let stream = input.map(|pair| pair).map(|pair| pair).map_with_state(StateSpec::function(running_sum));
            stream.checkpoint(times(4))?;
            let texts: Arc<Mutex<Vec<String>>> = Arc::default();
            let inside = Arc::clone(&texts);
            stream.for_each_rdd(move |rdd, _| {
                rdd.count()?;
                inside.lock().unwrap_or_else(PoisonError::into_inner).push(classes(&rdd.to_debug_string()));
                Ok(())
            });
            Ok(Box::new(move || taken(&texts)))
        });
        let texts = result.expect("the stream ends well");
        assert!(texts[2].starts_with(SPARKS_BATCH_3), "{loop_:?}: {}", texts[2]);
        assert_eq!(texts[3], SPARKS_BATCH_4, "{loop_:?}");
    }
}

type Pair = (u32, u64);

/// Everything random about a program.
#[derive(Clone, Debug)]
struct Shape {
    batches: Vec<Option<Vec<Pair>>>,
    initial: Vec<Pair>,
    timeout: Option<u64>,
    checkpoint: Option<u64>,
    sparks_timeouts: bool,
    partitions: u32,
    memory: u64,
}

const BATCHES: u32 = 12;

impl Shape {
    fn of(seed: u64) -> Self {
        let mut rng: Rng = plans::rng(seed, "state");
        let batches = (0..BATCHES)
            .map(|_| {
                let some = rng.below(8) > 0;
                let len = [0, 3, 10, 60][rng.below(4) as usize];
                some.then(|| (0..rng.below(len + 1)).map(|_| (rng.below(25) as u32, rng.below(1000))).collect())
            })
            .collect();
        Self {
            batches,
            initial: (0..rng.below(6)).map(|key| (key as u32 * 3, key)).collect(),
            timeout: (rng.below(4) > 0).then(|| rng.below(5)),
            checkpoint: (rng.below(3) > 0).then(|| 1 + rng.below(5)),
            sparks_timeouts: rng.below(3) == 0,
            partitions: 1 + rng.below(6) as u32,
            memory: [1500, 20_000, 64 << 20][rng.below(3) as usize],
        }
    }

    /// Whether keys may time out in a batch.
    fn looks(&self, batch: u32) -> bool {
        !self.sparks_timeouts || u64::from(batch).is_multiple_of(self.checkpoint.unwrap_or(10))
    }
}

/// Sets, reads and removes.
fn step(key: u32, value: Option<u64>, state: &mut State<'_, u64>) -> Result<Option<Pair>> {
    let old = state.get_option().copied();
    let Some(value) = value else {
        return Ok(Some((key, 1_000_000 + state.get()?)));
    };
    if value % 7 == 0 && old.is_some() {
        state.remove()?;
        return Ok(old.map(|old| (key, 2_000_000 + old)));
    }
    if value % 5 == 0 {
        return Ok(None);
    }
    let new = (old.unwrap_or(1) * 3 + value) % 100_003;
    state.update(new)?;
    Ok(Some((key, new)))
}

/// The same as a sequential fold: what is returned, and the state, after each batch.
fn oracle(shape: &Shape) -> (Batches<Pair>, Batches<Pair>) {
    // Initial state counts as touched at the time of the first batch.
    let mut states: BTreeMap<u32, (u64, u32)> = shape.initial.iter().map(|&(k, s)| (k, (s, 1))).collect();
    let (mut mapped, mut left) = (Vec::new(), Vec::new());
    for (number, batch) in (1..).zip(&shape.batches) {
        let mut returned = Vec::new();
        for &(key, value) in batch.iter().flatten() {
            let old = states.get(&key).map(|(state, _)| *state);
            if value % 7 == 0 && old.is_some() {
                states.remove(&key);
                returned.extend(old.map(|old| (key, 2_000_000 + old)));
            } else if value % 5 == 0 {
                if let Some(entry) = states.get_mut(&key) {
                    entry.1 = number;
                }
            } else {
                let new = (old.unwrap_or(1) * 3 + value) % 100_003;
                states.insert(key, (new, number));
                returned.push((key, new));
            }
        }
        if let Some(idle) = shape.timeout.filter(|_| shape.looks(number)) {
            states.retain(|&key, &mut (state, touched)| {
                let stays = u64::from(touched) + idle >= u64::from(number);
                if !stays {
                    returned.push((key, 1_000_000 + state));
                }
                stays
            });
        }
        returned.sort_unstable();
        mapped.push((number, returned));
        left.push((number, states.iter().map(|(&key, &(state, _))| (key, state)).collect()));
    }
    (mapped, left)
}

fn check(loop_: Loop, seed: u64) {
    let shape = Shape::of(seed);
    let operators = ["mapWithState", "mapWithState.mapped"];
    let targets = Targets { executors: 3, batches: BATCHES, operators: &operators, partitions: shape.partitions };
    let faults = plans::faults(seed, &targets);
    let config = EngineConfig {
        seed,
        partitions: shape.partitions,
        memory: shape.memory,
        state_timeouts_at_checkpoints: shape.sparks_timeouts,
        faults: faults.clone(),
        // A store that fails must not end a stream: a batch whose plan cannot be written runs all the same.
        on_batch_failure: BatchFailurePolicy::Continue,
        // More than the faults of a plan can make one task or one stage fail.
        task_max_failures: 32,
        stage_max_consecutive_attempts: 32,
        ..settings(BATCHES, &[])
    };
    let expected = oracle(&shape);
    let program = shape.clone();
    let (result, _) = stream_with(loop_, config, move |ssc| {
        let function =
            |_: Timestamp, key: &u32, value: Option<u64>, state: &mut State<'_, u64>| step(*key, value, state);
        let mut spec = StateSpec::function_with_time(function);
        if !program.initial.is_empty() {
            spec = spec.initial_state(&ssc.spark_context().parallelize(program.initial.clone(), 2));
        }
        if let Some(idle) = program.timeout {
            spec = spec.timeout(times(idle));
        }
        let stream = ssc.prepared_stream(program.batches.clone(), 3).map_with_state(spec);
        if let Some(every) = program.checkpoint {
            stream.checkpoint(times(every))?;
        }
        let (mapped, left) = (collect(&stream), collect(&stream.state_snapshots()));
        Ok(Box::new(move || (taken(&mapped), taken(&left))))
    });
    let place = format!("{loop_:?} seed {seed} {shape:?} faults {}", plans::words(&faults));
    let (mapped, left) = result.unwrap_or_else(|error| panic!("{place}: {error}"));
    assert_eq!(mapped, expected.0, "{place}: what was returned");
    assert_eq!(left, expected.1, "{place}: the state");
}

/// Without it state would depend on which executor died, what was evicted, or from where it was read.
#[test]
fn any_state_equals_a_sequential_fold() {
    (1..=60).for_each(|seed| check(Loop::Sim, seed));
    (1..=8).for_each(|seed| check(Loop::Threads, seed));
}
