//! What the program printed last: without it, "the results are the same" would mean nothing.

use super::ViewCtx;
use crate::theme::widgets::{heading_ui, line_ui};
use crate::theme::{STEP, Tokens, text};
use egui::Ui;

/// The section of the program's output; it scrolls with the panel.
pub fn output_ui(ui: &mut Ui, ctx: &ViewCtx<'_>) {
    let t = Tokens::of(ui.ctx());
    let Some(printed) = ctx.model.output.last() else {
        heading_ui(ui, "Output", "");
        line_ui(ui, text::rich("Nothing printed yet", text::regular(text::SMALL), t.text_faint));
        return;
    };
    let aside = printed.batch.map(|batch| format!("batch {batch}")).unwrap_or_default();
    heading_ui(ui, "Output", &aside);
    ui.spacing_mut().item_spacing.y = STEP / 2.0;
    for line in printed.lines.iter().filter(|line| !line.trim().is_empty()) {
        line_ui(ui, text::rich(line, text::mono(text::SMALL), t.text_soft)).on_hover_text(line);
    }
}
