//! The table of what was received, newest first.

use super::LedgerPanelState;
use super::fate_sign::{color, fate_ui};
use crate::model::{InputUnit, LedgerUnit};
use crate::theme::{STEP, Tokens, format, text};
use crate::ui::ViewCtx;
use crate::ui::table::{HEADER, NOTHING, ROW, fitting, header_ui, keyboard_ui, name_row, number_ui, words_ui};
use egui::{Align, Layout, Sense, Ui};
use egui_extras::{Column, TableBuilder, TableRow};

/// A column: its header, its width in points, and which go first when there is no room.
#[derive(Clone, Copy, PartialEq)]
enum Of {
    Fate,
    Unit,
    Records,
    Stored,
    Logged,
    Batch,
    Computed,
    Output,
    Why,
}

const COLUMNS: [(Of, &str, f32, u8); 9] = [
    (Of::Fate, "Fate", 84.0, 0),
    (Of::Unit, "Received as", 164.0, 0),
    (Of::Records, "Records", 52.0, 0),
    (Of::Stored, "Stored on\nexecutor", 60.0, 3),
    (Of::Logged, "Log\nsegment", 56.0, 4),
    (Of::Batch, "Batch", 44.0, 0),
    (Of::Computed, "Computed\n(times)", 60.0, 2),
    (Of::Output, "Output\n(times)", 48.0, 1),
    (Of::Why, "Why", 120.0, 5),
];

/// Draws the table.
pub(super) fn unit_table_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, state: &mut LedgerPanelState) {
    let area = ui.max_rect();
    let id = ui.id().with("ledger");
    let gap = 2.0 * STEP;
    let columns = fitting(&COLUMNS, area.width(), gap);
    let rows = state.num_rows(ctx);
    let page = ((area.height() - HEADER) / ROW) as isize - 1;
    if let Some(to) = keyboard_ui(ui, id, area, "Ledger", page.max(1))
        && let Some(row) = to.from(state.selected.map(|(row, _)| row), rows)
    {
        state.reveal = true;
        state.select(ctx, row);
    }
    ui.spacing_mut().item_spacing = egui::vec2(gap, 0.0);
    let mut table = TableBuilder::new(ui)
        .id_salt(columns.len())
        .sense(Sense::CLICK)
        .auto_shrink(false)
        .min_scrolled_height(0.0)
        .max_scroll_height(f32::INFINITY)
        .cell_layout(Layout::left_to_right(Align::Center));
    for (at, (_, _, width)) in columns.iter().enumerate() {
        let last = at + 1 == columns.len();
        table = table.column(if last { Column::remainder() } else { Column::exact(*width) }.clip(true));
    }
    if std::mem::take(&mut state.reveal)
        && let Some((row, _)) = state.selected
    {
        table = table.scroll_to_row(row, None);
    }
    let table = table.header(HEADER, |mut header| {
        for (of, words, _) in &columns {
            let align = if is_number(*of) { Align::Max } else { Align::Min };
            header.col(|ui| header_ui(ui, words, align));
        }
    });
    let mut clicked = None;
    table.body(|body| {
        body.rows(ROW, rows, |mut row| {
            let at = row.index();
            let Some(unit) = state.unit(ctx, at) else {
                columns.iter().for_each(|_| drop(row.col(|_| {})));
                return;
            };
            let selected = state.selected.is_some_and(|(row, _)| row == at);
            row.set_selected(selected);
            row_ui(&mut row, unit, &columns);
            let response = row.response();
            name_row(&response, &name(unit), selected);
            if response.clicked() {
                clicked = Some(at);
            }
            response.on_hover_ui_at_pointer(|ui| hover_ui(ui, unit));
        });
    });
    if let Some(row) = clicked {
        ui.memory_mut(|memory| memory.request_focus(id));
        state.select(ctx, row);
    }
}

const fn is_number(of: Of) -> bool {
    matches!(of, Of::Records | Of::Stored | Of::Logged | Of::Batch | Of::Computed | Of::Output)
}

fn row_ui(row: &mut TableRow<'_, '_>, unit: &LedgerUnit, columns: &[(Of, &str, f32)]) {
    for (of, ..) in columns {
        row.col(|ui| {
            let t = Tokens::of(ui.ctx());
            match of {
                Of::Fate => fate_ui(ui, unit.fate, unit.fate.word()),
                Of::Why => words_ui(ui, unit.reason.as_deref().unwrap_or_default(), color(unit.fate, t)),
                Of::Unit => words_ui(ui, &value(unit, *of), t.text),
                _ => number_ui(ui, &value(unit, *of)),
            }
        });
    }
}

fn value(unit: &LedgerUnit, of: Of) -> String {
    let or_nothing = |value: Option<String>| value.unwrap_or_else(|| NOTHING.to_owned());
    match of {
        Of::Fate => unit.fate.word().to_owned(),
        Of::Unit => match &unit.unit {
            // The end of a path tells files apart.
            InputUnit::File { path, .. } => path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned(),
            // Its batch has a column.
            InputUnit::Range { stream, .. } => format!("range of stream {stream}"),
            other => other.to_string(),
        },
        Of::Records => or_nothing(unit.records.map(format::number)),
        Of::Stored if unit.holders.is_empty() => NOTHING.to_owned(),
        Of::Stored => unit.holders.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        Of::Logged => or_nothing(unit.segment.map(format::number)),
        Of::Batch => or_nothing(unit.batch.map(|batch| batch.to_string())),
        Of::Computed => format::number(unit.computed),
        Of::Output => format::number(unit.outputs),
        Of::Why => or_nothing(unit.reason.as_deref().map(str::to_owned)),
    }
}

/// `input-0-1200, 12 records, batch 7, lost: the driver was lost, …`.
fn name(unit: &LedgerUnit) -> String {
    let batch = unit.batch.map_or_else(String::new, |batch| format!(", batch {batch}"));
    let why = unit.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    let records = unit.records.map_or_else(String::new, |records| format!(", {}", format::count(records, "record")));
    format!("{}{records}{batch}, {}{why}", value(unit, Of::Unit), unit.fate.word())
}

fn hover_ui(ui: &mut Ui, unit: &LedgerUnit) {
    let t = Tokens::of(ui.ctx());
    ui.label(text::rich(unit.unit.to_string(), text::semibold(text::SMALL), t.text));
    for (of, words, ..) in COLUMNS.iter().filter(|(of, ..)| *of != Of::Unit) {
        let value = value(unit, *of);
        if value != NOTHING {
            let line = format!("{} {value}", words.replace('\n', " "));
            ui.label(text::rich(line, text::regular(text::SMALL), t.text_soft));
        }
    }
    for (client, last) in &unit.clients {
        let line = format!("Up to line {last} of {client}");
        ui.label(text::rich(line, text::regular(text::SMALL), t.text_soft));
    }
}
