//! Streams of scripted receivers, and what tests ask of streams.

use crate::lab::{Loop, run, settings};
use faultline_engine::config::EngineConfig;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use faultline_engine::receiver::{Arrival, Arrived};
use faultline_engine::storage::Data;
use faultline_engine::streaming::{DStream, StreamingContext};
use std::sync::{Arc, Mutex};

/// Batch and records.
pub type Outputs<T> = Arc<Mutex<Vec<(u32, Vec<T>)>>>;

/// What `stream` gives, batch by batch, sorted; batches without records are left out.
pub fn collect<T: Data + Ord>(stream: &DStream<T>) -> Outputs<T> {
    let outputs = Outputs::default();
    let inside = Arc::clone(&outputs);
    stream.for_each_rdd(move |rdd, tick| {
        let mut values = rdd.collect()?;
        values.sort();
        if !values.is_empty() {
            inside.lock().expect("no test thread panicked").push((tick.batch.0, values));
        }
        Ok(())
    });
    outputs
}

/// What was collected; the collection is empty then.
pub fn taken<T>(outputs: &Mutex<Vec<T>>) -> Vec<T> {
    std::mem::take(&mut *outputs.lock().expect("no test thread panicked"))
}

/// Records `0..count`, one every `every` milliseconds.
pub fn ticking(count: u64, every: u64) -> impl Fn(u64) -> Option<Arrival<u64>> + Send + Sync + 'static {
    move |n| (n < count).then(|| Arrival { at: Millis(n * every), what: Arrived::Records(vec![n]) })
}

/// Settings with blocks of 50 ms, and restarts after 100 ms.
pub fn receiving(batches: u32, faults: &[&str]) -> EngineConfig {
    EngineConfig { block_interval: Millis(50), receiver_restart_delay: Millis(100), ..settings(batches, faults) }
}

/// Runs a stream of a script for some batches of 100 ms.
pub fn scripted(
    loop_: Loop,
    config: EngineConfig,
    script: impl Fn(u64) -> Option<Arrival<u64>> + Send + Sync + 'static,
) -> (Vec<(u32, Vec<u64>)>, Vec<Envelope>) {
    let (result, log) = run(loop_, config, move |sc| {
        let ssc = StreamingContext::new(sc, Millis(100));
        let outputs = collect(&ssc.scripted_stream(script, StorageLevel::MEMORY_AND_DISK_SER_2));
        ssc.start()?;
        ssc.await_termination()?;
        Ok(taken(&outputs))
    });
    (result.expect("the stream ends well"), log)
}

/// Blocks that the driver accepted, with their records.
pub fn received(log: &[Envelope]) -> Vec<(InputBlockId, u64)> {
    let added = log.iter().filter_map(|e| match &e.event {
        Event::ReceivedBlockAdded(added) => Some((added.block, added.records)),
        _ => None,
    });
    added.collect()
}

/// Messages of the findings of a kind.
pub fn findings(log: &[Envelope], kind: &str) -> Vec<String> {
    let found = log.iter().filter_map(|e| match &e.event {
        Event::FindingReported { finding } if finding.kind == kind => Some(finding.message.clone()),
        _ => None,
    });
    found.collect()
}
