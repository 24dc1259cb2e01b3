//! Where the blocks of receivers lie, as the driver knows it.

use super::{Outbox, Scheduler};
use crate::event::{BlockRemoval, Event};
use crate::executor::BlockReport;
use crate::ids::*;
use imbl::{OrdMap, Vector};
use std::collections::BTreeMap;

/// How much older than a removed block another must be for its last version to be forgotten: no report
/// is under way that long.
const LATE_MS: u64 = 600_000;

/// Holders of each block, and the version of the last report of each copy.
#[derive(Debug, Default)]
pub(super) struct InputBlocks {
    at: OrdMap<InputBlockId, Vector<ExecutorId>>,
    reported: BTreeMap<(InputBlockId, ExecutorId), u64>,
}

impl InputBlocks {
    /// A snapshot; cheap.
    pub fn locations(&self) -> OrdMap<InputBlockId, Vector<ExecutorId>> {
        self.at.clone()
    }

    /// Who holds a block.
    pub fn holders(&self, block: InputBlockId) -> Vec<ExecutorId> {
        self.at.get(&block).into_iter().flatten().copied().collect()
    }

    /// Blocks that nobody else holds.
    pub fn only_at(&self, executor: ExecutorId) -> Vec<InputBlockId> {
        let only = |at: &Vector<ExecutorId>| at.len() == 1 && at.contains(&executor);
        self.at.iter().filter(|(_, at)| only(at)).map(|(id, _)| *id).collect()
    }

    /// The driver forgets what an executor holds (R5.2, R3.4).
    pub fn forget_executor(&mut self, executor: ExecutorId) {
        let held: Vec<InputBlockId> =
            self.at.iter().filter(|(_, at)| at.contains(&executor)).map(|(id, _)| *id).collect();
        held.into_iter().for_each(|block| self.set(block, executor, false));
    }

    /// Versions of an executor that is gone are never asked for again.
    pub fn forget_reports(&mut self, executor: ExecutorId) {
        self.reported.retain(|(_, at), _| *at != executor);
    }

    fn forget_reports_before(&mut self, block: InputBlockId) {
        let first = (InputBlockId { number: 0, ..block }, ExecutorId(0));
        let old: Vec<_> = self.reported.range(first..(block, ExecutorId(0))).map(|(key, _)| *key).collect();
        for key in old {
            self.reported.remove(&key);
        }
    }

    fn set(&mut self, block: InputBlockId, executor: ExecutorId, present: bool) {
        let mut holders = self.at.get(&block).cloned().unwrap_or_default();
        match (present, holders.iter().position(|e| *e == executor)) {
            (true, None) => holders.push_back(executor),
            (false, Some(i)) => drop(holders.remove(i)),
            _ => return,
        }
        if holders.is_empty() {
            self.at.remove(&block);
        } else {
            self.at.insert(block, holders);
        }
    }
}

impl Scheduler {
    /// Where the blocks of receivers are, as the driver knows it.
    pub fn input_locations(&self) -> OrdMap<InputBlockId, Vector<ExecutorId>> {
        self.inputs.locations()
    }

    /// Executors that hold a block of a receiver.
    pub fn input_holders(&self, block: InputBlockId) -> Vec<ExecutorId> {
        self.inputs.holders(block)
    }

    /// A copy changed on a living executor.
    pub(super) fn input_changed(&mut self, id: InputBlockId, report: BlockReport, out: &mut Outbox) {
        let BlockReport { executor, version, change, preview } = report;
        let last = self.inputs.reported.entry((id, executor)).or_default();
        if version < *last {
            return;
        }
        *last = version;
        let present = change.level.is_valid();
        self.inputs.set(id, executor, present);
        if change.status.removal == Some(BlockRemoval::Unpersisted) {
            self.inputs.forget_reports_before(InputBlockId { number: id.number.saturating_sub(LATE_MS), ..id });
        }
        out.events.push(Event::InputBlockUpdated {
            executor,
            block: id,
            level: change.level,
            memory_bytes: change.status.memory_bytes,
            disk_bytes: change.status.disk_bytes,
            removal: change.status.removal,
            preview,
        });
    }
}
