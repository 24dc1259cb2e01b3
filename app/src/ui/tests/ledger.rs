//! The ledger by accessible name.

use super::harness::{World, window};
use crate::command::AppCommand;
use crate::model::LedgerFact;
use crate::ui::dock::Pane;
use egui::Key;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use faultline_engine::event::{AddedBlock, InputPlan, LostBlocks, PlannedBlock};
use faultline_engine::ids::*;

fn block(number: u64) -> InputBlockId {
    InputBlockId { stream: StreamId(0), number }
}

/// Three blocks for batches 6 to 8: the first is in the output, the second is lost, the third is on its way.
fn facts() -> Vec<LedgerFact> {
    let mut facts = vec![LedgerFact::StreamStarted { epoch: Some(1), continues: true }];
    for n in 6..=8 {
        let added = AddedBlock { segment: Some(2), ..AddedBlock::new(block(n), ExecutorId(1), 10 * n) };
        facts.push(LedgerFact::Received { block: added, holders: vec![ExecutorId(1), ExecutorId(3)] });
        let blocks = vec![PlannedBlock { id: block(n), records: 10 * n }];
        let inputs = [(StreamId(0), InputPlan::Blocks { blocks })].into();
        let batch = BatchId(u32::try_from(n).unwrap_or_default());
        facts.push(LedgerFact::Given { batch, outputs: vec![OutputOpId(0)], inputs });
    }
    facts.push(LedgerFact::Committed { batch: BatchId(6), output_op: OutputOpId(0), written_by: Some(1) });
    let lost = vec![PlannedBlock { id: block(7), records: 70 }];
    let reason = "its executor died".to_owned();
    facts.push(LedgerFact::Gone(LostBlocks { batch: BatchId(7), blocks: lost, reason }));
    facts
}

fn shown(facts: &[LedgerFact]) -> Harness<'static, World> {
    let mut world = World::demo();
    facts.iter().for_each(|fact| world.model.ledger.fold(fact));
    world.shell.dock.bring_forward(Pane::Ledger);
    let mut harness = window(world);
    harness.run();
    harness
}

/// Without it nobody could see, without telling colours apart, what was lost and why, or go to its batch.
#[test]
fn a_row_says_its_fate_and_leads_to_its_batch() {
    let mut harness = shown(&facts());
    harness.get_by_label("Received 210 records in 3 units");
    harness.get_by_label_contains("input-0-6, 60 records, batch 6, once");
    harness.get_by_label_contains("input-0-8, 80 records, batch 8, pending");
    harness.get_by_label_contains("input-0-7, 70 records, batch 7, lost: its executor died").click();
    harness.run();
    harness.key_press(Key::ArrowDown);
    harness.run();
    let shown = |id| AppCommand::ShowBatch(BatchId(id));
    assert_eq!(harness.state().received, [shown(7), shown(6)], "the newest is on top");
}

/// Without it a loss would hide among thousands of rows.
#[test]
fn a_fate_of_the_totals_shows_only_its_rows() {
    let mut harness = shown(&facts());
    harness.get_by_label("lost 70 records in 1 unit").click();
    harness.run();
    assert!(harness.query_by_label_contains("input-0-6, 60 records").is_none());
    harness.get_by_label_contains("input-0-7, 70 records");
    harness.get_by_label("lost 70 records in 1 unit").click();
    harness.run();
    harness.get_by_label_contains("input-0-6, 60 records");
}

/// Without it an empty panel would not say what to do.
#[test]
fn an_empty_ledger_says_what_fills_it() {
    let mut world = World::demo();
    world.model.ledger = crate::model::Ledger::default();
    world.shell.dock.bring_forward(Pane::Ledger);
    let mut harness = window(world);
    harness.run();
    harness.get_by_label_contains("Nothing was received yet");
}
