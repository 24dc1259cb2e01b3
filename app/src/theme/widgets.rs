//! Small pieces that several panels share: cards, headings, bars.

use super::{RADIUS, STEP, Tokens, fonts, text};
use egui::{CornerRadius, Frame, Label, Margin, Rect, Response, Sense, Stroke, Ui, WidgetInfo, WidgetType, vec2};

/// A raised card.
pub fn card(tokens: &Tokens) -> Frame {
    Frame::new()
        .fill(tokens.raised)
        .stroke(Stroke::new(1.0, tokens.line))
        .corner_radius(CornerRadius::same(RADIUS as u8))
        .inner_margin(Margin::same(10))
}

/// What lies over the window.
pub fn modal_frame(tokens: &Tokens) -> Frame {
    card(tokens).inner_margin(Margin::same(20))
}

/// A line of words that ends in … at the end of the room.
pub fn line_ui(ui: &mut Ui, words: impl Into<egui::RichText>) -> Response {
    let words = words.into();
    fonts::notice(ui.ctx(), words.text());
    ui.add(Label::new(words).truncate())
}

/// The heading of a section, with words at the right when there are any.
pub fn heading_ui(ui: &mut Ui, words: &str, aside: &str) {
    let t = Tokens::of(ui.ctx());
    row_ui(
        ui,
        |ui| {
            line_ui(ui, text::rich(words, text::semibold(text::MEDIUM), t.text));
        },
        |ui| {
            if !aside.is_empty() {
                line_ui(ui, text::rich(aside, text::regular(text::SMALL), t.text_faint));
            }
        },
    );
}

/// One row: `right` keeps its width, `left` is shortened.
pub fn row_ui(ui: &mut Ui, left: impl FnOnce(&mut Ui), right: impl FnOnce(&mut Ui)) {
    let height = ui.spacing().interact_size.y.min(5.0 * STEP);
    ui.allocate_ui_with_layout(
        vec2(ui.available_width(), height),
        egui::Layout::right_to_left(egui::Align::Center),
        |ui| {
            ui.set_min_height(height);
            right(ui);
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), left);
        },
    );
}

/// A thin bar filled up to `share`, with a name for assistive technology.
pub fn bar_ui(ui: &mut Ui, share: f32, color: egui::Color32, name: &str) -> Response {
    let t = Tokens::of(ui.ctx());
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 2.0 * STEP), Sense::hover());
    ui.painter().rect_filled(rect, STEP, t.background);
    ui.painter().rect_stroke(rect, STEP, Stroke::new(1.0, t.line), egui::StrokeKind::Inside);
    let filled = Rect::from_min_size(rect.min, vec2(rect.width() * share.clamp(0.0, 1.0), rect.height()));
    if filled.width() >= 1.0 {
        ui.painter().rect_filled(filled, STEP.min(filled.width() / 2.0), color);
    }
    let name = name.to_owned();
    response.widget_info(|| WidgetInfo::labeled(WidgetType::ProgressIndicator, true, &name));
    response
}

/// A separator with air above and below.
pub fn separator_ui(ui: &mut Ui) {
    ui.add_space(2.0 * STEP);
    let t = Tokens::of(ui.ctx());
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 1.0), Sense::hover());
    ui.painter().rect_filled(rect, 0.0, t.line);
    ui.add_space(2.0 * STEP);
}
