//! Which boxes are joined, and by what: the dependencies of their RDDs, merged per pair of boxes.

use super::{Edge, EdgeKind, Node, NodeLook, facts};
use crate::model::Model;
use emath::Pos2;
use faultline_engine::event::DependencyKind;
use faultline_engine::ids::*;
use std::collections::{BTreeMap, HashMap};

/// Dependencies from one box to another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Link {
    /// Index of the upstream box.
    pub from: usize,
    /// Index of the downstream box.
    pub to: usize,
    /// Shuffles among them with their map-side RDDs; none means narrow.
    pub shuffles: Vec<(ShuffleId, RddId)>,
    /// Whether they are all from before a checkpoint cut them.
    pub cut: bool,
}

/// The links between boxes, each given by its RDDs. Dependencies on RDDs in no box are left out.
pub(super) fn links<'a>(model: &Model, boxes: impl Iterator<Item = &'a [RddId]> + Clone) -> Vec<Link> {
    let owner: HashMap<RddId, usize> =
        boxes.clone().enumerate().flat_map(|(i, rdds)| rdds.iter().map(move |&r| (r, i))).collect();
    let mut links: BTreeMap<(usize, usize), Link> = BTreeMap::new();
    for (to, rdds) in boxes.enumerate() {
        for rdd in rdds.iter().filter_map(|id| model.rdds.get(id)) {
            let now = rdd.info.parents.iter().map(|d| (d, false));
            for (dependency, cut) in now.chain(rdd.cut_parents.iter().map(|d| (d, true))) {
                let Some(&from) = owner.get(&dependency.rdd).filter(|&&from| from != to) else { continue };
                let link = links.entry((to, from)).or_insert(Link { from, to, shuffles: Vec::new(), cut: true });
                link.cut &= cut;
                if let DependencyKind::Shuffle { shuffle } = dependency.kind
                    && !link.shuffles.contains(&(shuffle, dependency.rdd))
                {
                    link.shuffles.push((shuffle, dependency.rdd));
                }
            }
        }
    }
    links.into_values().collect()
}

/// The edge that draws a link between nodes along `points`.
pub(super) fn edge(model: &Model, nodes: &[Node], link: &Link, direction: Direction, points: Vec<Pos2>) -> Edge {
    let (from, to) = (&nodes[link.from], &nodes[link.to]);
    let kind = match direction {
        Direction::Back => EdgeKind::Thread,
        Direction::Sideways if link.shuffles.is_empty() => EdgeKind::Thread,
        Direction::Down if link.shuffles.is_empty() => EdgeKind::Narrow,
        Direction::Down | Direction::Sideways => EdgeKind::Fan(facts::ticks(model, &link.shuffles)),
    };
    Edge {
        from: link.from,
        to: link.to,
        kind,
        points,
        ghost: link.cut || from.look == NodeLook::Ghost || to.look == NodeLook::Ghost,
        on_path: !link.cut && from.on_path && to.on_path,
    }
}

/// Where an edge leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// Within its column.
    Down,
    /// From an earlier batch: always a thread.
    Back,
    /// From another band: a thread when narrow.
    Sideways,
}
