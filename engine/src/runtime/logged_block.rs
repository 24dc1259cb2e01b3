//! A block of a receiver into the stores of its executor and, when what is received is logged, into the log: both,
//! or neither (R18.3).

use crate::event::StorageLevel;
use crate::executor::{BlockReport, ExecutorStores, Replicas, Stored, store_input_block};
use crate::ids::*;
use crate::receiver::{BlockLog, ReadyBlock};
use crate::storage::{BlockForm, in_form};
use crate::sync::Mutex;
use crate::sync::channel::bounded;
use crate::sync::thread::Builder;
use crate::task_context::Cluster;
use crate::write_ahead::RecordHandle;
use std::sync::Arc;
use std::time::Duration;

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
            self.error = Some(took_too_long(id, limit));
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
    log: Option<&dyn Fn(Arc<[u8]>) -> Result<RecordHandle, String>>,
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
    match log(bytes) {
        Ok(handle) => stored.handle = Some(handle),
        Err(error) => {
            // Half of it is none, wherever it was announced.
            stored.reports.extend(stores.drop_block(block.id));
            stored.error = Some(error);
        }
    }
    stored
}

/// Logs a block on a thread of its own, and waits for it no longer than a block may take: a store that hangs must not
/// stop the receiver for ever and without a word (R18.3). What it logs later nobody knows of.
pub(super) fn log_in_time(
    log: &Arc<BlockLog>,
    (now, id): (Timestamp, InputBlockId),
    bytes: Arc<[u8]>,
    limit: Millis,
) -> Result<RecordHandle, String> {
    let (answer, answered) = bounded(1);
    let given_up = Arc::new(Mutex::new(false));
    let (in_thread, gone) = (Arc::clone(log), Arc::clone(&given_up));
    let append = move || {
        let appended = in_thread.append(now, id, &bytes).map_err(|error| error.to_string());
        let gone = gone.lock();
        if *gone {
            in_thread.forget(id);
        } else {
            // Whoever waits has not given up.
            drop(answer.send(appended));
        }
    };
    let started = Builder::new().name(format!("log-{id}")).spawn(append);
    started.map_err(|error| format!("no thread could be started to log {id}: {error}"))?;
    match answered.recv_timeout(Duration::from_millis(limit.0)) {
        Ok(appended) => appended,
        Err(_) => {
            let mut given_up = given_up.lock();
            *given_up = true;
            // It may have come at the last moment.
            answered.try_recv().unwrap_or_else(|_| Err(took_too_long(id, limit)))
        }
    }
}

fn took_too_long(id: InputBlockId, limit: Millis) -> String {
    format!("storing and logging {id} took longer than {limit} ms, which is spark.streaming.receiver.blockStoreTimeout")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object_store::{HostileStore, MemoryObjectStore, ObjectStore};
    use crate::receiver::{BlockLogPlan, BlockLogs};
    use crate::write_ahead::{LogSettings, read_record};

    /// R18.3. Without it a store that hangs would hold the receiver for ever, which has no answer and no reason to
    /// start again.
    #[test]
    fn r18_3_a_store_that_hangs_is_waited_for_no_longer_than_a_block_may_take() {
        let hostile = HostileStore::new(Arc::new(MemoryObjectStore::new()));
        let store: Arc<dyn ObjectStore> = Arc::new(hostile.clone());
        let plan = BlockLogPlan { log: "log".to_owned(), epoch: 1 };
        let log = BlockLogs::default().open(StreamId(0), &plan, &store, LogSettings::default());
        let append = |number: u64, limit: u64| {
            let id = InputBlockId { stream: StreamId(0), number };
            log_in_time(&log, (VIRTUAL_EPOCH, id), Arc::from(*b"records"), Millis(limit))
        };
        hostile.hold();
        let error = append(1, 5).expect_err("nothing is written");
        assert!(error.contains("longer than 5 ms, which is spark.streaming.receiver.blockStoreTimeout"), "{error}");
        hostile.release();
        // The next one is written behind it.
        let handle = append(2, 600_000).expect("the store answers");
        assert_eq!(read_record(&*store, &handle).expect("it is there"), b"records");
    }
}
