//! A checkpoint directory over the window: what a driver would go on from, read again and ignore.

use super::ViewCtx;
use crate::command::AppCommand;
use crate::state::checkpoint_report::{CheckpointReport, Line, LineKind, Section};
use crate::theme::widgets::{line_ui, modal_frame};
use crate::theme::{STEP, Tokens, text};
use egui::{Align, Context, Id, Layout, Modal, ScrollArea, Sense, Ui, WidgetInfo, WidgetType, vec2};

/// Widest it becomes.
const WIDTH: f32 = 820.0;
/// Height of a line.
const ROW: f32 = 24.0;

/// The report over the window; Esc and a click beside it close it.
pub fn checkpoint_ui(ctx: &Context, view: &ViewCtx<'_>, report: &CheckpointReport) {
    let t = Tokens::of(ctx);
    let modal = Modal::new(Id::new("checkpoint directory")).frame(modal_frame(t)).show(ctx, |ui| {
        let room = ui.ctx().content_rect().size() - vec2(24.0 * STEP, 40.0 * STEP);
        ui.set_width(WIDTH.min(room.x));
        let title = ui.label(text::rich("Checkpoint directory", text::semibold(text::LARGE), t.text));
        title.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, "Checkpoint directory"));
        line_ui(ui, text::rich(&report.directory, text::mono(text::SMALL), t.text_soft));
        ui.add_space(STEP);
        ScrollArea::vertical().max_height(room.y).auto_shrink([false, true]).show(ui, |ui| {
            report.sections.iter().for_each(|section| section_ui(ui, section));
        });
        ui.add_space(2.0 * STEP);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| ui.button("Close").clicked()).inner
    });
    if modal.inner || modal.should_close() {
        view.send.send(AppCommand::ShowOverlay(None));
    }
}

fn section_ui(ui: &mut Ui, section: &Section) {
    let t = Tokens::of(ui.ctx());
    ui.add_space(2.0 * STEP);
    line_ui(ui, text::rich(&section.title, text::semibold(text::MEDIUM), t.text_soft));
    section.lines.iter().for_each(|line| row_ui(ui, line));
}

fn row_ui(ui: &mut Ui, line: &Line) {
    let t = Tokens::of(ui.ctx());
    let (colour, sign) = match line.kind {
        LineKind::Plain => (t.text, ""),
        LineKind::Chosen => (t.selection, "→"),
        LineKind::Damaged => (t.lost, "✗"),
    };
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, &line.text));
    response.on_hover_text(&line.text);
    if !ui.is_rect_visible(rect) {
        return;
    }
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    let at = rect.left_center();
    text::paint_line(&painter, at, sign, text::mono(text::SMALL), colour, 4.0 * STEP);
    let at = at + vec2(5.0 * STEP, 0.0);
    text::paint_line(&painter, at, &line.text, text::mono(text::SMALL), colour, rect.width() - 5.0 * STEP);
}
