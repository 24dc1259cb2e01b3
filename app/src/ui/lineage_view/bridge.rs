//! Scene → egui_graphs: the only place that translates between the two, in both directions.
//!
//! Payloads are `Copy` keys and the display types share the scene, because egui_graphs clones both
//! end nodes of every edge in every frame.

use super::detail::Detail;
use super::edge_shape::EdgeShape;
use super::node_shape::NodeShape;
use crate::scene::{NodeKey, Scene};
use egui::Vec2;
use egui_graphs::{GraphChange, Layout, LayoutState};
use petgraph::Directed;
use petgraph::stable_graph::{DefaultIx, EdgeIndex, NodeIndex};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What identifies an edge across scenes: its ends, and which of their edges it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct EdgeKey {
    from: NodeKey,
    to: NodeKey,
    ordinal: u32,
}

/// The graph as egui_graphs holds it.
pub type ViewGraph = egui_graphs::Graph<NodeKey, EdgeKey, Directed, DefaultIx, NodeShape, EdgeShape>;

/// The widget that shows it.
pub type View = egui_graphs::GraphView<PlacedState, Placed>;

/// What the user did inside the widget.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Gesture {
    /// Moved the view: the new offset.
    Panned(Vec2),
    /// Changed the scale.
    Zoomed(f32),
}

/// Keeps the graph of egui_graphs in step with the scene.
#[derive(Default)]
pub struct Bridge {
    graph: ViewGraph,
    /// What egui_graphs shows when one mesh shows everything: nothing, which can be panned and zoomed.
    crowd: ViewGraph,
    /// The scene that `graph` is in step with.
    synced: Option<Arc<Scene>>,
    nodes: BTreeMap<NodeKey, NodeIndex>,
    edges: BTreeMap<EdgeKey, EdgeIndex>,
    /// How much of each is drawn; unknown to those that are new.
    detail: Option<Detail>,
    selected: Option<NodeKey>,
}

impl Bridge {
    /// The graph that egui_graphs is to show: in step with the scene, unless a mesh shows it. egui_graphs
    /// walks every node and edge in every frame, whatever they draw.
    pub fn graph(&mut self, scene: &Arc<Scene>, selection: Option<NodeKey>, detail: Detail) -> &mut ViewGraph {
        if detail == Detail::Far {
            return &mut self.crowd;
        }
        if !self.synced.as_ref().is_some_and(|synced| Arc::ptr_eq(synced, scene)) {
            self.sync(scene, selection);
            self.synced = Some(Arc::clone(scene));
        }
        self.select(selection);
        self.set_detail(detail);
        &mut self.graph
    }

    /// Takes over a scene; nodes and edges that stay keep their index.
    fn sync(&mut self, scene: &Arc<Scene>, selection: Option<NodeKey>) {
        self.detail = None;
        self.selected = selection;
        let mut old_nodes = std::mem::take(&mut self.nodes);
        let mut old_edges = std::mem::take(&mut self.edges);
        for (index, node) in scene.nodes.iter().enumerate() {
            let at = old_nodes.remove(&node.key).unwrap_or_else(|| self.graph.add_node(node.key));
            self.nodes.insert(node.key, at);
            if let Some(shown) = self.graph.node_mut(at) {
                shown.set_location(node.rect.center());
                shown.set_selected(selection == Some(node.key));
                shown.display_mut().place(scene, index);
            }
        }
        for (index, edge) in scene.edges.iter().enumerate() {
            let (Some(from), Some(to)) = (scene.nodes.get(edge.from), scene.nodes.get(edge.to)) else { continue };
            let mut key = EdgeKey { from: from.key, to: to.key, ordinal: 0 };
            while self.edges.contains_key(&key) {
                key.ordinal += 1;
            }
            let at = old_edges
                .remove(&key)
                .unwrap_or_else(|| self.graph.add_edge(self.nodes[&from.key], self.nodes[&to.key], key));
            self.edges.insert(key, at);
            if let Some(shown) = self.graph.edge_mut(at) {
                shown.display_mut().place(scene, index);
            }
        }
        // Edges first: removing a node removes its edges, and their indices with them.
        for at in old_edges.into_values() {
            self.graph.remove_edge(at);
        }
        for at in old_nodes.into_values() {
            self.graph.remove_node(at);
        }
    }

    /// Marks the selected node.
    fn select(&mut self, selection: Option<NodeKey>) {
        let before = std::mem::replace(&mut self.selected, selection);
        if before == selection {
            return;
        }
        for (key, selected) in [(before, false), (selection, true)] {
            let at = key.and_then(|key| self.nodes.get(&key));
            if let Some(node) = at.and_then(|at| self.graph.node_mut(*at)) {
                node.set_selected(selected);
            }
        }
    }

    /// Draws so much of everything from now on.
    fn set_detail(&mut self, detail: Detail) {
        if self.detail.replace(detail) == Some(detail) {
            return;
        }
        for at in self.nodes.values() {
            if let Some(node) = self.graph.node_mut(*at) {
                node.display_mut().set_detail(detail);
            }
        }
        for at in self.edges.values() {
            if let Some(edge) = self.graph.edge_mut(*at) {
                edge.display_mut().set_detail(detail);
            }
        }
    }

    /// What the changes of one frame mean.
    pub fn gestures(changes: &[GraphChange]) -> Vec<Gesture> {
        let translate = |change: &GraphChange| match change {
            GraphChange::Panned { new_pan, .. } => Some(Gesture::Panned(*new_pan)),
            GraphChange::Zoomed { new_zoom, .. } => Some(Gesture::Zoomed(*new_zoom)),
            _ => None,
        };
        changes.iter().filter_map(translate).collect()
    }
}

/// A layout that moves nothing: the scene has placed every node.
#[derive(Debug, Default)]
pub struct Placed;

/// The state of [`Placed`]: none.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PlacedState;

impl LayoutState for PlacedState {}

impl Layout<PlacedState> for Placed {
    fn from_state(_: PlacedState) -> impl Layout<PlacedState> {
        Self
    }

    fn next<N, E, Ty, Ix, Dn, De>(&mut self, _: &mut egui_graphs::Graph<N, E, Ty, Ix, Dn, De>, _: &egui::Ui)
    where
        N: Clone,
        E: Clone,
        Ty: petgraph::EdgeType,
        Ix: petgraph::graph::IndexType,
        Dn: egui_graphs::DisplayNode<N, E, Ty, Ix>,
        De: egui_graphs::DisplayEdge<N, E, Ty, Ix, Dn>,
    {
    }

    fn state(&self) -> PlacedState {
        PlacedState
    }
}
