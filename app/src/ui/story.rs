//! The one sentence about what just happened, and what follows from it.

use super::ViewCtx;
use crate::theme::widgets::line_ui;
use crate::theme::{STEP, Tokens, text};
use egui::Ui;

/// Headline and detail.
pub fn story_ui(ui: &mut Ui, ctx: &ViewCtx<'_>) {
    let t = Tokens::of(ui.ctx());
    ui.spacing_mut().item_spacing.y = STEP;
    let story = &ctx.model.story;
    let headline = if story.headline.is_empty() { "Nothing has happened yet" } else { &story.headline };
    line_ui(ui, text::rich(headline, text::semibold(text::LARGE), t.text)).on_hover_text(headline);
    let detail = if story.detail.is_empty() { " " } else { &story.detail };
    line_ui(ui, text::rich(detail, text::regular(text::MEDIUM), t.text_soft)).on_hover_text(detail);
}
