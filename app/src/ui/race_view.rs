//! The race of the policies.

use super::ViewCtx;
use crate::theme::{Tokens, text};
use egui::Ui;

/// What the view keeps between frames.
#[derive(Debug, Default)]
pub struct RaceViewState {}

/// Fills the page.
pub fn race_view_ui(ui: &mut Ui, _ctx: &ViewCtx<'_>, _state: &mut RaceViewState) {
    let t = Tokens::of(ui.ctx());
    ui.label(text::rich("Choose a fault to race", text::regular(text::SMALL), t.text_faint));
}
