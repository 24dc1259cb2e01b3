//! The top bar: program, transport, the batch as the one big number, the clock, the driver.

use super::ViewCtx;
use super::dock::Dock;
use super::input_menu::{InputMenuState, input_menu_ui};
use super::menu::menu_ui;
use crate::command::shortcuts::stride_of;
use crate::command::{AppCommand, Scrub, StepGrain, Transport};
use crate::model::{DriverPhase, Shown, Way};
use crate::state::{Playback, UiState};
use crate::theme::widgets::line_ui;
use crate::theme::{STEP, Tokens, format, text};
use egui::{Align, Button, ComboBox, Layout, Sense, Shape, Slider, Stroke, Ui, WidgetInfo, WidgetType, pos2, vec2};
use faultline_engine::ids::VIRTUAL_EPOCH;

/// Slider positions beyond this mean maximum.
const SPEED_FINITE_MAX: f64 = 100.0;
/// Slowest speed.
const SPEED_MIN: f64 = 0.1;
/// Where the slider stands for maximum.
const SPEED_END: f64 = 200.0;

/// With less width the bar leaves out words that signs beside them say too.
const ROOMY: f32 = 1000.0;

/// With less width the bar leaves out the clock, which the scrubber shows too, and writes the batch smaller.
const ROOM_FOR_CLOCK: f32 = 900.0;

/// Fills the top bar.
pub fn top_bar_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, state: &UiState, dock: &Dock, input: &mut InputMenuState) {
    let t = Tokens::of(ui.ctx());
    let room = ui.available_width();
    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 2.0 * STEP;
        menu_ui(ui, ctx, state, dock);
        mark_ui(ui);
        if room >= ROOMY {
            ui.label(text::rich("Faultline", text::semibold(16.0_f32.min(text::LARGE)), t.text));
        }
        ui.add_space(2.0 * STEP);
        program_ui(ui, ctx, state);
        if ctx.time.running {
            input_menu_ui(ui, ctx, input);
        }
        ui.add_space(2.0 * STEP);
        if ctx.time.running {
            // Names of their own: counted from the left, a button would take the name of its neighbour, and a click on
            // it, in the frame in which something appears before it.
            ui.push_id("transport", |ui| transport_ui(ui, ctx, state));
            // The clock on the wall has one speed.
            if state.pacing {
                ui.push_id("speed", |ui| speed_ui(ui, ctx, state));
            }
        }
        ui.add_space(4.0 * STEP);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            driver_ui(ui, ctx, room);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| batch_ui(ui, ctx, room));
        });
    });
}

/// The program's mark: a fault line.
fn mark_ui(ui: &mut Ui) {
    let t = Tokens::of(ui.ctx());
    let (rect, _) = ui.allocate_exact_size(vec2(20.0, 20.0), Sense::hover());
    let at = |x: f32, y: f32| rect.min + vec2(x, y);
    let points = vec![at(1.0, 15.0), at(7.0, 6.0), at(11.0, 13.0), at(18.0, 3.0)];
    ui.painter().add(Shape::line(points, Stroke::new(2.5, t.text)));
}

fn program_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, state: &UiState) {
    let t = Tokens::of(ui.ctx());
    let name = ctx.model.application.name.as_str();
    if state.programs.len() < 2 {
        line_ui(ui, text::rich(name, text::regular(text::MEDIUM), t.text));
        return;
    }
    let combo = ComboBox::from_id_salt("program").width(136.0).truncate().selected_text(name);
    let shown = combo.show_ui(ui, |ui| {
        for program in &state.programs {
            if ui.selectable_label(program == name, program).clicked() {
                ctx.send.send(AppCommand::OpenProgram(program.clone()));
            }
        }
    });
    shown.response.widget_info(|| WidgetInfo::labeled(WidgetType::ComboBox, true, "Program"));
}

fn transport_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, state: &UiState) {
    let t = Tokens::of(ui.ctx());
    let size = vec2(40.0, 28.0);
    let running = state.playback == Playback::Running;
    let name = if running { "Pause" } else { "Play" };
    let hover = if running { "Pause, key Space" } else { "Play, key Space" };
    let play = ui.add(Button::new("").fill(t.primary).min_size(size)).on_hover_text(hover);
    play.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, name));
    let c = play.rect.center();
    if running {
        for x in [-5.0, 2.0] {
            let bar = egui::Rect::from_min_size(c + vec2(x, -6.0), vec2(3.5, 12.0));
            ui.painter().rect_filled(bar, 0.5, t.on_primary);
        }
    } else {
        triangle(ui, c + vec2(1.0, 0.0), 6.5, t.on_primary);
    }
    if play.clicked() {
        ctx.send.send(AppCommand::Transport(if running { Transport::Pause } else { Transport::Resume }));
    }
    // Steps through the past need no engine; an engine under the wall clock cannot be stepped.
    if ctx.time.shown == Shown::Live && !state.pacing {
        return;
    }
    let step = ui.add(Button::new("").min_size(vec2(32.0, 28.0))).on_hover_text("Step, key →");
    step.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, "Step"));
    let c = step.rect.center();
    triangle(ui, c - vec2(2.0, 0.0), 5.5, t.text);
    ui.painter().vline(c.x + 5.5, c.y - 5.5..=c.y + 5.5, Stroke::new(2.0, t.text));
    if step.clicked() {
        ctx.send.send(match ctx.time.shown {
            Shown::Live => AppCommand::Transport(Transport::Step(state.step_grain)),
            Shown::Past { .. } => {
                AppCommand::Scrub(Scrub::Step { stride: stride_of(state.step_grain), way: Way::Forward })
            }
        });
    }
    let grain_combo = ComboBox::from_id_salt("step grain")
        .width(64.0)
        .selected_text(grain_name(state.step_grain, !ctx.model.streams.streams.is_empty()));
    let shown = grain_combo.show_ui(ui, |ui| {
        let batches = !ctx.model.streams.streams.is_empty();
        for grain in [StepGrain::Task, StepGrain::Stage, StepGrain::Batch] {
            if ui.selectable_label(grain == state.step_grain, grain_name(grain, batches)).clicked() {
                ctx.send.send(AppCommand::SetStepGrain(grain));
            }
        }
    });
    shown.response.widget_info(|| WidgetInfo::labeled(WidgetType::ComboBox, true, "Step size"));
}

fn triangle(ui: &Ui, center: egui::Pos2, r: f32, color: egui::Color32) {
    let points = vec![
        pos2(center.x - r * 0.75, center.y - r),
        pos2(center.x + r, center.y),
        pos2(center.x - r * 0.75, center.y + r),
    ];
    ui.painter().add(Shape::convex_polygon(points, color, Stroke::NONE));
}

const fn grain_name(grain: StepGrain, batches: bool) -> &'static str {
    match grain {
        StepGrain::Task => "task",
        StepGrain::Stage => "stage",
        StepGrain::Batch if batches => "batch",
        StepGrain::Batch => "job",
    }
}

fn speed_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, state: &UiState) {
    let t = Tokens::of(ui.ctx());
    let mut position = if state.speed.is_finite() { state.speed } else { SPEED_END };
    ui.spacing_mut().slider_width = 96.0;
    let slider = Slider::new(&mut position, SPEED_MIN..=SPEED_END).logarithmic(true).show_value(false);
    let response = ui.add(slider).on_hover_text("Virtual seconds per second");
    knob(ui, response.rect, position);
    // A key moves the handle less than the width of "maximum": any step back leaves it.
    let leaves_maximum = response.changed() && !response.dragged() && state.speed.is_infinite() && position < SPEED_END;
    let speed = match position {
        _ if leaves_maximum => SPEED_FINITE_MAX,
        p if p > SPEED_FINITE_MAX => f64::INFINITY,
        p => round_speed(p),
    };
    response.widget_info(|| WidgetInfo::slider(true, speed, "Speed"));
    if response.changed() && speed != state.speed {
        ctx.send.send(AppCommand::Transport(Transport::Speed(speed)));
    }
    let room = vec2(64.0, 20.0);
    ui.allocate_ui_with_layout(room, Layout::left_to_right(Align::Center), |ui| {
        ui.set_min_width(room.x);
        line_ui(ui, text::rich(format::speed(state.speed), text::regular(text::SMALL), t.text_soft));
    });
}

/// The slider's handle, in the colour of words: egui's own has the colour of the rail.
fn knob(ui: &Ui, slider: egui::Rect, position: f64) {
    let radius = slider.height() / 2.5;
    let share = (position / SPEED_MIN).ln() / (SPEED_END / SPEED_MIN).ln();
    let x = egui::lerp(slider.x_range().shrink(radius).min..=slider.x_range().shrink(radius).max, share as f32);
    ui.painter().circle_filled(pos2(x, slider.center().y), radius.min(7.0), Tokens::of(ui.ctx()).text);
}

/// Two significant digits: a slider of 96 points cannot mean more.
fn round_speed(speed: f64) -> f64 {
    let unit = 10f64.powf(speed.log10().floor() - 1.0);
    (speed / unit).round() * unit
}

fn batch_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, room: f32) {
    let t = Tokens::of(ui.ctx());
    let started = ctx.model.streams.zero.or(ctx.model.application.started).unwrap_or(VIRTUAL_EPOCH);
    if let Some(batch) = shown_batch(ctx) {
        let size = if room < ROOM_FOR_CLOCK { text::MEDIUM } else { text::LARGE };
        ui.label(text::rich(format!("batch {batch}"), text::semibold(size), t.text));
    }
    if room < ROOM_FOR_CLOCK {
        return;
    }
    let clock = format::seconds(ctx.now.ns_since(started));
    line_ui(ui, text::rich(clock, text::mono(text::MEDIUM), t.text_soft));
}

/// The batch that runs, else the last one.
fn shown_batch(ctx: &ViewCtx<'_>) -> Option<faultline_engine::ids::BatchId> {
    ctx.model.running_batch().or(ctx.model.latest_batch())
}

fn driver_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, room: f32) {
    let t = Tokens::of(ui.ctx());
    if let Shown::Past { position } = ctx.time.shown {
        past_ui(ui, ctx, position);
        return;
    }
    let application = &ctx.model.application;
    let (words, color) = match (application.started, application.ended) {
        (_, Some(_)) => ("Driver ended", t.first_time),
        (Some(_), None) if !ctx.controllable => ("Recorded log", t.first_time),
        (Some(_), None) => match ctx.model.driver_phase() {
            DriverPhase::Lost => ("Driver lost", t.lost),
            DriverPhase::Waiting => ("Driver restarting", t.lost),
            DriverPhase::Recovering => ("Driver recovering", t.again),
            _ => ("Driver up", t.memory),
        },
        (None, None) => ("Driver starting", t.computing),
    };
    ui.add_space(2.0 * STEP);
    if room >= ROOMY {
        ui.label(text::rich(words, text::regular(text::SMALL), t.text));
    }
    let (rect, dot) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
    if room < ROOMY {
        dot.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, words));
    }
    dot.on_hover_text(words);
    ui.painter().circle_filled(rect.center(), 4.5, color);
    ui.add_space(2.0 * STEP);
}

/// Which moment of the past this is, beside a ring: what is shown is not up.
fn past_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, position: usize) {
    let t = Tokens::of(ui.ctx());
    let words = match ctx.time.timeline.batch_at(position) {
        Some(batch) => format!("Past · batch {batch}"),
        None => format!("Past · event {position}"),
    };
    ui.add_space(2.0 * STEP);
    ui.label(text::rich(words, text::semibold(text::SMALL), t.text));
    let (rect, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
    ui.painter().circle_stroke(rect.center(), 4.0, Stroke::new(1.5, t.text_soft));
    ui.add_space(2.0 * STEP);
}
