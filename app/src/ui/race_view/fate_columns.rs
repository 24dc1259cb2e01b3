//! The lanes of a received input: what became of its records, with the fault and without.

use super::columns::{Columns, Side, cell, line_in};
use super::lane_row::Lines;
use crate::model::Fate;
use crate::race::{FATES, Fates, Lane, Words, pending};
use crate::theme::widgets::line_ui;
use crate::theme::{STEP, Tokens, format, text};
use crate::ui::ledger_panel::fate_color;
use egui::{Color32, Rect, Sense, Ui, WidgetInfo, WidgetType, pos2, vec2};

/// Height of a bar.
const HEIGHT: f32 = 6.0 * STEP;
/// The shortest part, so that one record of many is still seen.
const SHORTEST: f32 = STEP;
/// Between two parts.
const GAP: f32 = 2.0;

/// The columns are those of the other lanes; they tell something else.
pub(super) fn headings(columns: &Columns, words: &Words) -> [((f32, f32), Side, String); 7] {
    let fault = words.fault;
    let [lost, once, duplicated] = FATES.map(Fate::word);
    [
        ((columns.work.0, columns.every.0), Side::Left, format!("received, with the {fault}")),
        (columns.every, Side::Right, lost.to_owned()),
        (columns.with, Side::Right, once.to_owned()),
        (columns.added, Side::Right, duplicated.to_owned()),
        (received_column(columns), Side::Right, "received".to_owned()),
        ((columns.upkeep.0, columns.open.0), Side::Left, format!("without the {fault}")),
        (columns.open, Side::Left, "open run".to_owned()),
    ]
}

/// What was received, in the column that other lanes use for words.
fn received_column(columns: &Columns) -> (f32, f32) {
    (columns.read.0, columns.read.1 - 4.0 * STEP)
}

/// The cells of a lane.
pub(super) fn fates_ui(ui: &mut Ui, lane: &Lane, columns: &Columns, words: &Words, lines: Lines) {
    let Some(fates) = lane.fates else { return };
    let t = Tokens::of(ui.ctx());
    let tall = |column| cell(lines.row, column, lines.row.top(), lines.row.height());
    bar_ui(ui, tall(columns.work), lane, &fates, words);
    for (column, fate) in [columns.every, columns.with, columns.added].into_iter().zip(FATES) {
        let (with, _) = fates.records(fate);
        let color = if with > 0 && fate != Fate::Once { fate_color(fate, t) } else { t.text };
        super::lane_row::counted_ui(ui, column, lines, (format::number(with), with), "record", color);
    }
    let received = fates.with_fault.received.records;
    super::lane_row::counted_ui(
        ui,
        received_column(columns),
        lines,
        (format::number(received), received),
        "record",
        t.text,
    );
    let (lost, twice) = (fates.records(Fate::Lost).1, fates.records(Fate::Duplicated).1);
    let upper = format!("{} lost, {} duplicated", format::number(lost), format::number(twice));
    line_in(
        ui,
        cell(lines.row, columns.upkeep, lines.upper, lines.height()),
        Side::Left,
        text::rich(upper, text::regular(text::MEDIUM), t.text),
    );
    let lower = match pending(lane) {
        0 => format!("of {}", format::count(fates.without_fault.received.records, "record")),
        n => format!("{} in no batch", format::number(n)),
    };
    let lower = text::rich(lower, text::regular(text::SMALL), t.text_faint);
    line_in(ui, cell(lines.row, columns.upkeep, lines.lower, lines.height()), Side::Left, lower);
}

/// What was received as one bar: put out once, put out more often, lost.
fn bar_ui(ui: &mut Ui, room: Rect, lane: &Lane, fates: &Fates, words: &Words) {
    let t = Tokens::of(ui.ctx());
    let totals = &fates.with_fault;
    let parts = [Fate::Once, Fate::Duplicated, Fate::Lost].map(|fate| (fate, totals.of(fate).records));
    // What nobody heard because of the fault is missing at the end.
    let all = totals.received.records.max(fates.without_fault.received.records).max(1);
    let scale = (room.width() - 2.0 * GAP - 2.0 * SHORTEST).max(0.0) / all as f32;
    let top = room.center().y - HEIGHT / 2.0;
    let mut left = room.left();
    for (fate, count) in parts.into_iter().filter(|(_, count)| *count > 0) {
        let width = (count as f32 * scale).max(SHORTEST);
        part_ui(ui, fate, Rect::from_min_size(pos2(left, top), vec2(width, HEIGHT)), t);
        left += width + GAP;
    }
    let whole = Rect::from_min_max(pos2(room.left(), top), pos2(left.max(room.left() + SHORTEST), top + HEIGHT));
    let response = ui.interact(whole, ui.id().with(("fates", lane.policy.name())), Sense::hover());
    let told = parts.map(|(fate, count)| format!("{} {}", format::number(count), fate.word())).join(", ");
    let told = format!("{told}, with the {}", words.fault);
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Other, true, format!("Records, {told}")));
    response.on_hover_text(told);
}

fn part_ui(ui: &Ui, fate: Fate, rect: Rect, t: &Tokens) {
    let radius = crate::theme::RADIUS_SMALL.min(rect.width() / 2.0);
    let color: Color32 = fate_color(fate, t);
    match fate {
        Fate::Duplicated => {
            let mut shapes = Vec::new();
            crate::ui::cell::hatched_bar(rect, color, &mut shapes);
            ui.painter().extend(shapes);
        }
        Fate::Lost => {
            ui.painter().rect(rect, radius, t.lost_surface, egui::Stroke::new(1.5, color), egui::StrokeKind::Inside);
        }
        Fate::Once | Fate::Pending => drop(ui.painter().rect_filled(rect, radius, t.first_time)),
    }
}

/// What the parts of a bar mean.
pub(super) fn key_ui(ui: &mut Ui) {
    let t = Tokens::of(ui.ctx());
    ui.horizontal(|ui| {
        ui.add_space(4.0 * STEP);
        for (fate, meaning) in [
            (Fate::Once, "in the output once"),
            (Fate::Duplicated, "in the output more than once"),
            (Fate::Lost, "received, and never put out"),
        ] {
            let (rect, _) = ui.allocate_exact_size(vec2(4.0 * STEP, 3.0 * STEP), Sense::hover());
            part_ui(ui, fate, rect, t);
            line_ui(ui, text::rich(meaning, text::regular(text::SMALL), t.text_soft));
            ui.add_space(2.0 * STEP);
        }
    });
}
