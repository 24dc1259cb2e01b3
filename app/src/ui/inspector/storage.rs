//! Each partition of the selected RDD: its sign, and which executors hold it.

use super::listed;
use crate::model::{PartitionState, RddState, Sign};
use crate::theme::widgets::{heading_ui, line_ui, row_ui};
use crate::theme::{STEP, Tokens, format, text};
use crate::ui::cell;
use egui::{Rect, Sense, Ui, Vec2, vec2};
use faultline_engine::ids::PartitionId;

const CELL: f32 = 16.0;

/// One row per partition.
pub fn storage_ui(ui: &mut Ui, rdd: &RddState) {
    let t = Tokens::of(ui.ctx());
    let shown = listed(rdd);
    let bytes: u64 = rdd.partitions.iter().flat_map(|p| p.copies.values()).map(|c| c.memory_bytes + c.disk_bytes).sum();
    let aside = if bytes > 0 { format!("{} stored", format::bytes(bytes)) } else { String::new() };
    heading_ui(ui, "Partitions", &aside);
    ui.spacing_mut().item_spacing.y = STEP / 2.0;
    for (index, state) in rdd.partitions.iter().enumerate().take(shown) {
        partition_ui(ui, rdd, PartitionId(index as u32), state);
    }
    if rdd.partitions.len() > shown {
        let more = format!("and {} more", rdd.partitions.len() - shown);
        line_ui(ui, text::rich(more, text::regular(text::SMALL), t.text_faint));
    }
}

fn partition_ui(ui: &mut Ui, rdd: &RddState, partition: PartitionId, state: &PartitionState) {
    let t = Tokens::of(ui.ctx());
    let sign = rdd.cell(partition);
    row_ui(
        ui,
        |ui| {
            let (area, _) = ui.allocate_exact_size(vec2(CELL, CELL), Sense::hover());
            let mut shapes = Vec::new();
            let square = Rect::from_center_size(area.center(), Vec2::splat(CELL));
            cell::shapes(sign, square, t, false, &mut shapes);
            ui.painter().extend(shapes);
            ui.label(text::rich(partition.to_string(), text::semibold(text::SMALL), t.text));
            line_ui(ui, text::rich(words(sign.sign, state), text::regular(text::SMALL), t.text));
        },
        |ui| {
            let place = place(state);
            if !place.is_empty() {
                line_ui(ui, text::rich(place, text::regular(text::SMALL), t.text_faint));
            }
        },
    );
}

fn words(sign: Sign, state: &PartitionState) -> String {
    match (sign, state.lost_with) {
        (Sign::Lost, Some(executor)) => format!("lost with executor {executor}"),
        (Sign::ReadBack, _) => "read back".to_owned(),
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
