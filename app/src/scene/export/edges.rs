//! Edges as SVG: lines, state threads, and fans with a tick per map output.

use super::Palette;
use crate::scene::metrics::{CELL, CELL_GAP, NODE_PAD};
use crate::scene::{Edge, EdgeKind, Scene, Tick};
use emath::{Pos2, Rect, Vec2, pos2, vec2};
use std::fmt::{Result, Write};

/// With more map outputs a fan is one line with a summary, as in the window.
const TICKS_MAX: usize = 12;
/// From the parent to its ticks.
const TICK_AT: f32 = 8.0;

/// One edge.
pub(super) fn put_edge(out: &mut String, scene: &Scene, edge: &Edge, p: &Palette) -> Result {
    let (Some(from), [first, .., last]) = (scene.nodes.get(edge.from), edge.points.as_slice()) else { return Ok(()) };
    match &edge.kind {
        EdgeKind::Fan(ticks) if !ticks.is_empty() && ticks.len() <= TICKS_MAX => {
            put_fan(out, edge, ticks, from.rect, (*first, *last), p)
        }
        _ => put_line(out, edge, p),
    }
}

fn color<'a>(edge: &Edge, p: &'a Palette) -> &'a str {
    match edge.kind {
        _ if edge.ghost => &p.line,
        _ if edge.on_path && edge.kind != EdgeKind::FromCheckpoint => &p.again,
        EdgeKind::FromCheckpoint => &p.checkpoint,
        EdgeKind::Thread if edge.points.len() == 2 => &p.text,
        EdgeKind::Thread => &p.text_soft,
        EdgeKind::Narrow | EdgeKind::Fan(_) => &p.first_time,
    }
}

fn put_line(out: &mut String, edge: &Edge, p: &Palette) -> Result {
    let color = color(edge, p);
    let (width, head) = match edge.kind {
        EdgeKind::Thread if edge.points.len() == 2 => (4.0, 14.0),
        EdgeKind::Thread => (2.5, 11.0),
        EdgeKind::FromCheckpoint => (3.0, 0.0),
        EdgeKind::Narrow | EdgeKind::Fan(_) => (1.5, 9.0),
    };
    let mut points = edge.points.clone();
    let last = points.len() - 1;
    let (tip, before) = (points[last], points[last - 1]);
    let along = (tip - before).normalized();
    let has_head = head > 0.0 && !edge.ghost && along != Vec2::ZERO;
    if has_head {
        points[last] = tip - along * head * 0.8;
    }
    let points: Vec<String> = points.iter().map(|at| format!("{},{}", at.x, at.y)).collect();
    let dashes = if edge.ghost && edge.kind == EdgeKind::Thread { r#" stroke-dasharray="6 6""# } else { "" };
    writeln!(
        out,
        r#"<polyline points="{}" fill="none" stroke="{color}" stroke-width="{width}"{dashes}/>"#,
        points.join(" ")
    )?;
    if has_head { put_head(out, tip, along, head, color) } else { Ok(()) }
}

fn put_head(out: &mut String, tip: Pos2, along: Vec2, length: f32, color: &str) -> Result {
    let side = along.rot90() * length * 0.52;
    let base = tip - along * length;
    let (a, b) = (base + side, base - side);
    writeln!(out, r#"<path d="M{} {}L{} {}L{} {}z" fill="{color}"/>"#, tip.x, tip.y, a.x, a.y, b.x, b.y)
}

fn put_fan(out: &mut String, edge: &Edge, ticks: &[Tick], from: Rect, ends: (Pos2, Pos2), p: &Palette) -> Result {
    let (first, tip) = ends;
    let down = first.y >= from.bottom() - 1.0;
    let along = if down { vec2(0.0, 1.0) } else { vec2(1.0, 0.0) };
    let reach = (tip - first).dot(along).abs();
    let head = if edge.ghost { 0.0 } else { 12.0 };
    let joint = tip - along * head * 0.8;
    let plain = if edge.ghost { &p.line } else { &p.first_time };
    let again = |tick: Tick| !edge.ghost && matches!(tick, Tick::Lost | Tick::Rewritten);
    let starts = starts(from, ticks.len(), down);
    // Orange curves last, so that no grey one crosses them.
    for orange in [false, true] {
        for (start, tick) in starts.iter().zip(ticks).filter(|(_, tick)| again(**tick) == orange) {
            let (color, width) = if orange { (&p.again, 2.0) } else { (plain, 1.1) };
            let (a, b) = (*start + along * reach * 0.55, joint - along * reach * 0.55);
            writeln!(
                out,
                r#"<path d="M{} {}C{} {} {} {} {} {}" fill="none" stroke="{color}" stroke-width="{width}"/>"#,
                start.x, start.y, a.x, a.y, b.x, b.y, joint.x, joint.y
            )?;
            if !edge.ghost {
                put_tick(out, *tick, *start + along * TICK_AT, along, p)?;
            }
        }
    }
    if head > 0.0 { put_head(out, tip, along, head, plain) } else { Ok(()) }
}

fn starts(from: Rect, count: usize, down: bool) -> Vec<Pos2> {
    let count_f = count.max(1) as f32;
    if down {
        let pitch = ((from.width() - 2.0 * NODE_PAD) / count_f).min(CELL + CELL_GAP);
        let side = CELL.min(pitch * 0.82);
        let left = from.left() + NODE_PAD + side / 2.0;
        return (0..count).map(|i| pos2(left + pitch * i as f32, from.bottom())).collect();
    }
    let pitch = (from.height() - CELL_GAP) / count_f;
    (0..count).map(|i| pos2(from.right(), from.top() + CELL_GAP / 2.0 + pitch * (i as f32 + 0.5))).collect()
}

/// A bar across the curve; two bars when written again; a cross when lost; nothing when absent.
fn put_tick(out: &mut String, tick: Tick, at: Pos2, along: Vec2, p: &Palette) -> Result {
    let across = along.rot90() * 4.2;
    let segment = |a: Pos2, b: Pos2| format!("M{} {}L{} {}", a.x, a.y, b.x, b.y);
    let bar = |at: Pos2| segment(at - across, at + across);
    let (d, color, width) = match tick {
        Tick::Absent => return Ok(()),
        Tick::Present => (bar(at), &p.memory, 3.2),
        Tick::Rewritten => (bar(at - along * 2.6) + &bar(at + along * 2.6), &p.again, 3.2),
        Tick::Lost => {
            let (a, b) = (vec2(3.6, 3.6), vec2(3.6, -3.6));
            (segment(at - a, at + a) + &segment(at - b, at + b), &p.lost, 2.0)
        }
    };
    writeln!(out, r#"<path d="{d}" fill="none" stroke="{color}" stroke-width="{width}"/>"#)
}
