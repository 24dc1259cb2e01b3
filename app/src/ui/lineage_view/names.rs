//! Names and controls of visible nodes: egui_graphs paints nodes that assistive technology and tests
//! cannot see, so each visible one gets a control of its own on top.

use super::camera::View;
use super::cells;
use super::detail::Detail;
use crate::scene::{Node, NodeKey};
use crate::ui::{ViewCtx, keeping};
use egui::{Pos2, Rect, Sense, Ui, WidgetInfo, WidgetType};

/// With more nodes in view only the selected one has a control; a click then goes through egui_graphs.
const MAX_NAMED_NODES: usize = 600;

/// One control per visible node; a click selects it, or the cell that was hit.
pub fn names_ui(ui: &Ui, ctx: &ViewCtx<'_>, canvas: Rect, view: View) {
    let clip = ui.clip_rect().intersect(canvas);
    let mut visible: Vec<_> = visible(ctx, canvas, clip, view).take(MAX_NAMED_NODES + 1).collect();
    if visible.len() > MAX_NAMED_NODES {
        crowd_ui(ui, ctx, clip);
        let is_selected = |node: &&Node| ctx.selection == Some(node.key);
        let node = ctx.selection.and_then(|_| ctx.scene.nodes.iter().find(is_selected));
        visible = node.map(|node| (node, view.rect(canvas, node.rect).intersect(clip))).into_iter().collect();
        visible.retain(|(_, rect)| rect.is_positive());
    }
    for (node, rect) in visible {
        let selected = ctx.selection == Some(node.key);
        let mut response = ui.interact(rect, ui.id().with(("node", node.key)), Sense::click());
        response = response.on_hover_cursor(egui::CursorIcon::PointingHand);
        if Detail::at(view.zoom) < Detail::Full {
            response = response.on_hover_text(&node.label);
        }
        response.widget_info(|| WidgetInfo::selected(WidgetType::Button, true, selected, &node.label));
        if response.has_focus() {
            let stroke = egui::Stroke::new(2.0, crate::theme::Tokens::of(ui.ctx()).selection);
            ui.painter_at(clip).rect_stroke(rect, 6.0, stroke, egui::StrokeKind::Outside);
        }
        if ctx.controllable
            && let Some(rdd) = node.rdds.last().and_then(|rdd| ctx.model.rdds.get(rdd))
        {
            response.context_menu(|ui| keeping::menu_ui(ui, ctx, rdd));
        }
        if response.clicked() {
            let whole = view.rect(canvas, node.rect);
            ctx.send.send(cells::clicked(node, whole, view, response.interact_pointer_pos()));
        }
    }
}

/// The nodes that can be seen, and where.
pub fn visible<'a>(
    ctx: &ViewCtx<'a>,
    canvas: Rect,
    clip: Rect,
    view: View,
) -> impl Iterator<Item = (&'a Node, Rect)> + use<'a> {
    let on_screen = move |node: &'a Node| (node, view.rect(canvas, node.rect).intersect(clip));
    ctx.scene.nodes.iter().map(on_screen).filter(|(_, rect)| rect.is_positive())
}

/// The topmost node at a point of the screen.
pub fn node_at(ctx: &ViewCtx<'_>, canvas: Rect, view: View, at: Pos2) -> Option<NodeKey> {
    let hit = ctx.scene.nodes.iter().rev().find(|node| view.rect(canvas, node.rect).contains(at));
    hit.map(|node| node.key)
}

/// Says instead of thousands of names how many there are, and the way to them.
fn crowd_ui(ui: &Ui, ctx: &ViewCtx<'_>, clip: Rect) {
    let response = ui.interact(clip, ui.id().with("crowd"), Sense::focusable_noninteractive());
    let nodes = crate::theme::format::count(ctx.scene.nodes.len() as u64, "node");
    response.widget_info(|| {
        WidgetInfo::labeled(WidgetType::Label, true, format!("Lineage of {nodes}; zoom in to name them"))
    });
}
