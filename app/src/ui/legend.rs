//! The legend: what each sign of a partition cell means, with corners and dots.

use super::cell;
use crate::model::{Cell, Sign};
use crate::theme::{STEP, Tokens, text};
use egui::{Rect, Sense, Ui, Vec2, WidgetInfo, WidgetType, pos2, vec2};

const ROW: f32 = 5.0 * STEP;
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

/// The most of its panel's height that the legend takes with words.
const SHARE_MAX: f32 = 0.28;

/// Whether there is room for the words; without it the signs stand alone, with their words on hover.
fn has_words(width: f32, panel_height: f32) -> bool {
    entries().len().div_ceil(columns(width)) as f32 * ROW <= SHARE_MAX * panel_height
}

/// Height that the legend needs at a width, in a panel of a height.
pub fn height(width: f32, panel_height: f32) -> f32 {
    if has_words(width, panel_height) { entries().len().div_ceil(columns(width)) as f32 * ROW } else { ROW }
}

/// Draws the legend over the whole width.
pub fn legend_ui(ui: &mut Ui, panel_height: f32) {
    let t = Tokens::of(ui.ctx());
    let width = ui.available_width();
    let words_fit = has_words(width, panel_height);
    let columns = if words_fit { columns(width) } else { entries().len() };
    let rows = entries().len().div_ceil(columns);
    let (area, _) = ui.allocate_exact_size(vec2(width, rows as f32 * ROW), Sense::hover());
    let column_width = (width / columns as f32).min(if words_fit { COLUMN_MIN * 1.4 } else { CELL + 3.0 * STEP });
    let mut shapes = Vec::new();
    for (index, (cell, words)) in entries().into_iter().enumerate() {
        let (column, row) = (index / rows, index % rows);
        let at = area.min + vec2(column as f32 * column_width, row as f32 * ROW);
        let entry = Rect::from_min_size(at, vec2(column_width, ROW));
        let square = Rect::from_center_size(pos2(at.x + CELL / 2.0, entry.center().y), Vec2::splat(CELL));
        cell::shapes(cell, square, t, false, &mut shapes);
        let mut response = ui.interact(entry, ui.id().with(("legend", index)), Sense::hover());
        if words_fit {
            let words_at = pos2(square.right() + 2.0 * STEP, entry.center().y);
            let room = entry.right() - words_at.x - STEP;
            text::paint_line(ui.painter(), words_at, words, text::regular(text::SMALL), t.text_soft, room);
        } else {
            response = response.on_hover_text(words);
        }
        response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, words));
    }
    ui.painter().extend(shapes);
}
