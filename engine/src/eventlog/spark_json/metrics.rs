//! `Task Metrics` and `Task Executor Metrics`, with zeros where a process of ours has no such thing.

use super::Fixed;
use crate::event::{DurationSource, OutputMetrics, ReadTier, ShuffleMetrics, TaskMetrics};
use serde::{Deserialize, Serialize};

/// Peaks of an executor's memory pools and collectors: executors are threads, so there are none.
pub(in crate::eventlog) const EXECUTOR_METRICS: Fixed = Fixed::Zeros(&[
    "JVMHeapMemory",
    "JVMOffHeapMemory",
    "OnHeapExecutionMemory",
    "OffHeapExecutionMemory",
    "OnHeapStorageMemory",
    "OffHeapStorageMemory",
    "OnHeapUnifiedMemory",
    "OffHeapUnifiedMemory",
    "DirectPoolMemory",
    "MappedPoolMemory",
    "ProcessTreeJVMVMemory",
    "ProcessTreeJVMRSSMemory",
    "ProcessTreePythonVMemory",
    "ProcessTreePythonRSSMemory",
    "ProcessTreeOtherVMemory",
    "ProcessTreeOtherRSSMemory",
    "MinorGCCount",
    "MinorGCTime",
    "MajorGCCount",
    "MajorGCTime",
    "TotalGCTime",
]);

const PUSH_BASED: Fixed = Fixed::Zeros(&[
    "Corrupt Merged Block Chunks",
    "Merged Fetch Fallback Count",
    "Merged Remote Blocks Fetched",
    "Merged Local Blocks Fetched",
    "Merged Remote Chunks Fetched",
    "Merged Local Chunks Fetched",
    "Merged Remote Bytes Read",
    "Merged Local Bytes Read",
    "Merged Remote Requests Duration",
]);

/// `Task Metrics`
#[derive(Serialize, Deserialize)]
pub(in crate::eventlog) struct TaskMetricsJson {
    #[serde(rename = "Executor Deserialize Time", default)]
    deserialize_ms: u64,
    #[serde(rename = "Executor Deserialize CPU Time", default)]
    deserialize_cpu_ns: u64,
    #[serde(rename = "Executor Run Time", default)]
    run_ms: u64,
    #[serde(rename = "Executor CPU Time", default)]
    cpu_ns: u64,
    #[serde(rename = "Peak Execution Memory", default)]
    peak_memory: u64,
    #[serde(rename = "Result Size", default)]
    result_bytes: u64,
    #[serde(rename = "JVM GC Time", default)]
    gc_ms: u64,
    #[serde(rename = "Result Serialization Time", default)]
    result_serialization_ms: u64,
    #[serde(rename = "Memory Bytes Spilled", default)]
    memory_spilled: u64,
    #[serde(rename = "Disk Bytes Spilled", default)]
    disk_spilled: u64,
    #[serde(rename = "Shuffle Read Metrics", default)]
    shuffle_read: ShuffleReadJson,
    #[serde(rename = "Shuffle Write Metrics", default)]
    shuffle_write: ShuffleWriteJson,
    #[serde(rename = "Input Metrics", default)]
    input: InputJson,
    #[serde(rename = "Output Metrics", default)]
    output: OutputJson,
    #[serde(rename = "Updated Blocks", default)]
    updated_blocks: Fixed,
}

#[derive(Default, Serialize, Deserialize)]
struct ShuffleReadJson {
    #[serde(rename = "Remote Blocks Fetched", default)]
    remote_blocks: u64,
    #[serde(rename = "Local Blocks Fetched", default)]
    local_blocks: u64,
    #[serde(rename = "Fetch Wait Time", default)]
    wait_ms: u64,
    #[serde(rename = "Remote Bytes Read", default)]
    remote_bytes: u64,
    #[serde(rename = "Remote Bytes Read To Disk", default)]
    remote_bytes_to_disk: u64,
    #[serde(rename = "Local Bytes Read", default)]
    local_bytes: u64,
    #[serde(rename = "Total Records Read", default)]
    records: u64,
    #[serde(rename = "Remote Requests Duration", default)]
    remote_ms: u64,
    #[serde(rename = "Push Based Shuffle", default)]
    push_based: Fixed,
}

#[derive(Default, Serialize, Deserialize)]
struct ShuffleWriteJson {
    #[serde(rename = "Shuffle Bytes Written", default)]
    bytes: u64,
    #[serde(rename = "Shuffle Write Time", default)]
    ns: u64,
    #[serde(rename = "Shuffle Records Written", default)]
    records: u64,
}

#[derive(Default, Serialize, Deserialize)]
struct InputJson {
    #[serde(rename = "Bytes Read", default)]
    bytes: u64,
    #[serde(rename = "Records Read", default)]
    records: u64,
}

#[derive(Default, Serialize, Deserialize)]
struct OutputJson {
    #[serde(rename = "Bytes Written", default)]
    bytes: u64,
    #[serde(rename = "Records Written", default)]
    records: u64,
}

impl From<&TaskMetrics> for TaskMetricsJson {
    fn from(metrics: &TaskMetrics) -> Self {
        Self {
            deserialize_ms: 0,
            deserialize_cpu_ns: 0,
            run_ms: metrics.run_ns / 1_000_000,
            cpu_ns: metrics.run_ns,
            peak_memory: 0,
            result_bytes: metrics.result_bytes,
            gc_ms: 0,
            result_serialization_ms: 0,
            memory_spilled: 0,
            disk_spilled: 0,
            shuffle_read: metrics.shuffle_read.into(),
            shuffle_write: ShuffleWriteJson {
                bytes: metrics.shuffle_write.bytes,
                ns: if metrics.shuffle_write.blocks > 0 { metrics.write_ns } else { 0 },
                records: metrics.shuffle_write.records,
            },
            input: input(metrics),
            output: OutputJson {
                bytes: metrics.checkpoint_bytes_written.saturating_add(metrics.output.bytes),
                records: metrics.output.records,
            },
            updated_blocks: Fixed::EmptyList,
        }
    }
}

/// Spark counts what a task reads from its sources and from stored blocks as input.
fn input(metrics: &TaskMetrics) -> InputJson {
    let mut input = InputJson { bytes: 0, records: metrics.source_records };
    for row in &metrics.reads {
        if matches!(row.tier, ReadTier::LocalMemory | ReadTier::LocalDisk | ReadTier::Remote { .. }) {
            input.bytes = input.bytes.saturating_add(row.bytes);
            input.records = input.records.saturating_add(row.records);
        }
    }
    input
}

impl From<ShuffleMetrics> for ShuffleReadJson {
    /// Spark tells remote bytes from local ones; we know only the blocks, so bytes are in proportion.
    fn from(read: ShuffleMetrics) -> Self {
        let remote_blocks = read.remote_blocks.min(read.blocks);
        let remote = u128::from(read.bytes) * u128::from(remote_blocks) / u128::from(read.blocks.max(1));
        let remote_bytes = u64::try_from(remote).unwrap_or(read.bytes);
        Self {
            remote_blocks,
            local_blocks: read.blocks - remote_blocks,
            wait_ms: 0,
            remote_bytes,
            remote_bytes_to_disk: 0,
            local_bytes: read.bytes - remote_bytes,
            records: read.records,
            remote_ms: 0,
            push_based: PUSH_BASED,
        }
    }
}

impl From<TaskMetricsJson> for TaskMetrics {
    fn from(json: TaskMetricsJson) -> Self {
        let (read, write) = (json.shuffle_read, json.shuffle_write);
        Self {
            run_ns: json.run_ms.saturating_mul(1_000_000),
            duration_source: DurationSource::Measured,
            shuffle_read: ShuffleMetrics {
                bytes: read.remote_bytes.saturating_add(read.local_bytes),
                records: read.records,
                blocks: read.remote_blocks.saturating_add(read.local_blocks),
                remote_blocks: read.remote_blocks,
            },
            shuffle_write: ShuffleMetrics { bytes: write.bytes, records: write.records, blocks: 0, remote_blocks: 0 },
            source_records: json.input.records,
            checkpoint_bytes_read: 0,
            checkpoint_bytes_written: 0,
            reads: Vec::new(),
            write_ns: write.ns,
            output: OutputMetrics { bytes: json.output.bytes, records: json.output.records },
            accumulables: Vec::new(),
            result_bytes: json.result_bytes,
            rerun_cause: None,
        }
    }
}
