//! The table: what each source promises in each mode when something fails, and what shows that it is so.

use faultline_engine::receiver::Delivery;

/// Where records come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Files of a directory, which stay.
    Files {
        /// Whether files count that are older than the stream.
        new_files_only: bool,
    },
    /// A receiver that keeps its blocks on so many executors.
    Receiver {
        /// What its source does about what was not stored.
        delivery: Delivery,
        /// Executors.
        copies: u8,
    },
    /// A text of which each batch reads a range: what Kafka's direct stream is without its brokers.
    Replay,
    /// RDDs that the program queued.
    Queue,
}

/// What the program keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing.
    Plain,
    /// A checkpoint directory, from which `getOrCreate` goes on.
    Checkpoint,
    /// The same, and what receivers store is logged.
    Logged,
}

/// What fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// An executor without a receiver.
    E,
    /// The executor of the receiver.
    Re,
    /// The driver, and with it its executors; it is started again.
    D,
    /// The machines of all of them; another process begins where the store is.
    De,
    /// The same, and the store was on one of their disks.
    DeWithStore,
}

/// How far a record was when something failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// A receiver has it, and the driver has no block of it.
    Buffered,
    /// It is stored, and no completed batch has it.
    Stored,
    /// It came while nobody looked.
    Downtime,
    /// A completed batch has it.
    Processed,
    /// It came later.
    Later,
}

/// Whether a record may be in two batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twice {
    /// It is not.
    Never,
    /// It may be, when it is sent again.
    Possible,
    /// In some runs it is.
    Real,
}

/// What becomes of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is what the batches make of it.
    Whole,
    /// In some runs something is missing in it.
    Incomplete,
}

/// What tells of a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The stop of its receiver says that what it had buffered is lost.
    Receiver,
    /// Findings name the blocks that were lost, with their records, and batches whose input is gone fail.
    Blocks,
    /// A finding names files that are not read.
    Files,
    /// A finding says that the stream begins anew.
    Anew,
    /// The end of the driver is all that can be known.
    End,
    /// The program does not start again, and says why.
    Refused,
}

/// The promise of one cell.
#[derive(Clone, Copy, Debug)]
pub struct Promise {
    /// What may be lost, and in some runs is; nothing else ever is.
    pub lost: &'static [(Fate, Told)],
    /// How often a record is in batches.
    pub twice: Twice,
    /// What becomes of state, in modes that have any.
    pub state: State,
}

/// A cell of the table.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    /// Row of the table.
    pub row: u32,
    /// Source.
    pub source: Source,
    /// Mode.
    pub mode: Mode,
    /// Failure.
    pub failure: Failure,
    /// What holds then.
    pub promise: Promise,
}

const KEPT: Promise = Promise { lost: &[], twice: Twice::Never, state: State::Whole };

/// Only this may be lost.
const fn lost(lost: &'static [(Fate, Told)]) -> Promise {
    Promise { lost, ..KEPT }
}

/// The same of a program with state.
const fn lost_with_state(lost: &'static [(Fate, Told)]) -> Promise {
    Promise { lost, state: State::Incomplete, ..KEPT }
}

/// Nothing is lost, and something comes twice.
const TWICE: Promise = Promise { twice: Twice::Real, ..KEPT };

/// Nothing is lost, and what was not acknowledged comes again.
const AT_LEAST_ONCE: Promise = Promise { twice: Twice::Possible, ..KEPT };

const FILES: Source = Source::Files { new_files_only: true };
const OLD_FILES: Source = Source::Files { new_files_only: false };

/// Nobody is told what became of its records.
const fn unreliable(copies: u8) -> Source {
    Source::Receiver { delivery: Delivery::Once, copies }
}

/// What was not acknowledged is sent again.
const RELIABLE: Source = Source::Receiver { delivery: Delivery::UntilAcknowledged, copies: 2 };
/// The same with numbers, by which the receiver knows what is stored.
const NUMBERED: Source = Source::Receiver { delivery: Delivery::Numbered, copies: 2 };

const BUFFER: (Fate, Told) = (Fate::Buffered, Told::Receiver);
const BLOCKS: (Fate, Told) = (Fate::Stored, Told::Blocks);

const fn cell(row: u32, source: Source, mode: Mode, failure: Failure, promise: Promise) -> Cell {
    Cell { row, source, mode, failure, promise }
}

/// The cell of a row and a failure that comes first.
///
/// # Panics
/// When there is none.
pub fn first_cell(row: u32, failure: Failure) -> &'static Cell {
    TABLE.iter().find(|cell| (cell.row, cell.failure) == (row, failure)).expect("the table has this cell")
}

/// Every cell that this engine can have.
pub const TABLE: &[Cell] = &{
    use Failure::{D, De, DeWithStore, E, Re};
    use Mode::{Checkpoint, Logged, Plain};
    const MISSED: Promise = lost(&[(Fate::Stored, Told::Files), (Fate::Downtime, Told::Files)]);
    const ALL: Promise = lost(&[BUFFER, BLOCKS]);
    const ALL_WITH_STATE: Promise = lost_with_state(&[BUFFER, BLOCKS]);
    const WITHOUT_STORE: Promise = lost(&[(Fate::Buffered, Told::End), (Fate::Stored, Told::End)]);
    [
        cell(1, FILES, Plain, E, KEPT),
        cell(1, FILES, Plain, D, MISSED),
        cell(1, FILES, Plain, De, MISSED),
        cell(1, OLD_FILES, Plain, D, TWICE),
        cell(1, OLD_FILES, Plain, De, TWICE),
        cell(2, FILES, Checkpoint, E, KEPT),
        cell(2, FILES, Checkpoint, D, KEPT),
        cell(2, FILES, Checkpoint, De, KEPT),
        cell(3, FILES, Logged, E, KEPT),
        cell(3, FILES, Logged, D, KEPT),
        cell(3, FILES, Logged, De, KEPT),
        cell(4, unreliable(2), Plain, E, KEPT),
        cell(4, unreliable(2), Plain, Re, lost(&[BUFFER])),
        cell(4, unreliable(2), Plain, D, ALL),
        cell(4, unreliable(2), Plain, De, ALL),
        // Its receiver has left the executor that fails, whose blocks nobody else has.
        cell(5, unreliable(1), Plain, E, lost(&[BLOCKS])),
        cell(5, unreliable(1), Plain, Re, ALL),
        cell(5, unreliable(1), Plain, D, ALL),
        cell(5, unreliable(1), Plain, De, ALL),
        cell(6, unreliable(2), Checkpoint, E, KEPT),
        cell(6, unreliable(2), Checkpoint, Re, lost(&[BUFFER])),
        cell(6, unreliable(2), Checkpoint, D, ALL_WITH_STATE),
        cell(6, unreliable(2), Checkpoint, De, ALL_WITH_STATE),
        cell(7, unreliable(2), Logged, E, KEPT),
        cell(7, unreliable(2), Logged, Re, lost(&[BUFFER])),
        cell(7, unreliable(2), Logged, D, lost(&[BUFFER])),
        cell(7, unreliable(2), Logged, De, lost(&[BUFFER])),
        cell(7, unreliable(2), Logged, DeWithStore, WITHOUT_STORE),
        cell(8, RELIABLE, Plain, E, KEPT),
        cell(8, RELIABLE, Plain, Re, AT_LEAST_ONCE),
        cell(8, RELIABLE, Plain, D, lost(&[BLOCKS])),
        cell(8, RELIABLE, Plain, De, lost(&[BLOCKS])),
        cell(9, RELIABLE, Checkpoint, E, KEPT),
        cell(9, RELIABLE, Checkpoint, Re, AT_LEAST_ONCE),
        cell(9, RELIABLE, Checkpoint, D, lost_with_state(&[BLOCKS])),
        cell(9, RELIABLE, Checkpoint, De, lost_with_state(&[BLOCKS])),
        cell(10, RELIABLE, Logged, E, KEPT),
        cell(10, RELIABLE, Logged, Re, TWICE),
        cell(10, RELIABLE, Logged, D, TWICE),
        cell(10, RELIABLE, Logged, De, TWICE),
        cell(10, NUMBERED, Logged, Re, KEPT),
        cell(10, NUMBERED, Logged, D, KEPT),
        cell(10, NUMBERED, Logged, De, KEPT),
        cell(11, Source::Replay, Plain, E, KEPT),
        cell(11, Source::Replay, Plain, D, TWICE),
        cell(11, Source::Replay, Plain, De, TWICE),
        cell(13, Source::Replay, Checkpoint, E, KEPT),
        cell(13, Source::Replay, Checkpoint, D, KEPT),
        cell(13, Source::Replay, Checkpoint, De, KEPT),
        cell(15, Source::Queue, Plain, E, KEPT),
        cell(15, Source::Queue, Plain, D, lost(&[(Fate::Stored, Told::Anew)])),
        cell(15, Source::Queue, Plain, De, lost(&[(Fate::Stored, Told::End)])),
        cell(15, Source::Queue, Checkpoint, E, KEPT),
        cell(15, Source::Queue, Checkpoint, D, lost(&[(Fate::Stored, Told::Refused)])),
        cell(15, Source::Queue, Checkpoint, De, lost(&[(Fate::Stored, Told::Refused)])),
    ]
};
