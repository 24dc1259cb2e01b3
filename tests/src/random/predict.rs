//! The partitions that an action must compute again after a loss: from the lineage, the stored blocks, the
//! map outputs and the checkpoints, without asking the scheduler.

use crate::log;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use std::collections::{BTreeMap, BTreeSet};

/// What is known before the loss.
struct Knowledge {
    rdds: BTreeMap<RddId, RddInfo>,
    checkpointed: BTreeSet<RddId>,
    /// Blocks with the executors that hold them.
    stored: BTreeMap<BlockId, BTreeSet<ExecutorId>>,
    /// Map outputs of each map-side RDD and shuffle.
    outputs: BTreeMap<ShuffleId, BTreeMap<PartitionId, ExecutorId>>,
    lost: ExecutorId,
    predicted: BTreeSet<(RddId, PartitionId)>,
    repaired: BTreeSet<ShuffleId>,
}

/// The partitions that an action on `last` computes again because `lost` died after `before`.
pub fn predict(before: &[Envelope], last: RddId, lost: ExecutorId) -> BTreeSet<(RddId, PartitionId)> {
    let mut known = Knowledge {
        rdds: BTreeMap::new(),
        checkpointed: BTreeSet::new(),
        stored: BTreeMap::new(),
        outputs: BTreeMap::new(),
        lost,
        predicted: BTreeSet::new(),
        repaired: BTreeSet::new(),
    };
    known.learn(before);
    known.stage(last, None);
    known.predicted
}

impl Knowledge {
    fn learn(&mut self, log: &[Envelope]) {
        let mut shuffles: BTreeMap<StageId, ShuffleId> = BTreeMap::new();
        for e in log {
            match &e.event {
                Event::RddRegistered { rdd } => drop(self.rdds.insert(rdd.id, rdd.clone())),
                Event::CheckpointCompleted { rdd, .. } => drop(self.checkpointed.insert(*rdd)),
                Event::StageSubmitted { stage } => {
                    if let Some(shuffle) = stage.shuffle {
                        shuffles.insert(stage.id.stage, shuffle);
                    }
                }
                Event::TaskEnd { task, reason: TaskEndReason::Success, .. } => {
                    if let Some(shuffle) = shuffles.get(&task.stage.stage) {
                        self.outputs.entry(*shuffle).or_default().insert(task.partition, task.executor);
                    }
                }
                _ => {}
            }
        }
        for (block, executor) in log::stored(log) {
            self.stored.entry(block).or_default().insert(executor);
        }
    }

    fn survives(&self, block: BlockId) -> bool {
        self.stored.get(&block).is_some_and(|at| at.iter().any(|e| *e != self.lost))
    }

    /// The shuffles that a stage ending with `root` reads: not past an RDD that is stored whole, nor
    /// past a checkpoint.
    fn shuffles_of(&self, root: RddId) -> Vec<(ShuffleId, RddId)> {
        let (mut found, mut seen, mut todo) = (Vec::new(), BTreeSet::new(), vec![root]);
        while let Some(id) = todo.pop() {
            let Some(rdd) = self.rdds.get(&id).filter(|_| seen.insert(id)) else { continue };
            let whole = rdd.num_partitions > 0
                && (0..rdd.num_partitions).all(|p| self.survives(BlockId::new(id, PartitionId(p))));
            if whole || self.checkpointed.contains(&id) {
                continue;
            }
            for parent in &rdd.parents {
                match parent.kind {
                    DependencyKind::Shuffle { shuffle, .. } => found.push((shuffle, parent.rdd)),
                    _ => todo.push(parent.rdd),
                }
            }
        }
        found
    }

    /// A stage that ends with `root` runs: all its partitions, or those of lost map outputs.
    fn stage(&mut self, root: RddId, outputs: Option<ShuffleId>) {
        let partitions: Vec<PartitionId> = match outputs.map(|s| self.outputs.get(&s)) {
            None => (0..self.rdds[&root].num_partitions).map(PartitionId).collect(),
            // One lost output of an indeterminate stage is the loss of all (R3.11).
            Some(maps) => {
                let lost = |at: &ExecutorId| *at == self.lost;
                let whole = self.rdds[&root].determinism == Determinism::Indeterminate;
                let all = whole && maps.into_iter().flatten().any(|(_, at)| lost(at));
                maps.into_iter().flatten().filter(|(_, at)| all || lost(at)).map(|(map, _)| *map).collect()
            }
        };
        if partitions.is_empty() {
            return;
        }
        for (shuffle, parent) in self.shuffles_of(root) {
            if self.repaired.insert(shuffle) {
                self.stage(parent, Some(shuffle));
            }
        }
        for partition in partitions {
            self.walk(root, partition, outputs.is_some());
        }
    }

    /// One partition is asked for; `because` says whether a loss made someone ask.
    fn walk(&mut self, rdd: RddId, partition: PartitionId, because: bool) {
        let block = BlockId::new(rdd, partition);
        if self.survives(block) || self.checkpointed.contains(&rdd) {
            return;
        }
        let because = because || self.stored.contains_key(&block);
        if because {
            self.predicted.insert((rdd, partition));
        }
        let parents = self.rdds[&rdd].parents.clone();
        for parent in parents {
            for p in parent.kind.narrow_parents(partition) {
                self.walk(parent.rdd, PartitionId(p), because);
            }
        }
    }
}
