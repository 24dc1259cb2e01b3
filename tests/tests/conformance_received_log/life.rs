//! A life of a driver by hand, with a real log of received blocks.

use faultline_engine::config::{BatchFailurePolicy, EngineConfig};
use faultline_engine::driver::{
    BatchTick, CheckpointPlan, DriverInput, GeneratedBatch, OutputJob, ReceivedLogPlan, ReceiverNews, ReceiverOp,
    Request, SavedStreams, SlotId, StreamingPlan, Told,
};
use faultline_engine::error::{EngineError, Result};
use faultline_engine::event::*;
use faultline_engine::executor::BlockReport;
use faultline_engine::ids::*;
use faultline_engine::object_store::{HostileStore, MemoryObjectStore};
use faultline_engine::receiver::{Arrival, ReceivedBlock, ReceiverPlan, ReceiverSource};
use faultline_engine::recovery::{BatchPlan, Recovered, StreamingCheckpoint, Written};
use faultline_engine::runtime::ReceivedLogWriter;
use faultline_engine::storage::BlockChange;
use faultline_engine::write_ahead::{LogSettings, RecordHandle};
use faultline_tests::DriverLab;
use std::collections::BTreeMap;
use std::sync::Arc;

pub const STREAM: StreamId = StreamId(0);
const GENERATOR: SlotId = SlotId(1);
/// Two batches may run at once.
const OUTPUTS: [SlotId; 2] = [SlotId(2), SlotId(3)];
pub const LOG: &str = "app/receivedBlockMetadata";

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

    pub fn ask(&mut self, batch: u32) {
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
pub fn handle(number: u64) -> RecordHandle {
    RecordHandle { key: format!("app/receivedData/0/log-{:010}", number / 10 + 1).into(), offset: 36, bytes: 1 }
}
