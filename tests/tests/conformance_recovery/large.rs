//! Checkpoints that grow too large.

use super::lab::*;
use faultline_engine::ids::*;
use faultline_engine::recovery::{self, MAX_CHECKPOINT_BYTES, Written};

/// Without it one that has grown too large would be called verified, and the older ones would go for it.
#[test]
fn a_checkpoint_that_nobody_could_read_is_not_written() {
    let store = memory().store;
    let mut checkpoint: recovery::StreamingCheckpoint = serde_json::from_value(serde_json::json!({
        "application": "a", "application_id": "a", "epoch": 1, "time": 2, "zero": 1, "interval": 1000,
        "graph": { "streams": [], "outputs": [] }, "properties": {}, "pending": [], "batches": {}, "saved": {},
        "next_rdd": 0,
    }))
    .expect("a checkpoint");
    let written = recovery::write(&*store, DIR, Timestamp(2), &checkpoint);
    assert!(matches!(written, Ok(Written::Verified { .. })), "{written:?}");
    let before = recovery::read_newest(&*store, DIR).expect("it can be read");
    checkpoint.properties.insert("large".to_owned(), "x".repeat(MAX_CHECKPOINT_BYTES));
    let error = recovery::write(&*store, DIR, Timestamp(3_000_000), &checkpoint).expect_err("it is too large");
    assert!(error.starts_with("it could not be read again, it has "), "{error}");
    assert_eq!(recovery::read_newest(&*store, DIR).expect("it can be read"), before);
}
