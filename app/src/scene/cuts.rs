//! Checkpoint files and the cuts they make.

use super::facts::{self, KeyOf, key};
use super::labels::{cut_note, file_label, file_subtitle};
use super::metrics::*;
use super::{Cut, Edge, EdgeKind, Node, NodeKind, NodeLook, Scene};
use crate::model::{Model, Sign};
use emath::{Pos2, Rect, Vec2};
use faultline_engine::ids::OperatorName;

/// How much room there is below a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// The row keeps room for a file.
    Reserved,
    /// Only the gap between two rows.
    Gap,
}

/// Adds below every checkpointed node its file, the edge from it, and the cut around the node.
///
/// `places` tells for each node so far its room, its first operator, and where it is in words. A cut
/// is where recovery ends, so a node that is itself behind a later cut keeps its file but has none.
/// Returns which nodes got a file.
pub(super) fn add_files(model: &Model, scene: &mut Scene, places: &[(Room, &OperatorName, &str)]) -> Vec<bool> {
    let mut has_file = vec![false; scene.nodes.len()];
    for (i, &(room, operator, place)) in places.iter().enumerate() {
        let node = &scene.nodes[i];
        let Some(checkpoint) = node.rdds.iter().rev().find_map(|rdd| model.checkpoints.get(rdd)) else { continue };
        let (gap, height) = match room {
            Room::Reserved => (FILE_GAP, FILE_HEIGHT),
            Room::Gap => (CHIP_GAP, CHIP_HEIGHT),
        };
        let rect = Rect::from_min_size(
            Pos2::new(node.rect.left(), node.rect.bottom() + gap),
            Vec2::new(node.rect.width(), height),
        );
        let is_ghost = node.look == NodeLook::Ghost;
        let file = Node {
            key: key(KeyOf::CheckpointFile, operator, node.batch),
            kind: NodeKind::CheckpointFile,
            look: if is_ghost { NodeLook::Ghost } else { NodeLook::Plain },
            rect,
            title: "checkpoint file".to_owned(),
            subtitle: file_subtitle(checkpoint),
            batch: node.batch,
            rdds: vec![checkpoint.checkpoint_rdd],
            cells: Vec::new(),
            counts: vec![(Sign::CheckpointPart, checkpoint.parts.len() as u32)],
            on_path: node.on_path && model.rdds.get(&checkpoint.rdd).is_some_and(|r| facts::is_read_back(r)),
            label: file_label(&node.title, place, checkpoint),
        };
        if !is_ghost {
            let around = Rect::from_min_max(
                node.rect.min - Vec2::new(NODE_PAD, FILE_GAP),
                node.rect.max + Vec2::new(NODE_PAD, NODE_PAD),
            );
            scene.cuts.push(Cut { around, note: cut_note(checkpoint.released.len()) });
        }
        scene.edges.push(Edge {
            from: scene.nodes.len(),
            to: i,
            kind: EdgeKind::FromCheckpoint,
            points: vec![rect.center_top(), node.rect.center_bottom()],
            ghost: is_ghost,
            on_path: file.on_path && node.on_path,
        });
        has_file[i] = true;
        scene.nodes.push(file);
    }
    has_file
}
