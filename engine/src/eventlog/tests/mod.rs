//! What the log promises: nothing is lost, nothing varies, nothing panics, Spark's logs are understood.

mod damage;
mod format;
mod receiving_samples;
mod recovery_samples;
mod round_trip;
mod samples;
mod spark_logs;

use super::{LogReader, LogWriter, ReadError};
use crate::event::{Envelope, Event};
use crate::ids::Timestamp;

/// The log of these envelopes.
fn write(envelopes: &[Envelope]) -> Vec<u8> {
    let mut writer = LogWriter::new(Vec::new());
    for envelope in envelopes {
        writer.write(envelope).expect("a vector takes everything");
    }
    writer.finish().expect("a vector takes everything")
}

/// What a log says, errors included.
fn read(bytes: &[u8]) -> (Vec<Result<Envelope, ReadError>>, bool) {
    let mut reader = LogReader::new(bytes);
    let items = reader.by_ref().collect();
    (items, reader.truncated())
}

/// What a log without errors says.
fn read_all(bytes: &[u8]) -> Vec<Envelope> {
    read(bytes).0.into_iter().collect::<Result<_, _>>().expect("the log is readable")
}

/// Envelopes that count from 0, a little more than a millisecond apart.
fn envelopes(events: Vec<Event>) -> Vec<Envelope> {
    let at = |seq: u64| Timestamp(1_767_225_600_000_000_000 + seq * 1_234_567);
    events.into_iter().zip(0..).map(|(event, seq)| Envelope { seq, at: at(seq), event }).collect()
}

/// The lines of a log, without their ends.
fn lines(bytes: &[u8]) -> Vec<&str> {
    std::str::from_utf8(bytes).expect("JSON is UTF-8").lines().collect()
}
