//! Every key, from the table that also drives them.

use super::ViewCtx;
use crate::command::AppCommand;
use crate::command::shortcuts::{Group, ROWS, Row};
use crate::theme::widgets::{line_ui, modal_frame};
use crate::theme::{RADIUS_SMALL, STEP, Tokens, text};
use egui::{
    Align, Context, Id, Layout, Modal, ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo, WidgetType, vec2,
};

/// Width of one column of the list.
const WIDTH: f32 = 360.0;
/// The groups of each column.
const COLUMNS: [&[Group]; 2] = [&[Group::Run, Group::Time, Group::Lineage], &[Group::Race, Group::File, Group::Window]];
/// Width of the column of keys.
const KEYS_WIDTH: f32 = 160.0;
/// Height of a row.
const ROW: f32 = 28.0;

/// The list over the window; Esc and a click beside it close it.
pub fn keys_ui(ctx: &Context, view: &ViewCtx<'_>) {
    let t = Tokens::of(ctx);
    let modal = Modal::new(Id::new("keys")).frame(modal_frame(t)).show(ctx, |ui| {
        let room = ui.ctx().content_rect().size() - vec2(24.0 * STEP, 40.0 * STEP);
        let wide = room.x >= 2.0 * WIDTH + 4.0 * STEP;
        ui.set_width(if wide { 2.0 * WIDTH + 4.0 * STEP } else { WIDTH.min(room.x) });
        let title = ui.label(text::rich("Keys", text::semibold(text::LARGE), t.text));
        title.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, "Every key"));
        ui.add_space(STEP);
        ScrollArea::vertical().max_height(room.y).show(ui, |ui| {
            if wide {
                ui.columns_const(|[left, right]: &mut [Ui; 2]| {
                    groups_ui(left, COLUMNS[0]);
                    groups_ui(right, COLUMNS[1]);
                });
            } else {
                groups_ui(ui, &Group::ALL);
            }
        });
        ui.add_space(2.0 * STEP);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| ui.button("Close").clicked()).inner
    });
    if modal.inner || modal.should_close() {
        view.send.send(AppCommand::ShowOverlay(None));
    }
}

fn groups_ui(ui: &mut Ui, groups: &[Group]) {
    let t = Tokens::of(ui.ctx());
    for group in groups {
        ui.add_space(2.0 * STEP);
        line_ui(ui, text::rich(group.name(), text::semibold(text::MEDIUM), t.text_soft));
        for row in ROWS.iter().filter(|row| row.group == *group) {
            row_ui(ui, row);
        }
    }
}

fn row_ui(ui: &mut Ui, row: &Row) {
    let t = Tokens::of(ui.ctx());
    let keys = row.shown(ui.ctx().os());
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    let galley = text::line(&painter, &keys, text::mono(text::SMALL), t.text, KEYS_WIDTH - 4.0 * STEP);
    let cap = egui::Rect::from_min_size(rect.min, galley.size() + vec2(4.0 * STEP, 1.5 * STEP));
    let cap = cap.translate(vec2(0.0, (ROW - cap.height()) / 2.0));
    painter.rect_filled(cap, RADIUS_SMALL, t.background);
    painter.rect_stroke(cap, RADIUS_SMALL, Stroke::new(1.0, t.line), StrokeKind::Inside);
    painter.galley(cap.center() - galley.size() / 2.0, galley, t.text);
    let at = egui::pos2(rect.left() + KEYS_WIDTH, rect.center().y);
    text::paint_line(&painter, at, row.name, text::regular(text::SMALL), t.text, rect.width() - KEYS_WIDTH);
    let name = format!("{keys}: {}", row.name);
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, &name));
}
