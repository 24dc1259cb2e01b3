//! From records to blocks: what was added since the last multiple of the block interval is one block (R17.6).

use crate::ids::*;
use crate::storage::{Data, StoredBlock, ValuesBlock};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::write_ahead::RecordHandle;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How far each client of a source that acknowledges has been stored: its name, and the number of its last line.
pub type Clients = BTreeMap<String, u64>;

/// A block of a receiver, as the driver counts it and block metadata keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedBlock {
    /// Which.
    pub id: InputBlockId,
    /// Records.
    pub records: u64,
    /// How far it reaches for each client whose lines are in it; empty for sources without acknowledgements.
    #[serde(default)]
    pub clients: Clients,
    /// Lines that came again and were dropped since the block before: they are stored already.
    #[serde(default)]
    pub duplicates: u64,
    /// Where the write-ahead log has its records, if it has them.
    #[serde(default)]
    pub handle: Option<RecordHandle>,
    /// Records that its receiver had gathered when it was stored, and that were in no stored block yet.
    #[serde(skip)]
    pub buffered: u64,
    /// Whether a former driver received it: its executors are gone, and no block manager is asked (R17.12).
    #[serde(skip)]
    pub recovered: bool,
}

impl ReceivedBlock {
    /// A block that is in no log and has no clients.
    pub const fn new(id: InputBlockId, records: u64) -> Self {
        Self { id, records, clients: Clients::new(), duplicates: 0, handle: None, buffered: 0, recovered: false }
    }
}

/// What a source that acknowledges says about a block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbering {
    /// How far the block reaches for each client whose lines are in it.
    pub clients: Clients,
    /// Lines that came again and were dropped since the block before.
    pub duplicates: u64,
}

/// A block that is to be stored.
#[derive(Clone, Debug)]
pub struct ReadyBlock {
    /// Which.
    pub id: InputBlockId,
    /// Its records.
    pub values: Arc<dyn StoredBlock>,
    /// What its source says about its lines.
    pub numbering: Numbering,
}

impl ReadyBlock {
    /// The block without its records.
    pub fn received(&self) -> ReceivedBlock {
        let Numbering { clients, duplicates } = self.numbering.clone();
        ReceivedBlock { clients, duplicates, ..ReceivedBlock::new(self.id, self.values.len()) }
    }

    /// Its records, if nobody sends them again when it is stored nowhere: clients that number their lines do.
    pub(crate) fn records_not_resent(&self) -> u64 {
        if self.numbering.clients.is_empty() { self.values.len() } else { 0 }
    }
}

/// Numbers of the blocks of one stream: the time in milliseconds, and never one that was given before,
/// whichever start of its receiver asks. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct BlockNumbers(Arc<AtomicU64>);

impl BlockNumbers {
    /// No number up to `last` is given.
    pub fn skip_to(&self, last: u64) {
        self.0.fetch_max(last, Ordering::Relaxed);
    }

    /// The number of a block that is closed at `at`.
    pub fn next(&self, at: Timestamp) -> u64 {
        let number = |last: u64| at.as_millis().max(last + 1);
        let last = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(number(last)));
        number(last.unwrap_or_else(|last| last))
    }
}

/// Gathers records, and closes a block at every multiple of the interval at which there are any.
#[derive(Debug)]
pub struct BlockGenerator<T> {
    stream: StreamId,
    interval_ns: u64,
    numbers: BlockNumbers,
    buffer: Vec<T>,
    /// When the buffer becomes a block; none while it is empty.
    due: Option<Timestamp>,
    open: bool,
}

impl<T: Data> BlockGenerator<T> {
    /// An empty one that takes records. An interval of 0 counts as 1 ms.
    pub fn new(stream: StreamId, interval: Millis, numbers: BlockNumbers) -> Self {
        let interval_ns = interval.0.max(1) * 1_000_000;
        Self { stream, interval_ns, numbers, buffer: Vec::new(), due: None, open: true }
    }

    /// Whether records are taken.
    pub const fn is_open(&self) -> bool {
        self.open
    }

    /// When the records gathered so far become a block.
    pub const fn due(&self) -> Option<Timestamp> {
        self.due
    }

    /// Adds records at `now`; all of them are in one block. Returns whether they were taken: a closed
    /// generator takes none (R17.9).
    pub fn add(&mut self, now: Timestamp, records: impl IntoIterator<Item = T>) -> bool {
        if !self.open {
            return false;
        }
        self.buffer.extend(records);
        if self.due.is_none() && !self.buffer.is_empty() {
            self.due = Some(Timestamp((now.0 / self.interval_ns + 1) * self.interval_ns));
        }
        true
    }

    /// The block that is due at `now`.
    pub fn cut(&mut self, now: Timestamp) -> Option<ReadyBlock> {
        let due = self.due.filter(|due| *due <= now)?;
        self.block(due)
    }

    /// Takes no more records. What was gathered is the last block (R17.9).
    pub fn close(&mut self, now: Timestamp) -> Option<ReadyBlock> {
        self.open = false;
        self.block(self.due?.min(now))
    }

    fn block(&mut self, at: Timestamp) -> Option<ReadyBlock> {
        self.due = None;
        let next = Vec::with_capacity(self.buffer.len());
        let records = std::mem::replace(&mut self.buffer, next);
        (!records.is_empty()).then(|| self.block_of(at, records, Numbering::default()))
    }

    /// A block of its own for records that are stored together (R17.7).
    pub fn block_of(&self, at: Timestamp, records: Vec<T>, numbering: Numbering) -> ReadyBlock {
        let id = InputBlockId { stream: self.stream, number: self.numbers.next(at) };
        ReadyBlock { id, values: ValuesBlock::shared(records), numbering }
    }

    /// How much is gathered for the next block.
    pub fn gathered(&self) -> u64 {
        self.buffer.len() as u64
    }

    /// Forgets what was gathered, and takes nothing more: its executor is dead. Returns how much that was.
    pub fn discard(&mut self) -> u64 {
        self.open = false;
        self.due = None;
        std::mem::take(&mut self.buffer).len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{Values, values_of};

    fn at(ms: u64) -> Timestamp {
        Timestamp(ms * 1_000_000)
    }

    fn records(block: &ReadyBlock) -> Vec<u32> {
        match values_of::<u32>(&*block.values).expect("the block has the type of its generator") {
            Values::Shared(values) => values.to_vec(),
            Values::Owned(values) => values,
        }
    }

    /// R02. Without it a record would be in the block of another interval, in two blocks or in none, or an
    /// interval without records would make a block.
    #[test]
    fn r02_one_block_per_interval_that_has_records() {
        let mut generator = BlockGenerator::<u32>::new(StreamId(3), Millis(200), BlockNumbers::default());
        assert_eq!(generator.due(), None, "nothing is gathered, nothing is due");
        assert!(generator.cut(at(1000)).is_none());
        assert!(generator.add(at(1010), [1, 2]));
        assert!(generator.add(at(1190), [3]));
        assert_eq!(generator.due(), Some(at(1200)));
        assert!(generator.cut(at(1199)).is_none(), "the interval is not over");
        let block = generator.cut(at(1200)).expect("the interval has records");
        assert_eq!((block.id.to_string().as_str(), records(&block)), ("input-3-1200", vec![1, 2, 3]));
        assert!(generator.cut(at(1400)).is_none(), "an empty interval has no block");
        assert!(generator.add(at(1650), [4]));
        let block = generator.cut(at(2000)).expect("it was due at 1800");
        assert_eq!((block.id.number, records(&block)), (1800, vec![4]));
    }

    /// R03. Without it a record added while the receiver stops would be taken and then lost.
    #[test]
    fn r03_a_closed_generator_gives_its_last_block_and_takes_nothing() {
        let mut generator = BlockGenerator::<u32>::new(StreamId(0), Millis(200), BlockNumbers::default());
        assert!((0..1000).all(|n| generator.add(at(1000), [n])));
        let last = generator.close(at(1050)).expect("the final block");
        assert_eq!(records(&last), (0..1000).collect::<Vec<u32>>());
        assert!(!generator.add(at(1051), [7]), "adding now is refused");
        assert!(generator.close(at(1060)).is_none() && generator.cut(at(9000)).is_none());
    }

    /// Without it two starts of one receiver within a block interval would store different records under one
    /// name, on different executors.
    #[test]
    fn numbers_are_never_given_twice() {
        let numbers = BlockNumbers::default();
        let mut first = BlockGenerator::<u32>::new(StreamId(0), Millis(200), numbers.clone());
        let mut second = BlockGenerator::<u32>::new(StreamId(0), Millis(200), numbers.clone());
        assert!(first.add(at(1010), [1]) && second.add(at(1020), [2]));
        let cut = [first.cut(at(1200)), second.cut(at(1200))];
        let ids: Vec<u64> = cut.into_iter().flatten().map(|block| block.id.number).collect();
        assert_eq!(ids, [1200, 1201]);
        assert_eq!(second.block_of(at(1200), vec![3], Numbering::default()).id.number, 1202);
        assert_eq!(numbers.next(at(1400)), 1400);
    }
}
