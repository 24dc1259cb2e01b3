//! Operator nodes: what the model says about the RDDs of one box, and where the box is.

use super::labels::{ghost_label, node_label};
use super::{Node, NodeKey, NodeKind, NodeLook, facts, metrics};
use crate::model::Model;
use emath::Rect;
use faultline_engine::ids::*;

/// What is known of a node before the model is asked.
pub(super) struct NodeSpec<'a> {
    pub key: NodeKey,
    pub rect: Rect,
    pub title: String,
    pub subtitle: String,
    /// Names for the label: unlike the title, with the ordinals that make them unique.
    pub names: &'a str,
    /// `batch 8`, `iteration 3` or empty.
    pub place: &'a str,
    pub batch: Option<BatchId>,
    /// In data order.
    pub rdds: Vec<RddId>,
}

/// So many RDDs can be asked in every scene.
const FEW: usize = 1000;

/// The node of an operator, showing the cells of its last RDD.
pub(super) fn operator_node(model: &Model, spec: NodeSpec) -> Node {
    // A node may stand for a hundred thousand RDDs: then it is asked first whether anything runs.
    let mut states = spec.rdds.iter().rev().filter_map(|id| model.rdds.get(id)).peekable();
    let last = states.peek().copied();
    let counts = last.map(|r| facts::counts(r)).unwrap_or_default();
    let partitions = last.map_or(0, |r| r.info.num_partitions);
    let cells = match last {
        Some(rdd) if partitions <= metrics::cells_that_fit(spec.rect.width()) => {
            (0..partitions).map(|p| rdd.cell(PartitionId(p))).collect()
        }
        _ => Vec::new(),
    };
    let look = if last.is_some_and(|r| r.ghost || r.released) {
        NodeLook::Ghost
    } else if (spec.rdds.len() <= FEW || model.is_computing()) && states.any(|r| facts::is_computing(r)) {
        NodeLook::Running
    } else {
        NodeLook::Plain
    };
    let label = if look == NodeLook::Ghost {
        ghost_label(spec.names, spec.place)
    } else {
        node_label(spec.names, spec.place, &counts)
    };
    Node {
        key: spec.key,
        kind: NodeKind::Operator,
        look,
        rect: spec.rect,
        title: spec.title,
        subtitle: spec.subtitle,
        batch: spec.batch,
        on_path: !model.story.path.is_empty() && spec.rdds.iter().any(|id| model.story.path.contains(id)),
        rdds: spec.rdds,
        cells,
        counts,
        label,
    }
}
