//! What a user writes to receive something, and what is offered to it (R17.1 to R17.9).

use super::generator::{Clients, Numbering, ReceivedBlock};
use super::intake::Intake;
use super::supervisor::Ask;
use crate::ids::*;
use crate::storage::Data;
use crate::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use thiserror::Error;

/// A custom receiver of records of `T`. One object lives as long as its stream; it is started on an executor,
/// again after a restart, and on another executor when its own dies.
///
/// A receiver whose executor dies is not told by `on_stop`, as a process that dies is not: its context says
/// `is_stopped`, and takes nothing any more.
pub trait Receiver<T: Data>: Send + Sync + 'static {
    /// What the log and the window call it, with what it reads: `TickReceiver 10 ms`.
    fn name(&self) -> String;

    /// Starts receiving. Whoever receives needs a thread of its own, keeps `context`, and ends when the
    /// context is stopped. A panic ends this start, and the receiver is started again.
    fn on_start(&self, context: ReceiverContext<T>);

    /// Stops receiving: called before a restart and at the end. Records are still taken until it returns.
    fn on_stop(&self) {}

    /// A record was added to the block that is open. This and [`Self::on_generate_block`] never overlap, so
    /// that a position in the source can be tied to a block (R17.8). It must not store anything.
    fn on_add_data(&self, _record: &T) {}

    /// The block that was open is closed: what was added since the last one is in it. It must not store
    /// anything.
    fn on_generate_block(&self, _block: InputBlockId) {}

    /// A block is stored as its level asks, and the driver has accepted it; or not, and its records are lost.
    fn on_push_block(&self, _block: InputBlockId, _result: Result<(), &str>) {}
}

/// Why records were not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReceiverError {
    /// The receiver was stopped, or its executor is dead.
    #[error("Cannot add data as BlockGenerator has not been started or has been stopped")]
    Stopped,
    /// The block could not be stored, or the driver did not accept it.
    #[error("the block was not stored: {0}")]
    Refused(String),
}

/// What a loop offers to a receiver that has threads.
pub(crate) trait Port: Send + Sync {
    /// Time of the loop.
    fn now(&self) -> Timestamp;
    /// Stores a block here and on peers, and tells the driver, which answers later.
    fn store(&self, block: &super::ReadyBlock) -> Result<(), String>;
    /// Passes on what the receiver wants.
    fn ask(&self, ask: Ask);
    /// Whether the executor is dead, or the run over.
    fn is_over(&self) -> bool;
}

/// The way of one start of a receiver to the engine. Cheap to clone; threads may share it.
pub struct ReceiverContext<T: Data> {
    pub(super) intake: Arc<Intake<T>>,
    pub(super) port: Arc<dyn Port>,
    pub(super) stopped: Arc<AtomicBool>,
}

impl<T: Data> Clone for ReceiverContext<T> {
    fn clone(&self) -> Self {
        Self { intake: Arc::clone(&self.intake), port: Arc::clone(&self.port), stopped: Arc::clone(&self.stopped) }
    }
}

impl<T: Data> ReceiverContext<T> {
    /// Stores one record with those of its block interval. Waits while the rate limit asks for it, or while
    /// `spark.streaming.blockQueueSize` blocks wait for the driver. What is gathered is lost if the executor
    /// dies (R17.6).
    ///
    /// # Errors
    /// [`ReceiverError::Stopped`].
    pub fn store(&self, record: T) -> Result<(), ReceiverError> {
        self.intake.store(&*self.port, 1, std::iter::once(record))
    }

    /// As [`Self::store`] for several records, which will be in one block.
    ///
    /// # Errors
    /// [`ReceiverError::Stopped`]: then none was taken.
    pub fn store_all(&self, records: Vec<T>) -> Result<(), ReceiverError> {
        self.intake.store(&*self.port, records.len() as u64, records)
    }

    /// Stores these records as one block, and returns when it is stored as the stream's level asks and the
    /// driver has accepted it: only then may a source be told that they arrived (R17.7). No rate limit
    /// holds it back. No records make no block.
    ///
    /// # Errors
    /// The block is not stored, or nobody knows whether it is.
    pub fn store_many(&self, records: Vec<T>) -> Result<Option<ReceivedBlock>, ReceiverError> {
        self.intake.store_many(&*self.port, records, Numbering::default())
    }

    /// As [`Self::store_many`] for lines of clients that number them: the driver remembers with the block how far
    /// it reaches for each, and tells the next start of the receiver.
    ///
    /// # Errors
    /// The block is not stored, or nobody knows whether it is.
    pub fn store_numbered(
        &self,
        records: Vec<T>,
        numbering: Numbering,
    ) -> Result<Option<ReceivedBlock>, ReceiverError> {
        self.intake.store_many(&*self.port, records, numbering)
    }

    /// How far the blocks reach that the driver has accepted: what a client sends again up to there is stored
    /// already. Waits for blocks of an earlier start that are not answered; one that is not among them is refused.
    pub fn clients(&self) -> Clients {
        self.intake.clients(&*self.port)
    }

    /// Reports an error and goes on.
    pub fn report_error(&self, message: &str, error: &str) {
        self.port.ask(Ask::Error { message: message.to_owned(), error: error.to_owned() });
    }

    /// Stops this receiver, and starts it again after `spark.streaming.receiverRestartDelay`. Returns at
    /// once (R17.4).
    pub fn restart(&self, message: &str, error: &str) {
        self.ask_restart(message, error, None);
    }

    /// The same after `delay`.
    pub fn restart_after(&self, message: &str, error: &str, delay: Millis) {
        self.ask_restart(message, error, Some(delay));
    }

    fn ask_restart(&self, message: &str, error: &str, delay: Option<Millis>) {
        // Of two threads that find the same failure, only the first is heard; an earlier start never.
        if !self.stopped.load(Ordering::Relaxed) {
            self.port.ask(Ask::Restart { message: message.to_owned(), error: error.to_owned(), delay });
        }
    }

    /// Ends this start of the receiver. The driver starts it again, perhaps elsewhere (R17.3). Returns at
    /// once.
    pub fn stop(&self, message: &str) {
        if !self.stopped.load(Ordering::Relaxed) {
            self.port.ask(Ask::Stop { message: message.to_owned(), error: String::new() });
        }
    }

    /// Whether this start of the receiver was stopped: its threads should end.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed) || self.port.is_over()
    }
}
