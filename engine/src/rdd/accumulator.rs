//! Accumulators: tasks add to them, the program reads them (R2.13).
//!
//! What a task added comes with its success. Of a task of a result stage it counts once per partition, of
//! one of a map stage with every success, so that a map stage that runs again counts again, as in Spark.

use super::context::SparkContext;
use super::in_task;
use crate::event::AccumulableInfo;
use crate::ids::AccumulatorId;
use crate::sync::Mutex;
use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// What an accumulator can gather: Spark's `AccumulatorV2`. Parts are merged in the order in which tasks
/// end, so merging should not depend on it.
pub trait Accumulate: Clone + Send + 'static {
    /// What a program adds.
    type Input;
    /// Adds to this part.
    fn add(&mut self, input: Self::Input);
    /// Adds another part.
    fn merge(&mut self, part: Self);
}

macro_rules! sums {
    ($($type:ty: $add:expr),*) => {$(
        impl Accumulate for $type {
            type Input = $type;
            fn add(&mut self, input: $type) {
                *self = $add(*self, input);
            }
            fn merge(&mut self, part: $type) {
                *self = $add(*self, part);
            }
        }
    )*};
}

sums!(i64: i64::wrapping_add, u64: u64::wrapping_add, f64: |a: f64, b: f64| a + b);

/// Gathers everything that is added.
impl<T: Clone + Send + 'static> Accumulate for Vec<T> {
    type Input = T;
    fn add(&mut self, input: T) {
        self.push(input);
    }
    fn merge(&mut self, mut part: Self) {
        self.append(&mut part);
    }
}

/// A value that tasks add to. Cheap to clone.
pub struct Accumulator<T: Accumulate>(Arc<Inner<T>>);

struct Inner<T> {
    id: AccumulatorId,
    name: Option<String>,
    zero: T,
    /// How a value is written; `None` for a user's type, whose code must not run in the driver.
    shown: Option<fn(&T) -> String>,
    /// What is merged already. User code runs while this is locked, but the driver never waits for it.
    merged: Mutex<T>,
    /// Parts that count and are not merged yet: user code merges them where the program reads.
    parts: Mutex<Vec<T>>,
}

impl<T: Accumulate> Clone for Accumulator<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Accumulate> fmt::Debug for Accumulator<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accumulator").field("id", &self.0.id).field("name", &self.0.name).finish_non_exhaustive()
    }
}

impl<T: Accumulate + Sync> Accumulator<T> {
    /// Identity.
    pub fn id(&self) -> AccumulatorId {
        self.0.id
    }

    /// Its name, when it has one.
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// Adds: in a task to what the task gathers, in the program at once.
    pub fn add(&self, input: T::Input) {
        if !in_task::is_task() {
            return self.0.merged.lock().add(input);
        }
        let mut part = self.partial().unwrap_or_else(|| Box::new(self.0.zero.clone()));
        part.add(input);
        in_task::give_partial(Arc::clone(&self.0) as _, part);
    }

    fn partial(&self) -> Option<Box<T>> {
        in_task::take_partial(self.0.id)?.downcast().ok()
    }

    /// What has been gathered: in the program everything that counts, in a task what it added itself.
    pub fn value(&self) -> T {
        if in_task::is_task() {
            let part = self.partial().unwrap_or_else(|| Box::new(self.0.zero.clone()));
            let value = T::clone(&part);
            in_task::give_partial(Arc::clone(&self.0) as _, part);
            return value;
        }
        let mut merged = self.0.merged.lock();
        // A merge may run a job, whose tasks add further parts.
        let parts = std::mem::take(&mut *self.0.parts.lock());
        parts.into_iter().for_each(|part| merged.merge(part));
        merged.clone()
    }

    /// Begins again from nothing.
    pub fn reset(&self) {
        let mut merged = self.0.merged.lock();
        self.0.parts.lock().clear();
        *merged = self.0.zero.clone();
    }
}

/// An accumulator without its type.
pub(super) trait AnyAccumulator: Send + Sync {
    fn id(&self) -> AccumulatorId;
    /// Takes a part that counts.
    fn accept(&self, part: Box<dyn Any + Send>) -> Option<AccumulableInfo>;
}

impl<T: Accumulate + Sync> AnyAccumulator for Inner<T> {
    fn id(&self) -> AccumulatorId {
        self.id
    }

    fn accept(&self, part: Box<dyn Any + Send>) -> Option<AccumulableInfo> {
        let part = *part.downcast::<T>().ok()?;
        let (mut update, mut value) = (None, None);
        match self.shown {
            // Sums of ours: no code of a user runs while they are locked.
            Some(shown) => {
                let mut merged = self.merged.lock();
                update = Some(shown(&part));
                merged.merge(part);
                value = Some(shown(&merged));
            }
            None => self.parts.lock().push(part),
        }
        Some(AccumulableInfo { id: self.id, name: self.name.clone()?, update, value })
    }
}

/// What one task added to one accumulator.
pub struct AccumulatorUpdate {
    of: Arc<dyn AnyAccumulator>,
    part: Box<dyn Any + Send>,
}

impl fmt::Debug for AccumulatorUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccumulatorUpdate").field("of", &self.of.id()).finish_non_exhaustive()
    }
}

impl AccumulatorUpdate {
    pub(super) fn new(of: Arc<dyn AnyAccumulator>, part: Box<dyn Any + Send>) -> Self {
        Self { of, part }
    }

    /// Lets it count. Returns what the end of the task says of it, when the accumulator has a name.
    pub fn count(self) -> Option<AccumulableInfo> {
        self.of.accept(self.part)
    }
}

impl SparkContext {
    /// An accumulator that begins with `zero`, which must change nothing when it is merged.
    ///
    /// # Panics
    /// Inside a task (R1.10).
    pub fn accumulator<T: Accumulate + Sync>(&self, zero: T) -> Accumulator<T> {
        self.new_accumulator(None, zero, None)
    }

    /// As [`SparkContext::accumulator`], with a name: the ends of tasks say that they added to it.
    ///
    /// # Panics
    /// Inside a task (R1.10).
    pub fn named_accumulator<T: Accumulate + Sync>(&self, name: &str, zero: T) -> Accumulator<T> {
        self.new_accumulator(Some(name), zero, None)
    }

    /// Spark's `longAccumulator`: a sum, whose value the ends of tasks tell.
    ///
    /// # Panics
    /// Inside a task (R1.10).
    pub fn long_accumulator(&self, name: &str) -> Accumulator<i64> {
        self.new_accumulator(Some(name), 0, Some(ToString::to_string))
    }

    /// Spark's `doubleAccumulator`: a sum, whose value the ends of tasks tell.
    ///
    /// # Panics
    /// Inside a task (R1.10).
    pub fn double_accumulator(&self, name: &str) -> Accumulator<f64> {
        self.new_accumulator(Some(name), 0.0, Some(|sum| format!("{sum:?}")))
    }

    fn new_accumulator<T: Accumulate + Sync>(
        &self,
        name: Option<&str>,
        zero: T,
        shown: Option<fn(&T) -> String>,
    ) -> Accumulator<T> {
        self.assert_not_in_task();
        let (merged, name) = (Mutex::new(zero.clone()), name.map(str::to_owned));
        let id = self.new_accumulator_id();
        Accumulator(Arc::new(Inner { id, name, zero, shown, merged, parts: Mutex::default() }))
    }
}
