use super::*;
use faultline_engine::command::StopMode;

// Without this a stream that is being stopped looks like one that ran out of input.
#[test]
fn a_stop_is_told_from_beginning_to_end() {
    let mut log = Log::default();
    log.streaming().batch(1).event(Event::StreamingStopping { mode: StopMode::Graceful });
    assert_eq!((log.model.streams.stopping, log.model.streams.stopped), (Some(StopMode::Graceful), false));
    assert_eq!(log.model.story.headline, "The stream is being stopped gracefully.");
    log.batch_end(1, None).event(Event::StreamingStopped { mode: StopMode::Graceful });
    assert!(log.model.streams.stopped);
}

// Without this nobody sees that batches wait, or what holds receivers back.
#[test]
fn backlog_and_limits_follow_the_stream() {
    let mut log = Log::default();
    log.streaming();
    for id in 1..=3 {
        let batch =
            BatchInfo { id: BatchId(id), time: VIRTUAL_EPOCH, records: 1, output_ops: Vec::new(), inputs: [].into() };
        log.event(Event::BatchSubmitted { batch });
    }
    assert_eq!(log.model.backlog(), 3);
    log.event(Event::BatchStarted { batch: BatchId(1) });
    assert_eq!(log.model.backlog(), 2);
    for rate in [900, 1_200] {
        log.event(Event::ReceiverRateUpdated { stream: StreamId(4), rate });
    }
    assert_eq!(log.model.streams.rates.iter().collect::<Vec<_>>(), [(&StreamId(4), &1_200)]);
}

// Without this a batch that ran three times looks like one that took three times as long.
#[test]
fn what_the_policy_did_with_a_failed_batch_is_told() {
    let report = |kind: &str, place: &str| {
        let finding = Finding { kind: kind.to_owned(), message: String::new(), place: place.to_owned() };
        Event::FindingReported { finding }
    };
    let mut log = Log::default();
    log.streaming().batch(1).batch(2);
    for (kind, place) in [
        ("batch-retried", "batch 1"),
        ("batch-retried", "batch 1"),
        ("batch-skipped", "batch 2"),
        ("batch-skipped", "batch 9"),
        ("batch-skipped", "line 2"),
        ("checkpoint-marked-too-late", "batch 1"),
    ] {
        log.event(report(kind, place));
    }
    let of = |id: u32| (log.model.batches[&BatchId(id)].retries, log.model.batches[&BatchId(id)].skipped);
    assert_eq!((of(1), of(2)), ((2, false), (0, true)));
}
