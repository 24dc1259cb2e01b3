//! Large graphs seen from afar.

use super::demo;
use super::harness::{World, window};
use crate::scene::{Node, NodeKey};
use egui_kittest::kittest::Queryable;
use std::sync::Arc;

/// The demo's nodes many times over, side by side.
fn large(copies: u64) -> World {
    let mut world = World::demo();
    let scene = Arc::make_mut(&mut world.scene);
    let (width, nodes) = (scene.bounds.unwrap().width() + 36.0, scene.nodes.clone());
    for copy in 1..copies {
        let shift = egui::vec2(width * copy as f32, 0.0);
        let moved = |n: &Node| Node { key: NodeKey(n.key.0 + copy * 1000), rect: n.rect.translate(shift), ..n.clone() };
        scene.nodes.extend(nodes.iter().map(moved));
    }
    scene.bounds = scene.nodes.iter().map(|n| n.rect).reduce(egui::Rect::union);
    world
}

/// Without this a click on a node that is too small for a control of its own selects nothing.
#[test]
fn a_click_from_afar_selects() {
    let mut world = World::demo();
    world.shell.ui.selection = None;
    let scene = Arc::make_mut(&mut world.scene);
    let node = scene.nodes[0].clone();
    *scene = crate::scene::Scene { revision: 2, ..Default::default() };
    for at in 0..1600u64 {
        let corner = egui::pos2((at % 40) as f32 * 164.0, (at / 40) as f32 * 64.0);
        let rect = egui::Rect::from_min_size(corner, node.rect.size());
        scene.nodes.push(Node { key: NodeKey(at), rect, ..node.clone() });
    }
    scene.bounds = scene.nodes.iter().map(|n| n.rect).reduce(egui::Rect::union);
    let mut harness = window(world);
    harness.key_press(egui::Key::Num0);
    harness.run();
    assert!(harness.query_all_by_label(&node.label).next().is_none(), "so many nodes have no controls");
    let at = egui::pos2(604.0, 270.0);
    let mut hits = 0;
    for offset in [0.0, 5.0, 10.0, 15.0] {
        harness.hover_at(at + egui::vec2(offset, offset));
        harness.run();
        harness.drag_at(at + egui::vec2(offset, offset));
        harness.drop_at(at + egui::vec2(offset, offset));
        harness.run();
        hits += usize::from(harness.state_mut().shell.ui.selection.take().is_some());
    }
    assert!(hits >= 2, "{hits} of 4 clicks hit a node");
}

/// Without this the graph kept for egui_graphs grows for ever, or points at nodes that are gone.
#[test]
fn a_scene_that_shrinks_and_grows_again_is_shown() {
    let mut harness = window(large(3));
    harness.run();
    let full = Arc::clone(&harness.state().scene);
    let mut smaller = (*full).clone();
    smaller.edges.clear();
    smaller.nodes.truncate(4);
    smaller.revision += 1;
    for scene in [Arc::new(smaller), full] {
        harness.state_mut().scene = scene;
        harness.run();
        harness.render().unwrap();
    }
    assert_eq!(harness.state().shell.ui.selection, Some(demo::key(8, 2)));
}

/// Without culling a frame costs as much as the run is long, not as much as can be seen.
#[test]
fn what_is_out_of_view_costs_no_shapes() {
    let shapes = |world: World| {
        let mut harness = window(world);
        harness.set_size(egui::vec2(1280.0, 1000.0));
        harness.run();
        harness.output().shapes.len()
    };
    let (few, many) = (shapes(large(4)), shapes(large(80)));
    assert!(many <= few, "{few} shapes with 4 copies, {many} with 76 more out of view");
}

/// Without this the fit of a run of hundreds of batches is a thin line in which nothing can be read.
#[test]
fn fit_shows_the_newest_batches_of_a_long_run_and_then_everything() {
    let mut harness = window(large(100));
    harness.run();
    let visible = |h: &egui_kittest::Harness<'_, World>| {
        let (from, to) = h.state().shell.panels.lineage.visible_x().expect("painted");
        let bounds = h.state().scene.bounds.expect("nodes");
        (from <= bounds.left(), to >= bounds.right(), to - from)
    };
    harness.get_by_label("Fit").click();
    harness.run();
    let (begins, ends, newest) = visible(&harness);
    assert!(!begins && ends, "the newest end, not the beginning");
    harness.get_by_label("Fit").click();
    harness.run();
    let (begins, ends, all) = visible(&harness);
    assert!(begins && ends && all > 10.0 * newest, "{all} of {newest}");
    harness.get_by_label("Fit").click();
    harness.run();
    assert_eq!(visible(&harness), (false, true, newest), "and back");
}
