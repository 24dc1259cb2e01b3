//! Executors: who computes, what they hold, and what died with them.

use super::storage::BlockCopy;
use super::{Model, Standing};
use faultline_engine::ids::*;
use imbl::{OrdMap, OrdSet};
use std::sync::Arc;

/// One executor.
#[derive(Clone, Debug, PartialEq)]
pub struct ExecutorState {
    /// Id.
    pub id: ExecutorId,
    /// Slots.
    pub cores: u32,
    /// Storage memory in bytes.
    pub max_memory: u64,
    /// Whether the driver counts on it.
    pub alive: bool,
    /// Why it is gone.
    pub removed_reason: Option<String>,
    /// Id of the executor that replaced it.
    pub replaced_by: Option<ExecutorId>,
    /// Running task attempts.
    pub running: OrdSet<TaskId>,
    /// Bytes in memory.
    pub memory_bytes: u64,
    /// Bytes on disk.
    pub disk_bytes: u64,
    /// Stored partitions.
    pub blocks: OrdSet<BlockId>,
    /// Blocks of receivers.
    pub inputs: OrdMap<InputBlockId, BlockCopy>,
    /// Stored partitions lost with it.
    pub lost_blocks: u32,
    /// Map outputs it holds.
    pub map_outputs: u32,
    /// Map outputs lost with it.
    pub lost_map_outputs: u32,
    /// What is special about it.
    pub standing: Standing,
    /// The life of the driver that it belongs to, from 1.
    pub life: u32,
}

impl ExecutorState {
    fn new(id: ExecutorId) -> Self {
        Self {
            id,
            cores: 0,
            max_memory: 0,
            alive: true,
            removed_reason: None,
            replaced_by: None,
            running: OrdSet::new(),
            memory_bytes: 0,
            disk_bytes: 0,
            blocks: OrdSet::new(),
            inputs: OrdMap::new(),
            lost_blocks: 0,
            map_outputs: 0,
            lost_map_outputs: 0,
            standing: Standing::default(),
            life: 1,
        }
    }
}

impl Model {
    pub(super) fn executor_added(&mut self, id: ExecutorId, cores: u32, replaces: Option<ExecutorId>) {
        self.slots_added(id);
        let life = self.driver_life();
        let executor = self.executor_or_new(id);
        executor.life = life;
        executor.cores = cores;
        executor.alive = true;
        executor.removed_reason = None;
        if let Some(old) = replaces.and_then(|old| self.executor_mut(old)) {
            old.replaced_by = Some(id);
        }
    }

    pub(super) fn executor_removed(&mut self, id: ExecutorId, reason: &str) {
        let now = self.now;
        let Some(executor) = self.executor_mut(id) else { return };
        executor.alive = false;
        executor.removed_reason = Some(reason.to_owned());
        executor.running.clear();
        executor.standing.end_all(now);
        self.slots_lost(id);
        self.tell_executor_removed(id);
    }

    /// Block managers may register before their executor is announced.
    pub(super) fn block_manager_added(&mut self, id: ExecutorId, max_memory: u64) {
        self.executor_or_new(id).max_memory = max_memory;
    }

    pub(super) fn executor_mut(&mut self, id: ExecutorId) -> Option<&mut ExecutorState> {
        self.executors.get_mut(&id).map(Arc::make_mut)
    }

    fn executor_or_new(&mut self, id: ExecutorId) -> &mut ExecutorState {
        Arc::make_mut(self.executors.entry(id).or_insert_with(|| Arc::new(ExecutorState::new(id))))
    }
}
