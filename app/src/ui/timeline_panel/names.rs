//! Names and controls of visible tasks, for assistive technology, tests and clicks.

use super::tooltip::task_tooltip;
use super::{Plot, Timeline};
use crate::command::{AppCommand, Focus};
use crate::scene::timeline::task_words;
use crate::theme::format;
use crate::ui::ViewCtx;
use egui::{Id, Rect, Sense, Ui, WidgetInfo, WidgetType};

/// With more bars in view only rows have names; a click then goes through the plot.
pub(super) const MAX_NAMED: usize = 400;

/// One control per bar, else one name per row.
pub(super) fn names_ui(ui: &Ui, ctx: &ViewCtx<'_>, timeline: &Timeline, plot: &Plot, id: Id) {
    let named = timeline.bars.len() <= MAX_NAMED;
    if named {
        for bar in &timeline.bars {
            let rect = plot.row(bar.row, bar.x).intersect(plot.rect);
            let Some(task) = ctx.model.tasks.get(&bar.task).filter(|_| rect.is_positive()) else { continue };
            // Tab stops at the plot, where arrows go from task to task.
            let response = ui.interact(rect, id.with(("task", bar.task)), Sense::CLICK);
            let info = || WidgetInfo::selected(WidgetType::Button, true, bar.selected, task_words(ctx.model, task));
            response.widget_info(info);
            if response.clicked() {
                ctx.send.send(AppCommand::Focus(Focus::Task(bar.task)));
            }
            let response = response.on_hover_cursor(egui::CursorIcon::PointingHand);
            response.on_hover_ui_at_pointer(|ui| task_tooltip(ui, ctx.model, task));
        }
    }
    if !named || !timeline.heaps.is_empty() {
        rows_ui(ui, timeline, plot, id);
    }
}

/// What a row shows, in one sentence.
fn rows_ui(ui: &Ui, timeline: &Timeline, plot: &Plot, id: Id) {
    for lane in &timeline.lanes {
        for (slot, row) in lane.rows.clone().enumerate() {
            let (mut tasks, mut again, mut failed) = (0u64, 0u64, 0u64);
            for heap in timeline.heaps.iter().filter(|heap| heap.row == row) {
                tasks += u64::from(heap.tasks);
                again += u64::from(heap.again);
                failed += u64::from(heap.failed);
            }
            for bar in timeline.bars.iter().filter(|bar| bar.row == row) {
                tasks += 1;
                again += u64::from(bar.pieces.iter().any(|piece| piece.again));
                failed += u64::from(bar.state == crate::scene::timeline::BarState::Failed);
            }
            let rect: Rect = plot.row(row, (0.0, plot.rect.width())).intersect(plot.rect);
            if tasks == 0 || !rect.is_positive() {
                continue;
            }
            let mut words =
                format!("Executor {}, slot {}, {} in view", lane.executor, slot + 1, format::count(tasks, "task"));
            for (n, what) in [(again, "computed again"), (failed, "failed")] {
                if n > 0 {
                    words.push_str(&format!(", {n} {what}"));
                }
            }
            let response = ui.interact(rect, id.with(("row", row)), Sense::hover());
            response.widget_info(|| WidgetInfo::labeled(WidgetType::Other, true, &words));
        }
    }
}
