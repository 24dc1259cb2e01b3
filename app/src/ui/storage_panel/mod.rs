//! Storage.

use super::ViewCtx;
use crate::theme::{Tokens, text};
use egui::Ui;

/// What the panel keeps between frames.
#[derive(Debug, Default)]
pub struct StorageState {}

/// Fills the panel.
pub fn storage_ui(ui: &mut Ui, _ctx: &ViewCtx<'_>, _state: &mut StorageState) {
    let t = Tokens::of(ui.ctx());
    ui.label(text::rich("Nothing is stored yet", text::regular(text::SMALL), t.text_faint));
}
