//! What a directory of graph checkpoints holds, for whoever looks: which file a driver would go on from, what it
//! would take from it, what it would ask the new process for, and what it would not use (R15.6, R15.7, R15.9).
//!
//! Reads, and changes nothing.

use super::description::{LogPosition, StreamingCheckpoint};
use super::epoch::epochs;
use super::files::{DamagedFile, list, read_newest};
use super::format::decode;
use super::names::{CheckpointName, prefix};
use super::settings::{SettingFate, fate_of};
use crate::checkpoint::format::{one_by_one, verify};
use crate::ids::*;
use crate::object_store::{ObjectStore, StoreError};
use crate::write_ahead::read_all;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// A directory of graph checkpoints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// Its name inside the store; empty for the store itself.
    pub dir: String,
    /// Epochs of the drivers that took it, oldest first; the last one drives.
    pub epochs: Vec<u64>,
    /// Its graph checkpoints, newest first.
    pub files: Vec<InspectedFile>,
    /// The key of the one that a driver goes on from (R15.7).
    pub used: Option<String>,
    /// What it would take from there.
    pub restored: Option<Restored>,
    /// Its write-ahead logs.
    pub logs: Vec<InspectedLog>,
    /// Directories of saved RDDs that no file names any more.
    pub unnamed: Vec<String>,
}

/// A graph checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InspectedFile {
    /// Its key.
    pub key: String,
    /// Its length.
    pub bytes: u64,
    /// Epoch of its writer, when it can be read.
    pub epoch: Option<u64>,
    /// Its batch, when it can be read.
    pub batch: Option<BatchId>,
    /// Why it cannot be used.
    pub damage: Option<String>,
}

/// What a driver takes from a graph checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// Name of the application.
    pub application: String,
    /// The id of the application that wrote it.
    pub application_id: String,
    /// Batch times are `zero + k × interval`.
    pub zero: Timestamp,
    /// The batch interval.
    pub interval: Millis,
    /// The batch of the checkpoint: it and everything after it is generated (R15.11).
    pub batch: BatchId,
    /// Batches before it that run again.
    pub pending: Vec<BatchId>,
    /// Operators of the streams, parents first, with their class.
    pub streams: Vec<(String, String)>,
    /// Batches that were skipped, and whose received blocks are kept.
    pub skipped: Vec<BatchId>,
    /// How far the log of received blocks was written then, and what it lacks of that now.
    pub log: Option<InspectedPosition>,
    /// Output operations with the operator that they are of.
    pub outputs: Vec<(String, String)>,
    /// What the batches read that it remembers.
    pub plans: Vec<InspectedPlan>,
    /// Saved RDDs.
    pub saved: Vec<InspectedRdd>,
    /// Settings, by what becomes of them.
    pub settings: BTreeMap<SettingFate, BTreeMap<String, String>>,
}

/// The place in the log of received blocks that a graph checkpoint names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct InspectedPosition {
    /// The segment.
    pub segment: u64,
    /// The number of the last record.
    pub record: u64,
    /// Records up to there that the log does not have; `None` when it cannot be read.
    pub missing: Option<u64>,
}

/// What a batch reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InspectedPlan {
    /// The batch.
    pub batch: BatchId,
    /// Records, as far as they were known.
    pub records: u64,
    /// What each input stream gives it, in words.
    pub inputs: Vec<String>,
}

/// A saved RDD.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InspectedRdd {
    /// The operator of its stream.
    pub operator: String,
    /// Its batch.
    pub batch: BatchId,
    /// Its directory.
    pub dir: String,
    /// Partitions, when every part is there and sound.
    pub partitions: Option<usize>,
    /// Bytes of its parts.
    pub bytes: u64,
    /// What is wrong with it.
    pub damage: Option<String>,
}

/// A write-ahead log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InspectedLog {
    /// Its key.
    pub log: String,
    /// Segments.
    pub segments: usize,
    /// Sound records.
    pub records: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Places that hold no record, in words.
    pub damage: Vec<String>,
}

/// The directories of a store that hold graph checkpoints or were driven.
///
/// # Errors
/// When the store cannot be listed.
pub fn directories(store: &dyn ObjectStore) -> Result<Vec<String>, StoreError> {
    let mut found = BTreeSet::new();
    for key in store.list("")? {
        let dir = key.rsplit_once('/').map_or("", |(dir, _)| dir);
        if CheckpointName::of(dir, &key).is_some() {
            found.insert(dir.to_owned());
        }
    }
    Ok(found.into_iter().collect())
}

/// Reads a directory whole: every graph checkpoint, every saved RDD that the newest one names, every log.
///
/// # Errors
/// When the store cannot be listed; what cannot be read of it is told in the result.
pub fn inspect(store: &dyn ObjectStore, dir: &str) -> Result<Inspection, StoreError> {
    let mut files = Vec::new();
    for name in list(store, dir)?.iter().rev() {
        let key = name.key(dir);
        let read = store.get(&key).map_err(|error| error.to_string());
        let bytes = read.as_ref().map_or(0, |bytes| bytes.len() as u64);
        let found = read.and_then(|bytes| decode(&bytes));
        files.push(InspectedFile {
            key,
            bytes,
            epoch: found.as_ref().ok().map(|found| found.epoch),
            batch: found.as_ref().ok().map(StreamingCheckpoint::batch),
            damage: found.err(),
        });
    }
    // The same question that a driver asks. When nothing can be used, each file says why.
    let newest = read_newest(store, dir).ok().flatten();
    let named: BTreeSet<String> = newest
        .iter()
        .flat_map(|newest| newest.named.values().flatten())
        .map(|(_, _, saved)| saved.dir.clone())
        .collect();
    let (used, restored) = match newest {
        Some(newest) => (Some(newest.key), Some(restored(store, dir, &newest.checkpoint))),
        None => (None, None),
    };
    let keys = store.list(&prefix(dir))?;
    let saved = |key: &String| Some(key.split_once("/_manifest")?.0.to_owned());
    let unnamed = keys.iter().filter_map(saved).filter(|dir| !named.contains(dir)).collect();
    Ok(Inspection {
        dir: dir.to_owned(),
        epochs: epochs(store, dir)?,
        files,
        used,
        restored,
        logs: logs(store, &keys),
        unnamed,
    })
}

fn restored(store: &dyn ObjectStore, dir: &str, checkpoint: &StreamingCheckpoint) -> Restored {
    let graph = &checkpoint.graph;
    let operator = |id: StreamId| {
        let stream = graph.streams.iter().find(|stream| stream.id == id);
        stream.map_or_else(|| format!("stream {id}"), |stream| stream.operator.to_string())
    };
    let mut settings: BTreeMap<SettingFate, BTreeMap<String, String>> = BTreeMap::new();
    for (key, value) in &checkpoint.properties {
        settings.entry(fate_of(key)).or_default().insert(key.clone(), value.clone());
    }
    let plan = |(batch, plan): (&BatchId, &super::BatchPlan)| InspectedPlan {
        batch: *batch,
        records: plan.records,
        inputs: plan.inputs.iter().map(|(stream, input)| format!("{}: {input}", operator(*stream))).collect(),
    };
    let saved = |(stream, batch, saved): (StreamId, BatchId, super::SavedRdd)| {
        let (partitions, bytes, damage) = match verify(store, &saved.dir, one_by_one) {
            Ok(manifest) => {
                let bytes = manifest.partitions.iter().map(|part| part.bytes).sum();
                (Some(manifest.partitions.len()), bytes, None)
            }
            Err(error) => (None, 0, Some(error.to_string())),
        };
        InspectedRdd { operator: operator(stream), batch, dir: saved.dir, partitions, bytes, damage }
    };
    let reached = |position: LogPosition| {
        let contents = read_all(store, &format!("{}receivedBlockMetadata", prefix(dir)));
        let missing = contents.ok().map(|contents| position.missing(LogPosition::end_of(&contents)));
        InspectedPosition { segment: position.segment, record: position.record, missing }
    };
    Restored {
        application: checkpoint.application.clone(),
        application_id: checkpoint.application_id.clone(),
        zero: checkpoint.zero,
        interval: checkpoint.interval,
        batch: checkpoint.batch(),
        pending: checkpoint.pending.iter().copied().filter(|batch| *batch < checkpoint.batch()).collect(),
        skipped: checkpoint.skipped.iter().copied().collect(),
        log: checkpoint.log.map(reached),
        streams: graph.streams.iter().map(|s| (s.operator.to_string(), s.class.to_string())).collect(),
        outputs: graph.outputs.iter().map(|o| (o.name.to_string(), operator(o.stream))).collect(),
        plans: checkpoint.batches.iter().map(plan).collect(),
        saved: checkpoint.saved_rdds().map(saved).collect(),
        settings,
    }
}

/// The logs below a directory, by the names of their segments.
fn logs(store: &dyn ObjectStore, keys: &[String]) -> Vec<InspectedLog> {
    let log = |key: &String| Some(key.rsplit_once("/log-")?.0.to_owned());
    let names: BTreeSet<String> = keys.iter().filter_map(log).collect();
    let look = |log: String| match read_all(store, &log) {
        Ok(contents) => InspectedLog {
            segments: contents.segments.len(),
            records: contents.records.len(),
            bytes: contents.records.iter().map(|record| record.bytes.len() as u64).sum(),
            damage: contents.damage.iter().map(ToString::to_string).collect(),
            log,
        },
        Err(error) => InspectedLog { log, segments: 0, records: 0, bytes: 0, damage: vec![error.to_string()] },
    };
    names.into_iter().map(look).collect()
}

impl Inspection {
    /// Files that a driver would pass over, newest first.
    pub fn damaged(&self) -> impl Iterator<Item = DamagedFile> + '_ {
        let damage =
            |file: &InspectedFile| file.damage.clone().map(|reason| DamagedFile { key: file.key.clone(), reason });
        self.files.iter().filter_map(damage)
    }
}
