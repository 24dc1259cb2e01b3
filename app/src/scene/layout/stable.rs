//! Positions that stay: what was placed keeps its place, new nodes take free slots or a new band.
//!
//! Re-running a layered layout with the old positions as seeds moves nodes more, not less; so a
//! [`Placement`] is carried from request to request and pins every position it ever gave.
//! Bands stand side by side from left to right, each with a layered layout of its own from top to
//! bottom; a graph without bands is one band.

use super::route::{ENTER, LEAVE, around};
use super::{Options, layered};
use crate::scene::NodeKey;
use crate::scene::metrics::{BAND_GAP, FAN_GAP, HEADER, NODE_GAP, ROW_GAP};
use emath::{Pos2, Rect, Vec2};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is to be placed. Equal requests have equal layouts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LayoutRequest {
    /// Names of the bands, left to right in the order of their first appearance.
    pub bands: Vec<String>,
    /// Nodes, parents before children as far as possible.
    pub nodes: Vec<LayoutNode>,
    /// Edges between nodes.
    pub edges: Vec<LayoutEdge>,
}

/// A box to place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayoutNode {
    /// Identity, by which it is pinned.
    pub key: NodeKey,
    /// Size wanted; a pinned node keeps the one it was placed with, and a late one fits into its band.
    pub size: Vec2,
    /// Index of its band.
    pub band: usize,
}

/// A line to place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayoutEdge {
    /// Index of the upstream node.
    pub from: usize,
    /// Index of the downstream node.
    pub to: usize,
    /// Whether it needs the room of a fan.
    pub fan: bool,
}

/// Where everything is, now and ever since the first request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Placement {
    rects: BTreeMap<NodeKey, Rect>,
    routes: BTreeMap<(NodeKey, NodeKey), Vec<Pos2>>,
    bands: BTreeMap<String, Band>,
    lanes: BTreeMap<NodeKey, usize>,
    request: Option<LayoutRequest>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Band {
    left: f32,
    right: f32,
    /// Occupied spans by the top of their row, in whole points; each sorted.
    rows: BTreeMap<i32, Vec<(f32, f32)>>,
    bottom: f32,
}

impl Placement {
    /// Whether it is of this request and would stay as it is.
    pub fn is_of(&self, request: &LayoutRequest) -> bool {
        self.request.as_ref() == Some(request)
    }

    /// Where a node is.
    pub fn rect(&self, key: NodeKey) -> Option<Rect> {
        self.rects.get(&key).copied()
    }

    /// The polyline from one node to another.
    pub fn route(&self, from: NodeKey, to: NodeKey) -> &[Pos2] {
        self.routes.get(&(from, to)).map_or(&[], Vec::as_slice)
    }

    /// The rectangle of a band, with its heading above y = 0.
    pub fn band(&self, name: &str) -> Option<Rect> {
        let band = self.bands.get(name)?;
        Some(Rect::from_min_max(Pos2::new(band.left, -HEADER), Pos2::new(band.right, band.bottom)))
    }
}

/// The placement of `request`, in which everything that `previous` placed stays where it was; `previous`
/// itself when it is of the same request.
pub fn place(request: LayoutRequest, previous: &Arc<Placement>) -> Arc<Placement> {
    if previous.request.as_ref() == Some(&request) {
        return Arc::clone(previous);
    }
    let mut next = Placement::clone(previous);
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); request.bands.len()];
    for (i, node) in request.nodes.iter().enumerate() {
        if let Some(band) = members.get_mut(node.band) {
            band.push(i);
        }
    }
    let mut local = vec![usize::MAX; request.nodes.len()];
    let mut incoming: Vec<Vec<LayoutEdge>> = vec![Vec::new(); request.nodes.len()];
    for edge in &request.edges {
        incoming[edge.to].push(*edge);
    }
    for (name, members) in request.bands.iter().zip(&members) {
        if members.is_empty() {
            continue;
        }
        if next.bands.contains_key(name) {
            for &i in members {
                next.add_to_band(name, &request, i, &incoming[i]);
            }
        } else {
            next.add_band(name, &request, members, &incoming, &mut local);
        }
    }
    for edge in &request.edges {
        next.add_route(&request, *edge);
    }
    next.request = Some(request);
    Arc::new(next)
}

impl Placement {
    /// Lays out a new band to the right of everything.
    fn add_band(
        &mut self,
        name: &str,
        request: &LayoutRequest,
        members: &[usize],
        incoming: &[Vec<LayoutEdge>],
        local: &mut [usize],
    ) {
        let left = self.bands.values().map(|b| b.right + BAND_GAP).fold(0.0, f32::max);
        for (at, &i) in members.iter().enumerate() {
            local[i] = at;
        }
        let inside: Vec<LayoutEdge> = members
            .iter()
            .flat_map(|&i| &incoming[i])
            .filter(|e| request.nodes[e.from].band == request.nodes[e.to].band)
            .copied()
            .collect();
        let edges: Vec<_> = inside.iter().map(|e| (local[e.from], local[e.to])).collect();
        let sizes: Vec<_> = members.iter().map(|&i| request.nodes[i].size.into()).collect();
        let options = Options {
            node_gap: NODE_GAP,
            rank_gap: ROW_GAP,
            fan_gap: FAN_GAP,
            fans: (0..inside.len()).filter(|&e| inside[e].fan).collect(),
            ..Options::default()
        };
        let layout = layered(&sizes, &edges, &options);
        let offset = Vec2::new(left, 0.0);
        self.bands.insert(name.to_owned(), Band { left, right: left, ..Band::default() });
        for (at, &i) in members.iter().enumerate() {
            let rect = Rect::from_min_size(layout.positions[at] + offset, request.nodes[i].size);
            self.occupy(name, request.nodes[i].key, rect);
        }
        for (edge, points) in inside.iter().zip(layout.polylines) {
            let key = (request.nodes[edge.from].key, request.nodes[edge.to].key);
            self.routes.insert(key, points.into_iter().map(|p| p + offset).collect());
        }
    }

    /// Puts a node that is not yet placed into the first row below its parents that has room.
    fn add_to_band(&mut self, name: &str, request: &LayoutRequest, i: usize, incoming: &[LayoutEdge]) {
        let node = request.nodes[i];
        if self.rects.contains_key(&node.key) {
            return;
        }
        let Some(band) = self.bands.get(name) else { return };
        let (mut lowest, mut centre, mut parents) = (0f32, 0f32, 0u32);
        for edge in incoming.iter().filter(|e| request.nodes[e.from].band == node.band && e.from != i) {
            if let Some(parent) = self.rects.get(&request.nodes[edge.from].key) {
                lowest = lowest.max(parent.bottom() + if edge.fan { FAN_GAP } else { ROW_GAP });
                centre += parent.center().x;
                parents += 1;
            }
        }
        let ideal = if parents == 0 { band.left } else { centre / parents as f32 - node.size.x / 2.0 };
        let limit = if self.bands.values().all(|b| b.left <= band.left) { f32::INFINITY } else { band.right };
        let size = Vec2::new(node.size.x.min(limit - band.left), node.size.y);
        let position = band.free_slot(size.x, lowest, ideal, limit);
        self.occupy(name, node.key, Rect::from_min_size(position, size));
    }

    fn occupy(&mut self, name: &str, key: NodeKey, rect: Rect) {
        self.rects.insert(key, rect);
        if let Some(band) = self.bands.get_mut(name) {
            band.right = band.right.max(rect.right());
            band.bottom = band.bottom.max(rect.bottom());
            let row = band.rows.entry(rect.top().round() as i32).or_default();
            let at = row.partition_point(|span| span.0 < rect.left());
            row.insert(at, (rect.left(), rect.right()));
        }
    }

    /// Routes an edge that has no route yet.
    fn add_route(&mut self, request: &LayoutRequest, edge: LayoutEdge) {
        let (a, b) = (request.nodes[edge.from], request.nodes[edge.to]);
        if edge.from == edge.to || self.routes.contains_key(&(a.key, b.key)) {
            return;
        }
        let (Some(from), Some(to)) = (self.rect(a.key), self.rect(b.key)) else { return };
        let names = (request.bands.get(a.band), request.bands.get(b.band));
        let (Some(left), Some(right)) =
            (names.0.and_then(|n| self.bands.get(n)), names.1.and_then(|n| self.bands.get(n)))
        else {
            return;
        };
        let points = if a.band == b.band {
            left.route_inside(from, to)
        } else if left.left < right.left && self.bands.values().all(|c| c.left <= left.left || c.left >= right.left) {
            let gutter = left.right + BAND_GAP / 2.0;
            let mut points = left.leave(from, gutter);
            points.extend(right.enter(to, gutter));
            points
        } else {
            let lane = self.lanes.get(&a.key).copied().unwrap_or(self.lanes.len());
            let y = -HEADER - LANE_PITCH * (lane + 1) as f32;
            let (out, back) = (left.right + BAND_GAP / 3.0, right.left - BAND_GAP / 3.0);
            let mut points = left.leave(from, out);
            points.push(Pos2::new(out, y));
            points.push(Pos2::new(back, y));
            points.extend(right.enter(to, back));
            self.lanes.insert(a.key, lane);
            points
        };
        self.routes.insert((a.key, b.key), points);
    }
}

/// Distance between the lanes above all bands, in which edges pass over bands. All edges of one
/// source share a lane.
const LANE_PITCH: f32 = 8.0;

impl Band {
    /// The free place nearest to `ideal` in the first row at or below `lowest` that has one.
    fn free_slot(&self, width: f32, lowest: f32, ideal: f32, limit: f32) -> Pos2 {
        for (&top, spans) in self.rows.range(lowest.ceil() as i32..) {
            let mut best: Option<f32> = None;
            let mut low = self.left;
            let ends = spans.iter().map(|s| (s.0 - NODE_GAP, s.1 + NODE_GAP)).chain([(limit, 0.0)]);
            for (high, next_low) in ends {
                if high - low >= width {
                    let x = ideal.clamp(low, high - width);
                    if best.is_none_or(|b| (x - ideal).abs() < (b - ideal).abs()) {
                        best = Some(x);
                    }
                }
                low = next_low;
            }
            if let Some(x) = best {
                return Pos2::new(x, top as f32);
            }
        }
        let x = ideal.min(limit - width).max(self.left);
        Pos2::new(x, lowest.max(self.bottom + ROW_GAP).ceil())
    }

    fn route_inside(&self, from: Rect, to: Rect) -> Vec<Pos2> {
        let (below, target) = (from.bottom().ceil() as i32, to.top().round() as i32);
        if below <= target && self.rows.range(below..target).next().is_none() {
            vec![from.center_bottom(), to.center_top()]
        } else {
            around(from, to, self.right + BAND_GAP / 4.0)
        }
    }

    fn row(&self, rect: Rect) -> &[(f32, f32)] {
        self.rows.get(&(rect.top().round() as i32)).map_or(&[], Vec::as_slice)
    }

    /// From a box of this band into the gutter at `x` on its right.
    fn leave(&self, from: Rect, x: f32) -> Vec<Pos2> {
        if self.row(from).last().is_none_or(|last| last.0 <= from.left()) {
            let y = from.center().y;
            vec![Pos2::new(from.right(), y), Pos2::new(x, y)]
        } else {
            let y = from.bottom() + LEAVE;
            vec![from.center_bottom(), Pos2::new(from.center().x, y), Pos2::new(x, y)]
        }
    }

    /// From the gutter at `x` on the left into a box of this band.
    fn enter(&self, to: Rect, x: f32) -> Vec<Pos2> {
        if self.row(to).first().is_none_or(|first| first.0 >= to.left()) {
            let y = to.center().y;
            vec![Pos2::new(x, y), Pos2::new(to.left(), y)]
        } else {
            let y = to.top() - ENTER;
            vec![Pos2::new(x, y), Pos2::new(to.center().x, y), to.center_top()]
        }
    }
}
