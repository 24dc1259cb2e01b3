//! The log of what a receiver stored: the records themselves, durable before anybody hears of them (R18.3).

use crate::ids::*;
use crate::object_store::ObjectStore;
use crate::sync::Mutex;
use crate::write_ahead::{
    GroupCommit, LogSettings, LogStart, RecordHandle, WriteAheadError, WriteAheadLog, delete_segments,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where the blocks of a stream are logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockLogPlan {
    /// Directory of the log.
    pub log: String,
    /// Which driver writes it.
    pub epoch: u64,
}

/// The logs of all streams, as long as a loop runs: starts of one receiver share its log.
#[derive(Default)]
pub(crate) struct BlockLogs(BTreeMap<StreamId, Arc<BlockLog>>);

/// The log of one stream.
pub(crate) struct BlockLog {
    store: Arc<dyn ObjectStore>,
    log: String,
    writer: GroupCommit,
    /// Segments of blocks of which the driver knows nothing yet.
    unanswered: Mutex<BTreeMap<InputBlockId, u64>>,
}

impl BlockLogs {
    /// The log of a stream, opened with its first block.
    pub fn open(
        &mut self,
        stream: StreamId,
        plan: &BlockLogPlan,
        store: &Arc<dyn ObjectStore>,
        settings: LogSettings,
    ) -> Arc<BlockLog> {
        let open = || {
            let log = WriteAheadLog::new(Arc::clone(store), &*plan.log, plan.epoch, LogStart::Handles, settings);
            let (store, log, writer) = (Arc::clone(store), plan.log.clone(), GroupCommit::new(log));
            Arc::new(BlockLog { store, log, writer, unanswered: Mutex::default() })
        };
        Arc::clone(self.0.entry(stream).or_insert_with(open))
    }

    /// The log of a stream, if it has one.
    pub fn get(&self, stream: StreamId) -> Option<&Arc<BlockLog>> {
        self.0.get(&stream)
    }

    /// The driver answered: it knows the block, or nobody will ask for it.
    pub fn answered(&self, block: InputBlockId) {
        if let Some(log) = self.0.get(&block.stream) {
            log.forget(block);
        }
    }
}

impl BlockLog {
    /// Logs the encoded records of a block, and returns when they are durable.
    ///
    /// # Errors
    /// As [`GroupCommit::append`].
    pub fn append(&self, now: Timestamp, block: InputBlockId, bytes: &[u8]) -> Result<RecordHandle, WriteAheadError> {
        // While nobody knows its segment, none is deleted.
        self.unanswered.lock().insert(block, 0);
        let appended = self.writer.append(now, bytes.to_vec()).and_then(|handle| Ok((handle.segment()?, handle)));
        match appended {
            Ok((segment, handle)) => {
                self.unanswered.lock().insert(block, segment);
                Ok(handle)
            }
            Err(error) => {
                self.forget(block);
                Err(error)
            }
        }
    }

    /// Nobody will ask for a block that is logged.
    pub fn forget(&self, block: InputBlockId) {
        self.unanswered.lock().remove(&block);
    }

    /// Deletes the segments before `before`: of which nothing is needed, says the driver. It knows nothing of
    /// blocks that are on their way to it.
    ///
    /// # Errors
    /// When the store refuses.
    pub fn clean(&self, before: u64) -> Result<(), WriteAheadError> {
        let on_their_way = self.unanswered.lock().values().min().copied();
        let before = before.min(on_their_way.unwrap_or(u64::MAX)).min(self.writer.current().unwrap_or(u64::MAX));
        let numbers = crate::object_store::segments_of(&*self.store, &self.log)?;
        let old: Vec<u64> = numbers.into_iter().filter(|number| *number < before).collect();
        Ok(delete_segments(&*self.store, &self.log, &old)?)
    }
}
