//! Broadcast variables: a value that tasks read, shipped once instead of with every closure.
//!
//! Executors are in this process, so that shipping is sharing; what stays of Spark's is the handle, its
//! number, and that a destroyed one cannot be read.

use super::context::{SparkContext, callsite};
use crate::ids::BroadcastId;
use std::fmt;
use std::panic::Location;
use std::sync::{Arc, OnceLock};

/// A handle on a value. Cheap to clone; the value lives as long as any handle, and is read no more after
/// [`Broadcast::destroy`].
pub struct Broadcast<T>(Arc<Inner<T>>);

struct Inner<T> {
    id: BroadcastId,
    value: T,
    /// Where it was destroyed.
    destroyed: OnceLock<String>,
}

impl<T> Clone for Broadcast<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Broadcast<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<T> fmt::Display for Broadcast<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Broadcast({})", self.0.id)
    }
}

impl<T: Send + Sync + 'static> Broadcast<T> {
    /// Identity.
    pub fn id(&self) -> BroadcastId {
        self.0.id
    }

    /// The value.
    ///
    /// # Panics
    /// After [`Broadcast::destroy`], with Spark's text: a task that does this fails.
    pub fn value(&self) -> &T {
        if let Some(place) = self.0.destroyed.get() {
            panic!("Attempted to use {self} after it was destroyed ({place}) ");
        }
        &self.0.value
    }

    /// Forbids every further read. A second call changes nothing.
    #[track_caller]
    pub fn destroy(&self) {
        let place = callsite("destroy", Location::caller());
        self.0.destroyed.get_or_init(|| place);
    }
}

impl SparkContext {
    /// A value for tasks to read.
    ///
    /// # Panics
    /// Inside a task (R1.10).
    pub fn broadcast<T: Send + Sync + 'static>(&self, value: T) -> Broadcast<T> {
        self.assert_not_in_task();
        Broadcast(Arc::new(Inner { id: self.new_broadcast_id(), value, destroyed: OnceLock::new() }))
    }
}
