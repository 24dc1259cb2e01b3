//! RDDs as stages list them, and the scopes inside, which are JSON in a string.

use super::blocks::StorageLevelJson;
use crate::event::{Determinism, RddInfo, StorageLevel};
use crate::ids::RddId;
use serde::{Deserialize, Serialize};

/// `RDD Info`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::eventlog) struct RddInfoJson {
    #[serde(rename = "RDD ID")]
    pub id: RddId,
    #[serde(rename = "Name", default)]
    pub name: String,
    #[serde(rename = "Scope", default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    #[serde(rename = "Callsite", default)]
    pub callsite: String,
    #[serde(rename = "Parent IDs", default)]
    pub parents: Vec<RddId>,
    #[serde(rename = "Storage Level")]
    pub level: StorageLevelJson,
    #[serde(rename = "Barrier", default)]
    pub barrier: bool,
    #[serde(rename = "DeterministicLevel", default)]
    pub determinism: String,
    #[serde(rename = "Number of Partitions")]
    pub num_partitions: u32,
    /// Zero, as in Spark's logs: infos are made before anything is stored.
    #[serde(rename = "Number of Cached Partitions", default)]
    pub num_cached: u32,
    #[serde(rename = "Memory Size", default)]
    pub memory_bytes: u64,
    #[serde(rename = "Disk Size", default)]
    pub disk_bytes: u64,
}

impl RddInfoJson {
    /// An announced RDD, within a scope made by the writer.
    pub fn new(info: &RddInfo, scope: &Scope) -> Self {
        Self {
            id: info.id,
            name: info.display_name().to_owned(),
            scope: serde_json::to_string(scope).ok(),
            callsite: info.callsite.clone(),
            parents: info.parents.iter().map(|p| p.rdd).collect(),
            level: info.level.into(),
            barrier: false,
            determinism: determinism_text(info.determinism).to_owned(),
            num_partitions: info.num_partitions,
            num_cached: 0,
            memory_bytes: 0,
            disk_bytes: 0,
        }
    }

    /// What can be said of an RDD that was never announced.
    pub fn unannounced(id: RddId) -> Self {
        Self {
            id,
            name: "RDD".to_owned(),
            scope: None,
            callsite: String::new(),
            parents: Vec::new(),
            level: StorageLevel::NONE.into(),
            barrier: false,
            determinism: determinism_text(Determinism::Determinate).to_owned(),
            num_partitions: 0,
            num_cached: 0,
            memory_bytes: 0,
            disk_bytes: 0,
        }
    }

    /// Spark before 2.4 does not tell; most RDDs are determinate.
    pub fn determinism(&self) -> Determinism {
        match self.determinism.as_str() {
            "UNORDERED" => Determinism::Unordered,
            "INDETERMINATE" => Determinism::Indeterminate,
            _ => Determinism::Determinate,
        }
    }
}

const fn determinism_text(determinism: Determinism) -> &'static str {
    match determinism {
        Determinism::Determinate => "DETERMINATE",
        Determinism::Unordered => "UNORDERED",
        Determinism::Indeterminate => "INDETERMINATE",
    }
}

/// `RDDOperationScope`: the operator call that made an RDD, and the one around it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::eventlog) struct Scope {
    pub id: String,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Box<Scope>>,
}

/// Time of day in UTC as Spark's pages show batch times: with milliseconds when batches are shorter
/// than a second.
pub(in crate::eventlog) fn batch_time_text(time_ms: u64, interval_ms: u64) -> String {
    let seconds = time_ms / 1_000;
    let (h, m, s) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    if interval_ms < 1_000 {
        format!("{h:02}:{m:02}:{s:02}.{:03}", time_ms % 1_000)
    } else {
        format!("{h:02}:{m:02}:{s:02}")
    }
}
