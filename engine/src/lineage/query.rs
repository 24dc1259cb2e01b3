//! Questions to a lineage: ancestors, the narrow closure of a stage, depth.

use super::LineageGraph;
use crate::event::DependencyKind;
use crate::ids::RddId;
use std::collections::{BTreeMap, BTreeSet};

impl LineageGraph {
    /// Every RDD reachable towards the sources, `id` included, in id order.
    pub fn ancestors(&self, id: RddId) -> BTreeSet<RddId> {
        self.walk(id, |_| true)
    }

    /// The RDDs that one stage computes: reachable over narrow dependencies only (R2.3).
    pub fn narrow_ancestors(&self, id: RddId) -> BTreeSet<RddId> {
        self.walk(id, |kind| !matches!(kind, DependencyKind::Shuffle { .. }))
    }

    fn walk(&self, id: RddId, follow: impl Fn(DependencyKind) -> bool) -> BTreeSet<RddId> {
        let mut seen = BTreeSet::new();
        let mut todo = vec![id];
        while let Some(id) = todo.pop() {
            let Some(info) = self.get(id) else { continue };
            if seen.insert(id) {
                todo.extend(info.parents.iter().filter(|p| follow(p.kind)).map(|p| p.rdd));
            }
        }
        seen
    }

    /// The longest dependency path from a source to `id`, in RDDs; 0 for an unknown RDD.
    ///
    /// Parents have lower ids than children, except the RDD that reads a checkpoint, which has no
    /// parents; so ascending id order with those first is a topological order.
    pub fn depth(&self, id: RddId) -> usize {
        let reach = self.ancestors(id);
        let mut order: Vec<_> = reach.iter().filter_map(|&r| self.get(r)).collect();
        order.sort_by_key(|info| (!info.parents.is_empty(), info.id));
        let mut depth: BTreeMap<RddId, usize> = BTreeMap::new();
        for info in order {
            let longest = info.parents.iter().filter_map(|p| depth.get(&p.rdd)).max().copied().unwrap_or(0);
            depth.insert(info.id, longest + 1);
        }
        depth.get(&id).copied().unwrap_or(0)
    }
}
