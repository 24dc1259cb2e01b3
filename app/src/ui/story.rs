//! The one sentence about what just happened, and what follows from it.

use super::ViewCtx;
use crate::theme::widgets::line_ui;
use crate::theme::{STEP, Tokens, text};
use egui::{Align, Label, Layout, Ui, vec2};

/// Lines kept free for the detail.
const DETAIL_LINES: f32 = 2.0;

/// Headline and detail.
pub fn story_ui(ui: &mut Ui, ctx: &ViewCtx<'_>) {
    let t = Tokens::of(ui.ctx());
    ui.spacing_mut().item_spacing.y = STEP;
    let story = &ctx.model.story;
    let headline = if story.headline.is_empty() { "Nothing has happened yet" } else { &story.headline };
    let said = line_ui(ui, text::rich(headline, text::semibold(text::LARGE), t.text)).on_hover_text(headline);
    // Screen readers say it when it changes.
    ui.ctx().accesskit_node_builder(said.id, |node| node.set_live(egui::accesskit::Live::Polite));
    let detail = if story.detail.is_empty() { " " } else { &story.detail };
    // Two lines are reserved, so that nothing below jumps when the detail needs the second.
    let room = vec2(ui.available_width(), DETAIL_LINES * ui.fonts_mut(|f| f.row_height(&text::regular(text::MEDIUM))));
    ui.allocate_ui_with_layout(room, Layout::top_down(Align::LEFT), |ui| {
        ui.set_min_height(room.y);
        ui.add(Label::new(text::rich(detail, text::regular(text::MEDIUM), t.text_soft)).wrap());
    });
}
