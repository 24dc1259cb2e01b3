//! Faults: what struck, when, and the fresh start of everything counted "since the last fault".

use super::Model;
use faultline_engine::ids::*;
use std::sync::Arc;

/// A fault that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultRecord {
    /// In the words of the command line.
    pub fault: String,
    /// Executor struck.
    pub executor: Option<ExecutorId>,
    /// When.
    pub at: Timestamp,
    /// Batch that ran or came next.
    pub batch: Option<BatchId>,
}

impl Model {
    pub(super) fn fault_injected(&mut self, fault: &str, executor: Option<ExecutorId>) {
        let batch = self.running_or_next_batch();
        let record = FaultRecord { fault: fault.to_owned(), executor, at: self.now, batch };
        self.clear_marks();
        self.tell_fault(&record);
        self.faults.push_back(Arc::new(record));
    }

    /// Whether a fault announced that this executor would go.
    pub(super) fn fault_struck(&self, executor: ExecutorId) -> bool {
        self.faults.iter().any(|f| f.executor == Some(executor))
    }

    /// Removes every mark that lasts "since the last fault".
    pub(super) fn clear_marks(&mut self) {
        for block in std::mem::take(&mut self.index.marked) {
            if let Some(partition) = self.partition_mut(block) {
                partition.read_back = false;
                partition.recomputed = false;
            }
        }
        for (shuffle, map) in std::mem::take(&mut self.index.marked_outputs) {
            if let Some(output) = self.output_mut(shuffle, map) {
                output.rewritten = false;
            }
        }
        self.index.recovered.clear();
    }
}
