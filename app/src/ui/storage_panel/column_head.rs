//! The head of an executor's column: who it is, and how full its memory is.

use crate::scene::storage::{ExecutorColumn, NEARLY_FULL};
use crate::theme::{STEP, Tokens, format, text};
use egui::{CornerRadius, Rect, Sense, Stroke, StrokeKind, Ui, WidgetInfo, WidgetType, pos2, vec2};

/// Height of the heads.
pub(super) const HEAD: f32 = 9.0 * STEP;
/// From this width on, a head has room for bytes beside its bar.
const ROOMY: f32 = 168.0;

/// Draws the head into its cell.
pub(super) fn column_head_ui(ui: &mut Ui, executor: &ExecutorColumn) {
    let t = Tokens::of(ui.ctx());
    let cell = ui.max_rect();
    let response = ui.allocate_rect(cell, Sense::hover());
    let memory = format::bytes_of(executor.memory_bytes, executor.max_memory);
    let word = executor.word();
    let told = if word.is_empty() { String::new() } else { format!(", {word}") };
    let name = format!("Executor {}{told}, memory {memory}", executor.id);
    response.widget_info(|| WidgetInfo::labeled(WidgetType::ProgressIndicator, true, &name));

    let title = format!("Executor {}", executor.id);
    let color = if executor.alive { t.text } else { t.text_soft };
    let at = pos2(cell.left(), cell.top() + 2.5 * STEP);
    text::paint_line(ui.painter(), at, &title, text::semibold(text::SMALL), color, cell.width());
    let below = cell.top() + 6.25 * STEP;
    let mut left = cell.left();
    if executor.alive {
        let roomy = cell.width() >= ROOMY;
        let share = if roomy || !word.is_empty() { 0.4 } else { 1.0 };
        let width = (cell.width() - 2.0 * STEP) * share;
        let bar = Rect::from_min_size(pos2(left, below - 0.75 * STEP), vec2(width, 1.5 * STEP));
        bar_paint(ui, bar, executor.share());
        left = bar.right() + 2.0 * STEP;
        if roomy {
            let small = text::regular(text::SMALLEST);
            left +=
                text::paint_line(ui.painter(), pos2(left, below), &memory, small, t.text_faint, cell.right() - left);
            left += 2.0 * STEP;
        }
    }
    if !word.is_empty() {
        let color = if executor.alive { t.computing_words } else { t.lost };
        let room = cell.right() - left;
        text::paint_line(ui.painter(), pos2(left, below), word, text::semibold(text::SMALLEST), color, room);
    }
    response.on_hover_ui(|ui| {
        ui.label(text::rich(format!("{memory} in memory"), text::regular(text::SMALL), t.text));
        let disk = format!("{} on disk", format::bytes(executor.disk_bytes));
        ui.label(text::rich(disk, text::regular(text::SMALL), t.text_soft));
        let words = "Behind the mark on the bar the next blocks may evict others";
        ui.label(text::rich(words, text::regular(text::SMALL), t.text_faint));
    });
}

/// The used share, and a mark where it gets tight.
fn bar_paint(ui: &Ui, rect: Rect, share: f32) {
    let t = Tokens::of(ui.ctx());
    let radius = CornerRadius::same(3);
    ui.painter().rect_filled(rect, radius, t.background);
    let used = rect.with_max_x(rect.left() + rect.width() * share.clamp(0.0, 1.0));
    if used.width() >= 1.0 {
        ui.painter().rect_filled(used, radius, t.memory);
    }
    ui.painter().rect_stroke(rect, radius, Stroke::new(1.0, t.line), StrokeKind::Inside);
    let mark = rect.left() + rect.width() * NEARLY_FULL;
    ui.painter().vline(mark, rect.expand2(vec2(0.0, 2.0)).y_range(), Stroke::new(1.0, t.text_faint));
}
