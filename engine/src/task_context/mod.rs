//! What a running task may reach: the stores of its executor, snapshots of locations taken at launch,
//! the frozen policy, the reliable store, and a journal of what it read and did.
//!
//! Effects are entries of a script. On threads they are applied as they occur; in the simulator they
//! are recorded with the modelled time of their occurrence and applied then.

mod blocks;
mod remote;

pub(crate) use blocks::{FoundBlock, NewBlock};

use crate::checkpoint::format::finish_part;
use crate::event::*;
use crate::executor::{
    BlockReport, CommitPermit, CostMeter, ExecutorStores, OutputCommitCoordinator, ScriptEntry, TeePart,
};
use crate::ids::*;
use crate::object_store::{ObjectStore, PutMode};
use crate::rdd::{Chunk, Sink, Stop, TaskError};
use crate::rng::{Rng, Seed};
use crate::shuffle::{MapOutputTracker, MapSizes};
use crate::storage::frame::FrameWriter;
use crate::storage::{Data, StoredBlock};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, RwLock};
use imbl::{OrdMap, Vector};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

/// How an RDD is kept, frozen when the stage attempt was submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockPolicy {
    /// Level.
    pub level: StorageLevel,
    /// Raised by every unpersist; a put with an older one is refused.
    pub generation: u32,
}

/// The living executors' stores, by id.
pub type Cluster = Arc<RwLock<BTreeMap<ExecutorId, Arc<ExecutorStores>>>>;

/// What the driver knew when the task was launched. A clone is cheap.
#[derive(Clone, Debug, Default)]
pub struct TaskView {
    /// Block locations.
    pub blocks: OrdMap<BlockId, Vector<ExecutorId>>,
    /// Locations of blocks of receivers.
    pub inputs: OrdMap<InputBlockId, Vector<ExecutorId>>,
    /// Map outputs.
    pub outputs: MapOutputTracker,
    /// Policies of the RDDs of the stage that are kept.
    pub policies: Arc<BTreeMap<RddId, BlockPolicy>>,
    /// Directories of RDDs whose partitions are written while they are computed.
    pub tees: Arc<BTreeMap<RddId, Arc<str>>>,
    /// Executors that may receive replicas; the task's own is among them.
    pub peers: Arc<[ExecutorId]>,
    /// Who may commit the output of a partition; `None` when nobody decides.
    pub commits: Option<Arc<Mutex<OutputCommitCoordinator>>>,
}

/// Which attempt of what.
#[derive(Clone, Debug)]
pub struct TaskIdentity {
    /// The attempt.
    pub id: TaskId,
    /// Stage attempt.
    pub stage: StageAttempt,
    /// Attempt of this partition, from 0.
    pub attempt: u32,
    /// Partition.
    pub partition: PartitionId,
    /// Last RDD of the stage, across runs.
    pub op: OpKey,
    /// Where it runs.
    pub executor: ExecutorId,
}

impl TaskIdentity {
    /// Its number, unless it is the first attempt of its partition in the first attempt of its stage.
    fn later(&self) -> Option<TaskId> {
        (self.attempt > 0 || self.stage.attempt > 0).then_some(self.id)
    }
}

/// What the loop does with effects of a task.
pub trait EffectSink {
    /// Takes an effect that occurs `at_ns` after the launch.
    fn effect(&self, at_ns: u64, entry: ScriptEntry) -> Result<(), TaskError>;
    /// Blocks changed at this moment, because memory was set aside for others.
    fn changed(&self, reports: Vec<BlockReport>);
    /// When a block that another task of this executor is producing will be ready, and the block.
    fn in_production(&self, id: BlockId) -> Option<(Arc<dyn StoredBlock>, u64)>;
    /// The task will not store a block that it was producing.
    fn production_ended(&self, id: BlockId) {
        let _ = id;
    }
}

/// The environment of one task attempt. Used by one thread.
pub struct TaskContext {
    task: TaskIdentity,
    view: TaskView,
    stores: Arc<ExecutorStores>,
    cluster: Cluster,
    store: Arc<dyn ObjectStore>,
    sink: Box<dyn EffectSink>,
    cancelled: Arc<AtomicBool>,
    seed: Seed,
    chunk_len: usize,
    cost: CostMeter,
    journal: RefCell<Journal>,
}

/// What a task did so far.
#[derive(Default)]
struct Journal {
    metrics: TaskMetrics,
    open: Vec<usize>,
    /// On what the time since `since_ns` goes.
    spending: Spending,
    since_ns: u64,
    /// Bytes of the map output by reduce partition.
    map_sizes: MapSizes,
    /// Blocks this task put and that are not applied yet.
    pending: BTreeMap<BlockId, Arc<dyn StoredBlock>>,
    /// Partitions of which this task writes, or has written, a part beside its own work.
    teed: BTreeSet<BlockId>,
}

/// On what a task spends its time; rows by index.
#[derive(Clone, Copy, Default)]
enum Spending {
    /// Its start, and what it makes of its records.
    #[default]
    Task,
    /// A row itself.
    Row(usize),
    /// Map outputs for a row.
    Fetch(usize),
    /// Map output or a checkpoint part.
    Write,
}

impl Journal {
    /// Books the time until `now_ns`; what follows goes to `next`. Returns what it went to before.
    fn spend_on(&mut self, now_ns: u64, next: Spending) -> Spending {
        let spent = now_ns.saturating_sub(self.since_ns);
        match self.spending {
            Spending::Task => {}
            Spending::Row(row) => self.metrics.reads[row].self_ns += spent,
            Spending::Fetch(row) => self.metrics.reads[row].fetch_ns += spent,
            Spending::Write => self.metrics.write_ns += spent,
        }
        self.since_ns = now_ns;
        std::mem::replace(&mut self.spending, next)
    }

    /// Who gets the time when it does not go to `row`: the row that asked for it, else the task.
    fn asker(&self, row: usize) -> Spending {
        self.metrics.reads[row].needed_by.map_or(Spending::Task, |asker| Spending::Row(asker as usize))
    }
}

/// What a task context is made of.
pub struct TaskEnvironment {
    /// Which attempt.
    pub task: TaskIdentity,
    /// Snapshot of locations and policy.
    pub view: TaskView,
    /// Stores of its executor.
    pub stores: Arc<ExecutorStores>,
    /// Stores of all living executors.
    pub cluster: Cluster,
    /// Reliable store.
    pub store: Arc<dyn ObjectStore>,
    /// Where effects go.
    pub sink: Box<dyn EffectSink>,
    /// Set when the attempt is killed.
    pub cancelled: Arc<AtomicBool>,
    /// The run's seed.
    pub seed: Seed,
    /// Longest chunk.
    pub chunk_len: usize,
    /// Modelled or idle.
    pub cost: CostMeter,
}

impl TaskContext {
    /// A context for one attempt.
    pub fn new(env: TaskEnvironment) -> Self {
        Self {
            task: env.task,
            view: env.view,
            stores: env.stores,
            cluster: env.cluster,
            store: env.store,
            sink: env.sink,
            cancelled: env.cancelled,
            seed: env.seed,
            chunk_len: env.chunk_len,
            cost: env.cost,
            journal: RefCell::default(),
        }
    }

    /// Which attempt this is.
    pub const fn task(&self) -> &TaskIdentity {
        &self.task
    }

    /// Random numbers of this partition of this operator: the same in every attempt.
    pub fn rng(&self) -> Rng {
        self.seed.task(&self.task.op, self.task.partition).rng()
    }

    /// Random numbers that differ between attempts. Whoever uses them is indeterminate and must be marked
    /// so: the way to them is `Rdd::map_partitions_unstable`.
    pub(crate) fn unstable_rng(&self) -> Rng {
        self.seed.task(&self.task.op, self.task.partition).nth(self.task.id.0).rng()
    }

    /// Longest chunk, in records.
    pub(crate) const fn chunk_len(&self) -> usize {
        self.chunk_len
    }

    pub(crate) fn check_cancelled(&self) -> ControlFlow<Stop> {
        if self.cancelled.load(Ordering::Relaxed) {
            ControlFlow::Break(Stop::Cancelled)
        } else {
            ControlFlow::Continue(())
        }
    }

    // Rows of what passed the read boundary.

    pub(crate) fn open_row(&self, rdd: RddId, partition: PartitionId) -> usize {
        let mut journal = self.journal.borrow_mut();
        let needed_by = journal.open.last().map(|&row| row as u32);
        let row = journal.metrics.reads.len();
        journal.metrics.reads.push(ReadRow {
            rdd,
            partition,
            tier: ReadTier::Computed,
            needed_by,
            cause: None,
            records: 0,
            bytes: 0,
            self_ns: 0,
            fetch_ns: 0,
        });
        journal.open.push(row);
        journal.spend_on(self.cost.elapsed(), Spending::Row(row));
        row
    }

    /// A chunk of `row` goes to whoever asked for it, and so does the time until [`Self::take_back`].
    pub(crate) fn hand_on(&self, row: usize) {
        let mut journal = self.journal.borrow_mut();
        let asker = journal.asker(row);
        journal.spend_on(self.cost.elapsed(), asker);
    }

    /// The next chunk of `row` is worked on.
    pub(crate) fn take_back(&self, row: usize) {
        self.spend_on(Spending::Row(row));
    }

    fn spend_on(&self, next: Spending) -> Spending {
        self.journal.borrow_mut().spend_on(self.cost.elapsed(), next)
    }

    pub(crate) fn set_row_tier(&self, row: usize, tier: ReadTier, bytes: u64) {
        let mut journal = self.journal.borrow_mut();
        journal.metrics.reads[row].tier = tier;
        journal.metrics.reads[row].bytes += bytes;
        self.cost.read(tier, bytes);
    }

    pub(crate) fn close_row(&self, row: usize, records: u64) {
        let mut journal = self.journal.borrow_mut();
        journal.open.pop();
        let entry = &mut journal.metrics.reads[row];
        entry.records = records;
        self.cost.records(entry.tier, records);
        let asker = journal.asker(row);
        journal.spend_on(self.cost.elapsed(), asker);
    }

    pub(crate) fn count_source(&self, records: u64) {
        self.journal.borrow_mut().metrics.source_records += records;
    }

    fn effect(&self, entry: ScriptEntry) -> ControlFlow<Stop> {
        match self.sink.effect(self.cost.now(), entry) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(Stop::Failed(error)),
        }
    }

    // Shuffles.

    pub(crate) fn map_count(&self, shuffle: ShuffleId) -> u32 {
        self.view.outputs.status(shuffle).map_or(0, |s| s.outputs.len() as u32)
    }

    /// One bucket of a map output; failure is a `FetchFailed` (R3.1, R3.5).
    pub(crate) fn fetch(
        &self,
        shuffle: ShuffleId,
        map: PartitionId,
        reduce: PartitionId,
    ) -> Result<Arc<dyn StoredBlock>, TaskError> {
        let row = self.journal.borrow().open.last().copied();
        let before = self.spend_on(row.map_or(Spending::Task, Spending::Fetch));
        let fetched = self.fetch_block(shuffle, map, reduce);
        self.spend_on(before);
        fetched
    }

    fn fetch_block(
        &self,
        shuffle: ShuffleId,
        map: PartitionId,
        reduce: PartitionId,
    ) -> Result<Arc<dyn StoredBlock>, TaskError> {
        let Some(executor) = self.view.outputs.location(shuffle, map) else {
            return Err(TaskError::FetchFailed { executor: None, shuffle, map: None, reduce });
        };
        let stores = self.cluster.read().get(&executor).cloned();
        let failed = || TaskError::FetchFailed { executor: Some(executor), shuffle, map: Some(map), reduce };
        let block = stores.and_then(|s| s.read_bucket(shuffle, map, reduce)).ok_or_else(failed)?;
        let remote = executor != self.task.executor;
        self.cost.fetch(remote, block.memory_bytes(), block.len());
        let mut journal = self.journal.borrow_mut();
        let read = &mut journal.metrics.shuffle_read;
        read.bytes += block.memory_bytes();
        read.records += block.len();
        read.blocks += 1;
        if remote {
            read.remote_blocks += 1;
            self.sink.effect(self.cost.now(), ScriptEntry::Fetched { executor, shuffle, map, reduce })?;
        }
        Ok(block)
    }

    pub(crate) fn write_map_output(
        &self,
        shuffle: ShuffleId,
        map: PartitionId,
        buckets: Vec<Arc<dyn StoredBlock>>,
    ) -> Result<(), TaskError> {
        self.spend_on(Spending::Write);
        let sizes: Arc<[u64]> = buckets.iter().map(|b| b.memory_bytes()).collect();
        let bytes: u64 = sizes.iter().sum();
        let records: u64 = buckets.iter().map(|b| b.len()).sum();
        self.journal.borrow_mut().map_sizes = MapSizes(sizes);
        self.cost.shuffle_write(bytes, records);
        let write = ShuffleMetrics { bytes, records, blocks: buckets.len() as u64, remote_blocks: 0 };
        self.journal.borrow_mut().metrics.shuffle_write = write;
        let write = ScriptEntry::WriteMapOutput { task: self.task.id, shuffle, map, buckets };
        let written = self.sink.effect(self.cost.now(), write);
        self.spend_on(Spending::Task);
        written
    }

    /// How many bytes the map output that was written has for each reduce partition.
    pub(crate) fn map_sizes(&self) -> MapSizes {
        self.journal.borrow().map_sizes.clone()
    }

    // Checkpoints.

    /// A partition that was read for its checkpoint becomes a part of it (R9.8).
    pub(crate) fn write_checkpoint_part(
        &self,
        dir: &str,
        partition: PartitionId,
        encoder: FrameWriter,
    ) -> Result<CheckpointPart, TaskError> {
        self.spend_on(Spending::Write);
        let (part, bytes) = finish_part(partition, self.task.later(), encoder);
        self.cost.checkpoint_write(part.bytes, part.records);
        self.journal.borrow_mut().metrics.checkpoint_bytes_written += part.bytes;
        let key = format!("{dir}/{}", part.file);
        self.sink.effect(self.cost.now(), ScriptEntry::StorePart { key, bytes: Arc::new(bytes) })?;
        self.spend_on(Spending::Task);
        Ok(part)
    }

    /// Publishes the output of a partition; of several attempts the first stands, or the last (R4.9).
    pub(crate) fn save_output(
        &self,
        store: &Arc<dyn ObjectStore>,
        key: String,
        bytes: Arc<[u8]>,
        records: u64,
        mode: PutMode,
    ) -> Result<(), TaskError> {
        self.spend_on(Spending::Write);
        self.cost.checkpoint_write(bytes.len() as u64, records);
        self.journal.borrow_mut().metrics.output = OutputMetrics { bytes: bytes.len() as u64, records };
        let TaskIdentity { stage, partition, attempt, .. } = self.task;
        let asked = self.view.commits.as_ref();
        let permit = asked.map(|commits| CommitPermit::new(commits, stage, partition, attempt));
        let entry = ScriptEntry::SaveOutput { permit, store: Arc::clone(store), key, bytes, mode };
        self.sink.effect(self.cost.now(), entry)?;
        self.spend_on(Spending::Task);
        Ok(())
    }

    /// Where to write a partition that this task is about to deliver; `None` when nobody wants it, or this
    /// task writes it already.
    pub(crate) fn tee(&self, id: BlockId) -> Option<Arc<str>> {
        let dir = self.view.tees.get(&id.rdd)?;
        self.journal.borrow_mut().teed.insert(id).then(|| Arc::clone(dir))
    }

    /// A delivered partition becomes a part of a checkpoint. That it cannot be written is no failure of this
    /// task: whoever finishes the checkpoint writes it.
    pub(crate) fn write_tee(&self, dir: &str, id: BlockId, encoder: FrameWriter) -> ControlFlow<Stop> {
        let before = self.spend_on(Spending::Write);
        let (part, bytes) = finish_part(id.partition, self.task.later(), encoder);
        self.cost.checkpoint_write(part.bytes, part.records);
        self.journal.borrow_mut().metrics.checkpoint_bytes_written += part.bytes;
        let key = format!("{dir}/{}", part.file);
        let part = TeePart { rdd: id.rdd, partition: id.partition, key, part, bytes: Arc::new(bytes) };
        let written = self.effect(ScriptEntry::TeePart(part));
        self.spend_on(before);
        written
    }

    /// Delivers the records of a part of a checkpoint, in chunks, once its bytes have been held against the
    /// manifest.
    pub(crate) fn read_checkpoint_part<T: Data>(
        &self,
        dir: &str,
        parts: &[CheckpointPart],
        part: PartitionId,
        sink: Sink<'_, T>,
    ) -> ControlFlow<Stop> {
        let failed = |text| ControlFlow::Break(Stop::Failed(TaskError::Exception(text)));
        let Some(expected) = parts.get(part.0 as usize) else {
            return failed(format!("{dir} has no partition {part}"));
        };
        let key = format!("{dir}/{}", expected.file);
        let bytes = match self.store.get(&key) {
            Ok(bytes) => bytes,
            Err(error) => return failed(error.to_string()),
        };
        self.cost.checkpoint_read(bytes.len() as u64);
        let mut journal = self.journal.borrow_mut();
        journal.metrics.checkpoint_bytes_read += bytes.len() as u64;
        if let Some(&row) = journal.open.last() {
            journal.metrics.reads[row].bytes += bytes.len() as u64;
        }
        drop(journal);
        let mut reader = match crate::checkpoint::format::part_reader(expected, &bytes) {
            Ok(reader) => reader,
            Err(error) => return failed(format!("{key}: {error}")),
        };
        loop {
            match reader.next_chunk(self.chunk_len()) {
                Ok(chunk) if chunk.is_empty() => return ControlFlow::Continue(()),
                Ok(mut chunk) => sink(Chunk::Owned(&mut chunk))?,
                Err(error) => return failed(format!("{key}: {error}")),
            }
        }
    }

    /// Counts what the task hands to a sink, and models what it costs to write it.
    pub(crate) fn count_output(&self, bytes: u64, records: u64) {
        self.spend_on(Spending::Write);
        self.cost.checkpoint_write(bytes, records);
        self.journal.borrow_mut().metrics.output = OutputMetrics { bytes, records };
        self.spend_on(Spending::Task);
    }

    /// Counts what the task returns to the driver (R4.4).
    pub(crate) fn count_result(&self, bytes: u64) {
        let result = &mut self.journal.borrow_mut().metrics.result_bytes;
        *result = result.saturating_add(bytes);
    }

    /// Ends the attempt: what it did, and how long the model says it took.
    pub(crate) fn finish(self) -> (TaskMetrics, u64) {
        self.spend_on(Spending::Task);
        (self.journal.into_inner().metrics, self.cost.now())
    }
}
