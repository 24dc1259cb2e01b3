//! How egui_graphs draws an edge: a line, a state thread, or a fan of map outputs.

use super::bridge::EdgeKey;
use super::detail::Detail;
use super::fan;
use super::node_shape::NodeShape;
use crate::scene::{Edge, EdgeKind, NodeKey, Scene};
use crate::theme::Tokens;
use egui::{Color32, Pos2, Rect, Shape, Stroke, Vec2};
use egui_graphs::{DisplayEdge, DrawContext, EdgeProps, MetadataFrame, Node};
use petgraph::EdgeType;
use petgraph::graph::IndexType;
use std::sync::Arc;

/// Room around an edge's points that its strokes and ticks may need, in points.
const MARGIN: f32 = 16.0;

/// An edge on screen; shares the scene it belongs to.
#[derive(Clone)]
pub struct EdgeShape {
    scene: Option<Arc<Scene>>,
    index: usize,
    detail: Detail,
}

impl EdgeShape {
    /// Shows so much of it from now on.
    pub fn set_detail(&mut self, detail: Detail) {
        self.detail = detail;
    }

    /// Shows edge `index` of `scene` from now on.
    pub fn place(&mut self, scene: &Arc<Scene>, index: usize) {
        self.scene = Some(Arc::clone(scene));
        self.index = index;
    }

    fn edge(&self) -> Option<(&Scene, &Edge)> {
        let scene = self.scene.as_deref()?;
        Some((scene, scene.edges.get(self.index)?))
    }
}

impl From<EdgeProps<EdgeKey>> for EdgeShape {
    fn from(_: EdgeProps<EdgeKey>) -> Self {
        Self { scene: None, index: 0, detail: Detail::Full }
    }
}

impl<Ty: EdgeType, Ix: IndexType> DisplayEdge<NodeKey, EdgeKey, Ty, Ix, NodeShape> for EdgeShape {
    fn shapes(
        &mut self,
        _: &Node<NodeKey, EdgeKey, Ty, Ix, NodeShape>,
        _: &Node<NodeKey, EdgeKey, Ty, Ix, NodeShape>,
        ctx: &DrawContext<'_>,
    ) -> Vec<Shape> {
        let detail = self.detail;
        if detail == Detail::Far {
            return Vec::new();
        }
        let Some((scene, edge)) = self.edge() else { return Vec::new() };
        if edge.points.len() < 2 {
            return Vec::new();
        }
        let from = scene.nodes.get(edge.from).map(|node| on_screen(ctx.meta, node.rect));
        let mut bounds = on_screen(ctx.meta, Rect::from_points(&edge.points));
        if let (EdgeKind::Fan(_), Some(from)) = (&edge.kind, from) {
            // A fan starts along the whole width of its parent.
            bounds = bounds.union(from);
        }
        if !ctx.painter.clip_rect().intersects(bounds.expand(MARGIN)) {
            return Vec::new();
        }
        let points: Vec<Pos2> = edge.points.iter().map(|p| ctx.meta.canvas_to_screen_pos(*p)).collect();
        let tokens = Tokens::of(ctx.ctx);
        let mut out = Vec::new();
        match (&edge.kind, from) {
            (EdgeKind::Fan(ticks), Some(from)) if detail == Detail::Full && ticks.len() <= fan::MAX_TICKS => {
                fan::curves(edge, ticks, from, &points, ctx.meta.zoom, tokens, &mut out);
                if points.len() > 2 {
                    arrow(edge, points[1..].to_vec(), ctx.meta.zoom, tokens, &mut out);
                }
            }
            (EdgeKind::Fan(ticks), _) => {
                arrow(edge, points, ctx.meta.zoom, tokens, &mut out);
                fan::summary(edge, ticks, ctx.meta, tokens, &mut out);
            }
            _ => arrow(edge, points, ctx.meta.zoom, tokens, &mut out),
        }
        out
    }

    fn update(&mut self, _: &EdgeProps<EdgeKey>) {}

    fn is_inside(
        &self,
        _: &Node<NodeKey, EdgeKey, Ty, Ix, NodeShape>,
        _: &Node<NodeKey, EdgeKey, Ty, Ix, NodeShape>,
        _: Pos2,
    ) -> bool {
        // Edges are not clickable: what can be asked about an edge is answered at its nodes.
        false
    }
}

/// A rectangle of the scene on screen.
pub fn on_screen(meta: &MetadataFrame, rect: Rect) -> Rect {
    Rect::from_min_max(meta.canvas_to_screen_pos(rect.min), meta.canvas_to_screen_pos(rect.max))
}

/// A thread to the neighbouring column is the spine of the picture; one that goes around others steps
/// back.
fn is_straight(edge: &Edge) -> bool {
    edge.points.len() == 2
}

/// The colour of a line: orange only on the way back.
pub fn line_color(edge: &Edge, t: &Tokens) -> Color32 {
    match edge.kind {
        _ if edge.ghost => t.line,
        _ if edge.on_path && edge.kind != EdgeKind::FromCheckpoint => t.again,
        EdgeKind::FromCheckpoint => t.checkpoint,
        EdgeKind::Thread if is_straight(edge) => t.text,
        EdgeKind::Thread => t.text_soft,
        EdgeKind::Narrow | EdgeKind::Fan(_) => t.first_time,
    }
}

fn arrow(edge: &Edge, mut points: Vec<Pos2>, zoom: f32, t: &Tokens, out: &mut Vec<Shape>) {
    let color = line_color(edge, t);
    let (width, head) = match edge.kind {
        EdgeKind::Thread if is_straight(edge) => (4.0, 14.0),
        EdgeKind::Thread => (2.5, 11.0),
        EdgeKind::FromCheckpoint => (3.0, 0.0),
        EdgeKind::Narrow | EdgeKind::Fan(_) => (1.5, 9.0),
    };
    let stroke = Stroke::new((width * zoom).clamp(0.75, width * 1.5), color);
    let head = if edge.ghost { 0.0 } else { head * zoom };
    let last = points.len() - 1;
    let (tip, before) = (points[last], points[last - 1]);
    if head >= 3.0 && (tip - before).length() > 0.5 {
        let direction = (tip - before).normalized();
        points[last] = tip - direction * head * 0.8;
        arrow_head(tip, direction, head, color, out);
    }
    if edge.ghost && edge.kind == EdgeKind::Thread {
        out.extend(Shape::dashed_line(&points, stroke, 6.0, 6.0));
    } else if points.len() == 2 {
        out.push(Shape::line_segment([points[0], points[1]], stroke));
    } else {
        out.push(Shape::line(points, stroke));
    }
}

/// A filled triangle whose tip is at `tip`.
pub fn arrow_head(tip: Pos2, direction: Vec2, length: f32, color: Color32, out: &mut Vec<Shape>) {
    let side = direction.rot90() * length * 0.52;
    let base = tip - direction * length;
    out.push(Shape::convex_polygon(vec![tip, base + side, base - side], color, Stroke::NONE));
}
