//! The scene: what is drawn, as plain data. A pure function of the model and a filter.
//!
//! Coordinates are points at zoom 1 with y down; the ui scales them. Knows no egui (only emath), no
//! clock, no file, no channel. Tokens, not colours, say how things look.

pub mod batches;
mod cache;
pub mod charts;
mod cuts;
mod edges;
pub mod export;
mod facts;
mod filter;
mod groups;
pub mod jobs;
mod labels;
mod layered;
pub mod layout;
mod lookup;
mod loom;
pub mod metrics;
mod nodes;
mod rows;
pub mod storage;
mod threads;
pub mod timeline;
pub mod why;

pub use cache::SceneCache;
pub use filter::Filter;
pub use lookup::node_of;
pub use loom::{column_of_batch, visible_batches};
pub use why::Focus;

use crate::model::{Cell, Model, Sign};
use emath::{Pos2, Rect};
use faultline_engine::ids::*;
use std::sync::Arc;

/// Everything that the lineage view draws.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scene {
    /// Model revision it was made from.
    pub revision: u64,
    /// Nodes; positions of nodes that were there before never change while the graph grows.
    pub nodes: Vec<Node>,
    /// Edges between nodes, by index into `nodes`.
    pub edges: Vec<Edge>,
    /// Batch columns (loom) or iteration bands (layered layout), left to right.
    pub columns: Vec<Column>,
    /// Cuts around checkpointed nodes.
    pub cuts: Vec<Cut>,
    /// Dashed line that marks a shuffle across all columns.
    pub shuffle_lines: Vec<f32>,
    /// Smallest rectangle around everything.
    pub bounds: Option<Rect>,
    /// Where the camera wants to be when it follows: the running column, or everything.
    pub focus: Option<Rect>,
}

impl Scene {
    /// Whether both draw the same, of whatever revision they are.
    pub fn looks_like(&self, other: &Self) -> bool {
        self.nodes == other.nodes
            && self.edges == other.edges
            && self.columns == other.columns
            && self.cuts == other.cuts
            && self.shuffle_lines == other.shuffle_lines
            && self.bounds == other.bounds
            && self.focus == other.focus
    }
}

/// Stable across frames: derived from operator and batch (and expansion), never from positions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeKey(pub u64);

/// What a node stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// An operator of one batch, or of the program.
    Operator,
    /// The file of a checkpoint.
    CheckpointFile,
}

/// How a node is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeLook {
    /// Normal.
    Plain,
    /// Something in it is computed now.
    Running,
    /// Behind a cut: recovery no longer reaches it.
    Ghost,
}

/// One box.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Identity.
    pub key: NodeKey,
    /// What it stands for.
    pub kind: NodeKind,
    /// How it is drawn.
    pub look: NodeLook,
    /// Where.
    pub rect: Rect,
    /// Operator names: `flatMap · map` when folded.
    pub title: String,
    /// Second line, when it has one: `rdd-41 · 6 parts`.
    pub subtitle: String,
    /// Batch.
    pub batch: Option<BatchId>,
    /// RDDs it stands for, in data order; the last one is stored.
    pub rdds: Vec<RddId>,
    /// Cells when there are at most eight partitions, else empty.
    pub cells: Vec<Cell>,
    /// Counts per sign, always.
    pub counts: Vec<(Sign, u32)>,
    /// On the way back since the last fault.
    pub on_path: bool,
    /// Name for assistive technology and tests: `updateStateByKey, batch 8, 2 computing again, 4 in memory`.
    pub label: String,
}

/// What an edge is.
#[derive(Clone, Debug, PartialEq)]
pub enum EdgeKind {
    /// One parent partition to one child partition.
    Narrow,
    /// A shuffle: one tick per map output.
    Fan(Vec<Tick>),
    /// State or window reaching back to an earlier column.
    Thread,
    /// From a checkpoint file to the node it feeds.
    FromCheckpoint,
}

/// One map output on a fan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tick {
    /// Not written.
    Absent,
    /// There.
    Present,
    /// Written again since the last fault.
    Rewritten,
    /// Lost and not yet replaced.
    Lost,
}

/// A line from one node to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    /// Index of the upstream node.
    pub from: usize,
    /// Index of the downstream node.
    pub to: usize,
    /// What it is.
    pub kind: EdgeKind,
    /// Polyline from the border of `from` to the border of `to`.
    pub points: Vec<Pos2>,
    /// Behind a cut.
    pub ghost: bool,
    /// On the way back since the last fault.
    pub on_path: bool,
}

/// A column or band with its heading.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// `batch 8`, `iteration 3`.
    pub title: String,
    /// `running`, `waiting`, empty.
    pub note: String,
    /// Where.
    pub rect: Rect,
    /// Batch.
    pub batch: Option<BatchId>,
}

/// The dashed corner around a checkpointed node.
#[derive(Clone, Debug, PartialEq)]
pub struct Cut {
    /// Around what.
    pub around: Rect,
    /// `26 RDDs no longer needed`.
    pub note: String,
}

/// The scene of a model: the loom for a streaming program, else the layered layout of its operators.
/// [`SceneCache`] gives the same scene and keeps positions while a graph grows.
pub fn build(model: &Model, filter: &Filter) -> Scene {
    build_from(model, filter, &mut Memory::default())
}

/// What is kept from scene to scene. A loom needs none of it.
#[derive(Clone, Debug, Default)]
struct Memory {
    /// Where everything is.
    placement: Arc<layout::Placement>,
    /// What was derived from the structure of the lineage, and which.
    structure: Option<(u64, Arc<layered::Structure>)>,
}

/// The scene, with its nodes where they were.
fn build_from(model: &Model, filter: &Filter, memory: &mut Memory) -> Scene {
    if !model.streams.streams.is_empty() {
        return loom::build(model, filter);
    }
    let structure = match &memory.structure {
        Some((of, structure)) if *of == model.structure() => Arc::clone(structure),
        _ => Arc::new(layered::Structure::new(model)),
    };
    memory.structure = Some((model.structure(), Arc::clone(&structure)));
    let (scene, placement) = layered::build(model, &structure, &memory.placement);
    memory.placement = placement;
    scene
}

#[cfg(test)]
mod tests;
