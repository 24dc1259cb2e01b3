//! `parse(write(e)) == e`, for every kind and for random payloads.

use super::samples::{self, NUM_KINDS, kind, reasons, samples, task};
use super::{envelopes, lines, read_all, write};
use crate::event::*;
use crate::ids::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

#[test]
fn every_kind_has_a_sample() {
    // Without it a new kind of event would be written and never tried.
    let kinds: BTreeSet<usize> = samples().iter().map(kind).collect();
    assert_eq!(kinds, (0..NUM_KINDS).collect());
}

#[test]
fn every_sample_comes_back() {
    // Without it a recorded run would differ from the live one in a field that Spark does not have.
    let written = envelopes(samples());
    let read = read_all(&write(&written));
    for (written, read) in written.iter().zip(&read) {
        assert_eq!(written, read);
    }
    assert_eq!(written.len(), read.len());
}

#[test]
fn a_log_is_the_same_after_reading_and_writing() {
    // Without it saving an opened log would change it.
    let bytes = write(&envelopes(samples()));
    assert_eq!(lines(&write(&read_all(&bytes))), lines(&bytes));
}

#[test]
fn the_same_envelopes_give_the_same_bytes() {
    // Without it runs could not be compared byte for byte.
    let envelopes = envelopes(samples());
    assert_eq!(write(&envelopes), write(&envelopes));
}

#[test]
fn numbers_and_times_come_back_with_gaps() {
    // Without it the part of a log behind a filter would be renumbered.
    let gaps = [(0, 0), (u64::MAX, u64::MAX), (7, 1)];
    let written =
        gaps.map(|(seq, at)| Envelope { seq, at: Timestamp(at), event: Event::UnpersistRdd { rdd: RddId(1) } });
    assert_eq!(read_all(&write(&written)), written);
}

fn shuffle() -> impl Strategy<Value = ShuffleMetrics> {
    any::<[u64; 4]>().prop_map(|[bytes, records, blocks, remote_blocks]| ShuffleMetrics {
        bytes,
        records,
        blocks,
        remote_blocks,
    })
}

fn task_end() -> impl Strategy<Value = Event> {
    let numbers = (any::<[u64; 5]>(), any::<[u32; 6]>());
    let reason = (0..reasons().len(), ".*").prop_map(|(i, text)| match reasons().swap_remove(i) {
        TaskEndReason::ExceptionFailure { .. } => TaskEndReason::ExceptionFailure { message: text },
        TaskEndReason::TaskKilled { .. } => TaskEndReason::TaskKilled { reason: text },
        other => other,
    });
    (numbers, shuffle(), shuffle(), reason).prop_map(|((long, short), shuffle_read, shuffle_write, reason)| {
        let metrics =
            TaskMetrics { run_ns: long[0], source_records: long[1], shuffle_read, shuffle_write, ..samples::metrics() };
        let task = TaskInfo {
            launched: Timestamp(long[2]),
            finished: Timestamp(long[3]),
            stage: StageAttempt { stage: StageId(short[0]), attempt: short[1] },
            index: short[2],
            attempt: short[3],
            partition: PartitionId(short[4]),
            executor: ExecutorId(short[5]),
            ..task(long[4])
        };
        Event::TaskEnd { task, reason, metrics }
    })
}

fn job_start() -> impl Strategy<Value = Event> {
    let origin = (".*", any::<Option<u32>>(), any::<Option<u64>>(), any::<Option<u32>>(), any::<Option<u32>>());
    let ids = || proptest::collection::vec(any::<u32>(), 0..4);
    let stage = (any::<[u32; 4]>(), any::<Option<u32>>(), ids(), ids(), ".*").prop_map(
        |([stage, attempt, rdd, num_tasks], shuffle, parents, rdds, name)| StageInfo {
            id: StageAttempt { stage: StageId(stage), attempt },
            name,
            rdd: RddId(rdd),
            shuffle: shuffle.map(ShuffleId),
            num_tasks,
            parents: parents.into_iter().map(StageId).collect(),
            rdds: rdds.into_iter().map(RddId).collect(),
        },
    );
    (any::<u32>(), origin, proptest::collection::vec(stage, 0..4)).prop_map(|(job, origin, stages)| {
        let (callsite, batch, batch_time_ms, output_op, checkpoint_of) = origin;
        let origin = JobOrigin {
            callsite,
            batch: batch.map(BatchId),
            batch_time_ms,
            output_op: output_op.map(OutputOpId),
            checkpoint_of: checkpoint_of.map(RddId),
            pool: None,
        };
        Event::JobStart { job: JobId(job), origin, stages }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_tasks_and_jobs_come_back(events in proptest::collection::vec(prop_oneof![task_end(), job_start()], 1..4)) {
        // Without it a number at an edge, or a text with odd characters, would be lost or refused.
        let written = envelopes(events);
        prop_assert_eq!(read_all(&write(&written)), written);
    }

    #[test]
    fn any_foreign_text_comes_back(name in ".*", raw in ".*", fields in "\\PC{0,20}") {
        // Without it what we do not understand would not survive being saved.
        let json = serde_json::to_string(&fields).unwrap();
        let spliced = format!("{{\"Event\":\"{name}\",\"x\":{json}}}");
        let events = [raw, spliced].map(|raw| Event::Unknown { name: name.clone(), raw });
        let written = envelopes(events.into());
        prop_assert_eq!(read_all(&write(&written)), written);
    }
}
