//! Stored partitions: operator and batch by executor, and by checkpoint.

use super::column_head::{HEAD, column_head_ui};
use super::matrix_cell::{CellOf, counts_ui, partitions_ui};
use super::{empty_ui, link_ui};
use crate::scene::storage::{CheckpointFact, Matrix, OperatorStorage, Place, RddStorage};
use crate::theme::{STEP, Tokens, format, text};
use crate::ui::ViewCtx;
use crate::ui::table::{ROW, expander_ui, header_ui, words_ui};
use egui::{Align, Layout, ScrollArea, Ui};
use egui_extras::{Column, TableBuilder, TableRow};
use faultline_engine::ids::{ExecutorId, OperatorName};
use std::collections::BTreeSet;

/// Widths of names, of intent and fact, and the least of a place.
const NAMES: f32 = 148.0;
const STORED: f32 = 156.0;
const PLACE: f32 = 92.0;

/// A line of the table.
#[derive(Clone, Copy)]
enum Line<'a> {
    /// An operator with its sums.
    Operator(&'a OperatorStorage),
    /// One of its RDDs.
    Rdd(&'a OperatorStorage, &'a RddStorage),
}

/// Draws the table.
pub(super) fn matrix_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, matrix: &Matrix, collapsed: &mut BTreeSet<OperatorName>) {
    if matrix.operators.is_empty() {
        empty_ui(ui, "Nothing is stored yet: persist or checkpoint an operator to keep its partitions");
        return;
    }
    let lines = lines(matrix, collapsed);
    let gap = 2.0 * STEP;
    let places = matrix.executors.len() as f32 + 1.0;
    let room = ui.available_width() - NAMES - STORED - 2.0 * gap;
    let place = (room / places - gap).clamp(PLACE, 400.0);
    let total = NAMES + STORED + 2.0 * gap + places * (place + gap);
    let (height, width) = (ui.available_height(), ui.available_width());
    let mut toggled = None;
    ScrollArea::horizontal().id_salt("matrix").auto_shrink(false).show(ui, |ui| {
        ui.set_width(total.max(width));
        ui.set_height(height);
        ui.spacing_mut().item_spacing = egui::vec2(gap, 0.0);
        let table = TableBuilder::new(ui)
            .id_salt(("partitions", matrix.executors.len()))
            .auto_shrink(false)
            .min_scrolled_height(0.0)
            .max_scroll_height(f32::INFINITY)
            .cell_layout(Layout::left_to_right(Align::Center))
            .column(Column::exact(NAMES).clip(true))
            .column(Column::exact(STORED).clip(true))
            .columns(Column::exact(place).clip(true), matrix.executors.len())
            .column(Column::remainder().at_least(PLACE).clip(true));
        let table = table.header(HEAD, |mut header| {
            header.col(|ui| header_ui(ui, "Operator", Align::Min));
            header.col(|ui| header_ui(ui, "Level, cached", Align::Min));
            for executor in &matrix.executors {
                header.col(|ui| column_head_ui(ui, executor));
            }
            header.col(|ui| header_ui(ui, "Checkpoint", Align::Min));
        });
        table.body(|body| {
            body.rows(ROW, lines.len(), |mut row| match lines[row.index()] {
                Line::Operator(operator) => {
                    let open = !collapsed.contains(&operator.operator);
                    row.set_overline(row.index() > 0);
                    if operator_row_ui(&mut row, ctx, matrix, operator, open) {
                        toggled = Some(operator.operator.clone());
                    }
                }
                Line::Rdd(operator, rdd) => rdd_row_ui(&mut row, ctx, matrix, operator, rdd),
            });
        });
    });
    if let Some(operator) = toggled
        && !collapsed.remove(&operator)
    {
        collapsed.insert(operator);
    }
}

fn lines<'a>(matrix: &'a Matrix, collapsed: &BTreeSet<OperatorName>) -> Vec<Line<'a>> {
    let mut lines = Vec::new();
    for operator in &matrix.operators {
        lines.push(Line::Operator(operator));
        if !collapsed.contains(&operator.operator) {
            lines.extend(operator.rdds.iter().map(|rdd| Line::Rdd(operator, rdd)));
        }
    }
    lines
}

/// Says whether the group was opened or closed.
fn operator_row_ui(
    row: &mut TableRow<'_, '_>,
    ctx: &ViewCtx<'_>,
    matrix: &Matrix,
    operator: &OperatorStorage,
    open: bool,
) -> bool {
    let name = operator.operator.as_str();
    let mut toggled = false;
    row.col(|ui| {
        let t = Tokens::of(ui.ctx());
        ui.spacing_mut().item_spacing.x = STEP;
        toggled = expander_ui(ui, open, name).clicked();
        if let Some(newest) = operator.rdds.first() {
            let words = text::rich(name, text::semibold(text::SMALL), t.text);
            let told = format!("{name}, {}", format::count(operator.rdds.len() as u64, "stored RDD"));
            link_ui(ui, ctx, words, &told, newest.rdd).on_hover_text(told.clone());
        }
    });
    row.col(|ui| {
        let t = Tokens::of(ui.ctx());
        words_ui(ui, &operator.level().to_string(), t.text_soft);
    });
    for (place, words) in places(matrix) {
        row.col(|ui| {
            let Some(rdd) = operator.rdds.first() else { return };
            // What an open group shows below needs no sum.
            if !open {
                counts_ui(ui, &CellOf { row: name, place: &words, rdd }, &operator.counts(place));
            }
        });
    }
    toggled
}

fn rdd_row_ui(
    row: &mut TableRow<'_, '_>,
    ctx: &ViewCtx<'_>,
    matrix: &Matrix,
    operator: &OperatorStorage,
    rdd: &RddStorage,
) {
    let short = rdd.batch.map_or_else(|| format!("RDD {}", rdd.rdd), |b| format!("batch {b}"));
    let name = format!("{}, {short}", operator.operator);
    row.col(|ui| {
        let t = Tokens::of(ui.ctx());
        ui.add_space(5.0 * STEP);
        let told = format!("{name}, {}, {}", rdd.level, stored_words(rdd));
        link_ui(ui, ctx, text::rich(&short, text::regular(text::SMALL), t.text), &told, rdd.rdd);
    });
    row.col(|ui| stored_ui(ui, operator, rdd));
    for (place, words) in places(matrix) {
        row.col(|ui| {
            let cells = rdd.at(place);
            if cells.is_empty() && place == Place::Checkpoint {
                checkpoint_ui(ui, rdd.checkpoint);
            } else {
                partitions_ui(ui, ctx, &CellOf { row: &name, place: &words, rdd }, cells);
            }
        });
    }
}

/// Every place of the table with its words.
fn places(matrix: &Matrix) -> impl Iterator<Item = (Place, String)> {
    let executor = |(i, id): (usize, ExecutorId)| (Place::Executor(i), format!("executor {id}"));
    let executors = matrix.executors.iter().map(|e| e.id).enumerate().map(executor);
    executors.chain([(Place::Checkpoint, "reliable store".to_owned())])
}

/// `5 of 6 cached`, and what is wrong.
fn stored_words(rdd: &RddStorage) -> String {
    let mut words = format!("{} of {} cached", rdd.cached, rdd.partitions);
    for (count, what) in [(rdd.lost, "lost"), (rdd.evicted, "evicted"), (rdd.under_replicated, "under-replicated")] {
        if count > 0 {
            words.push_str(&format!(", {count} {what}"));
        }
    }
    words
}

fn stored_ui(ui: &mut Ui, operator: &OperatorStorage, rdd: &RddStorage) {
    let t = Tokens::of(ui.ctx());
    let words = if rdd.level.is_valid() { stored_words(rdd) } else { "not cached".to_owned() };
    let other = rdd.level.is_valid() && rdd.level != operator.level();
    let words = if other { format!("{}, {words}", rdd.level) } else { words };
    let color = if rdd.lost > 0 { t.lost } else { t.text_soft };
    let response = crate::theme::widgets::line_ui(ui, text::rich(&words, text::regular(text::SMALL), color));
    response.on_hover_ui(|ui| {
        let line = |ui: &mut Ui, words: String| ui.label(text::rich(words, text::regular(text::SMALL), t.text_soft));
        ui.label(text::rich(&words, text::semibold(text::SMALL), t.text));
        line(ui, format!("{}, {}", rdd.level, rdd.level.description()));
        line(ui, format!("{} in memory, {} on disk", format::bytes(rdd.memory_bytes), format::bytes(rdd.disk_bytes)));
    });
}

fn checkpoint_ui(ui: &mut Ui, fact: CheckpointFact) {
    let t = Tokens::of(ui.ctx());
    match fact {
        CheckpointFact::None | CheckpointFact::Written => {}
        CheckpointFact::Marked => words_ui(ui, "marked", t.text_faint),
        CheckpointFact::Writing => words_ui(ui, "being written", t.computing_words),
    }
}
