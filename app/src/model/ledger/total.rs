//! The ledger folds whatever a log says, in whatever order, and its totals stay the sums of what it follows.

use super::*;
use crate::model::Model;
use faultline_engine::event::*;
use proptest::prelude::*;

fn block() -> impl Strategy<Value = InputBlockId> {
    (0..2u32, 0..4u64).prop_map(|(stream, number)| InputBlockId { stream: StreamId(stream), number })
}

fn planned() -> impl Strategy<Value = Vec<PlannedBlock>> {
    proptest::collection::vec((block(), 0..9u64).prop_map(|(id, records)| PlannedBlock { id, records }), 0..3)
}

fn batch() -> impl Strategy<Value = BatchId> {
    (1..4u32).prop_map(BatchId)
}

fn input() -> impl Strategy<Value = InputPlan> {
    prop_oneof![
        planned().prop_map(|blocks| InputPlan::Blocks { blocks }),
        (0..3u32).prop_map(|n| InputPlan::Files { paths: vec![format!("in/{n}")] }),
        Just(InputPlan::Range { first: 0, records: 7 }),
    ]
}

fn received() -> impl Strategy<Value = Event> {
    prop_oneof![
        (block(), 0..9u64, proptest::option::of(0..3u64)).prop_map(|(id, records, segment)| {
            Event::ReceivedBlockAdded(AddedBlock {
                segment,
                duplicates: 1,
                ..AddedBlock::new(id, ExecutorId(1), records)
            })
        }),
        (block(), proptest::option::of(batch()), any::<bool>()).prop_map(|(id, batch, logged)| {
            let blocks = vec![RecoveredBlock { id, records: 3, batch, logged }];
            Event::ReceivedBlocksRecovered(RecoveredBlocks { blocks })
        }),
        (batch(), planned()).prop_map(|(batch, blocks)| {
            Event::ReceivedBlocksLost(LostBlocks { batch, blocks, reason: "gone".into() })
        }),
        (block(), any::<bool>()).prop_map(|(block, resent)| {
            Event::ReceivedBlockRefused(RefusedBlock { block, records: 2, resent, reason: "refused".into() })
        }),
        (0..2u32).prop_map(|stream| Event::ReceivedRecordsLost(LostRecords {
            stream: StreamId(stream),
            executor: ExecutorId(1),
            records: 4,
            reason: "gathered".into(),
        })),
    ]
}

fn processed() -> impl Strategy<Value = Event> {
    let outputs = vec![OutputOpId(0), OutputOpId(1)];
    prop_oneof![
        (batch(), proptest::collection::btree_map((0..2u32).prop_map(StreamId), input(), 0..3)).prop_map(
            move |(id, inputs)| {
                let output_ops = outputs.clone();
                Event::BatchSubmitted { batch: BatchInfo { id, time: VIRTUAL_EPOCH, records: 1, output_ops, inputs } }
            }
        ),
        (batch(), 0..2u32).prop_map(|(batch, op)| Event::OutputOperationCompleted {
            batch,
            output_op: OutputOpId(op),
            failure: None,
        }),
        (batch(), 0..3u64, proptest::option::of(0..3u64)).prop_map(|(batch, epoch, written_by)| {
            Event::OutputCommitted {
                output: CommittedOutput {
                    batch,
                    output_op: OutputOpId(0),
                    sink: String::new(),
                    epoch,
                    partitions: Vec::new(),
                    outcome: SinkOutcome::AlreadyThere,
                    written_by,
                },
            }
        }),
        (batch(), any::<bool>()).prop_map(|(batch, failed)| Event::BatchCompleted {
            batch,
            scheduling_delay_ns: 1,
            processing_ns: 1,
            failure: failed.then(|| "boom".to_owned()),
        }),
        batch().prop_map(|batch| {
            let place = format!("batch {batch}");
            let finding = Finding { kind: "batch-skipped".into(), message: "boom".into(), place };
            Event::FindingReported { finding }
        }),
    ]
}

fn lived() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::DriverLost { attempt: 1, reason: String::new() }),
        (1..3u64, any::<bool>()).prop_map(|(epoch, continues)| Event::DriverEpochTaken {
            dir: String::new(),
            epoch,
            continues
        }),
        Just(Event::StreamingStarted { zero: VIRTUAL_EPOCH, interval: Millis(1000) }),
        Just(Event::ApplicationEnd),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    // Without this one odd line of a log would take the window down, or the totals would drift from the rows.
    #[test]
    fn totals_are_sums_whatever_the_log_says(
        events in proptest::collection::vec(prop_oneof![4 => received(), 6 => processed(), 1 => lived()], 0..60)
    ) {
        let mut model = Model::default();
        let mut again = Ledger::default();
        for (seq, event) in events.into_iter().enumerate() {
            model.apply(&Envelope { seq: seq as u64, at: VIRTUAL_EPOCH, event });
            model.ledger.news().for_each(|fact| again.fold(fact));
        }
        let mut sums = Totals {
            dropped_again: model.ledger.totals().dropped_again,
            refused: model.ledger.totals().refused,
            ..Totals::default()
        };
        for unit in model.ledger.units() {
            sums.received += unit.count();
            *sums.of_mut(unit.fate) += unit.count();
            prop_assert!(unit.fate != Fate::Lost || unit.reason.is_some());
        }
        prop_assert_eq!(&sums, model.ledger.totals());
        // What a file of facts says is what the window shows.
        prop_assert!(again.units().eq(model.ledger.units()));
        prop_assert_eq!(again.totals(), model.ledger.totals());
    }
}
