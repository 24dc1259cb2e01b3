//! Status in a sign and a word. The signs are those of the charts.

use crate::model::Sign;
use crate::scene::charts::ChartMark;
use crate::theme::widgets::line_ui;
use crate::theme::{STEP, Tokens, text};
use crate::ui::cell;
use egui::{Color32, Pos2, Rect, Sense, Shape, Stroke, Ui, Vec2, vec2};

/// Radius of the marks in charts and tables.
pub(super) const RADIUS: f32 = 4.5;

/// A sign and a word in one line.
pub(super) fn status_ui(ui: &mut Ui, mark: ChartMark, open: bool, word: &str) {
    let t = Tokens::of(ui.ctx());
    ui.spacing_mut().item_spacing.x = STEP;
    let (rect, _) = ui.allocate_exact_size(vec2(3.0 * STEP, 3.0 * STEP), Sense::hover());
    let mut shapes = Vec::new();
    match mark {
        ChartMark::Recovered if open => square(rect, Sign::ComputingAgain, t, &mut shapes),
        ChartMark::Open if word.starts_with("waiting") => square(rect, Sign::NeverComputed, t, &mut shapes),
        ChartMark::Open => square(rect, Sign::Computing, t, &mut shapes),
        ChartMark::Recovered => diamond(rect.center(), t.again, &mut shapes),
        ChartMark::Failed => cross(rect.center(), t.lost, &mut shapes),
        ChartMark::Plain => tick(rect.center(), t.text_faint, &mut shapes),
    }
    ui.painter().extend(shapes);
    let color = if mark == ChartMark::Failed { t.lost } else { t.text };
    line_ui(ui, text::rich(word, text::regular(text::SMALL), color));
}

fn square(rect: Rect, sign: Sign, t: &Tokens, out: &mut Vec<Shape>) {
    cell::shapes(cell::plain(sign), Rect::from_center_size(rect.center(), Vec2::splat(12.0)), t, false, out);
}

/// Paid for a loss.
pub(super) fn diamond(at: Pos2, color: Color32, out: &mut Vec<Shape>) {
    let corners = [vec2(0.0, -RADIUS), vec2(RADIUS, 0.0), vec2(0.0, RADIUS), vec2(-RADIUS, 0.0)];
    out.push(Shape::convex_polygon(corners.map(|d| at + d).to_vec(), color, Stroke::NONE));
}

/// Failed.
pub(super) fn cross(at: Pos2, color: Color32, out: &mut Vec<Shape>) {
    let r = RADIUS * 0.8;
    for d in [vec2(r, r), vec2(r, -r)] {
        out.push(Shape::line_segment([at - d, at + d], Stroke::new(2.0, color)));
    }
}

fn tick(at: Pos2, color: Color32, out: &mut Vec<Shape>) {
    let points =
        vec![at + vec2(-RADIUS, 0.0), at + vec2(-RADIUS * 0.25, RADIUS * 0.7), at + vec2(RADIUS, -RADIUS * 0.7)];
    out.push(Shape::line(points, Stroke::new(1.5, color)));
}
