//! A random streaming program: a template of streams over prepared batches, some of which are output.

use super::operators::{both, none_or, of_values};
use super::{Pair, VALUES, again};
use crate::lab::INTERVAL;
use crate::plans;
use faultline_engine::error::Result;
use faultline_engine::event::StorageLevel;
use faultline_engine::ids::Millis;
use faultline_engine::rdd::SparkContext;
use faultline_engine::rng::Rng;
use faultline_engine::streaming::{DStream, State, StateSpec, StreamingContext};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Largest result of one stream in one batch, in records.
const RECORDS: usize = 250;

/// What one stream does with earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Map,
    Filter,
    FlatMap,
    MapPartitions,
    Repartition,
    ReduceByKey,
    GroupByKey,
    CountByValue,
    Count,
    Union,
    Join,
    LeftOuterJoin,
    Cogroup,
    Transform,
    TransformWith,
    UpdateState,
    UpdateStateAndForget,
    MapWithState,
    StateSnapshots,
    Window,
    ReduceByKeyAndWindow,
    ReduceByKeyAndWindowInverse,
    GroupByKeyAndWindow,
    CountByWindow,
    CountByValueAndWindow,
    ReduceByWindow,
}

impl Operator {
    /// All of them, with the names that faults are planned for.
    pub const NAMED: [(Self, &'static str); 26] = [
        (Self::Map, "map"),
        (Self::Filter, "filter"),
        (Self::FlatMap, "flatMap"),
        (Self::MapPartitions, "mapPartitions"),
        (Self::Repartition, "repartition"),
        (Self::ReduceByKey, "reduceByKey"),
        (Self::GroupByKey, "groupByKey"),
        (Self::CountByValue, "countByValue"),
        (Self::Count, "count"),
        (Self::Union, "union"),
        (Self::Join, "join"),
        (Self::LeftOuterJoin, "leftOuterJoin"),
        (Self::Cogroup, "cogroup"),
        (Self::Transform, "transform"),
        (Self::TransformWith, "transformWith"),
        (Self::UpdateState, "updateStateByKey"),
        (Self::UpdateStateAndForget, "updateStateByKey"),
        (Self::MapWithState, "mapWithState"),
        (Self::StateSnapshots, "mapWithState"),
        (Self::Window, "window"),
        (Self::ReduceByKeyAndWindow, "reduceByKeyAndWindow"),
        (Self::ReduceByKeyAndWindowInverse, "reduceByKeyAndWindow"),
        (Self::GroupByKeyAndWindow, "groupByKeyAndWindow"),
        (Self::CountByWindow, "countByWindow"),
        (Self::CountByValueAndWindow, "countByValueAndWindow"),
        (Self::ReduceByWindow, "reduceByWindow"),
    ];
}

/// One stream: an operator with the streams that it reads.
#[derive(Clone, Debug)]
pub struct Step {
    pub operator: Operator,
    pub left: usize,
    pub right: usize,
    pub partitions: u32,
    /// Batches in a window.
    pub window: u32,
}

/// Everything random about a program.
#[derive(Clone, Debug)]
pub struct Pipeline {
    input: Vec<Vec<Pair>>,
    partitions: u32,
    steps: Vec<Step>,
    /// Level and interval of checkpoints in batches, of each stream; `None` and 0 where a default stays.
    kept: Vec<(Option<StorageLevel>, u64)>,
    outputs: Vec<usize>,
}

/// The records of each batch from the first, sorted.
pub type Batches = Vec<Vec<Pair>>;

/// What the output operations gave, by stream and batch.
pub type Given = BTreeMap<usize, BTreeMap<u32, Vec<Pair>>>;

impl Pipeline {
    /// The program of a seed.
    pub fn of(seed: u64, batches: u32) -> Self {
        let mut rng = plans::rng(seed, "pipeline");
        let pair = |rng: &mut Rng| (rng.below(9) as u32, 1 + rng.below(300));
        let input: Batches = (0..batches).map(|_| (0..rng.below(25)).map(|_| pair(&mut rng)).collect()).collect();
        let mut streams = vec![input.clone()];
        let mut steps = Vec::new();
        let wanted = 2 + rng.below(4) as usize;
        while steps.len() < wanted {
            let (operator, _) = Operator::NAMED[rng.below(Operator::NAMED.len() as u64) as usize];
            let last = steps.len();
            let left = if rng.below(3) == 0 { rng.below(last as u64 + 1) as usize } else { last };
            let right = rng.below(last as u64 + 1) as usize;
            let step =
                Step { operator, left, right, partitions: 1 + rng.below(4) as u32, window: 1 + rng.below(4) as u32 };
            let result = step.model(&streams[left], &streams[right]);
            if result.iter().all(|batch| batch.len() <= RECORDS) {
                streams.push(result);
                steps.push(step);
            }
        }
        let keeping = |rng: &mut Rng| {
            let level = plans::level(rng);
            let every = if rng.below(3) == 0 { 1 + rng.below(3) } else { 0 };
            (Some(level).filter(|level| level.is_valid() && rng.below(2) == 0), every)
        };
        let mut kept: Vec<_> = (0..=wanted).map(|_| keeping(&mut rng)).collect();
        // The level of a window is that of its parent, so a window cannot be checkpointed itself (R12.1).
        for (kept, _) in kept[1..].iter_mut().zip(&steps).filter(|(_, step)| step.operator == Operator::Window) {
            kept.1 = 0;
        }
        let mut outputs = vec![wanted];
        outputs.extend((1..wanted).filter(|_| rng.below(3) == 0));
        Self { input, partitions: 1 + rng.below(4) as u32, steps, kept, outputs }
    }

    /// Operators of the program, to plan faults for.
    pub fn operators(&self) -> Vec<&'static str> {
        let names = self.steps.iter().filter_map(|step| Operator::NAMED.iter().find(|(op, _)| *op == step.operator));
        names.map(|(_, name)| *name).chain(["map"]).collect()
    }

    /// What the output operations give according to the model.
    pub fn model(&self) -> Given {
        let mut streams = vec![self.input.clone()];
        for step in &self.steps {
            let next = step.model(&streams[step.left], &streams[step.right]);
            streams.push(next);
        }
        let numbered = |batches: &Batches| (1..).zip(batches.iter().cloned()).collect();
        self.outputs.iter().map(|&of| (of, numbered(&streams[of]))).collect()
    }

    /// What the output operations give.
    ///
    /// # Errors
    /// That of the first batch that fails.
    pub fn run(&self, sc: &SparkContext) -> Result<Given> {
        let ssc = StreamingContext::new(sc, INTERVAL);
        ssc.checkpoint("checkpoints");
        let input = self.input.iter().cloned().map(Some).collect();
        let mut streams = vec![ssc.prepared_stream(input, self.partitions).map(|pair| pair)];
        for step in &self.steps {
            let next = step.build(&streams[step.left], &streams[step.right])?;
            streams.push(next);
        }
        for (stream, (level, every)) in streams.iter().zip(&self.kept) {
            if *every > 0 {
                stream.checkpoint(Millis(INTERVAL.0 * every))?;
            }
            if let Some(level) = level {
                stream.persist(*level)?;
            }
        }
        let given = Arc::new(Mutex::new(Given::new()));
        for &of in &self.outputs {
            let inside = Arc::clone(&given);
            streams[of].for_each_rdd(move |rdd, tick| {
                let mut records = again(|| rdd.collect())?;
                records.sort_unstable();
                let mut given = inside.lock().unwrap_or_else(PoisonError::into_inner);
                given.entry(of).or_default().insert(tick.batch.0, records);
                Ok(())
            });
        }
        ssc.start()?;
        ssc.await_termination()?;
        Ok(std::mem::take(&mut *given.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Step {
    fn build(&self, left: &DStream<Pair>, right: &DStream<Pair>) -> Result<DStream<Pair>> {
        let n = self.partitions;
        let sum = |a, b| a + b;
        Ok(match self.operator {
            Operator::Map => left.map(|(k, v)| ((k * 5 + 1) % 11, v % VALUES + 1)),
            Operator::Filter => left.filter(|(k, v)| (u64::from(*k) + v) % 4 != 0),
            Operator::FlatMap => left.flat_map(|(k, v)| [(k, v), (k + 1, v)].into_iter().take(1 + (v % 2) as usize)),
            Operator::MapPartitions => left.map_partitions(|values| values.map(|(k, v)| (k, v + 2))),
            Operator::Repartition => left.repartition(n)?,
            Operator::ReduceByKey => left.reduce_by_key_in(n, sum),
            Operator::GroupByKey => left.group_by_key_in(n).map(|(k, values)| (k, 1 + of_values(&values))),
            Operator::CountByValue => left.count_by_value_in(n).map(|((k, v), count)| (k, v + count)),
            Operator::Count => left.count().map(|count| (0, count + 1)),
            Operator::Union => left.union(right)?,
            Operator::Join => left.join(right)?.map(|(k, (v, w))| (k, 1 + both(v, w))),
            Operator::LeftOuterJoin => {
                left.left_outer_join_in(right, n)?.map(|(k, (v, w))| (k, 1 + both(v, none_or(w))))
            }
            Operator::Cogroup => {
                left.cogroup_in(right, n)?.map(|(k, (vs, ws))| (k, 1 + both(of_values(&vs), of_values(&ws))))
            }
            Operator::Transform => left.transform(|rdd| rdd.distinct()),
            Operator::TransformWith => left.transform_with(right, |left, right| left.subtract_by_key(right))?,
            _ => self.remembering(left)?,
        })
    }

    /// Operators that reach back to earlier batches.
    fn remembering(&self, left: &DStream<Pair>) -> Result<DStream<Pair>> {
        let n = self.partitions;
        let sum = |a, b| a + b;
        let window = Millis(INTERVAL.0 * u64::from(self.window));
        Ok(match self.operator {
            Operator::UpdateState => left.update_state_by_key_in(n, None, |_, new: Vec<u64>, old: Option<u64>| {
                Some(old.unwrap_or(0) + new.into_iter().sum::<u64>())
            }),
            Operator::UpdateStateAndForget => {
                left.update_state_by_key_in(n, None, |_, new: Vec<u64>, old: Option<u64>| {
                    (!new.is_empty()).then(|| old.unwrap_or(0) + new.into_iter().sum::<u64>())
                })
            }
            Operator::MapWithState => {
                left.reduce_by_key(sum).map_with_state(running_sums().num_partitions(n)).map(|pair| pair)
            }
            Operator::StateSnapshots => {
                left.reduce_by_key(sum).map_with_state(running_sums().num_partitions(n)).state_snapshots()
            }
            Operator::Window => left.window(window, INTERVAL)?,
            Operator::ReduceByKeyAndWindow => left.reduce_by_key_and_window_in(n, sum, window, INTERVAL)?,
            Operator::GroupByKeyAndWindow => {
                left.group_by_key_and_window_in(n, window, INTERVAL)?.map(|(k, values)| (k, 1 + of_values(&values)))
            }
            Operator::CountByWindow => left.count_by_window(window, INTERVAL)?.map(|count| (0, count + 1)),
            Operator::CountByValueAndWindow => {
                left.count_by_value_and_window(window, INTERVAL)?.map(|((k, v), count)| (k, v + count))
            }
            Operator::ReduceByWindow => left.reduce_by_window(|(k, v), (l, w)| (k.min(l), v + w), window, INTERVAL)?,
            // What is not listed is an operator of `build`, but for one.
            _ => left.reduce_by_key_and_window_inverse_in(
                n,
                sum,
                |all, left| all - left,
                Some(Arc::new(|(_, sum): &Pair| *sum > 0)),
                window,
                INTERVAL,
            )?,
        })
    }
}

type Fold =
    fn(&u32, Option<u64>, &mut State<'_, u64>) -> std::result::Result<Pair, faultline_engine::streaming::StateError>;

/// A record with the sum so far for each that comes.
fn running_sums() -> StateSpec<
    u32,
    u64,
    impl Fn(
        faultline_engine::ids::Timestamp,
        &u32,
        Option<u64>,
        &mut State<'_, u64>,
    ) -> std::result::Result<Option<Pair>, faultline_engine::streaming::StateError>
    + Send
    + Sync
    + 'static,
> {
    let fold: Fold = |key, value, state| {
        let sum = state.get_option().copied().unwrap_or(0) + value.unwrap_or(0);
        state.update(sum)?;
        Ok((*key, sum))
    };
    StateSpec::<u32, u64, ()>::function(fold)
}
