//! Receivers: where each runs, what it received, and which executors hold its blocks.

use super::Model;
use super::storage::BlockCopy;
use faultline_engine::event::{Event, ReceiverInfo};
use faultline_engine::ids::*;
use std::sync::Arc;

/// One receiver.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceiverState {
    /// What the last event said of it: where it runs, whether it does, what went wrong last.
    pub info: ReceiverInfo,
    /// Blocks that the driver accepted.
    pub blocks: u64,
    /// Records in them.
    pub records: u64,
    /// How often it was started.
    pub starts: u32,
}

impl Model {
    pub(super) fn receiver_started(&mut self, info: &ReceiverInfo) {
        let receiver = self.receiver_told(info);
        receiver.starts = receiver.starts.saturating_add(1);
    }

    /// Takes over what an event says of a receiver.
    pub(super) fn receiver_told(&mut self, info: &ReceiverInfo) -> &mut ReceiverState {
        let new = || Arc::new(ReceiverState { info: info.clone(), blocks: 0, records: 0, starts: 0 });
        let receiver = Arc::make_mut(self.receivers.entry(info.stream).or_insert_with(new));
        receiver.info = info.clone();
        receiver
    }

    pub(super) fn received_block_added(&mut self, block: InputBlockId, records: u64) {
        if let Some(receiver) = self.receivers.get_mut(&block.stream).map(Arc::make_mut) {
            receiver.blocks = receiver.blocks.saturating_add(1);
            receiver.records = receiver.records.saturating_add(records);
        }
    }

    pub(super) fn input_block_updated(&mut self, event: &Event) {
        let Event::InputBlockUpdated { executor, block, level, memory_bytes, disk_bytes, .. } = event else { return };
        let copy = BlockCopy { memory_bytes: *memory_bytes, disk_bytes: *disk_bytes };
        let new = level.is_valid().then_some(copy);
        let Some(holder) = self.executor_mut(*executor) else { return };
        let old = match new {
            Some(copy) => holder.inputs.insert(*block, copy),
            None => holder.inputs.remove(block),
        };
        self.account_bytes(*executor, old, new);
    }

    /// Every copy there is lost to the driver.
    pub(super) fn inputs_lost_with(&mut self, id: ExecutorId) {
        let Some(holder) = self.executor_mut(id) else { return };
        let lost = std::mem::take(&mut holder.inputs);
        for copy in lost.values() {
            self.account_bytes(id, Some(*copy), None);
        }
    }

    /// The receivers that run on an executor.
    pub fn receivers_on(&self, id: ExecutorId) -> impl Iterator<Item = &ReceiverState> {
        self.receivers.values().map(|r| &**r).filter(move |r| r.info.active && r.info.executor == Some(id))
    }

    /// A receiver that runs nowhere now, and why.
    pub fn idle_receivers(&self) -> impl Iterator<Item = &ReceiverState> {
        self.receivers.values().map(|r| &**r).filter(|r| !r.info.active)
    }
}
