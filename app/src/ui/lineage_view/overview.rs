//! The far view: all nodes and edges in one mesh, without text, so that ten thousand nodes cost less
//! than a millisecond.

use super::camera::View;
use super::edge_shape::line_color;
use crate::scene::{EdgeKind, NodeLook, Scene};
use crate::theme::Tokens;
use crate::ui::ViewCtx;
use crate::ui::cell::StripColors;
use egui::epaint::Mesh;
use egui::{Color32, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, Vec2};

/// Paints what is visible, and a frame around the selected node.
pub fn paint(painter: &Painter, ctx: &ViewCtx<'_>, canvas: Rect, view: View, t: &Tokens) {
    painter.add(Shape::mesh(mesh(ctx.scene, canvas, painter.clip_rect(), view, t)));
    let selected = ctx.selection.and_then(|key| ctx.scene.nodes.iter().find(|node| node.key == key));
    if let Some(node) = selected {
        let stroke = Stroke::new(2.0, t.selection);
        painter.rect_stroke(view.rect(canvas, node.rect).expand(1.0), 1.0, stroke, StrokeKind::Outside);
    }
}

/// Below this height a box has no border: it would hide what the strip says.
const BORDER_FROM: f32 = 8.0;
/// Edges shorter than this on screen are no more than the gap that they bridge.
const EDGE_FROM: f32 = 4.0;
/// A part of a strip that is narrower than this would be a line between two others.
const PART_FROM: f32 = 5.0;

/// The mesh of what is visible.
fn mesh(scene: &Scene, canvas: Rect, clip: Rect, view: View, t: &Tokens) -> Mesh {
    let mut mesh = Mesh::default();
    // Four corners for an edge, and for about three parts of a strip.
    let quads = scene.edges.len() + 3 * scene.nodes.len();
    mesh.reserve_vertices(4 * quads);
    mesh.reserve_triangles(2 * quads);
    for edge in &scene.edges {
        let (Some(first), Some(last)) = (edge.points.first(), edge.points.last()) else { continue };
        let ends = [view.pos(canvas, *first), view.pos(canvas, *last)];
        let seen = clip.intersects(Rect::from_two_pos(ends[0], ends[1]));
        if seen && ends[0].distance_sq(ends[1]) >= EDGE_FROM * EDGE_FROM {
            let width = if edge.kind == EdgeKind::Thread { 1.0 } else { 0.6 };
            line(&mut mesh, ends, width, line_color(edge, t).gamma_multiply(0.7));
        }
    }
    let palette = StripColors::of(t);
    for node in &scene.nodes {
        let rect = view.rect(canvas, node.rect);
        let rect = Rect::from_center_size(rect.center(), rect.size().max(Vec2::splat(1.5)));
        if !clip.intersects(rect) {
            continue;
        }
        let bordered = rect.height() >= BORDER_FROM || node.on_path || node.counts.is_empty();
        if bordered {
            mesh.add_colored_rect(rect, if node.on_path { t.again } else { t.line });
        }
        let inside = if bordered { rect.shrink(rect.height() * 0.15) } else { rect };
        palette.strip(&node.counts, inside, node.look == NodeLook::Ghost, PART_FROM, &mut mesh);
    }
    mesh
}

fn line(mesh: &mut Mesh, [from, to]: [Pos2; 2], width: f32, color: Color32) {
    let along = to - from;
    let half = width * 0.5 / along.length_sq().sqrt().max(f32::MIN_POSITIVE);
    let side = along.rot90() * half;
    let first = mesh.vertices.len() as u32;
    for corner in [from + side, from - side, to - side, to + side] {
        mesh.colored_vertex(corner, color);
    }
    mesh.add_triangle(first, first + 1, first + 2);
    mesh.add_triangle(first, first + 2, first + 3);
}
