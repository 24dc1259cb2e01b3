//! Random settings: what may change when and where work runs, and must not change what it gives.

use crate::plans;
use faultline_engine::config::{BatchFailurePolicy, CheckpointWriting, EngineConfig, SchedulerConfig};
use faultline_engine::ids::*;

/// Settings of a seed for `batches` batches on `executors` executors, without faults.
pub fn of(seed: u64, batches: u32, executors: u32) -> EngineConfig {
    let mut rng = plans::rng(seed, "settings");
    let mut rarely = |one_in: u64| rng.below(one_in) == 0;
    let base = crate::settings(batches, &[]);
    let scheduler = SchedulerConfig {
        speculation: rarely(3),
        speculation_interval: Millis(2),
        speculation_min_runtime: Millis(1),
        speculation_quantile: if rarely(2) { 0.25 } else { 0.75 },
        shuffle_service: rarely(4),
        unregister_output_on_host: rarely(2),
        executors_per_host: if rarely(4) { 2 } else { 1 },
        reduce_locality: rarely(3),
        shuffle_offers: rarely(2),
        legacy_locality_reset: rarely(4),
        detect_by_heartbeat: rarely(4),
        ..base.scheduler
    };
    let mut config = EngineConfig {
        seed,
        executors,
        scheduler,
        proactive_replication: !rarely(3),
        checkpoint_write: if rarely(3) { CheckpointWriting::Tee } else { CheckpointWriting::SecondJob },
        clean_checkpoints: rarely(4),
        chunk_len: if rarely(3) { 2 } else { 1024 },
        shuffle_memory: if rarely(4) { 300 } else { 256 << 20 },
        locality_wait: if rarely(3) { Millis(0) } else { base.locality_wait },
        // A store that fails must not end a stream: a batch whose plan cannot be written runs all the same.
        on_batch_failure: BatchFailurePolicy::Continue,
        // More than the faults of a plan can make one task or one stage fail.
        task_max_failures: 32,
        stage_max_consecutive_attempts: 32,
        ..base
    };
    config.storage.off_heap_memory = if rarely(3) { 2000 } else { 0 };
    config.storage.decommission_rdd_blocks = !rarely(4);
    config.storage.decommission_shuffle_blocks = !rarely(4);
    config.storage.unroll_memory_threshold = if rarely(3) { 64 } else { 1 << 20 };
    config.cores = 1 + rng.below(3) as u32;
    config.concurrent_jobs = 1 + u32::from(rng.below(4) == 0);
    config.partitions = 1 + rng.below(6) as u32;
    config.memory = [200, 1500, 20_000, 64 << 20][rng.below(4) as usize];
    config
}
