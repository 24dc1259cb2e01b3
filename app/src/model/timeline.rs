//! The event log with model snapshots: any moment of the past is a snapshot and a short fold.

use super::Model;
use super::marks::{Mark, mark_of};
use faultline_engine::event::Envelope;
use faultline_engine::ids::Timestamp;
use std::sync::Arc;

/// Envelopes in one segment: the most that a seek folds. A snapshot shares structure with its
/// neighbours, so a shorter segment would cost memory for the states touched, not for whole models.
pub const SEGMENT_LEN: usize = 512;

/// The most that the time between two envelopes counts on the way from the beginning to the end: what
/// is longer is idle, and a stream that waits for its next batch would fill the scale with nothing.
pub const IDLE_NS_MAX: u64 = 200_000_000;

/// Which moment of a run is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    /// The newest one, whatever comes.
    #[default]
    Live,
    /// The moment after so many envelopes.
    Past {
        /// Envelopes from the beginning.
        position: usize,
    },
}

/// Some consecutive envelopes and the model before the first of them.
#[derive(Clone, Debug)]
struct Segment {
    before: Model,
    /// Busy time before the first envelope.
    busy_ns: u64,
    envelopes: Arc<Vec<Envelope>>,
}

/// Every envelope seen so far and the model after the last one.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    segments: Vec<Segment>,
    live: Model,
    len: usize,
    busy_ns: u64,
    marks: Vec<Mark>,
}

impl Timeline {
    /// Nothing seen yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next envelope.
    pub fn push(&mut self, envelope: Envelope) {
        if self.len.is_multiple_of(SEGMENT_LEN) {
            let envelopes = Arc::new(Vec::with_capacity(SEGMENT_LEN));
            self.segments.push(Segment { before: self.live.clone(), busy_ns: self.busy_ns, envelopes });
        }
        if self.len > 0 {
            self.busy_ns += busy_ns(self.live.now, envelope.at);
        }
        self.live.apply(&envelope);
        self.len += 1;
        if let Some(what) = mark_of(&envelope.event) {
            self.marks.push(Mark { position: self.len, busy_ns: self.busy_ns, what });
        }
        if let Some(segment) = self.segments.last_mut() {
            Arc::make_mut(&mut segment.envelopes).push(envelope);
        }
    }

    /// How many envelopes.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The model after the last envelope.
    pub const fn live(&self) -> &Model {
        &self.live
    }

    /// The model after the first `n` envelopes; the live one when there are not more.
    pub fn seek(&self, n: usize) -> Model {
        if n >= self.len {
            return self.live.clone();
        }
        let segment = &self.segments[n / SEGMENT_LEN];
        let mut model = segment.before.clone();
        for envelope in &segment.envelopes[..n % SEGMENT_LEN] {
            model.apply(envelope);
        }
        model
    }

    /// As [`Timeline::seek`], from a model that is near: `near` is one after `from` envelopes. Folds on
    /// from there when that is shorter than from the snapshot.
    pub fn seek_from(&self, (from, mut near): (usize, Model), n: usize) -> Model {
        if from > n || n >= self.len || n - from > n % SEGMENT_LEN {
            return self.seek(n);
        }
        self.envelopes_from(from).take(n - from).for_each(|envelope| near.apply(envelope));
        near
    }

    /// The `n`-th envelope, from 0.
    pub fn envelope(&self, n: usize) -> Option<&Envelope> {
        self.segments.get(n / SEGMENT_LEN)?.envelopes.get(n % SEGMENT_LEN)
    }

    /// The envelopes from the `n`-th on, in order.
    pub fn envelopes_from(&self, n: usize) -> impl Iterator<Item = &Envelope> {
        let segments = self.segments.get(n / SEGMENT_LEN..).unwrap_or_default();
        segments.iter().flat_map(|s| s.envelopes.iter()).skip(n % SEGMENT_LEN)
    }

    /// Moments worth a mark, in order.
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// When the last of the first `n` envelopes happened.
    pub fn time_at(&self, n: usize) -> Option<Timestamp> {
        Some(self.envelope(n.checked_sub(1)?)?.at)
    }

    /// Time from the beginning to the end, where no wait counts more than [`IDLE_NS_MAX`].
    pub const fn busy_ns(&self) -> u64 {
        self.busy_ns
    }

    /// Of that time, what had passed after the first `n` envelopes.
    pub fn busy_ns_at(&self, n: usize) -> u64 {
        let Some(last) = n.min(self.len).checked_sub(1) else { return 0 };
        let segment = &self.segments[last / SEGMENT_LEN];
        self.busy_inside(last / SEGMENT_LEN).nth(last % SEGMENT_LEN).unwrap_or(segment.busy_ns)
    }

    /// The position at which so much of that time had passed: after every envelope of that moment, so
    /// that nobody is shown half of what happened at once.
    pub fn position_at_busy_ns(&self, busy_ns: u64) -> usize {
        let after = self.segments.partition_point(|s| s.busy_ns <= busy_ns);
        let Some(segment) = after.checked_sub(1) else { return 0 };
        segment * SEGMENT_LEN + self.busy_inside(segment).take_while(|&ns| ns <= busy_ns).count()
    }

    /// Busy time after each envelope of a segment.
    fn busy_inside(&self, segment: usize) -> impl Iterator<Item = u64> {
        let inside = self.segments.get(segment);
        let before = inside.map_or((Timestamp::default(), 0), |s| (s.before.now, s.busy_ns));
        let envelopes = inside.map(|s| s.envelopes.iter()).into_iter().flatten().enumerate();
        envelopes.scan(before, move |(now, busy), (at, envelope)| {
            if segment > 0 || at > 0 {
                *busy += busy_ns(*now, envelope.at);
            }
            *now = envelope.at;
            Some(*busy)
        })
    }
}

/// What the time between two envelopes counts.
fn busy_ns(earlier: Timestamp, later: Timestamp) -> u64 {
    later.ns_since(earlier).min(IDLE_NS_MAX)
}
