//! What a log promises: nothing acknowledged is lost, nothing damaged is believed, nothing lost is silent.

mod crash;
mod damage;
mod writing;

use super::*;
use crate::ids::{Millis, Timestamp};
use crate::object_store::{MemoryObjectStore, ObjectStore, segment_key, segments_of};
use std::sync::Arc;

const LOG: &str = "app/wal";

fn at(seconds: u64) -> Timestamp {
    Timestamp(seconds * 1_000_000_000)
}

fn log_on(store: &Arc<dyn ObjectStore>, start: LogStart) -> WriteAheadLog {
    WriteAheadLog::new(Arc::clone(store), LOG, 1, start, LogSettings::default())
}

fn memory() -> Arc<dyn ObjectStore> {
    Arc::new(MemoryObjectStore::new())
}

fn read(store: &Arc<dyn ObjectStore>) -> Contents {
    read_all(&**store, LOG).expect("the log can be read")
}

/// The records as text.
fn texts(contents: &Contents) -> Vec<String> {
    contents.records.iter().map(|record| String::from_utf8_lossy(&record.bytes).into_owned()).collect()
}

/// Writes each text by itself.
fn write(log: &mut WriteAheadLog, texts: &[&str]) -> Vec<RecordHandle> {
    let write = |text: &&str| log.append(at(0), &[text.as_bytes()]).expect("the store is sound").remove(0);
    texts.iter().map(write).collect()
}
