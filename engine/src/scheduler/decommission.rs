//! Executors that leave in an orderly way: they finish what they run, hand on what they hold, and go once
//! nobody can still be reading from them.
//!
//! ```text
//! draining ── nothing runs there ──▶ migrating ── moved ──▶ waiting ── older tasks ended ──▶ gone
//! ```

use super::task::{MigrationOrder, Outbox};
use super::{BlockPolicy, Scheduler};
use crate::event::{Event, MigratedBlock};
use crate::executor::BlockReport;
use crate::ids::*;
use std::collections::{BTreeMap, BTreeSet};

/// How far an executor is on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaving {
    /// Tasks still run there.
    Draining,
    /// Its blocks and map outputs are being copied.
    Migrating,
    /// Tasks launched before this one may still read from it.
    Waiting(TaskId),
}

/// What moved from an executor that leaves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Migration {
    /// Blocks that have another holder now.
    pub blocks: Vec<MigratedBlock>,
    /// Map outputs with who has them now.
    pub outputs: Vec<(ShuffleId, PartitionId, ExecutorId)>,
    /// Every change of a block on the way.
    pub reports: Vec<BlockReport>,
}

impl Scheduler {
    /// Whether an executor may get tasks, copies and receivers.
    pub fn takes_work(&self, executor: ExecutorId) -> bool {
        self.places.is_open(executor)
    }

    /// Whether an executor is being decommissioned.
    pub fn is_leaving(&self, executor: ExecutorId) -> bool {
        self.leaving.contains_key(&executor)
    }

    /// An executor gets no new tasks, and leaves.
    pub fn decommission(&mut self, executor: ExecutorId, out: &mut Outbox) {
        self.leaving.insert(executor, Leaving::Draining);
        let host = self.places.host_of(executor);
        self.places.close(executor);
        if let Some(host) = host {
            self.task_sets.values_mut().for_each(|set| set.places_changed(host, &self.places));
        }
        out.events.push(Event::DecommissionStarted { executor });
    }

    /// Orders what is due for executors that leave; those that are `held` still store something. Returns
    /// those that may go now.
    pub fn tend_leaving(&mut self, held: impl Fn(ExecutorId) -> bool, out: &mut Outbox) -> Vec<ExecutorId> {
        let mut gone = Vec::new();
        for executor in self.leaving.keys().copied().collect::<Vec<_>>() {
            match self.leaving[&executor] {
                Leaving::Draining if !held(executor) && !self.tasks.values().any(|t| t.info.executor == executor) => {
                    self.leaving.insert(executor, Leaving::Migrating);
                    out.migrations.push(self.migration_of(executor));
                }
                Leaving::Waiting(before) if self.tasks.range(..before).next().is_none() => gone.push(executor),
                _ => {}
            }
        }
        gone
    }

    /// Everything that others do not have, with who may take it, in turn.
    fn migration_of(&self, executor: ExecutorId) -> MigrationOrder {
        let peers: Vec<ExecutorId> = self.places.ids().filter(|e| self.takes_work(*e)).collect();
        let from = |turn: u32, holders: &BTreeSet<ExecutorId>| {
            let mut peers: Vec<ExecutorId> = peers.iter().copied().filter(|p| !holders.contains(p)).collect();
            if !peers.is_empty() {
                let first = turn as usize % peers.len();
                peers.rotate_left(first);
            }
            peers
        };
        let mut order = MigrationOrder { executor, ..MigrationOrder::default() };
        if self.config.storage.decommission_rdd_blocks {
            for (block, holders) in self.blocks.iter().filter(|(_, at)| at.contains(&executor)) {
                let level = self.levels.get(&block.rdd).copied().unwrap_or_default();
                let generation = self.generations.get(&block.rdd).copied().unwrap_or(0);
                let holders = holders.iter().copied().collect();
                if level.is_valid() {
                    let policy = BlockPolicy { level, generation };
                    order.blocks.push((*block, policy, from(block.partition.0, &holders)));
                }
            }
            for block in self.inputs.only_at(executor) {
                order.inputs.push((block, from(block.number as u32, &BTreeSet::new())));
            }
        }
        if self.config.storage.decommission_shuffle_blocks {
            for (shuffle, map) in self.outputs.held_by(executor) {
                order.outputs.push((shuffle, map, from(map.0, &BTreeSet::new())));
            }
        }
        order
    }

    /// What an executor held is elsewhere: whoever starts from now on looks there.
    pub fn migrated(&mut self, executor: ExecutorId, migration: Migration, out: &mut Outbox) {
        self.blocks_changed(migration.reports, out);
        let held: Vec<BlockId> =
            self.blocks.iter().filter(|(_, at)| at.contains(&executor)).map(|(id, _)| *id).collect();
        let mut left = Vec::new();
        for id in held {
            let others = self.blocks.get(&id).cloned().unwrap_or_default().into_iter().filter(|e| *e != executor);
            let others: imbl::Vector<ExecutorId> = others.collect();
            if others.is_empty() {
                left.push(id);
            } else {
                self.blocks.insert(id, others);
            }
        }
        out.events.push(Event::BlocksMigrated { executor, blocks: migration.blocks, left });
        let mut moved: BTreeMap<(ShuffleId, ExecutorId), Vec<PartitionId>> = BTreeMap::new();
        for (shuffle, map, to) in migration.outputs {
            if self.outputs.location(shuffle, map) == Some(executor) {
                self.outputs.register(shuffle, map, to);
                moved.entry((shuffle, to)).or_default().push(map);
            }
        }
        for ((shuffle, to), maps) in moved {
            let rdd = self.outputs.status(shuffle).map(|s| s.rdd).unwrap_or_default();
            out.events.push(Event::MapOutputsMigrated { shuffle, rdd, maps, from: executor, to });
        }
        if self.leaving.contains_key(&executor) {
            self.leaving.insert(executor, Leaving::Waiting(TaskId(self.next_task)));
        }
    }
}
