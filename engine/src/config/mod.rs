//! Every limit and interval of the engine, with its origin in Spark's configuration.
//!
//! [`EngineConfig`] is the one struct; `keys.rs` is the one table over it: a row per setting with its key,
//! its field, how it is read and printed, Spark's default and a line of doc. Parsing (`--conf`), what the
//! log announces and `docs/configuration.md` are made from that table.

mod docs;
mod error;
mod keys;
mod units;
mod value;

pub use docs::{markdown, table};
pub use error::BadSetting;
pub(crate) use error::nearest;
pub use keys::{KEYS, Setting, find};

pub use units::{ByteUnit, TimeUnit, parse_time};
pub use value::{Field, Kind, Value};

mod receiver_log;
mod storage;

pub use receiver_log::ReceiverLogSettings;
pub use storage::StorageSettings;

use crate::event::{ClockKind, StorageLevel};
use crate::ids::*;
use crate::receiver::PidSettings;
use crate::recovery::OnChange;
use crate::scheduler::PoolSettings;
pub use crate::scheduler::SchedulerConfig;
use std::collections::BTreeMap;

/// What happens to a stream when a batch fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BatchFailurePolicy {
    /// The stream ends with the error of the batch; what waits is not run.
    #[default]
    Stop,
    /// Its failed output operations are run again, `batch_max_failures` times in all; then as `Stop`.
    Retry,
    /// The batch is given up: its received blocks are kept and a finding names them, later batches go on.
    Skip,
    /// As Spark: `awaitTermination` throws the error at once, later batches go on, and their completion
    /// cleans the input of the failed one by its age (R11.7).
    Continue,
}

impl BatchFailurePolicy {
    /// All of them, in the order of menus.
    pub const ALL: [Self; 4] = [Self::Stop, Self::Retry, Self::Skip, Self::Continue];

    /// Their names.
    pub const WORDS: &[&str] = &["stop", "retry", "skip", "continue"];

    /// Its name on the command line: `stop`, `retry`, `skip` or `continue`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Retry => "retry",
            Self::Skip => "skip",
            Self::Continue => "continue",
        }
    }
}

/// How many slots, how much memory, which limits.
#[derive(Clone, Debug, PartialEq)]
pub struct EngineConfig {
    /// Application name.
    pub app_name: String,
    /// Seed of every random stream; also of the application id.
    pub seed: u64,
    /// Which clock the log announces.
    pub clock: ClockKind,
    /// Executors at the start.
    pub executors: u32,
    /// `spark.executor.cores`: task slots per executor.
    pub cores: u32,
    /// Storage memory per executor in bytes.
    pub memory: u64,
    /// Partitions when a program does not say and `default_parallelism` is not set; in Spark the number
    /// of cores.
    pub partitions: u32,
    /// `spark.default.parallelism` when the user set it. Only then is it the number of partitions of an
    /// operation by key that was given none (R1.5); else that of its largest parent.
    pub default_parallelism: Option<u32>,
    /// `spark.task.maxFailures` (R4.1).
    pub task_max_failures: u32,
    /// `spark.stage.maxConsecutiveAttempts` (R3.6).
    pub stage_max_consecutive_attempts: u32,
    /// How long fetch failures are gathered before failed stages are resubmitted (R3.3).
    pub resubmit_delay: Millis,
    /// `spark.locality.wait` (R7.2).
    pub locality_wait: Millis,
    /// Limits of scheduling that are rarely touched.
    pub scheduler: SchedulerConfig,
    /// How long the driver takes to notice a dead executor that nobody told it about.
    pub loss_detection: Millis,
    /// `spark.storage.replication.proactive` (R8.14).
    pub proactive_replication: bool,
    /// `spark.rdd.limit.initialNumPartitions` (R2.15).
    pub limit_initial_partitions: u32,
    /// `spark.rdd.limit.scaleUpFactor` (R2.15).
    pub limit_scale_up_factor: u32,
    /// Longest chunk that crosses a node, in records. `benches/rdd_overhead.rs` sweeps it over three nodes
    /// of `u64`: 1.27 times the loop by hand at 256, 1.23 from 512 to 4 096, 1.16 at 8 192 and 16 384.
    /// Records are often several times as large, and at 1 024 the buffers of 32-byte records of two
    /// neighbours still share an L2 cache with what user code touches.
    pub chunk_len: usize,
    /// Whether put events carry previews.
    pub previews: bool,
    /// Shuffle bytes that an executor keeps in memory before it spills the oldest outputs.
    pub shuffle_memory: u64,
    /// How blocks are unrolled, copied, found elsewhere, and moved.
    pub storage: StorageSettings,
    /// Stop a streaming program after this many batches.
    pub max_batches: Option<u32>,
    /// `spark.streaming.blockInterval`: how long a receiver gathers records into one block (R17.6).
    pub block_interval: Millis,
    /// `spark.streaming.receiverRestartDelay` (R17.4).
    pub receiver_restart_delay: Millis,
    /// `spark.streaming.blockQueueSize`: blocks of a receiver that may wait for the driver; then the receiver
    /// waits (R17.6).
    pub block_queue_size: usize,
    /// `spark.streaming.receiver.maxRate`: records per second that a receiver may store one by one; none is
    /// unlimited (R17.13).
    pub receiver_max_rate: Option<u64>,
    /// The write-ahead logs of what is received (R18).
    pub receiver_log: ReceiverLogSettings,
    /// `spark.streaming.backpressure.enabled`: whether the rate follows what batches can process (R17.14).
    pub backpressure: bool,
    /// `spark.streaming.backpressure.initialRate`: the rate before the first estimate.
    pub backpressure_initial_rate: Option<u64>,
    /// `spark.streaming.backpressure.pid.*`.
    pub backpressure_pid: PidSettings,
    /// `spark.streaming.concurrentJobs`: output operations that run at once; more than 1 takes their order
    /// away (R11.6).
    pub concurrent_jobs: u32,
    /// `faultline.streaming.checkpointWriteTimeout`: how long an attempt to write a graph checkpoint may take (R15.3).
    pub graph_write_timeout: Millis,
    /// `faultline.streaming.maxQueuedBatches`: generated batches that may wait to run; further ones are
    /// generated when there is room, with the times that they have.
    pub max_queued_batches: usize,
    /// `faultline.streaming.onBatchFailure`.
    pub on_batch_failure: BatchFailurePolicy,
    /// `faultline.streaming.batchMaxFailures`: how often a batch may fail under `retry`.
    pub batch_max_failures: u32,
    /// `spark.streaming.gracefulStopTimeout`: how long a graceful stop waits for received blocks to get
    /// into batches; 0 is ten batch intervals (R22.1).
    pub graceful_stop_timeout: Millis,
    /// `faultline.streaming.receiverStopTimeout`: how long a graceful stop waits for receivers. Spark waits
    /// 10 s and then without a limit.
    pub receiver_stop_timeout: Millis,
    /// `spark.streaming.unpersist`: whether RDDs of batches that are no longer remembered, and received
    /// blocks, are removed (R12.7).
    pub streaming_unpersist: bool,
    /// `spark.streaming.fileStream.minRememberDuration`: how far back a file stream looks (R19.2).
    pub file_remember: Millis,
    /// Whether keys of `mapWithState` time out at batches whose state is checkpointed only, as in Spark, up
    /// to an interval late; else at most one batch late (R14.6).
    pub state_timeouts_at_checkpoints: bool,
    /// Storage levels that replace the program's, by operator, applied after validation.
    pub persist: BTreeMap<OperatorName, StorageLevel>,
    /// Checkpoint intervals in batches that replace the program's, by operator, applied after
    /// validation; 0 switches checkpointing of the operator off.
    pub checkpoint: BTreeMap<OperatorName, u32>,
    /// `spark.checkpoint.dir`: what `setCheckpointDir` would be given.
    pub checkpoint_dir: Option<String>,
    /// `faultline.checkpoint.write`: when the partitions of a marked RDD are written.
    pub checkpoint_write: CheckpointWriting,
    /// `spark.cleaner.referenceTracking.cleanCheckpoints` (R9.15): files go with the RDD that they hold.
    pub clean_checkpoints: bool,
    /// `faultline.recovery.onChange`: what is done when a program was changed since its checkpoint.
    pub on_change: OnChange,
    /// `faultline.recovery.renamed`: operators that have other names since their checkpoint, `OLD=NEW` with commas
    /// between them; with [`OnChange::Migrate`].
    pub renamed: Option<String>,
    /// `faultline.supervise`: whether a driver that crashed is started again (R16).
    pub supervise: bool,
    /// `faultline.clock.virtualStart`: how long after its epoch a virtual clock begins. A run that recovers finds
    /// that so much time has passed.
    pub virtual_start: Millis,
    /// Faults planned by the user.
    pub faults: Vec<crate::sim::faults::PlannedFault>,
}

/// When the partitions of a marked RDD are written to the reliable store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CheckpointWriting {
    /// As Spark: by a second job after that of the action (R9.6).
    #[default]
    SecondJob,
    /// While the action's job computes them, and by a second job what it did not compute.
    Tee,
}

impl CheckpointWriting {
    /// The ways by their names.
    pub const NAMES: &'static [&'static str] = &["second-job", "tee"];
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            app_name: "faultline".into(),
            seed: 1,
            clock: ClockKind::Virtual,
            executors: 3,
            cores: 2,
            memory: 64 << 20,
            partitions: 6,
            default_parallelism: None,
            task_max_failures: 4,
            stage_max_consecutive_attempts: 4,
            resubmit_delay: Millis(200),
            locality_wait: Millis(3000),
            scheduler: SchedulerConfig::default(),
            loss_detection: Millis(100),
            proactive_replication: true,
            limit_initial_partitions: 1,
            limit_scale_up_factor: 4,
            chunk_len: 1024,
            previews: true,
            shuffle_memory: 256 << 20,
            storage: StorageSettings::default(),
            max_batches: None,
            block_interval: Millis(200),
            receiver_restart_delay: Millis(2000),
            block_queue_size: 10,
            receiver_max_rate: None,
            receiver_log: ReceiverLogSettings::default(),
            backpressure: false,
            backpressure_initial_rate: None,
            backpressure_pid: PidSettings::default(),
            concurrent_jobs: 1,
            graph_write_timeout: Millis(30_000),
            max_queued_batches: 1000,
            on_batch_failure: BatchFailurePolicy::Stop,
            batch_max_failures: 4,
            graceful_stop_timeout: Millis(0),
            receiver_stop_timeout: Millis(60_000),
            streaming_unpersist: true,
            file_remember: Millis(60_000),
            state_timeouts_at_checkpoints: false,
            persist: BTreeMap::new(),
            checkpoint: BTreeMap::new(),
            checkpoint_dir: None,
            checkpoint_write: CheckpointWriting::SecondJob,
            clean_checkpoints: false,
            on_change: OnChange::Ask,
            renamed: None,
            supervise: false,
            virtual_start: Millis(0),
            faults: Vec::new(),
        }
    }
}

/// Settings that every log announces; others are announced when they differ from their default.
const ANNOUNCED: [&str; 9] = [
    "spark.executor.instances",
    "spark.executor.cores",
    "faultline.defaultParallelism",
    "spark.task.maxFailures",
    "spark.stage.maxConsecutiveAttempts",
    "spark.locality.wait",
    "spark.storage.replication.proactive",
    "faultline.executor.storageMemory",
    "faultline.seed",
];

/// Before the operator in the settings that replace a program's level.
const PERSIST: &str = "faultline.persist.";
/// Before the name in the settings of pools.
const POOL: &str = "faultline.scheduler.pool.";
/// Before the operator in the settings that replace a program's interval of checkpoints.
const CHECKPOINT: &str = "faultline.checkpoint.";

impl EngineConfig {
    /// Sets one setting from text, in Spark's units: `set("spark.locality.wait", "3s")`.
    ///
    /// # Errors
    /// Names the key, what is wrong with the value, or the nearest key when there is no such one.
    pub fn set(&mut self, key: &str, text: &str) -> Result<(), BadSetting> {
        if key == "spark.app.name" {
            text.clone_into(&mut self.app_name);
            return Ok(());
        }
        // Before what begins like an operator's setting: `faultline.checkpoint.write`.
        if let Some(setting) = find(key) {
            return setting.set(self, text);
        }
        if let Some(operator) = key.strip_prefix(PERSIST) {
            let level = text.parse().map_err(|e| BadSetting::value(key, format!("{e}")))?;
            self.persist.insert(operator.into(), level);
            return Ok(());
        }
        if let Some(pool) = key.strip_prefix(POOL) {
            let settings = PoolSettings::parse(text).map_err(|e| BadSetting::value(key, e))?;
            self.scheduler.pools.insert(pool.to_owned(), settings);
            return Ok(());
        }
        if let Some(operator) = key.strip_prefix(CHECKPOINT) {
            let every =
                text.parse().map_err(|_| BadSetting::value(key, format!("{key} should be int, but was {text}")))?;
            self.checkpoint.insert(operator.into(), every);
            return Ok(());
        }
        Err(BadSetting::unknown(key))
    }

    /// The same from one piece of text: `assign("spark.locality.wait=3s")`.
    ///
    /// # Errors
    /// As [`EngineConfig::set`], and when there is no `=`.
    pub fn assign(&mut self, text: &str) -> Result<(), BadSetting> {
        let (key, value) = text.split_once('=').ok_or_else(|| BadSetting::shape(text))?;
        self.set(key.trim(), value.trim())
    }

    /// The settings as the event log announces them, under Spark's keys where they exist: some always,
    /// as Spark announces what was set the others when they are not the default. [`EngineConfig::set`]
    /// reads each of them back, but for the application's id.
    pub fn properties(&self) -> BTreeMap<String, String> {
        let mut p = BTreeMap::new();
        let mut set = |k: &str, v: String| {
            p.insert(k.to_owned(), v);
        };
        set("spark.app.name", self.app_name.clone());
        set("spark.app.id", self.app_id());
        let default = Self::default();
        for setting in KEYS {
            let text = setting.get(self);
            if ANNOUNCED.contains(&setting.key) || text != setting.get(&default) {
                set(setting.key, text);
            }
        }
        for (op, level) in &self.persist {
            set(&format!("{PERSIST}{op}"), level.to_string());
        }
        for (name, pool) in &self.scheduler.pools {
            set(&format!("{POOL}{name}"), pool.text());
        }
        for (op, every) in &self.checkpoint {
            set(&format!("{CHECKPOINT}{op}"), every.to_string());
        }
        p
    }

    /// What `sc.defaultParallelism` is.
    pub fn parallelism(&self) -> u32 {
        self.default_parallelism.unwrap_or(self.partitions)
    }

    /// Bytes that blocks may take in the memory of an executor, on the heap and outside of it.
    pub const fn storage_memory(&self) -> u64 {
        self.memory.saturating_add(self.storage.off_heap_memory)
    }

    /// The application id, derived from the seed so that logs repeat.
    pub fn app_id(&self) -> String {
        format!("faultline-{:016x}", crate::rng::Seed(self.seed).fork("application").0)
    }
}

#[cfg(test)]
mod tests;
