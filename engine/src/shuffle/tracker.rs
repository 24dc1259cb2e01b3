//! Who has which map output: Spark's `MapOutputTracker`.

use crate::ids::*;
use imbl::{OrdMap, Vector};
use std::collections::BTreeMap;

/// Map outputs of one shuffle as the driver knows them.
#[derive(Clone, Debug, Default)]
pub struct ShuffleStatus {
    /// Map-side RDD.
    pub rdd: RddId,
    /// By map partition; `None` when not registered.
    pub outputs: Vector<Option<ExecutorId>>,
}

/// All shuffles, with the epoch that rises when outputs are lost (R5.2, R5.4). A clone is O(1):
/// tasks carry one.
#[derive(Clone, Debug, Default)]
pub struct MapOutputTracker {
    shuffles: OrdMap<ShuffleId, ShuffleStatus>,
    epoch: u64,
}

impl MapOutputTracker {
    /// Makes a shuffle known.
    pub fn register_shuffle(&mut self, shuffle: ShuffleId, rdd: RddId, maps: u32) {
        if !self.shuffles.contains_key(&shuffle) {
            let outputs = (0..maps).map(|_| None).collect();
            self.shuffles.insert(shuffle, ShuffleStatus { rdd, outputs });
        }
    }

    /// Forgets a shuffle.
    pub fn remove_shuffle(&mut self, shuffle: ShuffleId) -> bool {
        self.shuffles.remove(&shuffle).is_some()
    }

    /// Registers one map output. Returns whether the slot had been empty.
    pub fn register(&mut self, shuffle: ShuffleId, map: PartitionId, executor: ExecutorId) -> bool {
        let Some(status) = self.shuffles.get_mut(&shuffle) else { return false };
        let Some(slot) = status.outputs.get_mut(map.0 as usize) else { return false };
        slot.replace(executor).is_none()
    }

    /// Unregisters one map output if it is at `executor` (R3.3).
    pub fn unregister(&mut self, shuffle: ShuffleId, map: PartitionId, executor: ExecutorId) -> bool {
        let at = self.shuffles.get(&shuffle).and_then(|s| s.outputs.get(map.0 as usize).copied().flatten());
        if at != Some(executor) {
            return false;
        }
        if let Some(slot) = self.shuffles.get_mut(&shuffle).and_then(|s| s.outputs.get_mut(map.0 as usize)) {
            *slot = None;
        }
        self.epoch += 1;
        true
    }

    /// Unregisters all outputs of a shuffle. Returns who had which.
    pub fn unregister_all(&mut self, shuffle: ShuffleId) -> BTreeMap<ExecutorId, Vec<PartitionId>> {
        let mut gone: BTreeMap<ExecutorId, Vec<PartitionId>> = BTreeMap::new();
        let Some(status) = self.shuffles.get_mut(&shuffle) else { return gone };
        for (map, slot) in status.outputs.iter_mut().enumerate() {
            if let Some(executor) = slot.take() {
                gone.entry(executor).or_default().push(PartitionId(map as u32));
            }
        }
        self.epoch += u64::from(!gone.is_empty());
        gone
    }

    /// Every output of an executor.
    pub fn held_by(&self, executor: ExecutorId) -> Vec<(ShuffleId, PartitionId)> {
        let mut held = Vec::new();
        for (shuffle, status) in &self.shuffles {
            let maps = status.outputs.iter().zip(0..).filter(|(at, _)| **at == Some(executor));
            held.extend(maps.map(|(_, map)| (*shuffle, PartitionId(map))));
        }
        held
    }

    /// Unregisters all outputs of an executor and raises the epoch (R5.2). Returns what was lost.
    pub fn remove_executor(&mut self, executor: ExecutorId) -> BTreeMap<ShuffleId, (RddId, Vec<PartitionId>)> {
        let mut lost: BTreeMap<ShuffleId, (RddId, Vec<PartitionId>)> = BTreeMap::new();
        for (shuffle, status) in &self.shuffles {
            for (map, at) in status.outputs.iter().enumerate() {
                if *at == Some(executor) {
                    lost.entry(*shuffle).or_insert((status.rdd, Vec::new())).1.push(PartitionId(map as u32));
                }
            }
        }
        for (shuffle, (_, maps)) in &lost {
            if let Some(status) = self.shuffles.get_mut(shuffle) {
                for map in maps {
                    if let Some(slot) = status.outputs.get_mut(map.0 as usize) {
                        *slot = None;
                    }
                }
            }
        }
        self.epoch += 1;
        lost
    }

    /// The epoch: tasks carry the one of their task set's creation.
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// What is known of a shuffle.
    pub fn status(&self, shuffle: ShuffleId) -> Option<&ShuffleStatus> {
        self.shuffles.get(&shuffle)
    }

    /// Where a map output is.
    pub fn location(&self, shuffle: ShuffleId, map: PartitionId) -> Option<ExecutorId> {
        self.shuffles.get(&shuffle)?.outputs.get(map.0 as usize).copied().flatten()
    }

    /// Map partitions without a registered output.
    pub fn missing(&self, shuffle: ShuffleId) -> Vec<PartitionId> {
        let Some(status) = self.shuffles.get(&shuffle) else { return Vec::new() };
        let absent = status.outputs.iter().enumerate().filter(|(_, at)| at.is_none());
        absent.map(|(map, _)| PartitionId(map as u32)).collect()
    }
}
