//! The legend: what each sign of a partition cell means, with corners and dots.

use super::cell;
use crate::model::{Cell, Sign};
use crate::theme::{STEP, Tokens, text};
use egui::{Rect, Sense, Ui, Vec2, WidgetInfo, WidgetType, pos2, vec2};

const ROW: f32 = 6.0 * STEP;
const COLUMN_MIN: f32 = 152.0;
const CELL: f32 = 16.0;

/// What the legend lists, column by column when it has six columns.
fn entries() -> [(Cell, &'static str); 12] {
    let plain = cell::plain;
    [
        (plain(Sign::NeverComputed), "never computed"),
        (plain(Sign::ComputedNotKept), "computed, not kept"),
        (plain(Sign::Computing), "computing"),
        (plain(Sign::ComputingAgain), "computing again"),
        (plain(Sign::InMemory), "in memory"),
        (Cell { copies: 2, ..plain(Sign::InMemory) }, "two copies"),
        (plain(Sign::OnDisk), "on disk"),
        (Cell { checkpointed: true, ..plain(Sign::InMemory) }, "and checkpointed"),
        (plain(Sign::ReadBack), "read back"),
        (Cell { recomputed: true, ..plain(Sign::InMemory) }, "recomputed"),
        (plain(Sign::Lost), "lost"),
        (plain(Sign::Evicted), "evicted"),
    ]
}

fn columns(width: f32) -> usize {
    match (width / COLUMN_MIN) as usize {
        0 | 1 => 1,
        2 => 2,
        3 => 3,
        4 | 5 => 4,
        _ => 6,
    }
}

/// Height that the legend needs at a width.
pub fn height(width: f32) -> f32 {
    entries().len().div_ceil(columns(width)) as f32 * ROW
}

/// Draws the legend over the whole width.
pub fn legend_ui(ui: &mut Ui) {
    let t = Tokens::of(ui.ctx());
    let width = ui.available_width();
    let columns = columns(width);
    let rows = entries().len().div_ceil(columns);
    let (area, _) = ui.allocate_exact_size(vec2(width, rows as f32 * ROW), Sense::hover());
    let column_width = (width / columns as f32).min(COLUMN_MIN * 1.4);
    let mut shapes = Vec::new();
    for (index, (cell, words)) in entries().into_iter().enumerate() {
        let (column, row) = (index / rows, index % rows);
        let at = area.min + vec2(column as f32 * column_width, row as f32 * ROW);
        let entry = Rect::from_min_size(at, vec2(column_width, ROW));
        let square = Rect::from_center_size(pos2(at.x + CELL / 2.0, entry.center().y), Vec2::splat(CELL));
        cell::shapes(cell, square, t, false, &mut shapes);
        let words_at = pos2(square.right() + 2.0 * STEP, entry.center().y);
        let room = entry.right() - words_at.x - STEP;
        text::paint_line(ui.painter(), words_at, words, text::regular(text::SMALL), t.text_soft, room);
        let response = ui.interact(entry, ui.id().with(("legend", index)), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, words));
    }
    ui.painter().extend(shapes);
}
