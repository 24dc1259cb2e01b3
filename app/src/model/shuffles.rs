//! Map outputs: the third kind of stored data.

use super::retention::MAX_PARTITIONS;
use super::{Chunked, Model};
use faultline_engine::event::TaskInfo;
use faultline_engine::ids::*;
use std::sync::Arc;

/// Map outputs of one shuffle.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShuffleState {
    /// Map-side RDD.
    pub rdd: RddId,
    /// By map partition.
    pub outputs: Chunked<MapOutput>,
    /// Removed, because nothing refers to it.
    pub removed: bool,
}

/// One map output.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MapOutput {
    /// Where it is; `None` when not there.
    pub executor: Option<ExecutorId>,
    /// With which executor it was lost; cleared when written again.
    pub lost_with: Option<ExecutorId>,
    /// Times written.
    pub written: u32,
    /// Written again since the last fault.
    pub rewritten: bool,
}

/// What one map output shows: a tick on the fan of its shuffle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MapOutputSign {
    /// Not written, or removed with its shuffle.
    Absent,
    /// There.
    Present,
    /// Written again since the last fault.
    Rewritten,
    /// Lost and not yet replaced.
    Lost,
}

impl MapOutputSign {
    /// Its words for assistive technology.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Absent => "not written",
            Self::Present => "present",
            Self::Rewritten => "written again",
            Self::Lost => "lost",
        }
    }
}

impl MapOutput {
    /// What it shows.
    pub const fn sign(&self) -> MapOutputSign {
        match (self.executor, self.lost_with) {
            (Some(_), _) if self.rewritten => MapOutputSign::Rewritten,
            (Some(_), _) => MapOutputSign::Present,
            (None, Some(_)) => MapOutputSign::Lost,
            (None, None) => MapOutputSign::Absent,
        }
    }
}

impl Model {
    /// What the output of map partition `map` shows.
    pub fn tick(&self, shuffle: ShuffleId, map: PartitionId) -> MapOutputSign {
        let output = self.shuffles.get(&shuffle).and_then(|s| s.outputs.get(map.0 as usize));
        output.map_or(MapOutputSign::Absent, MapOutput::sign)
    }

    /// Makes a shuffle known with `maps` map partitions; what is known of it already stays.
    pub(super) fn register_shuffle(&mut self, id: ShuffleId, rdd: RddId, maps: u32) {
        let shuffle = Arc::make_mut(self.shuffles.entry(id).or_default());
        shuffle.rdd = rdd;
        while shuffle.outputs.len() < maps.min(MAX_PARTITIONS) as usize {
            shuffle.outputs.push_back(MapOutput::default());
        }
    }

    /// A map task succeeded. Says whether its output had been written before. A success that arrives
    /// from a dead executor registers nothing (R5.4).
    pub(super) fn map_output_written(&mut self, task: &TaskInfo) -> bool {
        let Some(id) = self.stages.get(&task.stage.stage).and_then(|s| s.info.shuffle) else { return false };
        if self.executors.get(&task.executor).is_some_and(|e| !e.alive) {
            return false;
        }
        let Some(output) = self.output_mut(id, task.partition) else { return false };
        let again = output.written > 0;
        let old = output.executor.replace(task.executor);
        output.lost_with = None;
        output.written += 1;
        output.rewritten |= again;
        if again {
            self.index.marked_outputs.insert((id, task.partition));
        }
        if old != Some(task.executor) {
            self.holds_fewer(old, 1);
            if let Some(holder) = self.executor_mut(task.executor) {
                holder.map_outputs += 1;
            }
        }
        again
    }

    pub(super) fn map_outputs_lost(&mut self, shuffle: ShuffleId, maps: &[PartitionId], executor: ExecutorId) {
        let mut lost = 0;
        for &map in maps {
            let Some(output) = self.output_mut(shuffle, map) else { continue };
            let Some(holder) = output.executor.take() else { continue };
            output.lost_with = Some(executor);
            lost += 1;
            self.holds_fewer(Some(holder), 1);
        }
        if let Some(holder) = self.executor_mut(executor) {
            holder.lost_map_outputs += lost;
        }
        self.story_map_outputs_lost(lost);
    }

    pub(super) fn map_outputs_migrated(&mut self, shuffle: ShuffleId, maps: &[PartitionId], to: ExecutorId) {
        for &map in maps {
            let Some(output) = self.output_mut(shuffle, map) else { continue };
            let old = output.executor.replace(to);
            output.lost_with = None;
            if old != Some(to) {
                self.holds_fewer(old, 1);
                if let Some(holder) = self.executor_mut(to) {
                    holder.map_outputs += 1;
                }
            }
        }
    }

    pub(super) fn shuffle_removed(&mut self, id: ShuffleId) {
        let Some(shuffle) = self.shuffles.get_mut(&id).map(Arc::make_mut) else { return };
        if std::mem::replace(&mut shuffle.removed, true) {
            return;
        }
        let mut holders = Vec::new();
        for output in shuffle.outputs.iter_mut() {
            holders.extend(output.executor.take());
            output.lost_with = None;
        }
        for holder in holders {
            self.holds_fewer(Some(holder), 1);
        }
        self.index.removed_shuffles.push_back(id);
    }

    pub(super) fn output_mut(&mut self, shuffle: ShuffleId, map: PartitionId) -> Option<&mut MapOutput> {
        self.shuffles.get_mut(&shuffle).map(Arc::make_mut)?.outputs.get_mut(map.0 as usize)
    }

    fn holds_fewer(&mut self, executor: Option<ExecutorId>, outputs: u32) {
        if let Some(holder) = executor.and_then(|e| self.executor_mut(e)) {
            holder.map_outputs = holder.map_outputs.saturating_sub(outputs);
        }
    }
}
