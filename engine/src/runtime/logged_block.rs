//! A block of a receiver into the stores of its executor and, when what is received is logged, into the log: both,
//! or neither (R18.3).

use crate::event::StorageLevel;
use crate::executor::{BlockReport, ExecutorStores, Replicas, Stored, store_input_block};
use crate::ids::*;
use crate::receiver::{BlockLog, ReadyBlock};
use crate::storage::{BlockForm, in_form};
use crate::task_context::Cluster;
use crate::write_ahead::RecordHandle;

/// What storing a block came to.
pub(crate) struct LoggedBlock {
    /// Every change, on every executor.
    pub reports: Vec<BlockReport>,
    /// Where the log has it.
    pub handle: Option<RecordHandle>,
    /// Why it is stored nowhere.
    pub error: Option<String>,
}

impl LoggedBlock {
    /// R18.3: it took longer than it may, so it counts as failed. What the log has of it nobody knows of.
    #[must_use]
    pub(crate) fn too_late(mut self, id: InputBlockId, stores: &ExecutorStores, log: &BlockLog, limit: Millis) -> Self {
        if self.error.is_none() {
            self.reports.extend(stores.drop_block(id));
            self.handle = None;
            log.forget(id);
            self.error = Some(format!(
                "storing and logging {id} took longer than {limit} ms, which is spark.streaming.receiver.blockStoreTimeout"
            ));
        }
        self
    }
}

/// Stores a block here and on peers, and logs it. It is encoded once.
pub(crate) fn store_and_log(
    block: &ReadyBlock,
    level: StorageLevel,
    replicas: &Replicas<'_>,
    (stores, cluster): (&ExecutorStores, &Cluster),
    log: Option<&BlockLog>,
    now: Timestamp,
) -> LoggedBlock {
    let store = |values| {
        let Stored { reports, error } = store_input_block(block.id, values, level, replicas, stores, cluster);
        LoggedBlock { reports, handle: None, error }
    };
    let Some(log) = log else { return store(&block.values) };
    let failed = |error: String| LoggedBlock { reports: Vec::new(), handle: None, error: Some(error) };
    let encoded = in_form(&block.values, BlockForm::Bytes).and_then(|block| Ok((block.encode()?, block)));
    let (bytes, values) = match encoded {
        Ok(encoded) => encoded,
        Err(error) => return failed(error.to_string()),
    };
    let mut stored = store(&values);
    let there = |report: &BlockReport| {
        report.executor == stores.id() && report.change.block == block.id.into() && report.change.level.is_valid()
    };
    if stored.error.is_none() && stores.is_alive() && !stored.reports.iter().any(there) {
        stored.error = Some(format!("Could not store {} to block manager with storage level {level}", block.id));
    }
    if stored.error.is_some() || stored.reports.is_empty() {
        return stored;
    }
    match log.append(now, block.id, &bytes) {
        Ok(handle) => stored.handle = Some(handle),
        Err(error) => {
            // Half of it is none, wherever it was announced.
            stored.reports.extend(stores.drop_block(block.id));
            stored.error = Some(error.to_string());
        }
    }
    stored
}
