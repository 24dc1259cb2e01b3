//! What should be looked at: refused commands first, then the findings, each with its place and the
//! way out.

use super::ViewCtx;
use crate::command::{AppCommand, Focus};
use crate::model::lints::{FindingLine, LintCache, Severity};
use crate::model::{Model, Refusal};
use crate::theme::widgets::line_ui;
use crate::theme::{STEP, Tokens, format, text};
use egui::{
    Button, Color32, Label, Rect, ScrollArea, Sense, Shape, Stroke, Ui, Vec2, WidgetInfo, WidgetType, pos2, vec2,
};

/// Refused commands that are shown, the newest ones.
const REFUSALS_SHOWN: usize = 8;
const GLYPH: f32 = 16.0;

/// What the panel keeps between frames.
#[derive(Debug, Default)]
pub struct FindingsState {
    lints: LintCache,
}

impl FindingsState {
    /// How many lines the panel shows, for the title of its tab.
    pub fn count(&mut self, model: &Model) -> usize {
        self.lints.get(model).len() + model.refusals.len().min(REFUSALS_SHOWN)
    }
}

/// Fills the panel.
pub fn findings_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, state: &mut FindingsState) {
    let t = Tokens::of(ui.ctx());
    if state.count(ctx.model) == 0 {
        line_ui(ui, text::rich("Nothing to report", text::regular(text::SMALL), t.text));
        let words = "Long lineages, skew, missing copies and repeated work appear here when a job or a batch ends";
        ui.add(Label::new(text::rich(words, text::regular(text::SMALL), t.text_faint)).wrap());
        return;
    }
    ScrollArea::vertical().id_salt("findings").auto_shrink([false, false]).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = STEP;
        for refusal in ctx.model.refusals.iter().rev().take(REFUSALS_SHOWN) {
            refusal_ui(ui, ctx, refusal);
        }
        for line in state.lints.get(ctx.model) {
            finding_ui(ui, ctx, line);
        }
    });
}

fn refusal_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, refusal: &Refusal) {
    let t = Tokens::of(ui.ctx());
    let zero = ctx.model.application.started.unwrap_or(refusal.at);
    let at = format::seconds(refusal.at.ns_since(zero));
    entry_ui(ui, (Glyph::Barred, t.lost), "refused", &format!("{}: {}", refusal.command, refusal.reason), |ui| {
        line_ui(ui, text::rich(format!("at {at}"), text::regular(text::SMALL), t.text_faint));
    });
}

fn finding_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, line: &FindingLine) {
    let t = Tokens::of(ui.ctx());
    let sign = match line.severity {
        Severity::Problem => (Glyph::Triangle, t.lost),
        Severity::Warning => (Glyph::Diamond, t.again_words),
        Severity::Note => (Glyph::Circle, t.checkpoint),
    };
    entry_ui(ui, sign, line.severity.name(), &line.sentence, |ui| {
        place_ui(ui, ctx, line);
        if !line.remedy.is_empty() {
            let words = text::rich(&line.remedy, text::regular(text::SMALL), t.text_soft);
            line_ui(ui, words).on_hover_text(&line.remedy);
        }
    });
}

/// Where it is: a control when the window can show it.
fn place_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, line: &FindingLine) {
    let t = Tokens::of(ui.ctx());
    let words = text::rich(&line.place.words, text::regular(text::SMALL), t.text);
    let Some(block) = line.place.block.filter(|block| ctx.model.rdds.contains_key(&block.rdd)) else {
        line_ui(ui, words.color(t.text_faint)).on_hover_text(&line.place.words);
        return;
    };
    let response = ui.add(Button::new(words).small());
    let name = format!("Show {}, {}", line.place.words, line.kind);
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, &name));
    if response.on_hover_text("Show it in the lineage").clicked() {
        ctx.send.send(AppCommand::Focus(Focus::Partition(block)));
    }
}

/// Sign and word, the sentence, and below it what belongs to it.
fn entry_ui(ui: &mut Ui, (glyph, color): (Glyph, Color32), word: &str, sentence: &str, below: impl FnOnce(&mut Ui)) {
    let t = Tokens::of(ui.ctx());
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 2.0 * STEP;
        let (area, _) = ui.allocate_exact_size(vec2(GLYPH, 5.0 * STEP), Sense::hover());
        glyph.paint(ui, Rect::from_center_size(area.center(), Vec2::splat(GLYPH)), color);
        ui.allocate_ui(vec2(15.0 * STEP, 5.0 * STEP), |ui| {
            ui.set_width(15.0 * STEP);
            line_ui(ui, text::rich(word, text::semibold(text::SMALL), t.text_soft));
        });
        ui.vertical(|ui| {
            ui.add(Label::new(text::rich(sentence, text::regular(text::SMALL), t.text)).wrap());
            ui.horizontal(below);
        });
    });
    ui.add_space(STEP);
}

/// The sign of a severity: each has a shape of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Glyph {
    Triangle,
    Diamond,
    Circle,
    Barred,
}

impl Glyph {
    fn paint(self, ui: &Ui, rect: Rect, color: Color32) {
        let (c, r) = (rect.center(), rect.width() * 0.36);
        let stroke = Stroke::new(2.0, color);
        let painter = ui.painter();
        match self {
            Self::Triangle => {
                let corners = vec![pos2(c.x, c.y - r), pos2(c.x + r, c.y + r * 0.8), pos2(c.x - r, c.y + r * 0.8)];
                painter.add(Shape::convex_polygon(corners, color, Stroke::NONE));
            }
            Self::Diamond => {
                let corners = vec![pos2(c.x, c.y - r), pos2(c.x + r, c.y), pos2(c.x, c.y + r), pos2(c.x - r, c.y)];
                painter.add(Shape::convex_polygon(corners, color, Stroke::NONE));
            }
            Self::Circle => {
                painter.circle_stroke(c, r, stroke);
            }
            Self::Barred => {
                painter.circle_stroke(c, r, stroke);
                painter.line_segment([c - Vec2::splat(r * 0.6), c + Vec2::splat(r * 0.6)], stroke);
            }
        }
    }
}
