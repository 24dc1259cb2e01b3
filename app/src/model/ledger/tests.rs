//! The fold of the ledger, fact by fact; against whole runs it is held in `app/tests/record_fates.rs`.

use super::*;
use faultline_engine::event::{AddedBlock, LostBlocks, PlannedBlock, RecoveredBlock, RefusedBlock};

const RECORDS: u64 = 5;

fn id(number: u64) -> InputBlockId {
    InputBlockId { stream: StreamId(0), number }
}

fn started(epoch: u64, continues: bool) -> LedgerFact {
    LedgerFact::StreamStarted { epoch: Some(epoch), continues }
}

fn received(number: u64, segment: Option<u64>) -> LedgerFact {
    let block = AddedBlock { segment, ..AddedBlock::new(id(number), ExecutorId(1), RECORDS) };
    LedgerFact::Received { block, holders: vec![ExecutorId(1), ExecutorId(2)] }
}

fn given(batch: u32, numbers: &[u64]) -> LedgerFact {
    let blocks = numbers.iter().map(|n| PlannedBlock { id: id(*n), records: RECORDS }).collect();
    let inputs = [(StreamId(0), InputPlan::Blocks { blocks })].into();
    LedgerFact::Given { batch: BatchId(batch), outputs: vec![OutputOpId(0), OutputOpId(1)], inputs }
}

fn committed(batch: u32, written_by: Option<u64>) -> LedgerFact {
    LedgerFact::Committed { batch: BatchId(batch), output_op: OutputOpId(0), written_by }
}

fn done(batch: u32, output_op: u32) -> LedgerFact {
    LedgerFact::OutputDone { batch: BatchId(batch), output_op: OutputOpId(output_op) }
}

fn recovered(number: u64, batch: Option<u32>, logged: bool) -> LedgerFact {
    let block = RecoveredBlock { id: id(number), records: RECORDS, batch: batch.map(BatchId), logged };
    LedgerFact::Recovered { blocks: vec![block] }
}

fn gone(batch: u32, number: u64) -> LedgerFact {
    let blocks = vec![PlannedBlock { id: id(number), records: RECORDS }];
    LedgerFact::Gone(LostBlocks { batch: BatchId(batch), blocks, reason: "gone".to_owned() })
}

/// The fates of all units, oldest first, after these facts.
fn check(name: &str, facts: &[LedgerFact], expected: &[(Fate, u64)]) -> Ledger {
    let mut ledger = Ledger::default();
    facts.iter().for_each(|fact| ledger.fold(fact));
    let fates: Vec<(Fate, u64)> = ledger.units().map(|unit| (unit.fate, unit.outputs)).collect();
    assert_eq!(fates, expected, "{name}");
    let of = |fate| expected.iter().filter(|(f, _)| *f == fate).count() as u64;
    for fate in Fate::ALL {
        let count = Count { units: of(fate), records: of(fate) * RECORDS };
        assert_eq!(ledger.totals().of(fate), count, "{name}: {fate:?}");
    }
    ledger
}

/// Without it the ledger would call lost what a sink holds, or held what the driver that wrote there did not have.
#[test]
fn the_driver_whose_rows_a_sink_holds_decides() {
    let life = [started(1, true), received(7, None), given(1, &[7])];
    let with = |more: &[LedgerFact]| [&life, more].concat();
    check("on its way", &with(&[]), &[(Fate::Pending, 0)]);
    check("committed", &with(&[committed(1, Some(1))]), &[(Fate::Once, 1)]);
    check("lost with the driver", &with(&[started(2, true), recovered(7, Some(1), false)]), &[(Fate::Lost, 0)]);
    let again = [started(2, true), recovered(7, Some(1), false), gone(1, 7), given(1, &[])];
    check("run again without it", &with(&[&again[..], &[committed(1, Some(2))]].concat()), &[(Fate::Lost, 0)]);
    check("the first life had committed", &with(&[&again[..], &[committed(1, Some(1))]].concat()), &[(Fate::Once, 1)]);
    let logged = [started(2, true), recovered(7, Some(1), true), given(1, &[7])];
    check("logged, and run again", &with(&[&logged[..], &[committed(1, Some(2))]].concat()), &[(Fate::Once, 1)]);
    check("an older log does not say who", &with(&[&again[..], &[committed(1, None)]].concat()), &[(Fate::Once, 1)]);
}

/// Without it outputs that are done again would not count, or those beside a sink would.
#[test]
fn without_a_sink_each_output_counts() {
    let life = [started(1, true), received(7, Some(0)), given(1, &[7]), done(1, 0), done(1, 1)];
    check("once", &life, &[(Fate::Once, 1)]);
    check("half of it", &life[..4], &[(Fate::Pending, 1)]);
    let again = [started(2, true), recovered(7, Some(1), true), given(1, &[7]), done(1, 0)];
    check("again", &[&life[..], &again].concat(), &[(Fate::Duplicated, 2)]);
    let sink = [started(2, true), given(1, &[7]), committed(1, Some(2)), done(1, 1)];
    check("beside a sink", &[&life[..], &sink].concat(), &[(Fate::Once, 1)]);
}

/// Without it what nobody will ever process would be pending for ever, or what waits for the next start be lost.
#[test]
fn the_end_of_a_run_settles_what_nobody_keeps() {
    let waiting = [started(1, true), received(7, None), received(8, Some(3))];
    let fates = [(Fate::Lost, 0), (Fate::Pending, 0)];
    check("the run ended", &[&waiting[..], &[LedgerFact::Ended]].concat(), &fates);
    let anew = [(Fate::Lost, 0), (Fate::Lost, 0)];
    let ledger = check("it began anew", &[&waiting[..], &[started(2, false)]].concat(), &anew);
    assert!(ledger.units().all(|unit| unit.reason.is_some()));
    let refused = |resent| {
        let reason = "the log was closed".to_owned();
        LedgerFact::Refused(RefusedBlock { block: id(9), records: RECORDS, resent, reason })
    };
    check("refused", &[refused(false)], &[(Fate::Lost, 0)]);
    assert_eq!(check("its client sends it again", &[refused(true)], &[]).totals().refused, RECORDS);
    let failed = LedgerFact::BatchFailed { batch: BatchId(1), error: "boom".to_owned() };
    let batch = [started(1, true), received(7, Some(0)), given(1, &[7]), failed];
    check("failed, and will run again", &batch, &[(Fate::Pending, 0)]);
    let skipped = LedgerFact::BatchSkipped { batch: BatchId(1), reason: "boom".to_owned() };
    check("skipped", &[&batch[..], &[skipped]].concat(), &[(Fate::Lost, 0)]);
}

/// Without it a run of days would fill the memory.
#[test]
fn old_units_are_forgotten_and_still_counted() {
    let mut ledger = Ledger::default();
    let blocks = MAX_LEDGER_UNITS as u64 + 100;
    (0..blocks).for_each(|number| ledger.fold(&received(number, None)));
    assert_eq!((ledger.len(), ledger.totals().received.units), (MAX_LEDGER_UNITS, blocks));
    assert_eq!(ledger.newest(0).map(|unit| &unit.unit), Some(&InputUnit::Block(id(blocks - 1))));
    assert_eq!(ledger.newest(MAX_LEDGER_UNITS).map(|unit| &unit.unit), None);
}
