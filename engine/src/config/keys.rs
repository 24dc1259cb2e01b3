//! The table of settings. A new limit or interval is a field of [`EngineConfig`] and a row here.

use super::error::BadSetting;
use super::units::{ByteUnit, TimeUnit};
use super::value::{Field, Kind, Value};
use super::{BatchFailurePolicy, CheckpointWriting, EngineConfig};
use crate::recovery::OnChange;
use crate::scheduler::SchedulingMode;

/// One setting: a row of the table.
#[derive(Clone, Copy)]
pub struct Setting {
    /// Spark's key, or `faultline.*` where Spark has none.
    pub key: &'static str,
    /// The field of [`EngineConfig`].
    pub field: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// Spark's default as Spark's documentation writes it; `None` for a key of ours.
    pub spark_default: Option<&'static str>,
    /// One line: what it limits.
    pub doc: &'static str,
    read: fn(&EngineConfig) -> Value,
    write: fn(&mut EngineConfig, Value),
}

impl Setting {
    /// Its value, so that [`Setting::set`] reads it back.
    pub fn get(&self, config: &EngineConfig) -> String {
        self.kind.print(&(self.read)(config))
    }

    /// Its value for people: `3s`, `64m`.
    pub fn short(&self, config: &EngineConfig) -> String {
        self.kind.short(&(self.read)(config))
    }

    /// Sets it from text.
    ///
    /// # Errors
    /// What is wrong with the value.
    pub fn set(&self, config: &mut EngineConfig, text: &str) -> Result<(), BadSetting> {
        let value = self.kind.parse(self.key, text).map_err(|problem| BadSetting::value(self.key, problem))?;
        (self.write)(config, value);
        Ok(())
    }
}

/// The setting of a key.
pub fn find(key: &str) -> Option<&'static Setting> {
    KEYS.iter().find(|setting| setting.key == key)
}

/// A row: key, field, kind, Spark's default, doc.
macro_rules! row {
    ($key:literal, $($field:ident).+, $kind:expr, $spark:expr, $doc:literal) => {
        Setting {
            key: $key,
            field: stringify!($($field).+),
            kind: $kind,
            spark_default: $spark,
            doc: $doc,
            read: |config| config.$($field).+.value(),
            write: |config, value| config.$($field).+.accept(value),
        }
    };
}

const SWITCH: Kind = Kind::Switch;
const MILLIS: Kind = Kind::Time(TimeUnit::Millis);
const INTERVAL: Kind = Kind::Interval(TimeUnit::Millis);
const OPTIONAL_MILLIS: Kind = Kind::OptionalTime(TimeUnit::Millis);
const SECONDS: Kind = Kind::Time(TimeUnit::Seconds);
const BYTES: Kind = Kind::Size(ByteUnit::Bytes);
const WEIGHT: Kind = Kind::Factor { least: 0.0, most: 1e9 };
const ANY: Kind = Kind::Count { least: 0, most: u64::MAX };

const fn up_to(most: u64) -> Kind {
    Kind::Count { least: 1, most }
}

/// Most of what a 32-bit field counts.
const MANY: u64 = u32::MAX as u64;

/// Every setting, by subject.
#[rustfmt::skip] // One row is one line, so that it is read as a table.
pub const KEYS: &[Setting] = &[
    // The application.
    row!("faultline.seed", seed, ANY, None, "Seed of everything random, and of the application's id"),
    row!("spark.executor.instances", executors, Kind::Count { least: 0, most: 256 }, Some("2"), "Executors at the start"),
    row!("spark.executor.cores", cores, up_to(256), Some("1"), "Task slots of each executor"),
    row!("spark.default.parallelism", default_parallelism, Kind::OptionalCount { least: 1, most: 100_000 }, Some("none"), "Partitions where a program does not say, also of operations by key; without it those have as many as their largest parent (R1.5)"),
    row!("faultline.defaultParallelism", partitions, up_to(100_000), Some("all cores"), "Partitions where a program does not say and spark.default.parallelism is not set"),
    row!("faultline.rdd.chunkRecords", chunk_len, up_to(1 << 24), None, "Longest chunk that crosses a node, in records"),
    row!("faultline.previews", previews, SWITCH, None, "Whether events of stored blocks carry their first records"),

    // Scheduler.
    row!("spark.task.maxFailures", task_max_failures, up_to(MANY), Some("4"), "Failures of one task before its job is given up (R4.1)"),
    row!("spark.stage.maxConsecutiveAttempts", stage_max_consecutive_attempts, up_to(MANY), Some("4"), "Fetch failures in a row before a stage is given up (R3.6)"),
    row!("spark.locality.wait", locality_wait, MILLIS, Some("3s"), "How long a task waits for an executor that holds its data (R7.2)"),
    row!("faultline.executorsPerHost", scheduler.executors_per_host, up_to(256), None, "Executors that share a host; with 1 each has its own"),
    row!("spark.locality.wait.process", scheduler.locality_wait_process, OPTIONAL_MILLIS, Some("spark.locality.wait"), "The same for the executor itself (R7.2)"),
    row!("spark.locality.wait.node", scheduler.locality_wait_node, OPTIONAL_MILLIS, Some("spark.locality.wait"), "The same for the executor's host (R7.2)"),
    row!("spark.locality.wait.legacyResetOnTaskLaunch", scheduler.legacy_locality_reset, SWITCH, Some("false"), "Whether every launch begins the wait anew (R7.3)"),
    row!("spark.shuffle.reduceLocality.enabled", scheduler.reduce_locality, SWITCH, Some("true"), "Whether reduce tasks prefer hosts that hold a fifth of their input (R2.14)"),
    row!("faultline.scheduler.shuffleOffers", scheduler.shuffle_offers, SWITCH, None, "Whether executors are offered tasks in a random order, as in Spark, or by id (R7.5)"),
    row!("spark.scheduler.mode", scheduler.mode, Kind::Word(SchedulingMode::NAMES), Some("FIFO"), "Whether jobs are served in their order, or fairly between pools (R7.5)"),
    row!("spark.driver.maxResultSize", scheduler.max_result_size, BYTES, Some("1g"), "What the tasks of a stage may return to the program together; 0 is no limit (R4.4)"),
    row!("spark.stage.maxAttempts", scheduler.stage_max_attempts, Kind::OptionalCount { least: 1, most: MANY }, Some("unlimited"), "Attempts of a stage, whatever ended them; at least spark.stage.maxConsecutiveAttempts (R3.7)"),
    row!("faultline.executor.detectByHeartbeat", scheduler.detect_by_heartbeat, SWITCH, None, "Whether the driver notices a dead executor by missing heartbeats only, as when a machine hangs (R5.1)"),
    row!("spark.executor.heartbeatInterval", scheduler.heartbeat_interval, INTERVAL, Some("10s"), "How often a living executor is heard (R5.1)"),
    row!("spark.network.timeout", scheduler.network_timeout, SECONDS, Some("120s"), "How long an executor may be silent before it is lost (R5.1)"),
    row!("spark.deploy.maxExecutorRetries", scheduler.max_executor_retries, Kind::Count { least: 0, most: MANY }, Some("10"), "Executors that a task brought down and that are started again"),
    row!("spark.shuffle.service.enabled", scheduler.shuffle_service, SWITCH, Some("false"), "Whether map outputs outlive their executor (R5.2)"),
    row!("spark.files.fetchFailure.unRegisterOutputOnHost", scheduler.unregister_output_on_host, SWITCH, Some("false"), "With the shuffle service, whether a failed fetch gives up the outputs of the whole host (R3.4)"),
    row!("spark.rdd.limit.initialNumPartitions", limit_initial_partitions, up_to(MANY), Some("1"), "Partitions that the first job of take reads (R2.15)"),
    row!("spark.rdd.limit.scaleUpFactor", limit_scale_up_factor, Kind::Count { least: 2, most: MANY }, Some("4"), "How many times more partitions each further job of take reads (R2.15)"),
    row!("faultline.scheduler.resubmitDelay", resubmit_delay, MILLIS, None, "How long fetch failures are gathered before stages run again; 200 ms in Spark's source (R3.3)"),
    row!("faultline.executor.lossDetection", loss_detection, MILLIS, None, "How long the driver takes to notice that an executor died"),

    // Speculation.
    row!("spark.speculation", scheduler.speculation, SWITCH, Some("false"), "Whether one more copy of a slow task is run (R6.1)"),
    row!("spark.speculation.interval", scheduler.speculation_interval, INTERVAL, Some("100ms"), "How often slow tasks are looked for"),
    row!("spark.speculation.multiplier", scheduler.speculation_multiplier, Kind::Factor { least: 0.0, most: f64::MAX }, Some("1.5"), "How many times slower than the median a slow task is (R6.2)"),
    row!("spark.speculation.quantile", scheduler.speculation_quantile, Kind::Factor { least: 0.0, most: 1.0 }, Some("0.75"), "Share of a stage's tasks that must have succeeded before (R6.1)"),
    row!("spark.speculation.minTaskRuntime", scheduler.speculation_min_runtime, MILLIS, Some("100ms"), "No shorter task is slow (R6.2)"),
    row!("spark.speculation.task.duration.threshold", scheduler.speculation_threshold, OPTIONAL_MILLIS, Some("none"), "Past it a task is slow without any comparison, if all tasks of its stage fit on one executor (R6.3)"),

    // Exclusion after failures.
    row!("spark.excludeOnFailure.enabled", scheduler.exclude.enabled, SWITCH, Some("false"), "Whether executors get no more tasks after failures (R4.8)"),
    row!("spark.excludeOnFailure.timeout", scheduler.exclude.timeout, MILLIS, Some("1h"), "How long an executor is excluded from the application"),
    row!("spark.excludeOnFailure.task.maxTaskAttemptsPerExecutor", scheduler.exclude.task_attempts_per_executor, up_to(MANY), Some("1"), "Attempts of one task on one executor"),
    row!("spark.excludeOnFailure.task.maxTaskAttemptsPerNode", scheduler.exclude.task_attempts_per_host, up_to(MANY), Some("2"), "Attempts of one task on one host"),
    row!("spark.excludeOnFailure.stage.maxFailedTasksPerExecutor", scheduler.exclude.stage_tasks_per_executor, up_to(MANY), Some("2"), "Tasks of one stage that fail on an executor before the stage avoids it"),
    row!("spark.excludeOnFailure.stage.maxFailedExecutorsPerNode", scheduler.exclude.stage_executors_per_host, up_to(MANY), Some("2"), "Executors of a host that one stage avoids before it avoids the host"),
    row!("spark.excludeOnFailure.application.maxFailedTasksPerExecutor", scheduler.exclude.app_tasks_per_executor, up_to(MANY), Some("2"), "Tasks that fail on an executor before the application avoids it"),
    row!("spark.excludeOnFailure.application.maxFailedExecutorsPerNode", scheduler.exclude.app_executors_per_host, up_to(MANY), Some("2"), "Executors of a host that the application avoids before it avoids the host"),
    row!("spark.scheduler.excludeOnFailure.unschedulableTaskSetTimeout", scheduler.exclude.unschedulable_timeout, SECONDS, Some("120s"), "How long a task that no executor may run waits for a new executor"),

    // Storage and shuffle.
    row!("faultline.executor.storageMemory", memory, BYTES, None, "Memory for stored blocks of each executor"),
    row!("faultline.executor.shuffleMemory", shuffle_memory, BYTES, None, "Memory for map outputs of each executor, beyond which the oldest are spilled"),
    row!("spark.storage.replication.proactive", proactive_replication, SWITCH, Some("true"), "Whether a block that lost a replica is copied again (R8.14)"),
    row!("spark.memory.offHeap.size", storage.off_heap_memory, BYTES, Some("0"), "Memory outside of the heap for blocks of each executor; without it blocks of the level OFF_HEAP go to disk (R8.1)"),
    row!("spark.storage.unrollMemoryThreshold", storage.unroll_memory_threshold, BYTES, Some("1m"), "Bytes asked for when the unrolling of a partition begins (R8.4)"),
    row!("spark.storage.maxReplicationFailures", storage.max_replication_failures, Kind::Count { least: 0, most: MANY }, Some("1"), "Peers that may fail before no other is tried for a copy (R8.13)"),
    row!("spark.block.failures.beforeLocationRefresh", storage.failures_before_location_refresh, up_to(MANY), Some("5"), "Locations of a block that may fail before the list is asked for again (R8.15)"),
    row!("spark.storage.decommission.rddBlocks.enabled", storage.decommission_rdd_blocks, SWITCH, Some("true"), "Whether an executor that is decommissioned hands its blocks on"),
    row!("spark.storage.decommission.shuffleBlocks.enabled", storage.decommission_shuffle_blocks, SWITCH, Some("true"), "Whether an executor that is decommissioned hands its map outputs on"),

    // Checkpoints.
    row!("spark.checkpoint.dir", checkpoint_dir, Kind::OptionalText, Some("(none)"), "Directory for checkpoints, as setCheckpointDir would be given it (R9.2)"),
    row!("faultline.checkpoint.write", checkpoint_write, Kind::Word(CheckpointWriting::NAMES), None, "Whether a second job writes checkpoints, as in Spark, or the tasks that compute the partitions (R9.6)"),
    row!("spark.cleaner.referenceTracking.cleanCheckpoints", clean_checkpoints, SWITCH, Some("false"), "Whether the files of a checkpoint go with the RDD that they hold (R9.15)"),

    // Recovery of the driver.
    row!("faultline.recovery.onChange", on_change, Kind::Word(OnChange::WORDS), None, "What is done when a program was changed since its checkpoint: the start is refused, what fits is kept, the same with renamed operators and without dropping any saved data, or the checkpoint is not used"),
    row!("faultline.recovery.renamed", renamed, Kind::OptionalText, None, "Operators that have other names since their checkpoint, OLD=NEW with commas between them; read when faultline.recovery.onChange is migrate"),
    row!("faultline.supervise", supervise, SWITCH, None, "Whether a driver that crashed is started again, as with --supervise (R16)"),
    row!("faultline.clock.virtualStart", virtual_start, MILLIS, None, "How long after its epoch a virtual clock begins; a run that recovers finds that so much time has passed"),

    // Streaming.
    row!("faultline.streaming.maxBatches", max_batches, Kind::OptionalCount { least: 1, most: MANY }, None, "Stop after this many batches"),
    row!("spark.streaming.blockInterval", block_interval, INTERVAL, Some("200ms"), "How long a receiver gathers records into one block (R17.6)"),
    row!("spark.streaming.receiverRestartDelay", receiver_restart_delay, MILLIS, Some("2000"), "How long a receiver that stopped waits before it starts again (R17.4)"),
    row!("spark.streaming.blockQueueSize", block_queue_size, up_to(MANY), Some("10"), "Blocks of a receiver that may wait for the driver, then the receiver waits (R17.6)"),
    row!("spark.streaming.receiver.maxRate", receiver_max_rate, Kind::OptionalCount { least: 0, most: u64::MAX }, Some("unlimited"), "Records per second that a receiver may store one by one (R17.13)"),
    row!("spark.streaming.receiver.writeAheadLog.enable", receiver_log.enabled, SWITCH, Some("false"), "Whether what receivers store is logged in the checkpoint directory before it counts, so that it outlives the driver and its executors (R18.3)"),
    row!("spark.streaming.receiver.writeAheadLog.rollingIntervalSecs", receiver_log.blocks.roll_every, SECONDS, Some("60"), "Age at which a segment of such a log ends (R18.2)"),
    row!("spark.streaming.receiver.writeAheadLog.maxFailures", receiver_log.blocks.max_failures, up_to(MANY), Some("3"), "How often one write is tried, each time in another segment (R18.2)"),
    row!("spark.streaming.receiver.writeAheadLog.closeFileAfterWrite", receiver_log.blocks.close_after_write, SWITCH, Some("false"), "Whether every write has a segment of its own, for stores whose objects cannot grow (R18.2)"),
    row!("faultline.streaming.receiver.writeAheadLog.segmentSize", receiver_log.blocks.segment_bytes, BYTES, None, "Size at which a segment ends"),
    row!("spark.streaming.receiver.blockStoreTimeout", receiver_log.store_timeout, SECONDS, Some("30"), "How long storing and logging one block may take before it counts as failed (R18.3)"),
    row!("spark.streaming.driver.writeAheadLog.rollingIntervalSecs", receiver_log.metadata.roll_every, SECONDS, Some("60"), "The same of the driver's log, which says which batch was given which block"),
    row!("spark.streaming.driver.writeAheadLog.maxFailures", receiver_log.metadata.max_failures, up_to(MANY), Some("3"), "How often one write of that log is tried"),
    row!("spark.streaming.driver.writeAheadLog.closeFileAfterWrite", receiver_log.metadata.close_after_write, SWITCH, Some("false"), "Whether every write of that log has a segment of its own"),
    row!("faultline.streaming.driver.writeAheadLog.segmentSize", receiver_log.metadata.segment_bytes, BYTES, None, "Size at which a segment of that log ends"),
    row!("spark.streaming.driver.writeAheadLog.batchingTimeout", receiver_log.metadata_timeout, MILLIS, Some("5000"), "How long a block or a batch waits for that log before its write counts as failed (R18.8)"),
    row!("faultline.streaming.checkpointWriteTimeout", graph_write_timeout, MILLIS, None, "How long one attempt to write a graph checkpoint may take before it counts as failed (R15.3)"),
    row!("spark.streaming.backpressure.enabled", backpressure, SWITCH, Some("false"), "Whether the rate of receivers follows what batches can process (R17.14)"),
    row!("spark.streaming.backpressure.initialRate", backpressure_initial_rate, Kind::OptionalCount { least: 0, most: u64::MAX }, Some("not set"), "Rate of a receiver before the first estimate"),
    row!("spark.streaming.backpressure.pid.proportional", backpressure_pid.proportional, WEIGHT, Some("1.0"), "Weight of the difference between the last rate and that of a batch"),
    row!("spark.streaming.backpressure.pid.integral", backpressure_pid.integral, WEIGHT, Some("0.2"), "Weight of what waits already"),
    row!("spark.streaming.backpressure.pid.derived", backpressure_pid.derived, WEIGHT, Some("0.0"), "Weight of how fast the difference changes"),
    row!("spark.streaming.backpressure.pid.minRate", backpressure_pid.min_rate, Kind::Factor { least: 0.001, most: 1e12 }, Some("100"), "Least rate that back-pressure sets"),
    row!("spark.streaming.concurrentJobs", concurrent_jobs, up_to(256), Some("1"), "Output operations that run at once; more than 1 takes their order away (R11.6)"),
    row!("faultline.streaming.maxQueuedBatches", max_queued_batches, up_to(MANY), None, "Generated batches that may wait to run; further ones are generated when there is room"),
    row!("faultline.streaming.onBatchFailure", on_batch_failure, Kind::Word(BatchFailurePolicy::WORDS), None, "What a failed batch does to its stream; Spark's way is continue (R11.7)"),
    row!("faultline.streaming.batchMaxFailures", batch_max_failures, up_to(MANY), None, "Failures of one batch before retry gives up"),
    row!("spark.streaming.gracefulStopTimeout", graceful_stop_timeout, MILLIS, Some("ten batch intervals"), "How long a graceful stop waits for received blocks to get into batches; 0 is ten batch intervals (R22.1)"),
    row!("faultline.streaming.receiverStopTimeout", receiver_stop_timeout, MILLIS, None, "How long a graceful stop waits for receivers; Spark waits without a limit"),
    row!("faultline.streaming.stateTimeoutsAtCheckpoints", state_timeouts_at_checkpoints, SWITCH, None, "Whether keys of mapWithState time out at batches whose state is checkpointed only, as in Spark; else at most one batch late (R14.6)"),
    row!("spark.streaming.unpersist", streaming_unpersist, SWITCH, Some("true"), "Whether RDDs of batches that are no longer remembered, and what receivers stored for them, are removed (R12.7)"),
    row!("spark.streaming.fileStream.minRememberDuration", file_remember, SECONDS, Some("60s"), "How far back a stream of files looks (R19.2)"),
];
