//! A fate as a sign and a word, so that nobody has to tell colours apart.

use crate::model::Fate;
use crate::theme::widgets::line_ui;
use crate::theme::{STEP, Tokens, text};
use egui::{Color32, Pos2, Sense, Shape, Stroke, Ui, vec2};

/// Half the width of a sign.
const RADIUS: f32 = 4.5;

/// Colour of the words of a fate.
pub const fn color(fate: Fate, t: &Tokens) -> Color32 {
    match fate {
        Fate::Once => t.text,
        Fate::Duplicated => t.again_words,
        Fate::Lost => t.lost,
        Fate::Pending => t.text_soft,
    }
}

/// The sign, then `words`.
pub(super) fn fate_ui(ui: &mut Ui, fate: Fate, words: &str) {
    let t = Tokens::of(ui.ctx());
    ui.spacing_mut().item_spacing.x = STEP;
    let (rect, _) = ui.allocate_exact_size(vec2(3.0 * STEP, 3.0 * STEP), Sense::hover());
    let mut shapes = Vec::new();
    sign(fate, rect.center(), color(fate, t), &mut shapes);
    ui.painter().extend(shapes);
    line_ui(ui, text::rich(words, text::regular(text::SMALL), color(fate, t)));
}

/// A tick, two ticks, a cross, or an open ring.
fn sign(fate: Fate, at: Pos2, color: Color32, out: &mut Vec<Shape>) {
    let line = Stroke::new(1.5, color);
    let tick = |at: Pos2| {
        let points = [vec2(-RADIUS, 0.0), vec2(-RADIUS * 0.25, RADIUS * 0.7), vec2(RADIUS, -RADIUS * 0.7)];
        Shape::line(points.map(|d| at + d).to_vec(), line)
    };
    match fate {
        Fate::Once => out.push(tick(at)),
        Fate::Duplicated => out.extend([tick(at - vec2(0.0, 2.5)), tick(at + vec2(0.0, 2.5))]),
        Fate::Lost => {
            let r = RADIUS * 0.8;
            for d in [vec2(r, r), vec2(r, -r)] {
                out.push(Shape::line_segment([at - d, at + d], Stroke::new(2.0, color)));
            }
        }
        Fate::Pending => out.push(Shape::circle_stroke(at, RADIUS * 0.8, line)),
    }
}
