//! Who computes: the card of the driver, one per executor, and the place to kill them.

mod actions;
mod driver;
mod receiver;
mod words;

use super::ViewCtx;
use super::standing_sign::{Stand, sign};
use crate::command::{AppCommand, EngineCommand, Overlay};
use crate::model::{Condition, ExecutorState};
use crate::theme::widgets::{bar_ui, card, line_ui, row_ui};
use crate::theme::{STEP, Tokens, format, text};
use egui::{Button, Rect, Sense, Stroke, StrokeKind, Ui, UiBuilder, WidgetInfo, WidgetType, vec2};
use faultline_engine::ids::ExecutorId;

/// More slots than this are told, not drawn.
const SLOTS_MAX: u32 = 6;

/// Width and height of the sign beside a state.
const SIGN: f32 = 10.0;

/// The section with all executors.
pub fn executors_ui(ui: &mut Ui, ctx: &ViewCtx<'_>) {
    driver::driver_ui(ui, ctx);
    ui.add_space(STEP);
    executors_heading_ui(ui, ctx);
    former_ui(ui, ctx);
    for executor in ctx.model.executors.values().filter(|e| !ctx.model.of_former_life(e)) {
        match (executor.alive, executor.replaced_by) {
            (true, _) => alive_ui(ui, ctx, executor),
            (false, None) => dead_ui(ui, ctx, executor),
            (false, Some(by)) => replaced_ui(ui, ctx, executor, by),
        }
    }
    let goes_on = ctx.model.application.ended.is_none() && ctx.model.driver.lost.is_none();
    for receiver in ctx.model.idle_receivers().filter(|_| goes_on) {
        receiver::idle_receiver_ui(ui, receiver);
    }
    if ctx.model.shuffle_service() {
        let t = Tokens::of(ui.ctx());
        let hover = "The shuffle service serves map outputs, so that they outlive their executor";
        let words = text::rich("Map outputs: shuffle service", text::regular(text::SMALL), t.text_soft);
        line_ui(ui, words).on_hover_text(hover);
    }
    if ctx.model.executors.is_empty() && ctx.model.driver.lost.is_none() {
        let t = Tokens::of(ui.ctx());
        line_ui(ui, text::rich("None has registered yet", text::regular(text::SMALL), t.text_faint));
    }
}

/// Those of the life before: nobody can restart what its driver took along.
fn former_ui(ui: &mut Ui, ctx: &ViewCtx<'_>) {
    let former = ctx.model.executors.values().filter(|e| ctx.model.of_former_life(e));
    let former: Vec<(u32, u32)> = former.map(|e| (e.life, e.id.0)).collect();
    let Some(life) = former.iter().map(|(life, _)| *life).max() else { return };
    let ids: Vec<u32> = former.iter().filter(|(of, _)| *of == life).map(|(_, id)| *id).collect();
    let words = match ids.as_slice() {
        [] => return,
        [id] => format!("Executor {id} went with driver {life}"),
        [first, .., last] if last - first + 1 == ids.len() as u32 => {
            format!("Executors {first} – {last} went with driver {life}")
        }
        ids => format!("{} went with driver {life}", format::count(ids.len() as u64, "executor")),
    };
    let t = Tokens::of(ui.ctx());
    let hover = "With a driver its executors end, and everything that they held; the next one starts new executors";
    line_ui(ui, text::rich(&words, text::regular(text::SMALL), t.text_faint)).on_hover_text(hover);
}

/// The heading, and the way to the faults that strike no executor.
fn executors_heading_ui(ui: &mut Ui, ctx: &ViewCtx<'_>) {
    let t = Tokens::of(ui.ctx());
    row_ui(
        ui,
        |ui| {
            line_ui(ui, text::rich("Executors", text::semibold(text::MEDIUM), t.text));
        },
        |ui| {
            let words = text::rich("Faults…", text::regular(text::SMALL), t.text);
            let Some(button) = ctx.act_ui(ui, Button::new(words).min_size(vec2(0.0, 22.0))) else { return };
            if button.on_hover_text("Blocks, tasks, the store, messages; key X").clicked() {
                ctx.send.send(AppCommand::ShowOverlay(Some(Overlay::Faults)));
            }
        },
    );
}

fn alive_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, executor: &ExecutorState) {
    let t = Tokens::of(ui.ctx());
    let id = executor.id;
    let shown = behind(ui, card(t), |ui| {
        let conditions: Vec<Condition> = executor.standing.conditions().collect();
        match conditions.first() {
            None => title_ui(ui, id, "up", Stand::Up),
            Some(gravest) => title_ui(ui, id, words::word(*gravest), Stand::Special(*gravest)),
        }
        for condition in conditions {
            let words = words::line(condition, executor);
            line_ui(ui, text::rich(&words, text::regular(text::SMALL), t.text)).on_hover_text(&words);
        }
        let (busy, cores) = (executor.running.len() as u32, executor.cores);
        row_ui(
            ui,
            |ui| {
                ui.spacing_mut().item_spacing.x = STEP;
                slots_ui(ui, busy, cores);
                line_ui(ui, text::rich(format!("{busy} of {cores} slots"), text::regular(text::SMALL), t.text_soft));
            },
            |ui| actions::actions_ui(ui, ctx, executor),
        );
        for receiver in ctx.model.receivers_on(id) {
            receiver::receiver_ui(ui, ctx.model, receiver);
        }
        let share = executor.memory_bytes as f32 / executor.max_memory.max(1) as f32;
        let memory = format::bytes_of(executor.memory_bytes, executor.max_memory);
        bar_ui(ui, share, t.memory, &format!("Memory of executor {id}, {memory}"));
        row_ui(
            ui,
            |ui| {
                line_ui(ui, text::rich(memory, text::regular(text::SMALL), t.text_soft));
            },
            |ui| {
                let words = text::rich(format!("Kill {id}"), text::semibold(text::SMALL), t.lost);
                let button = Button::new(words).min_size(vec2(72.0, 26.0));
                if ctx.act_ui(ui, button).is_some_and(|button| button.clicked()) {
                    kill(ctx, id);
                }
            },
        );
    });
    if !ctx.controllable {
        return;
    }
    shown.context_menu(|ui| actions::items_ui(ui, ctx, executor));
}

fn dead_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, executor: &ExecutorState) {
    let t = Tokens::of(ui.ctx());
    let id = executor.id;
    let next = next_id(ctx);
    let left = ctx.model.left_in_order(id);
    let frame =
        if left { card(t).fill(t.panel) } else { card(t).fill(t.lost_surface).stroke(Stroke::new(2.0, t.lost)) };
    let shown = behind(ui, frame, |ui| {
        title_ui(ui, id, if left { "left" } else { "lost" }, if left { Stand::Left } else { Stand::Lost });
        let leaving = executor.standing.leaving.unwrap_or_default();
        let (blocks, outputs, what) = match left {
            true => (leaving.blocks_moved, leaving.outputs_moved, "moved"),
            false => (executor.lost_blocks, executor.lost_map_outputs, "lost"),
        };
        for (count, noun) in [(blocks, "stored partition"), (outputs, "map output")] {
            let words = format!("{} {what}", format::count(count.into(), noun));
            line_ui(ui, text::rich(words, text::regular(text::SMALL), t.text));
        }
        // Of several, only the first to be restarted gets the next id.
        let here = ctx.model.executors.values().filter(|e| !ctx.model.of_former_life(e));
        let dead = here.filter(|e| !e.alive && e.replaced_by.is_none()).count();
        let words =
            if dead > 1 { "Restart as a new executor".to_owned() } else { format!("Restart as executor {next}") };
        let words = text::rich(words, text::regular(text::SMALL), t.text);
        let button = Button::new(words).min_size(vec2(ui.available_width(), 26.0));
        let Some(button) = ctx.act_ui(ui, button) else { return };
        let name = format!("Restart executor {id} as executor {next}");
        button.widget_info(|| WidgetInfo::labeled(WidgetType::Button, ctx.controllable, &name));
        if button.clicked() {
            restart(ctx, id);
        }
    });
    if !ctx.controllable {
        return;
    }
    shown.context_menu(|ui| {
        if ui.button(format!("Restart as executor {next}")).clicked() {
            restart(ctx, id);
            ui.close();
        }
    });
}

fn replaced_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, executor: &ExecutorState, by: ExecutorId) {
    let t = Tokens::of(ui.ctx());
    let left = ctx.model.left_in_order(executor.id);
    card(t).fill(t.panel).show(ui, |ui| {
        ui.set_width(ui.available_width());
        let (word, stand) = if left { ("left", Stand::Left) } else { ("lost", Stand::Lost) };
        title_ui(ui, executor.id, &format!("{word}, now {by}"), stand);
    });
}

/// A card that can be clicked itself, behind what it holds.
fn behind(ui: &mut Ui, frame: egui::Frame, contents: impl FnOnce(&mut Ui)) -> egui::Response {
    let card = ui.scope_builder(UiBuilder::new().sense(Sense::CLICK), |ui| {
        frame.show(ui, |ui| {
            ui.set_width(ui.available_width());
            contents(ui);
        });
    });
    card.response
}

/// The name at the left; at the right how it stands, in a sign and a word.
fn title_ui(ui: &mut Ui, id: ExecutorId, state: &str, stand: Stand) {
    let t = Tokens::of(ui.ctx());
    let color = match stand {
        Stand::Up => t.memory,
        Stand::Special(_) => t.text,
        Stand::Lost => t.lost,
        Stand::Left => t.text_faint,
    };
    row_ui(
        ui,
        |ui| {
            line_ui(ui, text::rich(format!("Executor {id}"), text::semibold(text::MEDIUM), t.text));
        },
        |ui| {
            ui.spacing_mut().item_spacing.x = 1.5 * STEP;
            line_ui(ui, text::rich(state, text::semibold(text::SMALL), color));
            let (place, _) = ui.allocate_exact_size(vec2(SIGN, SIGN), Sense::hover());
            let mut shapes = Vec::new();
            sign(stand, place.center(), SIGN / 2.0, t, &mut shapes);
            ui.painter().extend(shapes);
        },
    );
}

fn slots_ui(ui: &mut Ui, busy: u32, cores: u32) {
    let t = Tokens::of(ui.ctx());
    if cores > SLOTS_MAX {
        return;
    }
    for slot in 0..cores {
        let (rect, response) = ui.allocate_exact_size(vec2(20.0, 12.0), Sense::hover());
        let rect = Rect::from_center_size(rect.center(), vec2(20.0, 12.0));
        if slot < busy {
            ui.painter().rect_filled(rect, STEP, t.computing);
        } else {
            ui.painter().rect_stroke(rect, STEP, Stroke::new(1.5, t.empty), StrokeKind::Inside);
        }
        let name = if slot < busy { "Slot, busy" } else { "Slot, free" };
        response.widget_info(|| WidgetInfo::labeled(WidgetType::ProgressIndicator, true, name));
    }
}

/// The id that a restarted executor gets: ids are counted up and never used again.
fn next_id(ctx: &ViewCtx<'_>) -> ExecutorId {
    ExecutorId(ctx.model.executors.get_max().map_or(1, |(id, _)| id.0 + 1))
}

fn kill(ctx: &ViewCtx<'_>, executor: ExecutorId) {
    ctx.send.send(AppCommand::Engine(EngineCommand::KillExecutor { executor }));
}

fn restart(ctx: &ViewCtx<'_>, executor: ExecutorId) {
    ctx.send.send(AppCommand::Engine(EngineCommand::RestartExecutor { executor }));
}
