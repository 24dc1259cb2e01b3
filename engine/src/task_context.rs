//! What a running task may reach: the stores of its executor, snapshots of locations taken at launch,
//! the frozen policy, the reliable store, and a journal of what it read and did.
//!
//! Effects are entries of a script. On threads they are applied as they occur; in the simulator they
//! are recorded with the modelled time of their occurrence and applied then.

use crate::event::*;
use crate::executor::{CommitPermit, CostMeter, ExecutorStores, OutputCommitCoordinator, ScriptEntry};
use crate::ids::*;
use crate::object_store::ObjectStore;
use crate::rdd::{Stop, TaskError};
use crate::rng::{Rng, Seed};
use crate::shuffle::{MapOutputTracker, MapSizes};
use crate::storage::{Data, StoredBlock, Tier};
use imbl::{OrdMap, Vector};
use parking_lot::{Mutex, RwLock};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
    /// Executors that may receive replicas, the task's own excluded.
    pub peers: Vec<ExecutorId>,
    /// Who may commit the output of a partition.
    pub commits: Arc<Mutex<OutputCommitCoordinator>>,
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

/// What the loop does with effects of a task.
pub trait EffectSink {
    /// Takes an effect that occurs `at_ns` after the launch.
    fn effect(&self, at_ns: u64, entry: ScriptEntry) -> Result<(), TaskError>;
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

    /// Random numbers that differ between attempts: for lessons about indeterminate computations.
    pub fn unstable_rng(&self) -> Rng {
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

    // Blocks.

    pub(crate) fn policy(&self, rdd: RddId) -> Option<BlockPolicy> {
        self.view.policies.get(&rdd).copied()
    }

    /// R8.3: own memory, own disk, then replicas elsewhere; a remote hit is not stored here. A disk
    /// block that cannot be read fails the task (R8.9).
    pub(crate) fn find_block(&self, id: BlockId) -> Result<Option<(Arc<dyn StoredBlock>, ReadTier)>, TaskError> {
        if let Some(block) = self.journal.borrow().pending.get(&id) {
            return Ok(Some((Arc::clone(block), ReadTier::LocalMemory)));
        }
        if let Some(found) = self.stored_block(id.into(), self.view.blocks.get(&id))? {
            return Ok(Some(found));
        }
        if let Some((block, ready_ns)) = self.sink.in_production(id) {
            self.cost.wait_until(ready_ns);
            return Ok(Some((block, ReadTier::LocalMemory)));
        }
        Ok(None)
    }

    /// A block of a receiver, from wherever a copy is (R17.11).
    pub(crate) fn find_input_block(&self, id: InputBlockId) -> Result<Option<Arc<dyn StoredBlock>>, TaskError> {
        Ok(self.stored_block(id.into(), self.view.inputs.get(&id))?.map(|(block, _)| block))
    }

    fn stored_block(
        &self,
        id: StoredId,
        holders: Option<&Vector<ExecutorId>>,
    ) -> Result<Option<(Arc<dyn StoredBlock>, ReadTier)>, TaskError> {
        match self.stores.look_at_block(id) {
            Ok(Some(found)) => {
                self.sink.effect(self.cost.now(), ScriptEntry::Read { id, block: Arc::clone(&found.block) })?;
                let tier = match found.tier {
                    Tier::Memory => ReadTier::LocalMemory,
                    Tier::Disk => ReadTier::LocalDisk,
                };
                return Ok(Some((found.block, tier)));
            }
            Ok(None) => {}
            Err(error) => {
                self.sink.effect(self.cost.now(), ScriptEntry::Unreadable { id })?;
                return Err(TaskError::Exception(format!("Block {id} could not be read: {error}")));
            }
        }
        for &executor in holders.into_iter().flatten().filter(|e| **e != self.task.executor) {
            let stores = self.cluster.read().get(&executor).cloned();
            if let Some(block) = stores.and_then(|s| s.peek_block(id)) {
                return Ok(Some((block, ReadTier::Remote { executor })));
            }
        }
        Ok(None)
    }

    /// A partition turned out not to be kept.
    pub(crate) fn not_kept(&self, id: BlockId) {
        self.sink.production_ended(id);
    }

    pub(crate) fn can_unroll(&self, rdd: RddId, bytes: u64) -> bool {
        self.stores.can_unroll(rdd, bytes)
    }

    /// Stores a block here and on as many peers as the level asks (R8.13).
    pub(crate) fn put_block(&self, id: BlockId, block: Arc<dyn StoredBlock>, policy: BlockPolicy) -> ControlFlow<Stop> {
        self.cost.put(policy.level, block.memory_bytes(), block.len());
        let mut peers = self.view.peers.clone();
        // Peers by a shuffle seeded with the block, so that replicas spread and repeat.
        let mut rng = self.seed.fork("replication").nth(u64::from(id.rdd.0)).nth(u64::from(id.partition.0)).rng();
        for i in (1..peers.len()).rev() {
            peers.swap(i, rng.below(i as u64 + 1) as usize);
        }
        if policy.level.replication < 2 {
            peers.clear();
        }
        self.journal.borrow_mut().pending.insert(id, Arc::clone(&block));
        if !peers.is_empty() {
            self.cost.replicate(block.memory_bytes());
        }
        let entry = ScriptEntry::PutBlock { id, block, policy, peers };
        self.effect(entry)
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
        let written = self.sink.effect(self.cost.now(), ScriptEntry::WriteMapOutput { shuffle, map, buckets });
        self.spend_on(Spending::Task);
        written
    }

    /// How many bytes the map output that was written has for each reduce partition.
    pub(crate) fn map_sizes(&self) -> MapSizes {
        self.journal.borrow().map_sizes.clone()
    }

    // Output.

    /// Writes a part of an action's output to the reliable store, if this attempt may: of all attempts of
    /// the partition, one commits (R4.9). The object appears whole or not at all.
    ///
    /// # Errors
    /// [`TaskError::CommitDenied`] when another attempt commits; the store's error as an exception.
    pub fn commit_output(&self, key: String, bytes: Arc<[u8]>) -> Result<(), TaskError> {
        let before = self.spend_on(Spending::Write);
        self.cost.checkpoint_write(bytes.len() as u64, 0);
        let TaskIdentity { stage, partition, attempt, .. } = self.task;
        let permit = CommitPermit::new(&self.view.commits, stage, partition, attempt);
        let written = self.sink.effect(self.cost.now(), ScriptEntry::CommitOutput { permit, key, bytes });
        self.spend_on(before);
        written
    }

    // Checkpoints.

    pub(crate) fn write_checkpoint_part<T: Data>(
        &self,
        dir: &str,
        partition: PartitionId,
        values: &[T],
    ) -> Result<CheckpointPart, TaskError> {
        self.spend_on(Spending::Write);
        let (part, bytes) = crate::checkpoint::format::encode_part(partition, values)
            .map_err(|error| TaskError::Exception(format!("Checkpoint failed: {error}")))?;
        self.cost.checkpoint_write(part.bytes, part.records);
        self.journal.borrow_mut().metrics.checkpoint_bytes_written += part.bytes;
        let key = format!("{dir}/{}", part.file);
        self.sink.effect(self.cost.now(), ScriptEntry::StorePart { key, bytes })?;
        self.spend_on(Spending::Task);
        Ok(part)
    }

    pub(crate) fn read_checkpoint_part<T: Data>(&self, dir: &str, part: PartitionId) -> Result<Vec<T>, String> {
        let key = format!("{dir}/{}", crate::checkpoint::format::part_name(part));
        let bytes = self.store.get(&key).map_err(|error| error.to_string())?;
        self.cost.checkpoint_read(bytes.len() as u64);
        let mut journal = self.journal.borrow_mut();
        journal.metrics.checkpoint_bytes_read += bytes.len() as u64;
        if let Some(&row) = journal.open.last() {
            journal.metrics.reads[row].bytes += bytes.len() as u64;
        }
        drop(journal);
        crate::storage::frame::decode(&bytes).map_err(|error| format!("{key}: {error}"))
    }

    /// Ends the attempt: what it did, and how long the model says it took.
    pub(crate) fn finish(self) -> (TaskMetrics, u64) {
        self.spend_on(Spending::Task);
        (self.journal.into_inner().metrics, self.cost.now())
    }
}
