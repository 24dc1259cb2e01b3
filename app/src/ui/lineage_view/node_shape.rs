//! How egui_graphs draws a node: a box with a title and its partition cells.

use super::detail::{Detail, font_size};
use crate::model::Cell;
use crate::scene::{Node, NodeKey, NodeKind, NodeLook, Scene};
use crate::theme::{RADIUS, Tokens, text};
use crate::ui::cell;
use egui::epaint::{Mesh, StrokeKind};
use egui::{Color32, CornerRadius, Painter, Pos2, Rect, Shape, Stroke, Vec2, pos2, vec2};
use egui_graphs::{DisplayNode, DrawContext, NodeProps};
use petgraph::EdgeType;
use petgraph::graph::IndexType;
use std::sync::Arc;

/// Distance from a node's border to what it holds, at zoom 1.
const PADDING: f32 = 12.0;
/// Side of a cell and distance from one to the next, at zoom 1.
const CELL: f32 = 16.0;
const PITCH: f32 = 24.0;
/// From the upper border to the middle of the title, at zoom 1.
const TITLE_Y: f32 = 15.5;
/// Height on screen from which a checkpoint file has room for two lines.
const TWO_LINES_IN_FILE: f32 = 40.0;
/// Height from which a second line of words has its own row.
const TWO_LINES_FROM: f32 = 74.0;

/// A node on screen; shares the scene it belongs to.
#[derive(Clone)]
pub struct NodeShape {
    scene: Option<Arc<Scene>>,
    index: usize,
    rect: Rect,
    selected: bool,
    detail: Detail,
}

impl NodeShape {
    /// Shows so much of it from now on.
    pub fn set_detail(&mut self, detail: Detail) {
        self.detail = detail;
    }

    /// Shows node `index` of `scene` from now on.
    pub fn place(&mut self, scene: &Arc<Scene>, index: usize) {
        self.scene = Some(Arc::clone(scene));
        self.index = index;
        self.rect = scene.nodes.get(index).map_or(Rect::ZERO, |node| node.rect);
    }
}

impl From<NodeProps<NodeKey>> for NodeShape {
    fn from(_: NodeProps<NodeKey>) -> Self {
        Self { scene: None, index: 0, rect: Rect::ZERO, selected: false, detail: Detail::Full }
    }
}

impl<E: Clone, Ty: EdgeType, Ix: IndexType> DisplayNode<NodeKey, E, Ty, Ix> for NodeShape {
    fn closest_boundary_point(&self, dir: Vec2) -> Pos2 {
        let half = self.rect.size() / 2.0;
        let reach =
            |extent: f32, component: f32| if component == 0.0 { f32::INFINITY } else { extent / component.abs() };
        let scale = reach(half.x, dir.x).min(reach(half.y, dir.y));
        if scale.is_finite() { self.rect.center() + dir * scale } else { self.rect.center() }
    }

    fn shapes(&mut self, ctx: &DrawContext<'_>) -> Vec<Shape> {
        let (zoom, detail) = (ctx.meta.zoom, self.detail);
        if detail == Detail::Far {
            return Vec::new();
        }
        let rect = Rect::from_min_max(
            ctx.meta.canvas_to_screen_pos(self.rect.min),
            ctx.meta.canvas_to_screen_pos(self.rect.max),
        );
        if !ctx.painter.clip_rect().intersects(rect.expand(4.0)) {
            return Vec::new();
        }
        let Some(node) = self.scene.as_ref().and_then(|scene| scene.nodes.get(self.index)) else {
            return Vec::new();
        };
        let tokens = Tokens::of(ctx.ctx);
        let mut paint = NodePaint { painter: ctx.painter, tokens, node, rect, zoom, out: Vec::new() };
        paint.frame(self.selected);
        match (detail, node.kind) {
            (Detail::Full, NodeKind::CheckpointFile) => paint.checkpoint_file(),
            (Detail::Full, NodeKind::Operator) => paint.operator(),
            (Detail::Cells, _) => paint.cells(paint.rect.center().y),
            (Detail::Strips | Detail::Far, _) => paint.strip(),
        }
        paint.out
    }

    fn update(&mut self, state: &NodeProps<NodeKey>) {
        self.selected = state.selected;
    }

    fn is_inside(&self, pos: Pos2) -> bool {
        self.rect.contains(pos)
    }
}

/// Where the cells of a node are, in a row that starts at the padding; also where its fan starts.
pub fn cell_rects(rect: Rect, count: usize, zoom: f32, center_y: f32) -> impl Iterator<Item = Rect> {
    let room = rect.width() - 2.0 * PADDING * zoom;
    let pitch = (room / count.max(1) as f32).min(PITCH * zoom);
    let side = (CELL * zoom).min(pitch * 0.82).max(2.0);
    let left = rect.left() + PADDING * zoom;
    (0..count)
        .map(move |i| Rect::from_center_size(pos2(left + pitch * i as f32 + side / 2.0, center_y), Vec2::splat(side)))
}

/// Where the cells of a node are on screen, with their partitions; none where it shows no cells.
pub fn cell_places<'a>(node: &'a Node, rect: Rect, zoom: f32) -> impl Iterator<Item = (Cell, Rect)> + use<'a> {
    let y = match (Detail::at(zoom), node.kind) {
        (Detail::Full, NodeKind::Operator) => Some(cells_center(rect, zoom)),
        (Detail::Cells, _) => Some(rect.center().y),
        _ => None,
    };
    let cells = y.map(|y| node.cells.iter().copied().zip(cell_rects(rect, node.cells.len(), zoom, y)));
    cells.into_iter().flatten()
}

struct NodePaint<'a> {
    painter: &'a Painter,
    tokens: &'a Tokens,
    node: &'a Node,
    rect: Rect,
    zoom: f32,
    out: Vec<Shape>,
}

impl NodePaint<'_> {
    fn ghost(&self) -> bool {
        self.node.look == NodeLook::Ghost
    }

    fn frame(&mut self, selected: bool) {
        let t = self.tokens;
        let radius = CornerRadius::same((RADIUS * self.zoom).clamp(1.0, 14.0) as u8);
        let file = self.node.kind == NodeKind::CheckpointFile;
        if self.ghost() {
            let stroke = Stroke::new(1.0, t.line);
            let r = self.rect;
            let path = [r.left_top(), r.right_top(), r.right_bottom(), r.left_bottom(), r.left_top()];
            self.out.extend(Shape::dashed_line(&path, stroke, 4.0, 4.0));
        } else {
            self.out.push(Shape::rect_filled(self.rect, radius, if file { t.column } else { t.raised }));
            let (width, color) = match self.node.look {
                _ if file => (2.0, t.checkpoint),
                _ if self.node.on_path => (1.5, t.again),
                NodeLook::Running => (1.0, t.empty),
                _ => (1.0, t.line),
            };
            self.out.push(Shape::rect_stroke(self.rect, radius, Stroke::new(width, color), StrokeKind::Inside));
        }
        if selected {
            let stroke = Stroke::new(2.0, t.selection);
            self.out.push(Shape::rect_stroke(self.rect, radius, stroke, StrokeKind::Outside));
        }
    }

    fn operator(&mut self) {
        let t = self.tokens;
        let two_lines = !self.node.subtitle.is_empty() && self.rect.height() / self.zoom >= TWO_LINES_FROM;
        // Zoomed out, words shrink less than their node: they stay above the cells.
        let above_cells = self.cells_y() - CELL * self.zoom / 2.0 - font_size(13.0, self.zoom) * 0.62;
        let title_y = (self.rect.top() + TITLE_Y * self.zoom + 1.0).min(above_cells);
        let color = if self.ghost() { t.text_faint } else { t.text };
        self.words(&self.node.title, title_y, PADDING, text::semibold(font_size(13.0, self.zoom)), color);
        if two_lines {
            let y = title_y + font_size(13.0, self.zoom) * 1.35;
            self.words(&self.node.subtitle, y, PADDING, text::regular(font_size(12.0, self.zoom)), t.text_faint);
        }
        self.cells(self.cells_y());
    }

    fn cells_y(&self) -> f32 {
        cells_center(self.rect, self.zoom)
    }

    fn cells(&mut self, y: f32) {
        let ghost = self.ghost();
        if self.node.cells.is_empty() {
            self.counts(y);
            return;
        }
        for (cell, rect) in self.node.cells.iter().zip(cell_rects(self.rect, self.node.cells.len(), self.zoom, y)) {
            cell::shapes(*cell, rect, self.tokens, ghost, &mut self.out);
        }
    }

    /// One cell per sign with its count, for nodes with many partitions.
    fn counts(&mut self, y: f32) {
        let side = (CELL * self.zoom).max(6.0);
        let mut left = self.rect.left() + PADDING * self.zoom;
        for (sign, count) in &self.node.counts {
            let number =
                self.node_line(&count.to_string(), text::regular(font_size(12.0, self.zoom)), self.rect.width());
            if left + side + 4.0 + number.size().x > self.rect.right() - 4.0 {
                break;
            }
            let rect = Rect::from_min_size(pos2(left, y - side / 2.0), Vec2::splat(side));
            let sample = Cell { copies: 1, ..cell::plain(*sign) };
            cell::shapes(sample, rect, self.tokens, self.ghost(), &mut self.out);
            let at = pos2(left + side + 4.0, y - number.size().y / 2.0);
            left = at.x + number.size().x + 8.0 * self.zoom;
            self.out.push(Shape::galley(at, number, self.tokens.text_soft));
        }
    }

    fn checkpoint_file(&mut self) {
        let t = self.tokens;
        let side = CELL * self.zoom;
        let two_lines = !self.node.subtitle.is_empty() && self.rect.height() / self.zoom >= TWO_LINES_IN_FILE;
        let middle = self.rect.center().y;
        let first = if two_lines { middle - font_size(13.0, self.zoom) * 0.65 } else { middle };
        let rect =
            Rect::from_center_size(pos2(self.rect.left() + PADDING * self.zoom + side / 2.0, first), Vec2::splat(side));
        cell::shapes(cell::plain(crate::model::Sign::CheckpointPart), rect, t, self.ghost(), &mut self.out);
        let indent = PADDING + CELL + 8.0;
        self.words(&self.node.title, first, indent, text::semibold(font_size(13.0, self.zoom)), t.checkpoint);
        if two_lines {
            let y = middle + font_size(13.0, self.zoom) * 0.7;
            self.words(&self.node.subtitle, y, indent, text::regular(font_size(12.0, self.zoom)), t.text_faint);
        }
    }

    fn strip(&mut self) {
        let mut mesh = Mesh::default();
        let inset = vec2(self.rect.width() * 0.08, self.rect.height() * 0.3);
        let colors = cell::StripColors::of(self.tokens);
        colors.strip(&self.node.counts, self.rect.shrink2(inset), self.ghost(), 0.0, &mut mesh);
        self.out.push(Shape::mesh(mesh));
    }

    fn node_line(&self, words: &str, font: egui::FontId, width: f32) -> Arc<egui::Galley> {
        text::line(self.painter, words, font, self.tokens.text_soft, width)
    }

    fn words(&mut self, words: &str, y: f32, indent: f32, font: egui::FontId, color: Color32) {
        let left = self.rect.left() + indent * self.zoom;
        let galley = text::line(self.painter, words, font, color, self.rect.right() - 6.0 - left);
        let at = pos2(left, y - galley.size().y / 2.0);
        self.out.push(Shape::galley(at, galley, color));
    }
}

/// The middle of the row of cells of an operator.
fn cells_center(rect: Rect, zoom: f32) -> f32 {
    rect.bottom() - (PADDING - 4.0) * zoom - CELL * zoom / 2.0
}
