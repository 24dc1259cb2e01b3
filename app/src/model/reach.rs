//! What recovery still reaches: how many RDDs read each one, and what a cut leaves behind.
//!
//! An RDD behind a cut is a ghost once nothing reads it: at the cut, or later, when the last reader is
//! released, for example the output of an old batch. The newest RDDs have no reader either, but no cut
//! in front of them, so they stay.

use super::Model;
use faultline_engine::event::DependencyInfo;
use faultline_engine::ids::*;
use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

/// Why an RDD is read no more.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadsEnd {
    /// Its reader has a checkpoint, or is itself no longer reached.
    Cut,
    /// Its reader was released.
    Released,
}

fn distinct(parents: &[DependencyInfo]) -> BTreeSet<RddId> {
    parents.iter().map(|parent| parent.rdd).collect()
}

impl Model {
    /// A new reader of these.
    pub(super) fn reads_begin(&mut self, parents: &[DependencyInfo]) {
        for parent in distinct(parents) {
            *self.index.readers.entry(parent).or_default() += 1;
        }
    }

    /// One reader of these less. What nobody reads any more behind a cut becomes a ghost, and so on up.
    pub(super) fn reads_end(&mut self, parents: &[DependencyInfo], why: ReadsEnd) {
        let mut todo: Vec<(RddId, ReadsEnd)> = distinct(parents).into_iter().map(|parent| (parent, why)).collect();
        while let Some((id, why)) = todo.pop() {
            let readers = self.index.readers.entry(id).or_default();
            *readers = readers.saturating_sub(1);
            let unread = *readers == 0;
            if why == ReadsEnd::Cut {
                self.index.behind_cuts.insert(id);
            }
            if !unread || !self.index.behind_cuts.contains(&id) {
                continue;
            }
            let Some(rdd) = self.rdd_mut(id).filter(|rdd| !rdd.ghost && !rdd.released) else { continue };
            rdd.ghost = true;
            todo.extend(distinct(&rdd.info.parents).into_iter().map(|parent| (parent, ReadsEnd::Cut)));
            self.note_behind(id);
        }
    }

    /// Counts a ghost among those of the cut in front of it.
    fn note_behind(&mut self, id: RddId) {
        let next = self.checkpoints.range((Bound::Excluded(id), Bound::Unbounded)).next().map(|(&cut, _)| cut);
        let Some(checkpoint) = next.and_then(|cut| self.checkpoints.get_mut(&cut)) else { return };
        if let Err(place) = checkpoint.released.binary_search(&id) {
            Arc::make_mut(checkpoint).released.insert(place, id);
        }
    }

    pub(super) fn forget_reach(&mut self, id: RddId) {
        self.index.readers.remove(&id);
        self.index.behind_cuts.remove(&id);
    }
}
