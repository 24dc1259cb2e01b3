//! The rows of the write-ahead logs of what is received.

use crate::model::{LogId, LogSegment};
use crate::scene::storage::{LogFiles, batches_words};
use crate::theme::widgets::line_ui;
use crate::theme::{STEP, Tokens, format, text};
use crate::ui::table::{NOTHING, expander_ui, number_ui, words_ui};
use egui::{Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, WidgetType, vec2};
use egui_extras::TableRow;

/// The directory of a log; says whether it was opened or closed.
pub(super) fn directory_ui(row: &mut TableRow<'_, '_>, log: &LogFiles, open: bool) -> bool {
    let directory = format!("{}/", log.log.directory());
    let (bytes, records) = log.stored().fold((0, 0), |(bytes, records), s| (bytes + s.bytes, records + s.records));
    let count = log.stored().count();
    let cleaned = log.segments.len() - count;
    let mut toggled = false;
    row.col(|ui| {
        let t = Tokens::of(ui.ctx());
        ui.spacing_mut().item_spacing.x = STEP;
        toggled = expander_ui(ui, open, &directory).clicked();
        line_ui(ui, text::rich(&directory, text::mono(text::SMALLEST), t.text)).on_hover_text(&directory);
    });
    row.col(|ui| {
        let t = Tokens::of(ui.ctx());
        let (words, hover) = match log.log {
            LogId::Driver => (
                "Driver's log of blocks".to_owned(),
                "Which batch was given which block: the next driver reads it first",
            ),
            LogId::Receiver(stream) => {
                (format!("Log of receiver {stream}"), "The records: read where no executor holds a block any more")
            }
        };
        line_ui(ui, text::rich(words, text::regular(text::SMALL), t.text)).on_hover_text(hover);
    });
    row.col(|ui| number_ui(ui, &count.to_string()));
    row.col(|ui| number_ui(ui, &format::number(bytes)));
    row.col(|ui| number_ui(ui, &records_words(log.log, records)));
    row.col(|ui| {
        let t = Tokens::of(ui.ctx());
        let words = format!("{}, {cleaned} cleaned", format::count(count as u64, "segment"));
        words_ui(ui, &words, t.text_soft);
    });
    toggled
}

/// One segment.
pub(super) fn segment_ui(row: &mut TableRow<'_, '_>, log: LogId, number: u64, segment: &LogSegment) {
    let file = format!("log-{number:010}");
    let blocks = format::count(segment.blocks, "block");
    let batches = batches_words(segment).unwrap_or_else(|| "no batch yet".to_owned());
    let holds = format!("{blocks}, {batches}");
    let state = if segment.cleaned { "cleaned" } else { "needed" };
    row.col(|ui| {
        let t = Tokens::of(ui.ctx());
        ui.spacing_mut().item_spacing.x = STEP;
        ui.add_space(5.0 * STEP);
        sign_ui(ui, segment.cleaned);
        let color = if segment.cleaned { t.text_faint } else { t.text_soft };
        let response = line_ui(ui, text::rich(&file, text::mono(text::SMALLEST), color));
        let spoken = format!("{}/{file}, {holds}, {state}", log.directory());
        response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, &spoken));
        response.on_hover_text(&spoken);
    });
    row.col(|ui| {
        let t = Tokens::of(ui.ctx());
        words_ui(ui, &holds, if segment.cleaned { t.text_faint } else { t.text_soft });
    });
    row.col(|_| {});
    row.col(|ui| number_ui(ui, &format::number(segment.bytes)));
    row.col(|ui| number_ui(ui, &records_words(log, segment.records)));
    row.col(|ui| {
        let t = Tokens::of(ui.ctx());
        let words = if segment.cleaned { "cleaned: nothing of it is needed" } else { "needed" };
        words_ui(ui, words, t.text_soft);
    });
}

/// Only the log of a receiver has records.
fn records_words(log: LogId, records: u64) -> String {
    match log {
        LogId::Driver => NOTHING.to_owned(),
        LogId::Receiver(_) => format::number(records),
    }
}

/// A roll of lines; an empty outline when it is cleaned.
fn sign_ui(ui: &mut Ui, cleaned: bool) {
    let t = Tokens::of(ui.ctx());
    let (place, _) = ui.allocate_exact_size(Vec2::splat(3.0 * STEP), Sense::hover());
    let color = if cleaned { t.text_faint } else { t.checkpoint };
    let roll = egui::Rect::from_center_size(place.center(), vec2(11.0, 9.0));
    ui.painter().rect_stroke(roll, 1.0, Stroke::new(1.0, color), StrokeKind::Inside);
    if !cleaned {
        for y in [-2.0, 0.0, 2.0] {
            let y = roll.center().y + y;
            ui.painter().hline(roll.left() + 2.5..=roll.right() - 2.5, y, Stroke::new(1.0, color));
        }
    }
}
