//! What the driver wants done, in order.

use super::input::{Reply, SlotId, SlotSpawn, StreamingPlan};
use crate::command::{StopMode, SuperviseMode};
use crate::error::EngineError;
use crate::event::{CheckpointPart, CheckpointedAfter, Envelope, RddInfo};
use crate::ids::*;
use crate::rdd::{AnyRdd, PreparedCut};
use crate::receiver::{BlockLogPlan, Clients, ReceiverPlan};
use crate::recovery::StreamingCheckpoint;
use crate::scheduler::{MigrationOrder, ReplicaOrder, TaskLaunch};
use std::sync::Arc;

/// Numbered facts, and effects in the order in which they must happen.
#[derive(Default)]
pub struct Effects {
    /// Facts, numbered.
    pub events: Vec<Envelope>,
    /// Effects, in order.
    pub list: Vec<Effect>,
}

impl Effects {
    pub(super) fn push(&mut self, effect: Effect) {
        self.list.push(effect);
    }
}

/// One thing to do.
pub enum Effect {
    /// Start a task on its executor.
    Launch(TaskLaunch),
    /// Kill an attempt.
    Cancel(TaskId),
    /// Answer a thread of the program.
    Reply(SlotId, Reply),
    /// Start a thread of the program.
    Spawn(SlotSpawn),
    /// Do something to executors.
    Cluster(ClusterOp),
    /// Start or stop a receiver.
    Receiver(ReceiverOp),
    /// Do something to the reliable store; the answer is an input.
    Store(StoreOp),
    /// Do something to the log of received blocks; the answer is an input.
    ReceivedLog(ReceivedLogOp),
    /// Hurt or heal the reliable store.
    StoreFault(StoreFault),
    /// A stream goes on that was further than the clock: a virtual clock is set to its time, as Spark's manual
    /// one (R15.15).
    AdvanceClock(Timestamp),
    /// The driver's process stands still for so long: what reaches it waits, and so do the threads of its program.
    StandStill(Millis),
    /// Whether the driver is started again when it crashes.
    Supervise(SuperviseMode),
    /// The driver is gone: nothing behind this is carried out, and its executors end.
    DriverLost,
    /// The application ended.
    Ended(Result<(), EngineError>),
}

/// Something done to executors.
#[derive(Clone, Debug, PartialEq)]
pub enum ClusterOp {
    /// Start one.
    Start {
        /// Its id.
        executor: ExecutorId,
        /// Slots.
        cores: u32,
    },
    /// Kill one with everything it holds.
    Kill {
        /// Its id.
        executor: ExecutorId,
    },
    /// A host is gone: of these dead executors not even map outputs are left.
    KillHost {
        /// Everybody who ever was on it.
        executors: Vec<ExecutorId>,
    },
    /// Make one slower.
    Slow {
        /// Its id.
        executor: ExecutorId,
        /// How many times slower.
        factor: f64,
    },
    /// Let one stand still: it applies no effect of a task, and reports nothing.
    Pause {
        /// Its id.
        executor: ExecutorId,
    },
    /// Let one go on.
    Resume {
        /// Its id.
        executor: ExecutorId,
    },
    /// Flip a bit of a block on one executor, behind its back.
    CorruptBlock {
        /// Where.
        executor: ExecutorId,
        /// Block.
        block: BlockId,
    },
    /// Remove all blocks of an RDD everywhere.
    Unpersist {
        /// RDD.
        rdd: RddId,
        /// Generation from which puts are accepted again.
        generation: u32,
    },
    /// Remove one block everywhere.
    DropBlock {
        /// Block.
        block: BlockId,
    },
    /// Forget the generations of RDDs that nothing can put any more.
    ForgetGenerations {
        /// RDDs.
        rdds: Vec<RddId>,
    },
    /// Remove the outputs of a shuffle everywhere.
    RemoveShuffle {
        /// Shuffle.
        shuffle: ShuffleId,
    },
    /// Ask an executor for all its blocks.
    ReportBlocks {
        /// Its id.
        executor: ExecutorId,
    },
    /// Copy a block.
    Replicate(ReplicaOrder),
    /// Copy what an executor that leaves holds; answered by [`super::DriverInput::Migrated`].
    Migrate(MigrationOrder),
    /// Remove blocks of receivers everywhere.
    RemoveInputs {
        /// Blocks.
        blocks: Vec<InputBlockId>,
    },
}

/// How the reliable store is hurt or healed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StoreFault {
    /// The next writes fail.
    Fail {
        /// How many.
        times: u32,
    },
    /// Everything takes longer.
    Slow {
        /// How many times longer; 1 heals.
        factor: f64,
    },
    /// No write succeeds.
    Fill,
    /// There is room again.
    Free,
}

/// Something done to receivers.
#[derive(Clone, Debug)]
pub enum ReceiverOp {
    /// Start one. What an earlier start still gathers is lost.
    Start {
        /// What it reads.
        plan: ReceiverPlan,
        /// Where.
        executor: ExecutorId,
        /// Which start of it this is.
        attempt: u32,
        /// The limit announced last, in records per second.
        rate: Option<u64>,
        /// How far the accepted blocks reach for each client.
        clients: Clients,
        /// Where its blocks are logged, if they are.
        log: Option<BlockLogPlan>,
        /// The highest number of a block that a former driver knew.
        numbers_after: u64,
    },
    /// Stop one. A graceful stop stores what it has, and then it says that it has ended; after an immediate
    /// one it says nothing, and what it had not stored is lost.
    Stop {
        /// Of which stream.
        stream: StreamId,
        /// How.
        mode: StopMode,
    },
    /// A block was accepted, or not: only now may a reliable receiver acknowledge it (R17.7).
    Answer {
        /// Of which stream.
        stream: StreamId,
        /// Which start of it stored the block.
        attempt: u32,
        /// The block.
        block: InputBlockId,
        /// Why it was refused.
        result: Result<(), String>,
    },
    /// Logged blocks in the segments before this one are not needed any more (R18.7).
    CleanLog {
        /// Of which stream.
        stream: StreamId,
        /// The first segment that is needed.
        before: u64,
    },
    /// A new limit (R17.14).
    SetRate {
        /// Of which stream.
        stream: StreamId,
        /// Records per second.
        rate: u64,
    },
}

/// Something done to the log of received blocks (R18.1). One thing after another, in order.
pub enum ReceivedLogOp {
    /// Open it, and read what is in it when a former driver's blocks are wanted.
    Open {
        /// Who waits.
        slot: SlotId,
        /// What starts then.
        plan: Box<StreamingPlan>,
        /// Directory of the log.
        log: String,
    },
    /// Write records with one sync.
    Append {
        /// The records.
        records: Vec<Vec<u8>>,
        /// So many records of the write before do not count, although it ended well: these replace them.
        take_back: u64,
    },
    /// Delete segments of which nothing is needed.
    Delete {
        /// Their numbers.
        segments: Vec<u64>,
    },
}

/// Something done to the reliable store.
pub enum StoreOp {
    /// Write the manifest of a checkpoint and verify all its files.
    Publish(CheckpointWrite),
    /// Read what a checkpoint directory says of itself.
    Open {
        /// Who waits.
        slot: SlotId,
        /// Directory.
        dir: String,
    },
    /// Delete the files of a checkpoint.
    Delete {
        /// RDD that was checkpointed.
        rdd: RddId,
        /// Directory.
        dir: String,
    },
    /// Read the newest graph checkpoint of a directory; answered by [`super::DriverInput::GraphRead`].
    ReadGraph {
        /// Who waits.
        slot: SlotId,
        /// Directory.
        dir: String,
    },
    /// Take over a directory of graph checkpoints; answered by [`super::DriverInput::EpochTaken`].
    TakeEpoch {
        /// Who waits.
        slot: SlotId,
        /// Directory.
        dir: String,
        /// Id of the application.
        application: String,
        /// What to start then.
        plan: Box<StreamingPlan>,
    },
    /// Write a graph checkpoint; answered by [`super::DriverInput::GraphWritten`].
    WriteGraph(Box<GraphWrite>),
}

/// A graph checkpoint to be written.
#[derive(Debug)]
pub struct GraphWrite {
    /// Directory.
    pub dir: String,
    /// The latest batch time so far: it names the file (R15.4).
    pub latest: Timestamp,
    /// What to write.
    pub checkpoint: StreamingCheckpoint,
    /// What it follows.
    pub after: CheckpointedAfter,
    /// Which attempt this is, from 1.
    pub attempt: u32,
}

/// A checkpoint whose parts are written.
pub struct CheckpointWrite {
    /// Who waits.
    pub slot: SlotId,
    /// RDD.
    pub rdd: Arc<dyn AnyRdd>,
    /// The cut to make once the files are trusted.
    pub cut: PreparedCut,
    /// Its description for the manifest.
    pub info: RddInfo,
    /// Directory.
    pub dir: String,
    /// Parts.
    pub parts: Arc<[CheckpointPart]>,
    /// How many of them tasks wrote beside their own work.
    pub teed: u32,
}
