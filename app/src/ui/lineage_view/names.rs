//! Names and controls of visible nodes: egui_graphs paints nodes that assistive technology and tests
//! cannot see, so each visible one gets a control of its own on top.

use super::camera::View;
use super::cells;
use super::detail::Detail;
use crate::ui::ViewCtx;
use egui::{Rect, Sense, Ui, WidgetInfo, WidgetType};

/// With more nodes in view none has a control; a click then goes through egui_graphs.
const MAX_NAMED_NODES: usize = 600;

/// One control per visible node; a click selects it, or the cell that was hit.
pub fn names_ui(ui: &Ui, ctx: &ViewCtx<'_>, canvas: Rect, view: View) {
    let clip = ui.clip_rect().intersect(canvas);
    let visible: Vec<_> = ctx
        .scene
        .nodes
        .iter()
        .map(|node| (node, view.rect(canvas, node.rect).intersect(clip)))
        .filter(|(_, rect)| rect.is_positive())
        .take(MAX_NAMED_NODES + 1)
        .collect();
    if visible.len() > MAX_NAMED_NODES {
        return;
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
        if response.clicked() {
            let whole = view.rect(canvas, node.rect);
            ctx.send.send(cells::clicked(node, whole, view, response.interact_pointer_pos()));
        }
    }
}
