//! Map outputs: shuffle by executor, with the ticks of the loom.

use super::column_head::{HEAD, column_head_ui};
use super::{empty_ui, link_ui, place_words};
use crate::scene::Tick;
use crate::scene::storage::{MapOutputRow, MapOutputs};
use crate::theme::{STEP, Tokens, format, text};
use crate::ui::ViewCtx;
use crate::ui::lineage_view::fan;
use crate::ui::table::{ROW, header_ui};
use egui::{Align, Layout, ScrollArea, Sense, Ui, WidgetInfo, WidgetType, pos2, vec2};
use egui_extras::{Column, TableBuilder};
use faultline_engine::ids::PartitionId;

const NAMES: f32 = 132.0;
const STATE: f32 = 204.0;
const PLACE: f32 = 92.0;
/// Width of one tick.
const PITCH: f32 = 14.0;

/// Draws the table.
pub(super) fn map_outputs_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, table: &MapOutputs) {
    if table.rows.is_empty() {
        empty_ui(ui, "No map output is kept: they appear when a stage writes a shuffle");
        return;
    }
    let gap = 2.0 * STEP;
    let places = table.executors.len() as f32;
    let room = ui.available_width() - NAMES - STATE - 2.0 * gap;
    let place = (room / places.max(1.0) - gap).clamp(PLACE, 400.0);
    let total = NAMES + STATE + 2.0 * gap + places * (place + gap);
    let (height, width) = (ui.available_height(), ui.available_width());
    let older = usize::from(table.hidden > 0);
    ScrollArea::horizontal().id_salt("map outputs").auto_shrink(false).show(ui, |ui| {
        ui.set_width(total.max(width));
        ui.set_height(height);
        ui.spacing_mut().item_spacing = egui::vec2(gap, 0.0);
        let builder = TableBuilder::new(ui)
            .id_salt(("map outputs", table.executors.len()))
            .auto_shrink(false)
            .min_scrolled_height(0.0)
            .max_scroll_height(f32::INFINITY)
            .cell_layout(Layout::left_to_right(Align::Center))
            .column(Column::exact(NAMES).clip(true))
            .column(Column::exact(STATE).clip(true))
            .columns(Column::exact(place).clip(true), table.executors.len());
        let builder = builder.header(HEAD, |mut header| {
            header.col(|ui| header_ui(ui, "Written by", Align::Min));
            header.col(|ui| header_ui(ui, "Shuffle, outputs", Align::Min));
            for executor in &table.executors {
                header.col(|ui| column_head_ui(ui, executor));
            }
        });
        builder.body(|body| {
            body.rows(ROW, table.rows.len() + older, |mut row| {
                let Some(shuffle) = table.rows.get(row.index()) else {
                    row.col(|ui| {
                        let t = Tokens::of(ui.ctx());
                        let words = format!("and {}", format::count(table.hidden as u64, "older shuffle"));
                        crate::ui::table::words_ui(ui, &words, t.text_faint);
                    });
                    return;
                };
                let name = name(shuffle);
                row.col(|ui| {
                    let t = Tokens::of(ui.ctx());
                    let words = text::rich(&name, text::regular(text::SMALL), t.text);
                    let told = format!("{name}, shuffle {}, {}", shuffle.shuffle, state_words(shuffle));
                    link_ui(ui, ctx, words, &told, shuffle.rdd).on_hover_text(told.clone());
                });
                row.col(|ui| {
                    let t = Tokens::of(ui.ctx());
                    let color = if shuffle.lost > 0 { t.lost } else { t.text_soft };
                    let words = format!("{}: {}", shuffle.shuffle, state_words(shuffle));
                    crate::theme::widgets::line_ui(ui, text::rich(words, text::regular(text::SMALL), color));
                });
                for (executor, ticks) in table.executors.iter().zip(&shuffle.cells) {
                    row.col(|ui| ticks_ui(ui, &format!("{name}, executor {}", executor.id), ticks));
                }
            });
        });
    });
}

fn name(shuffle: &MapOutputRow) -> String {
    shuffle.op.as_ref().map_or_else(|| format!("RDD {}", shuffle.rdd), |op| place_words(op, shuffle.rdd))
}

/// `4 of 6 there, 2 lost, 1 written again`.
fn state_words(shuffle: &MapOutputRow) -> String {
    let mut words = format!("{} of {} there", shuffle.present, shuffle.expected);
    if shuffle.lost > 0 {
        words.push_str(&format!(", {} lost", shuffle.lost));
    }
    if shuffle.rewritten > 0 {
        words.push_str(&format!(", {} written again", shuffle.rewritten));
    }
    words
}

const fn word(tick: Tick) -> &'static str {
    match tick {
        Tick::Absent => "not written",
        Tick::Present => "there",
        Tick::Rewritten => "written again",
        Tick::Lost => "lost",
    }
}

fn ticks_ui(ui: &mut Ui, name: &str, ticks: &[(PartitionId, Tick)]) {
    let t = Tokens::of(ui.ctx());
    let area = ui.max_rect();
    if ticks.is_empty() {
        return;
    }
    let kinds = [Tick::Present, Tick::Rewritten, Tick::Lost];
    let counts = kinds.map(|kind| (kind, ticks.iter().filter(|(_, tick)| *tick == kind).count()));
    let counts: Vec<_> = counts.into_iter().filter(|(_, n)| *n > 0).collect();
    let words: Vec<String> = counts.iter().map(|(kind, n)| format!("{n} {}", word(*kind))).collect();
    let told = format!("{name}, {}", words.join(", "));
    let response = ui.interact(area, ui.id().with("ticks"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, &told));
    let maps: Vec<String> = ticks.iter().take(64).map(|(map, tick)| format!("{map} {}", word(*tick))).collect();
    response.on_hover_text(format!("Map partitions: {}", maps.join(", ")));
    let mut shapes = Vec::new();
    let along = vec2(0.0, 1.0);
    if ticks.len() as f32 * PITCH + 28.0 <= area.width() {
        for (index, (_, tick)) in ticks.iter().enumerate() {
            let at = pos2(area.left() + (index as f32 + 0.5) * PITCH, area.center().y);
            fan::mark(*tick, at, along, 1.0, t, &mut shapes);
        }
        let at = pos2(area.left() + ticks.len() as f32 * PITCH + STEP, area.center().y);
        text::paint_line(ui.painter(), at, &ticks.len().to_string(), text::mono(text::SMALLEST), t.text_faint, 24.0);
    } else {
        let mut x = area.left();
        for (kind, count) in counts {
            fan::mark(kind, pos2(x + PITCH * 0.5, area.center().y), along, 1.0, t, &mut shapes);
            let at = pos2(x + PITCH + STEP * 0.5, area.center().y);
            let number = format::number(count as u64);
            x = at.x
                + text::paint_line(ui.painter(), at, &number, text::mono(text::SMALLEST), t.text_soft, 64.0)
                + STEP;
        }
    }
    ui.painter().extend(shapes);
}
