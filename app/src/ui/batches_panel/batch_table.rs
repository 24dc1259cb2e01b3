//! The table of batches.

use super::BatchesState;
use super::status::status_ui;
use crate::scene::batches::{BatchColumn, BatchRow};
use crate::theme::{STEP, format};
use crate::ui::ViewCtx;
use crate::ui::table::{HEADER, Move, NOTHING, ROW, fitting, keyboard_ui, name_row, number_ui, sort_header_ui};
use egui::{Align, Layout, Sense, Ui};
use egui_extras::{Column, TableBuilder, TableRow};

/// Columns in order: what, header, width in points, and which go first when there is no room.
const COLUMNS: [(BatchColumn, &str, f32, u8); 10] = [
    (BatchColumn::Batch, "Batch", 44.0, 0),
    (BatchColumn::Time, "Time\n(s)", 56.0, 5),
    (BatchColumn::Input, "Input\n(records)", 54.0, 3),
    (BatchColumn::Delay, "Delay\n(ms)", 40.0, 0),
    (BatchColumn::Processing, "Processing\n(ms)", 64.0, 0),
    (BatchColumn::Total, "Total\n(ms)", 48.0, 4),
    (BatchColumn::Tasks, "Tasks", 40.0, 6),
    (BatchColumn::Again, "Computed\nagain", 60.0, 1),
    (BatchColumn::ReadBack, "Read\nback", 40.0, 2),
    (BatchColumn::Status, "Status", 108.0, 0),
];

/// Draws the table.
pub(super) fn batch_table_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, state: &mut BatchesState) {
    let area = ui.max_rect();
    let id = ui.id().with("batches");
    let gap = 2.0 * STEP;
    let columns = fitting(&COLUMNS, area.width(), gap);
    let at = |state: &BatchesState| state.order.iter().position(|&i| Some(state.batches[i].id.0) == state.selected);
    let page = ((area.height() - HEADER) / ROW) as isize - 1;
    if let Some(to) = keyboard_ui(ui, id, area, "Batches", page.max(1)) {
        move_selection(ctx, state, to, at(state));
    }
    ui.spacing_mut().item_spacing = egui::vec2(gap, 0.0);
    // Columns are as wide as they need, and share what is left.
    let needed: f32 = columns.iter().map(|c| c.2 + gap).sum();
    let more = ((area.width() - needed) / columns.len() as f32).clamp(0.0, 40.0);
    let mut table = TableBuilder::new(ui)
        .id_salt(columns.len())
        .sense(Sense::CLICK)
        .auto_shrink(false)
        .min_scrolled_height(0.0)
        .max_scroll_height(f32::INFINITY)
        .cell_layout(Layout::left_to_right(Align::Center));
    for (column, _, width) in &columns {
        let last = *column == BatchColumn::Status;
        table = table.column(if last { Column::remainder() } else { Column::exact(width + more) }.clip(true));
    }
    if std::mem::take(&mut state.reveal)
        && let Some(row) = at(state)
    {
        table = table.scroll_to_row(row, None);
    }
    let (mut clicked, mut sorted) = (None, None);
    let table = table.header(HEADER, |mut header| {
        for (column, words, _) in &columns {
            let align = if *column == BatchColumn::Status { Align::Min } else { Align::Max };
            header.col(|ui| {
                if sort_header_ui(ui, words, align, state.sort.of(*column)).clicked() {
                    sorted = Some(*column);
                }
            });
        }
    });
    table.body(|body| {
        body.rows(ROW, state.order.len(), |mut row| {
            let batch = &state.batches[state.order[row.index()]];
            let selected = state.selected == Some(batch.id.0);
            row.set_selected(selected);
            row_ui(&mut row, batch, &columns);
            let response = row.response();
            name_row(&response, &name(batch), selected);
            if response.clicked() {
                clicked = Some(batch.id);
            }
            response.on_hover_ui_at_pointer(|ui| hover_ui(ui, batch));
        });
    });
    if let Some(column) = sorted {
        state.sort.clicked(column);
        state.sort_rows();
    }
    if let Some(batch) = clicked {
        ui.memory_mut(|memory| memory.request_focus(id));
        state.select_batch(ctx, batch);
    }
}

fn move_selection(ctx: &ViewCtx<'_>, state: &mut BatchesState, to: Move, from: Option<usize>) {
    let Some(row) = to.from(from, state.order.len()) else { return };
    let batch = state.batches[state.order[row]].id;
    state.reveal = true;
    state.select_batch(ctx, batch);
}

fn row_ui(row: &mut TableRow<'_, '_>, batch: &BatchRow, columns: &[(BatchColumn, &str, f32)]) {
    for (column, ..) in columns {
        row.col(|ui| match value(batch, *column) {
            Some(number) => number_ui(ui, &number),
            None => status_ui(ui, batch.chart_point().mark, batch.status.is_open(), &batch.status_words()),
        });
    }
}

/// What a column shows, when it is a number.
fn value(batch: &BatchRow, column: BatchColumn) -> Option<String> {
    let ms = |ns: Option<u64>| ns.map_or_else(|| NOTHING.to_owned(), |ns| format::number(ns / 1_000_000));
    Some(match column {
        BatchColumn::Batch => batch.id.to_string(),
        BatchColumn::Time => {
            batch.time_ms.map_or_else(|| NOTHING.to_owned(), |t| format!("{}.{:03}", t / 1_000, t % 1_000))
        }
        BatchColumn::Input => format::number(batch.records),
        BatchColumn::Delay => ms(batch.delay_ns),
        BatchColumn::Processing => ms(batch.processing_ns),
        BatchColumn::Total => ms(batch.total_ns()),
        BatchColumn::Tasks => format::number(batch.tasks),
        BatchColumn::Again => format::number(batch.computed_again),
        BatchColumn::ReadBack => format::number(batch.read_back),
        BatchColumn::Status => return None,
    })
}

/// `Batch 7, recovered, 120 records, 412 ms, 6 computed again, 2 read back`.
fn name(batch: &BatchRow) -> String {
    let processing = batch.processing_ns.map_or_else(String::new, |ns| format!(", {}", format::duration_ns(ns)));
    format!(
        "Batch {}, {}, {}{processing}, {} computed again, {} read back",
        batch.id,
        batch.status_words(),
        format::count(batch.records, "record"),
        batch.computed_again,
        batch.read_back
    )
}

fn hover_ui(ui: &mut Ui, batch: &BatchRow) {
    use crate::theme::{Tokens, text};
    let t = Tokens::of(ui.ctx());
    let title = format!("Batch {}, {}", batch.id, batch.status_words());
    ui.label(text::rich(title, text::semibold(text::SMALL), t.text));
    for (column, words, ..) in COLUMNS.iter().skip(1) {
        if let Some(number) = value(batch, *column) {
            let line = format!("{} {number}", words.replace('\n', " "));
            ui.label(text::rich(line, text::regular(text::SMALL), t.text_soft));
        }
    }
    if let Some(error) = &batch.failure {
        ui.label(text::rich(error.lines().next().unwrap_or_default(), text::regular(text::SMALL), t.lost));
    }
}
