//! Large graphs seen from afar.

use super::demo;
use super::harness::{World, window};
use crate::scene::{Node, NodeKey};
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

/// Without this zooming out of a long run would panic, or select nothing when a node is clicked that
/// is too small for a control of its own.
#[test]
fn a_click_from_afar_selects_through_egui_graphs() {
    let mut harness = window(large(60));
    harness.run();
    harness.key_press(egui::Key::Num0);
    harness.run();
    let canvas = egui::Rect::from_min_max(egui::pos2(240.0, 90.0), egui::pos2(970.0, 720.0));
    let mut hits = 0;
    for step in 0..40 {
        let at = canvas.left_center().lerp(canvas.right_center(), step as f32 / 40.0);
        harness.state_mut().shell.ui.selection = None;
        harness.hover_at(at);
        harness.drag_at(at);
        harness.drop_at(at);
        harness.run();
        hits += usize::from(harness.state().shell.ui.selection.is_some());
    }
    assert!(hits > 3, "{hits} of 40 clicks hit a node");
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
