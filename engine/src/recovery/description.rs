//! What a graph checkpoint holds (R15.1), without functions.

use crate::event::{InputPlan, OutputOpInfo, StreamInfo};
use crate::ids::*;
use crate::write_ahead::Contents;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Everything that a driver needs to go on where another one stood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamingCheckpoint {
    /// Name of the application.
    pub application: String,
    /// Id of the application that wrote it.
    pub application_id: String,
    /// Epoch of the driver that wrote it.
    pub epoch: u64,
    /// The batch time that it is about: Spark's checkpoint time C.
    pub time: Timestamp,
    /// Batch times are `zero + k × interval`.
    pub zero: Timestamp,
    /// Batch interval.
    pub interval: Millis,
    /// Streams and output operations.
    pub graph: GraphDescription,
    /// The settings in force, under Spark's keys where they exist.
    pub properties: BTreeMap<String, String>,
    /// Batches that were generated and have not completed without an error.
    pub pending: BTreeSet<BatchId>,
    /// Batches that were skipped because they failed, and whose received blocks are kept.
    #[serde(default)]
    pub skipped: BTreeSet<BatchId>,
    /// What each remembered batch reads.
    pub batches: BTreeMap<BatchId, BatchPlan>,
    /// Saved RDDs by stream and batch.
    pub saved: BTreeMap<StreamId, BTreeMap<BatchId, SavedRdd>>,
    /// Limits that back-pressure has set last, by the stream of the receiver: records per second (R17.14).
    #[serde(default)]
    pub rates: BTreeMap<StreamId, u64>,
    /// How far the log of received blocks was written: whoever goes on from here needs everything up to there.
    #[serde(default)]
    pub log: Option<LogPosition>,
    /// No RDD of the application has this number or a higher one.
    pub next_rdd: RddId,
}

/// A place in the log of received blocks, `receivedBlockMetadata`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPosition {
    /// The segment.
    pub segment: u64,
    /// The number of the last record that is durable, counted from 1 over all segments.
    pub record: u64,
}

impl LogPosition {
    /// Where a log ends that was read; `None` when it never had a record.
    pub fn end_of(contents: &Contents) -> Option<Self> {
        let record = contents.next.checked_sub(1).filter(|record| *record > 0)?;
        Some(Self { segment: contents.segments.last().copied().unwrap_or(0), record })
    }

    /// How many records are missing in a log that ends at `end`.
    pub fn missing(self, end: Option<Self>) -> u64 {
        self.record.saturating_sub(end.map_or(0, |end| end.record))
    }
}

impl fmt::Display for LogPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "record {} in segment {}", self.record, self.segment)
    }
}

impl StreamingCheckpoint {
    /// The batch of the checkpoint time.
    pub fn batch(&self) -> BatchId {
        let interval = self.interval.0.max(1) * 1_000_000;
        BatchId(u32::try_from(self.time.ns_since(self.zero) / interval).unwrap_or(u32::MAX))
    }

    /// Every saved RDD that it names.
    pub fn saved_rdds(&self) -> impl Iterator<Item = (StreamId, BatchId, SavedRdd)> + '_ {
        self.saved.iter().flat_map(|(stream, rdds)| rdds.iter().map(|(batch, rdd)| (*stream, *batch, rdd.clone())))
    }

    /// What a stream has saved is that of `stream` in the present program, by the operator's name; what belongs
    /// to a stream that is no longer there is left out.
    pub fn stream_now(&self, stream: StreamId, streams: &[StreamInfo]) -> Option<StreamId> {
        let before = self.graph.streams.iter().find(|info| info.id == stream)?;
        streams.iter().find(|info| info.operator == before.operator).map(|info| info.id)
    }
}

/// The template of a streaming program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphDescription {
    /// Streams, parents first.
    pub streams: Vec<StreamInfo>,
    /// Output operations in registration order.
    pub outputs: Vec<OutputOpInfo>,
    /// What input streams read, in words.
    #[serde(default)]
    pub inputs: BTreeMap<StreamId, String>,
}

impl GraphDescription {
    /// Streams that go on from their own earlier batches, and are saved now and then so that this has an end. One that
    /// no output reaches is never computed, and so never saved.
    pub fn saved_states(&self) -> impl Iterator<Item = StreamId> + '_ {
        let mut reached: BTreeSet<StreamId> = self.outputs.iter().map(|output| output.stream).collect();
        for stream in self.streams.iter().rev() {
            if reached.contains(&stream.id) {
                reached.extend(&stream.parents);
            }
        }
        let states = self.streams.iter().filter(|stream| stream.stateful && stream.checkpoint_interval.is_some());
        states.map(|stream| stream.id).filter(move |stream| reached.contains(stream))
    }

    /// How long the inputs of a batch are remembered: the longest remember duration of an input stream.
    pub fn input_remember(&self) -> Millis {
        let inputs = self.streams.iter().filter(|stream| stream.parents.is_empty());
        inputs.filter_map(|stream| stream.remember).max().unwrap_or_default()
    }
}

/// What a batch reads, by input stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchPlan {
    /// Input records, as far as they were known when it was generated.
    pub records: u64,
    /// Of each input stream that says so.
    pub inputs: BTreeMap<StreamId, InputPlan>,
}

/// A checkpointed RDD of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedRdd {
    /// The RDD, by the numbering of the application that wrote it.
    pub rdd: RddId,
    /// Its directory inside the reliable store.
    pub dir: String,
}
