//! Cells inside nodes as things to click: a click on a cell asks why that partition was computed.

use super::camera::View;
use super::node_shape::cell_places;
use crate::command::{AppCommand, Focus};
use crate::scene::{Node, NodeKey};
use crate::theme::Tokens;
use crate::ui::{ViewCtx, cell};
use egui::{CursorIcon, Pos2, Rect, Sense, Ui, WidgetInfo, WidgetType};
use faultline_engine::ids::{BlockId, PartitionId};

/// Around a cell a click still counts.
const REACH: f32 = 1.0;

/// What a click at `pos` on a node means: its cell there, else the node.
pub fn clicked(node: &Node, rect: Rect, view: View, pos: Option<Pos2>) -> AppCommand {
    let hit = |pos: Pos2| cell_places(node, rect, view.zoom).find(|(_, place)| place.expand(REACH).contains(pos));
    match (node.rdds.last(), pos.and_then(hit)) {
        (Some(rdd), Some((cell, _))) => AppCommand::Focus(Focus::Partition(BlockId::new(*rdd, cell.partition))),
        _ => AppCommand::Select(Some(node.key)),
    }
}

/// What a click on a node means that has no control of its own.
pub fn clicked_key(ctx: &ViewCtx<'_>, key: NodeKey, canvas: Rect, view: View, pos: Option<Pos2>) -> AppCommand {
    let node = ctx.scene.nodes.iter().find(|node| node.key == key);
    node.map_or(AppCommand::Select(Some(key)), |node| clicked(node, view.rect(canvas, node.rect), view, pos))
}

/// The cells of the selected node, each a control of its own, and a frame around the one asked about.
pub fn cells_ui(ui: &Ui, ctx: &ViewCtx<'_>, canvas: Rect, view: View) {
    let Some(node) = ctx.selection.and_then(|key| ctx.scene.nodes.iter().find(|node| node.key == key)) else {
        return;
    };
    let Some(&rdd) = node.rdds.last() else { return };
    let clip = ui.clip_rect().intersect(canvas);
    let t = Tokens::of(ui.ctx());
    for (shown, place) in cell_places(node, view.rect(canvas, node.rect), view.zoom) {
        if !clip.intersects(place) {
            continue;
        }
        let focus = Focus::Partition(BlockId::new(rdd, shown.partition));
        let asked = ctx.focus == Some(focus);
        let response = ui.interact(place.intersect(clip), id(ui, node.key, shown.partition), Sense::click());
        let name = format!("Cell {}, {}, {}", shown.partition, shown.sign.name(), place_of(node));
        response.widget_info(|| WidgetInfo::selected(WidgetType::Button, true, asked, &name));
        if asked || response.has_focus() {
            ui.painter_at(clip).add(cell::selected(place, t));
        }
        if response.on_hover_cursor(CursorIcon::PointingHand).on_hover_text(name).clicked() {
            ctx.send.send(AppCommand::Focus(focus));
        }
    }
}

fn id(ui: &Ui, node: NodeKey, partition: PartitionId) -> egui::Id {
    ui.id().with(("cell", node, partition))
}

fn place_of(node: &Node) -> String {
    node.batch.map_or_else(|| node.title.clone(), |batch| format!("{}, batch {batch}", node.title))
}
