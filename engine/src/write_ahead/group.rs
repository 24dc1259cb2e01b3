//! Group commit: threads that write at once share one sync (R18.8). Whoever comes first writes for all who wait.

use super::error::WriteAheadError;
use super::format::{MAX_RECORD_BYTES, RecordHandle};
use super::writer::WriteAheadLog;
use crate::ids::Timestamp;
use crate::sync::{Condvar, Mutex};
use std::collections::BTreeMap;

/// A log that several threads write to.
#[derive(Debug)]
pub struct GroupCommit {
    state: Mutex<State>,
    written: Condvar,
}

#[derive(Debug)]
struct State {
    /// Taken by the thread that writes.
    log: Option<WriteAheadLog>,
    next_ticket: u64,
    queue: Vec<(u64, Vec<u8>)>,
    done: BTreeMap<u64, Result<RecordHandle, WriteAheadError>>,
    closed: bool,
}

impl GroupCommit {
    /// Shares a log.
    pub fn new(log: WriteAheadLog) -> Self {
        let state = State { log: Some(log), next_ticket: 0, queue: Vec::new(), done: BTreeMap::new(), closed: false };
        Self { state: Mutex::new(state), written: Condvar::new() }
    }

    /// Appends a record, and returns when it is durable.
    ///
    /// # Errors
    /// As [`WriteAheadLog::append`], and [`WriteAheadError::Closed`].
    pub fn append(&self, now: Timestamp, record: Vec<u8>) -> Result<RecordHandle, WriteAheadError> {
        // One that is too large must not fail the others of its group.
        if record.len() > MAX_RECORD_BYTES {
            return Err(WriteAheadError::TooLarge { bytes: record.len() as u64, max: MAX_RECORD_BYTES as u64 });
        }
        let mut state = self.state.lock();
        if state.closed {
            return Err(WriteAheadError::Closed);
        }
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        state.queue.push((ticket, record));
        loop {
            if let Some(result) = state.done.remove(&ticket) {
                return result;
            }
            let Some(mut log) = state.log.take() else {
                self.written.wait(&mut state);
                continue;
            };
            let group = std::mem::take(&mut state.queue);
            drop(state);
            let records: Vec<&[u8]> = group.iter().map(|(_, record)| record.as_slice()).collect();
            let written = log.append(now, &records);
            state = self.state.lock();
            state.log = Some(log);
            match written {
                Ok(handles) => {
                    let tickets = group.iter().map(|(ticket, _)| *ticket);
                    state.done.extend(tickets.zip(handles.into_iter().map(Ok)));
                }
                Err(error) => {
                    state.done.extend(group.iter().map(|(ticket, _)| (*ticket, Err(error.clone()))));
                }
            }
            self.written.notify_all();
        }
    }

    /// How many records wait for the one that is being written.
    pub fn queued(&self) -> usize {
        self.state.lock().queue.len()
    }

    /// The segment that grows, if there is one and nobody writes at this moment.
    pub fn current(&self) -> Option<u64> {
        self.state.lock().log.as_ref().and_then(WriteAheadLog::current)
    }

    /// Takes no more records; those that wait fail, those that are being written may not.
    pub fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        let waiting = std::mem::take(&mut state.queue);
        state.done.extend(waiting.into_iter().map(|(ticket, _)| (ticket, Err(WriteAheadError::Closed))));
        self.written.notify_all();
    }
}
