//! A shuffle: one curve per map output from its partition to the child, each with a tick that says
//! whether the map output is there.

use super::edge_shape::{arrow_head, line_color};
use super::node_shape::cell_rects;
use crate::scene::{Edge, Tick};
use crate::theme::Tokens;
use egui::epaint::{CubicBezierShape, Mesh};
use egui::{Color32, Pos2, Rect, Shape, Stroke, Vec2, pos2, vec2};
use egui_graphs::MetadataFrame;

/// With more map outputs a fan is one line with a summary.
pub const MAX_TICKS: usize = 12;

/// Distance from the parent to its ticks, at zoom 1.
const TICK_AT: f32 = 8.0;

/// A fan seen from near. When its child is not right below, the curves meet at the first corner, and one
/// line goes on from there.
pub fn curves(edge: &Edge, ticks: &[Tick], from: Rect, points: &[Pos2], zoom: f32, t: &Tokens, out: &mut Vec<Shape>) {
    let (tip, goes_on) = if points.len() > 2 { (points[1], true) } else { (points[points.len() - 1], false) };
    let down = points[0].y >= from.bottom() - 1.0;
    let along = if down { vec2(0.0, 1.0) } else { vec2(1.0, 0.0) };
    let starts = starts(from, ticks.len(), zoom, down);
    let reach = (tip - points[0]).dot(along).abs();
    let head = if edge.ghost || goes_on { 0.0 } else { 12.0 * zoom };
    let joint = tip - along * head * 0.8;
    let color = line_color(&Edge { on_path: false, ..edge.clone() }, t);
    // Orange curves last, so that no grey one crosses them.
    let again = |tick: Tick| !edge.ghost && matches!(tick, Tick::Lost | Tick::Rewritten);
    for orange in [false, true] {
        for (start, tick) in starts.iter().zip(ticks).filter(|(_, tick)| again(**tick) == orange) {
            let width = if orange { 2.0 } else { 1.1 };
            let stroke = Stroke::new(width * zoom.clamp(0.7, 1.3), if orange { t.again } else { color });
            let bend = reach * 0.55;
            let controls = [*start, *start + along * bend, joint - along * bend, joint];
            out.push(CubicBezierShape::from_points_stroke(controls, false, Color32::TRANSPARENT, stroke).into());
            if !edge.ghost {
                mark(*tick, *start + along * TICK_AT * zoom, along, zoom, t, out);
            }
        }
    }
    if head > 0.0 {
        arrow_head(tip, along, head, color, out);
    }
}

/// A fan seen from afar, or of many map outputs: the shares of present, rewritten and lost ones.
pub fn summary(edge: &Edge, ticks: &[Tick], meta: &MetadataFrame, t: &Tokens, out: &mut Vec<Shape>) {
    let written: Vec<Tick> = ticks.iter().copied().filter(|tick| *tick != Tick::Absent).collect();
    if edge.ghost || written.is_empty() {
        return;
    }
    let center = meta.canvas_to_screen_pos(edge.points[0].lerp(edge.points[1], 0.3));
    let size = vec2((48.0 * meta.zoom).max(8.0), (4.0 * meta.zoom).clamp(2.0, 5.0));
    let bar = Rect::from_center_size(center, size);
    let mut mesh = Mesh::default();
    let mut left = bar.left();
    for kind in [Tick::Present, Tick::Rewritten, Tick::Lost] {
        let share = written.iter().filter(|tick| **tick == kind).count() as f32 / written.len() as f32;
        let part = Rect::from_min_size(pos2(left, bar.top()), vec2(bar.width() * share, bar.height()));
        mesh.add_colored_rect(part, tick_color(kind, t));
        left = part.right();
    }
    out.push(Shape::mesh(mesh));
}

fn starts(from: Rect, count: usize, zoom: f32, down: bool) -> Vec<Pos2> {
    if down {
        return cell_rects(from, count, zoom, from.bottom()).map(|cell| cell.center()).collect();
    }
    let pitch = (from.height() - 8.0 * zoom) / count.max(1) as f32;
    (0..count).map(|i| pos2(from.right(), from.top() + 4.0 * zoom + pitch * (i as f32 + 0.5))).collect()
}

const fn tick_color(tick: Tick, t: &Tokens) -> Color32 {
    match tick {
        Tick::Absent => t.empty,
        Tick::Present => t.memory,
        Tick::Rewritten => t.again,
        Tick::Lost => t.lost,
    }
}

/// A bar across the curve; two bars when written again; a cross when lost; nothing when absent.
pub(in crate::ui) fn mark(tick: Tick, at: Pos2, along: Vec2, zoom: f32, t: &Tokens, out: &mut Vec<Shape>) {
    let color = tick_color(tick, t);
    let across = along.rot90() * 4.2 * zoom;
    let stroke = Stroke::new((3.2 * zoom).clamp(1.5, 5.0), color);
    let bar = |at: Pos2| Shape::line_segment([at - across, at + across], stroke);
    match tick {
        Tick::Absent => {}
        Tick::Present => out.push(bar(at)),
        Tick::Rewritten => out.extend([bar(at - along * 2.6 * zoom), bar(at + along * 2.6 * zoom)]),
        Tick::Lost => {
            let stroke = Stroke::new((2.0 * zoom).clamp(1.2, 3.0), color);
            let r = 3.6 * zoom;
            for d in [vec2(r, r), vec2(r, -r)] {
                out.push(Shape::line_segment([at - d, at + d], stroke));
            }
        }
    }
}
