//! The scene of a program without batches: operators in layers from top to bottom, and from left to
//! right by iteration where scopes count iterations.

use super::cuts::{Room, add_files};
use super::edges::{self, Direction, Link};
use super::facts::{self, KeyOf};
use super::groups::{Groups, groups};
use super::layout::{self, LayoutEdge, LayoutNode, LayoutRequest, Placement};
use super::metrics::*;
use super::nodes::{NodeSpec, operator_node};
use super::{Column, NodeLook, Scene};
use crate::model::Model;
use emath::{Rect, Vec2};
use faultline_engine::ids::*;

/// Heading of the band of what is made before or outside all iterations.
const UNSCOPED: &str = "input";

/// The scene, with everything that `placed` knows where it was.
pub(super) fn build(model: &Model, placed: &Placement) -> (Scene, Placement) {
    let groups = groups(model);
    let links = edges::links(model, groups.groups.iter().map(|g| g.rdds.as_slice()));
    let request = request(model, &groups, &links);
    let placement = layout::place(&request, placed);
    let mut scene = Scene { revision: model.revision, ..Scene::default() };
    let places: Vec<&str> = groups.groups.iter().map(|g| groups.bands[g.band].as_str()).collect();
    for ((group, node), place) in groups.groups.iter().zip(&request.nodes).zip(&places) {
        let names = group.names();
        let rect = placement.rect(node.key).unwrap_or(Rect::ZERO);
        let spec = NodeSpec {
            key: node.key,
            rect,
            title: group.title(),
            subtitle: group.subtitle(),
            names: &names,
            place,
            batch: group.batch,
            rdds: group.rdds.clone(),
        };
        scene.nodes.push(operator_node(model, spec));
    }
    let below: Vec<(Room, &OperatorName, &str)> =
        groups.groups.iter().zip(&places).map(|(g, place)| (Room::Gap, &g.operators[0], *place)).collect();
    add_files(model, &mut scene, &below);
    for link in &links {
        let (a, b) = (&request.nodes[link.from], &request.nodes[link.to]);
        let direction = if a.band == b.band { Direction::Down } else { Direction::Sideways };
        let points = placement.route(a.key, b.key).to_vec();
        let edge = edges::edge(model, &scene.nodes, link, direction, points);
        scene.edges.push(edge);
    }
    scene.columns = columns(&groups, &placement);
    let boxes = scene.nodes.iter().map(|n| n.rect).chain(scene.columns.iter().map(|c| c.rect));
    scene.bounds = boxes.reduce(Rect::union);
    scene.focus = focus(&scene).or(scene.bounds);
    (scene, placement)
}

/// What the layout needs to know, and nothing that changes while positions need not.
fn request(model: &Model, groups: &Groups, links: &[Link]) -> LayoutRequest {
    let nodes = groups
        .groups
        .iter()
        .map(|group| {
            let last = group.rdds.last().and_then(|id| model.rdds.get(id));
            let partitions = last.map_or(0, |r| r.info.num_partitions);
            LayoutNode {
                key: facts::key(KeyOf::Operator, &group.operators[0], group.batch),
                size: Vec2::new(node_width(&group.title(), partitions), NODE_HEIGHT),
                band: group.band,
            }
        })
        .collect();
    let edges =
        links.iter().map(|l| LayoutEdge { from: l.from, to: l.to, fan: !l.shuffles.is_empty() }).collect();
    LayoutRequest { bands: groups.bands.clone(), nodes, edges }
}

/// One column per band, where scopes make bands.
fn columns(groups: &Groups, placement: &Placement) -> Vec<Column> {
    if !groups.has_bands() {
        return Vec::new();
    }
    let mut columns: Vec<Column> = groups
        .bands
        .iter()
        .filter_map(|name| {
            let rect = placement.band(name)?.expand(COLUMN_PAD);
            let title = if name.is_empty() { UNSCOPED } else { name };
            Some(Column { title: title.to_owned(), note: String::new(), rect, batch: None })
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
