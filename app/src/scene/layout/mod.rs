//! Layered layout: ranks, order, coordinates, polylines, and positions that stay.
//!
//! [`layered`] is the generic core (Sugiyama's four steps); [`stable::place`] pins its results from one
//! request to the next. Knows sizes and edges only: no RDDs, no model. Nothing here recurses, and every
//! sweep is bounded, so a graph of any shape costs O((V + E) log V) per sweep.

mod order;
mod place;
mod rank;
mod route;
mod stable;

pub(super) use route::around;
pub use stable::{LayoutEdge, LayoutNode, LayoutRequest, Placement, place};

use emath::{Pos2, Vec2};

/// Nodes up to which long edges get dummy nodes and neighbours are transposed: both make small graphs
/// much better and cost too much on big ones.
pub const SMALL_GRAPH_NODES: usize = 2_000;

/// Distances and bounds of a layered layout.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Least distance between neighbours of a rank.
    pub node_gap: f32,
    /// Distance between two ranks.
    pub rank_gap: f32,
    /// Distance above a rank that some edge in `fans` enters.
    pub fan_gap: f32,
    /// Indices of the edges that need `fan_gap`.
    pub fans: Vec<usize>,
    /// Barycentre sweeps, down and up in turn.
    pub sweeps: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { node_gap: 36.0, rank_gap: 36.0, fan_gap: 84.0, fans: Vec::new(), sweeps: 12 }
    }
}

/// Where the nodes and edges of a graph are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layered {
    /// Top left corner of every node.
    pub positions: Vec<Pos2>,
    /// Rank of every node, from 0 at the top.
    pub ranks: Vec<u32>,
    /// One polyline per edge, from the bottom of its source to the top of its target. An edge that
    /// closes a cycle goes up instead, and a loop has no points.
    pub polylines: Vec<Vec<Pos2>>,
    /// Width and height of everything.
    pub size: Vec2,
}

/// A layered layout from top to bottom of nodes with these sizes. Edges out of range are ignored, and
/// so are, for the ranks, edges that close a cycle.
pub fn layered(sizes: &[(f32, f32)], edges: &[(usize, usize)], options: &Options) -> Layered {
    let n = sizes.len();
    if n == 0 {
        return Layered { polylines: vec![Vec::new(); edges.len()], ..Layered::default() };
    }
    let ranking = rank::rank(n, edges);
    let mut layers = order::Layers::new(sizes, edges, &ranking);
    layers.reduce_crossings(options.sweeps);
    let tops = place::rank_tops(sizes, edges, &ranking.ranks, options);
    let lefts = place::lefts(&layers, options.node_gap);
    let positions: Vec<Pos2> = (0..n).map(|v| Pos2::new(lefts[v], tops.top[ranking.ranks[v] as usize])).collect();
    let polylines = route::polylines(sizes, edges, &positions, &lefts, &layers, &tops);
    let width = (0..n).map(|v| positions[v].x + sizes[v].0).fold(0.0, f32::max);
    let height = (0..n).map(|v| positions[v].y + sizes[v].1).fold(0.0, f32::max);
    Layered { positions, ranks: ranking.ranks, polylines, size: Vec2::new(width, height) }
}

#[cfg(test)]
mod tests;
