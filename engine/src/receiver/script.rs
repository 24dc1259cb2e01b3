//! What a scripted receiver receives: records at times, so that a program with receivers can be simulated.

use super::generator::{Clients, Numbering};
use crate::ids::*;
use crate::sync::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// Something that happens to a scripted receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival<T> {
    /// When, since a receiver of its source was first started.
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

/// What a source does about what its receiver has not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Nothing, as a socket: what it sends while the receiver does not run, nobody hears.
    Once,
    /// It sends again what was not acknowledged, to whichever start of the receiver runs then. A block that was
    /// stored but not acknowledged comes twice.
    UntilAcknowledged,
    /// The same with a number for each arrival, one at a time: what was stored is known, and dropped when it comes
    /// again.
    Numbered,
}

/// The name under which a numbered source is known in the metadata of blocks.
const CLIENT: &str = "script";

/// The world behind a scripted receiver: what it sends at which times, how far it is, and what became of it. It lives
/// as long as somebody holds it, so one that is made outside of the program outlives drivers. It remembers all of its
/// arrivals.
pub struct ScriptedSource<T> {
    arrival: Box<dyn Fn(u64) -> Option<Arrival<T>> + Send + Sync>,
    delivery: Delivery,
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    next: u64,
    begun: Option<Timestamp>,
    /// Arrivals that the receiver took, with the time, in order; those that came again again.
    heard: Vec<(u64, Timestamp)>,
    /// Arrivals that this start of the receiver has gathered, and not put into a block.
    gathered: Vec<u64>,
    /// Arrivals of blocks for which this start of the receiver has no answer.
    unanswered: BTreeMap<InputBlockId, Vec<u64>>,
    /// What each block was made of.
    blocks: BTreeMap<InputBlockId, Vec<u64>>,
    acknowledged: BTreeSet<u64>,
}

impl Progress {
    fn is_under_way(&self, n: u64) -> bool {
        self.gathered.contains(&n) || self.unanswered.values().flatten().any(|of| *of == n)
    }
}

impl<T> ScriptedSource<T> {
    /// A source whose n-th arrival, from 0, is `arrival(n)`, with times that never fall.
    pub fn new(delivery: Delivery, arrival: impl Fn(u64) -> Option<Arrival<T>> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { arrival: Box::new(arrival), delivery, progress: Mutex::default() })
    }

    /// Arrivals that a receiver took, with the time, in order. One that came again is there again.
    pub fn heard(&self) -> Vec<(u64, Timestamp)> {
        self.progress.lock().heard.clone()
    }

    /// Which arrivals were put into which block.
    pub fn blocks(&self) -> BTreeMap<InputBlockId, Vec<u64>> {
        self.progress.lock().blocks.clone()
    }

    /// Arrivals of which a receiver was told that they are stored.
    pub fn acknowledged(&self) -> BTreeSet<u64> {
        self.progress.lock().acknowledged.clone()
    }

    /// Another start of its receiver listens; what an earlier one had under way will not be answered.
    pub(super) fn listened(&self) {
        let mut progress = self.progress.lock();
        progress.gathered.clear();
        progress.unanswered.clear();
    }

    /// The receiver starts at `now`, for the first time or again; times count from the first start.
    pub(super) fn begin(&self, now: Timestamp) {
        self.progress.lock().begun.get_or_insert(now);
        match self.delivery {
            Delivery::Once => {
                while self.peek().is_some_and(|(at, _)| at < now) {
                    self.progress.lock().next += 1;
                }
            }
            Delivery::UntilAcknowledged | Delivery::Numbered => self.progress.lock().next = 0,
        }
    }

    /// What happens next, and when.
    pub(super) fn peek(&self) -> Option<(Timestamp, Arrived<T>)> {
        let (n, begun) = {
            let mut progress = self.progress.lock();
            if self.delivery == Delivery::Numbered && !progress.unanswered.is_empty() {
                return None;
            }
            while progress.acknowledged.contains(&progress.next) || progress.is_under_way(progress.next) {
                progress.next += 1;
            }
            (progress.next, progress.begun?)
        };
        let Arrival { at, what } = (self.arrival)(n)?;
        Some((begun.plus(at), what))
    }

    /// It happened at `now`. Returns its number.
    pub(super) fn pass(&self, now: Timestamp) -> u64 {
        let mut progress = self.progress.lock();
        let n = progress.next;
        progress.next += 1;
        progress.heard.push((n, now));
        n
    }

    /// An arrival that brings no records is over.
    pub(super) fn over(&self, n: u64) {
        self.progress.lock().acknowledged.insert(n);
    }

    /// All records of an arrival were gathered.
    pub(super) fn gathered(&self, n: u64) {
        self.progress.lock().gathered.push(n);
    }

    /// What was gathered is a block.
    pub(super) fn cut(&self, block: InputBlockId) {
        let mut progress = self.progress.lock();
        let gathered = std::mem::take(&mut progress.gathered);
        progress.blocks.insert(block, gathered.clone());
        progress.unanswered.insert(block, gathered);
    }

    /// An arrival is a block of its own.
    pub(super) fn put(&self, n: u64, block: InputBlockId) {
        let mut progress = self.progress.lock();
        progress.blocks.insert(block, vec![n]);
        progress.unanswered.insert(block, vec![n]);
    }

    /// What a block of its own says about arrival `n`.
    pub(super) fn numbering(&self, n: u64) -> Numbering {
        match self.delivery {
            Delivery::Numbered => Numbering { clients: Clients::from([(CLIENT.to_owned(), n + 1)]), duplicates: 0 },
            Delivery::Once | Delivery::UntilAcknowledged => Numbering::default(),
        }
    }

    /// Arrivals that the driver has, although nobody has told the source so: they are acknowledged.
    pub(super) fn known(&self, clients: &Clients) {
        if self.delivery == Delivery::Numbered {
            self.progress.lock().acknowledged.extend(0..clients.get(CLIENT).copied().unwrap_or(0));
        }
    }

    /// The receiver was told what became of a block.
    pub(super) fn answered(&self, block: InputBlockId, stored: bool) {
        let mut progress = self.progress.lock();
        let Some(arrivals) = progress.unanswered.remove(&block) else { return };
        if stored {
            progress.acknowledged.extend(arrivals);
        } else if self.delivery != Delivery::Once {
            progress.next = arrivals.first().map_or(progress.next, |first| progress.next.min(*first));
        }
    }
}

impl<T> fmt::Debug for ScriptedSource<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedSource").field("delivery", &self.delivery).finish_non_exhaustive()
    }
}
