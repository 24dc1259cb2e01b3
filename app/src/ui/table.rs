//! What tables share: headers, numbers, and rows that are reached by name and by keyboard.

use crate::theme::widgets::line_ui;
use crate::theme::{STEP, Tokens, text};
use egui::{Align, Color32, EventFilter, Id, Key, Label, Layout, Modifiers, Rect, Response, Sense, Shape, Ui};
use egui::{WidgetInfo, WidgetType, vec2};

/// Height of a row.
pub const ROW: f32 = 5.5 * STEP;
/// Height of a header of two lines.
pub const HEADER: f32 = 9.0 * STEP;
/// What a number shows before there is one.
pub const NOTHING: &str = "–";

/// Which way a column is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sorted {
    /// It is not.
    No,
    /// Smallest first.
    Up,
    /// Largest first.
    Down,
}

/// A header of up to two lines that sorts by its column when clicked.
pub fn sort_header_ui(ui: &mut Ui, words: &str, align: Align, sorted: Sorted) -> Response {
    let t = Tokens::of(ui.ctx());
    let rect = ui.max_rect();
    let response = ui.interact(rect, ui.id().with("sort"), Sense::click());
    let name = format!("Sort by {}", words.replace('\n', " ").to_lowercase());
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, &name));
    let color = if response.hovered() || sorted != Sorted::No { t.text } else { t.text_faint };
    let words = header_words_ui(ui, rect, words, align, color);
    if sorted != Sorted::No {
        let x = if align == Align::Max { words.left() - 1.5 * STEP } else { words.right() + 1.5 * STEP };
        let (c, r) = (egui::pos2(x, words.center().y), 0.75 * STEP);
        let y = if sorted == Sorted::Up { -r } else { r };
        let corners = vec![c + vec2(-r, -y), c + vec2(r, -y), c + vec2(0.0, y)];
        ui.painter().add(Shape::convex_polygon(corners, t.text, egui::Stroke::NONE));
    }
    if response.has_focus() {
        focus_ring(ui, rect);
    }
    response
}

/// A header that only names its column.
pub fn header_ui(ui: &mut Ui, words: &str, align: Align) {
    let t = Tokens::of(ui.ctx());
    header_words_ui(ui, ui.max_rect(), words, align, t.text_faint);
}

/// Paints the words and returns where the last line is.
fn header_words_ui(ui: &Ui, rect: Rect, words: &str, align: Align, color: Color32) -> Rect {
    let lines: Vec<_> = words
        .lines()
        .map(|line| text::line(ui.painter(), line, text::regular(text::SMALLEST), color, rect.width()))
        .collect();
    let height: f32 = lines.iter().map(|l| l.size().y).sum();
    let mut y = rect.bottom() - STEP - height;
    let mut last = rect;
    for line in lines {
        let x = if align == Align::Max { rect.right() - line.size().x } else { rect.left() };
        last = Rect::from_min_size(egui::pos2(x, y), line.size());
        ui.painter().galley(last.min, line, color);
        y = last.bottom();
    }
    last
}

/// A number at the right edge of its cell.
pub fn number_ui(ui: &mut Ui, number: &str) {
    let t = Tokens::of(ui.ctx());
    let color = if number == NOTHING || number == "0" { t.text_faint } else { t.text };
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        ui.add(Label::new(text::rich(number, text::mono(text::SMALLEST), color)).truncate());
    });
}

/// Words at the left edge of their cell, with the whole of them on hover.
pub fn words_ui(ui: &mut Ui, words: &str, color: Color32) {
    line_ui(ui, text::rich(words, text::regular(text::SMALL), color));
}

/// The name by which a row is found.
pub fn name_row(response: &Response, name: &str, selected: bool) {
    response.widget_info(|| WidgetInfo::selected(WidgetType::SelectableLabel, true, selected, name));
}

/// An outline around what has the keyboard.
pub fn focus_ring(ui: &Ui, rect: Rect) {
    let t = Tokens::of(ui.ctx());
    let stroke = egui::Stroke::new(1.5, t.selection);
    ui.painter().rect_stroke(rect.shrink(1.0), STEP, stroke, egui::StrokeKind::Inside);
}

/// What the keyboard asks of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// So many rows down; up when negative.
    By(isize),
    /// To the first row.
    First,
    /// To the last row.
    Last,
}

/// Makes `area` a place that Tab reaches and where arrows move the selected row.
pub fn keyboard_ui(ui: &Ui, id: Id, area: Rect, name: &str, page: isize) -> Option<Move> {
    let response = ui.interact(area, id, Sense::focusable_noninteractive());
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Other, true, name));
    if !response.has_focus() {
        return None;
    }
    focus_ring(ui, area);
    let filter = EventFilter { vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
    let keys = [
        (Key::ArrowDown, Move::By(1)),
        (Key::ArrowUp, Move::By(-1)),
        (Key::PageDown, Move::By(page)),
        (Key::PageUp, Move::By(-page)),
        (Key::Home, Move::First),
        (Key::End, Move::Last),
    ];
    let pressed = |key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    keys.into_iter().find(|(key, _)| pressed(*key)).map(|(_, to)| to)
}

impl Move {
    /// The row that is selected after it, of `count` rows.
    pub fn from(self, selected: Option<usize>, count: usize) -> Option<usize> {
        let last = count.checked_sub(1)?;
        Some(match (self, selected) {
            (Self::First, _) => 0,
            (Self::Last, _) => last,
            (Self::By(_), None) => 0,
            (Self::By(by), Some(at)) => at.saturating_add_signed(by).min(last),
        })
    }
}

/// A triangle that opens and closes a group.
pub fn expander_ui(ui: &mut Ui, open: bool, name: &str) -> Response {
    let t = Tokens::of(ui.ctx());
    let (rect, response) = ui.allocate_exact_size(vec2(4.0 * STEP, 4.0 * STEP), Sense::click());
    let verb = if open { "Collapse" } else { "Expand" };
    let words = format!("{verb} {name}");
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, &words));
    let color = if response.hovered() { t.text } else { t.text_faint };
    let (c, r) = (rect.center(), STEP);
    let corners = if open {
        vec![c + vec2(-r, -r * 0.6), c + vec2(r, -r * 0.6), c + vec2(0.0, r * 0.8)]
    } else {
        vec![c + vec2(-r * 0.6, -r), c + vec2(r * 0.8, 0.0), c + vec2(-r * 0.6, r)]
    };
    ui.painter().add(Shape::convex_polygon(corners, color, egui::Stroke::NONE));
    if response.has_focus() {
        focus_ring(ui, rect);
    }
    response
}

/// A column: what, header, width in points, and which go first when there is no room; 0 stays.
pub type TableColumn<C> = (C, &'static str, f32, u8);

/// The columns that fit, least needed ones left out; a row's hover has all of them.
pub fn fitting<C: Copy>(columns: &[TableColumn<C>], width: f32, gap: f32) -> Vec<(C, &'static str, f32)> {
    let mut left = columns.to_vec();
    while left.iter().map(|column| column.2 + gap).sum::<f32>() > width {
        let least = left.iter().enumerate().filter(|(_, column)| column.3 > 0).max_by_key(|(_, column)| column.3);
        let Some((least, _)) = least else { break };
        left.remove(least);
    }
    left.into_iter().map(|(column, words, width, _)| (column, words, width)).collect()
}
