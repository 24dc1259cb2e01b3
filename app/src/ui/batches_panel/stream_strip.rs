//! What holds for the whole stream: what waits, what limits it, what a failure does, and the way to stop it.

use crate::command::{AppCommand, EngineCommand};
use crate::model::Model;
use crate::theme::widgets::{line_ui, row_ui};
use crate::theme::{STEP, Tokens, format, text};
use crate::ui::ViewCtx;
use egui::{Button, Popup, Ui, WidgetInfo, WidgetType, vec2};
use faultline_engine::command::StopMode;

/// Height of the strip.
pub(super) const HEIGHT: f32 = 26.0;

/// Height of the button.
const BUTTON: f32 = 20.0;

/// One line of words, and at the right the button.
pub(super) fn stream_strip_ui(ui: &mut Ui, ctx: &ViewCtx<'_>) {
    let t = Tokens::of(ui.ctx());
    let words = words(ctx.model);
    row_ui(
        ui,
        |ui| {
            let color = if ctx.model.streams.stopping.is_some() { t.text } else { t.text_soft };
            line_ui(ui, text::rich(&words, text::regular(text::SMALL), color)).on_hover_text(&words);
        },
        |ui| {
            if ctx.model.streams.stopping.is_none() && ctx.model.streams.zero.is_some() {
                stop_ui(ui, ctx);
            }
        },
    );
}

fn stop_ui(ui: &mut Ui, ctx: &ViewCtx<'_>) {
    let t = Tokens::of(ui.ctx());
    let words = text::rich("Stop…", text::regular(text::SMALL), t.text);
    ui.spacing_mut().interact_size.y = BUTTON;
    ui.spacing_mut().button_padding.y = 0.0;
    let Some(button) = ctx.act_ui(ui, Button::new(words).min_size(vec2(0.0, BUTTON))) else { return };
    button.widget_info(|| WidgetInfo::labeled(WidgetType::Button, ctx.controllable, "Stop the stream"));
    Popup::menu(&button).show(|ui| stop_items_ui(ui, ctx));
}

/// The two ways to stop a stream (R22).
pub(in crate::ui) fn stop_items_ui(ui: &mut Ui, ctx: &ViewCtx<'_>) {
    ui.spacing_mut().item_spacing.y = STEP / 2.0;
    for (mode, words, hover) in [
        (StopMode::Graceful, "Stop gracefully", "Receivers end first, then everything that was received is processed"),
        (StopMode::Immediate, "Stop at once", "What waits is dropped, and running jobs are cancelled"),
    ] {
        if ui.button(words).on_hover_text(hover).clicked() {
            ctx.send.send(AppCommand::Engine(EngineCommand::StopStreaming { mode }));
            ui.close();
        }
    }
}

/// `Backlog 2 batches · limit 1,200 records/s · a failed batch stops the stream`.
fn words(model: &Model) -> String {
    let streams = &model.streams;
    let mut parts = Vec::new();
    match (streams.stopping, streams.stopped) {
        (Some(mode), true) => parts.push(format!("Stopped, {mode}")),
        (Some(StopMode::Graceful), false) => parts.push("Stopping gracefully".to_owned()),
        (Some(StopMode::Immediate), false) => parts.push("Stopping at once".to_owned()),
        (None, _) => {}
    }
    parts.push(match model.backlog() {
        0 => "No backlog".to_owned(),
        1 => "Backlog 1 batch".to_owned(),
        waiting => format!("Backlog {} batches", format::number(waiting)),
    });
    for (stream, rate) in &streams.rates {
        let of = if streams.rates.len() > 1 { format!(" of stream {stream}") } else { String::new() };
        parts.push(format!("limit{of} {} records/s", format::number(*rate)));
    }
    parts.push(policy(model));
    parts.join(" · ")
}

/// What a failed batch does, by the setting of the run (R11.7).
fn policy(model: &Model) -> String {
    let setting = |key: &str| model.application.properties.get(key).map(String::as_str);
    match setting("faultline.streaming.onBatchFailure") {
        Some("retry") => match setting("faultline.streaming.batchMaxFailures") {
            Some(most) => format!("a failed batch runs again, up to {most} times"),
            None => "a failed batch runs again".to_owned(),
        },
        Some("skip") => "a failed batch is skipped".to_owned(),
        Some("continue") => "a failed batch lets the stream go on".to_owned(),
        _ => "a failed batch stops the stream".to_owned(),
    }
}
