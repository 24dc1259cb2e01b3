//! One cell of the matrix: the partitions of one place, each with its sign, or counts per sign.

use crate::command::{AppCommand, Focus};
use crate::model::Sign;
use crate::scene::storage::{MatrixCell, RddStorage, cell_counts};
use crate::theme::{STEP, Tokens, format, text};
use crate::ui::table::focus_ring;
use crate::ui::{ViewCtx, cell};
use egui::{Rect, Sense, Ui, Vec2, WidgetInfo, WidgetType, pos2, vec2};
use faultline_engine::ids::BlockId;

/// Side of a sign.
const SIGN: f32 = 13.0;

/// Where the cells of the row are, in words: `executor 2` or `the reliable store`.
pub(super) struct CellOf<'a> {
    /// `updateStateByKey, batch 7`.
    pub row: &'a str,
    /// `executor 2`.
    pub place: &'a str,
    /// The RDD of the row.
    pub rdd: &'a RddStorage,
}

/// Draws the partitions with their numbers while they fit, else how many show each sign.
pub(super) fn partitions_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, of: &CellOf<'_>, cells: &[MatrixCell]) {
    let area = ui.max_rect();
    let digits = cells.iter().map(|c| c.cell.partition.0).max().unwrap_or(0).checked_ilog10().unwrap_or(0) + 1;
    let pitch = SIGN + STEP + digits as f32 * 8.0 + STEP;
    if cells.len() as f32 * pitch > area.width() + STEP {
        counts_ui(ui, of, &cell_counts(cells));
        return;
    }
    for (index, shown) in cells.iter().enumerate() {
        let at = pos2(area.left() + index as f32 * pitch, area.top());
        partition_ui(ui, ctx, of, shown, Rect::from_min_size(at, vec2(pitch - STEP, area.height())));
    }
    let used = cells.len() as f32 * pitch + STEP;
    let bytes: u64 = cells.iter().map(|c| c.copy.memory_bytes + c.copy.disk_bytes).sum();
    if bytes > 0 && area.width() - used > 64.0 {
        let t = Tokens::of(ui.ctx());
        let at = pos2(area.left() + used, area.center().y);
        let room = area.right() - at.x;
        text::paint_line(ui.painter(), at, &format::bytes(bytes), text::regular(text::SMALLEST), t.text_faint, room);
    }
}

fn partition_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, of: &CellOf<'_>, shown: &MatrixCell, rect: Rect) {
    let t = Tokens::of(ui.ctx());
    let id = shown.cell.partition;
    let block = BlockId::new(of.rdd.rdd, id);
    let salt = (of.place, block, shown.cell.sign);
    let response = ui.interact(rect, ui.id().with(salt), Sense::click());
    let name = format!("{}, partition {id}, {}, {}", of.row, shown.cell.sign.name(), of.place);
    let selected = ctx.focus == Some(Focus::Partition(block));
    response.widget_info(|| WidgetInfo::selected(WidgetType::Button, true, selected, &name));
    if selected || response.has_focus() {
        focus_ring(ui, rect.expand2(vec2(STEP * 0.5, -STEP * 0.25)));
    } else if response.hovered() {
        ui.painter().rect_filled(rect.expand2(vec2(STEP * 0.5, -STEP * 0.25)), STEP, t.line);
    }
    let mut shapes = Vec::new();
    let square = Rect::from_min_size(pos2(rect.left(), rect.center().y - SIGN / 2.0), Vec2::splat(SIGN));
    cell::shapes(shown.cell, square, t, false, &mut shapes);
    ui.painter().extend(shapes);
    let at = pos2(square.right() + STEP * 0.75, rect.center().y);
    text::paint_line(ui.painter(), at, &id.to_string(), text::mono(text::SMALLEST), t.text_soft, 64.0);
    if response.clicked() {
        ctx.send.send(AppCommand::Focus(Focus::Partition(block)));
    }
    response.on_hover_ui_at_pointer(|ui| {
        let line = |ui: &mut Ui, words: String| ui.label(text::rich(words, text::regular(text::SMALL), t.text_soft));
        ui.label(text::rich(
            format!("Partition {id}, {}", shown.cell.sign.name()),
            text::semibold(text::SMALL),
            t.text,
        ));
        line(ui, format!("{}, {}", of.row, of.place));
        if shown.copy.memory_bytes + shown.copy.disk_bytes > 0 {
            let (memory, disk) = (format::bytes(shown.copy.memory_bytes), format::bytes(shown.copy.disk_bytes));
            line(ui, format!("{memory} in memory, {disk} on disk"));
        }
        let wanted = of.rdd.level.replication;
        if shown.cell.copies > 0 {
            let copies = if shown.cell.copies == 1 { "copy" } else { "copies" };
            line(ui, format!("{} {copies} in executors, {wanted} asked for", shown.cell.copies));
        }
        if shown.cell.checkpointed {
            line(ui, "Also in a checkpoint".to_owned());
        }
    });
}

/// Counts per sign in one line, with a name that says them.
pub(super) fn counts_ui(ui: &mut Ui, of: &CellOf<'_>, counts: &[(Sign, u32)]) {
    let t = Tokens::of(ui.ctx());
    let area = ui.max_rect();
    if counts.is_empty() {
        return;
    }
    let words: Vec<String> = counts.iter().map(|(sign, n)| format!("{n} {}", sign.name())).collect();
    let name = format!("{}, {}, {}", of.row, of.place, words.join(", "));
    let response = ui.interact(area, ui.id().with(("counts", of.place)), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, &name));
    response.on_hover_text(words.join(", "));
    let mut x = area.left();
    let mut shapes = Vec::new();
    for (sign, count) in counts {
        let number = format::number((*count).into());
        let width = SIGN + STEP + number.len() as f32 * 8.0 + STEP;
        if x + width > area.right() + STEP {
            let at = pos2(x, area.center().y);
            text::paint_line(ui.painter(), at, "…", text::regular(text::SMALL), t.text_faint, 16.0);
            break;
        }
        let square = Rect::from_min_size(pos2(x, area.center().y - SIGN / 2.0), Vec2::splat(SIGN));
        cell::shapes(cell::plain(*sign), square, t, false, &mut shapes);
        let at = pos2(square.right() + STEP * 0.75, area.center().y);
        text::paint_line(ui.painter(), at, &number, text::mono(text::SMALLEST), t.text_soft, 80.0);
        x += width;
    }
    ui.painter().extend(shapes);
}
