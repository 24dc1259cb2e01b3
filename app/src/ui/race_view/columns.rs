//! Where the columns of the table are.

use crate::race::Words;
use crate::theme::widgets::line_ui;
use crate::theme::{STEP, Tokens, text};
use egui::{Align, Layout, Rect, Response, RichText, Sense, Ui, UiBuilder, pos2, vec2};

/// Left and right end of each column, from the left edge of a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Columns {
    pub width: f32,
    pub title: (f32, f32),
    pub work: (f32, f32),
    pub every: (f32, f32),
    pub with: (f32, f32),
    pub added: (f32, f32),
    pub read: (f32, f32),
    pub upkeep: (f32, f32),
    pub open: (f32, f32),
}

/// On which side the words of a cell begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

impl Columns {
    pub(super) fn of(width: f32) -> Self {
        let at = |share: f32| (width * share).round();
        let gap = 2.0 * STEP;
        let edge = width - 4.0 * STEP;
        let open = edge - 18.0 * STEP;
        Self {
            width,
            title: (4.0 * STEP, at(0.225) - gap),
            work: (at(0.225), at(0.365) - gap),
            every: (at(0.365), at(0.435)),
            with: (at(0.435) + gap, at(0.55)),
            added: (at(0.55) + gap, at(0.655)),
            read: (at(0.67), at(0.78) - gap),
            upkeep: (at(0.78), open - gap),
            open: (open, edge),
        }
    }
}

/// The row of headings.
pub(super) fn headings_ui(ui: &mut Ui, columns: &Columns, headings: [((f32, f32), Side, String); 7]) {
    let t = Tokens::of(ui.ctx());
    let (row, _) = ui.allocate_exact_size(vec2(columns.width, 5.0 * STEP), Sense::hover());
    let ui = &mut ui.new_child(UiBuilder::new().max_rect(row));
    for (column, side, words) in headings {
        let words = text::rich(words, text::regular(text::SMALL), t.text_soft);
        line_in(ui, cell(row, column, row.top(), row.height()), side, words);
    }
}

/// The headings of the lanes of an input that is read.
pub(super) fn headings(columns: &Columns, words: &Words) -> [((f32, f32), Side, String); 7] {
    let Words { fault, part, .. } = words;
    [
        ((columns.work.0, columns.every.0), Side::Left, format!("work in the {part} the {fault}")),
        (columns.every, Side::Right, words.every.join(" ")),
        (columns.with, Side::Right, format!("{part} the {fault}")),
        (columns.added, Side::Right, format!("added by the {fault}")),
        (columns.read, Side::Left, "read from checkpoint".to_owned()),
        ((columns.upkeep.0, columns.open.0), Side::Left, "upkeep memory · written".to_owned()),
        (columns.open, Side::Left, "open run".to_owned()),
    ]
}

/// The part of a row that belongs to a column.
pub(super) fn cell(row: Rect, (left, right): (f32, f32), top: f32, height: f32) -> Rect {
    Rect::from_min_max(pos2(row.left() + left, top), pos2(row.left() + right, top + height))
}

/// One line of words in a cell, in the middle of its height.
pub(super) fn line_in(ui: &mut Ui, cell: Rect, side: Side, words: RichText) -> Response {
    in_cell(ui, cell, side, |ui| line_ui(ui, words))
}

/// Whatever goes into a cell.
pub(super) fn in_cell<R>(ui: &mut Ui, cell: Rect, side: Side, add: impl FnOnce(&mut Ui) -> R) -> R {
    let layout = match side {
        Side::Left => Layout::left_to_right(Align::Center),
        Side::Right => Layout::right_to_left(Align::Center),
    };
    ui.scope_builder(UiBuilder::new().max_rect(cell).layout(layout), add).inner
}
