//! Timeline.

use super::ViewCtx;
use crate::theme::{Tokens, text};
use egui::Ui;

/// What the panel keeps between frames.
#[derive(Debug, Default)]
pub struct TimelineState {}

/// Fills the panel.
pub fn timeline_ui(ui: &mut Ui, _ctx: &ViewCtx<'_>, _state: &mut TimelineState) {
    let t = Tokens::of(ui.ctx());
    ui.label(text::rich("Tasks appear here with the first job", text::regular(text::SMALL), t.text_faint));
}
