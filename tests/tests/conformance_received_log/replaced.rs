//! A driver that another one has replaced, and that does not know it.

use super::life::{Life, store};
use faultline_engine::command::StopMode;
use faultline_engine::driver::ReceiverOp;
use faultline_engine::ids::*;
use faultline_engine::object_store::{MemoryObjectStore, ObjectStore, PutMode};
use faultline_engine::write_ahead::{LogSettings, LogStart, WriteAheadLog, read_all};
use std::sync::Arc;

/// I1, I6. Without it a source would hear that a block is stored which only a log has that nobody reads any more.
#[test]
fn a_replaced_driver_accepts_nothing_more() {
    let store = store();
    let mut life = Life::with_checkpoints(&store);
    life.add(1..=1);
    store.put("app/epoch-3", b"newer", PutMode::Create).expect("the newer driver takes its epoch");
    life.add(2..=3);
    assert_eq!(life.answers(), [(1, true), (2, false), (3, false)]);
    let stopped = |op: &ReceiverOp| matches!(op, ReceiverOp::Stop { mode: StopMode::Immediate, .. });
    assert!(life.lab.receiver_operations.iter().any(stopped), "its receiver ends");
}

/// Without it what was refused, because nobody could say who drives, would come back as accepted.
#[test]
fn records_that_are_taken_back_are_replaced() {
    let memory: Arc<dyn ObjectStore> = Arc::new(MemoryObjectStore::new());
    let mut log = WriteAheadLog::new(Arc::clone(&memory), "log", 1, LogStart::New, LogSettings::default());
    for (record, taken_back) in [(b"a", 0), (b"b", 1), (b"c", 0)] {
        log.append(VIRTUAL_EPOCH, &[record]).expect("it can be written");
        log.take_back(taken_back);
    }
    let records = read_all(&*memory, "log").expect("it can be read").records;
    let records: Vec<(u64, Vec<u8>)> = records.into_iter().map(|record| (record.sequence, record.bytes)).collect();
    assert_eq!(records, [(1, b"a".to_vec()), (2, b"c".to_vec())]);
}
