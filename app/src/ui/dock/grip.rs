//! The handle of a panel without a tab: dragging it moves the panel.

use super::Pane;
use crate::theme::{STEP, Tokens};
use egui::{CursorIcon, Rect, Sense, Ui, WidgetInfo, WidgetType, pos2, vec2};

/// Draws the handle in the upper right corner while the pointer is over the panel or the handle has
/// the focus; says whether a drag began.
pub(super) fn grip_ui(ui: &Ui, pane: Pane) -> bool {
    let panel = ui.max_rect();
    let at = pos2(panel.right() - 5.0 * STEP, panel.top() + STEP);
    let handle = Rect::from_min_size(at, vec2(4.0 * STEP, 4.0 * STEP));
    let response = ui.interact(handle, ui.id().with("grip"), Sense::drag()).on_hover_cursor(CursorIcon::Grab);
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Other, true, format!("Move {}", pane.name())));
    if ui.rect_contains_pointer(panel) || response.has_focus() {
        let t = Tokens::of(ui.ctx());
        let color = if response.hovered() { t.text } else { t.text_faint };
        for (column, row) in [(0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (1, 2)] {
            let dot = handle.center() + vec2(column as f32 * 5.0 - 2.5, row as f32 * 5.0 - 5.0);
            ui.painter().circle_filled(dot, 1.3, color);
        }
    }
    response.on_hover_text("Drag to move this panel").drag_started()
}
