//! Findings.

use super::ViewCtx;
use crate::theme::{Tokens, text};
use egui::Ui;

/// What the panel keeps between frames.
#[derive(Debug, Default)]
pub struct FindingsState {}

/// How many findings there are, for the panel's title.
pub fn count(ctx: &ViewCtx<'_>, _state: &FindingsState) -> usize {
    ctx.model.findings.len()
}

/// Fills the panel.
pub fn findings_ui(ui: &mut Ui, _ctx: &ViewCtx<'_>, _state: &mut FindingsState) {
    let t = Tokens::of(ui.ctx());
    ui.label(text::rich("Nothing to report", text::regular(text::SMALL), t.text_faint));
}
