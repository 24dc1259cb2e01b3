//! Tests of whole scenes, on models built by hand.

mod cache;
mod layered;
mod loom;
mod program;
mod tables;
mod timeline;
mod why;

use super::*;
use program::Program;

/// The node with this label, or all labels there are.
fn by_label<'a>(scene: &'a Scene, label: &str) -> &'a Node {
    let found = scene.nodes.iter().find(|n| n.label == label);
    found.unwrap_or_else(|| panic!("no {label:?} in {:#?}", labels_of(scene)))
}

fn labels_of(scene: &Scene) -> Vec<&str> {
    scene.nodes.iter().map(|n| n.label.as_str()).collect()
}

/// The edge between two nodes by title and batch.
fn between<'a>(scene: &'a Scene, from: (&str, u32), to: (&str, u32)) -> &'a Edge {
    let is = |n: &Node, (title, batch): (&str, u32)| n.title == title && n.batch.map_or(0, |b| b.0) == batch;
    scene
        .edges
        .iter()
        .find(|e| is(&scene.nodes[e.from], from) && is(&scene.nodes[e.to], to))
        .unwrap_or_else(|| panic!("no edge {from:?} to {to:?}"))
}

fn assert_no_overlap(scene: &Scene) {
    for (i, a) in scene.nodes.iter().enumerate() {
        for b in &scene.nodes[..i] {
            assert!(!a.rect.intersects(b.rect), "{} {:?} on {} {:?}", a.label, a.rect, b.label, b.rect);
        }
    }
}

/// Every node of `before` is in `after` at the same place.
fn assert_nothing_moved(before: &Scene, after: &Scene) {
    for node in &before.nodes {
        let now = after.nodes.iter().find(|n| n.key == node.key);
        assert_eq!(now.map(|n| n.rect), Some(node.rect), "{} moved", node.label);
    }
}
