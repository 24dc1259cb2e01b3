//! How docked panels look and what is drawn in them.

use super::sizes::GAP;
use super::{Pane, grip};
use crate::command::{AppCommand, Page};
use crate::state::UiState;
use crate::theme::{RADIUS_SMALL, STEP, Tokens, text};
use crate::ui::ViewCtx;
use crate::ui::shell::{Panels, pane_ui};
use egui::accesskit::Role;
use egui::{
    Color32, Id, Response, Sense, Stroke, Style, Ui, UiBuilder, Visuals, WidgetInfo, WidgetText, WidgetType, vec2,
};
use egui_tiles::{
    Behavior, Container, ResizeState, SimplificationOptions, TabState, Tabs, Tile, TileId, Tiles, UiResponse,
};

/// Height of a row of tabs.
const TABS: f32 = 36.0;

/// The panels of one frame.
pub(super) struct Docked<'a, 'm> {
    pub ctx: &'a ViewCtx<'m>,
    pub panels: &'a mut Panels,
    pub state: &'a mut UiState,
    /// Panels that have a tab, and so need no handle.
    pub tabbed: Vec<Pane>,
}

impl Docked<'_, '_> {
    fn title(&mut self, tiles: &Tiles<Pane>, tile: TileId) -> String {
        match tiles.get(tile) {
            Some(Tile::Pane(Pane::Findings)) => match self.panels.findings.count(self.ctx.model) {
                0 => Pane::Findings.name().to_owned(),
                n => format!("{} {n}", Pane::Findings.name()),
            },
            Some(Tile::Pane(pane)) => pane.name().to_owned(),
            Some(Tile::Container(container)) => {
                let names: Vec<&str> =
                    container.children().filter_map(|id| tiles.get_pane(id)).map(|pane| pane.name()).collect();
                names.join(", ")
            }
            None => String::new(),
        }
    }
}

impl Behavior<Pane> for Docked<'_, '_> {
    fn pane_ui(&mut self, ui: &mut Ui, _: TileId, pane: &mut Pane) -> UiResponse {
        let whole = ui.max_rect();
        let mut inner = ui.new_child(UiBuilder::new().id_salt(pane.name()).max_rect(whole));
        inner.set_clip_rect(inner.clip_rect().intersect(whole));
        pane_ui(&mut inner, *pane, self.ctx, self.panels, self.state);
        // Screen readers go from panel to panel.
        ui.ctx().accesskit_node_builder(inner.unique_id(), |node| {
            node.set_role(Role::Pane);
            node.set_label(pane.name());
        });
        let moved = !self.tabbed.contains(pane) && grip::grip_ui(ui, *pane);
        if moved { UiResponse::DragStarted } else { UiResponse::None }
    }

    fn tab_title_for_pane(&mut self, pane: &Pane) -> WidgetText {
        pane.name().into()
    }

    fn tab_ui(&mut self, tiles: &mut Tiles<Pane>, ui: &mut Ui, id: Id, tile: TileId, state: &TabState) -> Response {
        let t = Tokens::of(ui.ctx());
        let title = self.title(tiles, tile);
        let color = if state.active { t.text } else { t.text_soft };
        let font = if state.active { text::semibold(text::SMALL) } else { text::regular(text::SMALL) };
        let galley = ui.painter().layout_no_wrap(title.clone(), font, color);
        let (_, slot) = ui.allocate_space(vec2(galley.size().x + 7.0 * STEP, ui.available_height()));
        let response = ui.interact(slot, id, Sense::click_and_drag());
        response.widget_info(|| WidgetInfo::selected(WidgetType::Button, true, state.active, &title));
        let pill = slot.shrink2(vec2(0.5 * STEP, STEP));
        if state.active || response.hovered() {
            ui.painter().rect_filled(pill, RADIUS_SMALL, t.raised);
        }
        if response.has_focus() {
            ui.painter().rect_stroke(pill, RADIUS_SMALL, Stroke::new(2.0, t.selection), egui::StrokeKind::Inside);
        }
        if !state.is_being_dragged {
            ui.painter().galley(pill.center() - galley.size() / 2.0, galley, color);
        }
        response
    }

    fn tab_bar_trailing_ui(&mut self, tiles: &Tiles<Pane>, ui: &mut Ui, _: TileId, tabs: &Tabs) {
        let holds_timeline = tabs.children.iter().any(|id| tiles.get_pane(id) == Some(&Pane::Timeline));
        if !holds_timeline {
            return;
        }
        let t = Tokens::of(ui.ctx());
        let words = text::rich("Race…", text::regular(text::SMALL), t.text_soft);
        let button = ui.add(egui::Button::new(words).frame(false).min_size(vec2(12.0 * STEP, 7.0 * STEP)));
        button.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, "Race"));
        if button.on_hover_text("The same fault under several policies, key R").clicked() {
            self.ctx.send.send(AppCommand::ShowPage(Page::Race));
        }
    }

    fn tab_bar_height(&self, _: &Style) -> f32 {
        TABS
    }

    fn gap_width(&self, _: &Style) -> f32 {
        GAP
    }

    fn min_size(&self) -> f32 {
        96.0
    }

    fn simplification_options(&self) -> SimplificationOptions {
        SimplificationOptions { all_panes_must_have_tabs: false, ..SimplificationOptions::default() }
    }

    fn resize_stroke(&self, style: &Style, state: ResizeState) -> Stroke {
        match state {
            ResizeState::Idle => Stroke::new(GAP, style.visuals.widgets.noninteractive.bg_stroke.color),
            ResizeState::Hovering => Stroke::new(2.0, style.visuals.widgets.hovered.fg_stroke.color),
            ResizeState::Dragging => Stroke::new(2.0, style.visuals.selection.stroke.color),
        }
    }

    fn tab_bar_color(&self, visuals: &Visuals) -> Color32 {
        visuals.panel_fill
    }

    fn tab_bar_hline_stroke(&self, _: &Visuals) -> Stroke {
        Stroke::NONE
    }

    fn drag_ui(&mut self, tiles: &Tiles<Pane>, ui: &mut Ui, tile: TileId) {
        let title = self.title(tiles, tile);
        egui::Frame::popup(ui.style()).show(ui, |ui| ui.label(title));
    }

    fn is_tile_draggable(&self, tiles: &Tiles<Pane>, tile: TileId) -> bool {
        // A row or column moves by its panels.
        !matches!(tiles.get(tile), Some(Tile::Container(Container::Linear(_))))
    }
}
