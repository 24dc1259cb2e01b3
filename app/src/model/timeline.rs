//! The newest part of the event log with model snapshots: any moment of it is a snapshot and a short fold.
//!
//! Positions count envelopes from the beginning of the run, also when the first of them are no longer kept.

use super::Model;
use super::marks::{Mark, mark_of};
use super::retention::MAX_ENVELOPES;
use faultline_engine::event::Envelope;
use faultline_engine::ids::Timestamp;
use std::collections::VecDeque;
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

/// The last [`MAX_ENVELOPES`] envelopes, or a segment less, and the model after the last one.
#[derive(Clone, Debug)]
pub struct Timeline {
    segments: VecDeque<Segment>,
    max_segments: usize,
    live: Model,
    /// Envelopes that are no longer kept.
    first: usize,
    len: usize,
    busy_ns: u64,
    marks: Vec<Mark>,
}

impl Default for Timeline {
    fn default() -> Self {
        Self::keeping(MAX_ENVELOPES)
    }
}

impl Timeline {
    /// Nothing seen yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// As [`Timeline::new`], keeping `envelopes` at most, in whole segments, and one segment at least.
    pub fn keeping(envelopes: usize) -> Self {
        let max_segments = (envelopes / SEGMENT_LEN).max(1);
        let (segments, live, marks) = (VecDeque::new(), Model::default(), Vec::new());
        Self { segments, max_segments, live, first: 0, len: 0, busy_ns: 0, marks }
    }

    /// Takes the next envelope.
    pub fn push(&mut self, envelope: Envelope) {
        if self.len.is_multiple_of(SEGMENT_LEN) {
            self.forget_oldest();
            let envelopes = Arc::new(Vec::with_capacity(SEGMENT_LEN));
            self.segments.push_back(Segment { before: self.live.clone(), busy_ns: self.busy_ns, envelopes });
        }
        if self.len > 0 {
            self.busy_ns += busy_ns(self.live.now, envelope.at);
        }
        self.live.apply(&envelope);
        self.len += 1;
        if let Some(what) = mark_of(&envelope.event) {
            self.marks.push(Mark { position: self.len, busy_ns: self.busy_ns, what });
        }
        if let Some(segment) = self.segments.back_mut() {
            Arc::make_mut(&mut segment.envelopes).push(envelope);
        }
    }

    /// Makes room for another segment.
    fn forget_oldest(&mut self) {
        if self.segments.len() < self.max_segments {
            return;
        }
        self.segments.pop_front();
        self.first += SEGMENT_LEN;
        let gone = self.marks.partition_point(|mark| mark.position <= self.first);
        self.marks.drain(..gone);
    }

    /// The segment of the `n`-th envelope, from 0, and its place there.
    const fn place_of(&self, n: usize) -> Option<(usize, usize)> {
        match n.checked_sub(self.first) {
            Some(kept) => Some((kept / SEGMENT_LEN, kept % SEGMENT_LEN)),
            None => None,
        }
    }

    /// The earliest position that can be shown: so many envelopes are no longer kept.
    pub const fn first(&self) -> usize {
        self.first
    }

    /// How many envelopes there were.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there was none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The model after the last envelope.
    pub const fn live(&self) -> &Model {
        &self.live
    }

    /// The model after the first `n` envelopes; the live one when there are not more, the one at
    /// [`Timeline::first`] when those are no longer kept.
    pub fn seek(&self, n: usize) -> Model {
        let place = self.place_of(n.max(self.first)).filter(|_| n < self.len);
        let found = place.and_then(|(segment, within)| Some((self.segments.get(segment)?, within)));
        let Some((segment, within)) = found else { return self.live.clone() };
        let mut model = segment.before.clone();
        segment.envelopes.iter().take(within).for_each(|envelope| model.apply(envelope));
        model
    }

    /// As [`Timeline::seek`], from a model that is near: `near` is one after `from` envelopes. Folds on
    /// from there when that is shorter than from the snapshot.
    pub fn seek_from(&self, (from, mut near): (usize, Model), n: usize) -> Model {
        if from > n || n >= self.len || from < self.first || n - from > n % SEGMENT_LEN {
            return self.seek(n);
        }
        self.envelopes_from(from).take(n - from).for_each(|envelope| near.apply(envelope));
        near
    }

    /// The `n`-th envelope, from 0, if it is kept.
    pub fn envelope(&self, n: usize) -> Option<&Envelope> {
        let (segment, within) = self.place_of(n)?;
        self.segments.get(segment)?.envelopes.get(within)
    }

    /// The envelopes that are kept from the `n`-th on, in order.
    pub fn envelopes_from(&self, n: usize) -> impl Iterator<Item = &Envelope> {
        let (segment, within) = self.place_of(n).unwrap_or_default();
        self.segments.iter().skip(segment).flat_map(|s| s.envelopes.iter()).skip(within)
    }

    /// Moments worth a mark that can be shown, in order.
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

    /// Of that time, what had passed at [`Timeline::first`].
    pub fn first_busy_ns(&self) -> u64 {
        self.segments.front().map_or(0, |segment| segment.busy_ns)
    }

    /// Of that time, what had passed after the first `n` envelopes, or at [`Timeline::first`].
    pub fn busy_ns_at(&self, n: usize) -> u64 {
        let place = n.min(self.len).checked_sub(1).and_then(|last| self.place_of(last));
        let busy = place.and_then(|(segment, within)| self.busy_inside(segment).nth(within));
        busy.unwrap_or_else(|| self.first_busy_ns())
    }

    /// The position at which so much of that time had passed: after every envelope of that moment, so
    /// that nobody is shown half of what happened at once.
    pub fn position_at_busy_ns(&self, busy_ns: u64) -> usize {
        let after = self.segments.partition_point(|s| s.busy_ns <= busy_ns);
        let Some(segment) = after.checked_sub(1) else { return self.first };
        let inside = self.busy_inside(segment).take_while(|&ns| ns <= busy_ns).count();
        self.first + segment * SEGMENT_LEN + inside
    }

    /// Busy time after each envelope of a segment.
    fn busy_inside(&self, segment: usize) -> impl Iterator<Item = u64> {
        let inside = self.segments.get(segment);
        let before = inside.map_or((Timestamp::default(), 0), |s| (s.before.now, s.busy_ns));
        let envelopes = inside.map(|s| s.envelopes.iter()).into_iter().flatten().enumerate();
        envelopes.scan(before, move |(now, busy), (at, envelope)| {
            if self.first > 0 || segment > 0 || at > 0 {
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
