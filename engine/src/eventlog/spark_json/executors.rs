//! Executors and their block managers.

use super::{Fixed, HOST, Mark, Plain};
use crate::event::Event;
use crate::eventlog::record::{Reading, SparkLine, Stamp};
use crate::eventlog::spark::SparkLog;
use crate::ids::ExecutorId;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Ports of block managers start here; the executor's id is added.
const FIRST_PORT: u32 = 40_000;
/// Keeps ports below 65 536, whatever the id.
const NUM_PORTS: u32 = 25_000;

/// `SparkListenerExecutorAdded`
#[derive(Serialize, Deserialize)]
pub(in crate::eventlog) struct ExecutorAddedLine<'a> {
    #[serde(rename = "Timestamp")]
    time_ms: u64,
    #[serde(rename = "Executor ID", borrow)]
    executor: Cow<'a, str>,
    #[serde(rename = "Executor Info", borrow)]
    info: ExecutorInfo<'a>,
    #[serde(rename = "Faultline", default)]
    mark: Option<Mark<Replaces>>,
}

#[derive(Serialize, Deserialize)]
struct ExecutorInfo<'a> {
    #[serde(rename = "Host", default, borrow)]
    host: Cow<'a, str>,
    #[serde(rename = "Total Cores")]
    cores: u32,
    #[serde(rename = "Log Urls", default)]
    log_urls: Fixed,
    #[serde(rename = "Attributes", default)]
    attributes: Fixed,
    #[serde(rename = "Resources", default)]
    resources: Fixed,
    #[serde(rename = "Resource Profile Id", default)]
    resource_profile: u32,
    #[serde(rename = "Registration Time", default)]
    registered_ms: u64,
}

/// The executor that a restarted one replaces.
#[derive(Serialize, Deserialize)]
pub(in crate::eventlog) struct Replaces {
    replaces: ExecutorId,
}

impl ExecutorAddedLine<'_> {
    /// An executor that registered at `time_ms`.
    pub fn new(executor: ExecutorId, cores: u32, replaces: Option<ExecutorId>, time_ms: u64, stamp: Stamp) -> Self {
        let info = ExecutorInfo {
            host: HOST.into(),
            cores,
            log_urls: Fixed::EmptyMap,
            attributes: Fixed::EmptyMap,
            resources: Fixed::EmptyMap,
            resource_profile: 0,
            registered_ms: time_ms,
        };
        let mark = match replaces {
            Some(replaces) => Mark::with(stamp, Replaces { replaces }),
            None => Mark::plain(stamp),
        };
        Self { time_ms, executor: executor.to_string().into(), info, mark }
    }
}

impl SparkLine for ExecutorAddedLine<'_> {
    fn reading(self, spark: &mut SparkLog) -> Reading {
        spark.executor_added(&self.executor);
        let (stamp, extra) = Mark::split(self.mark);
        let event = spark.executor(&self.executor).map(|executor| Event::ExecutorAdded {
            executor,
            cores: self.info.cores,
            replaces: extra.map(|extra| extra.replaces),
        });
        Reading { stamp, time_ms: Some(self.time_ms), added: Vec::new(), event }
    }
}

/// `SparkListenerExecutorRemoved`
#[derive(Serialize, Deserialize)]
pub(in crate::eventlog) struct ExecutorRemovedLine<'a> {
    #[serde(rename = "Timestamp")]
    pub time_ms: u64,
    #[serde(rename = "Executor ID", borrow)]
    pub executor: Cow<'a, str>,
    #[serde(rename = "Removed Reason", default, borrow)]
    pub reason: Cow<'a, str>,
    #[serde(rename = "Faultline", default)]
    pub mark: Option<Plain>,
}

impl SparkLine for ExecutorRemovedLine<'_> {
    fn reading(self, spark: &mut SparkLog) -> Reading {
        let (stamp, _) = Mark::split(self.mark);
        let reason = self.reason.into_owned();
        let event = spark.executor(&self.executor).map(|executor| Event::ExecutorRemoved { executor, reason });
        Reading { stamp, time_ms: Some(self.time_ms), added: Vec::new(), event }
    }
}

/// The address of a block manager.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::eventlog) struct BlockManagerId<'a> {
    #[serde(rename = "Executor ID", borrow)]
    pub executor: Cow<'a, str>,
    #[serde(rename = "Host", default, borrow)]
    pub host: Cow<'a, str>,
    #[serde(rename = "Port", default)]
    pub port: u32,
}

impl From<ExecutorId> for BlockManagerId<'_> {
    fn from(executor: ExecutorId) -> Self {
        let port = FIRST_PORT + executor.0 % NUM_PORTS;
        Self { executor: executor.to_string().into(), host: HOST.into(), port }
    }
}

/// `SparkListenerBlockManagerAdded`
#[derive(Serialize, Deserialize)]
pub(in crate::eventlog) struct BlockManagerAddedLine<'a> {
    #[serde(rename = "Block Manager ID", borrow)]
    pub id: BlockManagerId<'a>,
    #[serde(rename = "Maximum Memory")]
    pub max_memory: u64,
    #[serde(rename = "Timestamp", default)]
    pub time_ms: Option<u64>,
    #[serde(rename = "Maximum Onheap Memory", default)]
    pub max_on_heap: u64,
    #[serde(rename = "Maximum Offheap Memory", default)]
    pub max_off_heap: u64,
    #[serde(rename = "Faultline", default)]
    pub mark: Option<Plain>,
}

impl SparkLine for BlockManagerAddedLine<'_> {
    fn reading(self, spark: &mut SparkLog) -> Reading {
        let (stamp, _) = Mark::split(self.mark);
        let max_memory = self.max_memory;
        let event = spark.executor(&self.id.executor).map(|executor| Event::BlockManagerAdded { executor, max_memory });
        Reading { stamp, time_ms: self.time_ms, added: Vec::new(), event }
    }
}

/// `SparkListenerBlockManagerRemoved`
#[derive(Serialize, Deserialize)]
pub(in crate::eventlog) struct BlockManagerRemovedLine<'a> {
    #[serde(rename = "Block Manager ID", borrow)]
    pub id: BlockManagerId<'a>,
    #[serde(rename = "Timestamp", default)]
    pub time_ms: Option<u64>,
    #[serde(rename = "Faultline", default)]
    pub mark: Option<Plain>,
}

impl SparkLine for BlockManagerRemovedLine<'_> {
    fn reading(self, spark: &mut SparkLog) -> Reading {
        let (stamp, _) = Mark::split(self.mark);
        let event = spark.executor(&self.id.executor).map(|executor| Event::BlockManagerRemoved { executor });
        Reading { stamp, time_ms: self.time_ms, added: Vec::new(), event }
    }
}
