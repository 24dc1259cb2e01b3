use super::*;
use crate::model::timeline::SEGMENT_LEN;

/// Three segments of a stream whose batches take five milliseconds and wait for five seconds, with a
/// fault and two events in the same moment now and then.
fn stream() -> Timeline {
    stream_into(Timeline::new())
}

fn stream_into(mut timeline: Timeline) -> Timeline {
    let mut at = VIRTUAL_EPOCH;
    let mut push = |after_ms: u64, event: Event| {
        at = at.plus(Millis(after_ms));
        timeline.push(Envelope { seq: timeline.len() as u64, at, event });
    };
    for batch in 1..=(3 * SEGMENT_LEN as u32 / 5) {
        let info = BatchInfo {
            id: BatchId(batch),
            time: VIRTUAL_EPOCH,
            records: 1,
            output_ops: Vec::new(),
            inputs: [].into(),
        };
        push(5000, Event::BatchSubmitted { batch: info });
        push(0, Event::BatchStarted { batch: BatchId(batch) });
        let info = task(u64::from(batch), 0, 0, 1, TaskKind::ResultTask);
        push(2, Event::TaskEnd { task: info, reason: TaskEndReason::Success, metrics: TaskMetrics::default() });
        if batch % 50 == 0 {
            push(0, Event::FaultInjected { fault: "kill:executor=2".to_owned(), executor: Some(ExecutorId(2)) });
        }
        let (batch, failure) = (BatchId(batch), None);
        push(3, Event::BatchCompleted { batch, scheduling_delay_ns: 0, processing_ns: 5_000_000, failure });
    }
    timeline
}

/// A drag folds on from where it is; if that gave another model than a seek, the past would depend on
/// the way to it.
#[test]
fn folding_on_is_a_seek() {
    let timeline = stream();
    let len = timeline.len();
    let starts = [0, 1, 700, SEGMENT_LEN - 1, SEGMENT_LEN, 2 * SEGMENT_LEN + 5, len - 1];
    for from in starts {
        for to in [0, 1, 701, SEGMENT_LEN, SEGMENT_LEN + 1, 2 * SEGMENT_LEN + 6, len - 1, len, len + 9] {
            let on = timeline.seek_from((from, timeline.seek(from)), to);
            assert_eq!(on, timeline.seek(to), "{from} to {to}");
        }
    }
}

/// Otherwise the knob would jump away from the pointer that drags it.
#[test]
fn a_place_on_the_rail_and_its_position_are_the_same() {
    let timeline = stream();
    for position in (0..=timeline.len()).step_by(7) {
        let busy = timeline.busy_ns_at(position);
        let back = timeline.position_at_busy_ns(busy);
        assert_eq!(timeline.busy_ns_at(back), busy, "position {position}");
        assert!(back >= position, "the last event of a moment: {back} for {position}");
    }
    assert_eq!(timeline.busy_ns_at(timeline.len()), timeline.busy_ns());
    assert_eq!(timeline.position_at_busy_ns(timeline.busy_ns()), timeline.len());
    for mark in timeline.marks() {
        assert_eq!(timeline.busy_ns_at(mark.position), mark.busy_ns, "{mark:?}");
    }
}

/// A stream that waits for its batches would be a rail of waiting, with its work in single points.
#[test]
fn waiting_counts_little() {
    let timeline = stream();
    let batches = timeline.live().batches.len() as u64;
    assert_eq!(timeline.busy_ns(), batches * 5_000_000 + (batches - 1) * IDLE_NS_MAX);
    assert_eq!(Timeline::new().busy_ns_at(5), 0);
    assert_eq!(Timeline::new().position_at_busy_ns(5), 0);
}

/// A step would stop within a batch, stay where it is, or leave the run.
#[test]
fn strides_end_where_batches_and_tasks_end() {
    let timeline = stream();
    let completed = |n: usize| timeline.seek(n).batches.values().filter(|b| b.completed.is_some()).count();
    let middle = SEGMENT_LEN + 3;
    let next = timeline.stride(middle, Stride::Batch, Way::Forward);
    let before = timeline.stride(middle, Stride::Batch, Way::Back);
    assert_eq!((completed(next), completed(before)), (completed(middle) + 1, completed(middle)));
    assert_eq!(timeline.stride(next, Stride::Batch, Way::Back), before);
    assert_eq!(timeline.batch_at(before), Some(BatchId(completed(before) as u32)));
    let task = timeline.stride(middle, Stride::Task, Way::Forward);
    assert!(matches!(timeline.envelope(task - 1).map(|e| &e.event), Some(Event::TaskEnd { .. })));
    assert!(timeline.stride(task, Stride::Task, Way::Back) < task);
    for stride in [Stride::Event, Stride::Task, Stride::Stage, Stride::Batch] {
        assert_eq!(timeline.stride(0, stride, Way::Back), 0);
        assert_eq!(timeline.stride(timeline.len(), stride, Way::Forward), timeline.len());
    }
}

/// Without it a run of days would fill the memory of the window; or what is left of the past would be another
/// past than it was, and whoever asks for more would get the present, or a moment that never was.
#[test]
fn the_newest_past_is_kept_and_is_as_it_was() {
    let (all, kept) = (stream(), stream_into(Timeline::keeping(2 * SEGMENT_LEN)));
    let (first, len) = (kept.first(), kept.len());
    assert_eq!((len, all.first()), (all.len(), 0));
    assert!((len - 2 * SEGMENT_LEN..len - SEGMENT_LEN).contains(&first), "{first} of {len}");
    assert_eq!(kept.envelopes_from(0).count(), len - first);
    for n in [0, first - 1, first, first + 1, first + SEGMENT_LEN, len - 1, len] {
        let shown = n.max(first);
        assert_eq!(kept.seek(n), all.seek(shown), "{n}");
        assert_eq!(kept.seek_from((7, all.seek(7)), n), all.seek(shown), "{n} from a moment that is gone");
        assert_eq!(kept.envelope(n), all.envelope(n).filter(|_| n >= first), "{n}");
        assert_eq!(kept.busy_ns_at(n), all.busy_ns_at(shown), "{n}");
        let busy = all.busy_ns_at(n);
        assert_eq!(kept.position_at_busy_ns(busy), all.position_at_busy_ns(busy).max(first), "{n}");
        for stride in [Stride::Event, Stride::Task, Stride::Batch] {
            for way in [Way::Back, Way::Forward] {
                let expected = all.stride(shown, stride, way).max(first);
                assert_eq!(kept.stride(n, stride, way), expected, "{stride:?} {way:?} from {n}");
            }
        }
    }
    let marks: Vec<_> = all.marks().iter().filter(|mark| mark.position > first).copied().collect();
    assert!(kept.marks() == marks && !marks.is_empty(), "{} marks", kept.marks().len());
    assert_eq!((kept.first_busy_ns(), kept.live()), (all.busy_ns_at(first), all.live()));
}
