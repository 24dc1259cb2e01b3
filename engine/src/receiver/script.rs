//! What a scripted receiver receives: records at times, so that a program with receivers can be simulated.

use crate::ids::*;
use crate::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::sync::OnceLock;

/// Something that happens to a scripted receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival<T> {
    /// When, since its receiver was first started.
    pub at: Millis,
    /// What.
    pub what: Arrived<T>,
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrived<T> {
    /// Records come, and are stored one by one.
    Records(Vec<T>),
    /// Records come, and are stored together as a block of their own.
    Block(Vec<T>),
    /// The receiver reports an error and goes on.
    Error {
        /// What it says.
        message: String,
    },
    /// The receiver asks to be started again.
    Restart {
        /// Why.
        message: String,
        /// After how long; none is `spark.streaming.receiverRestartDelay`.
        delay: Option<Millis>,
    },
    /// The receiver stops itself.
    Stop {
        /// Why.
        message: String,
    },
}

/// The script of one receiver with how far it has come. What happens while the receiver does not run is lost,
/// as with a socket.
pub(super) struct Script<T> {
    arrival: Box<dyn Fn(u64) -> Option<Arrival<T>> + Send + Sync>,
    next: AtomicU64,
    begun: OnceLock<Timestamp>,
}

impl<T> Script<T> {
    pub fn new(arrival: impl Fn(u64) -> Option<Arrival<T>> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { arrival: Box::new(arrival), next: AtomicU64::new(0), begun: OnceLock::new() })
    }

    /// The receiver starts at `now`; its times count from the first start.
    pub fn begin(&self, now: Timestamp) {
        self.begun.get_or_init(|| now);
    }

    /// What happens next, and when.
    pub fn peek(&self) -> Option<(Timestamp, Arrived<T>)> {
        let Arrival { at, what } = (self.arrival)(self.next.load(Ordering::Relaxed))?;
        Some((self.begun.get()?.plus(at), what))
    }

    /// It happened.
    pub fn pass(&self) {
        self.next.fetch_add(1, Ordering::Relaxed);
    }
}
