//! What the cases of streams share.

use faultline_engine::config::EngineConfig;
use faultline_engine::error::Result;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use faultline_engine::storage::Data;
use faultline_engine::streaming::{DStream, StreamingContext};
use faultline_tests::lab::INTERVAL;
use faultline_tests::{Loop, run, settings};
use std::sync::{Arc, Mutex, PoisonError};

/// What a stream gave: batch and sorted records.
pub type Batches<T> = Vec<(u32, Vec<T>)>;

/// Filled while a stream runs.
pub type Outputs<T> = Arc<Mutex<Batches<T>>>;

/// `n` batch intervals.
pub const fn times(n: u64) -> Millis {
    Millis(INTERVAL.0 * n)
}

/// What was gathered.
pub fn taken<T>(outputs: &Mutex<Vec<T>>) -> Vec<T> {
    std::mem::take(&mut *outputs.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Collects what `stream` gives, batch by batch, sorted.
pub fn collect<T: Data + Ord>(stream: &DStream<T>) -> Outputs<T> {
    let outputs = Outputs::default();
    let inside = Arc::clone(&outputs);
    stream.for_each_rdd(move |rdd, tick| {
        let mut values = rdd.collect()?;
        values.sort();
        inside.lock().unwrap_or_else(PoisonError::into_inner).push((tick.batch.0, values));
        Ok(())
    });
    outputs
}

/// Runs what `build` registers for the batches of `config`, and gives what it wants to know at the end.
pub fn stream_with<R: Send + 'static>(
    loop_: Loop,
    config: EngineConfig,
    build: impl FnOnce(&StreamingContext) -> Result<Box<dyn FnOnce() -> R + Send>> + Send + 'static,
) -> (Result<R>, Vec<Envelope>) {
    run(loop_, config, move |sc| {
        let ssc = StreamingContext::new(sc, INTERVAL);
        ssc.checkpoint("checkpoints");
        let finish = build(&ssc)?;
        ssc.start()?;
        ssc.await_termination()?;
        Ok(finish())
    })
}

/// Runs a stream for `batches` batches under both loops; what it gives must be `expected`.
pub fn expect<T: Data + Ord>(
    batches: u32,
    build: impl Fn(&StreamingContext) -> Result<DStream<T>> + Clone + Send + 'static,
    expected: &[(u32, Vec<T>)],
) {
    for &loop_ in Loop::ALL {
        let build = build.clone();
        let (result, _) = stream_with(loop_, settings(batches, &[]), move |ssc| {
            let outputs = collect(&build(ssc)?);
            Ok(Box::new(move || taken(&outputs)))
        });
        assert_eq!(result.expect("the stream ends well"), expected, "{loop_:?}");
    }
}

/// Each batch's words, each with a one.
pub fn words(ssc: &StreamingContext, batches: &[Option<&str>]) -> DStream<(String, u32)> {
    let split = |text: &str| text.split_whitespace().map(|w| (w.to_owned(), 1)).collect();
    ssc.prepared_stream(batches.iter().map(|b| b.map(split)).collect(), 2)
}

/// `a2 b1` as records.
pub fn counts(text: &str) -> Vec<(String, u32)> {
    text.split_whitespace().map(|w| (w[..1].to_owned(), w[1..].parse().expect("a count after the key"))).collect()
}

/// Numbers batches from 1.
pub fn numbered<T>(outputs: Vec<T>) -> Vec<(u32, T)> {
    outputs.into_iter().enumerate().map(|(i, v)| (i as u32 + 1, v)).collect()
}
