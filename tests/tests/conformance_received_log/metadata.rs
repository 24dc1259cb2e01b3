//! Which batch was given which block, over the death of the driver: the driver by hand, with a real log.

use faultline_engine::config::{BatchFailurePolicy, EngineConfig};
use faultline_engine::driver::{
    BatchTick, CheckpointPlan, DriverInput, GeneratedBatch, OutputJob, ReceivedLogOp, ReceivedLogPlan, ReceivedRecord,
    ReceiverNews, ReceiverOp, Request, SavedStreams, SlotId, StreamingPlan, Told,
};
use faultline_engine::error::{EngineError, Result};
use faultline_engine::event::*;
use faultline_engine::executor::BlockReport;
use faultline_engine::ids::*;
use faultline_engine::object_store::{Harm, HostileStore, MemoryObjectStore, ObjectStore, PutMode, segments_of};
use faultline_engine::receiver::{Arrival, Clients, ReceivedBlock, ReceiverPlan, ReceiverSource};
use faultline_engine::recovery::{BatchPlan, Recovered, StreamingCheckpoint, Written};
use faultline_engine::runtime::ReceivedLogWriter;
use faultline_engine::storage::BlockChange;
use faultline_engine::write_ahead::{LogSettings, LogStart, RecordHandle, WriteAheadLog, read_all};
use faultline_tests::DriverLab;
use faultline_tests::scripted::findings;
use std::collections::BTreeMap;
use std::sync::Arc;

const STREAM: StreamId = StreamId(0);
const GENERATOR: SlotId = SlotId(1);
/// Two batches may run at once.
const OUTPUTS: [SlotId; 2] = [SlotId(2), SlotId(3)];
const LOG: &str = "app/receivedBlockMetadata";

/// A life of a driver with one receiver and a checkpoint directory.
pub struct Life {
    pub lab: DriverLab,
    attempt: u32,
}

/// A store that can be told to fail.
pub fn store() -> HostileStore {
    HostileStore::new(Arc::new(MemoryObjectStore::new()))
}

/// What is not the same in all programs.
#[derive(Clone, Copy, Default)]
pub struct Program {
    /// What a failed batch does to the stream.
    pub policy: BatchFailurePolicy,
    /// How many batches the stream of the receiver is remembered.
    pub remembered: u64,
}

impl Program {
    fn streams(self) -> Vec<StreamInfo> {
        let stream = serde_json::json!({
            "id": STREAM, "operator": "receiver", "class": "ReceiverInputDStream", "callsite": "", "parents": [],
            "slide": 1000, "window": null, "stateful": false, "level": StorageLevel::NONE, "checkpoint_interval": null,
            "remember": self.remembered * 1000, "shuffles": false,
        });
        vec![serde_json::from_value(stream).expect("a stream")]
    }
}

impl Life {
    fn start(store: &HostileStore, replay: bool, checkpoint: Option<CheckpointPlan>) -> Self {
        Self::of(store, Program::default(), replay, checkpoint)
    }

    fn of(store: &HostileStore, program: Program, replay: bool, checkpoint: Option<CheckpointPlan>) -> Self {
        // A segment for each second, so that there are several.
        let settings = LogSettings { roll_every: Millis(1000), ..LogSettings::default() };
        // A clock that nobody sets to the time of a checkpoint.
        let clock = ClockKind::Wall;
        let on_batch_failure = program.policy;
        let config = EngineConfig { executors: 2, cores: 2, clock, on_batch_failure, ..EngineConfig::default() };
        let mut lab = DriverLab::with_config(config);
        lab.log_writer = Some(ReceivedLogWriter::new(Arc::new(store.clone()), settings));
        let plan = ReceiverPlan {
            stream: STREAM,
            source: ReceiverSource::scripted("AckSource", |_| None::<Arrival<u8>>),
            level: StorageLevel::MEMORY_AND_DISK_SER_2,
        };
        let plan = StreamingPlan {
            interval: Millis(1000),
            streams: program.streams(),
            outputs: Vec::new(),
            receivers: vec![plan],
            checkpoint,
            received_log: Some(ReceivedLogPlan { dir: "app".to_owned(), epoch: 0, replay }),
            slots: Vec::new(),
        };
        let slot = SlotId(0);
        lab.input(match plan.checkpoint {
            Some(_) => DriverInput::EpochTaken { slot, plan: Box::new(plan), result: Ok(2) },
            None => DriverInput::Request { slot, request: Request::StartStreaming(plan) },
        });
        for slot in OUTPUTS {
            lab.input(DriverInput::Request { slot, request: Request::NextOutput });
        }
        Self { lab, attempt: 1 }
    }

    /// A program that starts.
    pub fn new(store: &HostileStore) -> Self {
        Self::start(store, false, None)
    }

    /// A program that is not as the others.
    pub fn new_of(store: &HostileStore, program: Program) -> Self {
        Self::of(store, program, false, Some(Self::plan(None)))
    }

    /// The same, which goes on from a checkpoint.
    pub fn go_on_of(store: &HostileStore, program: Program, checkpoint: StreamingCheckpoint) -> Self {
        Self::of(store, program, true, Some(Self::plan(Some(checkpoint))))
    }

    /// The same with graph checkpoints, which the test writes.
    pub fn with_checkpoints(store: &HostileStore) -> Self {
        Self::checkpointed(store, None)
    }

    /// A program that goes on from a checkpoint.
    pub fn go_on(store: &HostileStore, checkpoint: StreamingCheckpoint) -> Self {
        Self::checkpointed(store, Some(checkpoint))
    }

    fn checkpointed(store: &HostileStore, restored: Option<StreamingCheckpoint>) -> Self {
        Self::start(store, restored.is_some(), Some(Self::plan(restored)))
    }

    fn plan(restored: Option<StreamingCheckpoint>) -> CheckpointPlan {
        let restored = restored.map(|checkpoint| {
            let (damaged, named) = (Vec::new(), BTreeMap::new());
            Box::new(Recovered { checkpoint, key: "app/checkpoint".to_owned(), damaged, named })
        });
        let replay_received = restored.is_some();
        CheckpointPlan { dir: "app".to_owned(), inputs: BTreeMap::new(), restored, replay_received }
    }

    /// A program that goes on where a driver died.
    pub fn recover(store: &HostileStore) -> Self {
        Self::start(store, true, None)
    }

    /// The receiver stored a block with its records in a log.
    pub fn add_block(&mut self, block: ReceivedBlock) {
        let report = BlockReport {
            executor: ExecutorId(1),
            version: block.id.number,
            change: BlockChange {
                block: block.id.into(),
                level: StorageLevel::MEMORY_AND_DISK_SER,
                status: BlockStatus { memory_bytes: 10, disk_bytes: 0, removal: None },
            },
            preview: None,
        };
        let news = ReceiverNews::Stored { block, executor: ExecutorId(1), reports: vec![report] };
        self.lab.input(DriverInput::Receiver { stream: STREAM, attempt: self.attempt, news });
    }

    /// The same of these numbers, one record each.
    pub fn add(&mut self, numbers: impl IntoIterator<Item = u64>) {
        for number in numbers {
            self.add_block(Self::logged(number));
        }
    }

    /// A block whose records are in a log.
    pub fn logged(number: u64) -> ReceivedBlock {
        ReceivedBlock { handle: Some(handle(number)), ..block(number) }
    }

    /// What the receiver heard of its blocks: number, and whether it was accepted.
    pub fn answers(&self) -> Vec<(u64, bool)> {
        let answers = self.lab.receiver_operations.iter().filter_map(|op| match op {
            ReceiverOp::Answer { block, result, .. } => Some((block.number, result.is_ok())),
            _ => None,
        });
        answers.collect()
    }

    fn ask(&mut self, batch: u32) {
        let tick = BatchTick { batch: BatchId(batch), time: VIRTUAL_EPOCH.plus(Millis(u64::from(batch) * 1000)) };
        self.lab.input(DriverInput::Request { slot: GENERATOR, request: Request::ReceivedBlocks(tick) });
    }

    /// The numbers of the blocks that a batch is given, and whether all were of a former driver.
    pub fn allocate(&mut self, batch: u32) -> Vec<u64> {
        self.ask(batch);
        let given = self.lab.received.last().expect("the driver answers");
        given.get(&STREAM).into_iter().flatten().map(|block| block.id.number).collect()
    }

    /// What a batch hears that is not given its blocks.
    pub fn refused(&mut self, batch: u32) -> String {
        let answers = self.lab.done.len();
        self.ask(batch);
        let [Err(error)] = &self.lab.done[answers..] else { panic!("batch {batch} is given its blocks") };
        error.to_string()
    }

    /// A batch is generated and succeeds.
    pub fn succeed(&mut self, batch: u32) {
        self.generate(batch);
        self.finish(batch);
    }

    /// A batch is generated.
    pub fn generate(&mut self, batch: u32) {
        let tick = BatchTick { batch: BatchId(batch), time: VIRTUAL_EPOCH.plus(Millis(u64::from(batch) * 1000)) };
        let output_op = OutputOpId(0);
        let outputs = vec![OutputJob { tick, output_op, run: Arc::new(|_| Ok(())), epoch: 0 }];
        let (plan, saved) = (BatchPlan::default(), SavedStreams::default());
        let generated = Told::BatchGenerated { tick, batch: Ok(GeneratedBatch { plan, saved, outputs }) };
        self.lab.input(DriverInput::Told { slot: GENERATOR, told: generated });
    }

    /// A batch that runs succeeds.
    pub fn finish(&mut self, batch: u32) {
        self.end(batch, Ok(()));
    }

    /// A batch that runs fails.
    pub fn fail(&mut self, batch: u32) {
        self.end(batch, Err(EngineError::IllegalState("the output operation failed".to_owned())));
    }

    fn end(&mut self, batch: u32, result: Result<()>) {
        let done = Told::OutputDone { batch: BatchId(batch), output_op: OutputOpId(0), result };
        self.lab.input(DriverInput::Told { slot: OUTPUTS[0], told: done });
        self.lab.input(DriverInput::Request { slot: OUTPUTS[0], request: Request::NextOutput });
    }

    /// The generator forgets what a batch that succeeded no longer needs.
    pub fn clear(&mut self, batch: u32) {
        let tick = BatchTick { batch: BatchId(batch), time: VIRTUAL_EPOCH.plus(Millis(u64::from(batch) * 1000)) };
        let told = Told::BatchCleared { tick, saved: SavedStreams::default() };
        self.lab.input(DriverInput::Told { slot: GENERATOR, told });
    }

    /// The graph checkpoint that is being written is verified.
    pub fn verify(&mut self) -> StreamingCheckpoint {
        let write = self.lab.graph_writes.pop_front().expect("one is being written");
        let checkpoint = write.checkpoint.clone();
        let (key, bytes) = ("app/checkpoint".to_owned(), 1);
        self.lab.input(DriverInput::GraphWritten {
            write,
            result: Ok(Written::Verified { key, bytes, backup: None, deleted: Vec::new() }),
        });
        checkpoint
    }
}

pub fn block(number: u64) -> ReceivedBlock {
    ReceivedBlock::new(InputBlockId { stream: STREAM, number }, 1)
}

/// Where the records of a block are said to be: ten blocks to a segment.
fn handle(number: u64) -> RecordHandle {
    RecordHandle { key: format!("app/receivedData/0/log-{:010}", number / 10 + 1).into(), offset: 36, bytes: 1 }
}

/// What the log says, in short.
fn logged(store: &HostileStore) -> Vec<String> {
    let contents = read_all(store, LOG).expect("the log can be read");
    let words = |record: &[u8]| match serde_json::from_slice(record).expect("a record of the driver") {
        ReceivedRecord::BlockAdded { block } => format!("add {}", block.id.number),
        ReceivedRecord::BatchAllocated { batch, blocks } => {
            let numbers: Vec<u64> = blocks.values().flatten().map(|block| block.id.number).collect();
            format!("batch {batch} {numbers:?}")
        }
        ReceivedRecord::BatchesCleaned { batches, .. } => format!("clean {batches:?}"),
    };
    contents.records.iter().map(|record| words(&record.bytes)).collect()
}

/// Without it a record would be in two batches or in none, or the log would tell another story than happened.
#[test]
fn r05_each_block_is_in_exactly_one_batch_and_in_the_log() {
    let store = store();
    let mut life = Life::new(&store);
    life.add(1..=5);
    assert_eq!(life.allocate(1), [1, 2, 3, 4, 5]);
    life.add(6..=10);
    assert_eq!(life.allocate(2), [6, 7, 8, 9, 10]);
    assert_eq!(life.allocate(3), [0; 0], "the queue is empty");
    assert_eq!(life.allocate(2), [6, 7, 8, 9, 10], "a batch that is generated again has the same input");
    assert_eq!(life.answers().len(), 10);
    let log = logged(&store);
    assert_eq!((log[5].as_str(), log[11].as_str()), ("batch 1 [1, 2, 3, 4, 5]", "batch 2 [6, 7, 8, 9, 10]"));
    assert_eq!(log.len(), 13);
    life.lab.check();
}

/// SPARK-23438. Without it a driver that recovers would lose what no batch had yet.
#[test]
pub fn r06_recovery_gives_a_batch_exactly_its_own_blocks() {
    let store = store();
    let logged = |number: u64| ReceivedBlock { handle: Some(handle(number)), ..block(number) };
    let mut records: Vec<ReceivedRecord> =
        (1..=10).map(|number| ReceivedRecord::BlockAdded { block: logged(number) }).collect();
    let blocks = BTreeMap::from([(STREAM, (1..=5).map(logged).collect())]);
    records.push(ReceivedRecord::BatchAllocated { batch: BatchId(1), blocks });
    let bytes: Vec<Vec<u8>> = records.iter().map(|record| serde_json::to_vec(record).unwrap()).collect();
    let bytes: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
    let mut log = WriteAheadLog::new(Arc::new(store.clone()), LOG, 0, LogStart::New, LogSettings::default());
    log.append(Timestamp(0), &bytes).unwrap();
    let mut life = Life::recover(&store);
    assert_eq!(life.allocate(1), [1, 2, 3, 4, 5]);
    let given = life.lab.received[0][&STREAM].clone();
    assert!(given.iter().all(|block| block.recovered), "no block manager is asked for them");
    assert_eq!(life.allocate(2), [6, 7, 8, 9, 10], "they are not lost");
    assert_eq!(life.allocate(3), [0; 0]);
}

/// SPARK-5233. Without it blocks that were received before a crash would be in a later batch than those that
/// were received after it, or beside them.
#[test]
pub fn unallocated_blocks_go_to_the_first_batch_that_is_run_again() {
    let store = store();
    let mut life = Life::new(&store);
    life.add(1..=2);
    assert_eq!(life.allocate(1), [1, 2]);
    life.add(3..=4);
    drop(life);
    // R15.13: batch 1 is run again, then batch 2, for which the former driver had allocated nothing.
    let mut life = Life::recover(&store);
    assert_eq!(life.allocate(1), [1, 2]);
    assert_eq!(life.allocate(2), [3, 4]);
    life.add(5..=5);
    assert_eq!(life.allocate(3), [5]);
}

/// SPARK-23991. Without it blocks would be gone when the log cannot be written for a moment.
#[test]
pub fn r07_blocks_whose_allocation_fails_wait_for_the_next_batch() {
    let store = store();
    let mut life = Life::new(&store);
    life.add(1..=3);
    store.harm(store.operations()..u64::MAX, Harm::FailsBefore);
    assert_eq!(life.allocate(1), [0; 0]);
    let told = findings(&life.lab.log, "allocation-failed");
    assert!(told.len() == 1 && told[0].starts_with("its 3 received blocks could not be allocated"), "{told:?}");
    store.harm(0..0, Harm::FailsBefore);
    assert_eq!(life.allocate(2), [1, 2, 3]);
    drop(life);
    let mut life = Life::recover(&store);
    assert_eq!(life.allocate(1), [0; 0]);
    assert_eq!(life.allocate(2), [1, 2, 3], "and the same after recovery");
}

/// Without it a source would be told that a block arrived which nobody will find after a crash (R18.4).
#[test]
fn a_block_that_cannot_be_logged_is_refused() {
    for harm in [Harm::FailsBefore, Harm::FailsAfter, Harm::Torn] {
        let store = store();
        let mut life = Life::new(&store);
        life.add(1..=1);
        store.harm(store.operations()..u64::MAX, harm);
        life.add(2..=2);
        store.harm(0..0, harm);
        life.add(3..=3);
        assert_eq!(life.answers(), [(1, true), (2, false), (3, true)], "{harm:?}");
        let told = findings(&life.lab.log, "received-blocks-refused");
        assert!(told.len() == 1 && told[0].starts_with("1 received blocks with 1 records"), "{harm:?}: {told:?}");
        assert_eq!(life.allocate(1), [1, 3], "{harm:?}");
        drop(life);
        assert_eq!(Life::recover(&store).allocate(1), [1, 3], "{harm:?}: what was refused does not come back");
    }
}

/// R18.8. Without it every block would wait for a sync of its own, or an answer would come before the sync.
#[test]
fn what_waits_for_the_log_shares_a_write_and_is_answered_after_it() {
    let store = store();
    let mut life = Life::new(&store);
    let writer = life.lab.log_writer.take();
    life.add(1..=3);
    life.ask(1);
    life.add(4..=5);
    assert!(life.answers().is_empty() && life.lab.received.is_empty(), "nothing is synced");
    assert_eq!(life.lab.log_operations.len(), 1, "one write is under way");
    life.lab.log_writer = writer;
    let mut writes = Vec::new();
    while let Some(ReceivedLogOp::Append { records }) = life.lab.log_operations.front() {
        writes.push(records.len());
        life.lab.write_log_once();
    }
    assert_eq!(writes, [1, 2, 1, 2], "the first, those that waited for it, the allocation, those behind it");
    assert_eq!(life.answers(), [1, 2, 3, 4, 5].map(|n| (n, true)));
    let given: Vec<u64> = life.lab.received[0][&STREAM].iter().map(|block| block.id.number).collect();
    assert_eq!(given, [1, 2, 3], "what arrived before the batch was generated");
}

/// R16. Without it a receiver that stops would wait for ever for blocks that nobody logs any more.
#[test]
fn r16_what_waits_for_a_log_that_is_closed_is_refused() {
    let store = store();
    let mut life = Life::new(&store);
    drop(life.lab.log_writer.take());
    life.add(1..=3);
    life.lab.input(DriverInput::SlotEnded { slot: SlotId(0), result: Ok(()) });
    assert_eq!(life.answers(), [(2, false), (3, false)], "the first is being written, and may be there");
}

/// Without it a line would be taken twice after the driver died, or once more after its block was cleaned.
#[test]
fn a_recovered_receiver_knows_how_far_its_clients_are() {
    let store = store();
    let mut life = Life::new(&store);
    for (number, last) in [(1, 10), (2, 20)] {
        let clients = Clients::from([("feed".to_owned(), last)]);
        life.add_block(ReceivedBlock { clients, handle: Some(handle(number)), ..block(number) });
    }
    assert_eq!(life.allocate(1), [1, 2]);
    let started = |life: &Life| {
        let mut starts = life.lab.receiver_operations.iter().filter_map(|op| match op {
            ReceiverOp::Start { clients, numbers_after, .. } => Some((clients.get("feed").copied(), *numbers_after)),
            _ => None,
        });
        starts.next_back().expect("the receiver is started")
    };
    drop(life);
    let mut life = Life::recover(&store);
    assert_eq!(started(&life), (Some(20), 2));
    // Batches succeed and are cleaned, over several segments.
    for batch in 2..=6 {
        life.lab.pass(1000);
        life.add([u64::from(batch) * 10]);
        life.allocate(batch);
        life.succeed(batch);
    }
    assert!(!logged(&store).contains(&"add 2".to_owned()), "{:?}", logged(&store));
    drop(life);
    assert_eq!(started(&Life::recover(&store)).0, Some(20));
}

/// Without it a log would grow for ever, or what is cleaned would come back, or what is needed would go (D-29).
#[test]
fn r08_recovery_and_cleaning() {
    let store = store();
    let mut life = Life::new(&store);
    life.add(1..=5);
    drop(life);
    let mut life = Life::recover(&store);
    assert_eq!(life.allocate(1), [1, 2, 3, 4, 5]);
    assert!(life.lab.received[0][&STREAM].iter().all(|block| block.recovered));
    life.lab.pass(1500);
    life.add(6..=10);
    assert_eq!(life.allocate(2), [6, 7, 8, 9, 10]);
    let before = segments_of(&store, LOG).unwrap();
    life.succeed(1);
    life.lab.pass(1500);
    life.succeed(2);
    life.lab.pass(1500);
    life.add(11..=11);
    let after = segments_of(&store, LOG).unwrap();
    assert!(before.iter().any(|number| !after.contains(number)), "an old segment is deleted: {before:?} {after:?}");
    drop(life);
    let mut life = Life::recover(&store);
    assert_eq!(life.allocate(1), [0; 0], "it is cleaned");
    assert_eq!(life.allocate(2), [6, 7, 8, 9, 10], "it is not");
    assert_eq!(life.allocate(3), [11]);
}

/// SPARK-6222. Without it what a batch needs that has not succeeded would go because later ones have.
#[test]
pub fn v19_metadata_of_a_batch_that_never_completes_stays() {
    let store = store();
    let mut life = Life::new(&store);
    for batch in 1..=10u32 {
        life.add([u64::from(batch) * 10]);
        assert_eq!(life.allocate(batch), [u64::from(batch) * 10]);
        life.lab.pass(1000);
        if batch != 3 {
            life.succeed(batch);
        }
    }
    drop(life);
    let mut life = Life::recover(&store);
    assert_eq!(life.allocate(3), [30]);
    assert_eq!(life.allocate(1), [0; 0], "that of others is cleaned");
}

/// Without it what was logged and then damaged would be gone without a word (D-26, I12).
#[test]
fn damage_is_told_and_kept() {
    let store = store();
    let mut life = Life::new(&store);
    life.add(1..=3);
    drop(life);
    let key = format!("{LOG}/log-0000000001");
    let mut bytes = store.get(&key).unwrap();
    let at = read_all(&store, LOG).unwrap().records[1].handle.offset as usize;
    bytes[at + 30] ^= 1;
    store.put(&key, &bytes, PutMode::Replace).unwrap();
    let mut life = Life::recover(&store);
    assert_eq!(life.allocate(1), [1, 3]);
    let told = findings(&life.lab.log, "write-ahead-log-damaged");
    assert_eq!(told.len(), 1);
    let copy = format!("{LOG}/quarantine/log-0000000001");
    assert!(told[0].contains(&format!("{key} is damaged at byte {at}")) && told[0].ends_with(&copy), "{}", told[0]);
    assert_eq!(store.get(&copy).unwrap(), bytes);
}

/// Without it a program that starts over in an old directory would be given the blocks of another life later.
#[test]
fn a_program_that_starts_anew_replays_nothing() {
    let store = store();
    let mut life = Life::new(&store);
    life.add(1..=3);
    drop(life);
    let mut life = Life::new(&store);
    assert_eq!(life.allocate(1), [0; 0]);
    life.add(4..=4);
    drop(life);
    assert_eq!(Life::recover(&store).allocate(2), [4]);
}

/// Without it a store that does not answer would count as one without a log, and everything as never received.
#[test]
fn a_log_that_cannot_be_read_refuses_the_start() {
    let store = store();
    store.put(&format!("{LOG}/log-0000000001"), &newer_header(), PutMode::Create).unwrap();
    let life = Life::recover(&store);
    let error = life.lab.done[0].as_ref().expect_err("the stream does not start").to_string();
    assert!(error.contains("has version 9, this program reads 1; use the program that wrote it"), "{error}");
    assert!(life.lab.receiver_operations.is_empty());
}

/// The header of a segment of format 9, sound.
fn newer_header() -> Vec<u8> {
    let mut header = b"FLWL\x09\x00\x00\x00".to_vec();
    header.extend_from_slice(&[0; 24]);
    header.extend_from_slice(&crc32c(&header).to_le_bytes());
    header
}

/// By its definition, bit by bit.
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0x82F6_3B78 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}
