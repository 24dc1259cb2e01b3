//! The far view: all nodes and edges in one mesh, without text, so that ten thousand nodes cost less
//! than a millisecond.

use super::camera::View;
use super::edge_shape::line_color;
use crate::scene::{EdgeKind, NodeLook, Scene};
use crate::theme::Tokens;
use crate::ui::cell;
use egui::epaint::Mesh;
use egui::{Color32, Pos2, Rect, Vec2};

/// The mesh of what is visible.
pub fn mesh(scene: &Scene, canvas: Rect, clip: Rect, view: View, t: &Tokens) -> Mesh {
    let mut mesh = Mesh::default();
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
