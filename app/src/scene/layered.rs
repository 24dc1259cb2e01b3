//! The scene of a program without batches: operators in layers from top to bottom, and from left to
//! right by iteration where scopes count iterations.

use super::cuts::{Room, add_files};
use super::edges::{self, Direction, Link};
use super::facts::{self, KeyOf};
use super::groups::{Group, Groups, groups};
use super::layout::{self, LayoutEdge, LayoutNode, LayoutRequest, Placement};
use super::metrics::*;
use super::nodes::{NodeSpec, operator_node};
use super::{Column, Node, NodeKey, NodeLook, Scene};
use crate::model::Model;
use emath::{Rect, Vec2};
use faultline_engine::ids::*;
use std::sync::Arc;

/// Heading of the band of what is made before or outside all iterations.
const UNSCOPED: &str = "input";

/// What only changes with the structure of the lineage: which boxes there are, their words, and how
/// they are joined. Facts about partitions come and go without it.
#[derive(Clone, Debug)]
pub(super) struct Structure {
    groups: Groups,
    links: Vec<Link>,
    request: LayoutRequest,
    words: Vec<Words>,
}

/// What is written on a box.
#[derive(Clone, Debug)]
struct Words {
    title: String,
    subtitle: String,
    names: String,
}

impl Structure {
    /// The structure of a model.
    pub fn new(model: &Model) -> Self {
        let groups = groups(model);
        let links = edges::links(model, groups.groups.iter().map(|g| g.rdds.as_slice()));
        let words = |g: &Group| Words { title: g.title(), subtitle: g.subtitle(), names: g.names() };
        let words: Vec<Words> = groups.groups.iter().map(words).collect();
        let request = request(model, &groups, &links, &words);
        Self { groups, links, request, words }
    }
}

/// The scene, with everything that `placed` knows where it was.
pub(super) fn build(model: &Model, structure: &Structure, placed: &Arc<Placement>) -> (Scene, Arc<Placement>) {
    let Structure { groups, links, request, words } = structure;
    let boxes: Vec<(NodeKey, usize)> = request.nodes.iter().map(|n| (n.key, n.band)).collect();
    let placement = if placed.is_of(request) { Arc::clone(placed) } else { layout::place(request.clone(), placed) };
    let mut scene = Scene { revision: model.revision, ..Scene::default() };
    let places: Vec<&str> = groups.groups.iter().map(|g| groups.bands[g.band].as_str()).collect();
    for (((group, &(key, _)), place), words) in groups.groups.iter().zip(&boxes).zip(&places).zip(words) {
        let spec = NodeSpec {
            key,
            rect: placement.rect(key).unwrap_or(Rect::ZERO),
            title: words.title.clone(),
            subtitle: words.subtitle.clone(),
            names: &words.names,
            place,
            batch: group.batch,
            rdds: group.rdds.clone(),
        };
        scene.nodes.push(operator_node(model, spec));
    }
    let below: Vec<(Room, &OperatorName, &str)> =
        groups.groups.iter().zip(&places).map(|(g, place)| (Room::Gap, &g.operators[0], *place)).collect();
    add_files(model, &mut scene, &below);
    for link in links {
        let ((from, left), (to, right)) = (boxes[link.from], boxes[link.to]);
        let direction = if left == right { Direction::Down } else { Direction::Sideways };
        let points = placement.route(from, to).to_vec();
        let edge = edges::edge(model, &scene.nodes, link, direction, points);
        scene.edges.push(edge);
    }
    scene.columns = columns(groups, &placement, &scene.nodes);
    let drawn = scene.nodes.iter().map(|n| n.rect).chain(scene.columns.iter().map(|c| c.rect));
    let lines = scene.edges.iter().filter(|e| !e.points.is_empty()).map(|e| Rect::from_points(&e.points));
    scene.bounds = drawn.chain(lines).reduce(Rect::union);
    scene.focus = focus(&scene).or(scene.bounds);
    (scene, placement)
}

/// What the layout needs to know, and nothing that changes while positions need not.
fn request(model: &Model, groups: &Groups, links: &[Link], words: &[Words]) -> LayoutRequest {
    let nodes = groups
        .groups
        .iter()
        .zip(words)
        .map(|(group, words)| {
            let last = group.rdds.last().and_then(|id| model.rdds.get(id));
            let partitions = last.map_or(0, |r| r.info.num_partitions);
            LayoutNode {
                key: facts::key(KeyOf::Operator, &group.operators[0], group.batch),
                size: Vec2::new(node_width(&words.title, partitions), NODE_HEIGHT),
                band: group.band,
            }
        })
        .collect();
    let edges = links.iter().map(|l| LayoutEdge { from: l.from, to: l.to, fan: !l.shuffles.is_empty() }).collect();
    LayoutRequest { bands: groups.bands.clone(), nodes, edges }
}

/// One column per band, where scopes make bands.
fn columns(groups: &Groups, placement: &Placement, nodes: &[Node]) -> Vec<Column> {
    if !groups.has_bands() {
        return Vec::new();
    }
    let mut columns: Vec<Column> = groups
        .bands
        .iter()
        .filter_map(|name| {
            let rect = placement.band(name)?.expand(COLUMN_PAD);
            let title = if name.is_empty() { UNSCOPED } else { name };
            let running = nodes.iter().any(|n| n.look == NodeLook::Running && rect.contains_rect(n.rect));
            let note = if running { "running" } else { "" };
            Some(Column { title: title.to_owned(), note: note.to_owned(), rect, batch: None })
        })
        .collect();
    let top = columns.iter().map(|c| c.rect.top()).fold(f32::INFINITY, f32::min);
    let bottom = columns.iter().map(|c| c.rect.bottom()).fold(f32::NEG_INFINITY, f32::max);
    for column in &mut columns {
        column.rect.min.y = top;
        column.rect.max.y = bottom;
    }
    columns.sort_by(|a, b| a.rect.left().total_cmp(&b.rect.left()));
    columns
}

/// The columns in which something is computed, or without columns the nodes.
fn focus(scene: &Scene) -> Option<Rect> {
    let running = scene.nodes.iter().filter(|n| n.look == NodeLook::Running).map(|n| n.rect).reduce(Rect::union)?;
    let around = scene.columns.iter().filter(|c| c.rect.x_range().intersects(running.x_range()));
    if scene.columns.is_empty() { scene.bounds } else { around.map(|c| c.rect).reduce(Rect::union) }
}
