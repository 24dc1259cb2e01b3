//! The driver, in a card of its own above those of its executors: how it stands, what it would go on from, whether
//! somebody supervises it, and the place to kill it and to start it again.

use super::super::ViewCtx;
use super::super::timeline_panel::clock;
use crate::command::{AppCommand, EngineCommand};
use crate::model::{DriverPhase, Model};
use crate::theme::switch::Switch;
use crate::theme::widgets::{bar_ui, card, line_ui, row_ui};
use crate::theme::{STEP, Tokens, text};
use egui::{Button, Color32, Frame, Pos2, Sense, Shape, Stroke, Ui, WidgetInfo, WidgetType, vec2};
use faultline_engine::command::SuperviseMode;

/// With less width the button says less.
const ROOMY: f32 = 172.0;

/// Width and height of the sign beside the state.
const SIGN: f32 = 10.0;

/// The card.
pub(super) fn driver_ui(ui: &mut Ui, ctx: &ViewCtx<'_>) {
    let phase = ctx.model.driver_phase();
    let shown = frame(Tokens::of(ui.ctx()), phase).show(ui, |ui| {
        ui.set_width(ui.available_width());
        title_ui(ui, ctx, phase);
        match phase {
            DriverPhase::Waiting | DriverPhase::Lost => gone_ui(ui, ctx, phase),
            _ => here_ui(ui, ctx, phase),
        }
    });
    // Another kind of card than an executor's: everything below hangs on it.
    let edge = shown.response.rect.shrink2(vec2(0.0, 8.0));
    let x = edge.left() + 2.0;
    ui.painter()
        .line_segment([Pos2::new(x, edge.top()), Pos2::new(x, edge.bottom())], Stroke::new(2.0, color(ui, phase)));
}

fn frame(t: &Tokens, phase: DriverPhase) -> Frame {
    match phase {
        DriverPhase::Waiting | DriverPhase::Lost => card(t).fill(t.lost_surface).stroke(Stroke::new(2.0, t.lost)),
        _ => card(t).fill(t.background),
    }
}

fn color(ui: &Ui, phase: DriverPhase) -> Color32 {
    let t = Tokens::of(ui.ctx());
    match phase {
        DriverPhase::Starting => t.computing,
        DriverPhase::Running => t.memory,
        DriverPhase::Recovering => t.again,
        DriverPhase::Waiting | DriverPhase::Lost => t.lost,
        DriverPhase::Ended => t.text_faint,
    }
}

/// How it stands, in a word.
pub(super) const fn word(phase: DriverPhase) -> &'static str {
    match phase {
        DriverPhase::Starting => "starting",
        DriverPhase::Running => "up",
        DriverPhase::Recovering => "recovering",
        DriverPhase::Waiting => "restarting",
        DriverPhase::Lost => "lost",
        DriverPhase::Ended => "ended",
    }
}

fn title_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, phase: DriverPhase) {
    let t = Tokens::of(ui.ctx());
    let color = color(ui, phase);
    row_ui(
        ui,
        |ui| {
            line_ui(ui, text::rich("Driver", text::semibold(text::MEDIUM), t.text));
            let epoch = ctx.model.driver.epoch.map(|epoch| format!(" · epoch {epoch}")).unwrap_or_default();
            let words = format!("life {}{epoch}", ctx.model.driver_life());
            line_ui(ui, text::rich(&words, text::regular(text::SMALLEST), t.text_faint)).on_hover_text(format!(
                "{words}\nThe highest epoch drives the checkpoint directory; an older one stops"
            ));
        },
        |ui| {
            ui.spacing_mut().item_spacing.x = 1.5 * STEP;
            line_ui(ui, text::rich(word(phase), text::semibold(text::SMALL), color));
            let (place, sign) = ui.allocate_exact_size(vec2(SIGN, SIGN), Sense::hover());
            let name = format!("Driver {} {}", ctx.model.driver_life(), word(phase));
            sign.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, &name));
            let mut shapes = Vec::new();
            sign_shapes(phase, place.center(), color, &mut shapes);
            ui.painter().extend(shapes);
        },
    );
}

/// One sign for each way in which it stands, told apart by shape alone.
pub(super) fn sign_shapes(phase: DriverPhase, center: Pos2, color: Color32, out: &mut Vec<Shape>) {
    let r = SIGN / 2.0;
    let at = |x: f32, y: f32| center + vec2(x * r, y * r);
    match phase {
        DriverPhase::Running => out.push(Shape::circle_filled(center, r * 0.8, color)),
        DriverPhase::Starting | DriverPhase::Ended => {
            out.push(Shape::circle_stroke(center, r * 0.75, Stroke::new(1.5, color)));
        }
        // A clock: it is waited.
        DriverPhase::Waiting => {
            out.push(Shape::circle_stroke(center, r * 0.85, Stroke::new(1.5, color)));
            out.push(Shape::line(vec![at(0.0, -0.6), center, at(0.45, 0.25)], Stroke::new(1.5, color)));
        }
        // Again: an arrow that comes back.
        DriverPhase::Recovering => {
            let arc: Vec<Pos2> = (0..=9).map(|i| center + egui::Vec2::angled(0.6 * i as f32) * r * 0.75).collect();
            out.push(Shape::line(arc, Stroke::new(1.5, color)));
            out.push(Shape::convex_polygon(vec![at(0.25, -0.1), at(1.15, -0.1), at(0.75, -0.95)], color, Stroke::NONE));
        }
        DriverPhase::Lost => {
            for y in [-0.8, 0.8] {
                out.push(Shape::line_segment([at(-0.8, -y), at(0.8, y)], Stroke::new(2.0, color)));
            }
        }
    }
}

fn soft(ui: &mut Ui, words: &str) -> egui::Response {
    let t = Tokens::of(ui.ctx());
    line_ui(ui, text::rich(words, text::regular(text::SMALL), t.text_soft))
}

/// It runs, or did to the end.
fn here_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, phase: DriverPhase) {
    let t = Tokens::of(ui.ctx());
    if let (DriverPhase::Recovering, Some(recovery)) = (phase, &ctx.model.driver.recovery) {
        let (done, of) = (recovery.done, recovery.of());
        soft(ui, &format!("{done} of {} again", batches(of))).on_hover_text("Batches that run again after the loss");
        bar_ui(ui, done as f32 / of.max(1) as f32, t.again, &format!("{done} of {} ran again", batches(of)));
    }
    if ctx.model.driver.checkpoint.is_some() || is_ours(ctx.model) {
        let (words, hover) = checkpoint_words(ctx.model);
        soft(ui, &words).on_hover_text(hover);
    }
    if phase == DriverPhase::Ended {
        return;
    }
    row_ui(
        ui,
        |ui| supervise_ui(ui, ctx),
        |ui| {
            // Beside the switch there is little room in a narrow panel.
            let (words, width) = if ui.available_width() < ROOMY { ("Kill", 48.0) } else { ("Kill driver", 72.0) };
            let words = text::rich(words, text::semibold(text::SMALL), t.lost);
            let Some(kill) = ctx.act_ui(ui, Button::new(words).min_size(vec2(width, 26.0))) else { return };
            kill.widget_info(|| WidgetInfo::labeled(WidgetType::Button, ctx.can_act(), "Kill driver"));
            let kill = kill.on_hover_text("It dies with its executors and everything that they hold; key D");
            if kill.clicked() {
                ctx.send.send(AppCommand::Engine(EngineCommand::KillDriver));
            }
        },
    );
}

/// It is gone: since when, who starts it again, and from what.
fn gone_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, phase: DriverPhase) {
    let t = Tokens::of(ui.ctx());
    let driver = &ctx.model.driver;
    let mut line = |words: &str, hover: &str| {
        line_ui(ui, text::rich(words, text::regular(text::SMALL), t.text)).on_hover_text(hover);
    };
    if let Some((since, reason)) = &driver.lost {
        line(&format!("Down since {}", clock(ctx.model, *since)), reason);
    }
    match (phase, driver.starts_at) {
        (DriverPhase::Waiting, Some(at)) => {
            line(
                &format!("Starts again at {}", clock(ctx.model, at)),
                "Its supervisor waits before it starts it again",
            );
        }
        (DriverPhase::Waiting, None) => line("Its supervisor starts it again", "It waits a while first"),
        _ => line("Nobody starts it again", "It is not supervised"),
    }
    let from = from_words(ctx.model);
    line(&from, "What the next life of the driver goes on from");
    supervise_ui(ui, ctx);
    let next = ctx.model.driver_life() + 1;
    let words = if phase == DriverPhase::Waiting { "Start it now".to_owned() } else { format!("Start driver {next}") };
    let words = text::rich(words, text::semibold(text::SMALL), t.text);
    let button = Button::new(words).min_size(vec2(ui.available_width(), 26.0));
    let Some(button) = ctx.act_on_driver_ui(ui, button) else { return };
    let name = format!("Start driver {next}, {}", lower_first(&from));
    button.widget_info(|| WidgetInfo::labeled(WidgetType::Button, ctx.controllable, &name));
    if button.on_hover_text(format!("{from}; key D")).clicked() {
        ctx.send.send(AppCommand::Engine(EngineCommand::RestartDriver));
    }
}

/// Whether it is started again: a switch where there is an engine, else words.
fn supervise_ui(ui: &mut Ui, ctx: &ViewCtx<'_>) {
    let mut on = ctx.model.driver.supervised == SuperviseMode::On;
    let words = "Supervised";
    let Some(switch) = ctx.act_on_driver_ui(ui, Switch::new(&mut on, words)) else {
        if is_ours(ctx.model) {
            soft(ui, if on { "Supervised" } else { "Not supervised" });
        }
        return;
    };
    let hover = "A driver that dies is started again after a wait, as with --supervise; key S";
    if switch.on_hover_text(hover).changed() {
        let mode = SuperviseMode::from_setting(on);
        ctx.send.send(AppCommand::Engine(EngineCommand::SuperviseDriver { mode }));
    }
}

/// Whether our engine announced its settings: a log of Spark says nothing about what its driver would go on from.
fn is_ours(model: &Model) -> bool {
    model.application.properties.contains_key("faultline.supervise")
}

/// The newest graph checkpoint and its age, and the same at length.
fn checkpoint_words(model: &Model) -> (String, String) {
    let streams = model.streams.zero.is_some();
    match (&model.driver.checkpoint, model.checkpoint_age()) {
        (Some(checkpoint), Some(age)) => {
            let age = match age {
                0 => "newest".to_owned(),
                age => format!("{} old", batches(age)),
            };
            let pending = checkpoint.pending;
            let path = &checkpoint.path;
            let hover = format!(
                "{path}\n{} in it {} not completed",
                batches(pending as u32),
                if pending == 1 { "is" } else { "are" }
            );
            (format!("Checkpoint of batch {}, {age}", checkpoint.batch), hover)
        }
        _ if streams => ("No checkpoint yet".to_owned(), "Without one a lost driver begins from nothing".to_owned()),
        _ => (
            "No checkpoint".to_owned(),
            "A program without batches begins from nothing when its driver is lost".to_owned(),
        ),
    }
}

/// What the next life goes on from.
pub(super) fn from_words(model: &Model) -> String {
    match &model.driver.checkpoint {
        Some(checkpoint) => format!("From checkpoint of batch {}", checkpoint.batch),
        None => "From nothing: no checkpoint".to_owned(),
    }
}

fn lower_first(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

fn batches(n: u32) -> String {
    if n == 1 { "1 batch".to_owned() } else { format!("{n} batches") }
}
