//! Cells as things to click.

use super::demo;
use super::harness::{World, window};
use crate::command::{AppCommand, Focus};
use egui::{Pos2, pos2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use faultline_engine::ids::*;

const STATE_7: &str = "updateStateByKey, batch 7, 2 computing again, 4 in memory";

fn click_at(harness: &mut Harness<'static, World>, at: Pos2) {
    harness.hover_at(at);
    harness.run();
    harness.drag_at(at);
    harness.run();
    harness.drop_at(at);
    harness.run();
}

/// Without this a click on a cell selects its node only, and nobody can ask about one partition.
#[test]
fn a_click_on_a_cell_asks_about_it_and_beside_it_selects_the_node() {
    let mut harness = window(World::demo());
    harness.run();
    let node = harness.get_by_label(STATE_7).rect();
    let zoom = node.width() / 160.0;
    let cell = |index: f32| pos2(node.left() + (12.0 + 24.0 * index + 8.0) * zoom, node.bottom() - 18.0 * zoom);
    click_at(&mut harness, cell(2.0));
    let block = BlockId::new(RddId(7 * 3 + 2), PartitionId(2));
    assert_eq!(harness.state().received, [AppCommand::Focus(Focus::Partition(block))]);
    harness.state_mut().received.clear();
    click_at(&mut harness, pos2(cell(2.0).x, node.top() + 8.0 * zoom));
    assert_eq!(harness.state().received, [AppCommand::Select(Some(demo::key(7, 2)))]);
}

/// Without this the cells of the selected node cannot be reached by keyboard and screen readers.
#[test]
fn the_cells_of_the_selected_node_have_names() {
    let mut harness = window(World::demo());
    harness.run();
    harness.get_by_label("Cell 3, computing, updateStateByKey, batch 8").click();
    harness.run();
    let block = BlockId::new(RddId(8 * 3 + 2), PartitionId(3));
    assert_eq!(harness.state().received, [AppCommand::Focus(Focus::Partition(block))]);
    harness.get_by_label("Why is partition 3 computed now?");
}

/// Without this a question answered once is answered anew in every frame.
#[test]
fn a_window_with_a_question_left_alone_paints_nothing() {
    let mut world = World::demo();
    world.shell.ui.focus = Some(Focus::Partition(BlockId::new(RddId(26), PartitionId(2))));
    let mut harness = window(world);
    harness.run();
    harness.step();
    let delay = harness.output().viewport_output.values().map(|v| v.repaint_delay).min();
    assert!(delay.is_some_and(|d| d > std::time::Duration::from_secs(2)), "asks for a frame in {delay:?}");
}
