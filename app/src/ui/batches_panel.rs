//! Batches.

use super::ViewCtx;
use crate::theme::{Tokens, text};
use egui::Ui;

/// What the panel keeps between frames.
#[derive(Debug, Default)]
pub struct BatchesState {}

/// Fills the panel.
pub fn batches_ui(ui: &mut Ui, _ctx: &ViewCtx<'_>, _state: &mut BatchesState) {
    let t = Tokens::of(ui.ctx());
    ui.label(text::rich("Batches appear here when the stream starts", text::regular(text::SMALL), t.text_faint));
}
