//! `SparkContext`: numbers and names RDDs, and carries jobs to whichever loop runs the engine.

use super::checkpoint_dir::CheckpointDirs;
use super::chunk::TaskError;
use super::dependency::Dependency;
use super::node::{AnyRdd, CheckpointKind, CutTo, PreparedCut, RddCore};
use super::pipe::{PipedCommand, PipedProcess};
use crate::config::EngineConfig;
use crate::error::Result;
use crate::event::*;
use crate::ids::*;
use crate::lineage::BlockSummary;
use crate::object_store::{MemoryObjectStore, ObjectStore};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::task_context::TaskContext;
use std::any::Any;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// What one task returns to the driver.
pub type TaskOutput = Box<dyn Any + Send>;
/// What a result task runs.
pub type ResultFn = Arc<dyn Fn(PartitionId, &TaskContext) -> std::result::Result<TaskOutput, TaskError> + Send + Sync>;

/// One job: a final RDD, the partitions wanted, and a function for each.
#[derive(Clone)]
pub struct JobSpec {
    /// Final RDD.
    pub rdd: Arc<dyn AnyRdd>,
    /// Partitions wanted.
    pub partitions: Vec<PartitionId>,
    /// What to do with each.
    pub func: ResultFn,
    /// Why.
    pub origin: JobOrigin,
}

impl fmt::Debug for JobSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobSpec").field("rdd", &self.rdd.core().id()).field("origin", &self.origin).finish()
    }
}

/// How much of an RDD's checkpoint is there already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckpointProgress {
    /// Partitions that some executor holds.
    pub stored: BTreeSet<PartitionId>,
    /// Parts that tasks wrote while they computed the partition.
    pub written: BTreeMap<PartitionId, CheckpointPart>,
}

/// A checkpoint whose partitions are saved: all that is left is to trust them and to cut the lineage.
pub struct CheckpointCommit {
    /// RDD that was saved.
    pub rdd: Arc<dyn AnyRdd>,
    /// The cut, prepared.
    pub cut: PreparedCut,
    /// What the RDD reads after it.
    pub to: CutTo,
    /// How many partitions were written while the action's own job computed them.
    pub teed: u32,
}

/// What a checkpoint directory holds, by its manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedCheckpoint {
    /// One entry per partition.
    pub parts: Vec<CheckpointPart>,
    /// How its keys map to partitions, when that was known.
    pub partitioner: Option<PartitionerInfo>,
}

/// What the driver program tells the driver without waiting.
#[derive(Clone, Debug)]
pub enum Notice {
    /// The level of an RDD changed.
    Persisted(RddId, StorageLevel),
    /// An RDD is no longer persistent.
    Unpersisted(RddId),
    /// `checkpoint()` or `localCheckpoint()` marked an RDD.
    Marked(RddId, CheckpointKind),
    /// A checkpoint could not be written.
    CheckpointFailed(RddId, String),
    /// The files of a checkpoint are wanted no more.
    DeleteCheckpoint(RddId),
    /// Blocks of receivers that no remembered batch reads any more (R12.7).
    InputsForgotten(Vec<InputBlockId>),
    /// An event that needs no decision.
    Fact(Event),
}

/// The way from the driver program to the driver; both loops implement it.
pub trait JobRunner: Send + Sync {
    /// Runs a job; blocks until it ended. One output per wanted partition, in order.
    fn run_job(&self, job: JobSpec) -> Result<Vec<TaskOutput>>;
    /// What of an RDD's checkpoint is there already; blocks.
    fn checkpoint_progress(&self, rdd: RddId) -> Result<CheckpointProgress>;
    /// Verifies what a checkpoint saved, publishes the manifest of its files, cuts the lineage; blocks.
    fn commit_checkpoint(&self, commit: CheckpointCommit) -> Result<()>;
    /// Reads what a checkpoint directory says of itself; blocks.
    fn open_checkpoint(&self, dir: String) -> Result<OpenedCheckpoint>;
    /// What is stored of these RDDs, for those of which something is; blocks. Nothing where no driver is.
    fn stored(&self, rdds: Vec<RddId>) -> BTreeMap<RddId, BlockSummary> {
        let _ = rdds;
        BTreeMap::new()
    }
    /// Tells the driver something; does not block.
    fn tell(&self, notice: Notice);
}

/// What programs reach outside of the engine: files to read, directories to write, processes to pipe
/// through. The runtime implements it.
pub trait Files: Send + Sync {
    /// Length in bytes of a file.
    fn len(&self, path: &str) -> Result<u64>;
    /// Bytes `offset..offset + len`, fewer at the end of the file.
    fn read(&self, path: &str, offset: u64, len: usize) -> Result<Vec<u8>>;
    /// When a file was last changed.
    fn modified(&self, path: &str) -> Result<Timestamp>;
    /// The files that `path` stands for: itself, or those of a directory in name order. Files whose
    /// names begin with `.` or `_` are not among them.
    fn list(&self, path: &str) -> Result<Vec<String>>;
    /// Whether there is anything at `path`.
    fn exists(&self, path: &str) -> bool;
    /// A directory as a store whose files appear whole. It is made with the first of them.
    fn output(&self, path: &str) -> Result<Arc<dyn ObjectStore>>;
    /// Starts a process.
    fn spawn(&self, command: &PipedCommand) -> Result<Box<dyn PipedProcess>>;
    /// The directories that a glob pattern stands for, in name order: `*`, `?`, `[abc]`, `[a-z]`, `[^a]`
    /// and `{a,b}`, each within one component of the path. What is no pattern stands for itself, whether it
    /// is there or not.
    fn directories(&self, pattern: &str) -> Result<Vec<String>>;
}

/// The entry to RDDs. Cheap to clone.
#[derive(Clone)]
pub struct SparkContext(pub(crate) Arc<ContextInner>);

pub(crate) struct ContextInner {
    pub config: Arc<EngineConfig>,
    pub runner: Arc<dyn JobRunner>,
    pub files: Arc<dyn Files>,
    next_rdd: AtomicU32,
    next_shuffle: AtomicU32,
    next_accumulator: AtomicU64,
    next_broadcast: AtomicU64,
    names: Mutex<BTreeMap<String, u32>>,
    checkpoint_dirs: CheckpointDirs,
    released: Arc<Mutex<Released>>,
}

/// What became unreachable since the driver last looked.
#[derive(Debug, Default)]
pub struct Released {
    /// RDDs whose last handle was dropped.
    pub rdds: Vec<RddId>,
    /// Shuffles that no RDD refers to.
    pub shuffles: Vec<ShuffleId>,
}

/// Where in the program RDDs are being made on this thread.
#[derive(Clone, Debug)]
struct Frame {
    operator: OperatorName,
    batch: Option<BatchId>,
    callsite: String,
    next_ordinal: u32,
}

/// Spark's local properties of a thread: what jobs submitted from it are for.
#[derive(Clone, Debug, Default)]
pub(crate) struct JobLocal {
    pub batch: Option<BatchId>,
    pub batch_time: Option<Timestamp>,
    pub output_op: Option<OutputOpId>,
    /// Counts the drivers of a checkpoint directory, so that sinks refuse what an older one writes; 0 without one.
    pub epoch: u64,
    /// `spark.checkpoint.checkpointAllMarkedAncestors`.
    pub all_marked_ancestors: bool,
    /// `spark.scheduler.pool`.
    pub pool: Option<String>,
}

crate::sync::thread_local! {
    static FRAMES: RefCell<Vec<Frame>> = const { RefCell::new(Vec::new()) };
    static LABEL: RefCell<Option<String>> = const { RefCell::new(None) };
    static JOB_LOCAL: RefCell<JobLocal> = RefCell::new(JobLocal::default());
}

/// Ends the scope of an operator when dropped.
pub(crate) struct ScopeGuard {
    pushed: bool,
}

impl Drop for ScopeGuard {
    fn drop(&mut self) {
        if self.pushed {
            FRAMES.with_borrow_mut(Vec::pop);
        }
    }
}

/// The call site of a public method, in Spark's words: `map at word_count.rs:31`.
pub(crate) fn callsite(method: &str, at: &Location<'_>) -> String {
    let file = at.file().rsplit(['/', '\\']).next().unwrap_or_default();
    format!("{method} at {file}:{}", at.line())
}

/// Runs `f` with the local properties of a job.
pub(crate) fn with_job_local<R>(local: JobLocal, f: impl FnOnce() -> R) -> R {
    let before = JOB_LOCAL.replace(local);
    let result = f();
    JOB_LOCAL.set(before);
    result
}

pub(crate) fn job_local() -> JobLocal {
    JOB_LOCAL.with_borrow(Clone::clone)
}

impl SparkContext {
    pub(crate) fn new(
        config: Arc<EngineConfig>,
        runner: Arc<dyn JobRunner>,
        files: Arc<dyn Files>,
        store: Arc<dyn ObjectStore>,
        released: Arc<Mutex<Released>>,
    ) -> Self {
        let dir = config.checkpoint_dir.clone();
        let checkpoint_dirs = CheckpointDirs::new(store, config.app_id());
        let sc = Self(Arc::new(ContextInner {
            config,
            runner,
            files,
            next_rdd: AtomicU32::new(0),
            next_shuffle: AtomicU32::new(0),
            next_accumulator: AtomicU64::new(0),
            next_broadcast: AtomicU64::new(0),
            names: Mutex::default(),
            checkpoint_dirs,
            released,
        }));
        if let Some(dir) = dir {
            sc.set_checkpoint_dir(&dir);
        }
        sc
    }

    /// A context on which lineages can be built but nothing runs: jobs are refused, notices are dropped.
    /// For whoever feeds job specifications to a driver by hand.
    pub fn detached(config: Arc<EngineConfig>) -> Self {
        let nothing = Arc::new(super::detached::Detached);
        Self::new(config, nothing.clone(), nothing, Arc::new(MemoryObjectStore::new()), Arc::default())
    }

    /// The settings in force.
    pub fn config(&self) -> &EngineConfig {
        &self.0.config
    }

    /// Partitions when a program does not say: `spark.default.parallelism`, else what the engine runs with.
    pub fn default_parallelism(&self) -> u32 {
        self.0.config.parallelism()
    }

    /// Where checkpoints go (R9.2): a directory of this application's own below `dir`. Its name derives from
    /// the seed; where another application has that name, `-2`, `-3` and so on follows it.
    pub fn set_checkpoint_dir(&self, dir: &str) {
        let own = format!("{:016x}", crate::rng::Seed(self.0.config.seed).fork("checkpoint directory").0);
        let dir = dir.trim_matches('/');
        self.0.checkpoint_dirs.set(if dir.is_empty() { own } else { format!("{dir}/{own}") });
    }

    /// The directory of this application's checkpoints.
    pub fn checkpoint_dir(&self) -> Option<String> {
        self.0.checkpoint_dirs.name()
    }

    /// The same, claimed.
    ///
    /// # Errors
    /// When the store refuses to say whose it is.
    pub(super) fn own_checkpoint_dir(&self) -> Result<Option<String>> {
        self.0.checkpoint_dirs.own()
    }

    /// Jobs that this thread submits from now on count for a pool (R7.5), as with Spark's local property
    /// `spark.scheduler.pool`; `None` is the pool `default`. Without `spark.scheduler.mode` = `FAIR` pools
    /// change nothing. A stream's jobs have the pool of the thread that started it.
    pub fn set_scheduler_pool(&self, pool: Option<&str>) {
        JOB_LOCAL.with_borrow_mut(|local| local.pool = pool.map(ToOwned::to_owned));
    }

    /// Labels the RDDs made inside `f`, for example `iteration 3`; pictures group by it.
    pub fn scope<R>(&self, label: &str, f: impl FnOnce() -> R) -> R {
        let before = LABEL.replace(Some(label.to_owned()));
        let result = f();
        LABEL.set(before);
        result
    }

    /// Prints lines as output of the program.
    pub fn print(&self, lines: Vec<String>) {
        let local = job_local();
        self.tell(Notice::Fact(Event::OutputPrinted { batch: local.batch, output_op: local.output_op, lines }));
    }

    /// Announces the digest of everything an output operation wrote.
    pub fn emit<T: serde::Serialize>(&self, records: &[T]) {
        let local = job_local();
        self.tell(Notice::Fact(Event::OutputDigest {
            batch: local.batch,
            output_op: local.output_op,
            records: records.len() as u64,
            sha256: super::action::digest(records),
        }));
    }

    pub(crate) fn tell(&self, notice: Notice) {
        self.0.runner.tell(notice);
    }

    /// Opens the scope of operator `method`, unless an enclosing operator is being built.
    pub(crate) fn open(&self, method: &str, at: &Location<'_>) -> ScopeGuard {
        let nested = FRAMES.with_borrow(|f| !f.is_empty());
        if nested {
            return ScopeGuard { pushed: false };
        }
        let mut names = self.0.names.lock();
        let count = names.entry(method.to_owned()).or_insert(0);
        *count += 1;
        let operator = OperatorName::new(method, *count);
        drop(names);
        self.push_frame(operator, None, callsite(method, at), 0)
    }

    /// Opens the scope of a stream's operator in a batch, whatever encloses it. `first_ordinal`
    /// continues the numbering when an operator is built in more than one scope.
    pub(crate) fn push_frame(
        &self,
        operator: OperatorName,
        batch: Option<BatchId>,
        callsite: String,
        first_ordinal: u32,
    ) -> ScopeGuard {
        FRAMES.with_borrow_mut(|f| f.push(Frame { operator, batch, callsite, next_ordinal: first_ordinal }));
        ScopeGuard { pushed: true }
    }

    /// Numbers and describes a new RDD. Panics inside a task (R1.10), which fails it.
    pub(crate) fn new_core(
        &self,
        class: &str,
        num_partitions: u32,
        partitioner: Option<PartitionerInfo>,
        determinism: Determinism,
        dependencies: Vec<Dependency>,
    ) -> RddCore {
        self.assert_not_in_task();
        let id = RddId(self.0.next_rdd.fetch_add(1, Ordering::Relaxed));
        let (operator, batch, callsite, ordinal) = FRAMES.with_borrow_mut(|frames| match frames.last_mut() {
            Some(frame) => {
                frame.next_ordinal += 1;
                (frame.operator.clone(), frame.batch, frame.callsite.clone(), frame.next_ordinal - 1)
            }
            None => (OperatorName::from(class), None, class.to_owned(), id.0),
        });
        let info = RddInfo {
            id,
            name: None,
            class: class.to_owned(),
            callsite,
            op: OpKey { operator, batch, ordinal },
            scope: LABEL.with_borrow(Clone::clone),
            level: StorageLevel::NONE,
            num_partitions,
            partitioner,
            determinism,
            parents: Vec::new(),
        };
        RddCore::new(self.clone(), info, dependencies)
    }

    /// Ends the task that this thread runs, if it runs one: only the program makes RDDs (R1.10).
    pub(super) fn assert_not_in_task(&self) {
        if let Err(error) = super::in_task::refuse_in_task() {
            panic!("{error}");
        }
    }

    /// No RDD made so far has this number or a higher one.
    pub(crate) fn next_rdd(&self) -> RddId {
        RddId(self.0.next_rdd.load(Ordering::Relaxed))
    }

    /// Numbers below `first` belong to RDDs of a former driver.
    pub(crate) fn continue_rdds_at(&self, first: RddId) {
        self.0.next_rdd.fetch_max(first.0, Ordering::Relaxed);
    }

    /// No id of the context of a former driver is used again.
    pub(crate) fn continue_numbers(&self, former: &Self) {
        let (now, before) = (&self.0, &former.0);
        now.next_rdd.fetch_max(before.next_rdd.load(Ordering::Relaxed), Ordering::Relaxed);
        now.next_shuffle.fetch_max(before.next_shuffle.load(Ordering::Relaxed), Ordering::Relaxed);
        now.next_accumulator.fetch_max(before.next_accumulator.load(Ordering::Relaxed), Ordering::Relaxed);
        now.next_broadcast.fetch_max(before.next_broadcast.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    pub(super) fn new_accumulator_id(&self) -> AccumulatorId {
        AccumulatorId(self.0.next_accumulator.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn new_broadcast_id(&self) -> BroadcastId {
        BroadcastId(self.0.next_broadcast.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn new_shuffle_id(&self) -> ShuffleId {
        ShuffleId(self.0.next_shuffle.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn released_rdd(&self, id: RddId) {
        self.0.released.lock().rdds.push(id);
    }

    pub(crate) fn released_shuffle(&self, id: ShuffleId) {
        self.0.released.lock().shuffles.push(id);
    }
}
