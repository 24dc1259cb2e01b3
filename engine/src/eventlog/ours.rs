//! Our own kinds: the event's name behind `Faultline`, then its fields as they are.

use super::record::{Reading, Stamp};
use super::spark_json::Plain;
use crate::event::Event;
use serde::Deserialize;
use std::io;

const PREFIX: &str = "Faultline";

/// Names of the kinds written here; another name after the prefix is of a newer version.
const KINDS: [&str; 50] = [
    "DriverLost",
    "DriverRestartScheduled",
    "DriverStarted",
    "DecommissionStarted",
    "BlocksMigrated",
    "MapOutputsMigrated",
    "ReceiverStarted",
    "ReceiverError",
    "ReceiverStopped",
    "ReceivedBlockAdded",
    "ReceivedBlocksRecovered",
    "ReceivedBlocksLost",
    "ReceivedBlockRefused",
    "ReceivedRecordsLost",
    "ReceivedLogUpdated",
    "ReceiverRateUpdated",
    "StreamingStopping",
    "StreamingStopped",
    "StreamingStarted",
    "BatchSubmitted",
    "BatchStarted",
    "BatchCompleted",
    "OutputOperationStarted",
    "OutputOperationCompleted",
    "DriverEpochTaken",
    "StreamingRecovered",
    "GraphCheckpointWritten",
    "GraphCheckpointFailed",
    "StreamGraphDefined",
    "RddRegistered",
    "PersistChanged",
    "CheckpointMarked",
    "CheckpointStarted",
    "CheckpointCompleted",
    "CheckpointFailed",
    "CheckpointDeleted",
    "MapOutputsLost",
    "ShuffleRemoved",
    "RddReleased",
    "OutputPrinted",
    "OutputDigest",
    "OutputCommitted",
    "FaultInjected",
    "CommandApplied",
    "CommandRejected",
    "FindingReported",
    "SpeculativeTaskSubmitted",
    "ExecutorExcluded",
    "ExecutorUnexcluded",
    "Unknown",
];

/// Appends the line of an event whose variant has fields.
pub(super) fn put(out: &mut Vec<u8>, event: &Event, stamp: Stamp) -> io::Result<()> {
    // `{"CheckpointMarked":{"rdd":4}}` becomes `{"Event":"FaultlineCheckpointMarked","rdd":4,…}`.
    let json = serde_json::to_string(event)?;
    let parts = json.strip_prefix("{\"").and_then(|rest| rest.strip_suffix("}}")).and_then(|r| r.split_once("\":{"));
    let Some((kind, fields)) = parts else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{json} is no variant with fields")));
    };
    let Stamp { seq, at_ns } = stamp;
    out.extend_from_slice(b"{\"Event\":\"Faultline");
    out.extend_from_slice(kind.as_bytes());
    out.extend_from_slice(b"\",");
    out.extend_from_slice(fields.as_bytes());
    if !fields.is_empty() {
        out.push(b',');
    }
    out.extend_from_slice(format!("\"Faultline\":{{\"seq\":{seq},\"at_ns\":{at_ns}}}}}\n").as_bytes());
    Ok(())
}

#[derive(Deserialize)]
struct MarkOnly {
    #[serde(rename = "Faultline", default)]
    mark: Option<Plain>,
}

/// Reads a line of ours; `None` when the name is not one of ours.
pub(super) fn read(name: &str, line: &str) -> Result<Option<Reading>, serde_json::Error> {
    let Some(kind) = name.strip_prefix(PREFIX).filter(|kind| KINDS.contains(kind)) else { return Ok(None) };
    // The line itself first: an error of syntax should be one of the line, not of what is built from it.
    let MarkOnly { mark } = serde_json::from_str(line)?;
    let event: Event = serde_json::from_str(&format!("{{\"{kind}\":{line}}}"))?;
    let (stamp, _) = Plain::split(mark);
    Ok(Some(Reading::of(stamp, None, event)))
}
