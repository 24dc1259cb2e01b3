//! Operators of streams, what a context refuses, and what it forgets: Spark's `BasicOperationsSuite`,
//! `WindowOperationsSuite` and `StreamingContextSuite`. Windows and `updateStateByKey` are in
//! `conformance_streams.rs`, `mapWithState` in `conformance_state.rs`.

#[path = "../dstreams_lab/mod.rs"]
mod dstreams_lab;

mod batches;
mod operators;
mod refusals;

use faultline_engine::error::{EngineError, Result};
use faultline_engine::streaming::{DStream, StreamingContext};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A stream of these batches.
pub fn numbers(ssc: &StreamingContext, batches: &[&[u32]]) -> DStream<u32> {
    ssc.prepared_stream(batches.iter().map(|batch| Some(batch.to_vec())).collect(), 2)
}

/// What a call throws, as Spark throws an exception.
pub fn thrown<T>(call: impl FnOnce() -> T) -> String {
    let panic = catch_unwind(AssertUnwindSafe(call)).err().expect("it is refused");
    panic.downcast_ref::<EngineError>().expect("an error of the engine").to_string()
}

/// Why a call was refused.
pub fn refused<T>(result: Result<T>) -> String {
    result.map(|_| ()).expect_err("it is refused").to_string()
}
