//! One sign for each way in which an executor stands, told apart by shape alone.

use crate::model::Condition;
use crate::theme::Tokens;
use egui::{Pos2, Shape, Stroke, Vec2, vec2};

/// How an executor stands, as its card says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    /// It works.
    Up,
    /// It works, or not, in a special way.
    Special(Condition),
    /// It is gone, with what it held.
    Lost,
    /// It is gone, and what it held is elsewhere.
    Left,
}

/// Appends the sign, inside a circle of `radius`.
pub(super) fn sign(stand: Stand, center: Pos2, radius: f32, t: &Tokens, out: &mut Vec<Shape>) {
    let (c, r) = (center, radius);
    let at = |x: f32, y: f32| c + vec2(x * r, y * r);
    let stroke = |color| Stroke::new(1.5, color);
    match stand {
        Stand::Up => out.push(Shape::circle_filled(c, r * 0.8, t.memory)),
        Stand::Lost => {
            for y in [-0.8, 0.8] {
                out.push(Shape::line_segment([at(-0.8, -y), at(0.8, y)], Stroke::new(2.0, t.lost)));
            }
        }
        Stand::Left => arrow(&at, stroke(t.text_faint), out),
        Stand::Special(Condition::Decommissioning) => arrow(&at, stroke(t.text), out),
        Stand::Special(Condition::Paused) => {
            for x in [-0.45, 0.45] {
                out.push(Shape::line_segment([at(x, -0.8), at(x, 0.8)], Stroke::new(2.5, t.text)));
            }
        }
        Stand::Special(Condition::Slow) => {
            let glass = |y: f32| vec![at(-0.75, y), at(0.75, y), c];
            out.push(Shape::convex_polygon(glass(-0.9), t.text, Stroke::NONE));
            out.push(Shape::closed_line(glass(0.9), stroke(t.text)));
        }
        Stand::Special(Condition::Excluded | Condition::ExcludedFromStage) => {
            out.push(Shape::circle_stroke(c, r * 0.85, stroke(t.text)));
            let slash = Vec2::angled(std::f32::consts::FRAC_PI_4) * r * 0.85;
            out.push(Shape::line_segment([c - slash, c + slash], stroke(t.text)));
        }
    }
}

/// Out of the door.
fn arrow(at: &dyn Fn(f32, f32) -> Pos2, stroke: Stroke, out: &mut Vec<Shape>) {
    out.push(Shape::line_segment([at(-1.0, 0.0), at(0.9, 0.0)], stroke));
    out.push(Shape::line(vec![at(0.2, -0.7), at(0.95, 0.0), at(0.2, 0.7)], stroke));
    out.push(Shape::line_segment([at(-1.0, -0.9), at(-1.0, 0.9)], stroke));
}
