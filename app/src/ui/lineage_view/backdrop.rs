//! What lies behind and above the graph: batch columns with headings, shuffle lines, cuts.

use super::camera::View;
use super::detail::{Detail, font_size};
use crate::scene::metrics::HEADER;
use crate::scene::{Cut, NodeKind, Scene};
use crate::theme::{RADIUS, Tokens, text};
use egui::{Align2, Painter, Pos2, Rect, Stroke, pos2, vec2};

/// Paints what lies behind the nodes.
pub fn paint_behind(painter: &Painter, scene: &Scene, canvas: Rect, view: View, t: &Tokens) {
    let live = scene.columns.iter().rposition(|column| column.note == "running");
    for (index, column) in scene.columns.iter().enumerate() {
        let rect = view.rect(canvas, column.rect);
        if !painter.clip_rect().intersects(rect) {
            continue;
        }
        let fill = if live == Some(index) { t.column_live } else { t.column };
        painter.rect_filled(rect, RADIUS * 1.25 * view.zoom, fill);
        heading(painter, &column.title, &column.note, rect, view, live == Some(index), t);
    }
    for y in &scene.shuffle_lines {
        let y = view.pos(canvas, pos2(0.0, *y)).y;
        let across = canvas.x_range();
        let dashes =
            egui::Shape::dashed_line(&[pos2(across.min, y), pos2(across.max, y)], Stroke::new(1.5, t.line), 3.0, 4.0);
        painter.extend(dashes);
    }
}

fn heading(painter: &Painter, title: &str, note: &str, rect: Rect, view: View, live: bool, t: &Tokens) {
    if Detail::at(view.zoom) < Detail::Cells || rect.width() < 56.0 {
        return;
    }
    let size = font_size(13.0, view.zoom);
    let pad = 12.0 * view.zoom;
    let y = rect.top() + HEADER * view.zoom / 2.0;
    let (font, color) = if live { (text::semibold(size), t.text) } else { (text::regular(size), t.text_soft) };
    let used = text::paint_line(painter, pos2(rect.left() + pad, y), title, font, color, rect.width() - 2.0 * pad);
    let room = rect.width() - 2.0 * pad - used - 8.0;
    let color = if live { t.computing_words } else { t.text_faint };
    let galley = text::line(painter, note, text::semibold(font_size(12.5, view.zoom)), color, room);
    if !note.is_empty() && room > 40.0 {
        let at = pos2(rect.right() - pad - galley.size().x, y - galley.size().y / 2.0);
        painter.galley(at, galley, color);
    }
}

/// Paints what lies above the edges: the cuts with their notes, and the names of shuffle lines.
pub fn paint_above(painter: &Painter, scene: &Scene, canvas: Rect, view: View, t: &Tokens) {
    for cut in &scene.cuts {
        paint_cut(painter, scene, cut, canvas, view, t);
    }
    if Detail::at(view.zoom) < Detail::Cells {
        return;
    }
    for y in &scene.shuffle_lines {
        // Above the line: a cut's own word stands below it.
        let at = pos2(canvas.left() + 8.0, view.pos(canvas, pos2(0.0, *y)).y - 4.0);
        let galley = text::line(painter, "shuffle", text::regular(text::SMALLEST), t.text_faint, 80.0);
        let label = Rect::from_min_size(at - vec2(0.0, galley.size().y), galley.size());
        painter.rect_filled(label.expand2(vec2(4.0, 0.0)), 4.0, t.background);
        painter.galley(label.min, galley, t.text_faint);
    }
}

fn paint_cut(painter: &Painter, scene: &Scene, cut: &Cut, canvas: Rect, view: View, t: &Tokens) {
    let around = view.rect(canvas, cut.around);
    let wide = around.expand2(vec2(canvas.width(), 0.0));
    if !painter.clip_rect().intersects(wide) {
        return;
    }
    let stroke = Stroke::new((2.0 * view.zoom).clamp(1.0, 3.0), t.checkpoint);
    let path = [around.left_bottom(), around.left_top(), around.right_top()];
    painter.extend(egui::Shape::dashed_line(&path, stroke, 6.0 * view.zoom.max(0.5), 5.0 * view.zoom.max(0.5)));
    if Detail::at(view.zoom) < Detail::Full {
        return;
    }
    let size = font_size(12.5, view.zoom);
    let label_at = around.left_top() + vec2(4.0, -4.0 * view.zoom);
    painter.text(label_at, Align2::LEFT_BOTTOM, "cut", text::semibold(size), t.checkpoint);
    let (at, room) = note_place(scene, cut, canvas, view);
    text::paint_line(painter, at, &cut.note, text::regular(size), t.checkpoint, room);
}

/// Right of the checkpoint file below the cut node, else below the node; and the room up to the next
/// node of that row.
fn note_place(scene: &Scene, cut: &Cut, canvas: Rect, view: View) -> (Pos2, f32) {
    let below = |rect: Rect| rect.top() >= cut.around.center().y && rect.x_range().intersects(cut.around.x_range());
    let file = scene.nodes.iter().find(|n| n.kind == NodeKind::CheckpointFile && below(n.rect)).map(|n| n.rect);
    let at = match file {
        Some(file) => pos2(file.right() + 10.0, file.center().y),
        None => pos2(cut.around.left(), cut.around.bottom() + 8.0),
    };
    let blocking = |rect: Rect| rect.left() > at.x && rect.y_range().contains(at.y);
    let end = scene.nodes.iter().map(|n| n.rect).filter(|r| blocking(*r)).map(|r| r.left()).reduce(f32::min);
    (view.pos(canvas, at), (end.unwrap_or(at.x + 240.0) - at.x - 8.0).max(0.0) * view.zoom)
}
