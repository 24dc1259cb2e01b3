//! How an RDD is kept, as a wish: persist, unpersist, checkpoint, for the inspector and for a node's menu.

use super::ViewCtx;
use crate::command::{AppCommand, EngineCommand};
use crate::model::{RddState, Refusal};
use crate::theme::{STEP, Tokens, text};
use egui::containers::menu::SubMenuButton;
use egui::{Button, Label, Popup, Ui, WidgetInfo, WidgetType};
use faultline_engine::command::RddTarget;
use faultline_engine::event::StorageLevel;

/// The levels that are offered, in Spark's order; the command line takes every one of them.
const OFFERED: [StorageLevel; 9] = [
    StorageLevel::MEMORY_ONLY,
    StorageLevel::MEMORY_ONLY_2,
    StorageLevel::MEMORY_ONLY_SER,
    StorageLevel::MEMORY_ONLY_SER_2,
    StorageLevel::MEMORY_AND_DISK,
    StorageLevel::MEMORY_AND_DISK_2,
    StorageLevel::MEMORY_AND_DISK_SER,
    StorageLevel::DISK_ONLY,
    StorageLevel::DISK_ONLY_2,
];

const PERSIST_HOVER: &str = "Keep its partitions at a level, from the next stage on";
const UNPERSIST_HOVER: &str = "Forget every stored partition";
const CHECKPOINT_HOVER: &str = "The next job that reaches it writes it to the reliable store, and cuts its lineage";

/// Three buttons in a row, and below them why the last wish was refused.
pub(super) fn keeping_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, rdd: &RddState) {
    if !ctx.controllable && !ctx.is_past() {
        return;
    }
    let t = Tokens::of(ui.ctx());
    ui.add_space(STEP);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = STEP;
        let mut button = |words: &'static str, possible: Result<(), &'static str>, hover: &'static str| {
            let label = text::rich(words, text::regular(text::SMALL), t.text);
            let enabled = ctx.can_act() && possible.is_ok();
            let response = ui.add_enabled(enabled, Button::new(label));
            let why = if ctx.can_act() { possible.err().unwrap_or_default() } else { ctx.why_not() };
            response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, enabled, words));
            response.on_disabled_hover_text(why).on_hover_text(hover)
        };
        let persist = button("Persist…", Ok(()), PERSIST_HOVER);
        Popup::menu(&persist).show(|ui| levels_ui(ui, ctx, rdd));
        if button("Unpersist", unpersistable(rdd), UNPERSIST_HOVER).clicked() {
            send(ctx, EngineCommand::UnpersistRdd { target: RddTarget::Rdd(rdd.info.id) });
        }
        if button("Checkpoint", checkpointable(rdd), CHECKPOINT_HOVER).clicked() {
            send(ctx, EngineCommand::CheckpointRdd { target: RddTarget::Rdd(rdd.info.id) });
        }
    });
    if let Some(refusal) = refusal(ctx, rdd) {
        let words = format!("Refused, {}", refusal.reason);
        ui.add(Label::new(text::rich(words, text::regular(text::SMALL), t.lost)).wrap());
    }
}

/// The same in the menu of a node.
pub(super) fn menu_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, rdd: &RddState) {
    let target = RddTarget::Rdd(rdd.info.id);
    SubMenuButton::new("Persist").ui(ui, |ui| levels_ui(ui, ctx, rdd));
    let mut item = |words: &str, possible: Result<(), &'static str>, command: EngineCommand| {
        let response = ui.add_enabled(possible.is_ok(), Button::new(words));
        if response.on_disabled_hover_text(possible.err().unwrap_or_default()).clicked() {
            send(ctx, command);
            ui.close();
        }
    };
    item("Unpersist", unpersistable(rdd), EngineCommand::UnpersistRdd { target: target.clone() });
    item("Checkpoint", checkpointable(rdd), EngineCommand::CheckpointRdd { target });
}

fn levels_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, rdd: &RddState) {
    for level in OFFERED {
        let name = level.to_string();
        if ui.selectable_label(rdd.info.level == level, &name).on_hover_text(level.description()).clicked() {
            send(ctx, EngineCommand::PersistRdd { target: RddTarget::Rdd(rdd.info.id), level: name });
            ui.close();
        }
    }
}

fn unpersistable(rdd: &RddState) -> Result<(), &'static str> {
    if rdd.info.level.is_valid() { Ok(()) } else { Err("It is not persistent") }
}

fn checkpointable(rdd: &RddState) -> Result<(), &'static str> {
    match rdd {
        _ if rdd.checkpoint_path.is_some() => Err("It is checkpointed already"),
        _ if rdd.checkpoint_writing => Err("Its checkpoint is being written"),
        _ if rdd.checkpoint_marked => Err("It is marked already: the next job that reaches it writes it"),
        _ => Ok(()),
    }
}

/// The engine's last answer, when it was a no to something about this RDD.
fn refusal<'a>(ctx: &ViewCtx<'a>, rdd: &RddState) -> Option<&'a Refusal> {
    let refusal = ctx.model.last_refusal()?;
    let target = match &refusal.command {
        EngineCommand::PersistRdd { target, .. }
        | EngineCommand::UnpersistRdd { target }
        | EngineCommand::CheckpointRdd { target } => target,
        _ => return None,
    };
    (*target == RddTarget::Rdd(rdd.info.id)).then_some(refusal)
}

fn send(ctx: &ViewCtx<'_>, command: EngineCommand) {
    ctx.send.send(AppCommand::Engine(command));
}
