//! The far view: all nodes and edges in one mesh, without text, so that ten thousand nodes cost less
//! than a millisecond.

use super::camera::View;
use super::edge_shape::line_color;
use crate::scene::{EdgeKind, NodeLook, Scene};
use crate::theme::Tokens;
use crate::ui::{ViewCtx, cell};
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

/// The mesh of what is visible.
fn mesh(scene: &Scene, canvas: Rect, clip: Rect, view: View, t: &Tokens) -> Mesh {
    let mut mesh = Mesh::default();
    // Four corners for a box and as many for an edge, and room for two signs.
    let quads = scene.edges.len() + 3 * scene.nodes.len();
    mesh.reserve_vertices(4 * quads);
    mesh.reserve_triangles(2 * quads);
    for edge in &scene.edges {
        let (Some(first), Some(last)) = (edge.points.first(), edge.points.last()) else { continue };
        let ends = [view.pos(canvas, *first), view.pos(canvas, *last)];
        if clip.intersects(Rect::from_two_pos(ends[0], ends[1])) {
            let width = if edge.kind == EdgeKind::Thread { 1.0 } else { 0.6 };
            line(&mut mesh, ends, width, line_color(edge, t).gamma_multiply(0.7));
        }
    }
    for node in &scene.nodes {
        let rect = view.rect(canvas, node.rect);
        let rect = Rect::from_center_size(rect.center(), rect.size().max(Vec2::splat(1.5)));
        if !clip.intersects(rect) {
            continue;
        }
        let border = if node.on_path { t.again } else { t.line };
        mesh.add_colored_rect(rect, border);
        cell::strip(&node.counts, rect.shrink(rect.height() * 0.15), t, node.look == NodeLook::Ghost, &mut mesh);
    }
    mesh
}

fn line(mesh: &mut Mesh, [from, to]: [Pos2; 2], width: f32, color: Color32) {
    let side = (to - from).normalized().rot90() * width * 0.5;
    let first = mesh.vertices.len() as u32;
    for corner in [from + side, from - side, to - side, to + side] {
        mesh.colored_vertex(corner, color);
    }
    mesh.add_triangle(first, first + 1, first + 2);
    mesh.add_triangle(first, first + 2, first + 3);
}
