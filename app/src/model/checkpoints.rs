//! Checkpoints: marked, written, and the cut they make in the lineage.

use super::Model;
use super::reach::ReadsEnd;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use std::sync::Arc;

/// A finished checkpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckpointState {
    /// RDD that was saved.
    pub rdd: RddId,
    /// RDD that reads it.
    pub checkpoint_rdd: RddId,
    /// Directory in the store.
    pub path: String,
    /// Parts.
    pub parts: Vec<CheckpointPart>,
    /// When finished.
    pub at: Timestamp,
    /// RDDs that recovery no longer reaches, by id.
    pub released: Vec<RddId>,
    /// Whether the store holds its files: it does not for a local checkpoint, nor once they are deleted.
    pub in_store: bool,
}

/// Spark's class of an RDD that reads a checkpoint's files.
pub const CHECKPOINT_RDD_CLASS: &str = "ReliableCheckpointRDD";

/// Spark's class of the RDD that stands in for the parents of a local checkpoint, and reads nothing.
pub const LOCAL_CHECKPOINT_RDD_CLASS: &str = "LocalCheckpointRDD";

impl Model {
    pub(super) fn checkpoint_marked(&mut self, id: RddId) {
        if let Some(rdd) = self.rdd_mut(id) {
            rdd.checkpoint_marked = true;
        }
    }

    pub(super) fn checkpoint_started(&mut self, id: RddId) {
        if let Some(rdd) = self.rdd_mut(id) {
            rdd.checkpoint_writing = true;
        }
    }

    /// The mark stays, so it is tried again.
    pub(super) fn checkpoint_failed(&mut self, id: RddId, error: &str) {
        self.index.second_jobs.remove(&id);
        if let Some(rdd) = self.rdd_mut(id) {
            rdd.checkpoint_writing = false;
        }
        self.tell_checkpoint_failed(error);
    }

    pub(super) fn checkpoint_completed(
        &mut self,
        id: RddId,
        checkpoint_rdd: &RddInfo,
        path: &str,
        parts: &[CheckpointPart],
        released: &[RddId],
    ) {
        self.rdd_registered(checkpoint_rdd);
        let in_store = checkpoint_rdd.class != LOCAL_CHECKPOINT_RDD_CLASS;
        self.cut(id, checkpoint_rdd.id, in_store.then_some(path));
        let mut released = released.to_vec();
        released.sort_unstable();
        for &behind in &released {
            let Some(rdd) = self.rdd_mut(behind).filter(|rdd| !rdd.ghost) else { continue };
            rdd.ghost = true;
            if !rdd.released {
                let parents = rdd.info.parents.clone();
                self.reads_end(&parents, ReadsEnd::Cut);
            }
        }
        let checkpoint = CheckpointState {
            rdd: id,
            checkpoint_rdd: checkpoint_rdd.id,
            path: path.to_owned(),
            parts: parts.to_vec(),
            at: self.now,
            released,
            in_store,
        };
        self.checkpoints.insert(id, Arc::new(checkpoint));
        let second_job = self.index.second_jobs.remove(&id).is_some();
        self.tell_checkpoint_completed(id, parts.len(), second_job);
    }

    /// Its files are gone; the lineage stays cut.
    pub(super) fn checkpoint_deleted(&mut self, id: RddId) {
        if let Some(checkpoint) = self.checkpoints.get_mut(&id) {
            Arc::make_mut(checkpoint).in_store = false;
        }
        if let Some(rdd) = self.rdd_mut(id) {
            rdd.checkpoint_path = None;
        }
    }

    /// A new RDD reads `ids`: what a cut left behind, and a window reads again, recovery reaches again.
    pub(super) fn needed_again(&mut self, mut ids: Vec<RddId>) {
        while let Some(id) = ids.pop() {
            let Some(rdd) = self.rdds.get(&id).filter(|r| r.ghost && !r.released) else { continue };
            ids.extend(rdd.info.parents.iter().map(|parent| parent.rdd));
            let parents = rdd.info.parents.clone();
            self.reads_begin(&parents);
            if let Some(rdd) = self.rdd_mut(id) {
                rdd.ghost = false;
            }
            let behind = |c: &Arc<CheckpointState>| c.released.binary_search(&id).ok();
            let at = self.checkpoints.iter().rev().find_map(|(&cut, c)| Some((cut, behind(c)?)));
            if let Some((cut, place)) = at
                && let Some(checkpoint) = self.checkpoints.get_mut(&cut)
            {
                Arc::make_mut(checkpoint).released.remove(place);
            }
        }
    }

    /// Replaces the parents by the RDD that reads what was saved (R9.11). With files nothing of it counts
    /// as lost any more, because every partition can be read from its part.
    fn cut(&mut self, id: RddId, checkpoint_rdd: RddId, path: Option<&str>) {
        let Some(rdd) = self.rdd_mut(id) else { return };
        let parents = vec![DependencyInfo { rdd: checkpoint_rdd, kind: DependencyKind::OneToOne }];
        let mut cut_off = Vec::new();
        if rdd.info.parents != parents {
            rdd.cut_parents = std::mem::replace(&mut rdd.info.parents, parents.clone());
            cut_off.clone_from(&rdd.cut_parents);
        }
        rdd.checkpoint_writing = false;
        rdd.checkpoint_path = path.map(str::to_owned);
        if path.is_some() {
            for partition in rdd.partitions.iter_mut() {
                partition.lost_with = None;
            }
        }
        if !cut_off.is_empty() {
            self.reads_begin(&parents);
            self.reads_end(&cut_off, ReadsEnd::Cut);
        }
    }
}
