//! RDDs and their dependencies as they are now.

use super::reach::ReadsEnd;
use super::retention::MAX_PARTITIONS;
use super::{CHECKPOINT_RDD_CLASS, Chunked, LOCAL_CHECKPOINT_RDD_CLASS, Model, PartitionState};
use faultline_engine::event::*;
use faultline_engine::ids::*;
use std::sync::Arc;

/// One RDD and what is known of its partitions.
#[derive(Clone, Debug, PartialEq)]
pub struct RddState {
    /// As announced, with the parents and level of now.
    pub info: RddInfo,
    /// Parents before a checkpoint cut them; empty when never cut. Drawn as ghosts.
    pub cut_parents: Vec<DependencyInfo>,
    /// Partition facts, `0..num_partitions`.
    pub partitions: Chunked<PartitionState>,
    /// `checkpoint()` was called.
    pub checkpoint_marked: bool,
    /// A checkpoint job is writing it now.
    pub checkpoint_writing: bool,
    /// The checkpoint that holds it, by directory.
    pub checkpoint_path: Option<String>,
    /// Behind a cut: recovery no longer reaches it.
    pub ghost: bool,
    /// Unreachable in the engine: nothing of it can be read again.
    pub released: bool,
}

impl RddState {
    /// A newly announced RDD of which nothing was computed.
    pub fn new(info: RddInfo) -> Self {
        let partitions = (0..info.num_partitions.min(MAX_PARTITIONS)).map(|_| PartitionState::default()).collect();
        Self {
            info,
            cut_parents: Vec::new(),
            partitions,
            checkpoint_marked: false,
            checkpoint_writing: false,
            checkpoint_path: None,
            ghost: false,
            released: false,
        }
    }

    /// Whether it only reads a checkpoint's files, or stands in for the parents of a local checkpoint: no
    /// operator of the program made it.
    pub fn reads_checkpoint_files(&self) -> bool {
        self.info.class == CHECKPOINT_RDD_CLASS || self.info.class == LOCAL_CHECKPOINT_RDD_CLASS
    }

    /// What is known of a partition.
    pub fn partition(&self, partition: PartitionId) -> Option<&PartitionState> {
        self.partitions.get(partition.0 as usize)
    }
}

impl Model {
    pub(super) fn rdd_registered(&mut self, info: &RddInfo) {
        if self.rdds.contains_key(&info.id) {
            return;
        }
        for parent in &info.parents {
            if let DependencyKind::Shuffle { shuffle } = parent.kind {
                let maps = self.rdds.get(&parent.rdd).map_or(0, |r| r.info.num_partitions);
                self.register_shuffle(shuffle, parent.rdd, maps);
            }
        }
        self.needed_again(info.parents.iter().map(|parent| parent.rdd).collect());
        self.reads_begin(&info.parents);
        let rdd = RddState::new(info.clone());
        if !rdd.reads_checkpoint_files() {
            let instances = self.operators.entry(info.op.operator.clone()).or_default();
            let instances = instances.entry(info.op.batch).or_default();
            // What an earlier life of the driver made of a batch is not what runs now.
            let former = self.index.former_rdds;
            if instances.iter().all(|id| *id < former) {
                instances.clear();
            }
            instances.push_back(info.id);
        }
        self.rdds.insert(info.id, Arc::new(rdd));
    }

    pub(super) fn rdd_released(&mut self, id: RddId) {
        let Some(rdd) = self.rdd_mut(id).filter(|rdd| !rdd.released) else { return };
        rdd.released = true;
        let reads = (!rdd.ghost).then(|| rdd.info.parents.clone());
        self.index.released.push_back(id);
        if let Some(parents) = reads {
            self.reads_end(&parents, ReadsEnd::Released);
        }
    }

    pub(super) fn rdd_mut(&mut self, id: RddId) -> Option<&mut RddState> {
        self.rdds.get_mut(&id).map(Arc::make_mut)
    }

    pub(super) fn partition_mut(&mut self, block: BlockId) -> Option<&mut PartitionState> {
        self.rdd_mut(block.rdd)?.partitions.get_mut(block.partition.0 as usize)
    }
}
