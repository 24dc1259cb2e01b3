//! Every limit and interval of the engine, with its origin in Spark's configuration.

use crate::event::{ClockKind, StorageLevel};
use crate::ids::*;
pub use crate::scheduler::SchedulerConfig;
use std::collections::BTreeMap;

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
    /// `spark.default.parallelism`: partitions when a program does not say.
    pub partitions: u32,
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
    /// Stop a streaming program after this many batches.
    pub max_batches: Option<u32>,
    /// `spark.streaming.blockInterval`: how long a receiver gathers records into one block (R17.6).
    pub block_interval: Millis,
    /// `spark.streaming.receiverRestartDelay` (R17.4).
    pub receiver_restart_delay: Millis,
    /// `spark.streaming.fileStream.minRememberDuration`: how far back a file stream looks (R19.2).
    pub file_remember: Millis,
    /// Storage levels that replace the program's, by operator, applied after validation.
    pub persist: BTreeMap<OperatorName, StorageLevel>,
    /// Checkpoint intervals in batches that replace the program's, by operator, applied after
    /// validation; 0 switches checkpointing of the operator off.
    pub checkpoint: BTreeMap<OperatorName, u32>,
    /// Faults planned by the user.
    pub faults: Vec<crate::sim::faults::PlannedFault>,
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
            task_max_failures: 4,
            stage_max_consecutive_attempts: 4,
            resubmit_delay: Millis(200),
            locality_wait: Millis(3000),
            scheduler: SchedulerConfig::default(),
            loss_detection: Millis(100),
            proactive_replication: true,
            limit_scale_up_factor: 4,
            chunk_len: 1024,
            previews: true,
            shuffle_memory: 256 << 20,
            max_batches: None,
            block_interval: Millis(200),
            receiver_restart_delay: Millis(2000),
            file_remember: Millis(60_000),
            persist: BTreeMap::new(),
            checkpoint: BTreeMap::new(),
            faults: Vec::new(),
        }
    }
}

impl EngineConfig {
    /// The settings as the event log announces them, under Spark's keys where they exist.
    pub fn properties(&self) -> BTreeMap<String, String> {
        let mut p = BTreeMap::new();
        let mut set = |k: &str, v: String| {
            p.insert(k.to_owned(), v);
        };
        set("spark.app.name", self.app_name.clone());
        set("spark.app.id", self.app_id());
        set("spark.executor.instances", self.executors.to_string());
        set("spark.executor.cores", self.cores.to_string());
        set("spark.default.parallelism", self.partitions.to_string());
        set("spark.task.maxFailures", self.task_max_failures.to_string());
        set("spark.stage.maxConsecutiveAttempts", self.stage_max_consecutive_attempts.to_string());
        set("spark.locality.wait", format!("{}ms", self.locality_wait));
        set("spark.storage.replication.proactive", self.proactive_replication.to_string());
        set("faultline.executor.storageMemory", self.memory.to_string());
        set("faultline.seed", self.seed.to_string());
        for (op, level) in &self.persist {
            set(&format!("faultline.persist.{op}"), level.to_string());
        }
        for (op, every) in &self.checkpoint {
            set(&format!("faultline.checkpoint.{op}"), every.to_string());
        }
        p
    }

    /// The application id, derived from the seed so that logs repeat.
    pub fn app_id(&self) -> String {
        format!("faultline-{:016x}", crate::rng::Seed(self.seed).fork("application").0)
    }
}
