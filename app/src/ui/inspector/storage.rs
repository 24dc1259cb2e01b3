//! Each partition of the selected RDD: its sign, and which executors hold it.

use super::super::ViewCtx;
use super::listed;
use crate::command::{AppCommand, Focus};
use crate::model::{PartitionState, RddState, Sign};
use crate::theme::widgets::{heading_ui, line_ui, row_ui};
use crate::theme::{STEP, Tokens, format, text};
use crate::ui::cell;
use egui::{CursorIcon, Rect, Sense, Shape, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, WidgetType, vec2};
use faultline_engine::ids::{BlockId, PartitionId};

const CELL: f32 = 16.0;

/// One row per partition; a click asks why it was computed.
pub fn storage_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, rdd: &RddState, asked: Option<Focus>) {
    let t = Tokens::of(ui.ctx());
    let shown = listed(rdd);
    let bytes: u64 = rdd.partitions.iter().flat_map(|p| p.copies.values()).map(|c| c.memory_bytes + c.disk_bytes).sum();
    let aside = if bytes > 0 { format!("{} stored", format::bytes(bytes)) } else { String::new() };
    heading_ui(ui, "Partitions", &aside);
    ui.spacing_mut().item_spacing.y = STEP / 2.0;
    for (index, state) in rdd.partitions.iter().enumerate().take(shown) {
        let focus = Focus::Partition(BlockId::new(rdd.info.id, PartitionId(index as u32)));
        partition_ui(ui, ctx, rdd, PartitionId(index as u32), state, asked == Some(focus));
    }
    if rdd.partitions.len() > shown {
        let more = format!("and {} more", rdd.partitions.len() - shown);
        line_ui(ui, text::rich(more, text::regular(text::SMALL), t.text_faint));
    }
}

fn partition_ui(
    ui: &mut Ui,
    ctx: &ViewCtx<'_>,
    rdd: &RddState,
    partition: PartitionId,
    state: &PartitionState,
    asked: bool,
) {
    let t = Tokens::of(ui.ctx());
    let sign = rdd.cell(partition);
    let words = words(sign.sign, state);
    let behind = ui.painter().add(Shape::Noop);
    let row = ui.scope(|ui| {
        row_ui(
            ui,
            |ui| {
                let (area, _) = ui.allocate_exact_size(vec2(CELL, CELL), Sense::hover());
                let mut shapes = Vec::new();
                let square = Rect::from_center_size(area.center(), Vec2::splat(CELL));
                cell::shapes(sign, square, t, false, &mut shapes);
                if asked {
                    shapes.push(cell::selected(square, t));
                }
                ui.painter().extend(shapes);
                ui.label(text::rich(partition.to_string(), text::semibold(text::SMALL), t.text));
                line_ui(ui, text::rich(&words, text::regular(text::SMALL), t.text));
            },
            |ui| {
                let place = place(state);
                if !place.is_empty() {
                    line_ui(ui, text::rich(place, text::regular(text::SMALL), t.text_faint));
                }
            },
        );
    });
    let place = row.response.rect;
    let response = ui.interact(place, ui.id().with(("partition", partition)), Sense::click());
    response.widget_info(|| {
        WidgetInfo::selected(WidgetType::Button, true, asked, format!("Partition {partition}, {words}"))
    });
    if asked || response.hovered() || response.has_focus() {
        ui.painter().set(behind, Shape::rect_filled(place.expand2(vec2(STEP, 1.0)), STEP, t.raised));
    }
    if response.has_focus() {
        let stroke = Stroke::new(1.0, t.selection);
        ui.painter().rect_stroke(place.expand2(vec2(STEP, 1.0)), STEP, stroke, StrokeKind::Inside);
    }
    if response.on_hover_cursor(CursorIcon::PointingHand).clicked() {
        ctx.send.send(AppCommand::Focus(Focus::Partition(BlockId::new(rdd.info.id, partition))));
    }
}

fn words(sign: Sign, state: &PartitionState) -> String {
    match (sign, state.lost_with) {
        (Sign::Lost, Some(executor)) => format!("lost with executor {executor}"),
        _ => sign.name().to_owned(),
    }
}

fn place(state: &PartitionState) -> String {
    let holders: Vec<String> = state.copies.keys().map(ToString::to_string).collect();
    match holders.len() {
        0 => String::new(),
        1 => format!("executor {}", holders[0]),
        _ => format!("executors {}", holders.join(", ")),
    }
}
