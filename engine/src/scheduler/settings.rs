//! Limits and switches of scheduling, each under Spark's key.

use super::pools::{PoolSettings, SchedulingMode};
use crate::ids::Millis;
use std::collections::BTreeMap;

/// Limits and switches of scheduling. Defaults are those of Spark 3.5 unless a field says otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct SchedulerConfig {
    /// `faultline.executorsPerHost`: executors that share a host. 1 makes every executor a host of its own.
    pub executors_per_host: u32,
    /// `spark.locality.wait.process` (R7.2); `None` takes `spark.locality.wait`.
    pub locality_wait_process: Option<Millis>,
    /// `spark.locality.wait.node` (R7.2); `None` takes `spark.locality.wait`.
    pub locality_wait_node: Option<Millis>,
    /// `spark.locality.wait.legacyResetOnTaskLaunch`: every launch resets the locality timer (R7.3).
    pub legacy_locality_reset: bool,
    /// `spark.shuffle.reduceLocality.enabled`: reduce tasks prefer hosts that hold a fifth of their input
    /// (R2.14).
    pub reduce_locality: bool,
    /// `faultline.scheduler.shuffleOffers`: executors are offered tasks in an order drawn for each offer
    /// (R7.5), as Spark always does. Off, they are offered by id.
    pub shuffle_offers: bool,
    /// `spark.scheduler.mode` (R7.5).
    pub mode: SchedulingMode,
    /// `faultline.scheduler.pool.NAME`: what is due to pools; others are as [`PoolSettings::default`] says.
    pub pools: BTreeMap<String, PoolSettings>,
    /// `spark.driver.maxResultSize`: what the tasks of a stage may return, in bytes (R4.4); 0 is no limit.
    pub max_result_size: u64,
    /// `spark.speculation` (R6.1).
    pub speculation: bool,
    /// `spark.speculation.interval`: how often slow tasks are looked for.
    pub speculation_interval: Millis,
    /// `spark.speculation.quantile`: the share of a stage's tasks that must have succeeded before.
    pub speculation_quantile: f64,
    /// `spark.speculation.multiplier`: how many times slower than the median a task is speculatable.
    pub speculation_multiplier: f64,
    /// `spark.speculation.minTaskRuntime`: no shorter task is speculatable.
    pub speculation_min_runtime: Millis,
    /// `spark.speculation.task.duration.threshold`: past it, tasks of sets that fit on one executor are
    /// speculatable without any success (R6.3).
    pub speculation_threshold: Option<Millis>,
    /// `spark.stage.maxAttempts`: attempts of a stage, whatever ended them (R3.7); `None` is no limit. As
    /// in Spark, never less than `spark.stage.maxConsecutiveAttempts`.
    pub stage_max_attempts: Option<u32>,
    /// `spark.shuffle.service.enabled`: map outputs outlive their executor (R5.2).
    pub shuffle_service: bool,
    /// `spark.files.fetchFailure.unRegisterOutputOnHost`: with the shuffle service, a failed fetch
    /// unregisters the outputs of the whole host (R3.4).
    pub unregister_output_on_host: bool,
    /// `faultline.executor.detectByHeartbeat`: a dead executor's connection does not break, so that the
    /// driver notices by missing heartbeats only (R5.1), as when a machine hangs.
    pub detect_by_heartbeat: bool,
    /// `spark.executor.heartbeatInterval` (R5.1).
    pub heartbeat_interval: Millis,
    /// `spark.network.timeout`: an executor that was silent for so long is lost (R5.1).
    pub network_timeout: Millis,
    /// `spark.deploy.maxExecutorRetries`: how many executors that a task brought down are started again.
    pub max_executor_retries: u32,
    /// `spark.excludeOnFailure.*` (R4.8).
    pub exclude: ExcludeConfig,
}

/// `spark.excludeOnFailure.*`: executors and hosts that get no more tasks after failures (R4.8).
#[derive(Clone, Debug, PartialEq)]
pub struct ExcludeConfig {
    /// `spark.excludeOnFailure.enabled`.
    pub enabled: bool,
    /// `spark.excludeOnFailure.timeout`: how long an exclusion from the application lasts.
    pub timeout: Millis,
    /// `spark.excludeOnFailure.task.maxTaskAttemptsPerExecutor`.
    pub task_attempts_per_executor: u32,
    /// `spark.excludeOnFailure.task.maxTaskAttemptsPerNode`.
    pub task_attempts_per_host: u32,
    /// `spark.excludeOnFailure.stage.maxFailedTasksPerExecutor`.
    pub stage_tasks_per_executor: u32,
    /// `spark.excludeOnFailure.stage.maxFailedExecutorsPerNode`.
    pub stage_executors_per_host: u32,
    /// `spark.excludeOnFailure.application.maxFailedTasksPerExecutor`.
    pub app_tasks_per_executor: u32,
    /// `spark.excludeOnFailure.application.maxFailedExecutorsPerNode`.
    pub app_executors_per_host: u32,
    /// `spark.scheduler.excludeOnFailure.unschedulableTaskSetTimeout`: how long a task that no executor may
    /// run waits for a new one, if an executor is idle.
    pub unschedulable_timeout: Millis,
}

impl Default for SchedulerConfig {
    fn default() -> Self {
        Self {
            executors_per_host: 1,
            locality_wait_process: None,
            locality_wait_node: None,
            legacy_locality_reset: false,
            reduce_locality: true,
            shuffle_offers: false,
            mode: SchedulingMode::Fifo,
            pools: BTreeMap::new(),
            max_result_size: 1 << 30,
            speculation: false,
            speculation_interval: Millis(100),
            speculation_quantile: 0.75,
            speculation_multiplier: 1.5,
            speculation_min_runtime: Millis(100),
            speculation_threshold: None,
            stage_max_attempts: None,
            shuffle_service: false,
            unregister_output_on_host: false,
            detect_by_heartbeat: false,
            heartbeat_interval: Millis(10_000),
            network_timeout: Millis(120_000),
            max_executor_retries: 10,
            exclude: ExcludeConfig::default(),
        }
    }
}

impl Default for ExcludeConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            timeout: Millis(3_600_000),
            task_attempts_per_executor: 1,
            task_attempts_per_host: 2,
            stage_tasks_per_executor: 2,
            stage_executors_per_host: 2,
            app_tasks_per_executor: 2,
            app_executors_per_host: 2,
            unschedulable_timeout: Millis(120_000),
        }
    }
}
