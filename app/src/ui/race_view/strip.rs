//! Above the story while a lane is open in place of the live run: which one, and the way back.

use crate::command::{AppCommand, Page, RaceCommand};
use crate::race::{LaneRun, Words};
use crate::theme::widgets::{card, line_ui, row_ui};
use crate::theme::{STEP, Tokens, text};
use crate::ui::ViewCtx;
use egui::{Margin, Stroke, Ui};

/// Nothing while the live run is shown.
pub fn lane_strip_ui(ui: &mut Ui, ctx: &ViewCtx<'_>) {
    let Some(shown) = ctx.race.shown else { return };
    let t = Tokens::of(ui.ctx());
    let run = match shown.run {
        LaneRun::WithFault => "with",
        LaneRun::WithoutFault => "without",
    };
    let faults = ctx.race.plan.iter().flat_map(|plan| &plan.faults).map(ToString::to_string);
    let fault = Words::of(&faults.collect::<Vec<_>>(), false).fault;
    let title = format!("Lane {} · {run} the {fault}", shown.policy.title());
    card(t).stroke(Stroke::new(1.0, t.checkpoint)).inner_margin(Margin::symmetric(10, 4)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        row_ui(
            ui,
            |ui| {
                line_ui(ui, text::rich(title, text::semibold(text::MEDIUM), t.text));
                line_ui(ui, text::rich("The live run waits", text::regular(text::SMALL), t.text_soft));
            },
            |ui| {
                if ui.button("Back to the live run").on_hover_text("Key Esc").clicked() {
                    ctx.send.send(AppCommand::Race(RaceCommand::BackToRun));
                }
                if ui.button("Back to the race").on_hover_text("Key R").clicked() {
                    ctx.send.send(AppCommand::ShowPage(Page::Race));
                }
            },
        );
    });
    ui.add_space(2.0 * STEP);
}
