//! The lineage as plain data: RDDs and their dependencies in a petgraph `StableDiGraph`.
//!
//! Edges point from parent to child, the way data flows. The graph holds no closures, so events can
//! carry its nodes, and the driver and the app hold the same type. Every walk is iterative with a
//! visited set (R1.9).

mod debug_string;
mod query;

pub use debug_string::{BlockSummary, Detail, debug_string, spark_bytes, to_debug_string};

use crate::event::{DependencyKind, RddInfo};
use crate::ids::RddId;
use petgraph::stable_graph::{NodeIndex, StableDiGraph};
use std::collections::BTreeMap;

/// RDDs and dependencies, by id.
#[derive(Clone, Debug, Default)]
pub struct LineageGraph {
    graph: StableDiGraph<RddInfo, DependencyKind>,
    index: BTreeMap<RddId, NodeIndex>,
}

impl LineageGraph {
    /// Adds an RDD and the edges from those of its parents that are known. Adding it again replaces
    /// its description and its edges: a checkpoint changes the parents of an RDD.
    pub fn insert(&mut self, info: RddInfo) {
        let parents = info.parents.clone();
        let id = info.id;
        let node = if let Some(&node) = self.index.get(&id) {
            self.graph[node] = info;
            let old: Vec<_> = self
                .graph
                .edges_directed(node, petgraph::Direction::Incoming)
                .map(|e| petgraph::visit::EdgeRef::id(&e))
                .collect();
            for edge in old {
                self.graph.remove_edge(edge);
            }
            node
        } else {
            let node = self.graph.add_node(info);
            self.index.insert(id, node);
            node
        };
        for parent in parents {
            if let Some(&p) = self.index.get(&parent.rdd) {
                self.graph.add_edge(p, node, parent.kind);
            }
        }
    }

    /// Forgets an RDD and its edges.
    pub fn remove(&mut self, id: RddId) -> Option<RddInfo> {
        let node = self.index.remove(&id)?;
        self.graph.remove_node(node)
    }

    /// The RDD's description.
    pub fn get(&self, id: RddId) -> Option<&RddInfo> {
        self.index.get(&id).map(|&n| &self.graph[n])
    }

    /// The RDD's description, to change.
    pub fn get_mut(&mut self, id: RddId) -> Option<&mut RddInfo> {
        self.index.get(&id).map(|&n| &mut self.graph[n])
    }

    /// Whether the RDD is known.
    pub fn contains(&self, id: RddId) -> bool {
        self.index.contains_key(&id)
    }

    /// All RDDs in id order.
    pub fn rdds(&self) -> impl Iterator<Item = &RddInfo> {
        self.index.values().map(|&n| &self.graph[n])
    }

    /// How many RDDs.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// The petgraph itself, for algorithms.
    pub fn graph(&self) -> &StableDiGraph<RddInfo, DependencyKind> {
        &self.graph
    }

    /// Children of an RDD, in id order.
    pub fn children(&self, id: RddId) -> Vec<RddId> {
        let Some(&node) = self.index.get(&id) else { return Vec::new() };
        let mut children: Vec<_> = self.graph.neighbors(node).map(|n| self.graph[n].id).collect();
        children.sort_unstable();
        children.dedup();
        children
    }
}
