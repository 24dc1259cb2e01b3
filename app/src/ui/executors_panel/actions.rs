//! What can be done to a living executor, besides the button that kills it.

use super::ViewCtx;
use crate::command::{AppCommand, EngineCommand};
use crate::model::{Condition, ExecutorState};
use crate::theme::{STEP, Tokens};
use egui::{Button, Popup, Ui, WidgetInfo, WidgetType, vec2};

/// How many times slower an executor becomes here; the command line takes any factor.
const SLOWER: f64 = 10.0;

/// Height of the button, that of the line it stands in.
const HEIGHT: f32 = 20.0;

/// The button with three dots, and its menu.
pub(super) fn actions_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, executor: &ExecutorState) {
    let t = Tokens::of(ui.ctx());
    let id = executor.id;
    ui.spacing_mut().interact_size.y = HEIGHT;
    let Some(button) = ctx.act_ui(ui, Button::new("").min_size(vec2(28.0, HEIGHT)).small()) else { return };
    let name = format!("Actions on executor {id}");
    button.widget_info(|| WidgetInfo::labeled(WidgetType::Button, ctx.controllable, &name));
    let color = if ctx.controllable { t.text } else { t.text_faint };
    for x in [-1.5, 0.0, 1.5] {
        ui.painter().circle_filled(button.rect.center() + vec2(x * STEP, 0.0), 1.5, color);
    }
    Popup::menu(&button).show(|ui| items_ui(ui, ctx, executor));
    if ctx.controllable {
        button.on_hover_text("Decommission, pause, slow, kill");
    }
}

/// The same list for the button and for a right click on the card.
pub(super) fn items_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, executor: &ExecutorState) {
    let id = executor.id;
    let standing = &executor.standing;
    let mut item = |words: String, command: EngineCommand, hover: &str| {
        if ui.button(words).on_hover_text(hover).clicked() {
            ctx.send.send(AppCommand::Engine(command));
            ui.close();
        }
    };
    if !standing.is(Condition::Decommissioning) {
        let hover = "It gets no new tasks, hands on what it holds, and leaves";
        item(format!("Decommission executor {id}"), EngineCommand::DecommissionExecutor { executor: id }, hover);
    }
    if standing.is(Condition::Paused) {
        let hover = "It goes on; if it was declared lost, nobody listens to it";
        item(format!("Resume executor {id}"), EngineCommand::ResumeExecutor { executor: id }, hover);
    } else {
        let hover = "Its tasks stand still and it reports nothing, until it is resumed or declared lost";
        item(format!("Pause executor {id}"), EngineCommand::PauseExecutor { executor: id }, hover);
    }
    if standing.is(Condition::Slow) {
        let hover = "Its tasks take their usual time again";
        item(format!("Heal executor {id}"), EngineCommand::SlowExecutor { executor: id, factor: 1.0 }, hover);
    } else {
        let hover = "Its tasks take ten times as long";
        item(format!("Slow executor {id}"), EngineCommand::SlowExecutor { executor: id, factor: SLOWER }, hover);
    }
    ui.separator();
    let kill = ui.button(format!("Kill executor {id}")).on_hover_text("It dies with everything it holds");
    if kill.clicked() {
        ctx.send.send(AppCommand::Engine(EngineCommand::KillExecutor { executor: id }));
        ui.close();
    }
}
