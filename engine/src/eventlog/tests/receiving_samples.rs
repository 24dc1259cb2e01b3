//! Samples of what is told of the blocks of receivers.

use super::samples::NASTY;
use crate::event::*;
use crate::ids::*;
use std::collections::BTreeMap;

/// What input streams of every kind give to a batch.
pub fn inputs() -> BTreeMap<StreamId, InputPlan> {
    [
        (StreamId(0), InputPlan::Files { paths: vec![NASTY.into()] }),
        (StreamId(1), InputPlan::Range { first: 0, records: u64::MAX }),
        (StreamId(2), InputPlan::Blocks { blocks: Vec::new() }),
    ]
    .into()
}

pub fn receiving() -> Vec<Event> {
    let block = InputBlockId { stream: StreamId(0), number: 1_767_225_600_200 };
    let added = AddedBlock {
        block,
        executor: ExecutorId(1),
        records: 9,
        duplicates: 2,
        clients: [(NASTY.to_owned(), u64::MAX), (String::new(), 0)].into(),
        segment: Some(u64::MAX),
        logged_bytes: u64::MAX,
        buffered: 3,
    };
    let plain = AddedBlock::new(block, ExecutorId(1), 9);
    let (batches, cleaned) = (vec![BatchId(3)], vec![BatchId(1), BatchId(2)]);
    let written = WrittenSegment { segment: u64::MAX, blocks: 5, batches, cleaned, bytes: 4_000 };
    let recovered = RecoveredBlock { id: block, records: 9, batch: Some(BatchId(3)), logged: true };
    let waiting = RecoveredBlock { batch: None, logged: false, ..recovered };
    vec![
        Event::ReceivedBlockAdded(added),
        Event::ReceivedBlockAdded(plain),
        Event::ReceivedBlocksRecovered(RecoveredBlocks { blocks: vec![recovered, waiting] }),
        Event::ReceivedBlocksRecovered(RecoveredBlocks { blocks: Vec::new() }),
        Event::ReceivedBlocksLost(LostBlocks {
            batch: BatchId(3),
            blocks: vec![PlannedBlock { id: block, records: u64::MAX }],
            reason: NASTY.into(),
        }),
        Event::ReceivedBlockRefused(RefusedBlock { block, records: 1, resent: true, reason: NASTY.into() }),
        Event::ReceivedRecordsLost(LostRecords {
            stream: StreamId(1),
            executor: ExecutorId(2),
            records: 7,
            reason: NASTY.into(),
        }),
        LogUpdate::Found(WrittenSegment::default()).into(),
        LogUpdate::Written(written).into(),
        LogUpdate::Deleted { segments: vec![0, u64::MAX] }.into(),
        LogUpdate::Released { stream: StreamId(1), before: 2 }.into(),
    ]
}
