//! `reduceByKeyAndWindow`: one value per key over the last batches (R13.3, R13.4).
//!
//! With an inverse function a window is the window before it, less what left, plus what came: Spark's
//! `ReducedWindowedDStream`. Its RDD cogroups the previous window with the reduced batches that left
//! and those that came, all partitioned alike, so nothing is shuffled; the price is a chain of windows
//! that has to be checkpointed. Without one, all reduced batches of the window are united and reduced.

use super::dstream::{DStream, StreamNode, StreamSpec};
use super::instances::Generation;
use super::own::Own;
use crate::driver::BatchTick;
use crate::error::{EngineError, Result};
use crate::event::StorageLevel;
use crate::ids::*;
use crate::rdd::partitioner::Partitioner;
use crate::rdd::{PreservesPartitioning, Rdd, TaskError};
use crate::storage::Data;
use crate::task_context::TaskContext;
use std::hash::Hash;
use std::panic::Location;
use std::sync::Arc;

/// What the user calls, for the call sites of all streams made by it.
const CALLED: &str = "reduceByKeyAndWindow";

/// Which keys stay in the window.
pub type Keep<K, V> = Arc<dyn Fn(&(K, V)) -> bool + Send + Sync>;

struct ReducedWindow<K: Data, V: Data, F, I> {
    /// One value per key and batch.
    reduced: DStream<(K, V)>,
    reduce: Arc<F>,
    inverse: Arc<I>,
    keep: Option<Keep<K, V>>,
    window: Millis,
    slide: Millis,
    partitioner: Partitioner<K>,
    own: Arc<Own<(K, V)>>,
}

impl<K: Data + Hash + Eq, V: Data, F, I> ReducedWindow<K, V, F, I> {
    /// The reduced batches from `first` to `last`, both inclusive; there are none before batch 1.
    fn slice(&self, generation: &Generation<'_>, first: i64, last: i64) -> Result<Vec<Rdd<(K, V)>>> {
        let mut rdds = Vec::new();
        for number in first.max(1)..=last {
            let Ok(number) = u32::try_from(number) else { break };
            rdds.extend(generation.rdd(&self.reduced, generation.tick(number))?);
        }
        Ok(rdds)
    }
}

impl<K, V, F, I> StreamNode<(K, V)> for ReducedWindow<K, V, F, I>
where
    K: Data + Hash + Eq,
    V: Data,
    F: Fn(V, V) -> V + Send + Sync + 'static,
    I: Fn(V, V) -> V + Send + Sync + 'static,
{
    fn compute(&self, generation: &Generation<'_>, tick: BatchTick) -> Result<Option<Rdd<(K, V)>>> {
        let batches = |duration| i64::from(generation.batches(duration));
        let (now, window, slide) = (i64::from(tick.batch.0), batches(self.window), batches(self.slide));
        let every = batches(self.reduced.slide()).max(1);
        let old = self.slice(generation, now - window - slide + every, now - window)?;
        let new = self.slice(generation, now - slide + every, now)?;
        let previous = match self.own.before(&self.reduced, generation, tick)? {
            Some(previous) => previous,
            None => generation.sc.parallelize(Vec::new(), generation.sc.default_parallelism()),
        };
        let left = old.len();
        let all: Vec<Rdd<(K, V)>> = std::iter::once(previous).chain(old).chain(new).collect();
        let (reduce, inverse) = (Arc::clone(&self.reduce), Arc::clone(&self.inverse));
        let step = move |_: PartitionId, _: &TaskContext, groups: std::vec::IntoIter<(K, Vec<Vec<V>>)>| {
            groups
                .map(|(key, sides)| Ok((key, merged(sides, left, &*reduce, &*inverse)?)))
                .collect::<std::result::Result<Vec<_>, _>>()
        };
        let windows = Rdd::cogroup_all(generation.sc, &all, self.partitioner.clone())
            .map_partitions_with_context(PreservesPartitioning::Yes, step);
        Ok(Some(match self.keep.clone() {
            Some(keep) => windows.filter(move |pair| keep(pair)),
            None => windows,
        }))
    }
}

/// The value of a key: that of the previous window, less the `left` batches that left, plus those that
/// came. Each side has one value at most.
fn merged<V>(
    sides: Vec<Vec<V>>,
    left: usize,
    reduce: impl Fn(V, V) -> V,
    inverse: impl Fn(V, V) -> V,
) -> std::result::Result<V, TaskError> {
    let mut sides = sides.into_iter().map(|side| side.into_iter().next());
    let previous = sides.next().flatten();
    let old = sides.by_ref().take(left).flatten().reduce(&reduce);
    let new = sides.flatten().reduce(&reduce);
    match (previous, new) {
        (None, None) => Err(TaskError::Exception(
            "Neither previous window has value for key, nor new values found. Are you sure your key class hashes consistently?"
                .to_owned(),
        )),
        (None, Some(new)) => Ok(new),
        (Some(previous), new) => {
            let rest = match old {
                Some(old) => inverse(previous, old),
                None => previous,
            };
            Ok(match new {
                Some(new) => reduce(rest, new),
                None => rest,
            })
        }
    }
}

impl<K: Data + Hash + Eq, V: Data> DStream<(K, V)> {
    /// One value per key over the last `window`, every `slide`, merged with `f` from all its batches.
    ///
    /// # Errors
    /// When a duration is not a multiple of the parent's slide.
    #[track_caller]
    pub fn reduce_by_key_and_window(
        &self,
        f: impl Fn(V, V) -> V + Send + Sync + 'static,
        window: Millis,
        slide: Millis,
    ) -> Result<DStream<(K, V)>> {
        self.window_of_reduced(f, (window, slide), self.default_partitioner(), Location::caller())
    }

    /// As [`DStream::reduce_by_key_and_window`], partitioned by `partitioner`.
    ///
    /// # Errors
    /// When a duration is not a multiple of the parent's slide.
    #[track_caller]
    pub fn reduce_by_key_and_window_in(
        &self,
        partitioner: impl Into<Partitioner<K>>,
        f: impl Fn(V, V) -> V + Send + Sync + 'static,
        window: Millis,
        slide: Millis,
    ) -> Result<DStream<(K, V)>> {
        self.window_of_reduced(f, (window, slide), partitioner.into(), Location::caller())
    }

    fn window_of_reduced(
        &self,
        f: impl Fn(V, V) -> V + Send + Sync + 'static,
        (window, slide): (Millis, Millis),
        partitioner: Partitioner<K>,
        at: &Location<'_>,
    ) -> Result<DStream<(K, V)>> {
        let f = Arc::new(f);
        let reduced = self.reduced(CALLED, Arc::clone(&f), partitioner.clone(), at);
        let windows = reduced.windowed_as((CALLED, "window"), window, slide, at)?;
        Ok(windows.reduced(CALLED, f, partitioner, at))
    }

    /// All values of each key over the last `window`, every `slide`.
    ///
    /// # Errors
    /// When a duration is not a multiple of the parent's slide.
    #[track_caller]
    pub fn group_by_key_and_window(&self, window: Millis, slide: Millis) -> Result<DStream<(K, Vec<V>)>> {
        self.window_of_groups((window, slide), self.default_partitioner(), Location::caller())
    }

    /// As [`DStream::group_by_key_and_window`], partitioned by `partitioner`.
    ///
    /// # Errors
    /// When a duration is not a multiple of the parent's slide.
    #[track_caller]
    pub fn group_by_key_and_window_in(
        &self,
        partitioner: impl Into<Partitioner<K>>,
        window: Millis,
        slide: Millis,
    ) -> Result<DStream<(K, Vec<V>)>> {
        self.window_of_groups((window, slide), partitioner.into(), Location::caller())
    }

    /// Spark's three streams: groups of a batch, their window, and the groups of a key put together.
    fn window_of_groups(
        &self,
        (window, slide): (Millis, Millis),
        partitioner: Partitioner<K>,
        at: &Location<'_>,
    ) -> Result<DStream<(K, Vec<V>)>> {
        const CALLED: &str = "groupByKeyAndWindow";
        let append = |all: &mut Vec<V>, more: Vec<V>| all.extend(more);
        let groups = self.grouped((CALLED, "groupByKeyAndWindow.groupByKey"), partitioner.clone(), at);
        let windows = groups.windowed_as((CALLED, "groupByKeyAndWindow.window"), window, slide, at)?;
        Ok(windows.combined((CALLED, CALLED), partitioner, (|group: Vec<V>| group, append, append), at))
    }

    /// As [`DStream::reduce_by_key_and_window`], from the previous window: `inverse` takes away what
    /// left. Keys that left stay with what is then their value (R13.3).
    ///
    /// # Errors
    /// When a duration is not a multiple of the parent's slide.
    #[track_caller]
    pub fn reduce_by_key_and_window_inverse(
        &self,
        f: impl Fn(V, V) -> V + Send + Sync + 'static,
        inverse: impl Fn(V, V) -> V + Send + Sync + 'static,
        window: Millis,
        slide: Millis,
    ) -> Result<DStream<(K, V)>> {
        self.reduced_window(f, inverse, None, (window, slide), None, Location::caller())
    }

    /// As [`DStream::reduce_by_key_and_window_inverse`], without the records for which `keep` does not
    /// hold.
    ///
    /// # Errors
    /// When a duration is not a multiple of the parent's slide.
    #[track_caller]
    pub fn reduce_by_key_and_window_filtered(
        &self,
        f: impl Fn(V, V) -> V + Send + Sync + 'static,
        inverse: impl Fn(V, V) -> V + Send + Sync + 'static,
        keep: impl Fn(&(K, V)) -> bool + Send + Sync + 'static,
        window: Millis,
        slide: Millis,
    ) -> Result<DStream<(K, V)>> {
        self.reduced_window(f, inverse, Some(Arc::new(keep)), (window, slide), None, Location::caller())
    }

    /// As [`DStream::reduce_by_key_and_window_filtered`], partitioned by `partitioner`; without `keep`
    /// every key stays.
    ///
    /// # Errors
    /// When a duration is not a multiple of the parent's slide.
    #[track_caller]
    pub fn reduce_by_key_and_window_inverse_in(
        &self,
        partitioner: impl Into<Partitioner<K>>,
        f: impl Fn(V, V) -> V + Send + Sync + 'static,
        inverse: impl Fn(V, V) -> V + Send + Sync + 'static,
        keep: Option<Keep<K, V>>,
        window: Millis,
        slide: Millis,
    ) -> Result<DStream<(K, V)>> {
        self.reduced_window(f, inverse, keep, (window, slide), Some(partitioner.into()), Location::caller())
    }

    pub(super) fn reduced_window(
        &self,
        f: impl Fn(V, V) -> V + Send + Sync + 'static,
        inverse: impl Fn(V, V) -> V + Send + Sync + 'static,
        keep: Option<Keep<K, V>>,
        (window, slide): (Millis, Millis),
        partitioner: Option<Partitioner<K>>,
        at: &Location<'_>,
    ) -> Result<DStream<(K, V)>> {
        let parent = self.slide();
        for (what, given) in [("window", window), ("slide", slide)] {
            if given.0 == 0 || !given.0.is_multiple_of(parent.0.max(1)) {
                return Err(EngineError::IllegalArgument(format!(
                    "The {what} duration of ReducedWindowedDStream ({given} ms) must be multiple of the slide duration of parent DStream ({parent} ms)"
                )));
            }
        }
        let reduce = Arc::new(f);
        let partitioner = partitioner.unwrap_or_else(|| self.default_partitioner());
        let reduced = self
            .reduced(CALLED, Arc::clone(&reduce), partitioner.clone(), at)
            .persist(StorageLevel::MEMORY_ONLY_SER)?;
        let own = Arc::new(Own::default());
        let core = Arc::clone(&reduced.core);
        let inverse = Arc::new(inverse);
        let node = ReducedWindow { reduced, reduce, inverse, keep, window, slide, partitioner, own: Arc::clone(&own) };
        let spec = StreamSpec {
            window: Some(window),
            stateful: true,
            level: StorageLevel::MEMORY_ONLY_SER,
            ..StreamSpec::narrow(CALLED, "ReducedWindowedDStream", slide)
        };
        let stream = DStream::create(&self.ssc, spec, vec![core], node, at);
        own.set(&stream);
        Ok(stream)
    }
}
