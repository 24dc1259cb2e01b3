//! Stored blocks and storage levels.

use super::executors::BlockManagerId;
use super::{Mark, Plain};
use crate::event::{BlockRemoval, Event, Preview, StorageLevel};
use crate::eventlog::record::{Reading, SparkLine};
use crate::eventlog::spark::SparkLog;
use crate::ids::{BlockId, InputBlockId, PartitionId, RddId, StoredId, StreamId};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A storage level in Spark's spelling.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(in crate::eventlog) struct StorageLevelJson {
    #[serde(rename = "Use Disk")]
    use_disk: bool,
    #[serde(rename = "Use Memory")]
    use_memory: bool,
    #[serde(rename = "Use Off Heap", default)]
    use_off_heap: bool,
    #[serde(rename = "Deserialized", default)]
    deserialized: bool,
    #[serde(rename = "Replication")]
    replication: u8,
}

impl From<StorageLevel> for StorageLevelJson {
    fn from(level: StorageLevel) -> Self {
        let StorageLevel { use_disk, use_memory, use_off_heap, deserialized, replication } = level;
        Self { use_disk, use_memory, use_off_heap, deserialized, replication }
    }
}

impl From<StorageLevelJson> for StorageLevel {
    fn from(level: StorageLevelJson) -> Self {
        let StorageLevelJson { use_disk, use_memory, use_off_heap, deserialized, replication } = level;
        Self { use_disk, use_memory, use_off_heap, deserialized, replication }
    }
}

/// `SparkListenerBlockUpdated`
#[derive(Serialize, Deserialize)]
pub(in crate::eventlog) struct BlockUpdatedLine<'a> {
    #[serde(rename = "Block Updated Info", borrow)]
    pub info: BlockUpdatedInfo<'a>,
    #[serde(rename = "Faultline", default)]
    pub mark: Option<Mark<BlockExtra<'a>>>,
}

/// State of one block on one executor.
#[derive(Serialize, Deserialize)]
pub(in crate::eventlog) struct BlockUpdatedInfo<'a> {
    #[serde(rename = "Block Manager ID", borrow)]
    pub manager: BlockManagerId<'a>,
    #[serde(rename = "Block ID", borrow)]
    pub block: Cow<'a, str>,
    #[serde(rename = "Storage Level")]
    pub level: StorageLevelJson,
    #[serde(rename = "Memory Size")]
    pub memory_bytes: u64,
    #[serde(rename = "Disk Size")]
    pub disk_bytes: u64,
}

/// Why a block left and what it held.
#[derive(Serialize, Deserialize)]
pub(in crate::eventlog) struct BlockExtra<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removal: Option<BlockRemoval>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<Cow<'a, Preview>>,
}

impl SparkLine for BlockUpdatedLine<'_> {
    fn reading(self, spark: &mut SparkLog) -> Reading {
        let (stamp, extra) = Mark::split(self.mark);
        let BlockUpdatedInfo { manager, block, level, memory_bytes, disk_bytes } = self.info;
        let (removal, preview) = extra.map_or((None, None), |e| (e.removal, e.preview.map(Cow::into_owned)));
        let level = level.into();
        let event = stored_id(&block).zip(spark.executor(&manager.executor)).map(|(block, executor)| match block {
            StoredId::Rdd(block) => {
                Event::BlockUpdated { executor, block, level, memory_bytes, disk_bytes, removal, preview }
            }
            StoredId::Input(block) => {
                Event::InputBlockUpdated { executor, block, level, memory_bytes, disk_bytes, removal, preview }
            }
        });
        Reading { stamp, time_ms: None, added: Vec::new(), event }
    }
}

/// The partition named by `rdd_4_1`, or the block of a receiver named by `input-0-1700000000200`;
/// blocks of broadcasts are neither.
fn stored_id(name: &str) -> Option<StoredId> {
    if let Some(input) = name.strip_prefix("input-") {
        let (stream, number) = input.split_once('-')?;
        return Some(InputBlockId { stream: StreamId(stream.parse().ok()?), number: number.parse().ok()? }.into());
    }
    let (rdd, partition) = name.strip_prefix("rdd_")?.split_once('_')?;
    Some(BlockId::new(RddId(rdd.parse().ok()?), PartitionId(partition.parse().ok()?)).into())
}

/// `SparkListenerUnpersistRDD`
#[derive(Serialize, Deserialize)]
pub(in crate::eventlog) struct UnpersistRddLine {
    #[serde(rename = "RDD ID")]
    pub rdd: RddId,
    #[serde(rename = "Faultline", default)]
    pub mark: Option<Plain>,
}

impl SparkLine for UnpersistRddLine {
    fn reading(self, spark: &mut SparkLog) -> Reading {
        let (stamp, _) = Mark::split(self.mark);
        if stamp.is_none() {
            spark.unpersisted(self.rdd);
        }
        Reading::of(stamp, None, Event::UnpersistRdd { rdd: self.rdd })
    }
}
