//! The event log with model snapshots: any moment of the past is a snapshot and a short fold.

use super::Model;
use faultline_engine::event::Envelope;
use std::sync::Arc;

/// Envelopes in one segment: the most that a seek folds. A snapshot shares structure with its
/// neighbours, so a shorter segment would cost memory for the states touched, not for whole models.
pub const SEGMENT_LEN: usize = 1024;

/// Some consecutive envelopes and the model before the first of them.
#[derive(Clone, Debug)]
struct Segment {
    before: Model,
    envelopes: Arc<Vec<Envelope>>,
}

/// Every envelope seen so far and the model after the last one.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    segments: Vec<Segment>,
    live: Model,
    len: usize,
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
            self.segments.push(Segment { before: self.live.clone(), envelopes });
        }
        self.live.apply(&envelope);
        self.len += 1;
        if let Some(segment) = self.segments.last_mut() {
            Arc::make_mut(&mut segment.envelopes).push(envelope);
        }
    }

    /// How many envelopes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The model after the last envelope.
    pub fn live(&self) -> &Model {
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

    /// The `n`-th envelope, from 0.
    pub fn envelope(&self, n: usize) -> Option<&Envelope> {
        self.segments.get(n / SEGMENT_LEN)?.envelopes.get(n % SEGMENT_LEN)
    }

    /// The envelopes from the `n`-th on, in order.
    pub fn envelopes_from(&self, n: usize) -> impl Iterator<Item = &Envelope> {
        let segments = self.segments.get(n / SEGMENT_LEN..).unwrap_or_default();
        segments.iter().flat_map(|s| s.envelopes.iter()).skip(n % SEGMENT_LEN)
    }
}
