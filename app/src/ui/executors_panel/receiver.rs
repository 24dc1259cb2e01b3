//! Receivers: on the card of the executor on which one runs, or alone when it runs nowhere.

use crate::model::{Model, ReceiverState};
use crate::theme::widgets::{card, line_ui, row_ui};
use crate::theme::{STEP, Tokens, format, text};
use egui::{Stroke, Ui, pos2};

/// What it received, what of it counts, and what waits.
pub(super) fn receiver_ui(ui: &mut Ui, model: &Model, receiver: &ReceiverState) {
    let t = Tokens::of(ui.ctx());
    let info = &receiver.info;
    let left = ui.cursor().left();
    let top = ui.cursor().top();
    let indent = 2.0 * STEP;
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = STEP / 2.0;
        // Lines of words, not of buttons.
        ui.spacing_mut().interact_size.y = 4.0 * STEP;
        let lines = |ui: &mut Ui| {
            let started = format::count(u64::from(receiver.starts.saturating_sub(1)), "restart");
            row_ui(
                ui,
                |ui| {
                    ui.add_space(indent);
                    let name = format!("Receiver {}", info.stream);
                    line_ui(ui, text::rich(name, text::semibold(text::SMALL), t.text)).on_hover_text(&info.name);
                },
                |ui| {
                    if receiver.starts > 1 {
                        line_ui(ui, text::rich(started, text::regular(text::SMALL), t.again));
                    }
                },
            );
            for (words, hover) in words(model, receiver) {
                ui.horizontal(|ui| {
                    ui.add_space(indent);
                    line_ui(ui, text::rich(words, text::regular(text::SMALL), t.text_soft)).on_hover_text(hover);
                });
            }
        };
        lines(ui);
    });
    let bottom = ui.cursor().top();
    ui.painter().line_segment([pos2(left, top), pos2(left, bottom - STEP)], Stroke::new(2.0, t.line));
}

/// Line by line, each with more about it.
fn words(model: &Model, receiver: &ReceiverState) -> Vec<(String, String)> {
    let records = format::count(receiver.records, "record");
    let blocks = format::count(receiver.blocks, "block");
    let mut lines = vec![(
        format!("{} in its buffer", format::count(receiver.buffered, "record")),
        "Gathered, and in no stored block yet, when it stored its last one: lost if its executor dies".to_owned(),
    )];
    lines.push((format!("{blocks} stored, {records}"), "On executors, and accepted by the driver".to_owned()));
    lines.push(if model.logs_received() || receiver.logged > 0 {
        let hover =
            "The write-ahead log has them: they outlive the driver and its executors, so they were acknowledged";
        (format!("{} logged", format::count(receiver.logged, "block")), hover.to_owned())
    } else {
        let hover = "They are in the memory of executors only: without a write-ahead log they go with the driver";
        ("none logged".to_owned(), hover.to_owned())
    });
    if !receiver.waiting.is_empty() {
        let what = if model.logs_received() { "to be logged" } else { "to be accepted" };
        let waiting = format::count(receiver.waiting.len() as u64, "block");
        let verb = if receiver.waiting.len() == 1 { "waits" } else { "wait" };
        lines.push((format!("{waiting} {verb} {what}"), "Stored, and not acknowledged yet".to_owned()));
    }
    if receiver.duplicates > 0 {
        let lines_dropped = format::count(receiver.duplicates, "line");
        let hover = "Lines that came again after a reconnect: an earlier block has them".to_owned();
        lines.push((format!("{lines_dropped} sent again, dropped"), hover));
    }
    lines
}

/// A receiver that runs nowhere, and why.
pub(super) fn idle_receiver_ui(ui: &mut Ui, receiver: &ReceiverState) {
    let t = Tokens::of(ui.ctx());
    let info = &receiver.info;
    // Without a reason it was told to.
    let told = info.last_error_message.is_empty() && info.last_error.is_empty();
    let frame =
        if told { card(t).fill(t.panel) } else { card(t).fill(t.lost_surface).stroke(Stroke::new(1.0, t.lost)) };
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        let words = format!("Receiver {} stopped", info.stream);
        line_ui(ui, text::rich(words, text::semibold(text::SMALL), t.text));
        let why = match (info.last_error_message.as_str(), info.last_error.as_str()) {
            ("", "") => "Its stream was stopped".to_owned(),
            (message, "") => message.to_owned(),
            (message, error) => format!("{message}, {error}"),
        };
        line_ui(ui, text::rich(&why, text::regular(text::SMALL), t.text))
            .on_hover_text(format!("{} of stream {}\n{why}", info.name, info.stream));
    });
}
