//! Streams with one record per batch, or one per distinct value: `reduce`, `count` and their windows.

use super::dstream::{DStream, StreamSpec};
use crate::error::Result;
use crate::ids::Millis;
use crate::storage::Data;
use std::hash::Hash;
use std::panic::Location;
use std::sync::Arc;

/// The key of all records when they are reduced to one: Spark's `null`.
type Nothing = ();

impl<T: Data> DStream<T> {
    /// All records of a batch merged with `f` into one. An empty batch stays empty (R11.11).
    #[track_caller]
    pub fn reduce(&self, f: impl Fn(T, T) -> T + Send + Sync + 'static) -> DStream<T> {
        self.reduced_to_one("reduce", ["reduce.map", "reduce.reduceByKey", "reduce"], Arc::new(f), Location::caller())
    }

    /// Spark's three streams: under one key, reduced in one partition, without the key.
    fn reduced_to_one(
        &self,
        called: &'static str,
        [keyed, reduced, values]: [&'static str; 3],
        f: Arc<impl Fn(T, T) -> T + Send + Sync + 'static>,
        at: &Location<'_>,
    ) -> DStream<T> {
        let spec = |method| StreamSpec { called, ..StreamSpec::narrow(method, "MappedDStream", self.slide()) };
        self.per_batch_as(spec(keyed), at, |rdd| rdd.map(|record| -> (Nothing, T) { ((), record) }))
            .reduced_as((called, reduced), f, 1.into(), at)
            .per_batch_as(spec(values), at, |rdd| rdd.map(|(_, record)| record))
    }

    /// How many records each batch has: one record, 0 for an empty batch (R11.11).
    #[track_caller]
    pub fn count(&self) -> DStream<u64> {
        let at = Location::caller();
        let spec = |method, class| StreamSpec { called: "count", ..StreamSpec::narrow(method, class, self.slide()) };
        let partitions = self.ssc.spark_context().default_parallelism();
        self.per_batch_as(spec("count.map", "MappedDStream"), at, |rdd| rdd.map(|_| -> (Nothing, u64) { ((), 1) }))
            .transformed_as(spec("count.transform", "TransformedDStream"), at, |rdd, _| {
                let zero = rdd.context().parallelize(vec![((), 0u64)], 1);
                Ok(Some(rdd.union(&zero)))
            })
            .reduced_as(("count", "count.reduceByKey"), Arc::new(|a, b| a + b), partitions.into(), at)
            .per_batch_as(spec("count", "MappedDStream"), at, |rdd| rdd.map(|(_, count)| count))
    }

    /// The records of each window merged with `f` into one, from all its batches.
    ///
    /// # Errors
    /// When a duration is not a multiple of the stream's slide.
    #[track_caller]
    pub fn reduce_by_window(
        &self,
        f: impl Fn(T, T) -> T + Send + Sync + 'static,
        window: Millis,
        slide: Millis,
    ) -> Result<DStream<T>> {
        const CALLED: &str = "reduceByWindow";
        let (f, at) = (Arc::new(f), Location::caller());
        let before = ["reduceByWindow.map", "reduceByWindow.reduceByKey", "reduceByWindow.reduce"];
        let after = ["reduceByWindow.map", "reduceByWindow.reduceByKey", CALLED];
        Ok(self
            .reduced_to_one(CALLED, before, Arc::clone(&f), at)
            .windowed_as((CALLED, "reduceByWindow.window"), window, slide, at)?
            .reduced_to_one(CALLED, after, f, at))
    }

    /// As [`DStream::reduce_by_window`], from the previous window: `inverse` takes away what left.
    ///
    /// # Errors
    /// When a duration is not a multiple of the stream's slide.
    #[track_caller]
    pub fn reduce_by_window_inverse(
        &self,
        f: impl Fn(T, T) -> T + Send + Sync + 'static,
        inverse: impl Fn(T, T) -> T + Send + Sync + 'static,
        window: Millis,
        slide: Millis,
    ) -> Result<DStream<T>> {
        self.reduced_window_of_one("reduceByWindow", f, inverse, (window, slide), Location::caller())
    }

    fn reduced_window_of_one(
        &self,
        called: &'static str,
        f: impl Fn(T, T) -> T + Send + Sync + 'static,
        inverse: impl Fn(T, T) -> T + Send + Sync + 'static,
        durations: (Millis, Millis),
        at: &Location<'_>,
    ) -> Result<DStream<T>> {
        let spec = |method, slide| StreamSpec { called, ..StreamSpec::narrow(method, "MappedDStream", slide) };
        let keyed =
            self.per_batch_as(spec("reduceByWindow.map", self.slide()), at, |rdd| rdd.map(|record| (1i32, record)));
        let windows = keyed.reduced_window(f, inverse, None, durations, Some(1.into()), at)?;
        Ok(windows.per_batch_as(spec(called, durations.1), at, |rdd| rdd.map(|(_, record)| record)))
    }

    /// How many records each window has, from the previous window. A window that is empty since the stream
    /// began has no record; one that became empty has 0.
    ///
    /// # Errors
    /// When a duration is not a multiple of the stream's slide.
    #[track_caller]
    pub fn count_by_window(&self, window: Millis, slide: Millis) -> Result<DStream<u64>> {
        let at = Location::caller();
        let spec = StreamSpec {
            called: "countByWindow",
            ..StreamSpec::narrow("countByWindow.map", "MappedDStream", self.slide())
        };
        let ones = self.per_batch_as(spec, at, |rdd| rdd.map(|_| 1u64));
        ones.reduced_window_of_one("countByWindow", |a, b| a + b, |all, left| all - left, (window, slide), at)
    }
}

impl<T: Data + Hash + Eq> DStream<T> {
    fn ones(&self, called: &'static str, method: &'static str, at: &Location<'_>) -> DStream<(T, u64)> {
        let spec = StreamSpec { called, ..StreamSpec::narrow(method, "MappedDStream", self.slide()) };
        self.per_batch_as(spec, at, |rdd| rdd.map(|value| (value, 1u64)))
    }

    /// How often each batch has each of its values.
    #[track_caller]
    pub fn count_by_value(&self) -> DStream<(T, u64)> {
        self.counted_by_value(self.ssc.spark_context().default_parallelism(), Location::caller())
    }

    /// As [`DStream::count_by_value`], in `partitions` partitions.
    #[track_caller]
    pub fn count_by_value_in(&self, partitions: u32) -> DStream<(T, u64)> {
        self.counted_by_value(partitions, Location::caller())
    }

    fn counted_by_value(&self, partitions: u32, at: &Location<'_>) -> DStream<(T, u64)> {
        let ones = self.ones("countByValue", "countByValue.map", at);
        ones.reduced_as(("countByValue", "countByValue"), Arc::new(|a, b| a + b), partitions.into(), at)
    }

    /// How often each window has each of its values, from the previous window. Values that left are gone.
    ///
    /// # Errors
    /// When a duration is not a multiple of the stream's slide.
    #[track_caller]
    pub fn count_by_value_and_window(&self, window: Millis, slide: Millis) -> Result<DStream<(T, u64)>> {
        let at = Location::caller();
        let partitions = self.ssc.spark_context().default_parallelism();
        let ones = self.ones("countByValueAndWindow", "countByValueAndWindow.map", at);
        let keep = Arc::new(|(_, count): &(T, u64)| *count != 0);
        ones.reduced_window(
            |a, b| a + b,
            |all, left| all - left,
            Some(keep),
            (window, slide),
            Some(partitions.into()),
            at,
        )
    }
}
