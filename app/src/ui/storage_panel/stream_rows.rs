//! The rows of the files with which a stream goes on after its driver.

use crate::model::GraphFile;
use crate::scene::storage::StreamFiles;
use crate::theme::widgets::line_ui;
use crate::theme::{STEP, Tokens, format, text};
use crate::ui::ViewCtx;
use crate::ui::table::{NOTHING, expander_ui, number_ui, words_ui};
use crate::ui::timeline_panel::clock;
use egui::{Sense, Shape, Stroke, Ui, Vec2, WidgetInfo, WidgetType, vec2};
use egui_extras::TableRow;
use faultline_engine::event::CheckpointedAfter;

/// The directory; says whether it was opened or closed.
pub(super) fn directory_ui(row: &mut TableRow<'_, '_>, ctx: &ViewCtx<'_>, files: &StreamFiles, open: bool) -> bool {
    let directory = format!("{}/", files.directory);
    let count = files.graphs.len();
    let mut toggled = false;
    row.col(|ui| {
        let t = Tokens::of(ui.ctx());
        ui.spacing_mut().item_spacing.x = STEP;
        toggled = expander_ui(ui, open, &directory).clicked();
        line_ui(ui, text::rich(&directory, text::mono(text::SMALLEST), t.text)).on_hover_text(&directory);
    });
    row.col(|ui| {
        let t = Tokens::of(ui.ctx());
        let damaged = if files.damaged > 0 { format!(", {} damaged", files.damaged) } else { String::new() };
        let words = format!("{}{damaged}", format::count(count as u64, "graph checkpoint"));
        let hover = "What a driver goes on from: the streams, their batches, and where what they saved is";
        line_ui(ui, text::rich(words, text::regular(text::SMALL), t.text)).on_hover_text(hover);
    });
    row.col(|ui| number_ui(ui, &count.to_string()));
    row.col(|ui| number_ui(ui, &format::number(files.bytes)));
    row.col(|_| {});
    row.col(|ui| {
        let t = Tokens::of(ui.ctx());
        if let Some(epoch) = ctx.model.driver.epoch {
            words_ui(ui, &format!("epoch {epoch} drives it"), t.text_soft);
        }
    });
    toggled
}

/// One graph checkpoint.
pub(super) fn graph_ui(row: &mut TableRow<'_, '_>, ctx: &ViewCtx<'_>, path: &str, file: &GraphFile) {
    let name = path.rsplit('/').next().unwrap_or(path);
    let holds = match file.written {
        Some(written) => {
            let after = match written.after {
                CheckpointedAfter::Generation => "generated",
                CheckpointedAfter::Completion => "completed",
            };
            format!("batch {} {after}, epoch {}", written.batch, written.epoch)
        }
        None => "of an earlier run".to_owned(),
    };
    let holds = if file.damaged { format!("damaged, {holds}") } else { holds };
    row.col(|ui| {
        let t = Tokens::of(ui.ctx());
        ui.spacing_mut().item_spacing.x = STEP;
        ui.add_space(5.0 * STEP);
        sign_ui(ui, file.damaged);
        let color = if file.damaged { t.lost } else { t.text_soft };
        // All begin alike, and the room is short.
        let short = name.strip_prefix("checkpoint-").map_or_else(|| name.to_owned(), |time| format!("…{time}"));
        let response = line_ui(ui, text::rich(short, text::mono(text::SMALLEST), color));
        let spoken = format!("{name}, {holds}");
        response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, &spoken));
        response.on_hover_text(path);
    });
    row.col(|ui| {
        let t = Tokens::of(ui.ctx());
        words_ui(ui, &holds, if file.damaged { t.lost } else { t.text_soft });
    });
    row.col(|_| {});
    row.col(|ui| number_ui(ui, &file.written.map_or_else(|| NOTHING.to_owned(), |w| format::number(w.bytes))));
    row.col(|_| {});
    row.col(|ui| {
        let t = Tokens::of(ui.ctx());
        let words = match file.written {
            _ if file.damaged => "could not be used".to_owned(),
            Some(written) => format!("at {}", clock(ctx.model, written.at)),
            None => String::new(),
        };
        words_ui(ui, &words, t.text_soft);
    });
}

/// A page, or a page that is crossed out.
fn sign_ui(ui: &mut Ui, damaged: bool) {
    let t = Tokens::of(ui.ctx());
    let (place, _) = ui.allocate_exact_size(Vec2::splat(3.0 * STEP), Sense::hover());
    let color = if damaged { t.lost } else { t.checkpoint };
    let page = egui::Rect::from_center_size(place.center(), vec2(9.0, 11.0));
    ui.painter().rect_stroke(page, 1.0, Stroke::new(1.0, color), egui::StrokeKind::Inside);
    if damaged {
        for direction in [vec2(4.0, 4.0), vec2(4.0, -4.0)] {
            let ends = [page.center() - direction, page.center() + direction];
            ui.painter().add(Shape::line_segment(ends, Stroke::new(1.5, color)));
        }
        return;
    }
    for y in [-2.0, 1.0] {
        let y = page.center().y + y;
        ui.painter().hline(page.left() + 2.5..=page.right() - 2.5, y, Stroke::new(1.0, color));
    }
}
