//! Limits of the storage of executors (R8).

/// How blocks are unrolled, copied, found elsewhere, and moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StorageSettings {
    /// `spark.memory.offHeap.size`: memory outside of the heap for blocks, per executor in bytes. 0 means
    /// that blocks of the level `OFF_HEAP` go to disk.
    pub off_heap_memory: u64,
    /// `spark.storage.unrollMemoryThreshold`: bytes asked for when the unrolling of a partition begins (R8.4).
    pub unroll_memory_threshold: u64,
    /// `spark.storage.maxReplicationFailures`: peers that may fail before no other is tried (R8.13).
    pub max_replication_failures: u32,
    /// `spark.block.failures.beforeLocationRefresh`: locations that may fail before the list is asked for
    /// again (R8.15).
    pub failures_before_location_refresh: u32,
    /// `spark.storage.decommission.rddBlocks.enabled`: whether an executor that is decommissioned hands its
    /// blocks on.
    pub decommission_rdd_blocks: bool,
    /// `spark.storage.decommission.shuffleBlocks.enabled`: whether it hands its map outputs on.
    pub decommission_shuffle_blocks: bool,
}

impl Default for StorageSettings {
    fn default() -> Self {
        Self {
            off_heap_memory: 0,
            unroll_memory_threshold: 1 << 20,
            max_replication_failures: 1,
            failures_before_location_refresh: 5,
            decommission_rdd_blocks: true,
            decommission_shuffle_blocks: true,
        }
    }
}
