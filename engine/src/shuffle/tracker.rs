//! Who has which map output: Spark's `MapOutputTracker`.

use crate::ids::*;
use imbl::{OrdMap, Vector};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The result of a map task: how many bytes it wrote for each reduce partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MapSizes(pub Arc<[u64]>);

/// Map outputs of one shuffle as the driver knows them.
#[derive(Clone, Debug, Default)]
pub struct ShuffleStatus {
    /// Map-side RDD.
    pub rdd: RddId,
    /// By map partition; `None` when not registered.
    pub outputs: Vector<Option<ExecutorId>>,
    /// How many are not registered.
    absent: u32,
    /// Whether an output was registered at any time.
    written: bool,
    /// Bytes by reduce partition, by map partition; only of outputs that told theirs.
    sizes: OrdMap<PartitionId, Arc<[u64]>>,
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
            let sizes = OrdMap::new();
            self.shuffles.insert(shuffle, ShuffleStatus { rdd, outputs, absent: maps, written: false, sizes });
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
        let new = slot.replace(executor).is_none();
        status.absent -= u32::from(new);
        status.written = true;
        new
    }

    /// How many bytes a registered output has for each reduce partition (R2.14).
    pub fn set_sizes(&mut self, shuffle: ShuffleId, map: PartitionId, sizes: Arc<[u64]>) {
        if let Some(status) = self.shuffles.get_mut(&shuffle) {
            status.sizes.insert(map, sizes);
        }
    }

    /// Where the known input of a reduce partition lies, and how many bytes there are; in map order.
    pub fn sizes_of(&self, shuffle: ShuffleId, reduce: PartitionId) -> impl Iterator<Item = (ExecutorId, u64)> + '_ {
        let status = self.shuffles.get(&shuffle);
        status.into_iter().flat_map(move |status| {
            status.sizes.iter().filter_map(move |(map, sizes)| {
                let executor = status.outputs.get(map.0 as usize).copied().flatten()?;
                Some((executor, *sizes.get(reduce.0 as usize)?))
            })
        })
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
        if let Some(status) = self.shuffles.get_mut(&shuffle) {
            status.absent += 1;
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
        status.absent = status.outputs.len() as u32;
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
                status.absent += maps.len() as u32;
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

    /// Whether every map output of a known shuffle is registered (R2.4).
    pub fn is_whole(&self, shuffle: ShuffleId) -> bool {
        self.shuffles.get(&shuffle).is_some_and(|status| status.absent == 0)
    }

    /// Whether an output of the shuffle was registered at any time, and may have been read.
    pub fn was_written(&self, shuffle: ShuffleId) -> bool {
        self.shuffles.get(&shuffle).is_some_and(|status| status.written)
    }

    /// Map partitions without a registered output.
    pub fn missing(&self, shuffle: ShuffleId) -> Vec<PartitionId> {
        let Some(status) = self.shuffles.get(&shuffle) else { return Vec::new() };
        let absent = status.outputs.iter().enumerate().filter(|(_, at)| at.is_none());
        absent.map(|(map, _)| PartitionId(map as u32)).collect()
    }
}
