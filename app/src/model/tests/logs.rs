use super::*;

fn added(number: u64, segment: Option<u64>) -> Event {
    let block = InputBlockId { stream: StreamId(0), number };
    let logged_bytes = segment.map_or(0, |_| 40);
    Event::ReceivedBlockAdded(AddedBlock { segment, logged_bytes, ..AddedBlock::new(block, ExecutorId(1), 5) })
}

fn updated(update: LogUpdate) -> Event {
    update.into()
}

// Without this the store's files would count what is in no log, hold batches that read nothing of them, or show as
// needed what is deleted.
#[test]
fn segments_hold_what_the_events_said() {
    let mut log = Log::default();
    log.event(added(200, Some(0))).event(added(400, Some(0))).event(added(600, Some(1))).event(added(800, None));
    let planned = |number| PlannedBlock { id: InputBlockId { stream: StreamId(0), number }, records: 5 };
    let inputs = [(StreamId(0), InputPlan::Blocks { blocks: vec![planned(200), planned(600), planned(800)] })];
    let time = VIRTUAL_EPOCH;
    let batch = BatchInfo { id: BatchId(3), time, records: 15, output_ops: Vec::new(), inputs: inputs.into() };
    log.event(Event::BatchSubmitted { batch });
    let segment = |log: &Log, of, number: u64| log.model.logs.segments[&of][&number].clone();
    let data = LogId::Receiver(StreamId(0));
    let (first, second) = (segment(&log, data, 0), segment(&log, data, 1));
    assert_eq!((first.blocks, first.records, first.bytes), (2, 10, 80));
    assert_eq!((second.blocks, second.records, second.bytes), (1, 5, 40));
    assert!(first.batches.contains(&BatchId(3)) && second.batches.contains(&BatchId(3)));
    let written = WrittenSegment { segment: 7, blocks: 3, batches: vec![BatchId(3)], cleaned: vec![], bytes: 90 };
    log.event(updated(LogUpdate::Written(written.clone()))).event(updated(LogUpdate::Written(written.clone())));
    assert_eq!(segment(&log, LogId::Driver, 7).blocks, 6);
    log.event(updated(LogUpdate::Found(written)));
    assert_eq!(segment(&log, LogId::Driver, 7).blocks, 3, "what is found is all of it");
    log.event(updated(LogUpdate::Released { stream: StreamId(0), before: 1 }));
    log.event(updated(LogUpdate::Deleted { segments: vec![7, 9] }));
    let cleaned: Vec<(LogId, u64, bool)> = log
        .model
        .logs
        .segments
        .iter()
        .flat_map(|(log, segments)| segments.iter().map(|(number, s)| (*log, *number, s.cleaned)))
        .collect();
    assert_eq!(cleaned, [(LogId::Driver, 7, true), (data, 0, true), (data, 1, false)]);
}
