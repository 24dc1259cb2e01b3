//! Receivers: where each runs, what it received, and which executors hold its blocks.

use super::Model;
use super::storage::BlockCopy;
use faultline_engine::event::{AddedBlock, Event, ReceiverInfo};
use faultline_engine::ids::*;
use imbl::OrdSet;
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
    /// Blocks that executors store and the driver has not accepted yet: it buffers them.
    pub waiting: OrdSet<u64>,
    /// Lines that came again and were dropped.
    pub duplicates: u64,
    /// Blocks that the write-ahead log has.
    pub logged: u64,
    /// Records that it had gathered, and that were in no stored block, when it stored its last one.
    pub buffered: u64,
}

impl Model {
    pub(super) fn receiver_started(&mut self, info: &ReceiverInfo) {
        let receiver = self.receiver_told(info);
        // What an earlier start had gathered went with it.
        receiver.buffered = 0;
        receiver.starts = receiver.starts.saturating_add(1);
    }

    /// Takes over what an event says of a receiver.
    pub(super) fn receiver_told(&mut self, info: &ReceiverInfo) -> &mut ReceiverState {
        let new = || {
            Arc::new(ReceiverState {
                info: info.clone(),
                blocks: 0,
                records: 0,
                starts: 0,
                waiting: OrdSet::new(),
                duplicates: 0,
                logged: 0,
                buffered: 0,
            })
        };
        let receiver = Arc::make_mut(self.receivers.entry(info.stream).or_insert_with(new));
        receiver.info = info.clone();
        receiver
    }

    pub(super) fn received_block_added(&mut self, added: &AddedBlock) {
        if let Some(receiver) = self.receivers.get_mut(&added.block.stream).map(Arc::make_mut) {
            receiver.blocks = receiver.blocks.saturating_add(1);
            receiver.records = receiver.records.saturating_add(added.records);
            receiver.duplicates = receiver.duplicates.saturating_add(added.duplicates);
            receiver.logged = receiver.logged.saturating_add(u64::from(added.segment.is_some()));
            receiver.buffered = added.buffered;
            receiver.waiting.remove(&added.block.number);
        }
    }

    pub(super) fn input_block_updated(&mut self, event: &Event) {
        let Event::InputBlockUpdated { executor, block, level, memory_bytes, disk_bytes, .. } = event else { return };
        let copy = BlockCopy { memory_bytes: *memory_bytes, disk_bytes: *disk_bytes };
        let new = level.is_valid().then_some(copy);
        self.input_stored(*block, new.is_some());
        let Some(holder) = self.executor_mut(*executor) else { return };
        let old = match new {
            Some(copy) => holder.inputs.insert(*block, copy),
            None => holder.inputs.remove(block),
        };
        self.account_bytes(*executor, old, new);
    }

    /// A block that nobody held waits for the driver; one that is gone does no longer.
    fn input_stored(&mut self, block: InputBlockId, stored: bool) {
        let held = self.executors.values().any(|e| e.inputs.contains_key(&block));
        let Some(receiver) = self.receivers.get_mut(&block.stream).map(Arc::make_mut) else { return };
        if stored && !held {
            receiver.waiting.insert(block.number);
        } else if !stored {
            receiver.waiting.remove(&block.number);
        }
    }

    /// With their driver receivers are gone, until the next one starts them.
    pub(super) fn receivers_lost(&mut self) {
        let streams: Vec<StreamId> = self.receivers.keys().copied().collect();
        for stream in streams {
            let Some(receiver) = self.receivers.get_mut(&stream).map(Arc::make_mut) else { continue };
            receiver.info.active = false;
            receiver.info.last_error_message = "the driver was lost".to_owned();
            receiver.waiting.clear();
            receiver.buffered = 0;
        }
    }

    /// Whether what receivers store is logged before it counts (R18.3).
    pub fn logs_received(&self) -> bool {
        let enabled = self.application.properties.get("spark.streaming.receiver.writeAheadLog.enable");
        enabled.is_some_and(|on| on == "true")
    }

    /// Every copy there is lost to the driver.
    pub(super) fn inputs_lost_with(&mut self, id: ExecutorId) {
        let Some(holder) = self.executor_mut(id) else { return };
        let lost = std::mem::take(&mut holder.inputs);
        for (block, copy) in &lost {
            self.account_bytes(id, Some(*copy), None);
            if !self.executors.values().any(|executor| executor.inputs.contains_key(block)) {
                self.story_input_lost();
            }
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
